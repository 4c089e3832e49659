//! A terminal's WebSocket: lines of the standard input go out as text, what comes in is printed.
//!
//! ```text
//! cargo run --example client -- URL [--header 'Name: value']... [--subprotocol NAME]...
//!                                   [--origin ORIGIN] [--linger SECONDS] [--deflate[=KNOB,...]]
//!                                   [--ca FILE]
//! cargo run --example client -- ws://127.0.0.1:9001/echo --subprotocol chat
//! ```
//!
//! Lines that begin with `/` are commands; `/help` lists them. At the end of the input it goes on for
//! `SECONDS` (1 unless given), then sends a Close. The exit code is 0 where the closing handshake was
//! completed, whoever began it.
//!
//! Built with `--features deflate`, `--deflate` offers to compress messages. The knobs are the parameters
//! of RFC 7692, and `min_size`, from how many octets on a message is compressed:
//! `--deflate=server_no_context_takeover,client_max_window_bits=9,min_size=0`.
//!
//! Built with `--features webpki-roots` or `rustls-platform-verifier`, it speaks `wss://` with whom the web, or
//! the system, trusts; with these or `rustls`, `--ca` trusts the certificates of a PEM file instead.
//!
//! Two threads share the connection: one reads the input and has the [`Writer`], the main one has the
//! [`Reader`] and prints.

use std::io;
use std::net::TcpStream;
use std::process::ExitCode;
#[cfg(feature = "rustls")]
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use websocket_proto::adapter::blocking::{
    ConnectOptions, Error, Reader, Refusal, Writer, connect_with,
};
#[cfg(feature = "rustls")]
use websocket_proto::adapter::tls::rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use websocket_proto::handshake::{DeflateConfig, DeflateParameters};
use websocket_proto::{Client, CloseCode, Event, Initiator, SystemKeys};

const USAGE: &str = "usage: client URL [--header 'Name: value']... [--subprotocol NAME]... \
    [--origin ORIGIN] [--linger SECONDS] [--deflate[=KNOB,...]] [--ca FILE]";

const HELP: &str = "\
/ping [TEXT]            send a Ping
/binary HEX             send a binary message: /binary 00 ff 7f
/close [CODE [REASON]]  send a Close, with code 1000 unless given
/help                   print this
Any other line is sent as a text message.";

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Error::Refused(refusal)) => {
            print_refusal(&refusal);
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Talks until the connection is over; returns whether it ended cleanly.
fn run(arguments: &Arguments) -> Result<bool, Error> {
    let subprotocols: Vec<&str> = arguments.subprotocols.iter().map(String::as_str).collect();
    let fields: Vec<(&str, &str)> = arguments
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut options = ConnectOptions::new()
        .with_subprotocols(&subprotocols)
        .with_fields(&fields);
    if let Some(origin) = &arguments.origin {
        options = options.with_origin(origin);
    }
    #[cfg(feature = "rustls")]
    let tls = arguments.ca.as_deref().map(trusting).transpose()?;
    #[cfg(feature = "rustls")]
    if let Some(config) = &tls {
        options = options.with_tls(config);
    }
    #[cfg(feature = "deflate")]
    if let Some(config) = arguments.deflate {
        options = options.with_deflate(config);
    }

    let ws = connect_with(&arguments.url, &options)?;
    let deflate = ws.connection().deflate();
    eprintln!(
        "connected, subprotocol {:?}, {}; /help lists commands",
        ws.subprotocol().unwrap_or(""),
        deflate.map_or("uncompressed".into(), agreed)
    );
    let (mut reader, writer) = ws.split()?;
    let linger = arguments.linger;
    // It ends with the process: nothing can interrupt a thread that waits for a line.
    thread::spawn(move || send_lines(&writer, linger));

    if let Err(error) = print_events(&mut reader) {
        eprintln!("{error}");
    }
    match reader.outcome() {
        Some(end) => {
            let (code, reason, clean) = (end.code.value(), printable(&end.reason), end.clean);
            let by = match end.initiator {
                Initiator::Local => "local",
                Initiator::Peer => "peer",
            };
            println!("closed: code={code} reason={reason} clean={clean} by={by}");
            Ok(clean)
        }
        // The stream has failed, and nobody knows what has become of the rest.
        None => {
            println!("closed: code=1006 reason= clean=false by=local");
            Ok(false)
        }
    }
}

/// TLS with whoever can show a certificate of these.
#[cfg(feature = "rustls")]
fn trusting(file: &str) -> Result<Arc<ClientConfig>, Error> {
    let unreadable =
        |error| io::Error::new(io::ErrorKind::InvalidInput, format!("{file}: {error}"));
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
        roots.add(root.map_err(unreadable)?)?;
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// What was agreed upon: how far back each end refers, and whether to earlier messages.
fn agreed(parameters: DeflateParameters) -> String {
    let takeover = |kept| if kept { "with" } else { "without" };
    format!(
        "compressed: server {} bits {} takeover, client {} bits {} takeover",
        parameters.server_max_window_bits(),
        takeover(parameters.server_context_takeover()),
        parameters.client_max_window_bits(),
        takeover(parameters.client_context_takeover())
    )
}

fn print_events(reader: &mut Reader<TcpStream, Client<SystemKeys>>) -> Result<(), Error> {
    while let Some(event) = reader.next()? {
        match event {
            Event::Text(text) => println!("text: {}", printable(text)),
            Event::Binary(octets) => println!("binary: {} octets", octets.len()),
            // Its Pong has been queued already.
            Event::Ping(payload) => println!("ping {}", printable_octets(payload)),
            Event::Pong(payload) => println!("pong {}", printable_octets(payload)),
            // The outcome tells what a Close said.
            _ => {}
        }
    }
    Ok(())
}

fn send_lines(writer: &Writer<TcpStream, Client<SystemKeys>>, linger: Duration) {
    for line in io::stdin().lines() {
        let Ok(line) = line else { break };
        if let Err(problem) = send_line(writer, &line) {
            eprintln!("not sent: {problem}");
        }
    }
    thread::sleep(linger);
    // Where the connection is over already, the main thread says so.
    let _ = writer.close(CloseCode::NORMAL, "");
}

fn send_line(
    writer: &Writer<TcpStream, Client<SystemKeys>>,
    line: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let Some(command) = line.strip_prefix('/') else {
        return Ok(writer.send_text(line)?);
    };
    let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
    match name {
        "ping" => writer.send_ping(rest.as_bytes())?,
        "binary" => writer.send_binary(&octets_from_hex(rest).ok_or("that is no hex")?)?,
        "close" => {
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            let code = match code {
                "" => CloseCode::NORMAL,
                _ => CloseCode::new(code.parse()?),
            };
            writer.close(code, reason)?;
        }
        "help" => eprintln!("{HELP}"),
        _ => return Err("no such command; /help lists them".into()),
    }
    Ok(())
}

/// Octets from hex digits, with or without spaces between them.
fn octets_from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| digit.to_digit(16))
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(
        digits
            .chunks(2)
            .map(|pair| (pair[0] << 4 | pair[1]) as u8)
            .collect(),
    )
}

