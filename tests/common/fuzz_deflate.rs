//! Fuzz bodies for compression (RFC 7692): what is agreed upon, what comes in, what goes out.

use websocket_proto::handshake::{DeflateConfig, Request, extensions};

use super::fuzz_bodies::Script;
use super::request_with;

/// An extension as the plain grammar reads it: its name, its parameters and their values.
type Plain = (String, Vec<(String, Option<String>)>);

/// The settings that four octets choose.
pub fn deflate_config(script: &mut Script<'_>) -> DeflateConfig {
    let (bits, flags, levels) = (script.next(), script.next(), script.next());
    DeflateConfig::new()
        .with_server_max_window_bits(8 + bits % 8)
        .with_client_max_window_bits(8 + bits / 8 % 8)
        .with_server_context_takeover(flags & 1 == 0)
        .with_client_context_takeover(flags & 2 == 0)
        .with_kept_codecs(flags & 4 == 0)
        .with_min_size(u32::from(script.next()))
        .with_level(1 + levels % 9)
        .with_memory_level(1 + levels / 16 % 9)
}

/// The grammar of extensions against a plain one, and what two ends agree upon, whatever else is offered.
pub fn extensions_field(data: &[u8]) {
    let mut script = Script::new(data);
    let (client, server) = (deflate_config(&mut script), deflate_config(&mut script));
    let value = script.rest();
    let plain = plain_extensions(value);
    let read: Option<Vec<Plain>> = extensions(value)
        .map(|each| {
            let each = each?;
            let parameters = each.parameters().map(|parameter| {
                let octets = parameter.value().collect();
                let text = String::from_utf8(octets).expect("a token");
                let value = parameter.has_value().then_some(text);
                assert_eq!(parameter.decimal(), value.as_deref().and_then(number));
                (parameter.name().to_owned(), value)
            });
            Some((each.name().to_owned(), parameters.collect()))
        })
        .collect();
    assert_eq!(read, plain);

    let legal = plain.as_ref().is_some_and(|list| !list.is_empty());
    if let Ok(text) = str::from_utf8(value)
        && text.bytes().all(|octet| (0x20..0x7F).contains(&octet))
    {
        let head = request_with(&format!("Sec-WebSocket-Extensions: {text}\r\n"));
        assert_eq!(Request::parse(&head).is_ok(), legal, "{text:?}");
    }

    // Whatever stands before it, an offer that can be honoured is found.
    let mut offer = Vec::new();
    client.emit_offer(&mut |octets| offer.extend_from_slice(octets));
    let answer = server
        .answer([value, &offer])
        .expect("ours can be honoured");
    let mut chosen = Vec::new();
    answer.emit(&mut |octets| chosen.extend_from_slice(octets));
    match server.answer([value]) {
        Some(first) => assert_eq!(first, answer, "the first of them"),
        None => {
            let agreed = client.verify([&chosen[..]]).expect("it suits our offer");
            assert_eq!(agreed, Some(answer.parameters()), "both ends agree");
        }
    }
    assert!(answer.parameters().server_max_window_bits() <= server.server_bits());

    // As a response: nothing but what was offered.
    if let Ok(Some(agreed)) = client.verify([value]) {
        assert!(legal);
        assert!(agreed.server_max_window_bits() <= client.server_bits());
        assert!(agreed.client_max_window_bits() <= client.client_bits());
    }
}

/// What an end's own settings ask for.
trait Bits {
    fn server_bits(&self) -> u8;
    fn client_bits(&self) -> u8;
}

impl Bits for DeflateConfig {
    fn server_bits(&self) -> u8 {
        let offers = [&b"permessage-deflate; client_max_window_bits"[..]];
        self.answer(offers)
            .unwrap()
            .parameters()
            .server_max_window_bits()
    }

    fn client_bits(&self) -> u8 {
        let offers = [&b"permessage-deflate; client_max_window_bits"[..]];
        self.answer(offers)
            .unwrap()
            .parameters()
            .client_max_window_bits()
    }
}

fn number(text: &str) -> Option<u8> {
    let legal = text == "0" || !text.starts_with('0') && !text.starts_with('+');
    text.parse().ok().filter(|_| legal)
}

