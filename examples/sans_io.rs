//! Both ends of a connection in one thread, without a network: what the machine takes, and what it gives.
//!
//! ```text
//! cargo run --example sans_io
//! ```
//!
//! A [`Connection`] reads nothing and writes nothing. Octets that "arrive" are put into its receive
//! buffer; what is to be sent waits in its send buffer. Here the network is a copy from one end's send
//! buffer to the other end's receive buffer, and every frame that passes is explained.

use std::error::Error;

use websocket_proto::frame::FrameDecoder;
use websocket_proto::frame::mask::KeySource;
use websocket_proto::handshake::{Accept, ClientRequest};
use websocket_proto::{
    CloseCode, Config, Connection, Event, MessageKind, Opcode, RecvBuffer, SendBuffer, Side,
    Transport,
};

fn main() -> Result<(), Box<dyn Error>> {
    title("The opening handshake (RFC 6455 §4)");
    // Nonce and masking keys are fixed here, so that each run prints the same. In earnest they have to
    // be unpredictable: `adapter::nonce` and `SystemKeys` draw on the system's entropy.
    let nonce = *b"the sample nonce";
    let request =
        ClientRequest::new("server.example.com", "/chat", nonce).with_subprotocols(&["chat"]);
    let mut tx = SendBuffer::new();
    let client = Connection::client(&request, Config::new(), FixedKeys(0x10), &mut tx)?;
    let mut client = End::new("client", client, tx);
    let mut server = End::new(
        "server",
        Connection::server(Config::new()),
        SendBuffer::new(),
    );

    println!("The client has queued its request:\n");
    print_head(client.tx.octets());
    client.deliver_unseen(&mut server)?;

    // The server is asked, and answers.
    if let Some(Event::Request(request)) = server.ws.poll(&mut server.rx, &mut server.tx)? {
        println!(
            "server: an upgrade of {} is wanted; it accepts:\n",
            request.path()
        );
        let accept = Accept::new().with_subprotocol("chat");
        server.ws.accept(&request, &accept, &mut server.tx)?;
    }
    print_head(server.tx.octets());
    server.deliver_unseen(&mut client)?;
    server.handle_events()?;
    client.handle_events()?;

    title("A text message (§5.6)");
    client.ws.send_text("Hello", &mut client.tx)?;
    client.deliver(&mut server)?;
    println!("The answer isn't masked: only clients mask (§5.1).\n");
    server.ws.send_text("Hello, client", &mut server.tx)?;
    server.deliver(&mut client)?;

    title("A message in three fragments, with a Ping in between (§5.4)");
    client.ws.begin_message(MessageKind::Text)?;
    // A fragment may end within a character: here the two octets of "é" are parted.
    client.ws.write_part(b"caf\xc3", &mut client.tx)?;
    client.deliver(&mut server)?;
    println!("Nothing for the server to handle yet: the message isn't whole.\n");
    client.ws.send_ping(b"still there?", &mut client.tx)?;
    client.deliver(&mut server)?;
    println!("The Pong has been queued by the machine itself:\n");
    server.deliver(&mut client)?;
    client.ws.write_part(b"\xa9 ", &mut client.tx)?;
    client.ws.end_message("olé".as_bytes(), &mut client.tx)?;
    client.deliver(&mut server)?;

    title("A message that has to say its length in two more octets (§5.2)");
    server.ws.send_binary(&[7; 300], &mut server.tx)?;
    server.deliver(&mut client)?;

    title("The closing handshake (§7)");
    client
        .ws
        .close(CloseCode::NORMAL, "that was all", &mut client.tx)?;
    client.deliver(&mut server)?;
    println!("The Close in return has been queued by the machine, too:\n");
    server.deliver(&mut client)?;

    // It is the server that closes the transport first (§7.1.1).
    assert_eq!(server.ws.transport(), Transport::ShutdownWrite);
    assert_eq!(client.ws.transport(), Transport::AwaitEof);
    println!("server: shuts down its side of the stream");
    client.ws.handle_eof();
    client.handle_events()?;
    assert_eq!(client.ws.transport(), Transport::Close);
    println!("client: closes the stream");
    server.ws.handle_eof();
    server.handle_events()?;

    for (name, outcome) in [
        ("client", client.ws.outcome(&client.rx)),
        ("server", server.ws.outcome(&server.rx)),
    ] {
        let outcome = outcome.ok_or("it isn't over")?;
        println!(
            "{name}: {}, {:?}, clean: {}, by {:?}",
            outcome.code, outcome.reason, outcome.clean, outcome.initiator
        );
    }
    Ok(())
}

/// The three values that make up one end, and a decoder for what its frames look like from outside.
struct End<S> {
    name: &'static str,
    ws: Connection<S>,
    rx: RecvBuffer<Vec<u8>>,
    tx: SendBuffer<Vec<u8>>,
    /// Reads the frames that this end sends, as its peer does.
    observer: FrameDecoder,
}

