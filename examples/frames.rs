//! Frames without a connection, as a proxy or a dissector sees them (RFC 6455 §5.2).
//!
//! ```text
//! cargo run --example frames
//! cargo run --example frames -- 81 05 48656c6c6f
//! ```
//!
//! The arguments are one stream of octets in hex; without any, a few streams that show something.
//! [`FrameDecoder`] reads headers and unmasks payloads in whatever pieces they come. It knows the rules of
//! single frames and of their order, and nothing of messages, UTF-8 or closing.

use std::process::ExitCode;

use websocket_proto::frame::FrameDecoder;
use websocket_proto::{Role, Violation};

const STREAMS: [(&str, &str); 8] = [
    ("a text message from a server (§5.7)", "81 05 48656c6c6f"),
    (
        "the same from a client: masked (§5.7)",
        "81 85 37fa213d 7f9f4d5158",
    ),
    (
        "two fragments, and a Ping between them (§5.4)",
        "01 03 48656c 89 02 6869 80 02 6c6f",
    ),
    (
        "300 octets: the length takes two octets more, and most of the payload is yet to come",
        "82 7e012c 00",
    ),
    (
        "70 000 octets: the length takes eight octets more",
        "82 7f0000000000011170",
    ),
    ("a header that isn't whole yet", "82 7e01"),
    ("wrong: a reserved bit", "c1 05 48656c6c6f"),
    (
        "wrong: a length in more octets than it needs",
        "82 7e0005 0102030405",
    ),
];

fn main() -> ExitCode {
    let arguments: String = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        for (what, stream) in STREAMS {
            println!("{what}\n  {stream}");
            // Some are wrong on purpose.
            let _ = print_stream(stream);
            println!();
        }
        return ExitCode::SUCCESS;
    }
    print_stream(&arguments)
}

fn print_stream(hex: &str) -> ExitCode {
    let Some(mut octets) = octets_from_hex(hex) else {
        eprintln!("that is no hex");
        return ExitCode::FAILURE;
    };
    match print_frames(&mut octets) {
        Ok(()) => ExitCode::SUCCESS,
        Err(violation) => {
            println!(
                "  {violation}; to be answered with a Close, {}",
                violation.close_code()
            );
            ExitCode::FAILURE
        }
    }
}

fn print_frames(octets: &mut [u8]) -> Result<(), Violation> {
    // Clients mask, servers don't (§5.1): a decoder has to know whose frames it reads. A proxy does; here
    // the first frame tells.
    let masked = octets.get(1).is_some_and(|second| second & 0x80 != 0);
    let receiver = if masked { Role::Server } else { Role::Client };
    let mut decoder = FrameDecoder::new(receiver);

    let mut at = 0;
    while let Some((header, length)) = decoder.decode_header(&octets[at..])? {
        print!(
            "  octet {at}: {:?}, {}, {} octets",
            header.opcode(),
            if header.fin() { "FIN" } else { "no FIN" },
            header.payload_len()
        );
        match header.key() {
            Some([a, b, c, d]) => print!(", masked with {a:02x}{b:02x}{c:02x}{d:02x}"),
            None => print!(", not masked"),
        }
        at += length;
        // Unmasks in place what there is of the payload. A proxy would do this with each piece as it
        // comes, or not at all and pass it on as it is.
        let count = decoder.decode_payload(&mut octets[at..]);
        println!(", \"{}\"", octets[at..at + count].escape_ascii());
        at += count;
        if decoder.remaining() > 0 {
            println!("  {} octets of it are yet to come", decoder.remaining());
            return Ok(());
        }
    }
    if at < octets.len() {
        println!("  octet {at}: a header that isn't whole");
    }
    Ok(())
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
