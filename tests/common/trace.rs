//! One run of a connection, and everything that can be seen of it.

use websocket_proto::buffer::Storage;
use websocket_proto::handshake::{Accept, ClientRequest, DeflateConfig, Rejection, Request};
use websocket_proto::{
    Client, Config, Connection, Event, Initiator, RecvBuffer, Role, SendBuffer, Server, Side,
    State, Violation,
};

use super::{KEY, Keys, NONCE};

/// An event, in memory of its own. Chunks are joined to the messages that they are parts of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Request(String),
    Open(Option<String>),
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
}

/// What can be seen of a run. How the input was cut must not show in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    pub events: Vec<Seen>,
    /// Nothing of it was written before the end, so that it does not depend on the cuts.
    pub output: Vec<u8>,
    pub error: Option<Violation>,
    pub state: State,
    /// Once the stream has ended.
    pub outcome: Option<(u16, String, bool, Initiator)>,
    /// Status and body of the answer that refused a client.
    pub refused: Option<(u16, Vec<u8>)>,
}

/// How a run begins.
#[derive(Clone, Debug)]
pub struct Setup {
    pub role: Role,
    pub config: Config,
    /// Where the handshake is part of it, what the server answers or the client offers.
    pub opening: Option<Opening>,
    /// Whether the stream ends behind the input.
    pub eof: bool,
    /// What a connection that starts open has agreed upon, as the value of the answer's field.
    pub deflate: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Opening {
    pub subprotocols: Vec<String>,
    /// A server rejects with it.
    pub reject: Option<u16>,
    /// Compression is agreed to, or offered.
    pub deflate: Option<DeflateConfig>,
}

impl Setup {
    pub fn open(role: Role) -> Self {
        Self {
            role,
            config: Config::new(),
            opening: None,
            eof: false,
            deflate: None,
        }
    }

    /// The connection, with what it has agreed upon.
    #[cfg(any(feature = "deflate", feature = "inflate"))]
    pub fn agreed<S: Side>(&self, ws: Connection<S>) -> Connection<S> {
        let Some(value) = &self.deflate else {
            return ws;
        };
        let config = DeflateConfig::new();
        let answer = config.answer([value.as_bytes()]).expect("legal parameters");
        ws.with_deflate(answer.parameters(), &config)
    }

    #[cfg(not(any(feature = "deflate", feature = "inflate")))]
    pub fn agreed<S: Side>(&self, ws: Connection<S>) -> Connection<S> {
        assert!(self.deflate.is_none(), "there is no codec");
        ws
    }
}

/// Whether messages are taken whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Whole,
    Chunks,
}

/// A run, and after how many octets its error showed.
pub fn run<B: Storage>(
    setup: &Setup,
    rx: RecvBuffer<B>,
    mode: Mode,
    pieces: &[&[u8]],
) -> (Trace, Option<usize>) {
    let mut tx = SendBuffer::new();
    match (setup.role, &setup.opening) {
        (Role::Server, None) => {
            let ws = setup.agreed(Connection::open_server(setup.config));
            Run::new(setup, ws, rx, tx, mode).through(pieces)
        }
        (Role::Server, Some(_)) => {
            Run::new(setup, Connection::server(setup.config), rx, tx, mode).through(pieces)
        }
        (Role::Client, None) => {
            let ws = setup.agreed(Connection::open_client(setup.config, (|| KEY) as Keys));
            Run::new(setup, ws, rx, tx, mode).through(pieces)
        }
        (Role::Client, Some(opening)) => {
            let offers: Vec<&str> = opening.subprotocols.iter().map(String::as_str).collect();
            let request = offering(
                ClientRequest::new("example.com", "/chat", NONCE).with_subprotocols(&offers),
                opening,
            );
            let keys = (|| KEY) as Keys;
            let ws = Connection::client(&request, setup.config, keys, &mut tx).unwrap();
            tx.clear();
            Run::new(setup, ws, rx, tx, mode).through(pieces)
        }
    }
}

#[cfg(any(feature = "deflate", feature = "inflate"))]
pub fn offering<'a>(request: ClientRequest<'a>, opening: &Opening) -> ClientRequest<'a> {
    match opening.deflate {
        Some(config) => request.with_deflate(config),
        None => request,
    }
}

#[cfg(not(any(feature = "deflate", feature = "inflate")))]
pub fn offering<'a>(request: ClientRequest<'a>, _: &Opening) -> ClientRequest<'a> {
    request
}

#[cfg(any(feature = "deflate", feature = "inflate"))]
pub fn agreeing<'a>(accept: Accept<'a>, opening: &Opening) -> Accept<'a> {
    match opening.deflate {
        Some(config) => accept.with_deflate(config),
        None => accept,
    }
}

