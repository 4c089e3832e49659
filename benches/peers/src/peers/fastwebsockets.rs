//! `fastwebsockets`, Deno's.

use ::fastwebsockets::{
    FragmentCollector, Frame, Payload, Role, WebSocket, WebSocketError, upgrade,
};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::{Answer, Receive, Send};
use crate::meter::Meter;
use crate::pipe::{Pipe, block_on};

/// With its collector of fragments, which judges text.
pub struct Peer;

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "fastwebsockets"
    }

    fn receive(&self, pipe: Pipe, _: &Receive, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let mut ws = FragmentCollector::new(WebSocket::after_handshake(pipe, Role::Server));
            while meter.more() {
                meter.got(&ws.read_frame().await.unwrap().payload);
            }
        });
        Answer::Done
    }

    fn send(&self, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        if work.batch != 1 {
            return Answer::NotSupported; // each frame is written at once
        }
        block_on(async {
            let role = if work.client {
                Role::Client
            } else {
                Role::Server
            };
            let mut ws = WebSocket::after_handshake(pipe, role);
            let mut payloads = work.rotation();
            while meter.more() {
                let payload = Payload::Borrowed(payloads.next().unwrap());
                ws.write_frame(Frame::binary(payload)).await.unwrap();
                ws.flush().await.unwrap();
            }
        });
        Answer::Done
    }

    fn handshake(&self, open: &dyn Fn() -> Pipe, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            while meter.more() {
                let upgraded = std::cell::Cell::new(None);
                let service = service_fn(|mut request| {
                    let upgraded = &upgraded;
                    async move {
                        let (response, future) = upgrade::upgrade(&mut request)?;
                        upgraded.set(Some(future));
                        Ok::<_, WebSocketError>(response)
                    }
                });
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(open()), service)
                    .with_upgrades()
                    .await
                    .unwrap();
                std::hint::black_box(&upgraded.take().unwrap().await.unwrap());
            }
        });
        Answer::Done
    }
}
