//! `yawc`.

use ::yawc::{Frame, Options, Role, WebSocket, WebSocketError};
use futures_util::SinkExt;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::{Answer, Receive, Send};
use crate::meter::Meter;
use crate::pipe::{Pipe, block_on};

/// With UTF-8 judged, which it doesn't do unless told to, and limits that let 1 MiB pass.
pub struct Peer;

fn options() -> Options {
    Options::default()
        .with_utf8()
        .with_limits(16 << 20, 64 << 20)
}

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "yawc"
    }

    fn receive(&self, pipe: Pipe, _: &Receive, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let mut ws = WebSocket::from_stream(pipe, Role::Server, options()).unwrap();
            while meter.more() {
                meter.got(ws.next_frame().await.unwrap().payload());
            }
        });
        Answer::Done
    }

    fn send(&self, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let role = if work.client {
                Role::Client
            } else {
                Role::Server
            };
            let mut ws = WebSocket::from_stream(pipe, role, options()).unwrap();
            let mut payloads = work.rotation();
            loop {
                let batch = meter.take(work.batch);
                if batch == 0 {
                    break;
                }
                for payload in payloads.by_ref().take(batch) {
                    ws.feed(Frame::binary(payload.clone())).await.unwrap();
                }
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
                        let (response, future) =
                            WebSocket::upgrade_with_options(&mut request, Options::default())?;
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
