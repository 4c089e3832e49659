//! `yawc`.

use ::yawc::{Frame, Options, Role, WebSocket, WebSocketError};
use futures_util::SinkExt;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

#[cfg(feature = "compression")]
use super::Deflate;
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

async fn receive(mut ws: WebSocket<Pipe>, meter: &mut Meter<'_>) {
    while meter.more() {
        meter.got(ws.next_frame().await.unwrap().payload());
    }
}

async fn send(mut ws: WebSocket<Pipe>, work: &Send<'_>, meter: &mut Meter<'_>) {
    let mut payloads = work.rotation();
    loop {
        let batch = meter.take(work.batch);
        if batch == 0 {
            return;
        }
        for payload in payloads.by_ref().take(batch) {
            ws.feed(Frame::binary(payload.clone())).await.unwrap();
        }
        ws.flush().await.unwrap();
    }
}

/// A server's end that has agreed to compress.
#[cfg(feature = "compression")]
fn compressing(pipe: Pipe, deflate: Deflate) -> WebSocket<Pipe> {
    let level = ::yawc::CompressionLevel::new(deflate.level.into());
    let options = options().with_compression_level(level);
    let agreed = Some(deflate.agreed());
    WebSocket::from_stream_with_extensions(pipe, Role::Server, agreed, options).unwrap()
}

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "yawc"
    }

    fn receive(&self, pipe: Pipe, _: &Receive, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let ws = WebSocket::from_stream(pipe, Role::Server, options()).unwrap();
            receive(ws, meter).await;
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
            let ws = WebSocket::from_stream(pipe, role, options()).unwrap();
            send(ws, work, meter).await;
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

    #[cfg(feature = "compression")]
    fn receive_compressed(
        &self,
        pipe: Pipe,
        _: &Receive,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        block_on(receive(compressing(pipe, deflate), meter));
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
        block_on(send(compressing(pipe, deflate), work, meter));
        Answer::Done
    }
}
