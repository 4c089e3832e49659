//! Fuzz bodies for what might be left behind: by a connection for others that are lent the same buffers and
//! codecs, by a message for the next.

use std::time::Duration;

use websocket_proto::{
    Broadcast, Client, Config, Connection, Event, Instant, MessageKind, RecvBuffer, Role,
    SendBuffer, Server, Side, State, Violation,
};

use super::frames::{CLOSE, PONG, read_one, whole_frames};
use super::fuzz_bodies::{Script, frames_from};
use super::rng::Rng;
use super::trace::{End, Mode, Opening, Seen, Setup, Trace, run, used};
use super::{KEY, Keys, Rx, Tx, answer_with, request_with};

/// Messages that come one after the other to one connection, and each to a connection of its own, over fresh
/// buffers and over one that all of them use: the events are the same.
pub fn messages(data: &[u8]) {
    let Some((&[choice, cut], data)) = data.split_first_chunk::<2>() else {
        return;
    };
    let role = if choice & 1 != 0 {
        Role::Server
    } else {
        Role::Client
    };
    let mut setup = Setup::open(role);
    let input = input(choice & 0x0E, role, data, &mut setup);
    if choice & 16 != 0 {
        setup.config = setup.config.with_max_message_size(60).with_max_fragments(3);
    }
    let mode = if cut & 1 == 0 {
        Mode::Whole
    } else {
        Mode::Chunks
    };
    let piece = 1 + usize::from(cut / 2);
    let through = |rx: Rx, octets: &[u8]| {
        let pieces: Vec<&[u8]> = octets.chunks(piece).collect();
        run(&setup, rx, mode, &pieces).0
    };
    let all = through(RecvBuffer::new(), &input);
    for buffer in [RecvBuffer::new, used] {
        let mut traces = Vec::new();
        for octets in by_message(&input) {
            traces.push(through(buffer(), octets));
            if traces
                .last()
                .is_some_and(|trace| trace.state != State::Open)
            {
                break;
            }
        }
        let events: Vec<&Seen> = traces.iter().flat_map(|trace| &trace.events).collect();
        assert_eq!(events, all.events.iter().collect::<Vec<_>>());
        let last = traces.last().map(|trace| (trace.error, trace.state));
        assert_eq!(last, Some((all.error, all.state)));
        assert_eq!(
            newest(&traces),
            newest(std::slice::from_ref(&all)),
            "the last answers"
        );
    }
}

/// Frames to an end, or anything; compressed ones stand each for itself.
fn input(kind: u8, role: Role, data: &[u8], setup: &mut Setup) -> Vec<u8> {
    match kind {
        2 => data.to_vec(),
        #[cfg(feature = "deflate")]
        4 | 6 => {
            setup.deflate = Some(compressed::ALONE.into());
            super::fuzz_bodies::frames_with(role, 0x40, data)
        }
        #[cfg(feature = "deflate")]
        8 | 10 => {
            setup.deflate = Some(compressed::ALONE.into());
            compressed::messages(role, compressed::ALONE, &mut Script::new(data))
        }
        _ => {
            let _ = setup;
            frames_from(role, data)
        }
    }
}

/// Cuts behind each message, whatever comes in between; what isn't whole is the last piece, perhaps empty.
fn by_message(mut octets: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some((frame, length)) = read_one(&octets[at..]) {
        at += length;
        if frame.is_data() && frame.first & 0x80 != 0 {
            let (piece, rest) = octets.split_at(at);
            pieces.push(piece);
            (octets, at) = (rest, 0);
        }
    }
    pieces.push(octets);
    pieces
}

/// The newest Pong, and the Close.
fn newest(traces: &[Trace]) -> [Option<Vec<u8>>; 2] {
    let frames: Vec<_> = traces
        .iter()
        .flat_map(|trace| whole_frames(&trace.output))
        .collect();
    [PONG, CLOSE].map(|opcode| {
        let last = frames.iter().rfind(|frame| frame.opcode() == opcode);
        last.map(|frame| frame.payload.clone())
    })
}

