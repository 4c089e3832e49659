//! `sockudo-ws`.

use ::sockudo_ws::stream::WebSocketStream;
use ::sockudo_ws::{Config, Message, Role, handshake};
use futures_util::{SinkExt, StreamExt};

use super::{Answer, Receive, Send};
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

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "sockudo-ws"
    }

    fn receive(&self, pipe: Pipe, _: &Receive, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let mut ws = WebSocketStream::server(pipe, Config::default());
            while meter.more() {
                match ws.next().await.unwrap().unwrap() {
                    Message::Text(octets) | Message::Binary(octets) => meter.got(&octets),
                    message => panic!("{message:?}"),
                }
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
            let mut ws = WebSocketStream::from_raw(pipe, role, Config::default());
            let mut payloads = work.rotation();
            loop {
                let batch = meter.take(work.batch);
                if batch == 0 {
                    break;
                }
                for payload in payloads.by_ref().take(batch) {
                    ws.feed(Message::Binary(payload.clone())).await.unwrap();
                }
                ws.flush().await.unwrap();
            }
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
}
