//! A fuzz body: a relay of frames between two ends, as a proxy would be (RFC 6455 §5.4, §5.7).

use websocket_proto::frame::{FrameDecoder, Header, MAX_HEADER_LEN, mask};
use websocket_proto::{Config, Opcode, RecvBuffer, Role, Violation};

use super::frames::{CLOSE, PONG, whole_frames};
use super::fuzz_bodies::frames_from;
use super::rng::Rng;
use super::trace::{Mode, Setup, run};

/// Frames that a relay takes apart and puts together in other fragments, with other keys, for an end of
/// either role: what that end sees is what the end sees that they were meant for.
pub fn relay(data: &[u8]) {
    let Some((&[choice, cut], data)) = data.split_first_chunk::<2>() else {
        return;
    };
    let role = if choice & 1 != 0 {
        Role::Server
    } else {
        Role::Client
    };
    let behind = if choice & 2 != 0 { role } else { role.peer() };
    let input = if choice & 4 != 0 {
        data.to_vec()
    } else {
        frames_from(role, data)
    };
    let piece = 1 + usize::from(cut % 64);
    let (relayed, fault) = relayed(role, behind, &input, piece);

    // Fragments are the relay's business, and so is what a message takes.
    let config = Config::new()
        .with_max_message_size(u64::MAX)
        .with_max_fragments(u32::MAX);
    let end = |role, input: &[u8]| {
        let setup = Setup {
            config,
            ..Setup::open(role)
        };
        run(&setup, RecvBuffer::new(), Mode::Chunks, &[input]).0
    };
    let (direct, through) = (end(role, &input), end(behind, &relayed));
    assert_eq!(direct.events, through.events);
    let open = through.error.is_none() && direct.error != through.error;
    assert_eq!(direct.error, through.error.or(fault.filter(|_| open)));
    if direct.error == through.error {
        assert_eq!(answers(&direct.output), answers(&through.output));
    }
}

/// What the relay sends on, and what it finds wrong with what comes.
fn relayed(role: Role, behind: Role, input: &[u8], piece: usize) -> (Vec<u8>, Option<Violation>) {
    let mut octets = input.to_vec();
    let mut decoder = FrameDecoder::new(role);
    let mut keys = Rng::new(piece as u64);
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        let (header, length) = match decoder.decode_header(&octets[at..]) {
            Ok(Some(found)) => found,
            Ok(None) => return (out, None),
            Err(violation) => return (out, Some(violation)),
        };
        at += length;
        let mut opcode = header.opcode();
        loop {
            // A control frame goes on as one frame, and when all of it has come.
            let most = if opcode.is_control() { 125 } else { piece };
            let end = octets.len().min(at + most);
            let count = decoder.decode_payload(&mut octets[at..end]);
            let last = decoder.remaining() == 0;
            if !last && (opcode.is_control() || count == 0) {
                return (out, None);
            }
            let key = (behind == Role::Server).then(|| (keys.next() as u32).to_be_bytes());
            let payload = &mut octets[at..at + count];
            put(&mut out, header.fin() && last, opcode, key, payload);
            at += count;
            opcode = Opcode::CONTINUATION;
            if last {
                break;
            }
        }
    }
}

fn put(out: &mut Vec<u8>, fin: bool, opcode: Opcode, key: Option<[u8; 4]>, payload: &mut [u8]) {
    let header = Header::new(fin, opcode, payload.len() as u64)
        .expect("a legal frame")
        .with_key(key);
    let mut octets = [0; MAX_HEADER_LEN];
    let length = header.encode(&mut octets);
    mask::apply(payload, key.unwrap_or_default());
    out.extend_from_slice(&octets[..length]);
    out.extend_from_slice(payload);
}

/// The newest Pong and the Close. How many older Pongs wait with them depends on their keys' octets.
fn answers(output: &[u8]) -> [Option<Vec<u8>>; 2] {
    let frames = whole_frames(output);
    [PONG, CLOSE].map(|opcode| {
        let last = frames.iter().rfind(|frame| frame.opcode() == opcode);
        last.map(|frame| frame.payload.clone())
    })
}
