//! System calls and memory over loopback sockets: a client that is no more than sockets and octets made
//! beforehand, and the barest server to compare with. `benches/loopback.sh` runs everything and prints
//! the tables.
//!
//! ```text
//! loopback burst ADDR [BURSTS [MESSAGES]]   bursts of masked messages of 32 octets to an echo server
//! loopback large ADDR [MESSAGES]            messages of 64 KiB, one at a time
//! loopback idle ADDR PID [CONNECTIONS]      what idle connections take of that process's memory
//! loopback bare ADDR                        a server of bare tokio tasks, which echo octets
//! ```

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// What is sent once before a connection idles: a message of 16 KiB.
const ECHOED: usize = 16 << 10;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |at: usize, otherwise: usize| {
        arguments
            .get(at)
            .map_or(otherwise, |text| text.parse().expect("a number"))
    };
    match arguments.as_slice() {
        ["burst", address, ..] => burst(address, number(2, 200), number(3, 1000)),
        ["large", address, ..] => large(address, number(2, 2000)),
        ["idle", address, process, ..] => idle(address, process, number(3, 5000)),
        ["bare", address] => bare(address),
        // Cargo's own arguments, of a run of all benches: there is nothing to talk to.
        _ => {}
    }
}

/// A masked frame of a binary message.
fn frame(length: usize) -> Vec<u8> {
    let mut frame = vec![0x82];
    match length {
        0..=125 => frame.push(0x80 | length as u8),
        126..=0xFFFF => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([1, 2, 3, 4]);
    frame.extend((0..length).map(|at| at as u8));
    frame
}

/// The octets of the answer to such a frame.
fn answer_len(length: usize) -> usize {
    length
        + if length < 126 {
            2
        } else if length <= 0xFFFF {
            4
        } else {
            10
        }
}

/// A connection, and how its server began.
fn open(address: &str) -> (TcpStream, Vec<u8>) {
    let mut stream = TcpStream::connect(address).expect("a server at this address");
    stream.set_nodelay(true).unwrap();
    stream.write_all(REQUEST).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet).unwrap();
        head.extend(octet);
    }
    (stream, head)
}

fn ask(stream: &mut TcpStream, question: &[u8], answer: &mut [u8]) {
    stream.write_all(question).unwrap();
    stream.read_exact(answer).unwrap();
}

fn burst(address: &str, bursts: usize, messages: usize) {
    let mut stream = open(address).0;
    let question = frame(32).repeat(messages);
    let mut answer = vec![0; messages * answer_len(32)];
    let began = Instant::now();
    for _ in 0..bursts {
        ask(&mut stream, &question, &mut answer);
    }
    report(bursts * messages, began.elapsed());
}

fn large(address: &str, messages: usize) {
    let mut stream = open(address).0;
    let question = frame(64 << 10);
    let mut answer = vec![0; answer_len(64 << 10)];
    let began = Instant::now();
    for _ in 0..messages {
        ask(&mut stream, &question, &mut answer);
    }
    report(messages, began.elapsed());
}

fn report(messages: usize, time: Duration) {
    println!(
        "{messages} messages, {:.0} a second",
        messages as f64 / time.as_secs_f64()
    );
}

/// Octets in memory that are a process's own.
fn resident(process: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux");
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.expect("RssAnon in kB").parse::<usize>().unwrap() << 10
}

/// Opens connections, has each echo once, and looks at the server's memory while all are idle.
fn idle(address: &str, process: &str, connections: usize) {
    let question = frame(ECHOED);
    // What echoes octets echoes frames with their keys.
    let bare = open(address).1.starts_with(b"GET");
    let expected = if bare {
        question.len()
    } else {
        answer_len(ECHOED)
    };
    let mut answer = vec![0; expected];
    // What the process needs in any case is there before the first look.
    for _ in 0..50 {
        ask(&mut open(address).0, &question, &mut answer);
    }
    let settle = || std::thread::sleep(Duration::from_millis(500));
    settle();
    let before = resident(process);
    let each = || (resident(process).saturating_sub(before)) as f64 / connections as f64;
    let mut sockets: Vec<_> = (0..connections).map(|_| open(address).0).collect();
    settle();
    let opened = each();
    for socket in &mut sockets {
        ask(socket, &question, &mut answer);
    }
    settle();
    println!(
        "{connections} connections, octets each: {opened:.0} idle, {:.0} after an echo of 16 KiB",
        each()
    );
}

/// The least that a task with a socket can be: it has a buffer only while there is something in it.
fn bare(address: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await.unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(echo(stream));
        }
    });
}

async fn echo(mut stream: tokio::net::TcpStream) {
    stream.set_nodelay(true).unwrap();
    loop {
        stream.readable().await.unwrap();
        let mut octets = Vec::with_capacity(64 << 10);
        match stream.try_read_buf(&mut octets) {
            Ok(0) => return,
            Ok(_) => stream.write_all(&octets).await.unwrap(),
            Err(_) => {}
        }
    }
}
