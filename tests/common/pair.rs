//! Two ends, a pipe each way that is slow, narrow and apt to break, and a clock that nobody waits for.
//!
//! Each end does what an adapter does: it carries out the steps of a `Driver`. Everything follows from
//! the seed.

use std::collections::VecDeque;

use websocket_proto::adapter::{Driver, Step};
use websocket_proto::handshake::{Accept, ClientRequest};
use websocket_proto::{
    Client, Config, Connection, Event, Initiator, Instant, MessageKind, Misuse, SendBuffer, Server,
    Side, State, Violation,
};

use super::frames::{CLOSE, Frame, read_all};
use super::rng::Rng;
use super::trace::used;
use super::{KEY, Keys, NONCE, Rx, Tx};

/// A message, text or binary.
pub type Message = (MessageKind, Vec<u8>);

/// One direction.
#[derive(Debug)]
pub struct Pipe {
    /// Pieces under way, and when they arrive.
    queue: VecDeque<(u64, Vec<u8>)>,
    under_way: usize,
    /// When the end of the stream arrives, once it was sent.
    eof: Option<u64>,
    eof_told: bool,
    /// Nobody is there any more to read what is written.
    broken: bool,
    /// The most that is under way at once.
    pub capacity: usize,
    /// The longest piece, and the longest delay in milliseconds.
    pub piece: usize,
    pub delay: u64,
}

impl Pipe {
    fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            under_way: 0,
            eof: None,
            eof_told: false,
            broken: false,
            capacity: usize::MAX,
            piece: usize::MAX,
            delay: 0,
        }
    }

    fn push(&mut self, at: u64, piece: Vec<u8>) {
        self.under_way += piece.len();
        match self.queue.back_mut() {
            // What arrives at the same time arrives together.
            Some((last, octets)) if *last == at => octets.extend(piece),
            _ => self.queue.push_back((at, piece)),
        }
    }

    /// Takes the first octets of what has arrived, as many as there is room for and chance has it.
    fn pull(&mut self, now: u64, room: &mut [u8], rng: &mut Rng) -> usize {
        let Some((at, piece)) = self.queue.front_mut() else {
            return 0;
        };
        if *at > now {
            return 0;
        }
        let count = (1 + rng.below(piece.len().min(self.piece))).min(room.len());
        room[..count].copy_from_slice(&piece[..count]);
        piece.drain(..count);
        self.under_way -= count;
        if piece.is_empty() {
            self.queue.pop_front();
        }
        count
    }

    fn discard(&mut self) {
        self.queue.clear();
        self.under_way = 0;
        self.broken = true;
    }

    fn arrival(&self, now: u64, rng: &mut Rng) -> u64 {
        let after = now + rng.next() % (self.delay + 1);
        self.queue
            .back()
            .map_or(after, |(last, _)| after.max(*last))
    }

    fn close(&mut self, now: u64, rng: &mut Rng) {
        if self.eof.is_none() {
            self.eof = Some(self.arrival(now, rng));
        }
    }

    /// Everything that is under way is lost, and the stream ends.
    pub fn lose_tail(&mut self, now: u64) {
        self.discard();
        self.eof.get_or_insert(now);
    }

    /// Turns over a bit of what is under way; false where nothing is.
    pub fn corrupt(&mut self, rng: &mut Rng) -> bool {
        match self.queue.front_mut() {
            Some((_, piece)) => {
                let at = rng.below(piece.len());
                piece[at] ^= 1 << rng.below(8);
                true
            }
            None => false,
        }
    }

    fn next_arrival(&self) -> Option<u64> {
        match self.queue.front() {
            Some((at, _)) => Some(*at),
            None if self.eof_told => None,
            None => self.eof,
        }
    }
}

/// One end, and all that it has said and heard.
pub struct End<S: Side> {
    pub ws: Connection<S>,
    pub rx: Rx,
    pub tx: Tx,
    driver: Driver,
    pub chunks: bool,
    /// Waits for the pipe to take more: reads nothing until then.
    stuck: bool,
    pub done: bool,
    pub opened: bool,
    /// All octets that were written, head included.
    pub wire: Vec<u8>,
    pub sent: Vec<Message>,
    pub received: Vec<Message>,
    part: Vec<u8>,
    sending: Option<Message>,
    pub closes_heard: usize,
}

