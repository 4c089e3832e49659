//! One port for a web page and for WebSocket clients, with a thread for each connection.
//!
//! ```text
//! cargo run --release --example echo_server -- [ADDR] [--any-origin] [--quiet]
//!                                                [--tls CHAIN.pem KEY.pem]
//! ```
//!
//! `ADDR` is `127.0.0.1:9001` unless given. Open `http://127.0.0.1:9001/` in a browser for a console, or
//! connect with the example `client`.
//!
//! | path | what a WebSocket does there |
//! | --- | --- |
//! | `/echo`, `/` | each message comes back |
//! | `/chat` | each text goes to everybody who is there |
//! | `/time` | the time comes once a second |
//!
//! Pages of other hosts may not connect (RFC 6455 §10.2), unless `--any-origin` says so. What happens is
//! printed, unless `--quiet` says otherwise. Built with `--features deflate`, messages are compressed for
//! clients that offer it; built with `--features rustls`, `--tls` makes it `https://` and `wss://`.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::net::{TcpListener, TcpStream};
#[cfg(feature = "rustls")]
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use websocket_proto::adapter::blocking::{
    self, AcceptOptions, Outcome, Reader, ServerSocket, Writer,
};
#[cfg(feature = "rustls")]
use websocket_proto::adapter::tls::rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use websocket_proto::handshake::{Accept, OriginPolicy, Rejection, Request};
use websocket_proto::{Config, Event, Server};

/// The subprotocols that are spoken here. They change nothing: an echo is an echo.
const SUBPROTOCOLS: [&str; 2] = ["chat", "superchat"];

const USAGE: &str = if cfg!(feature = "rustls") {
    "usage: echo_server [ADDR] [--any-origin] [--quiet] [--tls CHAIN.pem KEY.pem]"
} else {
    "usage: echo_server [ADDR] [--any-origin] [--quiet]; with --features rustls also --tls"
};

const PAGE: &str = include_str!("console.html");
const PAGE_FIELDS: &[(&str, &str)] = &[("Content-Type", "text/html; charset=utf-8")];