/// Connections of one thread that take turns: over one receive buffer, as `docs/contract.md` says, send buffers
/// that go from hand to hand, and the thread's codecs. Each does what it does with buffers, and on a thread,
/// of its own.
pub fn neighbours(data: &[u8]) {
    let mut script = Script::new(data);
    let (seed, shape) = (script.next(), script.next());
    let count = 2 + usize::from(shape % 3);
    let plans: Vec<Plan> = (0..count).map(|_| Plan::read(&mut script)).collect();
    let share = script.rest().len() / count + 1;
    let mut shares = script.rest().chunks(share);
    let inputs: Vec<Vec<u8>> = plans
        .iter()
        .map(|plan| plan.input(shares.next().unwrap_or_default()))
        .collect();
    let turns = turns(&inputs, &mut Rng::new(seed.into()), shape);

    let mut lent = Lent::default();
    let mut seats: Vec<_> = plans.iter().map(Plan::seat).collect();
    for turn in &turns {
        let octets = &inputs[turn.who][turn.from..turn.to];
        seats[turn.who].turn(turn, octets, &mut lent);
    }
    for (who, seat) in seats.into_iter().enumerate() {
        let alone = || {
            let (mut seat, mut own) = (plans[who].seat(), Lent::alone());
            for turn in turns.iter().filter(|turn| turn.who == who) {
                seat.turn(turn, &inputs[who][turn.from..turn.to], &mut own);
            }
            seat.end(&mut own)
        };
        let expected = if plans[who].deflate.is_some() {
            // What a thread has of codecs goes with it.
            std::thread::scope(|scope| scope.spawn(alone).join().expect("it ends"))
        } else {
            alone()
        };
        assert_eq!(seat.end(&mut lent), expected, "connection {who} of {count}");
    }
}

/// What a connection is to be and do.
struct Plan {
    role: Role,
    config: Config,
    opening: bool,
    deflate: Option<String>,
    /// What comes in: frames, octets, compressed messages.
    kind: u8,
    /// Events whole, in chunks, or now so and now so.
    mode: u8,
    /// What is sent in return: nothing, each message, each message in parts, or as a broadcast.
    echo: u8,
}

impl Plan {
    fn read(script: &mut Script<'_>) -> Self {
        let (choice, manner, limit) = (script.next(), script.next(), script.next());
        let role = if choice & 1 != 0 {
            Role::Server
        } else {
            Role::Client
        };
        let config = Config::new()
            .with_ping_interval(Some(Duration::from_millis(20 + u64::from(limit))))
            .with_pong_timeout(Some(Duration::from_millis(60)))
            .with_idle_timeout((limit & 8 != 0).then_some(Duration::from_millis(90)))
            .with_max_message_size(if limit & 16 != 0 { 50 } else { 100_000 })
            .with_max_fragments(if limit & 32 != 0 { 3 } else { 1000 });
        let deflate = deflate(choice, manner);
        Self {
            role,
            config,
            opening: choice & 8 != 0 && deflate.is_none(),
            deflate,
            kind: choice & 6,
            mode: manner % 3,
            echo: manner / 4 % 4,
        }
    }

    fn input(&self, data: &[u8]) -> Vec<u8> {
        let mut octets = Vec::new();
        if self.opening {
            octets = match self.role {
                Role::Server => request_with(""),
                Role::Client => answer_with(""),
            };
        }
        octets.extend(match (&self.deflate, self.kind) {
            (_, 2) => data.to_vec(),
            #[cfg(feature = "deflate")]
            (Some(_), 4) => super::fuzz_bodies::frames_with(self.role, 0x40, data),
            #[cfg(feature = "deflate")]
            (Some(agreed), _) => compressed::messages(self.role, agreed, &mut Script::new(data)),
            _ => frames_from(self.role, data),
        });
        octets
    }

