//! No crates: what the work costs at least.
//!
//! [`Copy`], [`Mask`] and [`Validate`] know where each payload lies and do nothing but what their names
//! say, on top of the copy out of (or into) the pipe. [`Decoder`] reads headers: the least that lends
//! right messages out of a buffer of its own, without control frames, limits or errors.

use std::io::{IoSlice, Read};

use super::{Answer, Part, Receive, Send};
use crate::data;
use crate::meter::Meter;
use crate::pipe::Pipe;

/// Masks with whatever this processor has that valgrind knows, too.
pub fn mask(octets: &mut [u8], key: [u8; 4]) {
    #[cfg(target_arch = "x86_64")]
    if octets.len() >= 64 && is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { mask_avx2(octets, key) };
    }
    mask_plain(octets, key);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn mask_avx2(octets: &mut [u8], key: [u8; 4]) {
    mask_plain(octets, key);
}

/// From this length on stores begin where a cache line does: across two lines they take twice as long.
const IN_LINES: usize = 512;

/// How many octets lie before the first cache line that begins among them.
fn up_to_a_line(octets: &[u8]) -> usize {
    octets.as_ptr().addr().wrapping_neg() % 64
}

/// The key for what follows so many octets.
fn turned(mut key: [u8; 4], octets: usize) -> [u8; 4] {
    key.rotate_left(octets % 4);
    key
}

#[inline(always)]
fn mask_plain(octets: &mut [u8], key: [u8; 4]) {
    if octets.len() < IN_LINES {
        return mask_words(octets, key);
    }
    let (before, lines) = octets.split_at_mut(up_to_a_line(octets));
    mask_words(lines, turned(key, before.len()));
    mask_words(before, key);
}

#[inline(always)]
fn mask_words(octets: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let key8 = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = octets.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ key8).to_ne_bytes();
    }
    for (octet, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *octet ^= key;
    }
}

/// What is read at once: little enough that it is still in the first-level cache when it is looked at.
const READ: usize = 16 << 10;

fn judge(text: &[u8]) {
    assert!(simdutf8::basic::from_utf8(text).is_ok(), "UTF-8");
}

/// Copies octets to where the application sees them: masked ones, where a client has sent them.
pub struct Copy;

/// Unmasks in place, too; in sending masks a copy.
pub struct Mask;

/// Unmasks, and judges text.
pub struct Validate;

/// What a floor does with a payload.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Depth {
    Copy,
    Mask,
    Validate,
}

/// Receives messages of one frame each, all of one size, whose headers it doesn't read.
fn receive(mut pipe: Pipe, work: &Receive, meter: &mut Meter<'_>, depth: Depth) -> Answer {
    if work.fragments != 1 || !work.alike || (depth == Depth::Validate && !work.text) {
        return Answer::NotSupported;
    }
    let header = match work.size {
        0..126 => 6,
        126..0x1_0000 => 8,
        _ => 14,
    };
    let frame = header + work.size;
    let mut buffer = vec![0; (2 * READ).max(READ + frame)];
    // Kept apart, as a payload that is only copied is still masked and can't be compared.
    let mut plain = Vec::new();
    let (mut next, mut end) = (0, 0);
    while meter.more() {
        while end - next < frame {
            if buffer.len() - end < READ || next == end {
                buffer.copy_within(next..end, 0);
                (next, end) = (0, end - next);
            }
            end += pipe.read(&mut buffer[end..end + READ]).unwrap();
        }
        let start = next + header;
        next += frame;
        let key = [0, 1, 2, 3].map(|i| buffer[start - 4 + i]);
        let payload = &mut buffer[start..next];
        if depth == Depth::Copy {
            if meter.compares() {
                plain.clear();
                plain.extend_from_slice(payload);
                mask(&mut plain, key);
                meter.got(&plain);
            } else {
                meter.got(payload);
            }
            continue;
        }
        mask(payload, key);
        if depth == Depth::Validate {
            judge(payload);
        }
        meter.got(payload);
    }
    Answer::Done
}

