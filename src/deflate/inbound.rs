//! A compressed message that comes in: its octets in any pieces, its end, and what is kept for the next
//! (RFC 7692 §7.2.2).

use alloc::boxed::Box;

use arrayvec::ArrayVec;

use super::{Inflater, Input};
use crate::error::Violation;

/// How many octets are taken out of a full buffer at a time.
const STASH: usize = 64;

/// The receiving direction of a connection that has agreed to compress.
#[derive(Debug)]
pub(crate) struct Inbound {
    /// Present within a message, and between messages where it is kept.
    inflater: Option<Box<Inflater>>,
    /// What the peer may still refer to, where there is no inflater.
    window: Option<Box<[u8]>>,
    max_window_bits: u8,
    context_takeover: bool,
    keeps_inflater: bool,
    /// Octets at the beginning of what has yet to be handled that are unmasked, but not inflated.
    unmasked: usize,
    /// Octets that were taken out of a full buffer, so that there is room for what comes of them.
    stash: ArrayVec<u8, STASH>,
    /// The output has been filled: there may be more of it.
    pending: bool,
    room: Room,
    progress: Progress,
}

/// The room to inflate into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// Nobody was asked for more.
    AsItIs,
    /// So many octets are asked for.
    Asked(usize),
    /// There is what could be had.
    Made,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// No octet of it has come.
    Nothing,
    /// Within the stream, perhaps with output that there was no room for.
    Within,
    /// A last block has ended, and nothing has come behind it; or so has the message.
    Ended,
    /// What has been inflated is all that can be.
    Corrupt,
}

impl Inbound {
    pub(super) const fn new(max_window_bits: u8, context_takeover: bool, keeps: bool) -> Self {
        Self {
            inflater: None,
            window: None,
            max_window_bits,
            context_takeover,
            keeps_inflater: keeps,
            unmasked: 0,
            stash: ArrayVec::new_const(),
            pending: false,
            room: Room::AsItIs,
            progress: Progress::Nothing,
        }
    }

    /// A message begins. It may refer to earlier ones where that was agreed upon.
    // RFC 7692 §7.2.2-2, §7.2.2-3
    pub(crate) fn begin(&mut self) {
        self.progress = Progress::Nothing;
        self.pending = false;
        self.room = Room::AsItIs;
        if self.inflater.is_none() {
            let window = self.window.take().unwrap_or_default();
            self.inflater = Some(Inflater::new(self.max_window_bits, &window));
        }
    }

    /// Inflates octets of the message: how many were used up, and how many written. A block that calls itself
    /// the last ends a call. Where the output has been filled, there may be more: call again, with no input if
    /// need be. A fault shows when all that came before it has been written, so that it is the same however the
    /// octets come.
    pub(crate) fn inflate(
        &mut self,
        input: Input<'_>,
        output: &mut [u8],
    ) -> Result<(usize, usize), Violation> {
        if self.stash.is_empty() {
            return self.inflate_from(input, output);
        }
        let stash = self.stash.clone();
        let input = Input {
            octets: &stash,
            count: stash.len(),
            last: false,
        };
        let (read, written) = self.inflate_from(input, output)?;
        self.stash.drain(..read.min(stash.len()));
        Ok((0, written))
    }

    fn inflate_from(
        &mut self,
        input: Input<'_>,
        output: &mut [u8],
    ) -> Result<(usize, usize), Violation> {
        if self.progress == Progress::Corrupt {
            return Err(Violation::CorruptDeflate);
        }
        let inflater = self.inflater.as_mut().ok_or(Violation::CorruptDeflate)?;
        let forgets = input.last && !self.context_takeover;
        let step = if input.last && self.progress == Progress::Nothing {
            inflater.inflate_whole(input, output, forgets)
        } else {
            inflater.inflate(input, output, forgets)
        };
        if step.corrupt {
            self.progress = Progress::Corrupt;
        } else if step.ended || step.complete {
            self.progress = Progress::Ended;
        } else if step.read != 0 {
            self.progress = Progress::Within;
        }
        Ok((step.read, step.written))
    }

    /// The message has ended, and all of it has been inflated.
    ///
    /// A message of no octets at all, which §7.2.3.6 doesn't allow and some send, is an empty one.
    pub(crate) fn finish(&mut self) -> Result<(), Violation> {
        let inflater = self.inflater.as_mut().ok_or(Violation::CorruptDeflate)?;
        if self.progress == Progress::Within {
            // Where what the sender left out does anything but complete a block of no octets, the message
            // was cut.
            // RFC 7692 §7.2.2-1
            if !inflater.complete() {
                return Err(Violation::CorruptDeflate);
            }
        }
        if !self.context_takeover {
            if let Some(inflater) = self.inflater.take() {
                inflater.retire();
            }
        } else if !self.keeps_inflater {
            self.sleep();
        }
        Ok(())
    }

