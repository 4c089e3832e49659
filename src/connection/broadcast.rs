//! One message to many connections: framed once, compressed once for each way in which they have agreed to
//! compress, and queued to all of them without copying its payload again.
//!
//! ```
//! use websocket_proto::{Broadcast, Config, Connection, SendBuffer};
//!
//! let message = Broadcast::text("to whom it may concern");
//! for _ in 0..3 {
//!     let mut ws = Connection::open_server(Config::new());
//!     let mut tx = SendBuffer::new();
//!     ws.send_shared(&message, &mut tx)?;
//!     // The transport writes `tx.octets()`, or all of `tx.pieces()` in a vectored write.
//!     assert_eq!(&tx.octets()[2..], b"to whom it may concern");
//! }
//! # Ok::<(), websocket_proto::Misuse>(())
//! ```

use alloc::sync::Arc;

use super::{Connection, Server};
use crate::buffer::{SendBuffer, Storage};
use crate::deflate::Variants;
use crate::error::Misuse;
use crate::frame::{Header, MAX_HEADER_LEN};
use crate::opcode::{MessageKind, Opcode};

/// A message for many connections, which may live on several threads. What a server sends isn't masked,
/// so that its frames are the same for all.
#[derive(Debug)]
pub struct Broadcast {
    opcode: Opcode,
    header_len: usize,
    frame: Arc<[u8]>,
    compressed: Variants,
}

impl Broadcast {
    /// A text message.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::new(MessageKind::Text, text.as_bytes())
    }

    /// A binary message.
    #[must_use]
    pub fn binary(octets: &[u8]) -> Self {
        Self::new(MessageKind::Binary, octets)
    }

    fn new(kind: MessageKind, payload: &[u8]) -> Self {
        let opcode = kind.opcode();
        let mut octets = [0; MAX_HEADER_LEN];
        let header_len = Header::data(true, opcode, payload.len()).encode(&mut octets);
        let header = octets.get(..header_len).unwrap_or_default();
        Self {
            opcode,
            header_len,
            frame: [header, payload].concat().into(),
            compressed: Variants::new(),
        }
    }

    /// The message's payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.frame.get(self.header_len..).unwrap_or_default()
    }
}

impl Connection<Server> {
    /// Queues a message that other connections send, too. Its payload is not copied.
    ///
    /// Where messages are compressed, this one refers to no earlier one, and later ones don't refer to
    /// it or to those before it.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_shared<T: Storage>(
        &mut self,
        message: &Broadcast,
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        self.check_may_begin()?;
        let payload = message.payload();
        let compressed = self
            .machine
            .deflate
            .outbound()
            .filter(|outbound| outbound.takes(payload.len()))
            .and_then(|outbound| {
                outbound.shared_frame(message.opcode, payload, &message.compressed)
            });
        let frame = compressed.unwrap_or_else(|| Arc::clone(&message.frame));
        tx.push_shared(frame).map_err(|_| Misuse::SendBufferFull)?;
        self.machine.activity.data = true;
        Ok(())
    }
}
