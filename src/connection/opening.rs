//! The opening handshake on a connection (RFC 6455 §4), in both roles.

use core::ops::Range;

use super::Connection;
use super::closing::{Input, State};
use super::event::{Found, LocatedKind};
use super::machine::{Machine, fill};
use super::side::sealed::Side;
use super::side::{Client, Server};
use crate::buffer::{RecvBuffer, SendBuffer, Storage, Window};
use crate::config::Config;
use crate::error::{Misuse, RequestFault, ResponseFault, Violation};
use crate::frame::mask::KeySource;
use crate::handshake::{
    Accept, ClientRequest, Expected, HeadFault, HeadScanner, QUICK, Rejection, Request,
    RequestMarks, Response,
};
use crate::role::Role;

/// How far the opening handshake has come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opening {
    /// The peer's head has not come whole.
    Head(HeadScanner),
    /// A request waits to be answered.
    Requested { head_len: u16, marks: RequestMarks },
    /// A response has refused us.
    Refused { head_len: u16 },
    /// The handshake is over, and the caller has not been told.
    Done {
        head_len: u16,
        /// Where the subprotocol that was agreed upon stands in the head: offset and length.
        subprotocol: Option<(u16, u16)>,
    },
    /// The caller knows.
    Announced,
}

impl Opening {
    pub(super) fn new(state: State) -> Self {
        match state {
            State::Connecting => Self::Head(HeadScanner::default()),
            _ => Self::Announced,
        }
    }

    /// The length of the peer's head, as long as it stands in the receive buffer.
    pub(super) fn head_len(&self) -> usize {
        match *self {
            Self::Requested { head_len, .. }
            | Self::Refused { head_len }
            | Self::Done { head_len, .. } => head_len.into(),
            Self::Head(_) | Self::Announced => 0,
        }
    }