/// RFC 6455 §9.1, octet by octet: what is quoted has to be a token, too. `None` where the grammar is broken;
/// elements of a list may be empty (RFC 9110 §5.6.1).
fn plain_extensions(value: &[u8]) -> Option<Vec<Plain>> {
    let mut reader = Reader { value, at: 0 };
    let mut found = Vec::new();
    loop {
        while reader.takes(b',') {}
        if reader.peek().is_none() {
            return Some(found);
        }
        let name = reader.token()?;
        let mut parameters = Vec::new();
        while reader.takes(b';') {
            let name = reader.token()?;
            let given = reader.takes(b'=');
            parameters.push((name, if given { Some(reader.given()?) } else { None }));
        }
        if !matches!(reader.peek(), None | Some(b',')) {
            return None;
        }
        found.push((name, parameters));
    }
}

struct Reader<'a> {
    value: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next octet that isn't blank.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t') = self.value.get(self.at) {
            self.at += 1;
        }
        self.value.get(self.at).copied()
    }

    fn takes(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        self.at += usize::from(found);
        found
    }

    fn character(&mut self) -> Option<char> {
        let octet = *self.value.get(self.at)?;
        let legal = octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
        self.at += usize::from(legal);
        legal.then_some(char::from(octet))
    }

    fn token(&mut self) -> Option<String> {
        self.peek()?;
        let token: String = std::iter::from_fn(|| self.character()).collect();
        (!token.is_empty()).then_some(token)
    }

    /// `token / quoted-string`
    fn given(&mut self) -> Option<String> {
        if !self.takes(b'"') {
            return self.token();
        }
        let mut text = String::new();
        loop {
            match self.value.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return (!text.is_empty()).then_some(text);
                }
                b'\\' => self.at += 1,
                _ => {}
            }
            text.push(self.character()?);
        }
    }
}

#[cfg(feature = "deflate")]
pub use codec::{compress, deflate, payload};

#[cfg(feature = "deflate")]
mod codec {
    use websocket_proto::{
        Client, Config, Connection, Event, MessageKind, RecvBuffer, Role, Server, Side,
    };

    use super::super::fuzz_bodies::{Script, frames_with};
    use super::super::rng::Rng;
    use super::super::trace::{Mode, Setup, run};
    use super::super::{KEY, Keys, Rx, Tx};
    use super::deflate_config;

    /// The most that a message may have in [`deflate`], so that bombs go off.
    const LIMIT: u64 = 5000;

    /// Compressed octets that may be anything, to either end: the same however they are cut, and in memory
    /// that has a bound.
    pub fn deflate(data: &[u8]) {
        let Some((&[choice, cut], data)) = data.split_first_chunk::<2>() else {
            return;
        };
        let role = if choice & 1 != 0 {
            Role::Server
        } else {
            Role::Client
        };
        let bits = 8 + choice / 2 % 8;
        let mut agreed = format!(
            "permessage-deflate; server_max_window_bits={bits}; client_max_window_bits={bits}"
        );
        if choice & 16 != 0 {
            agreed += "; server_no_context_takeover; client_no_context_takeover";
        }
        let limit = if choice & 32 != 0 { LIMIT } else { 40 };
        let setup = Setup {
            config: Config::new().with_max_message_size(limit),
            eof: choice & 64 != 0,
            deflate: Some(agreed),
            ..Setup::open(role)
        };
        let input = frames_with(role, 0x40, data);
        let octets: Vec<&[u8]> = input.chunks(1).collect();
        let (one, two) = input.split_at(usize::from(cut) * input.len() / 256);
        let (expected, _) = run(&setup, RecvBuffer::new(), Mode::Whole, &[&input]);
        let other = if cut & 1 != 0 {
            Mode::Whole
        } else {
            Mode::Chunks
        };
        for pieces in [&octets[..], &[one, two]] {
            let (trace, _) = run(&setup, RecvBuffer::new(), other, pieces);
            assert_eq!(trace, expected, "{other:?} in {} pieces", pieces.len());
        }
        match role {
            Role::Server => bounded(setup.agreed(Connection::open_server(setup.config)), &input),
            Role::Client => {
                let ws = Connection::open_client(setup.config, (|| KEY) as Keys);
                bounded(setup.agreed(ws), &input);
            }
        }
    }

    /// Whatever comes, the receive buffer holds no more than a few times the limit and what was just read.
    fn bounded<S: Side>(mut ws: Connection<S>, input: &[u8]) {
        let (mut rx, mut tx) = (Rx::new(), Tx::new());
        for piece in input.chunks(64) {
            rx.extend(piece).unwrap();
            while let Ok(Some(_)) = ws.poll(&mut rx, &mut tx) {
                tx.clear();
            }
            assert!(
                rx.capacity() <= 4 * LIMIT as usize + 4096,
                "{}",
                rx.capacity()
            );
        }
    }