    fn seat(&self) -> Box<dyn TakesTurns + '_> {
        let setup = Setup {
            role: self.role,
            config: self.config,
            opening: None,
            eof: false,
            deflate: self.deflate.clone(),
        };
        let mut tx = SendBuffer::new();
        match (self.role, self.opening) {
            (Role::Server, true) => Box::new(Seat::new(self, Connection::server(self.config), tx)),
            (Role::Server, false) => {
                let ws = setup.agreed(Connection::open_server(self.config));
                Box::new(Seat::new(self, ws, tx))
            }
            (Role::Client, true) => {
                let request =
                    websocket_proto::handshake::ClientRequest::new("a.example", "/", super::NONCE);
                let keys = (|| KEY) as Keys;
                let ws = Connection::client(&request, self.config, keys, &mut tx).unwrap();
                Box::new(Seat::new(self, ws, tx))
            }
            (Role::Client, false) => {
                let ws = setup.agreed(Connection::open_client(self.config, (|| KEY) as Keys));
                Box::new(Seat::new(self, ws, tx))
            }
        }
    }
}

#[cfg(feature = "deflate")]
fn deflate(choice: u8, manner: u8) -> Option<String> {
    let server = ["; server_no_context_takeover", ""][usize::from(choice / 32 % 2)];
    let client = ["; client_no_context_takeover", ""][usize::from(choice / 64 % 2)];
    let bits = 8 + manner / 16 % 8;
    (choice & 16 != 0).then(|| {
        format!(
            "permessage-deflate{server}{client}; server_max_window_bits={bits}; \
             client_max_window_bits={bits}"
        )
    })
}

#[cfg(not(feature = "deflate"))]
fn deflate(_: u8, _: u8) -> Option<String> {
    None
}

/// One turn of a connection: what it reads of its input, and when; how much it writes; whether its receive
/// buffer is given away and back even where that is empty.
struct Turn {
    who: usize,
    from: usize,
    to: usize,
    now: Instant,
    writes: usize,
    always: bool,
    /// What was read is handled in another turn.
    puts_off: bool,
    /// Codecs that aren't needed are given back.
    releases: bool,
}

fn turns(inputs: &[Vec<u8>], rng: &mut Rng, shape: u8) -> Vec<Turn> {
    let piece = [4, 30, 200, 3000][usize::from(shape / 4 % 4)];
    let mut at = vec![0; inputs.len()];
    let mut now = 0;
    let mut turns = Vec::new();
    while turns.len() < 100 && at.iter().zip(inputs).any(|(&at, input)| at < input.len()) {
        let who = rng.below(inputs.len());
        let from = at[who];
        at[who] = inputs[who].len().min(from + rng.below(piece));
        now += rng.next() % 30;
        turns.push(Turn {
            who,
            from,
            to: at[who],
            now: Instant::from_millis(now),
            writes: [usize::MAX, 1 + rng.below(40)][rng.below(2)],
            always: rng.below(2) == 0,
            puts_off: rng.below(5) == 0,
            releases: rng.below(4) == 0,
        });
    }
    turns
}

/// What is lent: to all of them, or to one that keeps it.
#[derive(Default)]
struct Lent {
    rx: Rx,
    tx: Vec<Tx>,
    alone: bool,
}

impl Lent {
    fn alone() -> Self {
        Self {
            alone: true,
            ..Self::default()
        }
    }
}

/// What servers can do with a message.
trait Shares {
    fn share(&mut self, kind: MessageKind, octets: &[u8], tx: &mut Tx);
}

impl Shares for Connection<Server> {
    fn share(&mut self, kind: MessageKind, octets: &[u8], tx: &mut Tx) {
        let message = match kind {
            MessageKind::Text => Broadcast::text(str::from_utf8(octets).unwrap()),
            MessageKind::Binary => Broadcast::binary(octets),
        };
        // What can't be sent isn't.
        let _ = self.send_shared(&message, tx);
    }
}

impl Shares for Connection<Client<Keys>> {
    fn share(&mut self, _: MessageKind, octets: &[u8], tx: &mut Tx) {
        let _ = self.send_binary(octets, tx);
    }
}

trait TakesTurns {
    fn turn(&mut self, turn: &Turn, octets: &[u8], lent: &mut Lent);

    fn end(self: Box<Self>, lent: &mut Lent) -> Record;
}

/// All that can be seen of a connection.
#[derive(Debug, Default, PartialEq, Eq)]
struct Record {
    events: Vec<Seen>,
    output: Vec<u8>,
    fault: Option<Violation>,
    deadlines: Vec<Option<Instant>>,
    state: Option<State>,
    /// Code, reason and whether it was clean, once the stream has ended.
    outcome: Option<(u16, String, bool)>,
}