    /// Whether `HandshakeDone` has yet to be lent.
    #[inline]
    pub(super) const fn is_unannounced(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

impl Machine {
    /// Looks for the peer's head.
    pub(super) fn open(
        &mut self,
        rx: &mut Window<'_>,
        side: &mut dyn Side,
    ) -> Result<Option<Found>, Violation> {
        if QUICK && side.role() == Role::Server && self.find_request(rx.unread())? {
            return Ok(Some(Found::Request));
        }
        while let Opening::Head(scanner) = &mut self.opening {
            let limit = usize::from(self.config.max_head_size());
            let head = scanner
                .scan(rx.unread(), limit)
                .map_err(|fault| head_fault(side.role(), fault))?;
            let Some(length) = head else {
                return Ok(None);
            };
            // The limit is a u16, so this is exact.
            let head_len = u16::try_from(length).unwrap_or(u16::MAX);
            let octets = rx.unread().get(..length).unwrap_or_default();
            match side.expected() {
                None => self.take_request(octets)?,
                Some(expected) => {
                    if self.take_response(octets, head_len, expected)? {
                        rx.skip(length);
                    } else {
                        side.forget_expected();
                    }
                }
            }
        }
        Ok(Some(match self.opening {
            Opening::Requested { .. } => Found::Request,
            _ => Found::HandshakeDone,
        }))
    }

    /// The short way for a request that has come whole at once: whether there is one. Out of line, as the long
    /// way: what it needs of the stack isn't needed for frames.
    #[inline(never)]
    fn find_request(&mut self, octets: &[u8]) -> Result<bool, Violation> {
        match self.opening {
            Opening::Head(scanner) if scanner.is_fresh() => {}
            _ => return Ok(false),
        }
        match Request::find(octets, self.config.max_head_size()) {
            Some(request) => self.keep_request(&request).map(|()| true),
            None => Ok(false),
        }
    }

    #[inline(never)]
    fn take_request(&mut self, head: &[u8]) -> Result<(), Violation> {
        let request = Request::parse_scanned(head).map_err(Violation::Request)?;
        self.keep_request(&request)
    }

    fn keep_request(&mut self, request: &Request<'_>) -> Result<(), Violation> {
        if !request.is_upgrade() && !self.config.plain_requests() {
            return Err(Violation::Request(RequestFault::NotAnUpgrade));
        }
        self.opening = Opening::Requested {
            // The limit is a u16, so this is exact.
            head_len: u16::try_from(request.octets().len()).unwrap_or(u16::MAX),
            marks: request.marks(),
        };
        Ok(())
    }

    /// The head that the next event is about. When a handshake that is over has been lent, its octets go.
    pub(super) fn locate_head(&mut self, rx: &mut Window<'_>) -> (LocatedKind, Range<usize>) {
        let head_len = self.opening.head_len();
        match self.opening {
            Opening::Requested { marks, .. } => (LocatedKind::Request(marks), rx.head(head_len)),
            Opening::Done { subprotocol, .. } => {
                self.opening = Opening::Announced;
                let kind = LocatedKind::HandshakeDone {
                    subprotocol,
                    deflate: self.deflate.parameters(),
                };
                (kind, rx.pass(0, head_len))
            }
            _ => (
                LocatedKind::HandshakeDone {
                    subprotocol: None,
                    deflate: None,
                },
                0..0,
            ),
        }
    }

    /// True for an interim response, which a client goes past (RFC 9110 §15.2).
    fn take_response(
        &mut self,
        head: &[u8],
        head_len: u16,
        expected: &Expected,
    ) -> Result<bool, Violation> {
        let response = Response::parse_scanned(head).map_err(Violation::Response)?;
        if matches!(response.status(), 100 | 102..=199) {
            self.opening = Opening::Head(HeadScanner::default());
            return Ok(true);
        }
        self.opening = Opening::Refused { head_len };
        let agreed = expected.verify(&response).map_err(Violation::Response)?;
        if let Some((parameters, config)) = agreed.deflate().zip(expected.deflate()) {
            self.agree(parameters, config, Role::Client);
        }
        self.opening = Opening::Done {
            head_len,
            subprotocol: agreed.subprotocol,
        };
        self.enter(Input::Opened);
        Ok(false)
    }
}

fn head_fault(role: Role, fault: HeadFault) -> Violation {
    match role {
        Role::Server => Violation::Request(fault.into()),
        Role::Client => Violation::Response(fault.into()),
    }
}

impl Connection<Server> {
    /// A server's end of a new transport: it waits for the client's request.
    #[must_use]
    pub fn server(config: Config) -> Self {
        Self {
            machine: Machine::new(Role::Server, config, State::Connecting),
            side: Server,
        }
    }

    /// A server's end that an HTTP stack has opened. What that has read beyond the request goes into
    /// the receive buffer first, by [`RecvBuffer::extend`].
    #[must_use]
    pub fn open_server(config: Config) -> Self {
        Self {
            machine: Machine::new(Role::Server, config, State::Open),
            side: Server,
        }
    }

    /// Answers the request with 101 (RFC 6455 §4.2.2). Messages may be sent from now on.
    ///
    /// # Errors
    /// [`Misuse::NoRequest`], [`Misuse::NotAnUpgrade`], [`Misuse::Subprotocol`], [`Misuse::Field`] or
    /// [`Misuse::SendBufferFull`]; nothing was written and the request can still be answered.
    pub fn accept<T: Storage>(
        &mut self,
        request: &Request<'_>,
        accept: &Accept<'_>,
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        let head_len = self.requested()?;
        let answer = accept.answer(request)?;
        let mut room = tx
            .reserve(answer.len())
            .map_err(|_| Misuse::SendBufferFull)?;
        answer.put(&mut |piece| fill(&mut room, piece));
        if let Some((deflate, config)) = answer.deflate().zip(accept.deflate_choice()) {
            self.machine
                .agree(deflate.parameters(), &config, Role::Server);
        }
        self.machine.opening = Opening::Done {
            head_len,
            subprotocol: accept
                .subprotocol()
                .and_then(|name| request.subprotocol_range(name)),
        };
        self.machine.enter(Input::Opened);
        Ok(())
    }

    /// Answers the request with any other status (RFC 6455 §4.2.2), and ends the connection: what the
    /// client has sent behind the request is not looked at. A request for a plain page is answered in
    /// this way, too, with 200.
    ///
    /// # Errors
    /// [`Misuse::NoRequest`], [`Misuse::Status`], [`Misuse::Field`] or [`Misuse::SendBufferFull`];
    /// nothing was written and the request can still be answered.
    // RFC 6455 §4.2.2-3, §7.2.2-1
    pub fn reject<T: Storage>(
        &mut self,
        rejection: &Rejection<'_>,
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        self.requested()?;
        let length = rejection.check()?;
        let mut room = tx.reserve(length).map_err(|_| Misuse::SendBufferFull)?;
        rejection.emit(&mut |piece| fill(&mut room, piece))?;
        self.machine.enter(Input::Close);
        Ok(())
    }

    /// The length of the head of the request that waits.
    fn requested(&self) -> Result<u16, Misuse> {
        match (self.machine.state, self.machine.opening) {
            (State::Connecting, Opening::Requested { head_len, .. }) => Ok(head_len),
            _ => Err(Misuse::NoRequest),
        }
    }
}

impl<K: KeySource> Connection<Client<K>> {
    /// A client's end of a new transport: it queues the request (RFC 6455 §4.1) and waits for the
    /// response. `keys` gives the masking keys.
    ///
    /// # Errors
    /// What [`ClientRequest`] says of its parts, or [`Misuse::SendBufferFull`]. Nothing was written.
    // RFC 6455 §4.1-1, §4.1-13
    pub fn client<T: Storage>(
        request: &ClientRequest<'_>,
        config: Config,
        keys: K,
        tx: &mut SendBuffer<T>,
    ) -> Result<Self, Misuse> {
        let expected = Expected::new(request)?;
        let length = request.check()?;
        let mut room = tx.reserve(length).map_err(|_| Misuse::SendBufferFull)?;
        request.emit(&mut |piece| fill(&mut room, piece))?;
        Ok(Self {
            machine: Machine::new(Role::Client, config, State::Connecting),
            side: Client::new(keys, Some(expected)),
        })
    }

    /// A client's end that an HTTP stack has opened. What that has read beyond the response goes into
    /// the receive buffer first, by [`RecvBuffer::extend`].
    #[must_use]
    pub fn open_client(config: Config, keys: K) -> Self {
        Self {
            machine: Machine::new(Role::Client, config, State::Open),
            side: Client::new(keys, None),
        }
    }

    /// The response of a server that refused: after
    /// [`ResponseFault::Status`]. Its body is what has come of it, up to
    /// [`max_head_size`](Config::max_head_size) octets.
    #[must_use]
    pub fn response<'a, B: Storage>(&self, rx: &'a RecvBuffer<B>) -> Option<Response<'a>> {
        let Some(Violation::Response(ResponseFault::Status(_))) = self.machine.violation else {
            return None;
        };
        let (head, body) = rx
            .unread()?
            .split_at_checked(self.machine.opening.head_len())?;
        Some(Response::parse(head).ok()?.with_body(body))
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;

    const REQUEST: &[u8] =
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    #[test]
    fn a_request_goes_the_short_way_if_it_has_come_whole_at_once() {
        let mut machine = Machine::new(Role::Server, Config::new(), State::Connecting);
        assert_eq!(machine.find_request(REQUEST), Ok(true));
        assert!(matches!(machine.opening, Opening::Requested { .. }));
        assert_eq!(machine.find_request(REQUEST), Ok(false), "it is known");

        // In two pieces it was looked at before: that isn't done a second time.
        let mut machine = Machine::new(Role::Server, Config::new(), State::Connecting);
        let mut rx = RecvBuffer::new();
        let (first, second) = REQUEST.split_at(20);
        rx.extend(first).unwrap();
        assert_eq!(machine.open(&mut rx.window(), &mut Server), Ok(None));
        rx.extend(second).unwrap();
        assert_eq!(machine.find_request(REQUEST), Ok(false));
        let found = machine.open(&mut rx.window(), &mut Server);
        assert_eq!(found, Ok(Some(Found::Request)));
    }
}