impl<S: Side> End<S> {
    fn new(ws: Connection<S>, rx: Rx, tx: Tx) -> Self {
        Self {
            ws,
            rx,
            tx,
            driver: Driver::new(),
            chunks: false,
            stuck: false,
            done: false,
            opened: false,
            wire: Vec::new(),
            sent: Vec::new(),
            received: Vec::new(),
            part: Vec::new(),
            sending: None,
            closes_heard: 0,
        }
    }

    /// Carries out a command. One that fails must have written nothing.
    pub fn command(
        &mut self,
        command: impl FnOnce(&mut Connection<S>, &mut Tx) -> Result<(), Misuse>,
    ) -> bool {
        let before = self.tx.octets().to_vec();
        let result = command(&mut self.ws, &mut self.tx);
        if result.is_err() {
            assert_eq!(self.tx.octets(), before, "a misuse has written something");
        }
        result.is_ok()
    }

    pub fn send(&mut self, kind: MessageKind, payload: Vec<u8>) {
        let sent = self.command(|ws, tx| match kind {
            MessageKind::Text => ws.send_text(str::from_utf8(&payload).unwrap(), tx),
            MessageKind::Binary => ws.send_binary(&payload, tx),
        });
        if sent {
            self.sent.push((kind, payload));
        }
    }

    /// Begins a message in parts, or goes on with it.
    pub fn send_part(&mut self, kind: MessageKind, part: &[u8], last: bool) {
        if self.sending.is_none() && self.command(|ws, _| ws.begin_message(kind)) {
            self.sending = Some((kind, Vec::new()));
        }
        let sent = self.command(|ws, tx| {
            if last {
                ws.end_message(part, tx)
            } else {
                ws.write_part(part, tx)
            }
        });
        if let (true, Some((_, octets))) = (sent, &mut self.sending) {
            octets.extend(part);
            if last {
                self.sent.extend(self.sending.take());
            }
        }
    }

    /// The frames that were written, without the head, and whether they are whole.
    pub fn frames(&self) -> (Vec<Frame>, bool) {
        let head = self.wire.windows(4).position(|four| four == b"\r\n\r\n");
        match head {
            Some(at) => {
                let (frames, rest) = read_all(&self.wire[at + 4..]);
                (frames, rest.is_empty())
            }
            None => (Vec::new(), self.wire.is_empty()),
        }
    }

    fn note(&mut self, event: &Heard) {
        match event {
            Heard::Open => self.opened = true,
            Heard::Part(kind, octets, last) => {
                self.part.extend(octets);
                if *last {
                    self.received.push((*kind, std::mem::take(&mut self.part)));
                }
            }
            Heard::Close => self.closes_heard += 1,
            Heard::Control => {}
        }
    }

