//! What is told in words: which fault has which code, status, section and text, and that nothing which is
//! printed gives a secret away.
#![cfg(feature = "alloc")]

mod common;

use std::collections::BTreeSet;
use std::error::Error as _;

use common::{KEY, Keys, answer_with, connecting_client, open_client, request_with};
use websocket_proto::handshake::{ClientRequest, DeflateParameters, Request, Response};
use websocket_proto::{
    Close, CloseCode, Config, Connection, Error, Event, MessageKind, Misuse, Opcode, RecvBuffer,
    RequestFault, ResponseFault, Role, SendBuffer, UrlFault, Violation, buffer, utf8,
};

/// Violation, close code, status (0 for none) and text, with the section at its end.
const VIOLATIONS: [(Violation, u16, u16, &str); 43] = [
    (
        Violation::UnmaskedFrame,
        1002,
        0,
        "unmasked frame from a client (RFC 6455 §5.1)",
    ),
    (
        Violation::MaskedFrame,
        1002,
        0,
        "masked frame from a server (RFC 6455 §5.1)",
    ),
    (
        Violation::ReservedBits,
        1002,
        0,
        "reserved bit set (RFC 6455 §5.2)",
    ),
    (
        Violation::ReservedOpcode,
        1002,
        0,
        "reserved opcode (RFC 6455 §5.2)",
    ),
    (
        Violation::LengthNotMinimal,
        1002,
        0,
        "payload length not minimal (RFC 6455 §5.2)",
    ),
    (
        Violation::LengthOverflow,
        1002,
        0,
        "payload length over 2^63-1 (RFC 6455 §5.2)",
    ),
    (
        Violation::ControlTooLong,
        1002,
        0,
        "control frame over 125 octets (RFC 6455 §5.5)",
    ),
    (
        Violation::ControlFragmented,
        1002,
        0,
        "fragmented control frame (RFC 6455 §5.5)",
    ),
    (
        Violation::UnexpectedContinuation,
        1002,
        0,
        "continuation without a message (RFC 6455 §5.4)",
    ),
    (
        Violation::ExpectedContinuation,
        1002,
        0,
        "new message within a message (RFC 6455 §5.4)",
    ),
    (
        Violation::InvalidUtf8,
        1007,
        0,
        "text is not UTF-8 (RFC 6455 §8.1)",
    ),
    (
        Violation::CorruptDeflate,
        1007,
        0,
        "corrupt compressed message (RFC 7692 §7.2.2)",
    ),
    (
        Violation::CloseTruncated,
        1002,
        0,
        "close payload of one octet (RFC 6455 §5.5.1)",
    ),
    (
        Violation::CloseCodeInvalid(999),
        1002,
        0,
        "invalid close code 999 (RFC 6455 §7.4)",
    ),
    (
        Violation::CloseReasonNotUtf8,
        1007,
        0,
        "close reason is not UTF-8 (RFC 6455 §5.5.1)",
    ),
    (
        Violation::MessageTooBig,
        1009,
        0,
        "message too big (RFC 6455 §10.4)",
    ),
    (
        Violation::TooManyFragments,
        1008,
        0,
        "too many fragments (RFC 6455 §10.4)",
    ),
    (
        Violation::PongTimeout,
        1011,
        0,
        "no pong in time (RFC 6455 §5.5.2)",
    ),
    (
        Violation::HandshakeTimeout,
        1006,
        408,
        "opening handshake not finished in time (RFC 6455 §4)",
    ),
    (
        Violation::Request(RequestFault::Malformed),
        1006,
        400,
        "malformed HTTP request (RFC 9112 §2.2)",
    ),
    (
        Violation::Request(RequestFault::RequestLineTooLong),
        1006,
        414,
        "request line too long (RFC 9110 §15.5.15)",
    ),
    (
        Violation::Request(RequestFault::HeadTooLarge),
        1006,
        431,
        "request head too large (RFC 6585 §5)",
    ),
    (
        Violation::Request(RequestFault::TooManyFields),
        1006,
        431,
        "too many header fields (RFC 6585 §5)",
    ),
    (
        Violation::Request(RequestFault::Method),
        1006,
        405,
        "method is not GET (RFC 6455 §4.2.1)",
    ),
    (
        Violation::Request(RequestFault::HttpVersion),
        1006,
        505,
        "HTTP version is not 1.1 (RFC 6455 §4.2.1)",
    ),
    (
        Violation::Request(RequestFault::Host),
        1006,
        400,
        "missing, repeated or illegal Host (RFC 6455 §4.2.1)",
    ),
    (
        Violation::Request(RequestFault::Body),
        1006,
        400,
        "a WebSocket request has no body (RFC 9112 §2.2)",
    ),
    (
        Violation::Request(RequestFault::NotAnUpgrade),
        1006,
        426,
        "this is a WebSocket endpoint (RFC 6455 §4.2.1)",
    ),
    (
        Violation::Request(RequestFault::Connection),
        1006,
        400,
        "Connection does not list Upgrade (RFC 6455 §4.2.1)",
    ),
    (
        Violation::Request(RequestFault::Key),
        1006,
        400,
        "missing, repeated or illegal Sec-WebSocket-Key (RFC 6455 §4.2.1)",
    ),
    (
        Violation::Request(RequestFault::WebSocketVersion),
        1006,
        426,
        "Sec-WebSocket-Version is not 13 (RFC 6455 §4.4)",
    ),
    (
        Violation::Request(RequestFault::List),
        1006,
        400,
        "illegal Sec-WebSocket-Protocol or Sec-WebSocket-Extensions (RFC 6455 §11.3)",
    ),
    (
        Violation::Response(ResponseFault::Malformed),
        1006,
        0,
        "malformed HTTP response (RFC 9112 §2.2)",
    ),
    (
        Violation::Response(ResponseFault::HeadTooLarge),
        1006,
        0,
        "response head too large (RFC 6455 §4.1)",
    ),
    (
        Violation::Response(ResponseFault::TooManyFields),
        1006,
        0,
        "too many header fields (RFC 6455 §4.1)",
    ),
    (
        Violation::Response(ResponseFault::Truncated),
        1006,
        0,
        "the stream ended within the response (RFC 9112 §2.2)",
    ),
    (
        Violation::Response(ResponseFault::Status(503)),
        1006,
        0,
        "the server answered with status 503 (RFC 6455 §4.1)",
    ),
    (
        Violation::Response(ResponseFault::Upgrade),
        1006,
        0,
        "missing, repeated or illegal Upgrade (RFC 6455 §4.1)",
    ),
    (
        Violation::Response(ResponseFault::Connection),
        1006,
        0,
        "Connection does not list Upgrade (RFC 6455 §4.1)",
    ),
    (
        Violation::Response(ResponseFault::Accept),
        1006,
        0,
        "missing, repeated or wrong Sec-WebSocket-Accept (RFC 6455 §4.1)",
    ),
    (
        Violation::Response(ResponseFault::Subprotocol),
        1006,
        0,
        "the server chose a subprotocol that was not offered (RFC 6455 §4.1)",
    ),
    (
        Violation::Response(ResponseFault::Extension),
        1006,
        0,
        "the server chose an extension that was not offered (RFC 6455 §4.1)",
    ),
    (
        Violation::Response(ResponseFault::Deflate),
        1006,
        0,
        "the server's parameters of permessage-deflate don't suit the offer (RFC 6455 §4.1)",
    ),
];

