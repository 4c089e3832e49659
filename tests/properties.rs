//! What holds for any input: round trips, one way to write a header, cuts that don't show, ends that agree.
#![cfg(feature = "alloc")]

mod common;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use common::frames::{self, Frame, whole_frames};
use common::fuzz_bodies::{self, judge};
use common::trace::{Mode, Seen, Setup, run, run_every_way};
use common::{KEY, Keys, Tx};
use websocket_proto::frame::{Expect, Header};
use websocket_proto::utf8::Utf8Validator;
use websocket_proto::{
    CloseCode, Config, Connection, MessageKind, Opcode, RecvBuffer, Role, SendBuffer, Side,
};

/// What an end is told to send.
#[derive(Clone, Debug)]
enum Command {
    Text(String),
    Binary(Vec<u8>),
    /// A message in parts, with a control frame between each two.
    Parts(MessageKind, Vec<Vec<u8>>),
    /// The same through `send_apart`.
    Apart(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

fn command() -> impl Strategy<Value = Command> {
    let octets = || {
        prop_oneof![
            4 => vec(any::<u8>(), 0..40),
            1 => vec(any::<u8>(), 120..132),
            1 => (65_530_usize..65_542, any::<u8>()).prop_map(|(length, octet)| vec![octet; length]),
        ]
    };
    let small = || vec(any::<u8>(), 0..=125);
    let cut_text = (".{0,20}", vec(any::<Index>(), 0..4)).prop_map(|(text, cuts)| {
        // Anywhere, in the middle of a code point too.
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        places.extend([0, text.len()]);
        places.sort_unstable();
        let parts = places
            .windows(2)
            .map(|ends| text.as_bytes()[ends[0]..ends[1]].to_vec());
        Command::Parts(MessageKind::Text, parts.collect())
    });
    prop_oneof![
        ".{0,60}".prop_map(Command::Text),
        "[a-z ]{0,300}".prop_map(Command::Text),
        octets().prop_map(Command::Binary),
        cut_text,
        vec(vec(any::<u8>(), 0..30), 1..5)
            .prop_map(|parts| Command::Parts(MessageKind::Binary, parts)),
        octets().prop_map(Command::Apart),
        small().prop_map(Command::Ping),
        small().prop_map(Command::Pong),
    ]
}

/// Sends it all, and says what the other end has to see.
fn send<S: Side>(mut ws: Connection<S>, commands: &[Command], code: u16) -> (Vec<u8>, Vec<Seen>) {
    let mut tx: Tx = SendBuffer::new();
    let mut wire = Vec::new();
    let mut expected = Vec::new();
    for command in commands {
        match command {
            Command::Text(text) => {
                ws.send_text(text, &mut tx).unwrap();
                expected.push(Seen::Text(text.clone()));
            }
            Command::Binary(octets) => {
                ws.send_binary(octets, &mut tx).unwrap();
                expected.push(Seen::Binary(octets.clone()));
            }
            Command::Parts(kind, parts) => {
                ws.begin_message(*kind).unwrap();
                let (last, others) = parts.split_last().unwrap();
                for part in others {
                    ws.write_part(part, &mut tx).unwrap();
                    ws.send_pong(b"between", &mut tx).unwrap();
                    expected.push(Seen::Pong(b"between".to_vec()));
                }
                ws.end_message(last, &mut tx).unwrap();
                expected.push(match kind {
                    MessageKind::Text => Seen::Text(String::from_utf8(parts.concat()).unwrap()),
                    MessageKind::Binary => Seen::Binary(parts.concat()),
                });
            }
            Command::Apart(octets) => {
                let mut payload = octets.clone();
                let header = ws.send_apart(MessageKind::Binary, &mut payload).unwrap();
                // One vectored write: what waits, the header, the payload.
                wire.extend(tx.octets());
                tx.clear();
                wire.extend(header.as_ref());
                wire.extend(payload);
                expected.push(Seen::Binary(octets.clone()));
            }
            Command::Ping(payload) => {
                ws.send_ping(payload, &mut tx).unwrap();
                expected.push(Seen::Ping(payload.clone()));
            }
            Command::Pong(payload) => {
                ws.send_pong(payload, &mut tx).unwrap();
                expected.push(Seen::Pong(payload.clone()));
            }
        }
    }
    ws.close(CloseCode::from(code), "the end", &mut tx).unwrap();
    wire.extend(tx.octets());
    expected.push(Seen::Close(code, "the end".into()));
    (wire, expected)
}

/// The input in pieces of these lengths, over and over.
fn pieces<'a>(input: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = input;
    let mut pieces = Vec::new();
    for &length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, more) = rest.split_at(length.clamp(1, rest.len()));
        pieces.push(piece);
        rest = more;
    }
    pieces
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    let length = prop_oneof![1_usize..4, 1_usize..200, 1_usize..100_000];
    vec(length, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    // RFC 6455 §5.4-2, §5.4-4, §5.4-5, §6.1-4, §6.1-5, §6.1-6, §6.2-1, §6.2-5
    #[test]
    fn what_one_end_sends_the_other_sees_however_it_is_cut(
        commands in vec(command(), 0..12),
        code in 3000_u16..5000,
        lengths in lengths(),
        from_client: bool,
        chunks: bool,
    ) {
        let (wire, expected) = if from_client {
            let mut next = 0_u32;
            let keys = move || {
                next = next.wrapping_mul(0x9E37_79B1).wrapping_add(0x7F4A_7C15);
                next.to_be_bytes()
            };
            send(Connection::open_client(Config::new(), keys), &commands, code)
        } else {
            send(Connection::open_server(Config::new()), &commands, code)
        };
        let role = if from_client { Role::Server } else { Role::Client };
        let mode = if chunks { Mode::Chunks } else { Mode::Whole };
        let mut setup = Setup::open(role);
        setup.eof = true;
        let (trace, _) = run(&setup, RecvBuffer::new(), mode, &pieces(&wire, &lengths));
        prop_assert_eq!(trace.error, None);
        prop_assert_eq!(&trace.events, &expected);

        // The answers: the Pongs, and the same Close. None was written before the end.
        let pings: Vec<&Vec<u8>> = commands
            .iter()
            .filter_map(|command| match command {
                Command::Ping(payload) => Some(payload),
                _ => None,
            })
            .collect();
        let mut answers: Vec<Frame> = whole_frames(&trace.output);
        prop_assert_eq!(answers.pop().unwrap().close_code(), code);
        prop_assert!(answers.iter().all(|pong| pong.first == 0x8A));
        let pongs: Vec<&Vec<u8>> = answers.iter().map(|pong| &pong.payload).collect();
        let header = if from_client { 2 } else { 6 };
        let octets: usize = pings.iter().map(|payload| header + payload.len()).sum();
        let answered = if octets <= 256 { &pings[..] } else { &pings[pings.len() - 1..] };
        prop_assert_eq!(pongs, answered);
    }

    // RFC 6455 §5.1-1, §5.1-3
    #[test]
    fn rule_20_what_is_written_is_masked_by_clients_alone(commands in vec(command(), 1..6)) {
        let (wire, _) = send(Connection::open_client(Config::new(), (|| KEY) as Keys), &commands, 3000);
        prop_assert!(whole_frames(&wire).iter().all(|frame| frame.key == Some(KEY)));
        let (wire, _) = send(Connection::open_server(Config::new()), &commands, 3000);
        prop_assert!(whole_frames(&wire).iter().all(|frame| frame.key.is_none()));
    }

    // RFC 6455 §10.7-1
    #[test]
    fn rule_51_any_octets_look_the_same_however_they_are_cut(
        data in vec(any::<u8>(), 2..200),
        frames: bool,
        as_server: bool,
    ) {
        let role = if as_server { Role::Server } else { Role::Client };
        let mut setup = Setup::open(role);
        setup.config = Config::new().with_max_message_size(400).with_max_fragments(10);
        setup.eof = data[0] & 1 != 0;
        let input = if frames { fuzz_bodies::frames_from(role, &data) } else { data };
        run_every_way(&setup, &input[..input.len().min(250)], true);
    }

    #[test]
    fn rule_51_any_octets_behind_a_beginning_that_is_in_order(
        data in vec(any::<u8>(), 2..120),
        as_server: bool,
    ) {
        let body = if as_server { fuzz_bodies::server_session } else { fuzz_bodies::client_session };
        body(&data);
    }
}