/// Writes headers that are known beforehand, and payloads.
fn send(mut pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>, depth: Depth) -> Answer {
    if (depth == Depth::Mask) != work.client {
        return Answer::NotSupported;
    }
    let size = work.payloads[0].len();
    let key = work.client.then_some([0x37, 0xFA, 0x21, 0x3D]);
    let mut header = Vec::new();
    data::put_frame(&mut header, 0x82, &work.payloads[0], key);
    header.truncate(header.len() - size);
    let mut out = vec![0; work.batch * (header.len() + size)];
    let mut payloads = work.rotation();
    loop {
        let batch = meter.take(work.batch);
        if batch == 0 {
            return Answer::Done;
        }
        if batch == 1 && !work.client && size >= 4096 {
            let payload = payloads.next().unwrap();
            pipe.write_slices(&[IoSlice::new(&header), IoSlice::new(payload)]);
            continue;
        }
        let frames = out.chunks_exact_mut(header.len() + size).take(batch);
        for (frame, payload) in frames.zip(payloads.by_ref()) {
            let (head, body) = frame.split_at_mut(header.len());
            head.copy_from_slice(&header);
            match key {
                Some(key) => mask_copy(body, payload, key),
                None => body.copy_from_slice(payload),
            }
        }
        pipe.write_all(&out[..batch * (header.len() + size)]);
    }
}

/// Masks while copying, in one pass.
fn mask_copy(target: &mut [u8], source: &[u8], key: [u8; 4]) {
    #[cfg(target_arch = "x86_64")]
    if source.len() >= 64 && is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { mask_copy_avx2(target, source, key) };
    }
    mask_copy_plain(target, source, key);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn mask_copy_avx2(target: &mut [u8], source: &[u8], key: [u8; 4]) {
    mask_copy_plain(target, source, key);
}

#[inline(always)]
fn mask_copy_plain(target: &mut [u8], source: &[u8], key: [u8; 4]) {
    if target.len() < IN_LINES {
        return mask_copy_words(target, source, key);
    }
    let (before, lines) = target.split_at_mut(up_to_a_line(target));
    let (source_before, source_lines) = source.split_at(before.len());
    mask_copy_words(lines, source_lines, turned(key, before.len()));
    mask_copy_words(before, source_before, key);
}

#[inline(always)]
fn mask_copy_words(target: &mut [u8], source: &[u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let key8 = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let ((targets, target_rest), (sources, source_rest)) =
        (target.as_chunks_mut::<8>(), source.as_chunks::<8>());
    for (target, source) in targets.iter_mut().zip(sources) {
        *target = (u64::from_ne_bytes(*source) ^ key8).to_ne_bytes();
    }
    for ((target, source), key) in target_rest
        .iter_mut()
        .zip(source_rest)
        .zip(key.iter().cycle())
    {
        *target = source ^ key;
    }
}

impl super::Peer for Copy {
    fn name(&self) -> &'static str {
        "copy"
    }

    fn part(&self) -> Part {
        Part::Floor
    }

    fn receive(&self, pipe: Pipe, work: &Receive, meter: &mut Meter<'_>) -> Answer {
        receive(pipe, work, meter, Depth::Copy)
    }

    fn send(&self, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        send(pipe, work, meter, Depth::Copy)
    }
}

impl super::Peer for Mask {
    fn name(&self) -> &'static str {
        "mask"
    }

    fn part(&self) -> Part {
        Part::Floor
    }

    fn receive(&self, pipe: Pipe, work: &Receive, meter: &mut Meter<'_>) -> Answer {
        receive(pipe, work, meter, Depth::Mask)
    }

    fn send(&self, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        send(pipe, work, meter, Depth::Mask)
    }
}

impl super::Peer for Validate {
    fn name(&self) -> &'static str {
        "mask + validate"
    }

    fn part(&self) -> Part {
        Part::Floor
    }

    fn receive(&self, pipe: Pipe, work: &Receive, meter: &mut Meter<'_>) -> Answer {
        receive(pipe, work, meter, Depth::Validate)
    }
}

/// A decoder that is right for these rows and no more; for the handshake httparse, SHA-1 and base64.
pub struct Decoder;

