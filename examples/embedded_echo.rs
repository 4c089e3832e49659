//! An echo server in fixed buffers, as a microcontroller would run it, and with a URL a client that asks
//! it. Here, on a host, smol's sockets and timer stand for those of the device.
//!
//! ```text
//! cargo run --release --features embedded-io-async --example embedded_echo -- [ADDR]
//! cargo run --release --features embedded-io-async --example embedded_echo -- ws://127.0.0.1:9001/
//! ```
//!
//! `ADDR` is `127.0.0.1:9001` unless given.

use std::io;
use std::time::Duration;

use embedded_io_async::{ErrorType, Read, Write};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use websocket_proto::adapter::embedded::{Buffers, Error, accept_with, connect_over};
use websocket_proto::adapter::{AcceptOptions, ConnectOptions, SystemKeys, Timer, nonce};
use websocket_proto::handshake::{Accept, Url};
use websocket_proto::{CloseCode, Event, Instant};

/// A socket of the host as a device's.
struct Socket(TcpStream);

impl ErrorType for Socket {
    type Error = io::Error;
}

impl Read for Socket {
    async fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.0.read(octets).await
    }
}

impl Write for Socket {
    async fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.0.flush().await
    }
}

/// The clock of the host as a device's.
struct Clock;

impl Timer for Clock {
    type Sleep = smol::Timer;

    fn now(&self) -> Instant {
        websocket_proto::adapter::now()
    }

    fn sleep(&self, duration: Duration) -> smol::Timer {
        smol::Timer::after(duration)
    }
}

fn main() -> Result<(), Error<io::Error>> {
    let argument = std::env::args().nth(1);
    let argument = argument.as_deref().unwrap_or("127.0.0.1:9001");
    smol::block_on(async {
        match Url::parse(argument) {
            Ok(url) => ask(&url).await,
            Err(_) => serve(argument).await,
        }
    })
}

/// One connection after the other, all of them in the same memory.
async fn serve(address: &str) -> Result<(), Error<io::Error>> {
    let listener = TcpListener::bind(address).await.map_err(Error::Io)?;
    let (mut rx, mut tx) = ([0; 4096], [0; 4096]);
    loop {
        let (stream, _) = listener.accept().await.map_err(Error::Io)?;
        let buffers = Buffers {
            rx: &mut rx,
            tx: &mut tx,
        };
        if let Err(error) = echo(Socket(stream), buffers).await {
            println!("failed: {error}");
        }
    }
}

async fn echo(socket: Socket, buffers: Buffers<'_>) -> Result<(), Error<io::Error>> {
    let options = AcceptOptions::new().with_subprotocols(&["chat"]);
    let mut ws = accept_with(socket, Clock, buffers, &options, |_| Ok(Accept::new())).await?;
    while let Some((event, mut out)) = ws.next().await? {
        match event {
            Event::Text(text) => out.send_text(text)?,
            Event::Binary(octets) => out.send_binary(octets)?,
            _ => {} // Pings and Closes are answered already.
        }
    }
    println!("closed: {:?}", ws.outcome());
    Ok(())
}

async fn ask(url: &Url<'_>) -> Result<(), Error<io::Error>> {
    let stream = TcpStream::connect((url.host(), url.port())).await;
    let socket = Socket(stream.map_err(Error::Io)?);
    let options = ConnectOptions::new();
    // A device draws these from its random number generator.
    let (request, keys) = (
        options.request(url, nonce().map_err(Error::Io)?),
        SystemKeys,
    );
    let (mut rx, mut tx) = ([0; 1024], [0; 1024]);
    let buffers = Buffers {
        rx: &mut rx,
        tx: &mut tx,
    };
    let mut ws = connect_over(socket, Clock, buffers, &request, &options, keys).await?;
    ws.send_text("Hello from fixed buffers").await?;
    if let Some((Event::Text(text), _)) = ws.next().await? {
        println!("{text}");
    }
    ws.close(CloseCode::NORMAL, "bye").await?;
    println!("{:?}", ws.outcome());
    Ok(())
}
