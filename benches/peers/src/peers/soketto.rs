//! `soketto`.

use ::soketto::Mode;
use ::soketto::connection::Builder;
use ::soketto::handshake::Server;
use ::soketto::handshake::server::Response;
use futures_util::io::{BufReader, BufWriter};

use super::{Answer, Receive, Send};
use crate::meter::Meter;
use crate::pipe::{Pipe, block_on};

/// Over buffers, as it has none of its own.
pub struct Peer;

fn buffered(pipe: Pipe) -> BufReader<BufWriter<Pipe>> {
    BufReader::new(BufWriter::new(pipe))
}

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "soketto"
    }

    fn receive(&self, pipe: Pipe, work: &Receive, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let (_sender, mut receiver) = Builder::new(buffered(pipe), Mode::Server).finish();
            let mut message = Vec::new();
            while meter.more() {
                message.clear();
                receiver.receive_data(&mut message).await.unwrap();
                if work.text {
                    // It doesn't judge; its documentation has the caller do this.
                    meter.got(std::str::from_utf8(&message).unwrap().as_bytes());
                } else {
                    meter.got(&message);
                }
            }
        });
        Answer::Done
    }

    fn send(&self, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let mode = if work.client {
                Mode::Client
            } else {
                Mode::Server
            };
            let (mut sender, _receiver) = Builder::new(buffered(pipe), mode).finish();
            let mut payloads = work.rotation();
            loop {
                let batch = meter.take(work.batch);
                if batch == 0 {
                    break;
                }
                for payload in payloads.by_ref().take(batch) {
                    sender.send_binary(payload).await.unwrap();
                }
                sender.flush().await.unwrap();
            }
        });
        Answer::Done
    }

    fn handshake(&self, open: &dyn Fn() -> Pipe, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            while meter.more() {
                let mut server = Server::new(buffered(open()));
                let key = server.receive_request().await.unwrap().key();
                let response = Response::Accept {
                    key,
                    protocol: None,
                };
                server.send_response(&response).await.unwrap();
                std::hint::black_box(&server.into_builder().finish());
            }
        });
        Answer::Done
    }
}
