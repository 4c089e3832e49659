//! The other end of the echo servers: frames that were built beforehand over a plain socket, so that
//! next to nothing of what is measured is spent here.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::data;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Longer than any server takes: what waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// One message over and over, `burst` of them at once; the next ones when all are back.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Octets a message.
    pub size: usize,
    /// Messages at once.
    pub burst: usize,
    /// For how long.
    pub time: Duration,
    /// Whether what comes back is compared.
    pub compare: bool,
}

/// What has come of a [`Load`].
#[derive(Clone, Copy, Debug)]
pub struct Echoed {
    /// Messages, with those of the warm-up.
    pub messages: u64,
    /// Messages a second.
    pub rate: f64,
    /// Half of the bursts were back within this many microseconds.
    pub median: f64,
    /// CPU time of the server a message, in nanoseconds.
    pub server_cpu: f64,
}

/// Opens a WebSocket.
pub fn connect(address: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(REQUEST)?;
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut octet)?;
        head.push(octet[0]);
    }
    let status = head.strip_prefix(b"HTTP/1.1 101 ");
    status.ok_or_else(|| std::io::Error::other("not accepted"))?;
    Ok(stream)
}

/// A masked message, and what comes back.
fn message(size: usize) -> (Vec<u8>, Vec<u8>) {
    let payload = data::payload(crate::rows::Kind::Binary, size, 0);
    let (mut sent, mut expected) = (Vec::new(), Vec::new());
    data::put_frame(&mut sent, 0x82, &payload, Some([0x37, 0xFA, 0x21, 0x3D]));
    data::put_frame(&mut expected, 0x82, &payload, None);
    (sent, expected)
}

/// A connection over which bursts go there and back.
pub struct Bursts {
    stream: TcpStream,
    sent: Vec<u8>,
    received: Vec<u8>,
    /// How many were needed until everything was warm.
    warm_up: usize,
}

impl Bursts {
    /// Opens a connection to the server at an address, and warms it up.
    pub fn open(address: &str, load: Load) -> std::io::Result<Self> {
        let stream = connect(address)?;
        stream.set_nonblocking(true)?;
        let (sent, expected) = message(load.size);
        let (sent, expected) = (sent.repeat(load.burst), expected.repeat(load.burst));
        let mut bursts = Self {
            stream,
            sent,
            received: vec![0; expected.len()],
            warm_up: (2000 / load.burst).clamp(20, 200),
        };
        for _ in 0..bursts.warm_up {
            bursts.exchange()?;
        }
        if load.compare && bursts.received != expected {
            return Err(std::io::Error::other("the echo differs"));
        }
        Ok(bursts)
    }

    /// Sends bursts for some time, each when the one before is back, and says how long each took.
    pub fn run(&mut self, time: Duration) -> std::io::Result<Vec<Duration>> {
        let mut times = Vec::new();
        let began = Instant::now();
        while began.elapsed() < time {
            let burst_began = Instant::now();
            self.exchange()?;
            times.push(burst_began.elapsed());
        }
        Ok(times)
    }

    fn exchange(&mut self) -> std::io::Result<()> {
        exchange(&mut self.stream, &self.sent, &mut self.received)
    }
}

/// Runs a load against the server at an address. `process` is the server's, for its CPU time.
pub fn run(address: &str, process: u32, load: Load) -> std::io::Result<Echoed> {
    let mut bursts = Bursts::open(address, load)?;
    let cpu = cpu_time(process)?;
    let began = Instant::now();
    let mut times = bursts.run(load.time)?;
    let elapsed = began.elapsed();
    let cpu = cpu_time(process)? - cpu;
    times.sort_unstable();
    let measured = (times.len() * load.burst) as f64;
    Ok(Echoed {
        messages: ((times.len() + bursts.warm_up) * load.burst) as u64,
        rate: measured / elapsed.as_secs_f64(),
        median: times[times.len() / 2].as_secs_f64() * 1e6,
        server_cpu: cpu.as_nanos() as f64 / measured,
    })
}

/// Writes everything while it reads everything: neither end ever waits for the other to read.
fn exchange(stream: &mut TcpStream, sent: &[u8], received: &mut [u8]) -> std::io::Result<()> {
    let (mut written, mut read) = (0, 0);
    while read < received.len() {
        let mut flags = PollFlags::IN;
        if written < sent.len() {
            match stream.write(&sent[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if written < sent.len() {
                flags |= PollFlags::OUT;
            }
        }
        match stream.read(&mut received[read..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => read += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let patience = PATIENCE.try_into().expect("seconds");
                if poll(&mut [PollFd::new(stream, flags)], Some(&patience))? == 0 {
                    return Err(ErrorKind::TimedOut.into());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Memory a connection, in octets, beyond what the process takes with a connection or two.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// After the handshake.
    pub open: f64,
    /// After one message of 16 KiB has been echoed over each.
    pub echoed: f64,
}

/// Opens many connections and looks at the resident memory of the server.
pub fn idle(address: &str, process: u32, connections: usize) -> std::io::Result<Idle> {
    // What a server allocates once shall not count.
    let mut first = connect(address)?;
    let (sent, expected) = message(16 << 10);
    let mut received = vec![0; expected.len()];
    first.write_all(&sent)?;
    first.read_exact(&mut received)?;
    let empty = resident(process)?;
    let each = |now: usize| (now as f64 - empty as f64) / connections as f64;
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(connect(address)?);
    }
    std::thread::sleep(Duration::from_millis(300));
    let after_handshake = each(resident(process)?);
    for stream in &mut open {
        stream.write_all(&sent)?;
        stream.read_exact(&mut received)?;
    }
    std::thread::sleep(Duration::from_millis(300));
    Ok(Idle {
        open: after_handshake,
        echoed: each(resident(process)?),
    })
}

/// CPU time of all threads of a process.
fn cpu_time(process: u32) -> std::io::Result<Duration> {
    let mut sum = 0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        let time = text.split_whitespace().next();
        sum += time.and_then(|time| time.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(sum))
}

/// Resident memory of a process, in octets.
fn resident(process: u32) -> std::io::Result<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kib.map(|kib| kib << 10)
        .ok_or_else(|| std::io::Error::other("no VmRSS"))
}
