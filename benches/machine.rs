//! The machine's own parts, timed by criterion: `cargo bench --bench machine`.
//!
//! Times on a shared machine are noisy: compare rows of one run. For counts, see
//! `benches/instructions.sh`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use websocket_proto::frame::{Expect, Header, mask};
use websocket_proto::handshake::{Accept, HeadScanner, Request};
use websocket_proto::utf8::Utf8Validator;
use websocket_proto::{Config, Connection, MessageKind, RecvBuffer, SendBuffer};

const SIZES: [usize; 4] = [16, 125, 1024, 65_536];

const REQUEST: &[u8] = b"GET /chat?room=42 HTTP/1.1\r\n\
    Host: example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Cookie: session=9f1c2d3e4b5a69788796a5b4c3d2e1f0; theme=dark\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
    \r\n";

fn frame(kind: MessageKind, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xFA, 0x21, 0x3D];
    let header = Header::new(true, kind.opcode(), payload.len() as u64).unwrap();
    let mut octets = [0; 14];
    let length = header.with_key(Some(key)).encode(&mut octets);
    let mut frame = octets[..length].to_vec();
    frame.extend_from_slice(payload);
    mask::apply(&mut frame[length..], key);
    frame
}

fn header(c: &mut Criterion) {
    let octets = frame(MessageKind::Text, &[b'a'; 200]);
    let expect = Expect {
        masked: true,
        ..Expect::default()
    };
    c.bench_function("header/parse", |b| {
        b.iter(|| Header::parse(black_box(&octets), expect))
    });
}

fn kernels(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernels");
    for size in SIZES {
        group.throughput(Throughput::Bytes(size as u64));
        let mut octets = vec![b'a'; size];
        let cjk = "\u{65e5}\u{672c}\u{8a9e}".repeat(size / 9 + 1);
        group.bench_with_input(BenchmarkId::new("memcpy", size), &size, |b, _| {
            let source = vec![b'a'; size];
            b.iter(|| octets.copy_from_slice(black_box(&source)));
        });
        group.bench_with_input(BenchmarkId::new("mask", size), &size, |b, _| {
            b.iter(|| mask::apply(black_box(&mut octets), [1, 2, 3, 4]));
        });
        group.bench_with_input(BenchmarkId::new("utf8-cjk", size), &size, |b, _| {
            b.iter(|| Utf8Validator::new().validate(black_box(&cjk.as_bytes()[..size])));
        });
    }
    group.finish();
}

fn receive(c: &mut Criterion) {
    let mut group = c.benchmark_group("receive");
    for (kind, name) in [(MessageKind::Text, "text"), (MessageKind::Binary, "binary")] {
        for size in SIZES {
            let frame = frame(kind, &vec![b'a'; size]);
            let count = (65_536 / frame.len()).max(1);
            let stream = frame.repeat(count);
            group.throughput(Throughput::Elements(count as u64));
            group.bench_with_input(BenchmarkId::new(name, size), &size, |b, _| {
                let mut ws = Connection::open_server(Config::new());
                let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
                b.iter(|| {
                    rx.extend(&stream).unwrap();
                    while let Some(event) = ws.poll(&mut rx, &mut tx).unwrap() {
                        black_box(event);
                    }
                });
            });
        }
    }
    group.finish();
}

fn join(c: &mut Criterion) {
    // 1 MiB in 64 fragments.
    let part = vec![b'a'; 16_384];
    let mut stream = Vec::new();
    for i in 0..64 {
        let mut fragment = frame(MessageKind::Binary, &part);
        fragment[0] = match i {
            0 => 0x02,
            63 => 0x80,
            _ => 0x00,
        };
        stream.extend_from_slice(&fragment);
    }
    c.bench_function("join/64 fragments of 16 KiB", |b| {
        let mut ws = Connection::open_server(Config::new());
        let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
        b.iter(|| {
            rx.extend(&stream).unwrap();
            while let Some(event) = ws.poll(&mut rx, &mut tx).unwrap() {
                black_box(event);
            }
        });
    });
}

fn send(c: &mut Criterion) {
    let mut group = c.benchmark_group("send");
    for size in SIZES {
        let payload = vec![b'a'; size];
        group.bench_with_input(BenchmarkId::new("server", size), &size, |b, _| {
            let mut ws = Connection::open_server(Config::new());
            let mut tx = SendBuffer::new();
            b.iter(|| {
                ws.send_binary(black_box(&payload), &mut tx).unwrap();
                tx.consume(tx.len());
            });
        });
        group.bench_with_input(BenchmarkId::new("client", size), &size, |b, _| {
            let mut key = 0_u32;
            let keys = move || {
                key = key.wrapping_add(0x9E37_79B9);
                key.to_ne_bytes()
            };
            let mut ws = Connection::open_client(Config::new(), keys);
            let mut tx = SendBuffer::new();
            b.iter(|| {
                ws.send_binary(black_box(&payload), &mut tx).unwrap();
                tx.consume(tx.len());
            });
        });
    }
    group.finish();
}

fn handshake(c: &mut Criterion) {
    c.bench_function("handshake/accept a browser", |b| {
        let mut answer = Vec::with_capacity(256);
        b.iter(|| {
            answer.clear();
            let length = HeadScanner::default().scan(black_box(REQUEST), 16_384);
            let request = Request::parse(&REQUEST[..length.unwrap().unwrap()]).unwrap();
            Accept::new()
                .emit(&request, &mut |piece| answer.extend_from_slice(piece))
                .unwrap();
        });
    });
}

criterion_group!(benches, header, kernels, receive, join, send, handshake);
criterion_main!(benches);
