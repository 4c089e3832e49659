//! Most of what there is: both ends of a connection, a URL, subprotocols, messages whole, in parts and in
//! chunks, control frames, deadlines and the closing handshake, in fixed buffers, without std and without
//! an allocator.

#![no_std]
#![no_main]

mod ground;

use websocket_proto::handshake::{Accept, ClientRequest, Url, choose_subprotocol};
use websocket_proto::{
    Client, CloseCode, Config, Connection, Event, Instant, KeySource, MessageKind, RecvBuffer,
    SendBuffer, Server, State,
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
    let url = Url::parse("ws://example.com/chat?room=1").map_err(|_| 1)?;
    let request = ClientRequest::from_url(&url, [7; 16]).with_subprotocols(&["chat"]);
    let mut tx = SendBuffer::with_storage([0; 1024]);
    let ws = Connection::client(&request, Config::new(), Keys(1), &mut tx).map_err(|_| 2)?;
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

    // The opening handshake.
    carry(&mut client.tx, &mut server.rx)?;
    answer(&mut server)?;
    carry(&mut server.tx, &mut client.rx)?;
    let opened = client.ws.poll(&mut client.rx, &mut client.tx);
    match opened {
        Ok(Some(Event::HandshakeDone(done))) if done.subprotocol() == Some("chat") => {}
        _ => return Err(10),
    }

    // A text in one frame, one in fragments around a Ping, and a binary message back.
    client
        .ws
        .send_text("h\u{e9}llo", &mut client.tx)
        .map_err(|_| 11)?;
    client.ws.begin_message(MessageKind::Text).map_err(|_| 12)?;
    client
        .ws
        .write_part(b"two \xE2", &mut client.tx)
        .map_err(|_| 13)?;
    client.ws.send_ping(b"?", &mut client.tx).map_err(|_| 14)?;
    client
        .ws
        .end_message(b"\x98\x83 parts", &mut client.tx)
        .map_err(|_| 15)?;
    carry(&mut client.tx, &mut server.rx)?;
    expect_text(&mut server, "h\u{e9}llo")?;
    let ping = server.ws.poll(&mut server.rx, &mut server.tx);
    if !matches!(ping, Ok(Some(Event::Ping(b"?")))) {
        return Err(16);
    }
    expect_text(&mut server, "two \u{2603} parts")?;
    server
        .ws
        .send_binary(&[1, 2, 3], &mut server.tx)
        .map_err(|_| 17)?;

    // Time, and the end.
    let deadline = server.ws.poll_timeout(Instant::from_millis(1));
    if deadline.is_some() {
        return Err(18);
    }
    server
        .ws
        .close(CloseCode::NORMAL, "done", &mut server.tx)
        .map_err(|_| 19)?;
    server
        .ws
        .handle_timeout(Instant::from_millis(2), &mut server.tx);
    carry(&mut server.tx, &mut client.rx)?;
    finish(&mut client)?;
    carry(&mut client.tx, &mut server.rx)?;
    finish_server(&mut server)
}

fn answer(server: &mut End<Server>) -> Result<(), i32> {
    let asked = server.ws.poll(&mut server.rx, &mut server.tx);
    let Ok(Some(Event::Request(request))) = asked else {
        return Err(20);
    };
    if request.path() != "/chat" || request.query() != Some("room=1") {
        return Err(21);
    }
    let name = choose_subprotocol(&request, &["chat"]).ok_or(22)?;
    let accept = Accept::new().with_subprotocol(name);
    server
        .ws
        .accept(&request, &accept, &mut server.tx)
        .map_err(|_| 23)?;
    let done = server.ws.poll(&mut server.rx, &mut server.tx);
    match done {
        Ok(Some(Event::HandshakeDone(_))) => Ok(()),
        _ => Err(24),
    }
}

fn expect_text(server: &mut End<Server>, expected: &str) -> Result<(), i32> {
    match server.ws.poll(&mut server.rx, &mut server.tx) {
        Ok(Some(Event::Text(text))) if text == expected => Ok(()),
        _ => Err(30),
    }
}

fn finish(client: &mut End<Client<Keys>>) -> Result<(), i32> {
    let pong = client.ws.poll(&mut client.rx, &mut client.tx);
    if !matches!(pong, Ok(Some(Event::Pong(b"?")))) {
        return Err(40);
    }
    let data = client.ws.poll_chunk(&mut client.rx, &mut client.tx);
    match data {
        Ok(Some(Event::BinaryChunk {
            octets: [1, 2, 3],
            last: true,
        })) => {}
        _ => return Err(41),
    }
    let close = client.ws.poll(&mut client.rx, &mut client.tx);
    match close {
        Ok(Some(Event::Close(close))) if close.reason == "done" => Ok(()),
        _ => Err(42),
    }
}

fn finish_server(server: &mut End<Server>) -> Result<(), i32> {
    let close = server.ws.poll(&mut server.rx, &mut server.tx);
    if !matches!(close, Ok(Some(Event::Close(_)))) {
        return Err(50);
    }
    server.ws.handle_eof();
    let end = server.ws.poll(&mut server.rx, &mut server.tx);
    if !matches!(end, Ok(None)) || server.ws.state() != State::Closed {
        return Err(51);
    }
    match server.ws.outcome(&server.rx) {
        Some(outcome) if outcome.clean && outcome.code == CloseCode::NORMAL => Ok(()),
        _ => Err(52),
    }
}

/// The network: all that waits arrives.
fn carry(from: &mut SendBuffer<[u8; 1024]>, to: &mut RecvBuffer<[u8; 1024]>) -> Result<(), i32> {
    to.extend(from.octets()).map_err(|_| 60)?;
    from.consume(from.len());
    Ok(())
}
