//! `tungstenite`, the most used one.

use ::tungstenite::protocol::{Message, Role, WebSocket};

use super::{Answer, Receive, Send};
use crate::meter::Meter;
use crate::pipe::Pipe;

/// Its blocking WebSocket; `tokio-tungstenite` is the same behind a shim.
pub struct Peer;

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "tungstenite"
    }

    fn receive(&self, pipe: Pipe, _: &Receive, meter: &mut Meter<'_>) -> Answer {
        let mut ws = WebSocket::from_raw_socket(pipe, Role::Server, None);
        while meter.more() {
            match ws.read().unwrap() {
                Message::Text(text) => meter.got(text.as_bytes()),
                Message::Binary(octets) => meter.got(&octets),
                message => panic!("{message:?}"),
            }
        }
        Answer::Done
    }

    fn send(&self, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        let role = if work.client {
            Role::Client
        } else {
            Role::Server
        };
        let mut ws = WebSocket::from_raw_socket(pipe, role, None);
        let mut payloads = work.rotation();
        loop {
            let batch = meter.take(work.batch);
            if batch == 0 {
                return Answer::Done;
            }
            for payload in payloads.by_ref().take(batch) {
                ws.write(Message::Binary(payload.clone())).unwrap();
            }
            ws.flush().unwrap();
        }
    }

    fn handshake(&self, open: &dyn Fn() -> Pipe, meter: &mut Meter<'_>) -> Answer {
        while meter.more() {
            std::hint::black_box(&::tungstenite::accept(open()).unwrap());
        }
        Answer::Done
    }
}
