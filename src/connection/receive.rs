//! Receiving: from octets to the next event (RFC 6455 §6.2).
//!
//! It goes in two steps. `advance` finds the next event and says where it lies; `locate` carries out what
//! goes with it (a Pong, a Close) and lets the octets go. The common case, a whole message in one frame,
//! is the connection's own and comes here not at all.

use core::ops::Range;

use super::QUICK;
use super::closing::{Input, State};
use super::deflating::Inflating;
use super::event::{Event, Found, Located, LocatedKind, Place, Ready, parse_close};
use super::machine::{Machine, head_too_large, write_control};
use super::side::sealed::Side;
use crate::buffer::{Joined, Output, RecvBuffer, Storage, Window};
use crate::error::{ResponseFault, Violation};
use crate::frame::{Header, mask};
use crate::opcode::{MessageKind, Opcode};
use crate::role::Role;

impl Machine {
    /// Finds the next event; where there is none, the violation says whether there will be. `whole`:
    /// messages whole, not in the parts in which they come.
    // RFC 6455 §10.7-1
    #[inline(never)]
    pub(super) fn advance(
        &mut self,
        rx: &mut Window<'_>,
        tx: &mut dyn Output,
        side: &mut dyn Side,
        whole: bool,
    ) -> Option<Ready> {
        self.flush_pending(tx, side);
        self.blocked = false;
        self.activity.heard |= rx.take_fresh();
        let found = match self.violation {
            Some(violation) => Err(violation),
            None => self.find(rx, tx, side, whole),
        };
        match found {
            Ok(Some(found)) => return Some(Ready::new(found)),
            Ok(None) if self.blocked || self.deflate.wants_room() => return None,
            // RFC 6455 §7.2.1-1, §7.2.1-2
            Ok(None) if self.eof => {
                if self.state == State::Connecting && side.role() == Role::Client {
                    self.fail(Violation::Response(ResponseFault::Truncated), tx, side);
                }
            }
            Ok(None) => {}
            Err(violation) => self.fail(violation, tx, side),
        }
        if !self.state.receives() && self.state != State::Connecting {
            self.drop_input(rx);
        }
        if self.eof {
            self.enter(Input::Eof);
        }
        None
    }

    fn find(
        &mut self,
        rx: &mut Window<'_>,
        tx: &mut dyn Output,
        side: &mut dyn Side,
        whole: bool,
    ) -> Result<Option<Found>, Violation> {
        let found = match self.state {
            State::Connecting => self.open(rx, side)?,
            State::Open | State::CloseSent if self.opening.is_unannounced() => {
                Some(Found::HandshakeDone)
            }
            State::Open | State::CloseSent => self.receive(rx, tx, whole)?,
            State::CloseReceived | State::Failed | State::Closed => None,
        };
        // A buffer of fixed size that is full, and nothing in it is whole: it never will be.
        if found.is_none() && !self.blocked && !self.deflate.wants_room() && rx.is_full() {
            match self.state {
                State::Connecting => return Err(head_too_large(side.role())),
                State::Open | State::CloseSent => return Err(Violation::MessageTooBig),
                State::CloseReceived | State::Failed | State::Closed => {}
            }
        }
        Ok(found)
    }

    // RFC 6455 §5.4-4, §5.4-5, §6.2-1
    fn receive(
        &mut self,
        rx: &mut Window<'_>,
        tx: &mut dyn Output,
        whole: bool,
    ) -> Result<Option<Found>, Violation> {
        loop {
            if let Some(found) = self.assembled(rx, whole) {
                return Ok(Some(found));
            }
            if self.assembly.is_compressed() {
                match self.inflate(rx, whole)? {
                    Inflating::GoesOn => continue,
                    Inflating::Ended => {
                        self.finish_inflated(rx)?;
                        continue;
                    }
                    Inflating::NeedsFrame => {}
                    Inflating::Waits => return Ok(None),
                }
            }
            if rx.unread_len() == 0 {
                return Ok(None);
            }
            if self.decoder.remaining() > 0 {
                self.take_payload(rx)?;
                continue;
            }
            let Some((header, length)) = self.decoder.peek_header(rx.unread())? else {
                return Ok(None);
            };
            if header.opcode().is_control() {
                return self.find_control(&header, length, rx, tx);
            }
            self.begin_frame(&header, length, rx, whole)?;
        }
    }

