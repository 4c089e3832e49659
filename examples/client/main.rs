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
//! Built with `--features webpki-roots` or `rustls-platform-verifier`, it speaks `wss://` with whomever the web, or
//! the system, trusts. With one of these or `rustls`, `--ca` trusts the certificates of a PEM file instead.
//!
//! Two threads share the connection: one reads the input and has the [`Writer`], the main one has the
//! [`Reader`] and prints.

mod arguments;
mod terminal;
#[cfg(feature = "rustls")]
mod tls;

use std::io;
use std::net::TcpStream;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use websocket_proto::adapter::blocking::{Error, Reader, Writer, connect_with};
use websocket_proto::{Client, CloseCode, SystemKeys};

use arguments::{Arguments, USAGE};
use terminal::{Command, HELP, print_connected, print_end, print_event, print_refusal};

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
    let (subprotocols, fields) = (arguments.subprotocols(), arguments.fields());
    let options = arguments
        .options()
        .with_subprotocols(&subprotocols)
        .with_fields(&fields);
    #[cfg(not(feature = "rustls"))]
    if arguments.ca.is_some() {
        eprintln!("--ca needs a client that is built with --features rustls");
        return Ok(false);
    }
    #[cfg(feature = "rustls")]
    let trusted = arguments.ca.as_deref().map(tls::trusting).transpose()?;
    #[cfg(feature = "rustls")]
    let options = match &trusted {
        Some(config) => options.with_tls(config),
        None => options,
    };
    let ws = connect_with(&arguments.url, &options)?;
    print_connected(ws.subprotocol(), ws.connection().deflate());

    let (mut reader, writer) = ws.split()?;
    let linger = arguments.linger;
    // It ends with the process: nothing can interrupt a thread that waits for a line.
    thread::spawn(move || send_lines(&writer, linger));

    if let Err(error) = print_events(&mut reader) {
        eprintln!("{error}");
    }
    Ok(print_end(reader.outcome()))
}

fn print_events(reader: &mut Reader<TcpStream, Client<SystemKeys>>) -> Result<(), Error> {
    while let Some(event) = reader.next()? {
        print_event(&event);
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
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match Command::parse(line)? {
        Command::Text(text) => writer.send_text(text)?,
        Command::Ping(payload) => writer.send_ping(payload.as_bytes())?,
        Command::Binary(octets) => writer.send_binary(&octets)?,
        Command::Close(code, reason) => writer.close(code, reason)?,
        Command::Help => eprintln!("{HELP}"),
    }
    Ok(())
}
