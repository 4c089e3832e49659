//! `wtx`.

use ::wtx::collection::Vector;
use ::wtx::rng::Xorshift64;
#[cfg(feature = "compression")]
use ::wtx::web_socket::DeflateConfig;
use ::wtx::web_socket::compression::NegotiatedCompression;
#[cfg(feature = "compression")]
use ::wtx::web_socket::compression::{CompressionLevel, Flate2, WindowBits};
use ::wtx::web_socket::{
    Frame, OpCode, WebSocket, WebSocketAcceptor, WebSocketBuffer, WebSocketPayloadOrigin,
};

#[cfg(feature = "compression")]
use super::Deflate;
use super::{Answer, Receive, Send};
use crate::meter::Meter;
use crate::pipe::{Pipe, block_on};

/// Its WebSocket over a stream.
pub struct Peer;

type Socket<NC, const IS_CLIENT: bool> =
    WebSocket<NC, Xorshift64, Pipe, WebSocketBuffer, IS_CLIENT>;

fn open<const IS_CLIENT: bool>(pipe: Pipe) -> Socket<(), IS_CLIENT> {
    WebSocket::new(
        (),
        false,
        Xorshift64::new(0x1234_5678_9ABC),
        pipe,
        WebSocketBuffer::new(),
    )
}

async fn receive<NC: NegotiatedCompression>(mut ws: Socket<NC, false>, meter: &mut Meter<'_>) {
    let mut buffer = Vector::new();
    while meter.more() {
        let frame = ws
            .read_frame(&mut buffer, WebSocketPayloadOrigin::Adaptive)
            .await
            .unwrap();
        meter.got(frame.payload());
    }
}

/// A server's end that has agreed to compress, which takes its own handshake.
#[cfg(feature = "compression")]
async fn compressing(pipe: Pipe, deflate: Deflate) -> Socket<impl NegotiatedCompression, false> {
    let config = DeflateConfig {
        client_max_window_bits: WindowBits::Fifteen,
        compression_level: CompressionLevel::try_from(deflate.level).unwrap(),
        server_max_window_bits: WindowBits::Fifteen,
    };
    WebSocketAcceptor::default()
        .compression(Flate2::from(config))
        .accept(pipe.with_request())
        .await
        .unwrap()
}

async fn send<NC: NegotiatedCompression, const IS_CLIENT: bool>(
    mut ws: Socket<NC, IS_CLIENT>,
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
        block_on(receive(open::<false>(pipe), meter));
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

    #[cfg(feature = "compression")]
    fn receive_compressed(
        &self,
        pipe: Pipe,
        _: &Receive,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        if deflate.takeover {
            return Answer::NotSupported; // it always asks for the contrary
        }
        block_on(async { receive(compressing(pipe, deflate).await, meter).await });
        Answer::Done
    }

    #[cfg(feature = "compression")]
    fn send_compressed(
        &self,
        pipe: Pipe,
        work: &Send<'_>,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        if deflate.takeover {
            return Answer::NotSupported; // as above
        }
        block_on(async { send(compressing(pipe, deflate).await, work, meter).await });
        Answer::Done
    }
}