    /// What there is to lend of the message under construction.
    fn assembled(&self, rx: &Window<'_>, whole: bool) -> Option<Found> {
        if self.assembly.is_complete() {
            return Some(if whole && !self.assembly.is_in_parts() {
                Found::Message
            } else {
                Found::Chunk
            });
        }
        (!whole && Self::lendable(rx) > 0).then_some(Found::Chunk)
    }

    /// How many octets of the message can be lent as a part: of a text not those of a code point that goes
    /// on in octets that have not come.
    fn lendable(rx: &Window<'_>) -> usize {
        rx.kept_len().saturating_sub(rx.pending())
    }

    fn begin_frame(
        &mut self,
        header: &Header,
        length: usize,
        rx: &mut Window<'_>,
        whole: bool,
    ) -> Result<(), Violation> {
        self.assembly.begin_frame(header, &self.config)?;
        if self.assembly.is_compressed() {
            return self.begin_compressed(header, length, rx);
        }
        let message = (rx.kept().len() as u64).saturating_add(header.payload_len());
        if whole && !rx.can_hold(message) {
            return Err(Violation::MessageTooBig);
        }
        self.decoder.begin_payload(header);
        if QUICK && header.opcode() != Opcode::CONTINUATION {
            rx.begin_message(header.opcode() == Opcode::TEXT);
        }
        if self.state == State::Open && !self.eof {
            self.assembly.flow();
        }
        rx.skip(length);
        if whole {
            rx.make_way(header.payload_len());
        }
        self.activity.data = true;
        self.finish_frame(rx)
    }

    /// Takes the one octet that there is of the current payload, which has more to come: what a transport that gives
    /// octets one by one comes to. False where it isn't one, or a text doesn't go on with it, and nothing was done.
    #[inline(always)]
    pub(super) fn take_octet<B: Storage>(&mut self, rx: &mut RecvBuffer<B>) -> bool {
        let joined = rx.join_octet(self.decoder.key_octet());
        if joined {
            self.decoder.pass_octet();
            self.activity.heard = true;
            self.activity.data = true;
        }
        joined
    }

    /// Takes what there is of the current payload.
    fn take_payload(&mut self, rx: &mut Window<'_>) -> Result<(), Violation> {
        let count = usize::try_from(self.decoder.remaining())
            .unwrap_or(usize::MAX)
            .min(rx.unread_len());
        self.take_joined(rx.join(count), false)?;
        self.finish_frame(rx)
    }

    /// Takes octets of the current payload that were joined to the message: unmasked, judged.
    // RFC 6455 §5.6-1, §8.1-1
    #[cfg_attr(feature = "alloc", inline)]
    #[cfg_attr(not(feature = "alloc"), inline(never))]
    pub(super) fn take_joined(
        &mut self,
        payload: Joined<'_>,
        fresh: bool,
    ) -> Result<(), Violation> {
        self.activity.heard |= fresh;
        // A message that flows is no idleness, however long it takes.
        self.activity.data = true;
        let text = self.assembly.kind() == MessageKind::Text;
        payload
            .make(text, |octets, gap, text| {
                self.decoder.decode_message(octets, gap, text)
            })
            .map_err(|_| Violation::InvalidUtf8)
    }

    fn finish_frame(&mut self, rx: &mut Window<'_>) -> Result<(), Violation> {
        if self.decoder.remaining() == 0 {
            rx.end_frame();
            if !self.decoder.in_message() {
                self.assembly.finish(rx.is_cut())?;
            }
        }
        Ok(())
    }

