//! The state of a connection, and the one place where it fails, closes and ends.

use super::closing::{Input, State, Transport};
use super::keepalive::{Activity, Due, Timers};
use super::opening::Opening;
use super::sending::Outgoing;
use super::side::sealed::Side;
use crate::buffer::{Output, Window};
use crate::close::{Close, CloseCode, Initiator};
use crate::config::Config;
use crate::deflate::Slot;
use crate::error::{RequestFault, ResponseFault, Violation};
use crate::frame::{FrameDecoder, Header, RSV1};
use crate::handshake::{DeflateChoice, DeflateParameters, Rejection};
use crate::message::Assembly;
use crate::opcode::Opcode;
use crate::role::Role;
use crate::time::Instant;

/// Everything that client and server have in common.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) config: Config,
    pub(super) decoder: FrameDecoder,
    pub(super) assembly: Assembly,
    pub(super) timers: Timers,
    pub(super) opening: Opening,
    pub(super) outgoing: Outgoing,
    pub(super) deflate: Slot,
    pub(super) violation: Option<Violation>,
    /// An automatic reply for which there was no room yet.
    pending: Pending,
    /// What the peer's Close said; 0 as long as there was no Close.
    peer_code: CloseCode,
    /// Who ended, or is ending, the connection.
    initiator: Option<Initiator>,
    pub(super) state: State,
    pub(super) activity: Activity,
    /// The peer's stream has ended.
    pub(super) eof: bool,
    /// Nothing more is handled until the send buffer has room for a reply.
    pub(super) blocked: bool,
}

const NO_CLOSE: CloseCode = CloseCode::new(0);

/// An automatic reply that waits for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Nothing,
    /// A Close frame that tells the violation.
    CloseForViolation,
    /// A Close frame that answers the peer's with the same code.
    CloseInReturn,
    /// A Close frame because nothing has happened for too long.
    CloseForIdleness,
    /// The refusal of a request, by the stored violation.
    Refusal,
}

impl Machine {
    pub(super) fn new(role: Role, config: Config, state: State) -> Self {
        Self {
            config,
            decoder: FrameDecoder::new(role),
            assembly: Assembly::new(),
            timers: Timers::new(),
            opening: Opening::new(state),
            outgoing: Outgoing::new(),
            deflate: Slot::EMPTY,
            violation: None,
            pending: Pending::Nothing,
            peer_code: NO_CLOSE,
            initiator: None,
            state,
            activity: Activity {
                heard: false,
                data: false,
            },
            eof: false,
            blocked: false,
        }
    }

    /// Whether nothing is to be done before more octets have come.
    #[inline]
    pub(super) const fn awaits_octets(&self) -> bool {
        !self.eof && matches!(self.pending, Pending::Nothing)
    }

    /// Both ends have agreed to compress.
    pub(super) fn agree(
        &mut self,
        parameters: DeflateParameters,
        config: &DeflateChoice,
        role: Role,
    ) {
        // RFC 6455 §5.8-1, §9.1-5
        // RFC 7692 §5-11
        self.deflate = Slot::agreed(parameters, config, role);
        self.decoder = self.decoder.with_reserved(RSV1);
        self.forget_shortcuts();
    }

    /// Moves to the next state.
    pub(super) fn enter(&mut self, input: Input) {
        let next = self.state.next(input);
        if next == self.state {
            return;
        }
        if !matches!(next, State::Open) && self.initiator.is_none() {
            self.initiator = Some(State::initiator(input));
        }
        // The time for closing begins once, however it goes on.
        let closing = matches!(
            self.state,
            State::CloseSent | State::CloseReceived | State::Failed
        );
        self.state = next;
        self.forget_shortcuts();
        if !closing {
            self.timers.restart();
        }
    }

