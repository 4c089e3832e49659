//! The example `client` on tokio.

#[path = "../../../../../examples/client/arguments.rs"]
mod arguments;
#[path = "../../../../../examples/client/terminal.rs"]
mod terminal;

use std::process::ExitCode;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use websocket_proto::adapter::tokio::{Error, Writer, connect_with};
use websocket_proto::{Client, CloseCode, SystemKeys};

use arguments::{Arguments, USAGE};
use terminal::{Command, HELP, print_connected, print_end, print_event, print_refusal};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let clean = match run(arguments).await {
        Ok(clean) => clean,
        Err(Error::Refused(refusal)) => {
            print_refusal(&refusal);
            false
        }
        Err(error) => {
            eprintln!("{error}");
            false
        }
    };
    // The task that waits for a line isn't waited for.
    std::process::exit(i32::from(!clean))
}

async fn run(arguments: Arguments) -> Result<bool, Error> {
    let (subprotocols, fields) = (arguments.subprotocols(), arguments.fields());
    let options = arguments
        .options()
        .with_subprotocols(&subprotocols)
        .with_fields(&fields);
    let ws = connect_with(&arguments.url, &options).await?;
    print_connected(ws.subprotocol(), ws.connection().deflate());
    let (mut reader, writer) = ws.split();
    let linger = arguments.linger;
    tokio::spawn(async move {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Err(problem) = send_line(&writer, &line).await {
                eprintln!("not sent: {problem}");
            }
        }
        tokio::time::sleep(linger).await;
        let _ = writer.close(CloseCode::NORMAL, "").await;
    });
    let ended = loop {
        match reader.next().await {
            Ok(Some(event)) => print_event(&event),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    if let Err(error) = ended {
        eprintln!("{error}");
    }
    Ok(print_end(reader.outcome()))
}

async fn send_line(
    writer: &Writer<TcpStream, Client<SystemKeys>>,
    line: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match Command::parse(line)? {
        Command::Text(text) => writer.send_text(text).await?,
        Command::Ping(payload) => writer.send_ping(payload.as_bytes()).await?,
        Command::Binary(octets) => writer.send_binary(&octets).await?,
        Command::Close(code, reason) => writer.close(code, reason).await?,
        Command::Help => eprintln!("{HELP}"),
    }
    Ok(())
}
