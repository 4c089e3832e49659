//! `sockudo-ws`.

use ::sockudo_ws::deflate::DeflateConfig;
use ::sockudo_ws::error::Error;
use ::sockudo_ws::stream::{CompressedWebSocketStream, WebSocketStream};
use ::sockudo_ws::{Config, Message, Role, handshake};
use futures_util::{Sink, SinkExt, Stream, StreamExt};

use super::{Answer, Deflate, Receive, Send};
use crate::meter::Meter;
use crate::pipe::Pipe;

/// Its tokio stream, as configured by default (with a heartbeat).
pub struct Peer;

/// The stream sets timers, so it wants tokio around it.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

async fn receive(
    mut ws: impl Stream<Item = Result<Message, Error>> + Unpin,
    meter: &mut Meter<'_>,
) {
    while meter.more() {
        match ws.next().await.unwrap().unwrap() {
            Message::Text(octets) | Message::Binary(octets) => meter.got(&octets),
            message => panic!("{message:?}"),
        }
    }
}

async fn send(
    mut ws: impl Sink<Message, Error = Error> + Unpin,
    work: &Send<'_>,
    meter: &mut Meter<'_>,
) {
    let mut payloads = work.rotation();
    loop {
        let batch = meter.take(work.batch);
        if batch == 0 {
            return;
        }
        for payload in payloads.by_ref().take(batch) {
            ws.feed(Message::Binary(payload.clone())).await.unwrap();
        }
        ws.flush().await.unwrap();
    }
}

fn agreed(deflate: Deflate) -> DeflateConfig {
    DeflateConfig {
        server_no_context_takeover: !deflate.takeover,
        client_no_context_takeover: !deflate.takeover,
        compression_level: deflate.level.into(),
        ..DeflateConfig::default()
    }
}

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "sockudo-ws"
    }

    fn receive(&self, pipe: Pipe, _: &Receive, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let ws = WebSocketStream::server(pipe, Config::default());
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
            let ws = WebSocketStream::from_raw(pipe, role, Config::default());
            send(ws, work, meter).await;
        });
        Answer::Done
    }

    fn handshake(&self, open: &dyn Fn() -> Pipe, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            while meter.more() {
                let mut pipe = open();
                let done = handshake::server_handshake(&mut pipe).await.unwrap();
                let ws = WebSocketStream::from_raw_with_leftover(
                    pipe,
                    Role::Server,
                    Config::default(),
                    done.leftover,
                );
                std::hint::black_box(&ws);
            }
        });
        Answer::Done
    }

    fn receive_compressed(
        &self,
        pipe: Pipe,
        _: &Receive,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        block_on(async {
            let (config, agreed) = (Config::default(), agreed(deflate));
            receive(
                CompressedWebSocketStream::server(pipe, config, agreed),
                meter,
            )
            .await;
        });
        Answer::Done
    }

    fn send_compressed(
        &self,
        pipe: Pipe,
        work: &Send<'_>,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        block_on(async {
            let (config, agreed) = (Config::default(), agreed(deflate));
            send(
                CompressedWebSocketStream::server(pipe, config, agreed),
                work,
                meter,
            )
            .await;
        });
        Answer::Done
    }
}