impl super::Peer for Decoder {
    fn name(&self) -> &'static str {
        "decoder"
    }

    fn part(&self) -> Part {
        Part::Floor
    }

    fn receive(&self, mut pipe: Pipe, work: &Receive, meter: &mut Meter<'_>) -> Answer {
        let mut frames = Frames::new();
        let mut joined = Vec::new();
        while meter.more() {
            let (mut last, payload) = frames.next(&mut pipe);
            if last {
                if work.text {
                    judge(payload);
                }
                meter.got(payload);
                continue;
            }
            joined.clear();
            joined.extend_from_slice(payload);
            while !last {
                let (fin, payload) = frames.next(&mut pipe);
                joined.extend_from_slice(payload);
                last = fin;
            }
            if work.text {
                judge(&joined);
            }
            meter.got(&joined);
        }
        Answer::Done
    }

    fn handshake(&self, open: &dyn Fn() -> Pipe, meter: &mut Meter<'_>) -> Answer {
        while meter.more() {
            let mut pipe = open();
            let mut head = [0; 2048];
            let length = pipe.read(&mut head).unwrap();
            let mut fields = [httparse::EMPTY_HEADER; 32];
            let mut request = httparse::Request::new(&mut fields);
            assert!(request.parse(&head[..length]).unwrap().is_complete());
            let key = request
                .headers
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case("Sec-WebSocket-Key"))
                .unwrap()
                .value;
            let mut hash = sha1_smol::Sha1::new();
            hash.update(key);
            hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
            const BEFORE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                Connection: Upgrade\r\nSec-WebSocket-Accept: ";
            let mut response = [0; BEFORE.len() + 28 + 4];
            let (before, rest) = response.split_at_mut(BEFORE.len());
            before.copy_from_slice(BEFORE);
            let (accept, end) = rest.split_at_mut(28);
            let engine = base64::engine::general_purpose::STANDARD;
            base64::Engine::encode_slice(&engine, hash.digest().bytes(), accept).unwrap();
            end.copy_from_slice(b"\r\n\r\n");
            pipe.write_all(&response);
        }
        Answer::Done
    }
}

/// Frames out of a buffer that grows to the largest of them. It takes RSV1 for legal.
pub(super) struct Frames {
    buffer: Vec<u8>,
    next: usize,
    end: usize,
}

/// How much room the buffer has behind what was read.
const BEHIND: usize = 4;

/// The header of a masked data frame.
struct Head {
    fin: bool,
    header: usize,
    payload: usize,
    key: [u8; 4],
}

impl Head {
    /// `None` where more octets are needed.
    #[inline(always)]
    fn parse(octets: &[u8]) -> Option<Self> {
        let [first, second, rest @ ..] = octets else {
            return None;
        };
        assert!(
            first & 0x30 == 0 && second & 0x80 != 0 && first & 0x0F < 3,
            "a legal header"
        );
        let (payload, header) = match second & 0x7F {
            126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 8),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 14),
            length => (u64::from(length), 6),
        };
        assert!(payload <= 64 << 20, "below the limit");
        Some(Self {
            fin: first & 0x80 != 0,
            header,
            payload: payload as usize,
            key: *octets.get(header - 4..)?.first_chunk()?,
        })
    }
}

impl Frames {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; 2 * READ + BEHIND],
            next: 0,
            end: 0,
        }
    }

    /// The next frame: whether it is the last one of its message, and its payload, unmasked.
    #[inline(always)]
    fn next(&mut self, pipe: &mut Pipe) -> (bool, &mut [u8]) {
        let head = loop {
            let held = self.end - self.next;
            match Head::parse(&self.buffer[self.next..self.end]) {
                Some(head) if held >= head.header + head.payload => break head,
                head => self.read(pipe, head.map_or(14, |head| head.header + head.payload)),
            }
        };
        let start = self.next + head.header;
        self.next = start + head.payload;
        let payload = &mut self.buffer[start..self.next];
        mask(payload, head.key);
        (head.fin, payload)
    }

    /// The payload of the next frame with other octets behind it, in one slice.
    #[inline(always)]
    pub(super) fn next_before<R>(
        &mut self,
        pipe: &mut Pipe,
        behind: [u8; BEHIND],
        take: impl FnOnce(&[u8]) -> R,
    ) -> R {
        let length = self.next(pipe).1.len();
        let start = self.next - length;
        let octets = &mut self.buffer[start..self.next + BEHIND];
        let place = octets.last_chunk_mut().unwrap();
        let kept = std::mem::replace(place, behind);
        let taken = take(octets);
        *octets.last_chunk_mut().unwrap() = kept;
        taken
    }

    /// Reads once, with room for a frame of `needed` octets.
    #[cold]
    fn read(&mut self, pipe: &mut Pipe, needed: usize) {
        if self.next == self.end || self.buffer.len() - self.end < READ + BEHIND {
            self.buffer.copy_within(self.next..self.end, 0);
            (self.next, self.end) = (0, self.end - self.next);
        }
        if self.buffer.len() < needed + READ + BEHIND {
            self.buffer.resize(needed + READ + BEHIND, 0);
        }
        let spare = &mut self.buffer[self.end..self.end + READ];
        self.end += pipe.read(spare).unwrap();
    }
}
