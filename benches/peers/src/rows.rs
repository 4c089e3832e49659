//! The rows of the tables: what is done, how large, and how it is read.

use crate::data;
use crate::peers::{Deflate, Receive, Send};

/// What messages hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Random octets, as a binary message.
    Binary,
    /// JSON, all of it ASCII.
    Ascii,
    /// A western language: 4 characters in 100 aren't ASCII.
    Mixed,
    /// Characters of three octets each.
    Cjk,
    /// JSON as in [`Ascii`](Self::Ascii), in binary messages: nobody looks for UTF-8. It compresses, as random octets
    /// do not.
    Json,
}

impl Kind {
    /// Those that aren't compressed.
    pub const ALL: [Self; 4] = [Self::Binary, Self::Ascii, Self::Mixed, Self::Cjk];

    /// Whether it is a text message.
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Binary | Self::Json)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Ascii => "ASCII",
            Self::Mixed => "mixed",
            Self::Cjk => "CJK",
            Self::Json => "binary",
        }
    }
}

/// What a row measures.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// A server receives messages.
    Receive {
        /// How many octets each read finds.
        delivery: usize,
        /// How many frames a message comes in.
        fragments: usize,
    },
    /// A server or a client sends messages.
    Send {
        /// From which end.
        client: bool,
        /// How many messages go out at once.
        batch: usize,
    },
    /// A server receives compressed messages.
    ReceiveCompressed(Deflate),
    /// A server compresses and sends messages.
    SendCompressed(Deflate),
    /// A server accepts Chrome's request.
    Handshake,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which table it belongs to.
    pub group: &'static str,
    /// Its name in that table.
    pub name: String,
    /// What is done.
    pub work: Work,
    /// With what.
    pub kind: Kind,
    /// How many octets each message has, or, where they are `spread`, all of them in the mean.
    pub size: usize,
    /// The lengths of messages go from half of `size` to one and a half of it. Where all are alike, buffers come to have
    /// just that size.
    pub spread: bool,
}

const SIZES: [usize; 6] = [16, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20];
const COMPRESSED_SIZES: [usize; 3] = [125, 1 << 10, 64 << 10];

/// All rows, in the order in which they are shown.
pub fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    for (group, delivery) in [
        ("receive in reads of 1 MiB", 1 << 20),
        ("receive in reads of 64 KiB", 64 << 10),
        ("receive in reads of 16 KiB", 16 << 10),
    ] {
        for size in SIZES {
            rows.extend(Kind::ALL.map(|kind| receive(group, delivery, 1, kind, size)));
            if size == 16 << 10 {
                rows.push(Row {
                    name: "8 to 24 KiB binary".into(),
                    spread: true,
                    ..receive(group, delivery, 1, Kind::Binary, size)
                });
            }
        }
    }
    for (group, delivery) in [
        (
            "receive 64 fragments of 16 KiB in reads of 64 KiB",
            64 << 10,
        ),
        (
            "receive 64 fragments of 16 KiB in reads of 16 KiB",
            16 << 10,
        ),
    ] {
        rows.extend(Kind::ALL.map(|kind| receive(group, delivery, 64, kind, 1 << 20)));
    }
    for (kind, size) in [
        (Kind::Ascii, 16),
        (Kind::Ascii, 125),
        (Kind::Cjk, 125),
        (Kind::Binary, 16 << 10),
    ] {
        rows.push(receive("receive in reads of one octet", 1, 1, kind, size));
    }
    for (group, client) in [("send from a server", false), ("send from a client", true)] {
        for size in SIZES {
            rows.push(send(group, client, 1, size));
        }
        rows.push(send(group, client, 64, 16));
        rows.push(send(group, client, 64, 1 << 10));
    }
    rows.push(Row {
        group: "handshake",
        name: "Chrome's request is accepted".into(),
        work: Work::Handshake,
        kind: Kind::Binary,
        size: 0,
        spread: false,
    });
    if cfg!(feature = "compression") {
        push_compressed(&mut rows);
    }
    rows
}

