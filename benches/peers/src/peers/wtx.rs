//! `wtx`.

use ::wtx::collection::Vector;
use ::wtx::rng::Xorshift64;
use ::wtx::web_socket::{
    Frame, OpCode, WebSocket, WebSocketAcceptor, WebSocketBuffer, WebSocketPayloadOrigin,
};

use super::{Answer, Receive, Send};
use crate::meter::Meter;
use crate::pipe::{Pipe, block_on};

/// Its WebSocket over a stream.
pub struct Peer;

type Socket<const IS_CLIENT: bool> = WebSocket<(), Xorshift64, Pipe, WebSocketBuffer, IS_CLIENT>;

fn open<const IS_CLIENT: bool>(pipe: Pipe) -> Socket<IS_CLIENT> {
    WebSocket::new(
        (),
        false,
        Xorshift64::new(0x1234_5678_9ABC),
        pipe,
        WebSocketBuffer::new(),
    )
}

async fn send<const IS_CLIENT: bool>(
    mut ws: Socket<IS_CLIENT>,
    work: &Send<'_>,
    meter: &mut Meter<'_>,
) {
    // A client masks the caller's payload in place and leaves it so. Where it matters what goes out, it
    // is copied anew each time.
    let mut own: Vec<Vec<u8>> = work
        .payloads
        .iter()
        .map(|payload| payload.to_vec())
        .collect();
    let mut at = 0;
    while meter.more() {
        let payload = &mut own[at];
        if IS_CLIENT && meter.compares() {
            payload.copy_from_slice(&work.payloads[at]);
        }
        at = (at + 1) % work.payloads.len();
        let mut frame = Frame::<_, IS_CLIENT>::new_fin(OpCode::Binary, &mut payload[..]);
        ws.write_frame(&mut frame).await.unwrap();
    }
}

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "wtx"
    }

    fn receive(&self, pipe: Pipe, _: &Receive, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let mut ws = open::<false>(pipe);
            let mut buffer = Vector::new();
            while meter.more() {
                let frame = ws
                    .read_frame(&mut buffer, WebSocketPayloadOrigin::Adaptive)
                    .await
                    .unwrap();
                meter.got(frame.payload());
            }
        });
        Answer::Done
    }

    fn send(&self, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        if work.batch != 1 {
            return Answer::NotSupported; // each frame is written at once
        }
        if work.client {
            block_on(send(open::<true>(pipe), work, meter));
        } else {
            block_on(send(open::<false>(pipe), work, meter));
        }
        Answer::Done
    }

    fn handshake(&self, open: &dyn Fn() -> Pipe, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            while meter.more() {
                let ws = WebSocketAcceptor::default().accept(open()).await.unwrap();
                std::hint::black_box(&ws);
            }
        });
        Answer::Done
    }
}
