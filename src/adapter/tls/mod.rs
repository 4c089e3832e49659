//! `wss://`: TLS by [`rustls`] under every adapter that knows of `std` (feature `rustls`).
//!
//! TLS is an option of connecting and accepting. Types and programs stay the same, blocking and async:
//!
//! ```no_run
//! use std::net::TcpListener;
//! use std::sync::Arc;
//! use websocket_proto::adapter::blocking::{AcceptOptions, accept_with};
//! use websocket_proto::adapter::tls::rustls::ServerConfig;
//! use websocket_proto::adapter::tls::rustls::pki_types::pem::PemObject;
//! use websocket_proto::adapter::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
//! use websocket_proto::handshake::Accept;
//!
//! let chain = CertificateDer::pem_file_iter("chain.pem")?.collect::<Result<_, _>>()?;
//! let key = PrivateKeyDer::from_pem_file("key.pem")?;
//! let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
//! let config = Arc::new(config);
//! for stream in TcpListener::bind("127.0.0.1:9001")?.incoming() {
//!     let options = AcceptOptions::new().with_tls(&config);
//!     let mut ws = accept_with(stream?, &options, |_| Ok(Accept::new()))?;
//!     ws.send_text("Hello")?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - `connect("wss://…")` needs to know whom to trust: by the feature `rustls-platform-verifier` whom the
//!   system trusts, by `webpki-roots` the roots of Mozilla's programme, which are built in; with both
//!   features the system decides. See [`client_config`].
//! - A [`ClientConfig`] of your own goes into [`ConnectOptions::with_tls`](super::ConnectOptions::with_tls),
//!   a [`ServerConfig`](::rustls::ServerConfig) into [`AcceptOptions::with_tls`](super::AcceptOptions::with_tls).
//! - `connect_over` does TLS on any stream when it is given a configuration and a `wss://` URL. Without
//!   the configuration it takes the stream for one that does TLS itself.
//! - The TLS handshake is part of the opening handshake and ends with its deadline.
//! - A client offers `http/1.1` by ALPN (RFC 7301), whatever its configuration says. A server answers as
//!   its configuration says: with nothing, or with `http/1.1`.
//! - The stream's end counts the same with TLS's `close_notify` as without it. WebSocket has a Close of
//!   its own: without that, the connection did not end cleanly, and no part of a message is delivered as
//!   if it were whole.
//! - What TLS finds wrong is [`Error::Tls`].
//!
//! No process-wide default of rustls is set. Where there is one, [`client_config`] uses its cryptography,
//! else ring's. The feature `tls` is all this without ring, for those whose configurations bring another
//! provider.

mod duplex;
mod incoming;
mod session;
#[cfg(feature = "poll")]
mod task;

use std::sync::Arc;

pub use ::rustls;

use ::rustls::ClientConfig;

use super::Error;

pub(super) use self::duplex::Duplex;
pub(super) use self::session::Session;
#[cfg(feature = "poll")]
pub(super) use self::task::TaskSession;

/// What `connect` uses for a `wss://` URL when it is given nothing else. It is made once.
///
/// # Errors
/// [`UrlFault::NeedsTls`](crate::UrlFault::NeedsTls) unless one of the features `webpki-roots` and
/// `rustls-platform-verifier` is on; [`Error::Tls`] when the system's verifier can't be had.
pub fn client_config() -> Result<&'static Arc<ClientConfig>, Error> {
    trusted::client_config()
}

#[cfg(any(feature = "webpki-roots", feature = "rustls-platform-verifier"))]
mod trusted {
    use std::sync::{Arc, OnceLock};

    use ::rustls::ClientConfig;
    use ::rustls::crypto::{CryptoProvider, ring};

    use crate::adapter::Error;

    pub(super) fn client_config() -> Result<&'static Arc<ClientConfig>, Error> {
        static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
        if let Some(config) = CONFIG.get() {
            return Ok(config);
        }
        let config = Arc::new(build()?);
        Ok(CONFIG.get_or_init(|| config))
    }

    fn build() -> Result<ClientConfig, ::rustls::Error> {
        let provider = CryptoProvider::get_default().cloned();
        let provider = provider.unwrap_or_else(|| Arc::new(ring::default_provider()));
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        #[cfg(feature = "rustls-platform-verifier")]
        let builder = {
            use rustls_platform_verifier::BuilderVerifierExt;
            builder.with_platform_verifier()?
        };
        #[cfg(not(feature = "rustls-platform-verifier"))]
        let builder = builder.with_root_certificates(::rustls::RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.into(),
        });
        Ok(builder.with_no_client_auth())
    }
}

#[cfg(not(any(feature = "webpki-roots", feature = "rustls-platform-verifier")))]
mod trusted {
    use std::sync::Arc;

    use ::rustls::ClientConfig;

    use crate::adapter::Error;
    use crate::error::UrlFault;

    pub(super) fn client_config() -> Result<&'static Arc<ClientConfig>, Error> {
        Err(UrlFault::NeedsTls.into())
    }
}
