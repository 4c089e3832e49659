//! A server and a client on one device, each by the adapter for embedded-io-async, with wires between them
//! that take a few octets at a time.

#![no_std]
#![no_main]

mod board;
mod wire;

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use websocket_proto::adapter::embedded::{Buffers, Error, NoTimer, accept_with, connect_over};
use websocket_proto::adapter::{AcceptOptions, ConnectOptions};
use websocket_proto::handshake::{Accept, Url};
use websocket_proto::{CloseCode, Event, KeySource};

use wire::{Line, Socket};

type Failure = Error<core::convert::Infallible>;

/// A key source that is good enough for a proof, and for nothing else.
struct Keys(u32);

impl KeySource for Keys {
    fn next_key(&mut self) -> [u8; 4] {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0.to_ne_bytes()
    }
}

/// Returns the number of the step that went wrong.
fn run() -> Result<(), i32> {
    let (up, down) = (Line::new(), Line::new());
    let mut server = pin!(serve(Socket::new(&up, &down)));
    let mut client = pin!(ask(Socket::new(&down, &up)));
    let cx = &mut Context::from_waker(Waker::noop());
    let (mut served, mut asked) = (None, None);
    for _ in 0..100_000 {
        if served.is_none()
            && let Poll::Ready(done) = server.as_mut().poll(cx)
        {
            served = Some(done);
        }
        if asked.is_none()
            && let Poll::Ready(done) = client.as_mut().poll(cx)
        {
            asked = Some(done);
        }
        match (&served, &asked) {
            (Some(Ok(true)), Some(Ok(true))) => return Ok(()),
            (Some(Ok(false)), _) | (_, Some(Ok(false))) => return Err(1),
            (Some(Err(_)), _) => return Err(2),
            (_, Some(Err(_))) => return Err(3),
            _ => {}
        }
    }
    Err(4)
}

/// Echoes; says whether the connection ended cleanly.
async fn serve(socket: Socket<'_>) -> Result<bool, Failure> {
    let (mut rx, mut tx) = ([0; 1024], [0; 1024]);
    let buffers = Buffers {
        rx: &mut rx,
        tx: &mut tx,
    };
    let options = AcceptOptions::new().with_subprotocols(&["chat"]);
    let mut ws = accept_with(socket, NoTimer, buffers, &options, |_| Ok(Accept::new())).await?;
    while let Some((event, mut out)) = ws.next().await? {
        match event {
            Event::Text(text) => out.send_text(text)?,
            Event::Binary(octets) => out.send_binary(octets)?,
            _ => {}
        }
    }
    Ok(ws
        .outcome()
        .is_some_and(|end| end.clean && end.reason == "done"))
}

/// Sends messages, compares what comes back, and closes; says whether all of it was right.
async fn ask(socket: Socket<'_>) -> Result<bool, Failure> {
    let (mut rx, mut tx) = ([0; 1024], [0; 1024]);
    let buffers = Buffers {
        rx: &mut rx,
        tx: &mut tx,
    };
    let options = ConnectOptions::new().with_subprotocols(&["chat"]);
    let url = Url::parse("ws://device.local/").map_err(|fault| Failure::Misuse(fault.into()))?;
    let request = options.request(&url, [7; 16]);
    let mut ws = connect_over(socket, NoTimer, buffers, &request, &options, Keys(1)).await?;
    for length in [0, 1, 125, 126, 500] {
        let octets = [length as u8; 500];
        let octets = octets.get(..length).unwrap_or_default();
        ws.send_binary(octets).await?;
        match ws.next().await? {
            Some((Event::Binary(echoed), _)) if echoed == octets => {}
            _ => return Ok(false),
        }
    }
    ws.send_text("h\u{e9}llo").await?;
    let echoed = matches!(ws.next().await?, Some((Event::Text("h\u{e9}llo"), _)));
    ws.close(CloseCode::NORMAL, "done").await?;
    Ok(echoed && ws.outcome().is_some_and(|end| end.clean))
}