    /// Messages, parts, settings and cuts of any kind, from either end: the other end sees the same.
    pub fn compress(data: &[u8]) {
        let mut script = Script::new(data);
        let (client, server) = (deflate_config(&mut script), deflate_config(&mut script));
        let mut offer = Vec::new();
        client.emit_offer(&mut |octets| offer.extend_from_slice(octets));
        let agreed = server
            .answer([&offer[..]])
            .expect("it can be honoured")
            .parameters();
        let keys: Keys = || KEY;
        let config = Config::new().with_max_message_size(1 << 24);
        let client: Connection<Client<Keys>> =
            Connection::open_client(config, keys).with_deflate(agreed, &client);
        let server: Connection<Server> =
            Connection::open_server(config).with_deflate(agreed, &server);
        if script.next() & 1 == 0 {
            converse(client, server, &mut script);
        } else {
            converse(server, client, &mut script);
        }
    }

    fn converse<A: Side, B: Side>(
        mut sender: Connection<A>,
        mut receiver: Connection<B>,
        script: &mut Script<'_>,
    ) {
        let (mut rx, mut tx) = (Rx::new(), Tx::new());
        let manner = script.next();
        let piece = 1 + usize::from(script.next()) * usize::from(manner & 63);
        let mut part = Vec::new();
        let mut begun: Option<Vec<u8>> = None;
        for _ in 0..16 {
            if script.rest().is_empty() {
                break;
            }
            let mut sent = None;
            match script.next() % 8 {
                0..=2 if begun.is_none() => {
                    let payload = payload(script);
                    sender.send_binary(&payload, &mut tx).unwrap();
                    sent = Some(payload);
                }
                0..=4 => {
                    if begun.is_none() {
                        sender.begin_message(MessageKind::Binary).unwrap();
                    }
                    let mut whole = begun.take().unwrap_or_default();
                    let payload = payload(script);
                    whole.extend_from_slice(&payload);
                    if script.next() & 1 == 0 {
                        sender.write_part(&payload, &mut tx).unwrap();
                        begun = Some(whole);
                    } else {
                        sender.end_message(&payload, &mut tx).unwrap();
                        sent = Some(whole);
                    }
                }
                5 => sender.set_compressing(script.next() & 1 == 0),
                6 => sender.release_codecs(),
                _ => receiver.release_codecs(),
            }
            let mut seen = Vec::new();
            for piece in tx.octets().chunks(piece) {
                rx.extend(piece).unwrap();
                take(&mut receiver, &mut rx, manner >= 64, &mut part, &mut seen);
            }
            tx.clear();
            assert!(seen.into_iter().eq(sent), "what was sent has come");
        }
    }

    fn take<S: Side>(
        ws: &mut Connection<S>,
        rx: &mut Rx,
        chunks: bool,
        part: &mut Vec<u8>,
        seen: &mut Vec<Vec<u8>>,
    ) {
        let mut tx = Tx::new();
        loop {
            let event = if chunks {
                ws.poll_chunk(rx, &mut tx)
            } else {
                ws.poll(rx, &mut tx)
            };
            match event.expect("nothing is wrong") {
                Some(Event::Binary(octets)) => seen.push(octets.to_vec()),
                Some(Event::BinaryChunk { octets, last }) => {
                    part.extend_from_slice(octets);
                    if last {
                        seen.push(std::mem::take(part));
                    }
                }
                Some(other) => panic!("{other:?}"),
                None => return,
            }
        }
    }

    /// Something to send: literally, over and over, or as good as random.
    pub fn payload(script: &mut Script<'_>) -> Vec<u8> {
        let (kind, size) = (script.next(), usize::from(script.next()));
        match kind % 4 {
            0 => (0..size % 32).map(|_| script.next()).collect(),
            1 => vec![kind; size * (1 + usize::from(kind / 8))],
            2 => Rng::new(kind.into()).octets(size * 8),
            _ => {
                let mut octets = Rng::new(u64::from(kind) % 16).octets(size * 8);
                for octet in &mut octets {
                    *octet = b"etaoin shrdlu\net"[usize::from(*octet % 16)];
                }
                octets.repeat(1 + usize::from(kind / 64))
            }
        }
    }
}
