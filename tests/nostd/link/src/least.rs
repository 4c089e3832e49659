//! The least that is a WebSocket at both ends: the opening handshake, text, Ping and Pong, the closing
//! handshake, in fixed buffers, without std and without an allocator.

#![no_std]
#![no_main]

mod ground;

use websocket_proto::handshake::{Accept, ClientRequest};
use websocket_proto::{
    Client, CloseCode, Config, Connection, Event, KeySource, RecvBuffer, SendBuffer, Server, State,
};

/// One end, with all the memory that it has.
struct End<S> {
    ws: Connection<S>,
    rx: RecvBuffer<[u8; 1024]>,
    tx: SendBuffer<[u8; 1024]>,
}

/// A key source that is good enough for a proof, and for nothing else.
struct Keys(u32);

impl KeySource for Keys {
    fn next_key(&mut self) -> [u8; 4] {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0.to_ne_bytes()
    }
}

fn run() -> Result<(), i32> {
    let request = ClientRequest::new("example.com", "/chat", [7; 16]);
    let mut tx = SendBuffer::with_storage([0; 1024]);
    let ws = Connection::client(&request, Config::new(), Keys(1), &mut tx).map_err(|_| 1)?;
    let mut client = End {
        ws,
        rx: RecvBuffer::with_storage([0; 1024]),
        tx,
    };
    let mut server = End {
        ws: Connection::server(Config::new()),
        rx: RecvBuffer::with_storage([0; 1024]),
        tx: SendBuffer::with_storage([0; 1024]),
    };
    // Each turn carries what one end has to say to the other, until the server has seen the end.
    for _ in 0..4 {
        carry(&mut client.tx, &mut server.rx)?;
        serve(&mut server)?;
        carry(&mut server.tx, &mut client.rx)?;
        talk(&mut client)?;
    }
    carry(&mut client.tx, &mut server.rx)?;
    serve(&mut server)?;
    server.ws.handle_eof();
    serve(&mut server)?;
    match server.ws.outcome(&server.rx) {
        Some(end) if end.clean && end.code == CloseCode::NORMAL && end.reason == "done" => Ok(()),
        _ => Err(2),
    }
}

/// A server that echoes texts.
fn serve(server: &mut End<Server>) -> Result<(), i32> {
    let End { ws, rx, tx } = server;
    while let Some(event) = ws.poll(rx, tx).map_err(|_| 10)? {
        match event {
            Event::Request(request) => ws.accept(&request, &Accept::new(), tx).map_err(|_| 11)?,
            Event::Text(text) => ws.send_text(text, tx).map_err(|_| 12)?,
            _ => {}
        }
    }
    Ok(())
}

/// A client that says hello and waits for the echo, then sends a Ping and waits for the Pong, then closes.
fn talk(client: &mut End<Client<Keys>>) -> Result<(), i32> {
    let End { ws, rx, tx } = client;
    while let Some(event) = ws.poll(rx, tx).map_err(|_| 20)? {
        match event {
            Event::HandshakeDone(_) => ws.send_text("h\u{e9}llo", tx),
            Event::Text("h\u{e9}llo") => ws.send_ping(b"?", tx),
            Event::Pong(b"?") => ws.close(CloseCode::NORMAL, "done", tx),
            Event::Close(_) if ws.state() == State::CloseReceived => Ok(()),
            _ => return Err(21),
        }
        .map_err(|_| 22)?;
    }
    Ok(())
}

/// The network: all that waits arrives.
fn carry(from: &mut SendBuffer<[u8; 1024]>, to: &mut RecvBuffer<[u8; 1024]>) -> Result<(), i32> {
    to.extend(from.octets()).map_err(|_| 30)?;
    from.consume(from.len());
    Ok(())
}
