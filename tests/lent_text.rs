//! What is lent as `&str` is UTF-8, however it came: in blocks, over buffers that were changed under the
//! connection, out of a storage that doesn't keep what it is given.
//!
//! In a debug build the crate judges every text once more where it trusts that it has been judged.
#![cfg(feature = "alloc")]

mod common;

use common::frames::{BINARY, CONTINUATION, FIN, TEXT, to_server};
use common::rng::Rng;
use websocket_proto::buffer::{Full, Storage};
use websocket_proto::{Config, Connection, Event, RecvBuffer, SendBuffer, Violation};

/// Longer than four of the blocks in which texts are judged.
const LONG: usize = 70_000;

/// What a server makes of `octets`, in reads of `read`: the text, or the violation.
fn receive(octets: &[u8], read: usize) -> Result<Vec<String>, Violation> {
    let mut ws = Connection::open_server(Config::new());
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let mut texts = Vec::new();
    for octets in octets.chunks(read) {
        rx.extend(octets).unwrap();
        while let Some(event) = ws.poll(&mut rx, &mut tx)? {
            match event {
                Event::Text(text) => texts.push(text.to_owned()),
                event => panic!("{event:?}"),
            }
        }
    }
    Ok(texts)
}

#[test]
fn rule_29_a_long_text_is_judged_over_the_borders_of_blocks_reads_and_fragments() {
    for length in [16_384, 16_385, 40_000, 65_535, LONG] {
        for place in [0, 16_380, 16_383, 32_766, length - 3, length - 1] {
            // A text of ASCII with something else at one place: three octets that may lie over a border,
            // the same cut short, and one that is never legal.
            for (what, legal) in [
                ("\u{2603}".as_bytes(), true),
                (b"\xE2\x98", false),
                (b"\xFF", false),
            ] {
                if place + what.len() > length {
                    continue;
                }
                let mut text = vec![b'a'; length];
                text[place..place + what.len()].copy_from_slice(what);
                let whole = to_server(FIN | TEXT, &text);
                let (one, two) = text.split_at(place + 1);
                let parts = [to_server(TEXT, one), to_server(FIN | CONTINUATION, two)].concat();
                for octets in [whole, parts] {
                    for read in [1000, 16_384, usize::MAX] {
                        let received = receive(&octets, read);
                        if legal {
                            let text = String::from_utf8(text.clone()).unwrap();
                            assert!(received == Ok(vec![text]), "{length}, {place}, {read}");
                        } else {
                            let fault = Err(Violation::InvalidUtf8);
                            assert!(received == fault, "{length}, {place}, {what:x?}, {read}");
                        }
                    }
                }
            }
        }
    }
}

/// A storage that forgets its first four octets once it has grown.
#[derive(Default)]
struct Forgetful {
    octets: Vec<u8>,
    spoilt: bool,
}

impl AsRef<[u8]> for Forgetful {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

impl AsMut<[u8]> for Forgetful {
    fn as_mut(&mut self) -> &mut [u8] {
        if self.spoilt {
            self.octets[..4].fill(0xFF);
        }
        &mut self.octets
    }
}

impl Storage for Forgetful {
    fn grow(&mut self, len: usize) -> Result<(), Full> {
        self.spoilt = len > 8192;
        if len > self.octets.len() {
            self.octets.resize(len, 0);
        }
        Ok(())
    }

    fn max_len(&self) -> usize {
        1 << 20
    }

    fn shrink(&mut self, len: usize) {
        self.octets.truncate(len);
    }
}

#[test]
fn no_text_is_lent_from_a_storage_that_has_forgotten_it() {
    let mut ws = Connection::open_server(Config::new());
    let mut rx = RecvBuffer::with_storage(Forgetful::default());
    let mut tx = SendBuffer::new();
    rx.extend(&to_server(TEXT, b"text")).unwrap();
    assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
    // It was judged as it came; what is unfinished moves to the front, where it is forgotten.
    rx.spare_at_least(8192);
    rx.extend(&to_server(FIN | CONTINUATION, b"")).unwrap();
    let lent = ws.poll(&mut rx, &mut tx).map(|event| format!("{event:?}"));
    assert_eq!(lent, Err(Violation::InvalidUtf8));

    // The same, moved to one that does keep it.
    let mut ws = Connection::open_server(Config::new());
    let mut rx = RecvBuffer::with_storage(Forgetful::default());
    rx.extend(&to_server(TEXT, b"text")).unwrap();
    assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
    rx.spare_at_least(8192);
    let mut kept = RecvBuffer::new();
    rx.transfer(&mut kept).unwrap();
    kept.extend(&to_server(FIN | CONTINUATION, b"")).unwrap();
    let lent = ws
        .poll(&mut kept, &mut tx)
        .map(|event| format!("{event:?}"));
    assert_eq!(lent, Err(Violation::InvalidUtf8));
}

#[test]
fn buffers_that_are_exchanged_between_connections_lend_no_text_that_is_none() {
    let mut rng = Rng::new(5);
    let mut texts = 0;
    for _ in 0..20_000 {
        let new = || Connection::open_server(Config::new());
        let mut ends = [new(), new()];
        let mut buffers = [RecvBuffer::<Vec<u8>>::new(), RecvBuffer::new()];
        let mut tx = SendBuffer::new();
        for _ in 0..8 {
            let first = [TEXT, BINARY, CONTINUATION, CONTINUATION][rng.below(4)];
            let fin = [0, FIN][rng.below(2)];
            let pieces: [&[u8]; 6] = [b"", b"a", b"\xE2", b"\x98\x83", b"\xE2\x98\x83", b"\xFF"];
            let payload = [pieces[rng.below(6)], pieces[rng.below(6)]].concat();
            let rx = &mut buffers[rng.below(2)];
            let _ = rx.extend(&to_server(fin | first, &payload));
            let ws = &mut ends[rng.below(2)];
            let in_chunks = rng.below(3) == 0;
            loop {
                let event = match in_chunks {
                    true => ws.poll_chunk(rx, &mut tx),
                    false => ws.poll(rx, &mut tx),
                };
                let Ok(Some(event)) = event else { break };
                if let Event::Text(text) | Event::TextChunk { text, .. } = event {
                    assert!(str::from_utf8(text.as_bytes()).is_ok());
                    texts += usize::from(!text.is_empty());
                }
            }
        }
    }
    assert!(texts > 1000, "{texts}");
}