#[cfg(not(any(feature = "deflate", feature = "inflate")))]
pub fn agreeing<'a>(accept: Accept<'a>, _: &Opening) -> Accept<'a> {
    accept
}

/// What a server does that a client doesn't, and the other way round.
pub trait End {
    fn answer(&mut self, opening: &Opening, request: &Request<'_>, tx: &mut SendBuffer<Vec<u8>>);

    fn refusal<B: Storage>(&self, rx: &RecvBuffer<B>) -> Option<(u16, Vec<u8>)>;
}

impl End for Connection<Server> {
    fn answer(&mut self, opening: &Opening, request: &Request<'_>, tx: &mut SendBuffer<Vec<u8>>) {
        if let Some(status) = opening.reject {
            return self.reject(&Rejection::new(status), tx).unwrap();
        }
        let mut accept = agreeing(Accept::new(), opening);
        let chosen = request
            .subprotocols()
            .find(|offered| opening.subprotocols.iter().any(|spoken| spoken == offered));
        if let Some(name) = chosen {
            accept = accept.with_subprotocol(name);
        }
        self.accept(request, &accept, tx).unwrap();
    }

    fn refusal<B: Storage>(&self, _: &RecvBuffer<B>) -> Option<(u16, Vec<u8>)> {
        None
    }
}

impl End for Connection<Client<Keys>> {
    fn answer(&mut self, _: &Opening, _: &Request<'_>, _: &mut SendBuffer<Vec<u8>>) {
        unreachable!("a client was asked for a connection");
    }

    fn refusal<B: Storage>(&self, rx: &RecvBuffer<B>) -> Option<(u16, Vec<u8>)> {
        self.response(rx)
            .map(|response| (response.status(), response.body().to_vec()))
    }
}

struct Run<'a, S: Side, B> {
    setup: &'a Setup,
    ws: Connection<S>,
    rx: RecvBuffer<B>,
    tx: SendBuffer<Vec<u8>>,
    mode: Mode,
    fed: usize,
    parts: Vec<u8>,
    events: Vec<Seen>,
    error: Option<(Violation, usize)>,
    /// What waited when the error showed: nothing may come to it.
    at_error: Vec<u8>,
}

impl<'a, S: Side, B: Storage> Run<'a, S, B>
where
    Connection<S>: End,
{
    fn new(
        setup: &'a Setup,
        ws: Connection<S>,
        rx: RecvBuffer<B>,
        tx: SendBuffer<Vec<u8>>,
        mode: Mode,
    ) -> Self {
        Self {
            setup,
            ws,
            rx,
            tx,
            mode,
            fed: 0,
            parts: Vec::new(),
            events: Vec::new(),
            error: None,
            at_error: Vec::new(),
        }
    }

    fn through(mut self, pieces: &[&[u8]]) -> (Trace, Option<usize>) {
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                let room = self.rx.spare();
                let count = room.len().min(rest.len());
                assert!(
                    count > 0,
                    "a full buffer lends no room and no event in {:?}",
                    self.ws.state()
                );
                room[..count].copy_from_slice(&rest[..count]);
                self.rx.commit(count);
                self.fed += count;
                rest = &rest[count..];
                self.poll_all();
            }
        }
        self.poll_all();
        if self.setup.eof {
            self.ws.handle_eof();
            self.poll_all();
            assert_eq!(
                self.ws.state(),
                State::Closed,
                "the end of the stream is the end"
            );
        }
        let outcome = self.ws.outcome(&self.rx).map(|outcome| {
            let code = outcome.code.value();
            (
                code,
                outcome.reason.to_owned(),
                outcome.clean,
                outcome.initiator,
            )
        });
        let trace = Trace {
            events: self.events,
            output: self.tx.octets().to_vec(),
            error: self.error.map(|(violation, _)| violation),
            state: self.ws.state(),
            outcome,
            refused: self.ws.refusal(&self.rx),
        };
        if trace.error.is_some() {
            assert_eq!(
                trace.output, self.at_error,
                "something was written behind the error"
            );
        }
        (trace, self.error.map(|(_, at)| at))
    }

    fn poll_all(&mut self) {
        loop {
            let polled = match self.mode {
                Mode::Whole => self.ws.poll(&mut self.rx, &mut self.tx),
                Mode::Chunks => self.ws.poll_chunk(&mut self.rx, &mut self.tx),
            };
            let event = match polled {
                Ok(Some(event)) => event,
                Ok(None) => {
                    assert!(self.error.is_none(), "the error was forgotten");
                    return;
                }
                Err(violation) => {
                    let (first, _) = *self.error.get_or_insert((violation, self.fed));
                    assert_eq!(
                        violation, first,
                        "the first violation is the one that stays"
                    );
                    assert_eq!(self.ws.violation(), Some(first));
                    if self.at_error.is_empty() {
                        self.at_error = self.tx.octets().to_vec();
                    }
                    return;
                }
            };
            assert!(self.error.is_none(), "{event:?} came behind the error");
            if let Event::Request(request) = event {
                self.events.push(Seen::Request(request.target().to_owned()));
                let opening = self.setup.opening.as_ref().unwrap();
                self.ws.answer(opening, &request, &mut self.tx);
                continue;
            }
            self.events.push(match event {
                Event::HandshakeDone(done) => Seen::Open(done.subprotocol().map(str::to_owned)),
                Event::Text(text) => Seen::Text(text.to_owned()),
                Event::Binary(octets) => Seen::Binary(octets.to_vec()),
                Event::TextChunk { text, last } => {
                    self.parts.extend(text.as_bytes());
                    if !last {
                        continue;
                    }
                    Seen::Text(String::from_utf8(std::mem::take(&mut self.parts)).unwrap())
                }
                Event::BinaryChunk { octets, last } => {
                    self.parts.extend(octets);
                    if !last {
                        continue;
                    }
                    Seen::Binary(std::mem::take(&mut self.parts))
                }
                Event::Ping(octets) => Seen::Ping(octets.to_vec()),
                Event::Pong(octets) => Seen::Pong(octets.to_vec()),
                Event::Close(close) => Seen::Close(close.code.value(), close.reason.to_owned()),
                other => panic!("unknown event {other:?}"),
            });
        }
    }
}

