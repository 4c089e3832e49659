//! What is typed, and what is printed.

use websocket_proto::adapter::{Outcome, Refusal};
use websocket_proto::handshake::DeflateParameters;
use websocket_proto::{CloseCode, Event, Initiator};

pub(crate) const HELP: &str = "\
/ping [TEXT]            send a Ping
/binary HEX             send a binary message: /binary 00 ff 7f
/close [CODE [REASON]]  send a Close, with code 1000 unless given
/help                   print this
Any other line is sent as a text message.";

/// What a line asks for.
pub(crate) enum Command<'a> {
    Text(&'a str),
    Ping(&'a str),
    Binary(Vec<u8>),
    Close(CloseCode, &'a str),
    Help,
}

impl<'a> Command<'a> {
    pub(crate) fn parse(line: &'a str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let Some(command) = line.strip_prefix('/') else {
            return Ok(Self::Text(line));
        };
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        Ok(match name {
            "ping" => Self::Ping(rest),
            "binary" => Self::Binary(octets_from_hex(rest).ok_or("that is no hex")?),
            "close" => {
                let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
                let code = match code {
                    "" => CloseCode::NORMAL,
                    _ => CloseCode::new(code.parse()?),
                };
                Self::Close(code, reason)
            }
            "help" => Self::Help,
            _ => return Err("no such command; /help lists them".into()),
        })
    }
}

/// Octets from hex digits, with or without spaces between them.
fn octets_from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| digit.to_digit(16))
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(
        digits
            .chunks(2)
            .map(|pair| (pair[0] << 4 | pair[1]) as u8)
            .collect(),
    )
}

pub(crate) fn print_connected(subprotocol: Option<&str>, deflate: Option<DeflateParameters>) {
    eprintln!(
        "connected, subprotocol {:?}, {}; /help lists commands",
        subprotocol.unwrap_or(""),
        deflate.map_or("uncompressed".into(), agreed)
    );
}

/// What was agreed upon: how far back each end refers, and whether to earlier messages.
fn agreed(parameters: DeflateParameters) -> String {
    let takeover = |kept| if kept { "with" } else { "without" };
    format!(
        "compressed: server {} bits {} takeover, client {} bits {} takeover",
        parameters.server_max_window_bits(),
        takeover(parameters.server_context_takeover()),
        parameters.client_max_window_bits(),
        takeover(parameters.client_context_takeover())
    )
}

pub(crate) fn print_event(event: &Event<'_>) {
    match event {
        Event::Text(text) => println!("text: {}", printable(text)),
        Event::Binary(octets) => println!("binary: {} octets", octets.len()),
        // Its Pong has been queued already.
        Event::Ping(payload) => println!("ping {}", printable_octets(payload)),
        Event::Pong(payload) => println!("pong {}", printable_octets(payload)),
        // The outcome tells what a Close said.
        _ => {}
    }
}

/// Prints how it ended, and says whether it ended cleanly.
pub(crate) fn print_end(outcome: Option<Outcome>) -> bool {
    // Where the stream has failed, nobody knows what has become of the rest.
    let end = outcome.unwrap_or_else(Outcome::abandoned);
    let by = match end.initiator {
        Initiator::Local => "local",
        Initiator::Peer => "peer",
    };
    let (code, reason, clean) = (end.code.value(), printable(&end.reason), end.clean);
    println!("closed: code={code} reason={reason} clean={clean} by={by}");
    clean
}

pub(crate) fn print_refusal(refusal: &Refusal) {
    eprintln!("refused with status {}", refusal.status);
    for (name, value) in &refusal.fields {
        eprintln!("{name}: {}", printable_octets(value));
    }
    eprintln!();
    for line in String::from_utf8_lossy(&refusal.body).lines() {
        eprintln!("{}", printable(line));
    }
}

/// Text of a stranger's: a terminal takes control characters for orders, and a line is to stay a line.
fn printable(text: &str) -> String {
    text.chars().fold(String::new(), |mut line, character| {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
        line
    })
}

fn printable_octets(octets: &[u8]) -> String {
    printable(&String::from_utf8_lossy(octets))
}
