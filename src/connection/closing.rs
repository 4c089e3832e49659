//! How a connection ends, as one table (RFC 6455 §7.1).
//!
//! Every state × every input stands in [`State::next`]; a test prints the whole table and compares it
//! with the one in `docs/closing.md`.

use crate::close::Initiator;

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The opening handshake is under way (RFC 6455 §4).
    Connecting,
    /// Messages go both ways.
    Open,
    /// Our Close is queued or sent; the peer's is awaited. What the peer sends until then is received.
    CloseSent,
    /// The peer's Close has come, and ours is queued or sent: the closing handshake is complete.
    /// Nothing that follows is looked at.
    CloseReceived,
    /// The connection has failed, or its request was refused. Nothing that follows is looked at.
    Failed,
    /// It is over: the peer's stream has ended, or a deadline has passed.
    Closed,
}

/// What the WebSocket API of browsers calls the states: `readyState`, 0 to 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadyState {
    /// The opening handshake is under way.
    Connecting = 0,
    /// Messages go both ways.
    Open = 1,
    /// The connection is being closed.
    Closing = 2,
    /// The connection is closed.
    Closed = 3,
}

/// What can move a connection from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The opening handshake succeeded.
    Opened,
    /// The caller closes, or rejects the request.
    Close,
    /// The peer's Close frame.
    PeerClose,
    /// The peer broke a rule, or missed the pong or handshake deadline.
    Violation,
    /// The peer's stream has ended, and all that came before was handled.
    Eof,
    /// The deadline of the closing handshake has passed.
    CloseTimeout,
}

impl State {
    /// The state after `input`. Inputs that don't apply change nothing.
    pub(crate) const fn next(self, input: Input) -> Self {
        use State::{CloseReceived, CloseSent, Closed, Connecting, Failed, Open};
        match (self, input) {
            (Connecting, Input::Opened) => Open,
            // Before the handshake is over there is no Close frame to send: the connection is failed
            // (WHATWG `close()`, RFC 6455 §7.1.7).
            (Connecting, Input::Close | Input::Violation) => Failed,
            (Open, Input::Close) => CloseSent,
            (Open | CloseSent, Input::PeerClose) => CloseReceived,
            (Open | CloseSent, Input::Violation) => Failed,
            // RFC 6455 §7.2.1-1, §7.2.1-2
            (Connecting | Open | CloseSent | CloseReceived | Failed, Input::Eof) => Closed,
            (CloseSent | CloseReceived | Failed, Input::CloseTimeout) => Closed,
            (state, _) => state,
        }
    }

    /// The browser's name for the state.
    #[must_use]
    pub const fn ready_state(self) -> ReadyState {
        match self {
            Self::Connecting => ReadyState::Connecting,
            Self::Open => ReadyState::Open,
            Self::CloseSent | Self::CloseReceived | Self::Failed => ReadyState::Closing,
            Self::Closed => ReadyState::Closed,
        }
    }

    /// Whether frames that the peer sends are still looked at.
    pub(crate) const fn receives(self) -> bool {
        matches!(self, Self::Open | Self::CloseSent)
    }

    /// Who is to blame, or to thank, for `input`.
    pub(crate) const fn initiator(input: Input) -> Initiator {
        match input {
            Input::PeerClose | Input::Eof => Initiator::Peer,
            _ => Initiator::Local,
        }
    }
}

/// What the transport should do when there is nothing left to read, write or handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Keep it open and go on.
    Open,
    /// Write what waits, then shut down the writing side, and read on until the peer's stream ends
    /// (RFC 6455 §7.1.1): what is on its way would otherwise be answered with a reset, which can eat
    /// the Close.
    ShutdownWrite,
    /// Write what waits, then read on until the peer's stream ends: it is the server that closes first
    /// (RFC 6455 §7.1.1).
    AwaitEof,
    /// Write what waits, if that takes no time, and close.
    Close,
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    #[test]
    fn the_whole_table_is_the_one_in_the_docs() {
        let inputs = [
            Input::Opened,
            Input::Close,
            Input::PeerClose,
            Input::Violation,
            Input::Eof,
            Input::CloseTimeout,
        ];
        let states = [
            State::Connecting,
            State::Open,
            State::CloseSent,
            State::CloseReceived,
            State::Failed,
            State::Closed,
        ];
        let mut table = String::from("| state |");
        for input in inputs {
            table += &format!(" {input:?} |");
        }
        table += "\n| --- | --- | --- | --- | --- | --- | --- |\n";
        for state in states {
            table += &format!("| {state:?} |");
            for input in inputs {
                let next = state.next(input);
                table += &if next == state {
                    String::from(" · |")
                } else {
                    format!(" {next:?} |")
                };
            }
            table += "\n";
        }
        let docs = include_str!("../../docs/closing.md");
        assert!(
            docs.contains(&table),
            "docs/closing.md has to hold\n{table}"
        );
    }
}
