//! `web-socket`.

use ::web_socket::{DataType, Event, Frame, Stream, WebSocket};
use tokio::io::{AsyncWrite, BufReader, BufWriter};

use super::{Answer, Receive, Send};
use crate::meter::Meter;
use crate::pipe::{Pipe, block_on};

/// Over a buffered reader, as in its own benchmarks. It has no handshake.
pub struct Peer;

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "web-socket"
    }

    fn receive(&self, pipe: Pipe, work: &Receive, meter: &mut Meter<'_>) -> Answer {
        block_on(async {
            let mut ws = WebSocket::server(BufReader::new(pipe));
            ws.max_payload_len = 64 << 20;
            let mut joined = Vec::new();
            while meter.more() {
                loop {
                    let Event::Data { ty, data } = ws.recv_event().await.unwrap() else {
                        panic!("not a message");
                    };
                    match ty {
                        DataType::Complete(_) => {
                            judged(&data, work, meter);
                            break;
                        }
                        DataType::Stream(part) => {
                            if matches!(part, Stream::Start(_)) {
                                joined.clear();
                            }
                            joined.extend_from_slice(&data);
                            if matches!(part, Stream::End(_)) {
                                judged(&joined, work, meter);
                                break;
                            }
                        }
                    }
                }
            }
        });
        Answer::Done
    }

    fn send(&self, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        if work.batch == 1 {
            block_on(send(pipe, work, meter));
        } else {
            block_on(send(BufWriter::new(pipe), work, meter));
        }
        Answer::Done
    }
}

/// It doesn't judge text.
fn judged(payload: &[u8], work: &Receive, meter: &mut Meter<'_>) {
    if work.text {
        meter.got(std::str::from_utf8(payload).unwrap().as_bytes());
    } else {
        meter.got(payload);
    }
}

async fn send<W: AsyncWrite + Unpin>(out: W, work: &Send<'_>, meter: &mut Meter<'_>) {
    let mut ws = if work.client {
        WebSocket::client(out)
    } else {
        WebSocket::server(out)
    };
    let mut payloads = work.rotation();
    loop {
        let batch = meter.take(work.batch);
        if batch == 0 {
            return;
        }
        for data in payloads.by_ref().take(batch) {
            ws.send_raw(Frame {
                fin: true,
                opcode: 2,
                data,
            })
            .await
            .unwrap();
        }
        ws.flash().await.unwrap();
    }
}
