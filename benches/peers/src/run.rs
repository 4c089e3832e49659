//! Runs rows: checks what every peer delivers, then measures.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

use bytes::Bytes;

use crate::callgrind;
use crate::compression;
use crate::data;
use crate::meter::{Meter, Mode};
use crate::peers::{self, Answer, Part, Peer};
use crate::pipe::{self, Pipe, Sink};
use crate::rows::{self, Row, Work};
use crate::table::Table;

/// What to run, and how long.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which rows: see [`Row::is_selected`].
    pub rows: String,
    /// Which columns: parts of their names, with commas between; ours and the floors are always there.
    pub peers: String,
    /// How often each row is measured; the best counts.
    pub rounds: usize,
    /// How long one measurement takes.
    pub milliseconds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rows: String::new(),
            peers: String::new(),
            rounds: 9,
            milliseconds: 4,
        }
    }
}

impl Options {
    fn rows(&self) -> Vec<Row> {
        let mut rows = rows::all();
        rows.retain(|row| row.is_selected(&self.rows));
        rows
    }

    fn peers(&self) -> Vec<&'static dyn Peer> {
        let mut peers = peers::all();
        peers.retain(|peer| {
            peer.part() != Part::Peer
                || self.peers.split(',').any(|part| peer.name().contains(part))
        });
        peers
    }
}

/// A row with everything made that it needs.
struct Prepared<'a> {
    row: &'a Row,
    payloads: Vec<Vec<u8>>,
    to_send: Vec<Bytes>,
    /// Lives as long as the program: some peers want a stream that borrows nothing.
    stream: &'static [u8],
}

impl<'a> Prepared<'a> {
    fn new(row: &'a Row) -> Self {
        let payloads = row.payloads();
        Self::with_payloads(row, payloads)
    }

    fn with_payloads(row: &'a Row, payloads: Vec<Vec<u8>>) -> Self {
        let stream = match row.work {
            Work::Receive { fragments, .. } => data::client_stream(row.kind, &payloads, fragments),
            Work::ReceiveCompressed(deflate) => {
                compression::client_stream(row.kind, &payloads, deflate)
            }
            Work::Send { .. } => vec![0],
            Work::SendCompressed(_) => [compression::REQUEST, &[0]].concat(),
            Work::Handshake => data::CHROME_REQUEST.to_vec(),
        };
        let to_send = payloads.iter().cloned().map(Bytes::from).collect();
        Self {
            row,
            payloads,
            to_send,
            stream: stream.leak(),
        }
    }

    /// The same with a last message that isn't UTF-8, for its last octet alone.
    fn spoilt(row: &'a Row) -> Self {
        let mut payloads = row.payloads();
        if let Some(octet) = payloads.last_mut().and_then(|payload| payload.last_mut()) {
            *octet = 0xFF;
        }
        Self::with_payloads(row, payloads)
    }

    fn run_rotation(&self, peer: &dyn Peer) {
        let mut meter = Meter::new(Mode::Check, 0, self.payloads.len(), &self.payloads);
        self.run(peer, &mut meter);
    }

    fn run(&self, peer: &dyn Peer, meter: &mut Meter<'_>) -> Answer {
        match self.row.work {
            Work::Receive { delivery, .. } => {
                let pipe = Pipe::cyclic(self.stream, delivery, Sink::Drop);
                peer.receive(pipe, &self.row.receive(), meter)
            }
            Work::ReceiveCompressed(deflate) => {
                let pipe = Pipe::cyclic(self.stream, COMPRESSED_DELIVERY, Sink::Drop)
                    .behind_request(compression::REQUEST.len());
                peer.receive_compressed(pipe, &self.row.receive(), deflate, meter)
            }
            Work::Send { .. } => {
                let pipe = Pipe::cyclic(self.stream, 1, sink(meter));
                peer.send(pipe, &self.row.send(&self.to_send), meter)
            }
            Work::SendCompressed(deflate) => {
                let pipe = Pipe::cyclic(self.stream, 1, sink(meter))
                    .behind_request(compression::REQUEST.len());
                peer.send_compressed(pipe, &self.row.send(&self.to_send), deflate, meter)
            }
            Work::Handshake => {
                let compares = meter.compares();
                let open = || {
                    let sink = if compares { Sink::Keep } else { Sink::Drop };
                    Pipe::once(self.stream, sink)
                };
                peer.handshake(&open, meter)
            }
        }
    }