#[test]
fn each_violation_has_its_code_its_status_and_its_text() {
    for (violation, code, status, text) in VIOLATIONS {
        assert_eq!(
            violation.close_code(),
            CloseCode::new(code),
            "{violation:?}"
        );
        assert_eq!(violation.status().unwrap_or(0), status, "{violation:?}");
        assert_eq!(violation.to_string(), text);
        assert!(text.ends_with(&format!("({})", violation.section())));
        assert!(violation.reason().len() <= 123, "it fits a Close");
        assert!(violation.source().is_none());
        assert_eq!(Error::from(violation).to_string(), text);
    }
}

/// The column of the table in `docs/contract.md` that says what the peer is told.
#[test]
fn what_the_contract_says_of_violations_is_so() {
    let contract = include_str!("../docs/contract.md");
    for (violation, code, ..) in VIOLATIONS {
        if code == 1006 {
            continue;
        }
        let name = format!("{violation:?}");
        let name = name.split('(').next().unwrap();
        let row = contract
            .lines()
            .find(|line| line.starts_with("| `") && line.contains(&format!("`{name}`")));
        let row = row.unwrap_or_else(|| panic!("{name} has no row"));
        assert!(row.contains(&format!("| {code} |")), "{name}: {row}");
    }
}

#[test]
fn each_misuse_says_what_it_is() {
    let urls = [
        (UrlFault::Scheme, "scheme"),
        (UrlFault::NeedsTls, "TLS"),
        (UrlFault::Host, "host"),
        (UrlFault::Port, "port"),
        (UrlFault::UserInfo, "password"),
        (UrlFault::Target, "percent-encoding"),
        (UrlFault::Fragment, "fragment"),
    ];
    let others = [
        (Misuse::NotOpen, "isn't finished"),
        (Misuse::Closing, "closing or closed"),
        (Misuse::ControlTooLong, "125 octets"),
        (Misuse::CloseCode, "close code"),
        (Misuse::SendBufferFull, "full"),
        (Misuse::MessageInProgress, "in parts"),
        (Misuse::NoMessage, "no message"),
        (Misuse::InvalidUtf8, "UTF-8"),
        (Misuse::NoRequest, "no request"),
        (Misuse::NotAnUpgrade, "no WebSocket request"),
        (Misuse::Status, "status"),
        (Misuse::Field, "header field"),
        (Misuse::Host, "illegal host"),
        (Misuse::Target, "target"),
        (Misuse::Subprotocol, "subprotocol"),
    ];
    let mut texts = BTreeSet::new();
    for (misuse, says) in others {
        let text = misuse.to_string();
        assert!(text.contains(says), "{text}");
        assert_eq!(Error::from(misuse).to_string(), text);
        assert!(texts.insert(text), "{misuse:?} has a text of its own");
    }
    for (fault, says) in urls {
        let text = fault.to_string();
        assert!(text.contains(says), "{text}");
        assert_eq!(Misuse::from(fault), Misuse::Url(fault));
        assert_eq!(Misuse::Url(fault).to_string(), text);
        assert!(texts.insert(text), "{fault:?} has a text of its own");
    }
    assert_eq!(buffer::Full.to_string(), "the buffer is full");
    assert_eq!(utf8::InvalidUtf8.to_string(), "not UTF-8");
}