    /// The first violation ends everything: it is stored, the peer is told, nothing more is handled
    /// (RFC 6455 §7.1.7).
    // RFC 6455 §5.2-2, §5.2-3, §7.1.7-1, §7.1.7-2, §7.1.7-3, §8.1-1
    pub(super) fn fail(&mut self, violation: Violation, tx: &mut dyn Output, side: &mut dyn Side) {
        if self.violation.is_some() {
            return;
        }
        self.violation = Some(violation);
        self.pending = match self.state {
            State::Open => Pending::CloseForViolation,
            // No Close has been written yet.
            State::CloseSent if self.pending == Pending::CloseForIdleness => {
                Pending::CloseForViolation
            }
            State::Connecting if violation.status().is_some() && side.role() == Role::Server => {
                Pending::Refusal
            }
            _ => Pending::Nothing,
        };
        self.enter(Input::Violation);
        self.flush_pending(tx, side);
    }

    /// The peer's Close has come: §5.5.1 asks for one in return, unless one was sent. It says the same,
    /// reason included where there is room for it.
    // RFC 6455 §5.5.1-4
    pub(super) fn peer_closed(
        &mut self,
        close: Close<'_>,
        tx: &mut dyn Output,
        side: &mut dyn Side,
    ) {
        if self.state == State::Open && !write_close(close.code, close.reason, tx, side) {
            self.pending = Pending::CloseInReturn;
        }
        self.peer_code = close.code;
        self.enter(Input::PeerClose);
        self.flush_pending(tx, side);
    }

    /// Writes the reply that waits, once there is room for it.
    #[inline(always)]
    pub(super) fn flush_pending(&mut self, tx: &mut dyn Output, side: &mut dyn Side) {
        if self.pending != Pending::Nothing {
            self.write_pending(tx, side);
        }
    }

    #[cold]
    fn write_pending(&mut self, tx: &mut dyn Output, side: &mut dyn Side) {
        let written = match self.pending {
            Pending::Nothing => return,
            Pending::CloseForViolation => {
                let (code, reason) = match self.violation {
                    Some(violation) => (violation.close_code(), violation.reason()),
                    None => (CloseCode::INTERNAL_ERROR, ""),
                };
                write_close(code, reason, tx, side)
            }
            Pending::CloseInReturn => write_close(self.peer_code, "", tx, side),
            Pending::CloseForIdleness => write_close(CloseCode::GOING_AWAY, "idle", tx, side),
            Pending::Refusal => write_refusal(self.violation, tx),
        };
        if written {
            self.pending = Pending::Nothing;
        }
    }

    /// Whether a Close or a refusal waits for room, and somebody for it.
    pub(super) const fn reply_waits(&self) -> bool {
        !matches!(self.pending, Pending::Nothing) && !matches!(self.state, State::Closed)
    }

    /// What the peer's Close said, where there was one.
    pub(super) fn peer_code(&self) -> Option<CloseCode> {
        (self.peer_code != NO_CLOSE).then_some(self.peer_code)
    }

    /// What the transport should do next.
    // RFC 6455 §5.5.1-5, §5.5.1-6, §7.1.7-1, §7.1.7-2
    pub(super) fn transport(&self, role: Role) -> Transport {
        match self.state {
            _ if self.reply_waits() => Transport::Open,
            State::Connecting | State::Open | State::CloseSent => Transport::Open,
            State::CloseReceived if !role.closes_transport_first() => Transport::AwaitEof,
            State::CloseReceived | State::Failed => Transport::ShutdownWrite,
            State::Closed => Transport::Close,
        }
    }

    pub(super) fn initiator(&self) -> Initiator {
        self.initiator.unwrap_or(Initiator::Peer)
    }

    /// What was received when nothing is looked at any more: forgotten, but for the response that
    /// refused a client, of which as much is kept as a head may have.
    pub(super) fn drop_input(&self, rx: &mut Window<'_>) {
        if matches!(
            self.violation,
            Some(Violation::Response(ResponseFault::Status(_)))
        ) {
            let body = usize::from(self.config.max_head_size());
            rx.truncate_unread(self.opening.head_len().saturating_add(body));
        } else {
            if self.violation.is_some() {
                // Nor is the message that was under construction: a transport that reads on needs the room.
                rx.release(rx.kept_len());
            }
            rx.discard_unread();
        }
    }