    fn measure(&self, peer: &dyn Peer, mode: Mode, count: usize) -> Option<Meter<'_>> {
        let warm_up = self.payloads.len().clamp(4, 256).min(count);
        let mut meter = Meter::new(mode, warm_up, count, &self.payloads);
        match self.run(peer, &mut meter) {
            Answer::Done => Some(meter),
            Answer::NotSupported => None,
        }
    }

    /// Two rotations of all payloads, each compared, and one with a text that isn't UTF-8. Panics where
    /// a peer delivers something else, or accepts that.
    fn check(&self, peer: &dyn Peer) -> Answer {
        drop(pipe::take_kept());
        let count = 2 * self.payloads.len();
        let mut meter = Meter::new(Mode::Check, 0, count, &self.payloads);
        if self.run(peer, &mut meter) == Answer::NotSupported {
            return Answer::NotSupported;
        }
        let written = pipe::take_kept();
        let name = format!("{}, {}", peer.name(), self.row.full_name());
        match self.row.work {
            Work::Receive { .. } | Work::ReceiveCompressed(_) => {
                assert_eq!(meter.compared(), count, "{name}");
                if self.row.kind.is_text() && peer.part() != Part::Floor {
                    let refused = refuses(|| Prepared::spoilt(self.row).run_rotation(peer));
                    assert!(refused, "{name}: accepts what isn't UTF-8");
                }
            }
            Work::Send { client, .. } => {
                let sent = data::payloads_of(&written, client);
                assert_eq!(sent.len(), count, "{name}");
                for ((first, payload), expected) in sent.iter().zip(self.payloads.iter().cycle()) {
                    assert_eq!(*first, 0x82, "{name}: a whole binary message");
                    assert!(payload == expected, "{name}: another payload");
                }
            }
            Work::SendCompressed(deflate) => {
                compression::check_sent(&written, &self.payloads, count, deflate, &name);
            }
            Work::Handshake => {
                let text = String::from_utf8_lossy(&written);
                assert!(text.starts_with("HTTP/1.1 101 "), "{name}: {text}");
                let accepts = written
                    .windows(28)
                    .filter(|part| *part == data::CHROME_ACCEPT)
                    .count();
                assert_eq!(accepts, count, "{name}: an answer to each request");
            }
        }
        Answer::Done
    }
}

/// How many octets each read finds where messages are compressed.
const COMPRESSED_DELIVERY: usize = 16 << 10;

/// How many reads a count of instructions is made over, at least; of those beyond 64 KiB so many octets.
const LEAST_READS: usize = 50;

/// Where what is sent goes: compared, or as cheap as a write can be.
fn sink(meter: &Meter<'_>) -> Sink {
    if meter.compares() {
        Sink::Keep
    } else {
        Sink::ring()
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Whether a loop comes to an error: the loops of all peers panic then, which isn't reported here.
fn refuses(run: impl FnOnce()) -> bool {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                report(info);
            }
        }));
    });
    QUIET.set(true);
    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(run));
    QUIET.set(false);
    outcome.is_err()
}

/// Checks that every peer delivers the same octets. Panics where one doesn't; returns how many rows of
/// how many peers were compared.
pub fn check(options: &Options) -> usize {
    let mut compared = 0;
    for row in options.rows() {
        let prepared = Prepared::new(&row);
        for peer in options.peers() {
            compared += usize::from(prepared.check(peer) == Answer::Done);
        }
    }
    compared
}

/// Nanoseconds of CPU time a message: rounds go over all columns in turn, and the best of each counts.
pub fn time(options: &Options) -> Table {
    let peers = options.peers();
    let mut table = Table::new("ns", &peers);
    for row in options.rows() {
        let prepared = Prepared::new(&row);
        let counts: Vec<Option<usize>> = peers
            .iter()
            .map(|peer| match prepared.check(*peer) {
                Answer::Done => calibrate(&prepared, *peer, options.milliseconds),
                Answer::NotSupported => None,
            })
            .collect();
        let mut best = vec![None::<f64>; peers.len()];
        for _ in 0..options.rounds {
            for ((peer, count), best) in peers.iter().zip(&counts).zip(&mut best) {
                let Some(meter) =
                    count.and_then(|count| prepared.measure(*peer, Mode::Time, count))
                else {
                    continue;
                };
                let each = meter.elapsed.as_nanos() as f64 / meter.count() as f64;
                *best = Some(best.map_or(each, |best| best.min(each)));
            }
        }
        eprintln!("{}", row.full_name());
        table.push(&row, best);
    }
    table
}

