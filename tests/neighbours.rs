//! Many connections of one thread in turns, at random: each does what it does on a thread of its own.
#![cfg(feature = "poll")]

mod common;

use std::pin::pin;
use std::time::Duration;

use common::frames::to_server;
use common::fuzz_bodies::frames_from;
use common::in_words;
use common::rng::Rng;
use common::wire::{Clock, EASY, Handle, Manner, Pipe, pipe, settle};
use websocket_proto::adapter::poll::WebSocket;
use websocket_proto::{Config, Connection, Event, RecvBuffer, Role, Server};

/// A connection that takes its turns, and what was seen of it.
struct Seat {
    ws: Option<WebSocket<Pipe, Clock, Server>>,
    peer: Handle,
    clock: Clock,
    events: Vec<String>,
    output: Vec<u8>,
}

impl Seat {
    fn new(manner: Manner, compresses: bool) -> Self {
        let clock = Clock::default();
        let config = Config::new()
            .with_max_message_size(100_000)
            .with_ping_interval(Some(Duration::from_millis(50)))
            .with_pong_timeout(Some(Duration::from_millis(90)));
        let (pipe, peer) = pipe(manner);
        let ws = agreed(Connection::open_server(config), compresses);
        let ws = WebSocket::from_parts(pipe, clock.clone(), ws, RecvBuffer::new(), None);
        Self {
            ws: Some(ws),
            peer,
            clock,
            events: Vec::new(),
            output: Vec::new(),
        }
    }

    fn turn(&mut self, turn: &Turn) {
        self.peer.send(&turn.octets);
        self.clock.advance(Duration::from_millis(turn.time));
        while let Some(ws) = &mut self.ws {
            // What ends it, or nothing: it goes on.
            let end = match settle(pin!(ws.next())) {
                None => break,
                Some(Ok(Some((event, mut out)))) => {
                    self.events.push(in_words(&event));
                    // What can't be sent any more isn't.
                    let _ = match event {
                        Event::Text(text) => out.send_text(text),
                        Event::Binary(octets) => out.send_binary(octets),
                        _ => Ok(()),
                    };
                    continue;
                }
                Some(Ok(None)) => None,
                Some(Err(error)) => Some(error.to_string()),
            };
            self.events.push(format!("{end:?} {:?}", ws.outcome()));
            self.ws = None;
        }
        if turn.takes {
            self.output.extend(self.peer.take());
        }
        if turn.leaves {
            self.ws = None;
        }
    }
}

#[cfg(feature = "deflate")]
fn agreed(ws: Connection<Server>, compresses: bool) -> Connection<Server> {
    use websocket_proto::handshake::DeflateConfig;

    // Nothing is kept from message to message: each borrows what it needs.
    let config = DeflateConfig::new()
        .with_server_context_takeover(false)
        .with_min_size(4);
    let offer = &b"permessage-deflate"[..];
    let parameters = config.answer([offer]).unwrap().parameters();
    if compresses {
        ws.with_deflate(parameters, &config)
    } else {
        ws
    }
}

#[cfg(not(feature = "deflate"))]
fn agreed(ws: Connection<Server>, _: bool) -> Connection<Server> {
    ws
}

/// What comes for a connection, how much later than before, whether its peer takes what was written, and
/// whether it is dropped then.
struct Turn {
    octets: Vec<u8>,
    time: u64,
    takes: bool,
    leaves: bool,
}

fn turns(rng: &mut Rng) -> Vec<Turn> {
    let mut input = Vec::new();
    for _ in 0..rng.below(4) {
        let length = rng.below(120);
        input.extend(frames_from(Role::Server, &rng.octets(length)));
        if rng.below(3) == 0 {
            let length = [126, 5_000, 70_000][rng.below(3)];
            input.extend(to_server(0x82, &rng.octets(length)));
        }
    }
    if rng.below(3) == 0 {
        input.extend(to_server(0x01, b"caf\xC3"));
        input.extend(to_server(0x09, b""));
    }
    let piece = [3, 40, 1_000, 100_000][rng.below(4)].max(input.len() / 50);
    let mut turns = Vec::new();
    let mut rest = &input[..];
    while !rest.is_empty() {
        let (octets, more) = rest.split_at(rest.len().min(1 + rng.below(piece)));
        rest = more;
        turns.push(Turn {
            octets: octets.to_vec(),
            time: rng.next() % 40,
            takes: rng.below(3) != 0,
            leaves: rng.below(60) == 0,
        });
    }
    turns
}

#[test]
fn connections_of_one_thread_do_what_each_does_on_a_thread_of_its_own() {
    let narrow = Manner {
        capacity: 300,
        ..EASY
    };
    let mut rng = Rng::new(6);
    for round in 0..40 {
        let plans: Vec<(Manner, bool, Vec<Turn>)> = (0..4)
            .map(|who| {
                let manner = [EASY, narrow][rng.below(2)];
                (manner, who % 2 == 1, turns(&mut rng))
            })
            .collect();
        let mut seats: Vec<(Seat, _)> = plans
            .iter()
            .map(|(manner, compresses, turns)| (Seat::new(*manner, *compresses), turns.iter()))
            .collect();
        while seats.iter().any(|(_, turns)| turns.len() > 0) {
            let (seat, turns) = &mut seats[rng.below(4)];
            if let Some(turn) = turns.next() {
                seat.turn(turn);
            }
        }
        for (who, (seat, _)) in seats.iter().enumerate() {
            let (manner, compresses, turns) = &plans[who];
            let alone = || {
                let mut seat = Seat::new(*manner, *compresses);
                turns.iter().for_each(|turn| seat.turn(turn));
                (seat.events, seat.output)
            };
            let (events, output) =
                std::thread::scope(|scope| scope.spawn(alone).join().expect("it ends"));
            assert_eq!(seat.events, events, "connection {who} of round {round}");
            assert!(seat.output == output, "connection {who} of round {round}");
        }
    }
}