fn main() -> Result<(), Box<dyn Error>> {
    let mut address = String::from("127.0.0.1:9001");
    let mut app = App {
        origins: OriginPolicy::SameHost,
        quiet: false,
        #[cfg(feature = "rustls")]
        tls: None,
        chat: Mutex::new(HashMap::new()),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--any-origin" => app.origins = OriginPolicy::Any,
            "--quiet" => app.quiet = true,
            #[cfg(feature = "rustls")]
            "--tls" => app.tls = Some(tls_config(arguments.next(), arguments.next())?),
            option if option.starts_with('-') => {
                return Err(USAGE.into());
            }
            _ => address = argument,
        }
    }

    let listener = TcpListener::bind(&address)?;
    if !app.quiet {
        let s = if app.does_tls() { "s" } else { "" };
        println!(
            "listening on http{s}://{0}/ and ws{s}://{0}/echo",
            listener.local_addr()?
        );
    }
    let app = &app;
    thread::scope(|threads| {
        for (number, stream) in (1..).zip(listener.incoming()) {
            match stream {
                Ok(stream) => drop(threads.spawn(move || app.serve(number, stream))),
                // Out of file descriptors, most likely: some will be free again.
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    });
    Ok(())
}

/// How to do TLS: with the certificates of one file and the key of another.
#[cfg(feature = "rustls")]
fn tls_config(
    chain: Option<String>,
    key: Option<String>,
) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let (chain, key) = chain.zip(key).ok_or(USAGE)?;
    let chain = CertificateDer::pem_file_iter(chain)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

/// What all connections share.
struct App {
    origins: OriginPolicy<'static>,
    quiet: bool,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<ServerConfig>>,
    /// Whoever is on `/chat`, by the connection's number.
    chat: Mutex<HashMap<usize, Writer<TcpStream, Server>>>,
}

/// What is done on a WebSocket.
enum Service {
    Echo,
    Chat,
    Time,
}

impl App {
    #[cfg(feature = "rustls")]
    const fn does_tls(&self) -> bool {
        self.tls.is_some()
    }

    #[cfg(not(feature = "rustls"))]
    const fn does_tls(&self) -> bool {
        false
    }

    /// One connection, from its first octet to its last.
    fn serve(&self, number: usize, stream: TcpStream) {
        match self.open_and_run(number, stream) {
            Ok(Some(outcome)) => self.log(
                number,
                format_args!(
                    "closed: code={} reason={:?} clean={} by={:?}",
                    outcome.code.value(),
                    outcome.reason,
                    outcome.clean,
                    outcome.initiator
                ),
            ),
            // A plain request, or a refused one, which is in the log already; or somebody who came
            // and went without a word.
            Ok(None) | Err(blocking::Error::Ended | blocking::Error::Rejected) => {}
            Err(error) => self.log(number, format_args!("failed: {error}")),
        }
    }

    fn open_and_run(
        &self,
        number: usize,
        stream: TcpStream,
    ) -> Result<Option<Outcome>, blocking::Error> {
        // Small messages go out at once, and a client that doesn't read can't hold us up for ever.
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(Duration::from_secs(30)))?;

        let config = Config::new()
            .with_max_message_size(64 << 20)
            .with_max_fragments(1 << 20)
            .with_ping_interval(Some(Duration::from_secs(20)))
            // Requests for a page are shown to `route`, too.
            .with_plain_requests(true);
        // `with_origins(self.origins)` would be all it takes. Here `route` looks at the origin itself,
        // so that a refusal stands in the log.
        let options = AcceptOptions::new()
            .with_config(config)
            .with_origins(OriginPolicy::Any);
        // Whoever offers to compress gets what it offers (RFC 7692).
        #[cfg(feature = "deflate")]
        let options = options.with_deflate(websocket_proto::handshake::DeflateConfig::new());

        #[cfg(feature = "rustls")]
        let options = match &self.tls {
            Some(config) => options.with_tls(config),
            None => options,
        };

        let mut service = None;
        let ws = blocking::accept_with(stream, &options, |request| {
            let answer = self.route(request);
            let status = answer.as_ref().map_or_else(Rejection::status, |_| 101);
            self.log(
                number,
                format_args!("{} {} -> {status}", request.method(), request.target()),
            );
            answer.map(|(chosen, accept)| {
                service = Some(chosen);
                accept
            })
        })?;
        if let Some(name) = ws.subprotocol() {
            self.log(number, format_args!("subprotocol {name}"));
        }
        if ws.connection().deflate().is_some() {
            self.log(number, format_args!("compressed"));
        }
        match service {
            Some(Service::Echo) => echo(ws),
            Some(Service::Chat) => self.chat(number, ws),
            Some(Service::Time) => time(ws),
            None => Ok(None),
        }
    }

    /// What a request gets: a WebSocket with something to do, or an HTTP response.
    fn route(
        &self,
        request: &Request<'_>,
    ) -> Result<(Service, Accept<'static>), Rejection<'static>> {
        let not_found = Rejection::for_status(404);
        if !request.is_upgrade() {
            let response = match request.path() {
                "/" => Rejection::new(200)
                    .with_fields(PAGE_FIELDS)
                    .with_body(PAGE.as_bytes()),
                _ => not_found,
            };
            return Err(response.with_head_only(request.method() == "HEAD"));
        }
        if !self.origins.allows(request) {
            return Err(Rejection::for_status(403));
        }
        let service = match request.path() {
            "/" | "/echo" => Service::Echo,
            "/chat" => Service::Chat,
            "/time" => Service::Time,
            _ => return Err(not_found),
        };
        // The client's order decides. Where the server's should, there is
        // `AcceptOptions::with_subprotocols`.
        let subprotocol = request
            .subprotocols()
            .find_map(|offered| SUBPROTOCOLS.into_iter().find(|known| *known == offered));
        let accept = match subprotocol {
            Some(name) => Accept::new().with_subprotocol(name),
            None => Accept::new(),
        };
        Ok((service, accept))
    }

    /// Each text goes to everybody. This thread reads from one client and writes to all.
    fn chat(
        &self,
        number: usize,
        ws: ServerSocket<TcpStream>,
    ) -> Result<Option<Outcome>, blocking::Error> {
        let (mut reader, writer) = ws.split()?;
        self.members().insert(number, writer);
        let result = self.broadcast_all(&mut reader);
        self.members().remove(&number);
        result.map(|()| reader.outcome())
    }

    fn broadcast_all(&self, reader: &mut Reader<TcpStream, Server>) -> Result<(), blocking::Error> {
        while let Some(event) = reader.next()? {
            if let Event::Text(text) = event {
                // The list isn't locked while anything is sent: that may take its time.
                let everybody: Vec<_> = self.members().values().cloned().collect();
                for writer in everybody {
                    // Who can't be reached is taken off the list by the thread that reads from there.
                    let _ = writer.send_text(text);
                }
            }
        }
        Ok(())
    }

    fn members(&self) -> MutexGuard<'_, HashMap<usize, Writer<TcpStream, Server>>> {
        self.chat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, number: usize, what: fmt::Arguments<'_>) {
        if !self.quiet {
            println!("#{number} {what}");
        }
    }
}

/// Each message comes back.
fn echo(mut ws: ServerSocket<TcpStream>) -> Result<Option<Outcome>, blocking::Error> {
    // The event borrows the message from the receive buffer, `out` copies it into the send buffer.
    // All answers to what has arrived go out in one write, when `next` has nothing more to lend.
    while let Some((event, mut out)) = ws.next()? {
        match event {
            Event::Text(text) => out.send_text(text)?,
            Event::Binary(octets) => out.send_binary(octets)?,
            // Pings and Closes have been answered by the time they are seen.
            _ => {}
        }
    }
    Ok(ws.outcome())
}

/// The time comes once a second, from a second thread: this one waits for what the client says, which
/// keeps Pings answered and sees the Close.
fn time(ws: ServerSocket<TcpStream>) -> Result<Option<Outcome>, blocking::Error> {
    let (mut reader, writer) = ws.split()?;
    thread::spawn(move || {
        // Once the connection is closing, nothing can be sent any more.
        while writer.send_text(&utc(SystemTime::now())).is_ok() {
            thread::sleep(Duration::from_secs(1));
        }
    });
    while reader.next()?.is_some() {}
    Ok(reader.outcome())
}

/// A time in the form of ISO 8601: `2011-12-11T10:09:08Z`.
fn utc(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    // Years are counted from a 1 March, so that the leap day is the last of its year, and days from
    // 0000-03-01, which lies 719 468 days before 1970. In 400 years there are 146 097 days.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, five months in a row always have 153 days.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + next;
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_323_598_148, "2011-12-11T10:09:08Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }
}
