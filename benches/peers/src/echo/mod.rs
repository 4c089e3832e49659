//! Echo servers over real sockets: each crate's natural loop (receive, send, repeat), and where a crate
//! has a faster way (`split` and `forward`), that one, too.
//!
//! `websocket-sans-io` is missing: it has no handshake and no way to a socket.

/// One of the examples.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../../examples/loops/src/bin/mio.rs"]
mod mio;
mod tasks;
mod threads;

use std::io::Read;

/// An echo server.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// Its name in the tables.
    pub name: &'static str,
    /// Serves on this address, for ever.
    pub serve: fn(&str),
    /// Whether replies can be compared: raw servers answer with octets as they came.
    pub frames: bool,
}

const fn server(name: &'static str, serve: fn(&str)) -> Server {
    Server {
        name,
        serve,
        frames: true,
    }
}

/// All of them, in the order in which they are shown. What begins with `raw` knows nothing of frames.
pub const SERVERS: &[Server] = &[
    Server {
        name: "raw, tokio",
        serve: tasks::raw,
        frames: false,
    },
    Server {
        name: "raw, blocking",
        serve: threads::raw,
        frames: false,
    },
    server("websocket-proto, tokio", tasks::ours),
    server("websocket-proto, tokio, forward", tasks::ours_forward),
    server("websocket-proto, blocking", threads::ours),
    server("websocket-proto, mio", |address| {
        mio::run(address).expect("an address");
    }),
    server("fastwebsockets", tasks::fastwebsockets),
    server("nexus-web, blocking", threads::nexus_web),
    server("sockudo-ws", tasks::sockudo_ws),
    server("sockudo-ws, forward", tasks::sockudo_ws_forward),
    server("soketto", tasks::soketto),
    server("tokio-websockets", tasks::tokio_websockets),
    server("tokio-websockets, forward", tasks::tokio_websockets_forward),
    server("tungstenite, tokio", tasks::tungstenite),
    server("tungstenite, tokio, forward", tasks::tungstenite_forward),
    server("tungstenite, blocking", threads::tungstenite),
    server("web-socket", tasks::web_socket),
    server("wtx", tasks::wtx),
    server("yawc", tasks::yawc),
    server("yawc, forward", tasks::yawc_forward),
];

/// What a server that doesn't look at the handshake answers.
const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Serves until whoever has started this program goes: until standard input ends.
pub fn run(name: &str, address: &str) {
    let server = SERVERS.iter().find(|server| server.name == name);
    let server = server.expect("the name of a server");
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    (server.serve)(address);
}

/// Which octets of an echo are due, without a look at the frames: all frames of a connection have one
/// length, and a reply is four octets shorter than its request, for want of a masking key.
#[derive(Debug, Default)]
struct Unmasked {
    frame: usize,
    received: usize,
    sent: usize,
}

impl Unmasked {
    /// How many octets are to be sent, after these have come.
    fn due(&mut self, octets: &[u8]) -> usize {
        if self.frame == 0 {
            self.frame = match octets {
                [_, length, rest @ ..] if length & 0x7F == 127 && rest.len() >= 8 => {
                    let length = rest.first_chunk().expect("eight octets");
                    14 + u64::from_be_bytes(*length) as usize
                }
                [_, length, a, b, ..] if length & 0x7F == 126 => {
                    8 + usize::from(u16::from_be_bytes([*a, *b]))
                }
                [_, length, ..] if length & 0x7F < 126 => 6 + usize::from(length & 0x7F),
                _ => panic!("the first read has less than a header"),
            };
        }
        self.received += octets.len();
        let (whole, part) = (self.received / self.frame, self.received % self.frame);
        let due = whole * (self.frame - 4) + part.saturating_sub(4);
        let now = due - self.sent;
        self.sent = due;
        now
    }
}