#[test]
fn close_codes_are_shown_with_their_names() {
    for (code, shown) in [
        (CloseCode::NORMAL, "1000 (normal closure)"),
        (CloseCode::GOING_AWAY, "1001 (going away)"),
        (CloseCode::PROTOCOL_ERROR, "1002 (protocol error)"),
        (CloseCode::UNSUPPORTED_DATA, "1003 (unsupported data)"),
        (CloseCode::new(1004), "1004"),
        (CloseCode::NO_STATUS, "1005 (no status received)"),
        (CloseCode::ABNORMAL, "1006 (abnormal closure)"),
        (
            CloseCode::INVALID_PAYLOAD,
            "1007 (invalid frame payload data)",
        ),
        (CloseCode::POLICY_VIOLATION, "1008 (policy violation)"),
        (CloseCode::MESSAGE_TOO_BIG, "1009 (message too big)"),
        (CloseCode::EXTENSION_REQUIRED, "1010 (mandatory extension)"),
        (CloseCode::INTERNAL_ERROR, "1011 (internal error)"),
        (CloseCode::SERVICE_RESTART, "1012 (service restart)"),
        (CloseCode::TRY_AGAIN_LATER, "1013 (try again later)"),
        (CloseCode::BAD_GATEWAY, "1014 (bad gateway)"),
        (CloseCode::TLS_HANDSHAKE, "1015 (TLS handshake)"),
        (CloseCode::new(4000), "4000"),
    ] {
        assert_eq!(code.to_string(), shown);
        assert_eq!(format!("{code:?}"), shown);
        assert_eq!(CloseCode::from(u16::from(code)), code);
    }
    for (code, free) in [(2999, false), (3000, true), (4999, true), (5000, false)] {
        assert_eq!(CloseCode::new(code).is_application(), free, "{code}");
    }
    let close = Close {
        code: CloseCode::NORMAL,
        reason: "bye",
    };
    assert!(format!("{close:?}").contains("bye"));
}

