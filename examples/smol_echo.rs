//! An echo server on smol, and with a URL a client that asks it.
//!
//! ```text
//! cargo run --release --features futures-io --example smol_echo -- [ADDR]
//! cargo run --release --features futures-io --example smol_echo -- ws://127.0.0.1:9001/
//! ```
//!
//! `ADDR` is `127.0.0.1:9001` unless given.

use smol::Timer;
use smol::net::{TcpListener, TcpStream};
use websocket_proto::adapter::futures_io::{ConnectOptions, Error, Outcome, accept, connect_over};
use websocket_proto::handshake::Url;
use websocket_proto::{CloseCode, Event};

fn main() -> Result<(), Error> {
    let argument = std::env::args().nth(1);
    let argument = argument.as_deref().unwrap_or("127.0.0.1:9001");
    smol::block_on(async {
        match Url::parse(argument) {
            Ok(url) => ask(&url).await,
            Err(_) => serve(argument).await,
        }
    })
}

async fn serve(address: &str) -> Result<(), Error> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        smol::spawn(async move {
            match echo(stream).await {
                Ok(outcome) => println!("{peer} closed: {outcome:?}"),
                Err(error) => println!("{peer} failed: {error}"),
            }
        })
        .detach();
    }
}

async fn echo(stream: TcpStream) -> Result<Option<Outcome>, Error> {
    stream.set_nodelay(true)?;
    let mut ws = accept(stream, Timer::after).await?;
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

async fn ask(url: &Url<'_>) -> Result<(), Error> {
    let stream = TcpStream::connect((url.host(), url.port())).await?;
    stream.set_nodelay(true)?;
    let mut ws = connect_over(stream, Timer::after, url, &ConnectOptions::new()).await?;
    ws.send_text("Hello from smol").await?;
    if let Some((Event::Text(text), _)) = ws.next().await? {
        println!("{text}");
    }
    println!("{:?}", ws.close(CloseCode::NORMAL, "bye").await?);
    Ok(())
}
