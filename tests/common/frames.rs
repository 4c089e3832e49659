//! Frames, the plain way (RFC 6455 §5.2): one octet after the other, nothing shared with the crate.

use websocket_proto::Role;

use super::KEY;

pub const FIN: u8 = 0x80;
pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

/// A frame as it stood on the wire, unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub first: u8,
    pub key: Option<[u8; 4]>,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn opcode(&self) -> u8 {
        self.first & 0x0F
    }

    pub fn is_data(&self) -> bool {
        self.opcode() < 8
    }

    /// The code of a Close frame; 1005 where it has none.
    pub fn close_code(&self) -> u16 {
        assert_eq!(self.opcode(), CLOSE);
        match self.payload[..] {
            [] => 1005,
            [a, b, ..] => u16::from(a) << 8 | u16::from(b),
            [_] => panic!("a Close of one octet"),
        }
    }
}

/// A header with this first octet, in the fewest octets.
pub fn header(first: u8, key: Option<[u8; 4]>, length: u64) -> Vec<u8> {
    let mask = if key.is_some() { 0x80 } else { 0 };
    // Room for the longest header and a little payload: fuzz targets make many of these.
    let mut octets = Vec::with_capacity(80);
    octets.push(first);
    if length <= 125 {
        octets.push(mask | length as u8);
    } else if length <= 65_535 {
        octets.push(mask | 126);
        octets.push((length / 256) as u8);
        octets.push((length % 256) as u8);
    } else {
        octets.push(mask | 127);
        for shift in [56, 48, 40, 32, 24, 16, 8, 0] {
            octets.push((length >> shift) as u8);
        }
    }
    octets.extend(key.iter().flatten());
    octets
}

/// A frame with this first octet, masked with this key.
pub fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut octets = header(first, key, payload.len() as u64);
    let key = key.unwrap_or_default();
    octets.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(octet, key)| octet ^ key),
    );
    octets
}

/// A frame as the peer of `role` sends it.
pub fn sent_to(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, (role == Role::Server).then_some(KEY), payload)
}

/// A frame as `role` sends it.
pub fn sent_by(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, (role == Role::Client).then_some(KEY), payload)
}

pub fn to_server(first: u8, payload: &[u8]) -> Vec<u8> {
    sent_to(Role::Server, first, payload)
}

pub fn to_client(first: u8, payload: &[u8]) -> Vec<u8> {
    sent_to(Role::Client, first, payload)
}

/// The payload of a Close frame.
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend(reason.as_bytes());
    payload
}

/// Reads one frame off the front, and says how many octets it took. `None` where it isn't whole.
pub fn read_one(octets: &[u8]) -> Option<(Frame, usize)> {
    let first = *octets.first()?;
    let second = *octets.get(1)?;
    let mut at = 2;
    let mut length = u64::from(second % 128);
    let wide = match length {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    if wide > 0 {
        length = 0;
        for _ in 0..wide {
            length = length * 256 + u64::from(*octets.get(at)?);
            at += 1;
        }
    }
    let mut key = None;
    if second >= 128 {
        let octets = octets.get(at..at + 4)?;
        key = Some([octets[0], octets[1], octets[2], octets[3]]);
        at += 4;
    }
    let end = at.checked_add(usize::try_from(length).ok()?)?;
    let mut payload = octets.get(at..end)?.to_vec();
    if let Some(key) = key {
        for (at, octet) in payload.iter_mut().enumerate() {
            *octet ^= key[at % 4];
        }
    }
    Some((
        Frame {
            first,
            key,
            payload,
        },
        end,
    ))
}

/// All whole frames, and the octets that are left over.
pub fn read_all(mut octets: &[u8]) -> (Vec<Frame>, &[u8]) {
    let mut frames = Vec::new();
    while let Some((frame, length)) = read_one(octets) {
        frames.push(frame);
        octets = &octets[length..];
    }
    (frames, octets)
}

/// The frames of a whole number of them.
pub fn whole_frames(octets: &[u8]) -> Vec<Frame> {
    let (frames, rest) = read_all(octets);
    assert!(rest.is_empty(), "half a frame is left over: {rest:02x?}");
    frames
}
