//! `tokio-websockets`.

use ::tokio_websockets::{ClientBuilder, Message, ServerBuilder, WebSocketStream};
use futures_util::{SinkExt, StreamExt};

use super::{Answer, Receive, Send};
use crate::meter::Meter;
use crate::pipe::{Pipe, block_on};

/// Its stream and sink of messages.
pub struct Peer;

async fn send(mut ws: WebSocketStream<Pipe>, work: &Send<'_>, meter: &mut Meter<'_>) {
    let mut payloads = work.rotation();
    loop {
        let batch = meter.take(work.batch);
        if batch == 0 {
            return;
        }
        for payload in payloads.by_ref().take(batch) {
            ws.feed(Message::binary(payload.clone())).await.unwrap();
        }
        ws.flush().await.unwrap();
    }
}

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "tokio-websockets"
    }

    fn receive(&self, pipe: Pipe, work: &Receive, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let mut ws = ServerBuilder::new().serve(pipe);
            while meter.more() {
                let message = ws.next().await.unwrap().unwrap();
                if work.text {
                    meter.got(message.as_text().unwrap().as_bytes());
                } else {
                    meter.got(message.as_payload());
                }
            }
        });
        Answer::Done
    }

    fn send(&self, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            if work.client {
                send(ClientBuilder::new().take_over(pipe), work, meter).await;
            } else {
                send(ServerBuilder::new().serve(pipe), work, meter).await;
            }
        });
        Answer::Done
    }

    fn handshake(&self, open: &dyn Fn() -> Pipe, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            while meter.more() {
                let ws = ServerBuilder::new().accept(open()).await.unwrap();
                std::hint::black_box(&ws);
            }
        });
        Answer::Done
    }
}