struct Seat<'a, S: Side> {
    plan: &'a Plan,
    ws: Connection<S>,
    /// What is unfinished while others take their turns.
    own: Rx,
    /// What waits to be written.
    tx: Option<Tx>,
    part: Vec<u8>,
    /// What is left to be sent of a message in parts.
    begun: Option<Vec<u8>>,
    count: usize,
    record: Record,
}

impl<'a, S: Side> Seat<'a, S>
where
    Connection<S>: End + Shares,
{
    fn new(plan: &'a Plan, ws: Connection<S>, tx: Tx) -> Self {
        Self {
            plan,
            ws,
            own: Rx::new(),
            tx: (!tx.is_empty()).then_some(tx),
            part: Vec::new(),
            begun: None,
            count: 0,
            record: Record::default(),
        }
    }

    fn poll_all(&mut self, rx: &mut Rx, tx: &mut Tx) {
        let chunks = match self.plan.mode {
            0 => false,
            1 => true,
            _ => self.count.is_multiple_of(2),
        };
        loop {
            let polled = if chunks {
                self.ws.poll_chunk(rx, tx)
            } else {
                self.ws.poll(rx, tx)
            };
            let event = match polled {
                Ok(Some(event)) => event,
                Ok(None) => return,
                Err(violation) => {
                    self.record.fault = Some(violation);
                    return;
                }
            };
            self.record.events.push(match event {
                Event::Request(request) => {
                    self.ws.answer(&Opening::default(), &request, tx);
                    Seen::Request(request.target().to_owned())
                }
                Event::HandshakeDone(_) => Seen::Open(None),
                Event::Text(text) => Seen::Text(text.to_owned()),
                Event::Binary(octets) => Seen::Binary(octets.to_owned()),
                Event::TextChunk { text, last } => {
                    self.part.extend(text.as_bytes());
                    if !last {
                        continue;
                    }
                    Seen::Text(String::from_utf8(std::mem::take(&mut self.part)).unwrap())
                }
                Event::BinaryChunk { octets, last } => {
                    self.part.extend(octets);
                    if !last {
                        continue;
                    }
                    Seen::Binary(std::mem::take(&mut self.part))
                }
                Event::Ping(octets) => Seen::Ping(octets.to_owned()),
                Event::Pong(octets) => Seen::Pong(octets.to_owned()),
                Event::Close(close) => Seen::Close(close.code.value(), close.reason.to_owned()),
                other => panic!("unknown event {other:?}"),
            });
            self.echo(tx);
        }
    }

    /// Sends back the message that came last. What can't be sent isn't.
    fn echo(&mut self, tx: &mut Tx) {
        let (kind, octets) = match self.record.events.last() {
            Some(Seen::Text(text)) => (MessageKind::Text, text.as_bytes()),
            Some(Seen::Binary(octets)) => (MessageKind::Binary, octets.as_slice()),
            _ => return,
        };
        match (self.plan.echo, kind) {
            (1, MessageKind::Text) => {
                let _ = self.ws.send_text(str::from_utf8(octets).unwrap(), tx);
            }
            (1, MessageKind::Binary) => {
                let _ = self.ws.send_binary(octets, tx);
            }
            (3, _) => self.ws.share(kind, octets, tx),
            (2, _) if self.begun.is_none() && self.ws.begin_message(kind).is_ok() => {
                let (one, two) = octets.split_at(octets.len() / 2);
                let _ = self.ws.write_part(one, tx);
                self.begun = Some(two.to_owned());
            }
            _ => {}
        }
    }

    fn go_on(&mut self, turn: &Turn, rx: &mut Rx, tx: &mut Tx) {
        self.count += 1;
        if let Some(rest) = self.begun.take_if(|_| self.count.is_multiple_of(3)) {
            let _ = self.ws.end_message(&rest, tx);
        }
        self.poll_all(rx, tx);
        self.record.deadlines.push(self.ws.poll_timeout(turn.now));
        self.ws.handle_timeout(turn.now, tx);
        self.poll_all(rx, tx);
        if turn.releases {
            release(&mut self.ws);
        }
        let mut writes = turn.writes;
        while writes > 0 && !tx.is_empty() {
            let count = (tx.octets().len() / 2 + 1).min(writes);
            self.record.output.extend(&tx.octets()[..count]);
            tx.consume(count);
            writes -= count;
        }
    }
}