    /// Does everything that can be done now.
    fn work(
        &mut self,
        answer: impl Fn(&mut Connection<S>, &Event<'_>, &mut Tx),
        out: &mut Pipe,
        back: &mut Pipe,
        now: u64,
        rng: &mut Rng,
    ) {
        self.stuck = false;
        while !self.done {
            let step = if self.chunks {
                self.driver
                    .step_chunk(&mut self.ws, &mut self.rx, &mut self.tx)
            } else {
                self.driver.step(&mut self.ws, &mut self.rx, &mut self.tx)
            };
            match step {
                Step::Event(ready) => {
                    let Ok(event) = self.ws.lend(ready, &mut self.rx, &mut self.tx) else {
                        continue;
                    };
                    answer(&mut self.ws, &event, &mut self.tx);
                    let heard = Heard::from(&event);
                    self.note(&heard);
                }
                Step::Write if out.broken => {
                    self.tx.clear();
                    self.ws.handle_eof();
                }
                Step::Write => {
                    let most = out
                        .capacity
                        .saturating_sub(out.under_way)
                        .min(self.tx.len());
                    if most == 0 {
                        if self.ws.state() != State::Closed {
                            self.stuck = true;
                            return;
                        }
                        self.tx.clear();
                        continue;
                    }
                    let count = 1 + rng.below(most.min(out.piece));
                    let piece = self.tx.octets()[..count].to_vec();
                    self.tx.consume(count);
                    self.wire.extend(&piece);
                    let at = out.arrival(now, rng);
                    out.push(at, piece);
                }
                Step::ShutdownWrite => out.close(now, rng),
                Step::Read => return,
                Step::Done => {
                    self.done = true;
                    out.close(now, rng);
                    back.discard();
                }
            }
        }
    }

    /// Takes what has arrived; true where something has.
    fn read(&mut self, from: &mut Pipe, now: u64, rng: &mut Rng) -> bool {
        if self.done || self.stuck {
            return false;
        }
        let count = from.pull(now, self.rx.spare(), rng);
        self.rx.commit(count);
        let ended = from.queue.is_empty() && from.eof.is_some_and(|at| at <= now);
        if count == 0 && ended && !from.eof_told {
            from.eof_told = true;
            self.ws.handle_eof();
            return true;
        }
        count > 0
    }

    pub fn outcome(&self) -> Option<(u16, String, bool, Initiator)> {
        self.ws.outcome(&self.rx).map(|outcome| {
            let code = outcome.code.value();
            (
                code,
                outcome.reason.to_owned(),
                outcome.clean,
                outcome.initiator,
            )
        })
    }

    /// What holds for whatever this end has written (RFC 6455 §5.4, §5.5.1).
    pub fn check_wire(&self, masked: bool) {
        let (frames, _) = self.frames();
        let mut in_message = false;
        let mut closed = false;
        for frame in &frames {
            assert_eq!(frame.key.is_some(), masked);
            assert_eq!(frame.first & 0x70, 0);
            if !frame.is_data() {
                assert!(frame.first & 0x80 != 0 && frame.payload.len() <= 125);
                assert!(!(closed && frame.opcode() == CLOSE), "two Closes");
                closed |= frame.opcode() == CLOSE;
                continue;
            }
            assert!(!closed, "a data frame behind the Close");
            assert_eq!(frame.opcode() == 0, in_message, "fragments in order");
            in_message = frame.first & 0x80 == 0;
        }
    }

    /// The Close that was written.
    pub fn close_sent(&self) -> Option<Frame> {
        self.frames()
            .0
            .into_iter()
            .find(|frame| frame.opcode() == CLOSE)
    }
}

/// What of an event has to be kept.
enum Heard {
    Open,
    Part(MessageKind, Vec<u8>, bool),
    Close,
    Control,
}

impl From<&Event<'_>> for Heard {
    fn from(event: &Event<'_>) -> Self {
        match *event {
            Event::HandshakeDone(_) => Self::Open,
            Event::Text(text) => Self::Part(MessageKind::Text, text.into(), true),
            Event::Binary(octets) => Self::Part(MessageKind::Binary, octets.into(), true),
            Event::TextChunk { text, last } => Self::Part(MessageKind::Text, text.into(), last),
            Event::BinaryChunk { octets, last } => {
                Self::Part(MessageKind::Binary, octets.into(), last)
            }
            Event::Close(_) => Self::Close,
            _ => Self::Control,
        }
    }
}

/// Both ends.
pub struct Pair {
    pub client: End<Client<Keys>>,
    pub server: End<Server>,
    /// From the client to the server.
    pub up: Pipe,
    pub down: Pipe,
    pub now: u64,
    pub rng: Rng,
}

impl Pair {
    pub fn new(seed: u64, client: Config, server: Config) -> Self {
        let mut tx = SendBuffer::new();
        let request = ClientRequest::new("example.com", "/", NONCE);
        let ws = Connection::client(&request, client, (|| KEY) as Keys, &mut tx).unwrap();
        // Buffers may have served others before.
        let rx = if seed.is_multiple_of(2) {
            Rx::new()
        } else {
            used()
        };
        let server = Connection::server(server);
        Self {
            client: End::new(ws, rx.clone(), tx),
            server: End::new(server, rx, SendBuffer::new()),
            up: Pipe::new(),
            down: Pipe::new(),
            now: 0,
            rng: Rng::new(seed),
        }
    }

