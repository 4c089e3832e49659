//! No crate either: zlib-rs alone, which is what compressed messages cost at least.

use std::io::IoSlice;

use zlib_rs::{Deflate as Compressor, DeflateFlush, Inflate, InflateFlush};

use super::{Answer, Deflate, Part, Receive, Send, floors};
use crate::compression::TAIL;
use crate::data;
use crate::meter::Meter;
use crate::pipe::Pipe;

/// Reads headers, unmasks and inflates, with one call a message; compresses and writes a header. It judges
/// no text, keeps no limit and believes that a message fits.
pub struct Zlib;

impl super::Peer for Zlib {
    fn name(&self) -> &'static str {
        "zlib-rs"
    }

    fn part(&self) -> Part {
        Part::Floor
    }

    fn receive_compressed(
        &self,
        mut pipe: Pipe,
        work: &Receive,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        let mut frames = floors::Frames::new();
        let mut stream = Inflate::new(false, 15);
        // More room than a message has lets the codec stay on its fast path to the end.
        let mut output = vec![0; work.size + 1024];
        while meter.more() {
            if !deflate.takeover {
                stream.reset(false);
            }
            let before = stream.total_out();
            frames
                .next_before(&mut pipe, TAIL, |payload| {
                    stream.decompress(payload, &mut output, InflateFlush::SyncFlush)
                })
                .unwrap();
            meter.got(&output[..(stream.total_out() - before) as usize]);
        }
        Answer::Done
    }

    fn send_compressed(
        &self,
        mut pipe: Pipe,
        work: &Send<'_>,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        let mut stream = Compressor::new(deflate.level.into(), false, 15);
        // To forget a message is cheaper than to begin anew.
        let flush = if deflate.takeover {
            DeflateFlush::SyncFlush
        } else {
            DeflateFlush::FullFlush
        };
        let mut output = vec![0; work.payloads[0].len() * 2 + 64];
        let mut header = Vec::new();
        let mut payloads = work.rotation();
        while meter.more() {
            let before = stream.total_out();
            let payload = payloads.next().unwrap();
            stream.compress(payload, &mut output, flush).unwrap();
            let length = (stream.total_out() - before) as usize - TAIL.len();
            header.clear();
            data::put_header(&mut header, 0xC2, length, false);
            pipe.write_slices(&[IoSlice::new(&header), IoSlice::new(&output[..length])]);
        }
        Answer::Done
    }
}
