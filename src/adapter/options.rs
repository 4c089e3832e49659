//! What a server accepts and how a client connects, the same for every adapter.
//!
//! ```
//! use websocket_proto::adapter::{AcceptOptions, ConnectOptions};
//! use websocket_proto::handshake::OriginPolicy;
//!
//! let server = AcceptOptions::new()
//!     .with_origins(OriginPolicy::List(&["https://app.example"]))
//!     .with_subprotocols(&["chat.v2", "chat.v1"]);
//! let client = ConnectOptions::new()
//!     .with_subprotocols(&["chat.v1"])
//!     .with_origin("https://app.example");
//! # let _ = (server, client);
//! ```

use core::time::Duration;
#[cfg(feature = "tls")]
use std::sync::Arc;

#[cfg(feature = "tls")]
use ::rustls::{ClientConfig, ServerConfig};

use crate::config::Config;
#[cfg(any(feature = "deflate", feature = "inflate"))]
use crate::handshake::DeflateConfig;
use crate::handshake::{
    Accept, ClientRequest, OriginPolicy, Rejection, Request, Url, choose_subprotocol,
};

/// How long a write may take by default.
const WRITE_TIMEOUT: Option<Duration> = Some(Duration::from_secs(30));

/// The defaults of an adapter: those of the machine, and keepalive on.
fn default_config() -> Config {
    Config::new().with_ping_interval(Some(Duration::from_secs(20)))
}

/// What a server accepts.
///
/// ```
/// use websocket_proto::adapter::AcceptOptions;
/// use websocket_proto::handshake::OriginPolicy;
///
/// let options = AcceptOptions::new()
///     .with_origins(OriginPolicy::List(&["https://app.example"]))
///     .with_subprotocols(&["chat.v2", "chat.v1"]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AcceptOptions<'a> {
    config: Config,
    origins: OriginPolicy<'a>,
    subprotocols: &'a [&'a str],
    write_timeout: Option<Duration>,
    #[cfg(feature = "tls")]
    tls: Option<&'a Arc<ServerConfig>>,
    #[cfg(any(feature = "deflate", feature = "inflate"))]
    deflate: Option<DeflateConfig>,
}

impl Default for AcceptOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> AcceptOptions<'a> {
    /// The defaults: browsers from pages of the same host only, no subprotocol, a Ping after 20 s of
    /// silence, 20 s for its Pong, 10 s for the opening handshake, 30 s for a write.
    #[must_use]
    pub fn new() -> Self {
        Self {
            config: default_config(),
            origins: OriginPolicy::SameHost,
            subprotocols: &[],
            write_timeout: WRITE_TIMEOUT,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(any(feature = "deflate", feature = "inflate"))]
            deflate: None,
        }
    }

    /// Limits and deadlines of the connection.
    #[must_use]
    pub const fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// From whose pages browsers may connect (RFC 6455 §10.2). Others get 403.
    #[must_use]
    pub const fn with_origins(mut self, origins: OriginPolicy<'a>) -> Self {
        self.origins = origins;
        self
    }

    /// How long one write may wait for a peer that doesn't read; 30 s by default.
    #[must_use]
    pub const fn with_write_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Agrees to compress messages with clients that offer it (RFC 7692).
    #[cfg(any(feature = "deflate", feature = "inflate"))]
    #[must_use]
    pub const fn with_deflate(mut self, config: DeflateConfig) -> Self {
        self.deflate = Some(config);
        self
    }

    /// Does TLS as this says, before everything else.
    #[cfg(feature = "tls")]
    #[must_use]
    pub const fn with_tls(mut self, config: &'a Arc<ServerConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Subprotocols that are spoken, the preferred ones first.
    #[must_use]
    pub const fn with_subprotocols(mut self, subprotocols: &'a [&'a str]) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// See [`with_config`](Self::with_config).
    #[must_use]
    pub const fn config(&self) -> Config {
        self.config
    }

    /// See [`with_write_timeout`](Self::with_write_timeout).
    #[must_use]
    pub const fn write_timeout(&self) -> Option<Duration> {
        self.write_timeout
    }

    /// See [`with_tls`](Self::with_tls).
    #[cfg(feature = "tls")]
    #[must_use]
    pub const fn tls(&self) -> Option<&'a Arc<ServerConfig>> {
        self.tls
    }

    /// The answer to a request: 403 for a page from elsewhere, else as `decide` says; where it names no
    /// subprotocol, or says nothing of compression, with what is preferred here.
    ///
    /// # Errors
    /// The rejection that is to be sent.
    pub fn answer(
        &self,
        request: &Request<'_>,
        decide: impl FnOnce(&Request<'_>) -> Result<Accept<'a>, Rejection<'a>>,
    ) -> Result<Accept<'a>, Rejection<'a>> {
        // RFC 6455 §4.2.2-3
        if request.is_upgrade() && !self.origins.allows(request) {
            return Err(Rejection::new(403));
        }
        let accept = decide(request)?;
        #[cfg(any(feature = "deflate", feature = "inflate"))]
        let accept = match (accept.deflate(), self.deflate) {
            (None, Some(config)) => accept.with_deflate(config),
            _ => accept,
        };
        let preferred = choose_subprotocol(request, self.subprotocols);
        Ok(match (accept.subprotocol(), preferred) {
            (None, Some(name)) => accept.with_subprotocol(name),
            _ => accept,
        })
    }
}