    /// Gives back what isn't needed between messages: all but what the peer may refer to.
    pub(super) fn sleep(&mut self) {
        if let Some(inflater) = self.inflater.take() {
            self.window = Some(inflater.window());
            inflater.retire();
        }
    }

    /// Takes octets out of a full buffer, to make room: how many. None where there are still some from
    /// the last time.
    pub(crate) fn stash(&mut self, input: &[u8]) -> usize {
        let count = input.len().min(STASH);
        match input.get(..count) {
            Some(octets) if self.stash.is_empty() => {
                self.stash.extend(octets.iter().copied());
                self.unmasked = self.unmasked.saturating_sub(count);
                count
            }
            _ => 0,
        }
    }

    /// Octets that are unmasked, but not inflated.
    pub(crate) const fn unmasked(&self) -> usize {
        self.unmasked
    }

    /// So many octets more are unmasked.
    pub(crate) const fn note_unmasked(&mut self, count: usize) {
        self.unmasked = self.unmasked.saturating_add(count);
    }

    /// So many octets of them are inflated. `filled`: there was no more room for what came of them; `all`: of
    /// those that were to be.
    pub(crate) const fn note_inflated(&mut self, count: usize, filled: bool, all: bool) {
        self.unmasked = self.unmasked.saturating_sub(count);
        self.pending = filled;
        // What is left behind a last block is inflated into the room that is left, however little: otherwise all
        // of it would be moved for each such block.
        if filled || all {
            self.room = Room::AsItIs;
        }
    }

