//! System calls and memory over loopback sockets. `benches/loopback.sh` runs it and prints the tables.
//!
//! ```text
//! loopback burst ADDR [BURSTS [MESSAGES]]   bursts of masked messages of 32 octets to an echo server
//! loopback large ADDR [MESSAGES]            messages of 64 KiB, one at a time
//! loopback idle bare|tokio [CONNECTIONS]    the memory of idle connections in a process of its own
//! ```

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use websocket_proto::Event;
use websocket_proto::adapter::tokio::accept;

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
        ["idle", kind, ..] => idle(kind, number(2, 5000)),
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

fn open(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a server at this address");
    stream.set_nodelay(true).unwrap();
    stream.write_all(REQUEST).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet).unwrap();
        head.extend(octet);
    }
    stream
}

fn ask(stream: &mut TcpStream, question: &[u8], answer: &mut [u8]) {
    stream.write_all(question).unwrap();
    stream.read_exact(answer).unwrap();
}

fn burst(address: &str, bursts: usize, messages: usize) {
    let mut stream = open(address);
    let question = frame(32).repeat(messages);
    let mut answer = vec![0; messages * answer_len(32)];
    let began = Instant::now();
    for _ in 0..bursts {
        ask(&mut stream, &question, &mut answer);
    }
    report(bursts * messages, began.elapsed());
}

fn large(address: &str, messages: usize) {
    let mut stream = open(address);
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

/// Octets in memory that are this process's own.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.expect("RssAnon in kB").parse::<usize>().unwrap() << 10
}

/// A server in one thread, and clients that are but sockets in another.
fn idle(kind: &str, connections: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let bare = kind == "bare";
    let clients = std::thread::spawn(move || clients(address, bare, connections));
    runtime.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if bare {
                tokio::spawn(echo_bare(stream));
            } else {
                tokio::spawn(echo(stream));
            }
        }
    });
    runtime.block_on(async {
        while !clients.is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    clients.join().unwrap();
}

/// The least that a task with a socket can be: it has a buffer only while there is something in it.
async fn echo_bare(mut stream: tokio::net::TcpStream) {
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

async fn echo(stream: tokio::net::TcpStream) {
    let mut ws = accept(stream).await.unwrap();
    while let Ok(Some((event, mut out))) = ws.next().await {
        match event {
            Event::Text(text) => out.send_text(text).unwrap(),
            Event::Binary(octets) => out.send_binary(octets).unwrap(),
            _ => {}
        }
    }
}

fn clients(address: SocketAddr, bare: bool, connections: usize) {
    let connect = || {
        if bare {
            TcpStream::connect(address).unwrap()
        } else {
            open(&address.to_string())
        }
    };
    let question = frame(ECHOED);
    let expected = if bare {
        question.len()
    } else {
        answer_len(ECHOED)
    };
    let mut answer = vec![0; expected];
    // What the process needs in any case is there before the first look.
    for _ in 0..50 {
        ask(&mut connect(), &question, &mut answer);
    }
    let mut sockets = Vec::with_capacity(connections);
    std::thread::sleep(Duration::from_millis(300));
    let before = resident();
    let each = |now: usize| (now.saturating_sub(before)) as f64 / connections as f64;
    sockets.extend((0..connections).map(|_| connect()));
    std::thread::sleep(Duration::from_millis(500));
    let opened = each(resident());
    for socket in &mut sockets {
        ask(socket, &question, &mut answer);
    }
    std::thread::sleep(Duration::from_millis(500));
    println!("{opened:.0} {:.0}", each(resident()));
}