    /// The next deadline.
    pub(super) fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        self.timers
            .next(self.state, &self.config, &mut self.activity, now)
            .map(|deadline| deadline.at)
    }

    /// Does what is due.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        tx: &mut dyn Output,
        side: &mut dyn Side,
    ) {
        let next = self
            .timers
            .next(self.state, &self.config, &mut self.activity, now);
        let Some(deadline) = next.filter(|deadline| deadline.at <= now) else {
            return;
        };
        match deadline.due {
            Due::HandshakeTimeout => self.fail(Violation::HandshakeTimeout, tx, side),
            Due::PongTimeout => self.fail(Violation::PongTimeout, tx, side),
            Due::CloseTimeout => self.enter(Input::CloseTimeout),
            Due::IdleTimeout => {
                self.pending = Pending::CloseForIdleness;
                self.enter(Input::Close);
                self.flush_pending(tx, side);
            }
            Due::Ping => {
                // Where there is no room, what waits is not being read: the deadline for the Pong
                // runs all the same.
                let _ = write_control(Opcode::PING, &[], tx, side);
                self.timers.pinged(now);
            }
        }
    }
}

/// Writes a control frame; false where there is no room.
pub(super) fn write_control(
    opcode: Opcode,
    payload: &[u8],
    tx: &mut dyn Output,
    side: &mut dyn Side,
) -> bool {
    let masked = side.role().masks();
    let length = 2 + if masked { 4 } else { 0 } + payload.len();
    if !tx.has_room(length) {
        return false;
    }
    let Some(header) = Header::new(true, opcode, payload.len() as u64) else {
        return false;
    };
    let header = header.with_key(side.mask_key());
    let room = if opcode == Opcode::PONG {
        tx.pong(length)
    } else {
        tx.reply(length)
    };
    let Ok(room) = room else {
        return false;
    };
    header.write(room, payload);
    true
}

pub(super) fn write_close(
    code: CloseCode,
    reason: &str,
    tx: &mut dyn Output,
    side: &mut dyn Side,
) -> bool {
    if code == CloseCode::NO_STATUS {
        return write_control(Opcode::CLOSE, &[], tx, side);
    }
    let mut payload = arrayvec::ArrayVec::<u8, 125>::new();
    let fits = payload
        .try_extend_from_slice(&code.value().to_be_bytes())
        .and_then(|()| payload.try_extend_from_slice(reason.as_bytes()));
    debug_assert!(fits.is_ok(), "reasons are checked before");
    write_control(Opcode::CLOSE, &payload, tx, side)
}

// RFC 6455 §4.2.1-1, §4.2.2-4
fn write_refusal(violation: Option<Violation>, tx: &mut dyn Output) -> bool {
    let rejection = match violation {
        Some(Violation::Request(fault)) => Rejection::for_fault(fault),
        _ => Rejection::for_status(408),
    };
    let Ok(length) = rejection.check() else {
        return true;
    };
    let Ok(mut room) = tx.reply(length) else {
        // With an empty buffer that is still too small, nothing would ever be said.
        return tx.is_empty();
    };
    rejection.emit(&mut |piece| fill(&mut room, piece)).is_ok()
}

/// Copies `piece` to the beginning of `room`, and goes past it.
pub(super) fn fill(room: &mut &mut [u8], piece: &[u8]) {
    let (target, rest) = core::mem::take(room).split_at_mut(piece.len());
    target.copy_from_slice(piece);
    *room = rest;
}

/// The fault for a head that no buffer can hold.
pub(super) const fn head_too_large(role: Role) -> Violation {
    match role {
        Role::Client => Violation::Response(ResponseFault::HeadTooLarge),
        Role::Server => Violation::Request(RequestFault::HeadTooLarge),
    }
}