/// Lengths of all classes, and those beside their limits.
fn length() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..=125_u64,
        126..=65_535_u64,
        65_536..=u64::MAX >> 1,
        prop::sample::select(vec![
            0,
            1,
            125,
            126,
            127,
            65_535,
            65_536,
            u64::from(u32::MAX),
            (1 << 32) + 5,
            (1 << 63) - 1
        ]),
        prop::sample::select(vec![1 << 63, u64::MAX]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    // RFC 6455 §5.2-1, §5.2-4, §5.2-5, §5.2-7, §5.3-1, §5.4-1, §5.5-1
    #[test]
    fn rule_21_a_header_is_written_as_the_plain_way_does_and_read_back(
        opcode in prop::sample::select(vec![0_u8, 1, 2, 8, 9, 10]),
        fin: bool,
        length in length(),
        key in prop::option::of(any::<[u8; 4]>()),
    ) {
        let opcode = Opcode::new(opcode).unwrap();
        let header = Header::new(fin, opcode, length);
        let legal = length >> 63 == 0 && (opcode.is_data() || fin && length <= 125);
        prop_assert_eq!(header.is_some(), legal);
        if let Some(header) = header {
            let header = header.with_key(key);
            let mut octets = [0xEE; 14];
            let written = header.encode(&mut octets);
            let first = opcode.value() | if fin { 0x80 } else { 0 };
            let plain = frames::header(first, key, length);
            prop_assert_eq!(&octets[..written], &plain[..]);
            prop_assert_eq!(header.encoded_len(), written);
            let expect = Expect { masked: key.is_some(), in_message: opcode == Opcode::CONTINUATION, reserved: 0 };
            prop_assert_eq!(Header::parse(&plain, expect), Ok(Some((header, written))));
            for end in 0..written {
                prop_assert_eq!(Header::parse(&plain[..end], expect), Ok(None), "{} octets", end);
            }
        }
    }

    // RFC 6455 §5.2-2, §5.2-3, §5.2-4, §5.2-5, §5.5-1
    #[test]
    fn rule_21_any_octets_are_judged_as_by_the_plain_way_and_as_early(
        mut octets in vec(any::<u8>(), 0..16),
        long in prop::option::of((any::<bool>(), any::<bool>(), length(), 0..3_u8)),
        masked: bool,
        in_message: bool,
    ) {
        if let (Some((wide, fin, length, kind)), [first, second, rest @ ..]) = (long, &mut octets[..]) {
            // Something that gets as far as the length.
            *first = kind | if fin { 0x80 } else { 0 };
            *second = if wide { 127 } else { 126 } | if masked { 0x80 } else { 0 };
            let shown = if wide { length.to_be_bytes().to_vec() } else { (length as u16).to_be_bytes().to_vec() };
            for (octet, shown) in rest.iter_mut().zip(shown) {
                *octet = shown;
            }
        }
        let expect = Expect { masked, in_message, reserved: 0 };
        for end in 0..=octets.len() {
            let parsed = Header::parse(&octets[..end], expect);
            prop_assert_eq!(parsed.map(|found| found.map(|(_, length)| length)), judge(&octets[..end], expect), "{:02x?}", &octets[..end]);
        }
    }

    #[test]
    fn rule_12_any_head_is_judged_without_a_panic(data in vec(any::<u8>(), 0..200)) {
        fuzz_bodies::request_head(&data);
        fuzz_bodies::response_head(&data);
    }

    #[test]
    fn rule_12_a_head_in_order_that_is_spoilt_is_judged_without_a_panic(
        changes in vec((any::<Index>(), any::<u8>()), 0..4),
        request: bool,
    ) {
        let mut data = vec![64];
        data.extend(if request { common::request_with("Origin: https://a\r\n") } else { common::answer_with("A: b\r\n") });
        for (place, octet) in changes {
            let at = 1 + place.index(data.len() - 1);
            data[at] = octet;
        }
        if request { fuzz_bodies::request_head(&data) } else { fuzz_bodies::response_head(&data) }
    }

    #[test]
    fn rule_16_any_url_that_is_parsed_makes_a_request_in_order(
        url in prop_oneof![".{0,40}", "(ws|wss|HTTP)://[a-zA-Z0-9.:@%\\[\\]_-]{1,16}[/?#]?[ -~]{0,12}"],
    ) {
        fuzz_bodies::url(url.as_bytes());
    }

    #[test]
    fn rule_29_texts_in_pieces_are_judged_as_by_the_library(
        cut: u8,
        data in prop_oneof![vec(any::<u8>(), 0..80), ".{0,60}".prop_map(String::into_bytes)],
        spoilt in prop::option::of((any::<Index>(), any::<u8>())),
    ) {
        let mut data = [&[cut][..], &data].concat();
        if let Some((place, octet)) = spoilt {
            let at = place.index(data.len());
            data[at] = octet;
        }
        fuzz_bodies::utf8(&data);
    }

    #[test]
    fn rule_29_texts_are_judged_as_by_the_library_at_every_cut(
        text in ".{0,24}",
        spoilt in prop::option::of((any::<Index>(), any::<u8>())),
    ) {
        let mut octets = text.into_bytes();
        if let (Some((place, octet)), false) = (spoilt, octets.is_empty()) {
            let at = place.index(octets.len());
            octets[at] = octet;
        }
        let judged = std::str::from_utf8(&octets);
        // What can't become UTF-8 whatever follows; what is cut off at the end could.
        let possible = judged.err().is_none_or(|fault| fault.error_len().is_none());
        for cut in 0..=octets.len() {
            let (one, two) = octets.split_at(cut);
            let mut validator = Utf8Validator::new();
            let fine = validator.validate(one).is_ok() && validator.validate(two).is_ok();
            prop_assert_eq!(fine, possible, "cut at {}", cut);
            if fine {
                prop_assert_eq!(validator.is_complete(), judged.is_ok(), "cut at {}", cut);
            }
        }
    }

    #[test]
    fn rule_36_a_pair_of_ends_comes_to_one_outcome_each_and_they_agree(
        script in vec(any::<u8>(), 0..160),
    ) {
        fuzz_bodies::operations(&script);
    }

    #[test]
    fn rule_36_a_pair_that_was_opened_comes_to_one_outcome_each(
        head in vec(any::<u8>(), 12),
        script in vec(prop_oneof![4 => any::<u8>(), 1 => Just(12_u8), 1 => Just(10_u8)], 0..120),
    ) {
        // Deadlines far away, and time for the handshake.
        let mut data = head;
        for slow in [1, 2, 4, 5, 6, 7, 9, 10] {
            data[slow] |= 0xF0;
        }
        data.extend([12; 6]);
        data.extend(script);
        fuzz_bodies::operations(&data);
    }
}