/// Rows of compressed messages. What a client sends was compressed at level 6.
fn push_compressed(rows: &mut Vec<Row>) {
    for (group, takeover) in [
        ("receive compressed, with context takeover", true),
        ("receive compressed, each message alone", false),
    ] {
        let work = Work::ReceiveCompressed(Deflate { takeover, level: 6 });
        rows.extend(COMPRESSED_SIZES.map(|size| compressed(group, size_name(size), work, size)));
        // What a codec alone does, which takes nothing for a text.
        rows.extend([1 << 10, 64 << 10].map(|size| {
            let name = format!("{}, {}", size_name(size), Kind::Json.name());
            let kind = Kind::Json;
            Row {
                kind,
                ..compressed(group, name, work, size)
            }
        }));
    }
    for (group, takeover) in [
        ("send compressed, with context takeover", true),
        ("send compressed, each message alone", false),
    ] {
        for level in [1, 6] {
            let work = Work::SendCompressed(Deflate { takeover, level });
            rows.extend(COMPRESSED_SIZES.map(|size| {
                let name = format!("{}, level {level}", size_name(size));
                compressed(group, name, work, size)
            }));
        }
    }
}

fn compressed(group: &'static str, name: String, work: Work, size: usize) -> Row {
    Row {
        group,
        name,
        work,
        kind: Kind::Ascii,
        size,
        spread: false,
    }
}

fn receive(group: &'static str, delivery: usize, fragments: usize, kind: Kind, size: usize) -> Row {
    Row {
        group,
        name: format!("{} {}", size_name(size), kind.name()),
        work: Work::Receive {
            delivery,
            fragments,
        },
        kind,
        size,
        spread: false,
    }
}

fn send(group: &'static str, client: bool, batch: usize, size: usize) -> Row {
    let name = match batch {
        1 => size_name(size),
        batch => format!("{batch} × {} at once", size_name(size)),
    };
    Row {
        group,
        name,
        work: Work::Send { client, batch },
        kind: Kind::Binary,
        size,
        spread: false,
    }
}

fn size_name(size: usize) -> String {
    match size {
        size if size >= 1 << 20 => format!("{} MiB", size >> 20),
        size if size >= 1 << 10 => format!("{} KiB", size >> 10),
        size => format!("{size} B"),
    }
}

impl Row {
    /// Group and name, for filters.
    pub fn full_name(&self) -> String {
        format!("{}: {}", self.group, self.name)
    }

    /// Whether a filter selects this row: `a+b,c` is everything with `a` and `b` in its name, or `c`.
    pub fn is_selected(&self, filter: &str) -> bool {
        let name = self.full_name().to_lowercase();
        filter
            .to_lowercase()
            .split(',')
            .any(|all| all.split('+').all(|part| name.contains(part)))
    }

    /// The messages: different ones, so that a check notices when one is delivered twice or out of turn.
    pub fn payloads(&self) -> Vec<Vec<u8>> {
        let count = match self.work {
            Work::Handshake => 1,
            _ => ((256 << 10) / self.size).clamp(2, 1024),
        };
        (0..count)
            .map(|number| data::payload(self.kind, self.length(number, count), number))
            .collect()
    }

    /// How many octets a message has, of so many in rotation.
    fn length(&self, number: usize, count: usize) -> usize {
        if !self.spread {
            return self.size;
        }
        // Each length once, in an order that isn't theirs.
        self.size / 2 + (7 * number + 3) % count * self.size / (count - 1)
    }

    /// What a peer is asked to receive.
    pub fn receive(&self) -> Receive {
        let fragments = match self.work {
            Work::Receive { fragments, .. } => fragments,
            _ => 1,
        };
        Receive {
            text: self.kind.is_text(),
            fragments,
            size: if self.spread {
                self.size * 3 / 2
            } else {
                self.size
            },
            alike: !self.spread,
        }
    }

    /// What a peer is asked to send.
    pub fn send<'a>(&self, payloads: &'a [bytes::Bytes]) -> Send<'a> {
        let (client, batch) = match self.work {
            Work::Send { client, batch } => (client, batch),
            _ => (false, 1),
        };
        Send {
            client,
            batch,
            payloads,
        }
    }
}