/// How many messages take this long.
fn calibrate(prepared: &Prepared<'_>, peer: &dyn Peer, milliseconds: u32) -> Option<usize> {
    let wanted = f64::from(milliseconds) * 1e6;
    let mut count = 4;
    loop {
        let meter = prepared.measure(peer, Mode::Time, count)?;
        let taken = meter.elapsed.as_nanos() as f64;
        if taken > wanted / 4.0 {
            return Some(((count as f64 * wanted / taken) as usize).max(4));
        }
        count *= 4;
    }
}

/// How many messages are enough where the count is exact. Some peers handle all that a read has found
/// before they give out the first message of it, so that the last read counts for too much, or the first for
/// nothing: there have to be many.
fn few(prepared: &Prepared<'_>) -> usize {
    let row = prepared.row;
    let reads = |delivery: usize| {
        let frame = prepared.stream.len() / prepared.payloads.len();
        (LEAST_READS * delivery.min(64 << 10) / frame).max(((1 << 20) / row.size).clamp(8, 2048))
    };
    match row.work {
        Work::Receive { delivery: 1, .. } => ((64 << 10) / row.size).clamp(4, 512),
        Work::Receive { delivery, .. } => reads(delivery),
        Work::ReceiveCompressed(_) => reads(COMPRESSED_DELIVERY),
        Work::Send { .. } | Work::SendCompressed(_) => ((1 << 20) / row.size).clamp(8, 2048),
        Work::Handshake => 64,
    }
}

/// Allocations a message, in a program whose allocator counts in
/// [`ALLOCATIONS`](crate::meter::ALLOCATIONS).
pub fn allocations(options: &Options) -> Table {
    let peers = options.peers();
    let mut table = Table::new("allocations", &peers);
    for row in options.rows() {
        let prepared = Prepared::new(&row);
        let values = peers.iter().map(|peer| {
            let meter = prepared.measure(*peer, Mode::Time, few(&prepared))?;
            Some(meter.allocations() as f64 / meter.count() as f64)
        });
        table.push(&row, values.collect());
    }
    table
}

/// The part that runs under valgrind: has callgrind write a file for each row of each column.
pub fn count_instructions(options: &Options) {
    assert!(callgrind::is_running(), "to be run under valgrind");
    for row in options.rows() {
        let prepared = Prepared::new(&row);
        for peer in options.peers() {
            callgrind::zero();
            if let Some(meter) = prepared.measure(peer, Mode::Count, few(&prepared)) {
                callgrind::dump(&format!(
                    "{}|{}|{}",
                    row.full_name(),
                    peer.name(),
                    meter.count()
                ));
            }
        }
    }
}

/// Instructions a message, counted by callgrind: runs this program again, under valgrind.
pub fn instructions(options: &Options) -> std::io::Result<Table> {
    let folder = std::env::temp_dir().join(format!("websocket-peers-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let counted = count_in(options, &folder);
    std::fs::remove_dir_all(&folder)?;
    let counted = counted?;
    let peers = options.peers();
    let mut table = Table::new("instructions", &peers);
    for row in options.rows() {
        let value = |peer: &&dyn Peer| {
            let name = format!("{}|{}", row.full_name(), peer.name());
            counted
                .iter()
                .find(|(counted, _)| *counted == name)
                .map(|(_, value)| *value)
        };
        table.push(&row, peers.iter().map(value).collect());
    }
    Ok(table)
}

/// Runs under valgrind and reads what callgrind has written.
fn count_in(options: &Options, folder: &std::path::Path) -> std::io::Result<Vec<(String, f64)>> {
    let output = std::process::Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(std::env::current_exe()?)
        .args(["count", "--filter", &options.rows, "--peers", &options.peers])
        // glibc's `rep movsb` would be counted as one instruction per octet.
        .env(
            "GLIBC_TUNABLES",
            "glibc.cpu.x86_rep_movsb_threshold=1073741824:glibc.cpu.x86_rep_stosb_threshold=1073741824",
        )
        .output()?;
    if !output.status.success() {
        return Err(std::io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    let mut counted = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let text = std::fs::read_to_string(entry?.path())?;
        let line = |prefix| {
            text.lines()
                .find_map(|line: &str| line.strip_prefix(prefix))
        };
        let Some(name) = line("desc: Trigger: Client Request: ") else {
            continue;
        };
        let (Some((name, count)), Some(total)) = (name.rsplit_once('|'), line("summary: ")) else {
            continue;
        };
        if let (Ok(count), Ok(total)) = (count.parse::<f64>(), total.parse::<f64>()) {
            counted.push((name.to_owned(), total / count));
        }
    }
    Ok(counted)
}
