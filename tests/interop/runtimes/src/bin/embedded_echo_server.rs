//! An echo server in fixed buffers.

use std::error::Error;
use std::io;

use tokio::net::{TcpListener, TcpStream};
use websocket_proto::Event;
use websocket_proto::adapter::AcceptOptions;
use websocket_proto::adapter::embedded::{self, Buffers, accept_with};
use websocket_proto::adapter::tokio::Clock;
use websocket_proto::handshake::{Accept, OriginPolicy};
use websocket_runtimes::device::{BUFFER, Socket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (address, origins) = websocket_runtimes::server_arguments()?;
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = serve(stream, origins).await {
                println!("{peer} failed: {error}");
            }
        });
    }
}

async fn serve(
    stream: TcpStream,
    origins: OriginPolicy<'static>,
) -> Result<(), embedded::Error<io::Error>> {
    let (mut rx, mut tx) = (vec![0; BUFFER], vec![0; BUFFER]);
    let buffers = Buffers {
        rx: &mut rx,
        tx: &mut tx,
    };
    let options = AcceptOptions::new()
        .with_config(websocket_runtimes::config())
        .with_origins(origins);
    let socket = Socket::new(stream).map_err(embedded::Error::Io)?;
    let mut ws = accept_with(socket, Clock, buffers, &options, |_| Ok(Accept::new())).await?;
    let ended = loop {
        match ws.next().await {
            Ok(Some((Event::Text(text), mut out))) => out.send_text(text)?,
            Ok(Some((Event::Binary(octets), mut out))) => out.send_binary(octets)?,
            Ok(Some(_)) => {}
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    // Closing the transport is the caller's.
    let _ = ws.into_io().finish().await;
    ended
}