impl<S: Side> End<S> {
    fn new(name: &'static str, ws: Connection<S>, tx: SendBuffer<Vec<u8>>) -> Self {
        Self {
            name,
            observer: FrameDecoder::new(ws.role().peer()),
            ws,
            rx: RecvBuffer::new(),
            tx,
        }
    }

    /// The network: what waits here arrives there.
    fn deliver_unseen<P: Side>(&mut self, peer: &mut End<P>) -> Result<(), Box<dyn Error>> {
        peer.rx.extend(self.tx.octets())?;
        self.tx.consume(self.tx.len());
        Ok(())
    }

    /// The network, with somebody who watches; then the peer handles what has arrived.
    fn deliver<P: Side>(&mut self, peer: &mut End<P>) -> Result<(), Box<dyn Error>> {
        annotate(self.name, &mut self.observer, self.tx.octets())?;
        self.deliver_unseen(peer)?;
        peer.handle_events()
    }

    /// Polls until nothing more can be done with what has arrived.
    fn handle_events(&mut self) -> Result<(), Box<dyn Error>> {
        while let Some(event) = self.ws.poll(&mut self.rx, &mut self.tx)? {
            print!("{}: ", self.name);
            match event {
                Event::HandshakeDone(handshake) => {
                    println!("open, subprotocol {:?}", handshake.subprotocol());
                }
                Event::Text(text) => println!("text {text:?}"),
                Event::Binary(octets) => println!("binary, {} octets", octets.len()),
                Event::Ping(payload) => println!("Ping {:?}", String::from_utf8_lossy(payload)),
                Event::Pong(payload) => println!("Pong {:?}", String::from_utf8_lossy(payload)),
                Event::Close(close) => println!("Close, {}, {:?}", close.code, close.reason),
                other => println!("{other:?}"),
            }
            println!();
        }
        Ok(())
    }
}

/// Masking keys for a demonstration: `10 11 12 13`, `20 21 22 23`, ...
struct FixedKeys(u8);

impl KeySource for FixedKeys {
    fn next_key(&mut self) -> [u8; 4] {
        let first = self.0;
        self.0 = first.wrapping_add(0x10);
        [first, first + 1, first + 2, first + 3]
    }
}

/// Prints each frame in `octets`, in hex and in words.
fn annotate(sender: &str, decoder: &mut FrameDecoder, octets: &[u8]) -> Result<(), Box<dyn Error>> {
    // Payloads are unmasked where they lie: in a copy, as the peer is to see the original.
    let mut rest = &mut octets.to_vec()[..];
    while let Some((header, length)) = decoder.decode_header(rest)? {
        let (head, behind) = rest.split_at_mut(length);
        let (payload, next) = behind.split_at_mut(usize::try_from(header.payload_len())?);

        println!("{sender} ──> {} {}", hex(head), hex_of_some(payload));
        let part = match (header.opcode().is_control(), header.fin()) {
            (true, _) => "a control frame, which is never fragmented",
            (false, true) => "FIN: its message ends with this frame",
            (false, false) => "no FIN: its message goes on",
        };
        println!("    {:02x}  {:?}; {part}", head[0], header.opcode());
        let masked = if header.key().is_some() {
            "masked"
        } else {
            "not masked"
        };
        println!("    {:02x}  {masked}; {}", head[1], length_in_words(head));
        if let Some(key) = header.key() {
            println!("    masking key {}", hex(&key));
        }
        decoder.decode_payload(payload);
        println!(
            "    payload of {} octets: {}\n",
            payload.len(),
            in_words(header.opcode(), payload)
        );
        rest = next;
    }
    Ok(())
}

/// What the second octet says, and the octets behind it.
fn length_in_words(head: &[u8]) -> String {
    match head[1] & 0x7F {
        126 => format!(
            "126: the length stands in the next two octets, {}",
            hex(&head[2..4])
        ),
        127 => format!(
            "127: the length stands in the next eight octets, {}",
            hex(&head[2..10])
        ),
        length => format!("length {length}"),
    }
}

fn in_words(opcode: Opcode, payload: &[u8]) -> String {
    match (opcode, payload) {
        (Opcode::CLOSE, &[first, second, ref reason @ ..]) => {
            let code = CloseCode::new(u16::from_be_bytes([first, second]));
            format!("{code}, {:?}", String::from_utf8_lossy(reason))
        }
        _ if payload.len() > 64 => hex_of_some(payload),
        _ => format!("\"{}\"", payload.escape_ascii()),
    }
}

fn hex(octets: &[u8]) -> String {
    let octets: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    octets.join(" ")
}

/// As much of a payload as is worth a line.
fn hex_of_some(octets: &[u8]) -> String {
    match octets.get(..32) {
        Some(some) => format!("{} ...", hex(some)),
        None => hex(octets),
    }
}

fn print_head(octets: &[u8]) {
    for line in String::from_utf8_lossy(octets).trim_end().lines() {
        println!("    {line}");
    }
    println!();
}

fn title(text: &str) {
    println!("\n{text}\n{}\n", "─".repeat(text.chars().count()));
}
