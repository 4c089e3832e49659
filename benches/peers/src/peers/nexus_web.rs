//! `nexus-web`: reader and writer without IO.

use ::nexus_web::ws::{Client, FrameReader, FrameWriter, Message, Role};

use super::{Answer, Receive, Send};
use crate::meter::Meter;
use crate::pipe::Pipe;

/// Its reader with a buffer of 1 MiB, the default, or of four messages where they are larger.
///
/// Version 0.8 doesn't judge a text in one frame that doesn't come in one read (`make_message` takes the
/// message buffer as judged, and only fragments are): those are judged here.
pub struct Peer;

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "nexus-web"
    }

    fn receive(&self, mut pipe: Pipe, work: &Receive, meter: &mut Meter<'_>) -> Answer {
        let mut reader = FrameReader::builder()
            .role(Role::Server)
            .buffer_capacity((1 << 20).max(4 * work.size))
            .max_frame_size(64 << 20)
            .max_message_size(64 << 20)
            .build();
        while meter.more() {
            let mut in_one_read = true;
            while !reader.poll().unwrap() {
                reader.read_from(&mut pipe).unwrap();
                in_one_read = false;
            }
            match reader.next().unwrap() {
                Some(Message::Text(text)) => {
                    if !in_one_read && work.fragments == 1 {
                        simdutf8::basic::from_utf8(text.as_bytes()).unwrap();
                    }
                    meter.got(text.as_bytes());
                }
                Some(Message::Binary(octets)) => meter.got(octets),
                message => panic!("{message:?}"),
            }
        }
        Answer::Done
    }

    fn send(&self, mut pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        let role = if work.client {
            Role::Client
        } else {
            Role::Server
        };
        let mut writer = FrameWriter::new(role);
        let mut out = vec![0; work.batch * writer.max_encoded_len(work.payloads[0].len())];
        let mut payloads = work.rotation();
        loop {
            let batch = meter.take(work.batch);
            if batch == 0 {
                return Answer::Done;
            }
            let mut length = 0;
            for payload in payloads.by_ref().take(batch) {
                length += writer.encode_binary(payload, &mut out[length..]);
            }
            pipe.write_all(&out[..length]);
        }
    }

    fn handshake(&self, open: &dyn Fn() -> Pipe, meter: &mut Meter<'_>) -> Answer {
        while meter.more() {
            std::hint::black_box(&Client::accept(open()).unwrap());
        }
        Answer::Done
    }
}