    /// A control frame is handled when all of it, at most 131 octets, has come.
    // RFC 6455 §6.2-2
    fn find_control(
        &mut self,
        header: &Header,
        length: usize,
        rx: &Window<'_>,
        tx: &mut dyn Output,
    ) -> Result<Option<Found>, Violation> {
        // At most 125.
        let payload_len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
        if rx.unread().len() < length.saturating_add(payload_len) {
            return Ok(None);
        }
        let place = Place {
            key: header.key().unwrap_or_default(),
            header_len: length as u8,
            payload_len,
        };
        Ok(match header.opcode() {
            Opcode::PING => {
                // 2 octets of header, a key that we may need, and the payload.
                let room = tx.has_room(2 + 4 + payload_len);
                if !room && tx.is_empty() {
                    // No buffer of this size can ever take the answer.
                    return Err(Violation::MessageTooBig);
                }
                self.blocked = !room;
                room.then_some(Found::Ping(place))
            }
            Opcode::PONG => Some(Found::Pong(place)),
            _ => Some(Found::Close(place)),
        })
    }

    /// Carries out what goes with an event, and lends it.
    #[inline(never)]
    pub(super) fn lend<'a>(
        &mut self,
        found: Found,
        mut rx: Window<'a>,
        tx: &mut dyn Output,
        side: &mut dyn Side,
    ) -> Result<Event<'a>, Violation> {
        let located = self.locate(found, &mut rx, tx, side)?;
        let event = Located::over(located.kind, rx.lend(located.place), located.judged);
        event.ok_or_else(|| {
            self.fail(Violation::InvalidUtf8, tx, side);
            Violation::InvalidUtf8
        })
    }

    /// Carries out what goes with an event, and lets go of its octets.
    fn locate(
        &mut self,
        found: Found,
        rx: &mut Window<'_>,
        tx: &mut dyn Output,
        side: &mut dyn Side,
    ) -> Result<Located, Violation> {
        let mut judged = false;
        let (kind, place) = match found {
            Found::WholeText(place) | Found::WholeBinary(place) | Found::Pong(place) => {
                let kind = match found {
                    Found::WholeText(_) => LocatedKind::Text,
                    Found::WholeBinary(_) => LocatedKind::Binary,
                    _ => LocatedKind::Pong,
                };
                unmask(rx, place);
                (kind, pass(rx, place))
            }
            Found::Message | Found::Chunk => {
                judged = rx.is_text(Self::lendable(rx));
                self.locate_message(found, rx)
            }
            // RFC 6455 §5.5.2-1
            Found::Ping(place) => {
                let payload = unmask(rx, place);
                write_control(Opcode::PONG, payload, tx, side);
                (LocatedKind::Ping, pass(rx, place))
            }
            Found::Close(place) => {
                match parse_close(unmask(rx, place)) {
                    Ok(close) => self.peer_closed(close, tx, side),
                    Err(violation) => {
                        self.fail(violation, tx, side);
                        rx.discard_unread();
                        return Err(violation);
                    }
                }
                let place = rx.keep_only(place.header_len.into(), place.payload_len);
                (LocatedKind::Close, place)
            }
            Found::Request | Found::HandshakeDone => self.locate_head(rx),
        };
        Ok(Located {
            place,
            kind,
            judged,
        })
    }

    /// The message, or what there is of it.
    fn locate_message(&mut self, found: Found, rx: &mut Window<'_>) -> (LocatedKind, Range<usize>) {
        let text = self.assembly.kind() == MessageKind::Text;
        let last = self.assembly.is_complete();
        let kind = match (found, text) {
            (Found::Chunk, true) => LocatedKind::TextChunk { last },
            (Found::Chunk, false) => LocatedKind::BinaryChunk { last },
            (_, true) => LocatedKind::Text,
            (_, false) => LocatedKind::Binary,
        };
        let count = Self::lendable(rx);
        if last {
            self.assembly.all_lent();
        } else {
            self.assembly.part_lent();
        }
        (kind, rx.release(count))
    }
}

/// Unmasks a payload where it lies. Only to be called once for each.
fn unmask<'a>(rx: &'a mut Window<'_>, place: Place) -> &'a mut [u8] {
    let payload = rx.peek(place.header_len.into(), place.payload_len);
    // The key of an unmasked frame is zero, which changes nothing.
    mask::apply(payload, place.key);
    payload
}

fn pass(rx: &mut Window<'_>, place: Place) -> Range<usize> {
    rx.pass(place.header_len.into(), place.payload_len)
}
