//! Compressed messages, through a connection and through the codec alone: the same octets, with context
//! takeover, at level 1.

#![allow(dead_code, unreachable_pub)]

use std::hint::black_box;

use websocket_proto::handshake::{DeflateConfig, DeflateParameters};
use websocket_proto::{Config, Connection, Event, RecvBuffer, SendBuffer, Server};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush};

const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// Different messages of this size, in the manner of JSON.
pub fn messages(size: usize) -> Vec<Vec<u8>> {
    let words = [
        "price", "order", "sell", "buy", "symbol", "volume", "time", "bid", "ask", "open", "close",
        "high", "low", "trade", "book", "depth",
    ];
    let mut seed = 1_u64;
    let mut number = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let count = (1 << 20) / size.max(1 << 12);
    (0..count)
        .map(|id| {
            let mut text = format!("{{\"id\":{id},\"data\":[");
            while text.len() < size {
                let word = words[number(16) as usize];
                text += &format!("{{\"{word}\":{},\"s\":\"{word}\"}},", number(1_000_000));
            }
            text.truncate(size);
            text.into_bytes()
        })
        .collect()
}

fn server() -> Connection<Server> {
    Connection::open_server(Config::new())
        .with_deflate(DeflateParameters::new(), &DeflateConfig::new())
}

/// The frames of all messages, from a client.
fn frames(size: usize) -> Vec<Vec<u8>> {
    let keys = || [0x37, 0xFA, 0x21, 0x3D];
    let mut client = Connection::open_client(Config::new(), keys)
        .with_deflate(DeflateParameters::new(), &DeflateConfig::new());
    let mut tx = SendBuffer::new();
    messages(size)
        .iter()
        .map(|message| {
            client.send_binary(message, &mut tx).unwrap();
            let frame = tx.octets().to_vec();
            tx.clear();
            frame
        })
        .collect()
}

/// Work for receivers: a round is all messages once.
pub struct Inflating {
    size: usize,
    count: usize,
    /// The frames, in reads of 64 KiB.
    reads: Vec<Vec<u8>>,
    /// The payloads with their tails.
    payloads: Vec<Vec<u8>>,
    rx: RecvBuffer<Vec<u8>>,
    tx: SendBuffer<Vec<u8>>,
    codec: Inflate,
    output: Vec<u8>,
}

impl Inflating {
    pub fn new(size: usize) -> Self {
        let mut deflate = Deflate::new(1, false, 15);
        let payloads = messages(size)
            .iter()
            .map(|message| {
                let mut output = vec![0; 2 * size + 100];
                let before = deflate.total_out();
                deflate
                    .compress(message, &mut output, DeflateFlush::SyncFlush)
                    .unwrap();
                output.truncate((deflate.total_out() - before) as usize);
                output
            })
            .collect();
        let frames = frames(size);
        let reads = frames.concat().chunks(65_536).map(Vec::from).collect();
        Self {
            size,
            count: frames.len(),
            reads,
            payloads,
            rx: RecvBuffer::new(),
            tx: SendBuffer::new(),
            codec: Inflate::new(false, 15),
            output: vec![0; size + 1024],
        }
    }

    /// Octets of all messages.
    pub fn octets(&self) -> u64 {
        (self.size * self.count) as u64
    }

    /// A round through a connection; a stream begins without context.
    #[inline(never)]
    pub fn connection(&mut self) -> usize {
        let mut ws = server();
        let mut received = 0;
        for octets in &self.reads {
            self.rx.spare_at_least(65_536)[..octets.len()].copy_from_slice(octets);
            self.rx.commit(octets.len());
            while let Some(event) = ws.poll(&mut self.rx, &mut self.tx).unwrap() {
                match event {
                    Event::Binary(octets) => assert_eq!(black_box(octets).len(), self.size),
                    event => panic!("{event:?}"),
                }
                received += 1;
            }
        }
        received
    }

    /// A round through the codec alone.
    #[inline(never)]
    pub fn codec(&mut self) -> usize {
        self.codec.reset(false);
        for payload in &self.payloads {
            let before = self.codec.total_out();
            self.codec
                .decompress(
                    black_box(payload),
                    &mut self.output,
                    InflateFlush::SyncFlush,
                )
                .unwrap();
            assert_eq!(self.codec.total_out() - before, self.size as u64);
            black_box(&self.output);
        }
        self.count
    }
}

/// Work for senders: a round is all messages once.
pub struct Deflating {
    size: usize,
    messages: Vec<Vec<u8>>,
    ws: Connection<Server>,
    tx: SendBuffer<Vec<u8>>,
    codec: Deflate,
    output: Vec<u8>,
}

impl Deflating {
    pub fn new(size: usize) -> Self {
        Self {
            size,
            messages: messages(size),
            ws: server(),
            tx: SendBuffer::new(),
            codec: Deflate::new(1, false, 15),
            output: vec![0; 2 * size + 1024],
        }
    }

    /// A round through a connection.
    #[inline(never)]
    pub fn connection(&mut self) -> usize {
        for message in &self.messages {
            self.ws
                .send_binary(black_box(message), &mut self.tx)
                .unwrap();
            assert!(black_box(self.tx.octets()).len() < self.size);
            self.tx.clear();
        }
        self.messages.len()
    }

    /// A round through the codec alone.
    #[inline(never)]
    pub fn codec(&mut self) -> usize {
        for message in &self.messages {
            let before = self.codec.total_out();
            self.codec
                .compress(
                    black_box(message),
                    &mut self.output,
                    DeflateFlush::SyncFlush,
                )
                .unwrap();
            let written = (self.codec.total_out() - before) as usize;
            assert_eq!(self.output[written - 4..written], TAIL);
            black_box(&self.output);
        }
        self.messages.len()
    }
}