/// Text of a stranger's: a terminal takes control characters for orders, and a line is to stay a line.
fn printable(text: &str) -> String {
    text.chars().fold(String::new(), |mut line, character| {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
        line
    })
}

fn printable_octets(octets: &[u8]) -> String {
    printable(&String::from_utf8_lossy(octets))
}

fn print_refusal(refusal: &Refusal) {
    eprintln!("refused with status {}", refusal.status);
    for (name, value) in &refusal.fields {
        eprintln!("{name}: {}", printable_octets(value));
    }
    eprintln!();
    for line in String::from_utf8_lossy(&refusal.body).lines() {
        eprintln!("{}", printable(line));
    }
}

struct Arguments {
    url: String,
    headers: Vec<(String, String)>,
    subprotocols: Vec<String>,
    origin: Option<String>,
    linger: Duration,
    deflate: Option<DeflateConfig>,
    #[cfg_attr(not(feature = "rustls"), allow(dead_code))]
    ca: Option<String>,
}

impl Arguments {
    fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            url: String::new(),
            headers: Vec::new(),
            subprotocols: Vec::new(),
            origin: None,
            linger: Duration::from_secs(1),
            deflate: None,
            ca: None,
        };
        while let Some(argument) = given.next() {
            let mut value = || given.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--header" => {
                    let header = value()?;
                    let (name, value) =
                        header.split_once(':').ok_or("a header is 'Name: value'")?;
                    arguments.headers.push((name.into(), value.trim().into()));
                }
                "--subprotocol" => arguments.subprotocols.push(value()?),
                "--origin" => arguments.origin = Some(value()?),
                "--linger" => {
                    arguments.linger = value()?
                        .parse()
                        .ok()
                        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                        .ok_or("--linger takes a number of seconds")?;
                }
                "--ca" if cfg!(not(feature = "rustls")) => {
                    return Err("--ca needs a client that is built with --features rustls".into());
                }
                "--ca" => arguments.ca = Some(value()?),
                "--deflate" => arguments.deflate = Some(deflate_config("")?),
                option if option.starts_with("--deflate=") => {
                    arguments.deflate = Some(deflate_config(&option["--deflate=".len()..])?);
                }
                option if option.starts_with("--") => return Err(format!("no option {option}")),
                _ if arguments.url.is_empty() => arguments.url = argument,
                _ => return Err(format!("what is {argument}?")),
            }
        }
        if arguments.url.is_empty() {
            return Err("a URL is needed".into());
        }
        Ok(arguments)
    }
}

/// An offer to compress, from its knobs.
fn deflate_config(knobs: &str) -> Result<DeflateConfig, String> {
    if cfg!(not(feature = "deflate")) {
        return Err("--deflate needs a client that is built with --features deflate".into());
    }
    let mut config = DeflateConfig::new();
    for knob in knobs.split(',').filter(|knob| !knob.is_empty()) {
        let (name, value) = knob.split_once('=').unwrap_or((knob, ""));
        let bad = |_| format!("{name} takes a number");
        config = match name {
            "server_no_context_takeover" => config.with_server_context_takeover(false),
            "client_no_context_takeover" => config.with_client_context_takeover(false),
            "server_max_window_bits" => {
                config.with_server_max_window_bits(value.parse().map_err(bad)?)
            }
            "client_max_window_bits" => {
                config.with_client_max_window_bits(value.parse().map_err(bad)?)
            }
            "min_size" => config.with_min_size(value.parse().map_err(bad)?),
            _ => return Err(format!("no knob {name}")),
        };
    }
    Ok(config)
}