/// How a client connects.
///
/// ```
/// use std::time::Duration;
/// use websocket_proto::adapter::ConnectOptions;
///
/// let options = ConnectOptions::new()
///     .with_subprotocols(&["chat.v2", "chat.v1"])
///     .with_fields(&[("Authorization", "Bearer 123")])
///     .with_origin("https://app.example")
///     .with_connect_timeout(Some(Duration::from_secs(3)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ConnectOptions<'a> {
    config: Config,
    subprotocols: &'a [&'a str],
    fields: &'a [(&'a str, &'a str)],
    origin: Option<&'a str>,
    connect_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
    #[cfg(feature = "tls")]
    tls: Option<&'a Arc<ClientConfig>>,
    #[cfg(any(feature = "deflate", feature = "inflate"))]
    deflate: Option<DeflateConfig>,
}

impl Default for ConnectOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> ConnectOptions<'a> {
    /// The defaults: a Ping after 20 s of silence, 20 s for its Pong, 10 s to connect to an address and
    /// 10 s for the opening handshake, 30 s for a write.
    #[must_use]
    pub fn new() -> Self {
        Self {
            config: default_config(),
            subprotocols: &[],
            fields: &[],
            origin: None,
            connect_timeout: Some(Duration::from_secs(10)),
            write_timeout: WRITE_TIMEOUT,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(any(feature = "deflate", feature = "inflate"))]
            deflate: None,
        }
    }

    /// Limits and deadlines of the connection.
    #[must_use]
    pub const fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Offers to compress messages (RFC 7692).
    #[cfg(any(feature = "deflate", feature = "inflate"))]
    #[must_use]
    pub const fn with_deflate(mut self, config: DeflateConfig) -> Self {
        self.deflate = Some(config);
        self
    }

    /// Does TLS as this says, where the URL's scheme is wss. ALPN offers `http/1.1` whatever it says.
    ///
    /// `connect` takes [`client_config`](super::tls::client_config) unless told otherwise; `connect_over`
    /// does no TLS then.
    #[cfg(feature = "tls")]
    #[must_use]
    pub const fn with_tls(mut self, config: &'a Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Subprotocols to offer, the preferred ones first.
    #[must_use]
    pub const fn with_subprotocols(mut self, subprotocols: &'a [&'a str]) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// Fields to add to the request.
    #[must_use]
    pub const fn with_fields(mut self, fields: &'a [(&'a str, &'a str)]) -> Self {
        self.fields = fields;
        self
    }

    /// The `Origin` to claim. Only browsers have to.
    #[must_use]
    pub const fn with_origin(mut self, origin: &'a str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// How long connecting to one address may take.
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one write may wait for a peer that doesn't read; 30 s by default.
    #[must_use]
    pub const fn with_write_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// See [`with_config`](Self::with_config).
    #[must_use]
    pub const fn config(&self) -> Config {
        self.config
    }

    /// See [`with_connect_timeout`](Self::with_connect_timeout).
    #[must_use]
    pub const fn connect_timeout(&self) -> Option<Duration> {
        self.connect_timeout
    }

    /// See [`with_write_timeout`](Self::with_write_timeout).
    #[must_use]
    pub const fn write_timeout(&self) -> Option<Duration> {
        self.write_timeout
    }

    /// See [`with_tls`](Self::with_tls).
    #[cfg(feature = "tls")]
    #[must_use]
    pub const fn tls(&self) -> Option<&'a Arc<ClientConfig>> {
        self.tls
    }

    /// These options, with what it takes to connect to this URL: with TLS, where that has to come first.
    #[cfg(feature = "std")]
    pub(super) fn for_url(&self, url: &Url<'_>) -> Result<Self, super::Error> {
        if !url.is_secure() {
            return Ok(*self);
        }
        #[cfg(feature = "tls")]
        return match self.tls {
            Some(_) => Ok(*self),
            None => Ok(self.with_tls(super::tls::client_config()?)),
        };
        #[cfg(not(feature = "tls"))]
        Err(crate::error::UrlFault::NeedsTls.into())
    }

    /// The opening request for a URL, with a nonce of 16 octets that nobody can foresee
    /// (RFC 6455 §4.1).
    #[must_use]
    pub fn request(&self, url: &Url<'a>, nonce: [u8; 16]) -> ClientRequest<'a> {
        let request = ClientRequest::from_url(url, nonce)
            .with_subprotocols(self.subprotocols)
            .with_fields(self.fields);
        #[cfg(any(feature = "deflate", feature = "inflate"))]
        let request = match self.deflate {
            Some(config) => request.with_deflate(config),
            None => request,
        };
        match self.origin {
            Some(origin) => request.with_origin(origin),
            None => request,
        }
    }
}
