//! The same octets for us and for tungstenite.
//!
//! Both have to lend the same messages and control frames, in the same order. Who judges is where they may
//! differ, and only in these ways:
//!
//! - We refuse lengths in more octets than needed, which tungstenite takes; with control frames they are
//!   too long for us as soon as their length isn't in the second octet.
//! - 1014, which was registered after the RFC, is a close code here and an error there.
//! - A close code that may not stand on the wire is a violation here; tungstenite hands out a Close.
//! - We refuse at the octet that shows it, tungstenite when a frame or a message has come.

use std::io::{self, Cursor, Read, Write};

use tungstenite::protocol::{self, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};
use websocket_proto::{RecvBuffer, Role, Violation};

use super::fuzz_bodies::frames_from;
use super::trace::{Mode, Seen, Setup, run};

/// Octets to read, and nobody who reads what is written.
struct Stream(Cursor<Vec<u8>>);

impl Read for Stream {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.0.read(room) {
            Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
            other => other,
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite lends, and whether it found something wrong.
fn theirs(role: Role, input: &[u8]) -> (Vec<Seen>, Option<Error>) {
    let role = match role {
        Role::Server => protocol::Role::Server,
        Role::Client => protocol::Role::Client,
    };
    let stream = Stream(Cursor::new(input.to_vec()));
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let mut ws = WebSocket::from_raw_socket(stream, role, Some(config));
    let mut seen = Vec::new();
    loop {
        seen.push(match ws.read() {
            Ok(Message::Text(text)) => Seen::Text(text.to_string()),
            Ok(Message::Binary(octets)) => Seen::Binary(octets.to_vec()),
            Ok(Message::Ping(octets)) => Seen::Ping(octets.to_vec()),
            Ok(Message::Pong(octets)) => Seen::Pong(octets.to_vec()),
            Ok(Message::Close(None)) => {
                seen.push(Seen::Close(1005, String::new()));
                return (seen, None);
            }
            Ok(Message::Close(Some(close))) => {
                seen.push(Seen::Close(close.code.into(), close.reason.to_string()));
                return (seen, None);
            }
            Ok(Message::Frame(_)) => unreachable!("not when reading"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return (seen, None);
            }
            Err(error) => return (seen, Some(error)),
        });
    }
}

/// What both lend of these octets, and where who finds something wrong.
pub fn difference(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else {
        return;
    };
    let role = if choice & 1 != 0 {
        Role::Server
    } else {
        Role::Client
    };
    let input = if choice & 2 != 0 {
        data.to_vec()
    } else {
        frames_from(role, data)
    };
    let (ours, _) = run(
        &Setup::open(role),
        RecvBuffer::new(),
        Mode::Whole,
        &[&input],
    );
    let (theirs, fault) = theirs(role, &input);
    match ours.error {
        None if matches!(ours.events.last(), Some(Seen::Close(1014, _))) => {
            assert!(theirs.starts_with(&ours.events[..ours.events.len() - 1]));
        }
        None => {
            assert_eq!(ours.events, theirs);
            assert!(fault.is_none(), "{fault:?}");
        }
        Some(
            Violation::LengthNotMinimal
            | Violation::ControlTooLong
            | Violation::CloseCodeInvalid(_),
        ) => {
            assert!(theirs.starts_with(&ours.events));
        }
        // Perhaps it waits for octets that we don't need to know.
        Some(_) => assert_eq!(ours.events, theirs),
    }
}
