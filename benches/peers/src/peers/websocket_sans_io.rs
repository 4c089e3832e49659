//! `websocket-sans-io`: frames alone. Buffers, joining and judging are the caller's.

use std::io::{IoSlice, Read};

use ::websocket_sans_io::{
    FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent,
};

use super::{Answer, Receive, Send};
use crate::meter::Meter;
use crate::pipe::Pipe;

/// Its decoder and encoder, in the least loop around them.
pub struct Peer;

impl super::Peer for Peer {
    fn name(&self) -> &'static str {
        "websocket-sans-io"
    }

    fn receive(&self, mut pipe: Pipe, work: &Receive, meter: &mut Meter<'_>) -> Answer {
        let mut decoder = WebsocketFrameDecoder::new();
        let mut buffer = vec![0; 64 << 10];
        let (mut next, mut end) = (0, 0);
        let mut message = Vec::new();
        while meter.more() {
            loop {
                let start = next;
                let result = decoder.add_data(&mut buffer[next..end]).unwrap();
                next += result.consumed_bytes;
                match result.event {
                    Some(WebsocketFrameEvent::Start { frame_info, .. })
                        if frame_info.opcode != Opcode::Continuation =>
                    {
                        message.clear();
                    }
                    Some(WebsocketFrameEvent::Start { .. }) => {}
                    Some(WebsocketFrameEvent::PayloadChunk { .. }) => {
                        message.extend_from_slice(&buffer[start..next]);
                    }
                    Some(WebsocketFrameEvent::End { frame_info, .. }) if frame_info.fin => {
                        if work.text {
                            simdutf8::basic::from_utf8(&message).unwrap();
                        }
                        break meter.got(&message);
                    }
                    Some(WebsocketFrameEvent::End { .. }) => {}
                    None if next == end => {
                        next = 0;
                        end = pipe.read(&mut buffer).unwrap();
                    }
                    None => {}
                }
            }
        }
        Answer::Done
    }

    fn send(&self, mut pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        let mut encoder = WebsocketFrameEncoder::new();
        let mut out = Vec::new();
        let mut payloads = work.rotation();
        loop {
            let batch = meter.take(work.batch);
            if batch == 0 {
                return Answer::Done;
            }
            out.clear();
            for payload in payloads.by_ref().take(batch) {
                let header = encoder.start_frame(&FrameInfo {
                    opcode: Opcode::Binary,
                    payload_length: payload.len() as u64,
                    mask: work.client.then(|| fastrand::u32(..).to_ne_bytes()),
                    fin: true,
                    reserved: 0,
                });
                if !work.client && batch == 1 && payload.len() >= 4096 {
                    // What a caller who minds copies does.
                    pipe.write_slices(&[IoSlice::new(&header), IoSlice::new(payload)]);
                    continue;
                }
                out.extend_from_slice(&header);
                let start = out.len();
                out.extend_from_slice(payload);
                encoder.transform_frame_payload(&mut out[start..]);
            }
            if !out.is_empty() {
                pipe.write_all(&out);
            }
        }
    }
}