    /// Both ends do what they can, and take one piece each of what has arrived; true where one was taken.
    pub fn turn(&mut self) -> bool {
        self.work();
        let now = Instant::from_millis(self.now);
        if !self.client.done {
            self.client.ws.handle_timeout(now, &mut self.client.tx);
        }
        if !self.server.done {
            self.server.ws.handle_timeout(now, &mut self.server.tx);
        }
        self.work();
        let up = self.server.read(&mut self.up, self.now, &mut self.rng);
        let down = self.client.read(&mut self.down, self.now, &mut self.rng);
        self.work();
        up || down
    }

    fn work(&mut self) {
        let Self {
            client,
            server,
            up,
            down,
            now,
            rng,
        } = self;
        client.work(|_, _, _| {}, up, down, *now, rng);
        let accept = |ws: &mut Connection<Server>, event: &Event<'_>, tx: &mut Tx| {
            if let Event::Request(request) = event {
                ws.accept(request, &Accept::new(), tx).unwrap();
            }
        };
        server.work(accept, down, up, *now, rng);
    }

    /// Lets time pass until something happens; false where nothing will.
    pub fn wait(&mut self) -> bool {
        let now = Instant::from_millis(self.now);
        let mut next = Vec::new();
        if !self.client.done {
            next.extend(self.client.ws.poll_timeout(now).map(in_millis));
            next.extend(self.down.next_arrival().filter(|_| !self.client.stuck));
        }
        if !self.server.done {
            next.extend(self.server.ws.poll_timeout(now).map(in_millis));
            next.extend(self.up.next_arrival().filter(|_| !self.server.stuck));
        }
        match next.into_iter().min() {
            Some(at) => {
                self.now = self.now.max(at);
                true
            }
            None => false,
        }
    }

    /// Turns until nothing more arrives at this instant.
    pub fn settle(&mut self) {
        while self.turn() {}
    }

    /// Goes on until both ends are through, or panics where that takes for ever.
    pub fn finish(&mut self) {
        for _ in 0..100_000 {
            self.settle();
            if self.client.done && self.server.done {
                return;
            }
            assert!(
                self.wait(),
                "an end waits for ever: {:?} {:?}",
                self.client.ws.state(),
                self.server.ws.state()
            );
        }
        panic!(
            "it never ends: {:?} {:?}",
            self.client.ws.state(),
            self.server.ws.state()
        );
    }

    /// What has to hold when both are through. `sound`: nothing was corrupted on the way.
    pub fn check(&self, sound: bool) {
        self.client.check_wire(true);
        self.server.check_wire(false);
        check_end(&self.client, &self.server, sound);
        check_end(&self.server, &self.client, sound);
    }
}

fn check_end<S: Side, P: Side>(end: &End<S>, peer: &End<P>, sound: bool) {
    let (code, reason, clean, _) = end.outcome().expect("one outcome");
    assert!(end.closes_heard <= 1);
    assert_eq!(clean, end.closes_heard == 1 && code != 1006);
    if !clean {
        assert_eq!((code, reason.as_str()), (1006, ""));
    }
    if !sound {
        return;
    }
    if let Some(violation) = end.ws.violation() {
        let nobodys = matches!(
            violation,
            Violation::PongTimeout | Violation::HandshakeTimeout | Violation::Response(_)
        );
        assert!(nobodys, "{violation:?} where all was in order");
    }
    let common = end.received.len();
    assert!(
        common <= peer.sent.len() && end.received == peer.sent[..common],
        "messages in order"
    );
    if clean {
        let told = peer.close_sent().expect("a Close that was heard was sent");
        assert_eq!(told.close_code(), code);
        assert_eq!(told.payload.get(2..).unwrap_or_default(), reason.as_bytes());
        assert_eq!(
            end.received, peer.sent,
            "all that was sent before the Close has come"
        );
    }
}

fn in_millis(at: Instant) -> u64 {
    at.as_nanos().div_ceil(1_000_000)
}