    /// Whether there may be more to come of what was taken.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending || !self.stash.is_empty() || self.progress == Progress::Corrupt
    }

    /// Asks for room; false where that was done already.
    pub(crate) fn ask_for_room(&mut self, octets: usize) -> bool {
        if self.room == Room::Made {
            return false;
        }
        self.room = Room::Asked(octets);
        true
    }

    pub(super) const fn wants_room(&self) -> bool {
        matches!(self.room, Room::Asked(_))
    }

    pub(super) fn take_request(&mut self) -> Option<usize> {
        let Room::Asked(octets) = self.room else {
            return None;
        };
        self.room = Room::Made;
        Some(octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stash_takes_no_more_before_it_is_empty_again() {
        // A stored block of 70 octets.
        let mut block = [b'a'; 75];
        block[..5].copy_from_slice(&[0, 70, 0, !70, 0xFF]);
        let mut inbound = Inbound::new(15, false, true);
        inbound.begin();
        assert_eq!(inbound.stash(&block), STASH);
        assert_eq!(inbound.stash(&block), 0);
        let mut room = [0; 8];
        let mut written = 0;
        // One codec takes no more than it has room for, another all at once.
        while written < STASH - 5 {
            let nothing = Input {
                octets: &[],
                count: 0,
                last: false,
            };
            let step = inbound.inflate(nothing, &mut room).unwrap();
            assert_eq!(step.0, 0, "octets of the stash don't count as read");
            written += step.1;
        }
        assert_eq!(written, STASH - 5);
        assert_eq!(inbound.stash(b"x"), 1);
    }
}

/// Messages in sight of what lies behind them, which makes no difference.
#[cfg(all(test, feature = "deflate"))]
mod sight_tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use zlib_rs::{Deflate, DeflateFlush};

    use super::*;

    /// What lies behind: other messages, or what is left of them.
    const BEHIND: [&[u8]; 4] = [
        &[0x00; 40],
        &[0xFF; 40],
        b"\xF2\x48\xCD\xC9\xC9\x07\x00 and a few more, which mean nothing",
        b"\x00\x00\xFF\xFF\x01\x00\x00\xFF\xFF ends where there is no end...",
    ];

    /// What comes of a message that lies before these octets, in rooms of this size.
    fn receive(
        inbound: &mut Inbound,
        message: &[u8],
        behind: &[u8],
        room: usize,
    ) -> (Vec<u8>, Result<(), Violation>) {
        let octets = [message, behind].concat();
        let (mut came, mut room, mut read) = (Vec::new(), vec![0; room], 0);
        inbound.begin();
        while read != message.len() || inbound.is_pending() {
            let input = Input {
                octets: &octets[read..],
                count: message.len() - read,
                last: true,
            };
            match inbound.inflate(input, &mut room) {
                Ok((more, written)) => {
                    came.extend_from_slice(&room[..written]);
                    read += more;
                    let filled = written == room.len();
                    inbound.note_inflated(more, filled, read == message.len());
                }
                Err(violation) => return (came, Err(violation)),
            }
        }
        let end = inbound.finish();
        (came, end)
    }

    /// What comes of messages where nothing lies behind them, up to the first that is refused. The same comes of
    /// them wherever they lie.
    fn receive_all(messages: &[&[u8]], takeover: bool, room: usize) -> Vec<Vec<u8>> {
        receive_within(15, messages, takeover, room)
    }

    /// The same with a window that was agreed upon.
    fn receive_within(
        max_window_bits: u8,
        messages: &[&[u8]],
        takeover: bool,
        room: usize,
    ) -> Vec<Vec<u8>> {
        let new = || Inbound::new(max_window_bits, takeover, true);
        let mut alone = new();
        let mut others = BEHIND.map(|behind| (behind, new()));
        let mut all = Vec::new();
        for message in messages {
            let expected = receive(&mut alone, message, &[], room);
            for (behind, other) in &mut others {
                let found = receive(other, message, behind, room);
                assert_eq!(found, expected, "{message:02x?} before {behind:02x?}");
            }
            let (came, end) = expected;
            if end.is_err() {
                break;
            }
            all.push(came);
        }
        all
    }

    /// A message without its tail, of as many blocks as it has parts, and blocks of no octets between them.
    fn compressed(level: i32, parts: &[&[u8]]) -> Vec<u8> {
        let mut stream = Deflate::new(level, false, 15);
        let mut output = vec![0; 4096];
        for part in parts {
            let end = stream.total_out() as usize;
            stream
                .compress(part, &mut output[end..], DeflateFlush::SyncFlush)
                .unwrap();
        }
        output.truncate(stream.total_out() as usize - 4);
        output
    }

    /// Of all kinds of blocks.
    fn messages() -> [(Vec<u8>, &'static [u8]); 6] {
        const TEXT: &[u8] = b"abacab dabca abbad cabac aba dab bacab";
        let last = b"\xF3\x48\xCD\xC9\xC9\x07\x00\x00".to_vec();
        [
            (compressed(0, &[b"stored"]), b"stored"),
            (compressed(1, &[b"short"]), b"short"),
            (compressed(9, &[TEXT]), TEXT),
            (compressed(9, &[b"two ", b"of them"]), b"two of them"),
            (last.clone(), b"Hello"),
            ([&last[..7], &last[..]].concat(), b"HelloHello"),
        ]
    }

    #[test]
    fn whole_messages_are_inflated_wherever_they_lie() {
        for (message, payload) in messages() {
            for room in [1, 7, 64, 1024] {
                let three = [&message[..], &message, &message];
                assert_eq!(receive_all(&three, true, room), [payload; 3]);
                assert_eq!(receive_all(&three, false, room), [payload; 3]);
            }
        }
    }

    #[test]
    fn messages_that_were_cut_are_refused_wherever_they_lie() {
        for (message, payload) in messages() {
            for cut in 1..message.len() {
                let came = receive_all(&[&message[..cut], &message], true, 1024);
                // Between blocks there is nothing to be seen, but then what comes next is whole.
                assert!(
                    matches!(&came[..], [] | [_, _]),
                    "{message:02x?} cut at {cut}"
                );
                assert!(came.last().is_none_or(|next| next == payload));
            }
        }
    }

    #[test]
    fn messages_that_refer_beyond_the_window_come_to_the_same_wherever_they_lie() {
        let first: Vec<u8> = (0..=u8::MAX).flat_map(|octet| [octet, 255]).collect();
        let mut stream = Deflate::new(9, false, 15);
        let [first, second] = [&first[..], &first[..100]].map(|payload| {
            let (mut output, before) = (vec![0; 1024], stream.total_out());
            let flush = DeflateFlush::SyncFlush;
            stream.compress(payload, &mut output, flush).unwrap();
            output.truncate((stream.total_out() - before) as usize - 4);
            output
        });
        for bits in [8, 9, 15] {
            for cut in 1..=second.len() {
                let messages = [&first[..], &second[..cut]];
                let came = receive_within(bits, &messages, true, 1024);
                assert_eq!(came.len(), 1 + usize::from(cut == second.len()));
            }
        }
    }

    #[test]
    fn messages_with_another_octet_come_to_the_same_wherever_they_lie() {
        for (message, _) in messages() {
            for place in 0..message.len() {
                for octet in 0..=u8::MAX {
                    let mut other = message.clone();
                    other[place] = octet;
                    receive_all(&[&other, &message], true, 300);
                }
            }
        }
    }
}