/// An empty buffer that has served another connection, whose text was cut short within a code point.
pub fn used() -> RecvBuffer<Vec<u8>> {
    let mut ws = Connection::open_server(Config::new());
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let cut = [
        super::frames::to_server(0x01, b"caf\xC3"),
        super::frames::to_server(0x09, b""),
    ]
    .concat();
    rx.extend(&cut).unwrap();
    assert!(ws.poll(&mut rx, &mut tx).is_err(), "a Ping in fragments");
    assert!(rx.is_empty());
    rx
}

/// Runs the input whole, octet by octet and cut in two at many places, over each kind of buffer and with
/// messages whole and in chunks. All of it has to look the same. `fixed`: whether a storage as long as the
/// input does, too.
pub fn run_every_way(setup: &Setup, input: &[u8], fixed: bool) -> (Trace, Option<usize>) {
    run_in_room(setup, input, fixed.then_some(input.len().max(256)))
}

/// As [`run_every_way`], with a fixed storage of this length where there is one.
pub fn run_in_room(setup: &Setup, input: &[u8], room: Option<usize>) -> (Trace, Option<usize>) {
    let octets: Vec<&[u8]> = input.chunks(1).collect();
    let (expected, error_at) = run(setup, RecvBuffer::new(), Mode::Whole, &octets);
    let check = |how: &str, mode: Mode, pieces: &[&[u8]]| {
        let (trace, _) = run(setup, RecvBuffer::new(), mode, pieces);
        assert_eq!(trace, expected, "{how}, {mode:?}, over a Vec");
        if pieces.len() != 2 {
            let (trace, _) = run(setup, used(), mode, pieces);
            assert_eq!(trace, expected, "{how}, {mode:?}, over a Vec of another's");
        }
        let Some(room) = room else {
            return;
        };
        // Memory may hold anything.
        let mut slice = vec![0xC3; room];
        let (trace, _) = run(
            setup,
            RecvBuffer::with_storage(&mut slice[..]),
            mode,
            pieces,
        );
        assert_eq!(trace, expected, "{how}, {mode:?}, over a slice");
        if room <= 2048 && pieces.len() <= 2 {
            let (trace, _) = run(setup, RecvBuffer::with_storage([0x81; 2048]), mode, pieces);
            assert_eq!(trace, expected, "{how}, {mode:?}, over an array");
        }
    };
    for mode in [Mode::Whole, Mode::Chunks] {
        check("whole", mode, &[input]);
        check("octet by octet", mode, &octets);
        for cut in cuts(input.len()) {
            let (one, two) = input.split_at(cut);
            check(&format!("cut at {cut}"), mode, &[one, two]);
        }
    }
    (expected, error_at)
}

/// All places to cut at, or for a long input those near its ends and some in between. Where the environment has
/// `VECTOR_CUTS`, only about so many: for machines that are emulated.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    let most = std::env::var("VECTOR_CUTS").map_or(usize::MAX, |most| most.parse().unwrap());
    let step = length.div_ceil(most.max(1));
    (1..length).filter(move |&at| {
        let counts = length <= 800 || at < 40 || length - at < 40 || at.is_multiple_of(length / 20);
        counts && (at < 4 || at.is_multiple_of(step))
    })
}