#[cfg(feature = "deflate")]
fn release<S: Side>(ws: &mut Connection<S>) {
    ws.release_codecs();
}

#[cfg(not(feature = "deflate"))]
fn release<S: Side>(_: &mut Connection<S>) {}

impl<S: Side> TakesTurns for Seat<'_, S>
where
    Connection<S>: End + Shares,
{
    fn turn(&mut self, turn: &Turn, octets: &[u8], lent: &mut Lent) {
        let mut tx = self.tx.take().or_else(|| lent.tx.pop()).unwrap_or_default();
        if lent.alone {
            lent.rx.extend(octets).unwrap();
            if !turn.puts_off {
                self.go_on(turn, &mut lent.rx, &mut tx);
            }
            self.tx = Some(tx);
            return;
        }
        let rx = &mut lent.rx;
        if turn.always || !self.own.is_empty() {
            self.own.transfer(rx).expect("nobody has left anything");
        }
        rx.spare_at_least(4096);
        rx.extend(octets).unwrap();
        if !turn.puts_off {
            self.go_on(turn, rx, &mut tx);
        }
        if turn.always || !rx.is_empty() {
            rx.transfer(&mut self.own).expect("it is empty");
        }
        if tx.is_empty() {
            lent.tx.push(tx);
        } else {
            self.tx = Some(tx);
        }
    }

    fn end(self: Box<Self>, lent: &mut Lent) -> Record {
        let mut this = *self;
        let mut tx = this.tx.take().unwrap_or_default();
        let mut own = std::mem::take(&mut this.own);
        let rx = if lent.alone { &mut lent.rx } else { &mut own };
        this.ws.handle_eof();
        this.poll_all(rx, &mut tx);
        this.record.output.extend(tx.octets());
        this.record.state = Some(this.ws.state());
        this.record.outcome = this.ws.outcome(rx).map(|outcome| {
            (
                outcome.code.value(),
                outcome.reason.to_owned(),
                outcome.clean,
            )
        });
        this.record
    }
}

#[cfg(feature = "deflate")]
mod compressed {
    use super::super::fuzz_deflate::payload;
    use super::*;

    /// Neither end refers to earlier messages.
    pub const ALONE: &str =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    /// What the peer of `role` sends: texts and binary messages, compressed, whole and in parts.
    pub fn messages(role: Role, agreed: &str, script: &mut Script<'_>) -> Vec<u8> {
        let setup = Setup {
            deflate: Some(agreed.to_owned()),
            ..Setup::open(role.peer())
        };
        match setup.role {
            Role::Server => sent(setup.agreed(Connection::open_server(setup.config)), script),
            Role::Client => {
                let ws: Connection<Client<Keys>> = Connection::open_client(setup.config, || KEY);
                sent(setup.agreed(ws), script)
            }
        }
    }

    fn sent<S: Side>(mut ws: Connection<S>, script: &mut Script<'_>) -> Vec<u8> {
        let mut tx = Tx::new();
        for _ in 0..12 {
            if script.rest().is_empty() {
                break;
            }
            let manner = script.next();
            let payload = payload(script);
            if manner & 8 != 0 {
                let text: String = payload.iter().map(|&octet| char::from(octet)).collect();
                ws.send_text(&text, &mut tx).unwrap();
            } else if manner & 1 == 0 {
                ws.send_binary(&payload, &mut tx).unwrap();
            } else {
                ws.begin_message(MessageKind::Binary).unwrap();
                let (one, two) = payload.split_at(payload.len() * usize::from(manner) / 256);
                ws.write_part(one, &mut tx).unwrap();
                ws.end_message(two, &mut tx).unwrap();
            }
            if manner & 6 == 6 {
                ws.send_ping(&payload[..payload.len().min(20)], &mut tx)
                    .unwrap();
            }
        }
        tx.octets().to_vec()
    }
}
