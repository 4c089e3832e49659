//! An echo server on tokio.
//!
//! ```text
//! cargo run --release --features tokio --example tokio_echo -- [ADDR]
//! ```
//!
//! `ADDR` is `127.0.0.1:9001` unless given.

use tokio::net::{TcpListener, TcpStream};
use websocket_proto::Event;
use websocket_proto::adapter::tokio::{Error, Outcome, accept};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            match echo(stream).await {
                Ok(outcome) => println!("{peer} closed: {outcome:?}"),
                Err(error) => println!("{peer} failed: {error}"),
            }
        });
    }
}

async fn echo(stream: TcpStream) -> Result<Option<Outcome>, Error> {
    let mut ws = accept(stream).await?;
    while let Some((event, mut out)) = ws.next().await? {
        match event {
            // Queued: all answers to what has come go out in one write, before the task waits.
            Event::Text(text) => out.send_text(text)?,
            Event::Binary(octets) => out.send_binary(octets)?,
            _ => {} // Pings and Closes are answered already.
        }
    }
    Ok(ws.outcome())
}