#[test]
fn opcodes_are_shown_by_name() {
    let shown: Vec<String> = (0..16)
        .filter_map(Opcode::new)
        .map(|opcode| format!("{opcode:?}"))
        .collect();
    assert_eq!(
        shown,
        ["CONTINUATION", "TEXT", "BINARY", "CLOSE", "PING", "PONG"]
    );
    assert_eq!(MessageKind::Text.opcode(), Opcode::TEXT);
    assert_eq!(MessageKind::Binary.opcode(), Opcode::BINARY);
}

#[test]
fn what_is_printed_of_a_connection_and_its_heads_gives_no_secret_away() {
    let fields = [("Authorization", "Bearer secret"), ("Cookie", "id=secret")];
    let request =
        ClientRequest::new("example.com", "/chat", *b"secret secret :)").with_fields(&fields);
    let shown = format!("{request:?}");
    assert!(
        shown.contains("example.com") && shown.contains("/chat"),
        "{shown}"
    );
    assert!(
        !shown.contains("secret") && !shown.contains("115, 101"),
        "{shown}"
    );

    let keys: Keys = || KEY;
    let mut tx: SendBuffer<Vec<u8>> = SendBuffer::new();
    let ws = Connection::client(&request, Config::new(), keys, &mut tx).unwrap();
    let shown = format!("{ws:?}");
    assert!(
        shown.contains("Client") && shown.contains("Connecting"),
        "{shown}"
    );
    assert!(
        !shown.contains("secret") && !shown.contains("0x"),
        "{shown}"
    );

    let head = request_with("Cookie: id=secret\r\n");
    let request = Request::parse(&head).unwrap();
    assert!(!format!("{request:?}").contains("secret"));
    let head = answer_with("Set-Cookie: id=secret\r\n");
    let response = Response::parse(&head).unwrap().with_body(b"secret");
    let shown = format!("{response:?}");
    assert!(
        shown.contains("101") && !shown.contains("secret"),
        "{shown}"
    );

    let agreed = format!("{:?}", DeflateParameters::default());
    assert!(agreed.contains("server_max_window_bits: 15"), "{agreed}");
    assert!(agreed.contains("client_context_takeover: true"), "{agreed}");

    let (mut ws, mut rx) = (open_client(Config::new()), RecvBuffer::new());
    rx.extend(b"\x8A\x06secret").unwrap();
    let ready = ws.poll_ready(&mut rx, &mut tx).unwrap().unwrap();
    let shown = format!("{ready:?}");
    assert!(
        shown.contains("Ready(Pong") && !shown.contains("secret"),
        "{shown}"
    );
}

#[test]
fn a_client_can_read_the_fields_of_the_answer_that_let_it_in() {
    let (mut ws, mut rx, mut tx) = connecting_client(Config::default(), &[]);
    assert_eq!(ws.role(), Role::Client);
    rx.extend(&answer_with("Server: a\r\nX-B: c\r\n")).unwrap();
    let Some(Event::HandshakeDone(done)) = ws.poll(&mut rx, &mut tx).unwrap() else {
        panic!("it is open");
    };
    assert_eq!((done.subprotocol(), done.deflate()), (None, None));
    assert_eq!(done.field("x-b"), Some(&b"c"[..]));
    assert_eq!(done.field("x-c"), None);
    assert_eq!(done.fields().count(), 5);
    // A connection that starts open has had its handshake elsewhere, and has no word of it.
    let mut ws = open_client(Config::default());
    assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
    assert!(ws.response(&rx).is_none());
}

#[test]
fn storages_of_fixed_size_give_nothing_back_and_say_how_much_they_hold() {
    let mut rx = RecvBuffer::with_storage([0; 64]);
    rx.extend(b"held").unwrap();
    assert_eq!((rx.capacity(), rx.len()), (64, 4));
    let mut other = RecvBuffer::with_storage([0; 3]);
    assert_eq!(rx.transfer(&mut other), Err(buffer::Full));
    assert_eq!(rx.len(), 4, "it stays where it was");
    let mut tx = SendBuffer::with_storage([0; 64]);
    tx.extend(b"waits").unwrap();
    assert_eq!(
        (tx.capacity(), tx.octets(), tx.len()),
        (64, &b"waits"[..], 5)
    );
    assert_eq!(tx.pieces().collect::<Vec<_>>(), [b"waits"]);
    assert_eq!(tx.extend(&[0; 60]), Err(buffer::Full));
    assert_eq!(tx.len(), 5);
}
