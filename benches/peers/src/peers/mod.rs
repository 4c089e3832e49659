//! One trait, and one file per crate that implements it.
//!
//! Each method runs one measured loop over a [`Pipe`]: `while meter.more() { … }`. What a crate leaves to
//! its caller (a read buffer, joining fragments, judging UTF-8) is added here as its documentation
//! says, so that all of them do the same work: every text is known to be UTF-8 when it is handed on.

use bytes::Bytes;

use crate::meter::Meter;
use crate::pipe::Pipe;

mod codec;
mod fastwebsockets;
pub mod floors;
mod nexus_web;
mod ours;
mod sockudo_ws;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod web_socket;
mod websocket_sans_io;
mod wtx;
mod yawc;

/// What is to be received.
#[derive(Clone, Copy, Debug)]
pub struct Receive {
    /// Text, which has to be judged.
    pub text: bool,
    /// How many frames each message comes in. Only floors care.
    pub fragments: usize,
    /// How many octets each message has at the most. No peer needs it to receive; some want their limits or
    /// buffers set by it.
    pub size: usize,
    /// All of them have so many. Only floors care.
    pub alike: bool,
}

/// What is to be sent, as binary messages.
#[derive(Clone, Copy, Debug)]
pub struct Send<'a> {
    /// From the client's end, so that payloads are masked.
    pub client: bool,
    /// How many messages are written at once. With 1 each is on its way before the next one begins.
    pub batch: usize,
    /// The payloads, in rotation.
    pub payloads: &'a [Bytes],
}

impl<'a> Send<'a> {
    /// The payloads, over and over.
    pub fn rotation(&self) -> impl Iterator<Item = &'a Bytes> + use<'a> {
        self.payloads.iter().cycle()
    }
}

/// How messages are compressed (RFC 7692), in both directions.
#[derive(Clone, Copy, Debug)]
pub struct Deflate {
    /// Messages refer to earlier ones. Else each stands alone, as both ends have agreed.
    pub takeover: bool,
    /// What a sender compresses with.
    pub level: u8,
}

impl Deflate {
    /// What a server has answered, for crates that want it as text.
    pub const fn agreed(self) -> &'static str {
        if self.takeover {
            "permessage-deflate"
        } else {
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        }
    }
}

/// Whether a crate can do what it is asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has done it.
    Done,
    /// It has no such function. The loop has not begun.
    NotSupported,
}

/// A crate that is measured.
pub trait Peer: Sync {
    /// Its name in the tables.
    fn name(&self) -> &'static str;

    /// What it stands for.
    fn part(&self) -> Part {
        Part::Peer
    }

    /// A server's end receives masked messages and hands each to [`Meter::got`].
    fn receive(&self, _pipe: Pipe, _work: &Receive, _meter: &mut Meter<'_>) -> Answer {
        Answer::NotSupported
    }

    /// Sends messages from either end.
    fn send(&self, _pipe: Pipe, _work: &Send<'_>, _meter: &mut Meter<'_>) -> Answer {
        Answer::NotSupported
    }

    /// A server's end accepts a request, as far as a connection that could be used. Each round has a pipe
    /// of its own, from `open`.
    fn handshake(&self, _open: &dyn Fn() -> Pipe, _meter: &mut Meter<'_>) -> Answer {
        Answer::NotSupported
    }

    /// As [`receive`](Self::receive), with messages that permessage-deflate has compressed. A crate that
    /// compresses only after a handshake of its own finds the request by [`Pipe::with_request`].
    fn receive_compressed(
        &self,
        _pipe: Pipe,
        _work: &Receive,
        _deflate: Deflate,
        _meter: &mut Meter<'_>,
    ) -> Answer {
        Answer::NotSupported
    }

    /// As [`send`](Self::send) from a server, compressing.
    fn send_compressed(
        &self,
        _pipe: Pipe,
        _work: &Send<'_>,
        _deflate: Deflate,
        _meter: &mut Meter<'_>,
    ) -> Answer {
        Answer::NotSupported
    }
}

/// Which side of a ratio a column stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What this package is about.
    Ours,
    /// Another crate.
    Peer,
    /// No crate: what the work costs at least.
    Floor,
}

/// All columns, in the order in which they are shown.
pub fn all() -> Vec<&'static dyn Peer> {
    vec![
        &floors::Copy,
        &floors::Mask,
        &floors::Validate,
        &floors::Decoder,
        &codec::Zlib,
        &ours::Machine,
        &ours::Blocking,
        &fastwebsockets::Peer,
        &nexus_web::Peer,
        &sockudo_ws::Peer,
        &soketto::Peer,
        &tokio_websockets::Peer,
        &tungstenite::Peer,
        &web_socket::Peer,
        &websocket_sans_io::Peer,
        &wtx::Peer,
        &yawc::Peer,
    ]
}
