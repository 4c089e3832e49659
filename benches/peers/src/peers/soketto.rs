//! `soketto`.

use ::soketto::Mode;
use ::soketto::connection::{Builder, Receiver, Sender};
#[cfg(feature = "c-zlib")]
use ::soketto::extension::deflate;
use ::soketto::handshake::Server;
use ::soketto::handshake::server::Response;
use futures_util::io::{BufReader, BufWriter};

#[cfg(feature = "c-zlib")]
use super::Deflate;
use super::{Answer, Receive, Send};
use crate::meter::Meter;
use crate::pipe::{Pipe, block_on};

/// Over buffers, as it has none of its own.
pub struct Peer;

type Buffered = BufReader<BufWriter<Pipe>>;

fn buffered(pipe: Pipe) -> Buffered {
    BufReader::new(BufWriter::new(pipe))
}

async fn receive(mut receiver: Receiver<Buffered>, work: &Receive, meter: &mut Meter<'_>) {
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
}

async fn send(mut sender: Sender<Buffered>, work: &Send<'_>, meter: &mut Meter<'_>) {
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
}

/// A server's end that has agreed to compress, which takes its own handshake.
#[cfg(feature = "c-zlib")]
async fn compressing(pipe: Pipe) -> (Sender<Buffered>, Receiver<Buffered>) {
    let mut server = Server::new(buffered(pipe.with_request()));
    server.add_extension(Box::new(deflate::Deflate::new(Mode::Server)));
    let key = server.receive_request().await.unwrap().key();
    let response = Response::Accept {
        key,
        protocol: None,
    };
    server.send_response(&response).await.unwrap();
    server.into_builder().finish()
}

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "soketto"
    }

    fn receive(&self, pipe: Pipe, work: &Receive, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let (_sender, receiver) = Builder::new(buffered(pipe), Mode::Server).finish();
            receive(receiver, work, meter).await;
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
            let (sender, _receiver) = Builder::new(buffered(pipe), mode).finish();
            send(sender, work, meter).await;
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

    #[cfg(feature = "c-zlib")]
    fn receive_compressed(
        &self,
        pipe: Pipe,
        work: &Receive,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        if deflate.takeover {
            return Answer::NotSupported; // it begins anew with each message, whatever was agreed upon
        }
        block_on(async {
            let (_sender, receiver) = compressing(pipe).await;
            receive(receiver, work, meter).await;
        });
        Answer::Done
    }

    #[cfg(feature = "c-zlib")]
    fn send_compressed(
        &self,
        pipe: Pipe,
        work: &Send<'_>,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        if deflate.takeover || deflate.level != 1 {
            return Answer::NotSupported; // it compresses at level 1 only
        }
        block_on(async {
            let (sender, _receiver) = compressing(pipe).await;
            send(sender, work, meter).await;
        });
        Answer::Done
    }
}
