//! Rules that no vector can express: what a caller does, what it is told, and what time does.
#![cfg(feature = "alloc")]

mod common;

use std::time::Duration;

use common::frames::{self, to_client, to_server, whole_frames};
use common::{
    FORBIDDEN, KEY, NONCE, Rx, Tx, answer_with, connecting_client, drain, in_words, open_client,
    open_server, request_with,
};
use websocket_proto::adapter::{Driver, Step};
use websocket_proto::handshake::{Accept, ClientRequest, Rejection};
use websocket_proto::{
    CloseCode, Config, Connection, Event, Initiator, Instant, MessageKind, Misuse, Opcode,
    ReadyState, RecvBuffer, ResponseFault, SendBuffer, Side, State, Transport, Violation,
};

fn buffers() -> (Rx, Tx) {
    (RecvBuffer::new(), SendBuffer::new())
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

const fn seconds(count: u64) -> Option<Duration> {
    Some(Duration::from_secs(count))
}

/// A Close frame as a server sends it.
fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    to_client(0x88, &frames::close_payload(code, reason))
}

// ---- opening -------------------------------------------------------------------------------------

// RFC 6455 §4.2.2-4, §4.4-1
#[test]
fn rule_04_a_wrong_version_is_answered_426_with_the_version_that_is_spoken() {
    let (mut rx, mut tx) = buffers();
    let mut ws = Connection::server(Config::new());
    let request = String::from_utf8(request_with(""))
        .unwrap()
        .replace("Version: 13", "Version: 8");
    rx.extend(request.as_bytes()).unwrap();
    assert!(drain(&mut ws, &mut rx, &mut tx).1.is_some());
    let told = str::from_utf8(tx.octets()).unwrap();
    assert!(told.starts_with("HTTP/1.1 426 "), "{told}");
    assert!(told.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{told}");
}

#[test]
fn rule_06_the_subprotocol_that_the_server_names_is_echoed_and_told_to_both() {
    let (mut server_rx, mut server_tx) = buffers();
    let mut server = Connection::server(Config::new());
    let (mut client, mut client_rx, mut client_tx) =
        connecting_client(Config::new(), &["chat.v1", "chat.v2"]);

    server_rx
        .extend(&request_with(
            "Sec-WebSocket-Protocol: chat.v1, chat.v2\r\n",
        ))
        .unwrap();
    let Some(Event::Request(request)) = server.poll(&mut server_rx, &mut server_tx).unwrap() else {
        panic!("no request")
    };
    let accept = Accept::new().with_subprotocol("chat.v2");
    server.accept(&request, &accept, &mut server_tx).unwrap();
    assert_eq!(
        drain(&mut server, &mut server_rx, &mut server_tx).0,
        ["open chat.v2"]
    );
    client_rx.extend(server_tx.octets()).unwrap();
    assert_eq!(
        drain(&mut client, &mut client_rx, &mut client_tx).0,
        ["open chat.v2"]
    );
}

#[test]
fn rule_07_a_server_may_send_right_after_it_has_accepted() {
    let (mut rx, mut tx) = buffers();
    let mut ws = Connection::server(Config::new());
    rx.extend(&request_with("")).unwrap();
    let Some(Event::Request(request)) = ws.poll(&mut rx, &mut tx).unwrap() else {
        panic!("no request")
    };
    assert_eq!(ws.send_text("too early", &mut tx), Err(Misuse::NotOpen));
    assert!(tx.is_empty());
    ws.accept(&request, &Accept::new(), &mut tx).unwrap();
    ws.send_text("at once", &mut tx).unwrap();
    let head = answer_with("");
    assert_eq!(tx.octets()[..head.len()], head);
    assert_eq!(tx.octets()[head.len()..], to_client(0x81, b"at once"));

    let (mut client, mut client_rx, mut client_tx) = connecting_client(Config::new(), &[]);
    client_rx.extend(tx.octets()).unwrap();
    let (seen, _) = drain(&mut client, &mut client_rx, &mut client_tx);
    assert_eq!(seen, ["open", "text at once"]);
}

#[test]
fn rule_07_a_request_comes_again_until_it_is_answered_and_what_stands_behind_it_is_kept() {
    let (mut rx, mut tx) = buffers();
    let mut ws = Connection::server(Config::new());
    rx.extend(&[request_with(""), to_server(0x81, b"early")].concat())
        .unwrap();
    for _ in 0..3 {
        assert!(matches!(
            ws.poll(&mut rx, &mut tx),
            Ok(Some(Event::Request(_)))
        ));
    }
    let Some(Event::Request(request)) = ws.poll(&mut rx, &mut tx).unwrap() else {
        panic!("no request")
    };
    ws.accept(&request, &Accept::new(), &mut tx).unwrap();
    assert_eq!(
        ws.accept(&request, &Accept::new(), &mut tx),
        Err(Misuse::NoRequest)
    );
    assert_eq!(drain(&mut ws, &mut rx, &mut tx).0, ["open", "text early"]);
}

// RFC 6455 §4.2.2-3, §7.2.2-1
#[test]
fn rule_08_what_is_pipelined_behind_a_refused_request_is_discarded() {
    let (mut rx, mut tx) = buffers();
    let mut ws = Connection::server(Config::new());
    rx.extend(&[request_with(""), request_with(""), to_server(0x81, b"x")].concat())
        .unwrap();
    assert!(matches!(
        ws.poll(&mut rx, &mut tx),
        Ok(Some(Event::Request(_)))
    ));
    ws.reject(&FORBIDDEN, &mut tx).unwrap();
    let told = tx.octets().to_vec();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    assert!(rx.is_empty());
    rx.extend(&request_with("")).unwrap();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    assert!(rx.is_empty());
    assert_eq!(tx.octets(), told, "one answer and no other");
    assert_eq!(ws.transport(), Transport::ShutdownWrite);
    assert_eq!(ws.reject(&FORBIDDEN, &mut tx), Err(Misuse::NoRequest));
    assert_eq!(ws.send_text("x", &mut tx), Err(Misuse::Closing));
}

#[test]
fn rule_09_a_head_that_a_fixed_buffer_can_not_hold_is_answered_431() {
    let mut rx = RecvBuffer::with_storage([0; 128]);
    let mut tx = SendBuffer::new();
    let mut ws = Connection::server(Config::new());
    rx.extend(&request_with("")[..128]).unwrap();
    let error = ws.poll(&mut rx, &mut tx).unwrap_err();
    assert_eq!(error.status(), Some(431));
    assert!(tx.octets().starts_with(b"HTTP/1.1 431 "));
}

#[test]
fn rule_14_interim_answers_are_skipped_and_the_last_one_counts() {
    let (mut ws, mut rx, mut tx) = connecting_client(Config::new(), &[]);
    for _ in 0..3 {
        rx.extend(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            .unwrap();
        assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
        assert!(rx.is_empty());
    }
    rx.extend(&answer_with("")).unwrap();
    assert_eq!(
        drain(&mut ws, &mut rx, &mut tx),
        (vec!["open".to_owned()], None)
    );
}

#[test]
fn rule_14_the_answer_that_refused_is_at_hand_with_what_came_of_its_body() {
    let (mut ws, mut rx, mut tx) = connecting_client(Config::new(), &[]);
    assert!(ws.response(&rx).is_none());
    rx.extend(b"HTTP/1.1 403 No\r\nWhy: origin\r\nContent-Length: 9\r\n\r\nfor")
        .unwrap();
    let violation = Violation::Response(ResponseFault::Status(403));
    assert_eq!(drain(&mut ws, &mut rx, &mut tx).1, Some(violation));
    rx.extend(b"bidden").unwrap();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx).1, Some(violation));
    ws.handle_eof();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx).1, Some(violation));
    let response = ws.response(&rx).unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(response.field("why"), Some(&b"origin"[..]));
    assert_eq!(response.body(), b"forbidden");
    assert!(tx.is_empty(), "no Close frame before the handshake is over");
    let outcome = ws.outcome(&rx).unwrap();
    assert_eq!((outcome.code, outcome.clean), (CloseCode::ABNORMAL, false));
}

#[test]
fn rule_14_no_more_of_a_refusals_body_is_kept_than_a_head_may_have() {
    let config = Config::new().with_max_head_size(1000);
    let (mut ws, mut rx, mut tx) = connecting_client(config, &[]);
    rx.extend(b"HTTP/1.1 500 Oops\r\n\r\n").unwrap();
    for _ in 0..100 {
        rx.extend(&[b'x'; 1000]).unwrap();
        assert!(drain(&mut ws, &mut rx, &mut tx).1.is_some());
        assert!(rx.len() <= 2000);
    }
    assert_eq!(ws.response(&rx).unwrap().body(), [b'x'; 1000]);
}

#[test]
fn rule_17_a_request_that_is_not_in_order_writes_nothing() {
    let mut tx = Tx::new();
    let bad = [
        ClientRequest::new("a\r\nX: y", "/", NONCE),
        ClientRequest::new("a", "/ HTTP/1.1\r\nX: y", NONCE),
        ClientRequest::new("a", "/", NONCE).with_fields(&[("X", "y\r\nZ: z")]),
        ClientRequest::new("a", "/", NONCE).with_fields(&[("Host", "b")]),
        ClientRequest::new("a", "/", NONCE).with_subprotocols(&["a", "a"]),
        ClientRequest::new("a", "/", NONCE).with_origin("x\0"),
    ];
    for request in bad {
        assert!(Connection::client(&request, Config::new(), || KEY, &mut tx).is_err());
        assert!(tx.is_empty(), "{request:?}");
    }
}

#[test]
fn rule_18_the_nonce_that_was_given_is_the_key_that_is_sent() {
    for (nonce, key) in [
        (NONCE, "dGhlIHNhbXBsZSBub25jZQ=="),
        ([0; 16], "AAAAAAAAAAAAAAAAAAAAAA=="),
    ] {
        let mut tx = Tx::new();
        let request = ClientRequest::new("a", "/", nonce);
        Connection::client(&request, Config::new(), || KEY, &mut tx).unwrap();
        let line = format!("\r\nSec-WebSocket-Key: {key}\r\n");
        assert!(str::from_utf8(tx.octets()).unwrap().contains(&line));
    }
}

#[test]
fn rule_19_a_client_that_is_told_to_go_elsewhere_writes_nothing() {
    for head in [
        "HTTP/1.1 301 x\r\nLocation: /b\r\n\r\n",
        "HTTP/1.1 401 x\r\nWWW-Authenticate: Basic\r\n\r\n",
    ] {
        let (mut ws, mut rx, mut tx) = connecting_client(Config::new(), &[]);
        rx.extend(head.as_bytes()).unwrap();
        assert!(drain(&mut ws, &mut rx, &mut tx).1.is_some());
        assert!(tx.is_empty());
        assert_eq!(ws.state(), State::Failed);
    }
}

// RFC 6455 §5.1-1, §5.3-2, §6.1-7, §10.3-1
#[test]
fn rule_27_each_frame_of_a_client_takes_the_next_key() {
    let mut next = 0_u8;
    let keys = move || {
        next += 1;
        [next; 4]
    };
    let (mut rx, mut tx) = buffers();
    let mut ws = Connection::open_client(Config::new(), keys);
    ws.send_text("a", &mut tx).unwrap();
    ws.send_binary(&[7; 300], &mut tx).unwrap();
    ws.send_ping(b"p", &mut tx).unwrap();
    ws.begin_message(MessageKind::Text).unwrap();
    ws.write_part(b"b", &mut tx).unwrap();
    ws.end_message(b"", &mut tx).unwrap();
    rx.extend(&to_client(0x89, b"?")).unwrap();
    drain(&mut ws, &mut rx, &mut tx);
    let mut apart = *b"apart";
    let header = ws.send_apart(MessageKind::Text, &mut apart).unwrap();
    ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
    let keys: Vec<u8> = whole_frames(tx.octets())
        .iter()
        .map(|frame| frame.key.unwrap()[0])
        .collect();
    assert_eq!(keys, [1, 2, 3, 4, 5, 6, 8]);
    let frame = [header.as_ref(), &apart].concat();
    assert_eq!(frame, frames::frame(0x81, Some([7; 4]), b"apart"));
}

// RFC 6455 §5.1-3
#[test]
fn rule_27_a_server_masks_nothing() {
    let (_, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    ws.send_text("a", &mut tx).unwrap();
    ws.send_ping(b"", &mut tx).unwrap();
    ws.close_without_code(&mut tx).unwrap();
    assert!(
        whole_frames(tx.octets())
            .iter()
            .all(|frame| frame.key.is_none())
    );
}

#[test]
fn rule_33_a_close_without_a_code_is_an_empty_frame() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    ws.close_without_code(&mut tx).unwrap();
    assert_eq!(tx.octets(), to_client(0x88, b""));
    assert_eq!(ws.state(), State::CloseSent);
    assert_eq!(ws.close_without_code(&mut tx), Ok(()), "once");
    assert_eq!(tx.len(), 2);
    rx.extend(&to_server(0x88, b"")).unwrap();
    ws.handle_eof();
    drain(&mut ws, &mut rx, &mut tx);
    let outcome = ws.outcome(&rx).unwrap();
    assert_eq!((outcome.code, outcome.clean), (CloseCode::NO_STATUS, true));
    assert_eq!(outcome.initiator, Initiator::Local);
}

#[test]
fn a_client_takes_a_request_for_no_answer() {
    let (mut ws, mut rx, mut tx) = connecting_client(Config::new(), &[]);
    rx.extend(&request_with("")).unwrap();
    let (events, violation) = drain(&mut ws, &mut rx, &mut tx);
    assert!(events.is_empty(), "{events:?}");
    assert!(
        matches!(violation, Some(Violation::Response(_))),
        "{violation:?}"
    );
}

// ---- Ping, Pong, Close ---------------------------------------------------------------------------

// RFC 6455 §5.5.2-1
#[test]
fn rule_32_a_ping_behind_our_close_is_answered_and_messages_still_come() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
    assert_eq!(ws.state(), State::CloseSent);
    rx.extend(
        &[
            to_server(0x81, b"late"),
            to_server(0x89, b"p"),
            to_server(0x88, b""),
        ]
        .concat(),
    )
    .unwrap();
    let (seen, error) = drain(&mut ws, &mut rx, &mut tx);
    assert_eq!(
        (seen, error),
        (
            vec!["text late".into(), "ping p".into(), "close 1005 ".into()],
            None
        )
    );
    let expected = [close_frame(1000, ""), to_client(0x8A, b"p")].concat();
    assert_eq!(tx.octets(), expected, "no second Close");
    assert_eq!(ws.state(), State::CloseReceived);
}

// RFC 6455 §7.4.1-1, §7.4.1-2, §7.4.1-3
#[test]
fn rule_34_only_codes_that_may_stand_on_the_wire_are_sent() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
        let (_, mut tx) = buffers();
        let mut ws = open_server(Config::new());
        assert_eq!(
            ws.close(CloseCode::from(code), "", &mut tx),
            Err(Misuse::CloseCode),
            "{code}"
        );
        assert!(tx.is_empty());
        assert_eq!(ws.state(), State::Open);
    }
    for code in [1000, 1003, 1007, 1014, 3000, 4999] {
        let (_, mut tx) = buffers();
        let mut ws = open_server(Config::new());
        ws.close(CloseCode::from(code), "why", &mut tx).unwrap();
        assert_eq!(tx.octets(), close_frame(code, "why"));
    }
}

#[test]
fn rule_34_a_reason_has_at_most_123_octets() {
    let (_, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    let reason = "r".repeat(124);
    assert_eq!(
        ws.close(CloseCode::NORMAL, &reason, &mut tx),
        Err(Misuse::ControlTooLong)
    );
    let accented = format!("{}é", "r".repeat(122));
    assert_eq!(
        ws.close(CloseCode::NORMAL, &accented, &mut tx),
        Err(Misuse::ControlTooLong)
    );
    assert!(tx.is_empty());
    ws.close(CloseCode::NORMAL, &reason[..123], &mut tx)
        .unwrap();
    assert_eq!(tx.len(), 2 + 125);
}

#[test]
fn rule_35_at_most_one_close_is_sent_whatever_happens() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    ws.close(CloseCode::NORMAL, "first", &mut tx).unwrap();
    ws.close(CloseCode::GOING_AWAY, "second", &mut tx).unwrap();
    ws.close_without_code(&mut tx).unwrap();
    rx.extend(&[0x83]).unwrap();
    assert_eq!(
        drain(&mut ws, &mut rx, &mut tx).1,
        Some(Violation::ReservedOpcode)
    );
    ws.handle_timeout(at(1_000_000), &mut tx);
    ws.handle_eof();
    drain(&mut ws, &mut rx, &mut tx);
    assert_eq!(tx.octets(), close_frame(1000, "first"));
}

// RFC 6455 §5.5.1-3, §6.1-3
#[test]
fn rule_35_no_data_frame_is_sent_behind_a_close() {
    let (_, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    ws.begin_message(MessageKind::Binary).unwrap();
    ws.write_part(b"part", &mut tx).unwrap();
    ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
    let sent = tx.octets().to_vec();
    refuses_everything(&mut ws, &mut tx, Misuse::Closing);
    assert_eq!(tx.octets(), sent);
}

/// Every command that sends something.
fn refuses_everything<S: Side>(ws: &mut Connection<S>, tx: &mut Tx, misuse: Misuse) {
    assert_eq!(ws.send_text("x", tx), Err(misuse));
    assert_eq!(ws.send_binary(b"x", tx), Err(misuse));
    assert_eq!(ws.send_ping(b"x", tx), Err(misuse));
    assert_eq!(ws.send_pong(b"x", tx), Err(misuse));
    assert_eq!(ws.begin_message(MessageKind::Text), Err(misuse));
    assert_eq!(ws.write_part(b"x", tx), Err(misuse));
    assert_eq!(ws.end_message(b"x", tx), Err(misuse));
    let mut payload = *b"x";
    assert_eq!(
        ws.send_apart(MessageKind::Text, &mut payload).unwrap_err(),
        misuse
    );
    assert_eq!(payload, *b"x");
}

// RFC 6455 §7.1.2-1, §7.2.1-2
#[test]
fn rule_36_the_outcome_names_code_reason_cleanness_and_initiator() {
    // We close, the peer answers.
    let (mut rx, mut tx) = buffers();
    let mut ws = open_client(Config::new());
    ws.close(CloseCode::from(4001), "done", &mut tx).unwrap();
    rx.extend(&close_frame(4002, "fine")).unwrap();
    drain(&mut ws, &mut rx, &mut tx);
    assert!(ws.outcome(&rx).is_none(), "the transport is still open");
    ws.handle_eof();
    drain(&mut ws, &mut rx, &mut tx);
    let outcome = ws.outcome(&rx).unwrap();
    assert_eq!((outcome.code.value(), outcome.reason), (4002, "fine"));
    assert_eq!((outcome.clean, outcome.initiator), (true, Initiator::Local));

    // The peer closes.
    let (mut rx, mut tx) = buffers();
    let mut ws = open_client(Config::new());
    rx.extend(&close_frame(1001, "bye")).unwrap();
    drain(&mut ws, &mut rx, &mut tx);
    // Reading on must not cost the reason.
    for _ in 0..3 {
        rx.extend(&[0xFF; 5000]).unwrap();
        drain(&mut ws, &mut rx, &mut tx);
    }
    ws.handle_eof();
    drain(&mut ws, &mut rx, &mut tx);
    let outcome = ws.outcome(&rx).unwrap();
    assert_eq!((outcome.code.value(), outcome.reason), (1001, "bye"));
    assert_eq!((outcome.clean, outcome.initiator), (true, Initiator::Peer));

    // We close, and the peer goes without a word.
    let (mut rx, mut tx) = buffers();
    let mut ws = open_client(Config::new());
    ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
    ws.handle_eof();
    drain(&mut ws, &mut rx, &mut tx);
    let outcome = ws.outcome(&rx).unwrap();
    assert_eq!((outcome.code.value(), outcome.reason), (1006, ""));
    assert_eq!(
        (outcome.clean, outcome.initiator),
        (false, Initiator::Local)
    );
}

#[test]
fn rule_36_there_is_one_outcome_and_it_stays() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    rx.extend(&to_server(0x88, &frames::close_payload(1000, "once")))
        .unwrap();
    drain(&mut ws, &mut rx, &mut tx);
    ws.handle_eof();
    drain(&mut ws, &mut rx, &mut tx);
    let before = format!("{:?}", ws.outcome(&rx).unwrap());
    rx.extend(&to_server(0x88, &frames::close_payload(1001, "twice")))
        .unwrap();
    ws.handle_eof();
    ws.handle_timeout(at(99_999_999), &mut tx);
    ws.close(CloseCode::GOING_AWAY, "again", &mut tx).unwrap();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    assert_eq!(format!("{:?}", ws.outcome(&rx).unwrap()), before);
}

// RFC 6455 §5.5.1-5, §5.5.1-6
#[test]
fn rule_37_the_server_closes_the_transport_first() {
    // The peer's Close answered: the server shuts down, the client waits for that.
    let (mut rx, mut tx) = buffers();
    let mut server = open_server(Config::new());
    rx.extend(&to_server(0x88, b"")).unwrap();
    assert_eq!(server.transport(), Transport::Open);
    drain(&mut server, &mut rx, &mut tx);
    assert_eq!(server.transport(), Transport::ShutdownWrite);
    server.handle_eof();
    drain(&mut server, &mut rx, &mut tx);
    assert_eq!(server.transport(), Transport::Close);

    let (mut rx, mut tx) = buffers();
    let mut client = open_client(Config::new());
    client.close(CloseCode::NORMAL, "", &mut tx).unwrap();
    assert_eq!(
        client.transport(),
        Transport::Open,
        "the peer's Close is awaited"
    );
    rx.extend(&close_frame(1000, "")).unwrap();
    drain(&mut client, &mut rx, &mut tx);
    assert_eq!(client.transport(), Transport::AwaitEof);
    client.handle_eof();
    drain(&mut client, &mut rx, &mut tx);
    assert_eq!(client.transport(), Transport::Close);
}

// RFC 6455 §7.1.7-1, §7.1.7-2
#[test]
fn rule_37_whoever_fails_shuts_down_and_reads_on() {
    for eof in [false, true] {
        let (mut rx, mut tx) = buffers();
        let mut client = open_client(Config::new());
        rx.extend(&[0x83]).unwrap();
        drain(&mut client, &mut rx, &mut tx);
        assert_eq!(client.transport(), Transport::ShutdownWrite);
        assert_eq!(client.ready_state(), ReadyState::Closing);
        rx.extend(&[0xFF; 100_000]).unwrap();
        drain(&mut client, &mut rx, &mut tx);
        assert!(rx.is_empty(), "read and thrown away");
        assert_eq!(client.transport(), Transport::ShutdownWrite);
        if eof {
            client.handle_eof();
            drain(&mut client, &mut rx, &mut tx);
        } else {
            client.poll_timeout(at(0));
            client.handle_timeout(at(5_000), &mut tx);
        }
        assert_eq!(client.transport(), Transport::Close);
        assert_eq!(client.ready_state(), ReadyState::Closed);
    }
}

#[test]
fn rule_38_a_violation_lets_go_of_the_message_that_it_ended() {
    let mut ws = open_server(Config::new());
    let mut rx = RecvBuffer::with_storage([0; 300]);
    let mut tx: Tx = SendBuffer::new();
    rx.extend(&to_server(0x01, &[b'a'; 200])).unwrap();
    assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
    assert_eq!(rx.len(), 200);
    rx.extend(&to_server(0x80, &[0xFF])).unwrap();
    assert_eq!(
        ws.poll(&mut rx, &mut tx).unwrap_err(),
        Violation::InvalidUtf8
    );
    assert_eq!((rx.len(), rx.spare().len()), (0, 300));
}

// RFC 6455 §7.1.7-3
#[test]
fn rule_38_a_violation_is_final_and_the_same_each_time() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    rx.extend(&[to_server(0x81, &[0xFF]), to_server(0x88, b"")].concat())
        .unwrap();
    assert_eq!(
        ws.poll(&mut rx, &mut tx).unwrap_err(),
        Violation::InvalidUtf8
    );
    let told = tx.octets().to_vec();
    rx.extend(&[0x83]).unwrap();
    for _ in 0..3 {
        assert_eq!(
            ws.poll(&mut rx, &mut tx).unwrap_err(),
            Violation::InvalidUtf8
        );
        assert_eq!(
            ws.poll_chunk(&mut rx, &mut tx).unwrap_err(),
            Violation::InvalidUtf8
        );
        assert_eq!(
            ws.poll_ready(&mut rx, &mut tx).unwrap_err(),
            Violation::InvalidUtf8
        );
    }
    assert_eq!(ws.violation(), Some(Violation::InvalidUtf8));
    refuses_everything(&mut ws, &mut tx, Misuse::Closing);
    assert_eq!(tx.octets(), told);
    assert_eq!(whole_frames(&told)[0].close_code(), 1007);
    assert!(rx.is_empty());
}

// ---- misuse --------------------------------------------------------------------------------------

// RFC 6455 §4.1-26, §6.1-1, §6.1-2
#[test]
fn rule_52_before_the_handshake_nothing_can_be_sent() {
    let (_, mut tx) = buffers();
    let mut server = Connection::server(Config::new());
    refuses_everything(&mut server, &mut tx, Misuse::NotOpen);
    assert!(tx.is_empty());
    let (mut client, _, mut tx) = connecting_client(Config::new(), &[]);
    refuses_everything(&mut client, &mut tx, Misuse::NotOpen);
    assert!(tx.is_empty());
}

#[test]
fn rule_52_a_misuse_writes_nothing_and_the_connection_goes_on() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_client(Config::new());
    let long = [b'x'; 126];
    assert_eq!(ws.send_ping(&long, &mut tx), Err(Misuse::ControlTooLong));
    assert_eq!(ws.send_pong(&long, &mut tx), Err(Misuse::ControlTooLong));
    assert_eq!(
        ws.close(CloseCode::NO_STATUS, "", &mut tx),
        Err(Misuse::CloseCode)
    );
    assert_eq!(ws.write_part(b"", &mut tx), Err(Misuse::NoMessage));
    assert_eq!(ws.end_message(b"", &mut tx), Err(Misuse::NoMessage));
    let mut payload = *b"\xFF";
    assert_eq!(
        ws.send_apart(MessageKind::Text, &mut payload).unwrap_err(),
        Misuse::InvalidUtf8
    );
    assert!(tx.is_empty());
    ws.send_ping(&long[..125], &mut tx).unwrap();
    ws.send_text("still here", &mut tx).unwrap();
    rx.extend(&to_client(0x81, b"and so am I")).unwrap();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx).0, ["text and so am I"]);
}

// RFC 6455 §5.4-3
#[test]
fn rule_52_between_the_parts_of_a_message_only_control_frames_are_sent() {
    let (_, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    ws.begin_message(MessageKind::Text).unwrap();
    ws.write_part(b"caf\xC3", &mut tx).unwrap();
    let sent = tx.octets().to_vec();
    assert_eq!(ws.send_text("x", &mut tx), Err(Misuse::MessageInProgress));
    assert_eq!(
        ws.send_binary(b"x", &mut tx),
        Err(Misuse::MessageInProgress)
    );
    assert_eq!(
        ws.begin_message(MessageKind::Binary),
        Err(Misuse::MessageInProgress)
    );
    assert_eq!(
        ws.send_header(MessageKind::Binary, 1).unwrap_err(),
        Misuse::MessageInProgress
    );
    assert_eq!(
        ws.write_part(b"x", &mut tx),
        Err(Misuse::InvalidUtf8),
        "the code point is open"
    );
    assert_eq!(ws.end_message(b"", &mut tx), Err(Misuse::InvalidUtf8));
    assert_eq!(tx.octets(), sent);
    ws.send_ping(b"p", &mut tx).unwrap();
    ws.end_message(b"\xA9", &mut tx).unwrap();
    ws.send_text("next", &mut tx).unwrap();
    let expected = [
        to_client(0x01, b"caf\xC3"),
        to_client(0x89, b"p"),
        to_client(0x80, b"\xA9"),
        to_client(0x81, b"next"),
    ];
    assert_eq!(tx.octets(), expected.concat());
}

#[test]
fn rule_52_a_rejection_that_can_not_be_written_leaves_the_request_to_be_answered() {
    let mut rx = Rx::new();
    let mut tx = SendBuffer::with_storage([0; 512]);
    let mut ws = Connection::server(Config::new());
    rx.extend(&request_with("")).unwrap();
    let Some(Event::Request(request)) = ws.poll(&mut rx, &mut tx).unwrap() else {
        panic!("no request")
    };
    let body = [b'x'; 512];
    let refusals = [
        (Rejection::new(101), Misuse::Status),
        (Rejection::new(199), Misuse::Status),
        (Rejection::new(600), Misuse::Status),
        (
            Rejection::new(403).with_fields(&[("A", "b\r\nC: d")]),
            Misuse::Field,
        ),
        (Rejection::new(403).with_body(&body), Misuse::SendBufferFull),
    ];
    for (rejection, misuse) in refusals {
        assert_eq!(ws.reject(&rejection, &mut tx), Err(misuse));
        assert!(tx.is_empty());
    }
    let other = Accept::new().with_subprotocol("other");
    assert_eq!(
        ws.accept(&request, &other, &mut tx),
        Err(Misuse::Subprotocol)
    );
    assert!(tx.is_empty());
    ws.accept(&request, &Accept::new(), &mut tx).unwrap();
    assert_eq!(tx.octets(), answer_with(""));
}

#[test]
fn rule_52_accepting_without_a_request_is_a_misuse() {
    let (mut rx, mut tx) = buffers();
    let head = request_with("");
    let mut asked = Connection::server(Config::new());
    rx.extend(&head).unwrap();
    let Some(Event::Request(request)) = asked.poll(&mut rx, &mut tx).unwrap() else {
        panic!("no request")
    };
    let mut fresh = Connection::server(Config::new());
    assert_eq!(
        fresh.accept(&request, &Accept::new(), &mut tx),
        Err(Misuse::NoRequest)
    );
    assert_eq!(fresh.reject(&FORBIDDEN, &mut tx), Err(Misuse::NoRequest));
    let mut open = open_server(Config::new());
    assert_eq!(
        open.accept(&request, &Accept::new(), &mut tx),
        Err(Misuse::NoRequest)
    );
    assert!(tx.is_empty());
}

// ---- backpressure --------------------------------------------------------------------------------

#[test]
fn a_send_buffer_at_its_limit_refuses_and_takes_the_message_again_once_it_was_written() {
    let mut tx = SendBuffer::with_limit(20);
    let mut ws = open_server(Config::new());
    ws.send_binary(&[1; 10], &mut tx).unwrap();
    assert_eq!(tx.len(), 12);
    assert_eq!(
        ws.send_binary(&[2; 7], &mut tx),
        Err(Misuse::SendBufferFull)
    );
    assert_eq!(ws.send_ping(&[2; 7], &mut tx), Err(Misuse::SendBufferFull));
    assert_eq!(tx.octets(), to_client(0x82, &[1; 10]));
    ws.send_binary(&[3; 6], &mut tx).unwrap();
    assert_eq!(tx.len(), 20);
    tx.consume(9);
    ws.send_binary(&[2; 7], &mut tx).unwrap();
    let all = [
        to_client(0x82, &[1; 10]),
        to_client(0x82, &[3; 6]),
        to_client(0x82, &[2; 7]),
    ];
    assert_eq!(tx.octets(), &all.concat()[9..]);
}

#[test]
fn a_part_that_was_refused_for_want_of_room_can_be_written_again() {
    let mut tx = SendBuffer::with_limit(12);
    let mut ws = open_server(Config::new());
    ws.begin_message(MessageKind::Text).unwrap();
    ws.write_part(b"caf\xC3", &mut tx).unwrap();
    assert_eq!(
        ws.write_part(b"\xA9 noir", &mut tx),
        Err(Misuse::SendBufferFull)
    );
    tx.clear();
    ws.end_message(b"\xA9 noir", &mut tx).unwrap();
    assert_eq!(tx.octets(), to_client(0x80, b"\xA9 noir"));
}

#[test]
fn a_fixed_send_buffer_that_is_full_delays_the_pong_and_never_splits_it() {
    let mut rx = Rx::new();
    let mut tx = SendBuffer::with_storage([0; 160]);
    let mut ws = open_server(Config::new());
    ws.send_binary(&[1; 100], &mut tx).unwrap();
    let ping = to_server(0x89, &[b'p'; 60]);
    rx.extend(&[ping, to_server(0x81, b"behind")].concat())
        .unwrap();
    for _ in 0..3 {
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
        assert!(ws.is_blocked());
    }
    assert_eq!(
        tx.octets(),
        to_client(0x82, &[1; 100]),
        "no octet of a Pong"
    );
    tx.consume(101);
    assert_eq!(
        drain(&mut ws, &mut rx, &mut tx).0,
        [format!("ping {}", "p".repeat(60)), "text behind".into()]
    );
    assert!(!ws.is_blocked());
    tx.consume(1);
    assert_eq!(tx.octets(), to_client(0x8A, &[b'p'; 60]));
}

#[test]
fn a_fixed_send_buffer_that_is_full_delays_the_close_that_answers() {
    let mut rx = Rx::new();
    let mut tx = SendBuffer::with_storage([0; 64]);
    let mut ws = open_server(Config::new());
    ws.send_binary(&[1; 62], &mut tx).unwrap();
    rx.extend(&to_server(0x88, &frames::close_payload(1001, "")))
        .unwrap();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx).0, ["close 1001 "]);
    assert_eq!(tx.len(), 64);
    assert_eq!(
        ws.transport(),
        Transport::Open,
        "the Close has yet to be written"
    );
    assert!(ws.is_blocked(), "poll has to be called again");
    tx.clear();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    assert_eq!(tx.octets(), close_frame(1001, ""));
    assert!(!ws.is_blocked());
    assert_eq!(ws.transport(), Transport::ShutdownWrite);
}

#[test]
fn a_fixed_send_buffer_that_is_full_delays_the_close_that_tells_a_violation() {
    let mut rx = Rx::new();
    let mut tx = SendBuffer::with_storage([0; 64]);
    let mut ws = open_server(Config::new());
    ws.send_binary(&[1; 62], &mut tx).unwrap();
    rx.extend(&[0x83]).unwrap();
    assert_eq!(
        drain(&mut ws, &mut rx, &mut tx).1,
        Some(Violation::ReservedOpcode)
    );
    assert_eq!(tx.len(), 64);
    tx.clear();
    assert_eq!(
        drain(&mut ws, &mut rx, &mut tx).1,
        Some(Violation::ReservedOpcode)
    );
    assert_eq!(tx.octets(), close_frame(1002, "reserved opcode"));
}

#[test]
fn a_fixed_send_buffer_that_is_full_delays_the_refusal_of_a_request() {
    let mut rx = Rx::new();
    let mut tx = SendBuffer::with_storage([0; 16]);
    let mut ws = Connection::server(Config::new());
    rx.extend(b"GET /\n").unwrap();
    assert!(drain(&mut ws, &mut rx, &mut tx).1.is_some());
    assert!(
        tx.is_empty(),
        "a buffer that is too small gets no part of it"
    );
    assert_eq!(
        ws.transport(),
        Transport::ShutdownWrite,
        "and nobody waits for it"
    );
}

#[test]
fn a_violation_is_told_even_where_a_close_for_idleness_waits_for_room() {
    let mut rx = Rx::new();
    let mut tx = SendBuffer::with_storage([0; 64]);
    let mut ws = open_server(Config::new().with_idle_timeout(seconds(1)));
    ws.send_binary(&[1; 62], &mut tx).unwrap();
    ws.poll_timeout(at(0));
    ws.handle_timeout(at(1_000), &mut tx);
    assert_eq!(ws.state(), State::CloseSent);
    rx.extend(&[0x83]).unwrap();
    assert!(drain(&mut ws, &mut rx, &mut tx).1.is_some());
    tx.clear();
    drain(&mut ws, &mut rx, &mut tx);
    let told = whole_frames(tx.octets());
    assert_eq!(told.len(), 1, "one Close");
    assert_eq!(told[0].close_code(), 1002);
}

#[test]
fn sending_does_not_depend_on_receiving() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    rx.extend(&[to_server(0x88, b""), to_server(0x81, b"x")].concat())
        .unwrap();
    ws.send_text("before", &mut tx).unwrap();
    drain(&mut ws, &mut rx, &mut tx);
    assert_eq!(
        tx.octets(),
        [to_client(0x81, b"before"), to_client(0x88, b"")].concat()
    );
    ws.handle_eof();
    drain(&mut ws, &mut rx, &mut tx);
    assert_eq!(
        tx.octets(),
        [to_client(0x81, b"before"), to_client(0x88, b"")].concat()
    );
}

#[test]
fn the_answer_may_be_sent_while_the_event_is_held() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    rx.extend(&[to_server(0x81, b"a"), to_server(0x82, &[9; 300])].concat())
        .unwrap();
    while let Some(event) = ws.poll(&mut rx, &mut tx).unwrap() {
        match event {
            Event::Text(text) => ws.send_text(text, &mut tx).unwrap(),
            Event::Binary(octets) => ws.send_binary(octets, &mut tx).unwrap(),
            _ => {}
        }
    }
    assert_eq!(
        tx.octets(),
        [to_client(0x81, b"a"), to_client(0x82, &[9; 300])].concat()
    );
}

#[test]
fn a_default_send_buffer_takes_as_much_as_a_new_one() {
    let mut tx = Tx::default();
    let mut ws = open_server(Config::new());
    ws.send_text("Hello", &mut tx).unwrap();
    assert_eq!(tx.octets(), to_client(0x81, b"Hello"));
}

// ---- events in two steps, and in chunks ----------------------------------------------------------

#[test]
fn an_event_that_was_found_and_not_lent_comes_again() {
    let (mut rx, mut tx) = buffers();
    let mut ws = Connection::server(Config::new());
    rx.extend(&request_with("")).unwrap();
    for _ in 0..3 {
        assert!(ws.poll_ready(&mut rx, &mut tx).unwrap().is_some());
    }
    let Some(Event::Request(request)) = ws.poll(&mut rx, &mut tx).unwrap() else {
        panic!("no request")
    };
    ws.accept(&request, &Accept::new(), &mut tx).unwrap();
    tx.clear();
    let input = [
        to_server(0x81, b"whole"),
        to_server(0x89, b"ping"),
        to_server(0x01, b"in "),
        to_server(0x8A, b"pong"),
        to_server(0x80, b"parts"),
        to_server(0x82, &[b'b'; 200]),
        to_server(0x88, b"\x03\xE8bye"),
    ];
    rx.extend(&input.concat()).unwrap();
    let mut seen = Vec::new();
    loop {
        for chunks in [false, true, false] {
            // Dropped each time.
            let ready = if chunks && seen.len() != 3 {
                ws.poll_ready_chunk(&mut rx, &mut tx)
            } else {
                ws.poll_ready(&mut rx, &mut tx)
            };
            let _ = ready.unwrap();
        }
        let before = tx.len();
        let Some(ready) = ws.poll_ready(&mut rx, &mut tx).unwrap() else {
            break;
        };
        assert_eq!(tx.len(), before, "finding an event answers nothing");
        seen.push(in_words(&ws.lend(ready, &mut rx, &mut tx).unwrap()));
    }
    let b = format!("binary {}", "b".repeat(200));
    assert_eq!(seen[..3], ["open", "text whole", "ping ping"]);
    assert_eq!(
        seen[3..],
        ["pong pong", "text in parts", &b, "close 1000 bye"]
    );
    let answers = [to_client(0x8A, b"ping"), close_frame(1000, "bye")].concat();
    assert_eq!(tx.octets(), answers, "each answered once");
}

#[test]
fn a_message_that_was_begun_in_chunks_ends_with_one_last_chunk_from_poll() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    rx.extend(&to_server(0x01, b"one ")).unwrap();
    let event = ws.poll_chunk(&mut rx, &mut tx).unwrap().unwrap();
    assert_eq!(in_words(&event), "chunk one ");
    rx.extend(&to_server(0x00, b"two ")).unwrap();
    assert_eq!(
        drain(&mut ws, &mut rx, &mut tx).0,
        [""; 0],
        "poll waits for the rest"
    );
    rx.extend(&[to_server(0x80, b"three"), to_server(0x81, b"next")].concat())
        .unwrap();
    let (seen, _) = drain(&mut ws, &mut rx, &mut tx);
    assert_eq!(seen, ["chunk two three last", "text next"]);
}

#[test]
fn chunks_hold_whole_code_points() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_client(Config::new());
    let mut parts = Vec::new();
    let text = "é€\u{1F4A9}x";
    for octet in to_client(0x81, text.as_bytes()) {
        rx.extend(&[octet]).unwrap();
        while let Some(event) = ws.poll_chunk(&mut rx, &mut tx).unwrap() {
            parts.push(in_words(&event));
        }
    }
    assert_eq!(
        parts,
        ["chunk é", "chunk €", "chunk \u{1F4A9}", "chunk x last"]
    );
}

#[test]
fn a_message_of_any_size_goes_in_chunks_through_a_small_fixed_buffer() {
    let mut rx = RecvBuffer::with_storage([0; 64]);
    let mut tx = Tx::new();
    let mut ws = open_server(Config::new());
    let message: Vec<u8> = (0..100_000_u32).map(|at| (at * 7) as u8).collect();
    let input = to_server(0x82, &message);
    let mut rest = &input[..];
    let mut got = Vec::new();
    let mut done = false;
    while !rest.is_empty() {
        let room = rx.spare();
        let count = room.len().min(rest.len());
        room[..count].copy_from_slice(&rest[..count]);
        rx.commit(count);
        rest = &rest[count..];
        while let Some(event) = ws.poll_chunk(&mut rx, &mut tx).unwrap() {
            let Event::BinaryChunk { octets, last } = event else {
                panic!("{event:?}")
            };
            got.extend_from_slice(octets);
            done |= last;
        }
    }
    assert!(done && got == message);
}

#[test]
fn rule_48_a_message_that_a_fixed_buffer_can_not_hold_is_1009_at_its_header() {
    for (len, fails) in [(300, false), (301, true)] {
        let mut rx = RecvBuffer::with_storage([0; 300]);
        let mut tx = Tx::new();
        let mut ws = open_client(Config::new());
        rx.extend(&frames::header(0x82, None, len)).unwrap();
        let error = drain(&mut ws, &mut rx, &mut tx).1;
        assert_eq!(error, fails.then_some(Violation::MessageTooBig), "{len}");
    }
}

// ---- time ----------------------------------------------------------------------------------------

#[test]
fn without_keepalive_an_open_connection_has_no_deadline() {
    let mut ws = open_server(Config::new());
    assert_eq!(ws.poll_timeout(at(0)), None);
}

#[test]
fn the_opening_handshake_has_a_deadline_that_octets_do_not_move() {
    let (mut rx, mut tx) = buffers();
    let mut ws = Connection::server(Config::new());
    assert_eq!(ws.poll_timeout(at(3_000)), Some(at(13_000)));
    for (now, octet) in (4_000..).step_by(1_000).zip(b"GET / HT") {
        rx.extend(&[*octet]).unwrap();
        assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
        ws.handle_timeout(at(now), &mut tx);
        assert_eq!(ws.poll_timeout(at(now)), Some(at(13_000)));
    }
    ws.handle_timeout(at(12_999), &mut tx);
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    ws.handle_timeout(at(13_000), &mut tx);
    assert_eq!(
        drain(&mut ws, &mut rx, &mut tx).1,
        Some(Violation::HandshakeTimeout)
    );
    assert!(tx.octets().starts_with(b"HTTP/1.1 408 "));
    assert_eq!(ws.transport(), Transport::ShutdownWrite);
}

#[test]
fn a_client_that_gets_no_answer_fails_at_the_deadline_and_says_nothing() {
    let (mut ws, mut rx, mut tx) = connecting_client(Config::new(), &[]);
    assert_eq!(ws.poll_timeout(at(0)), Some(at(10_000)));
    ws.handle_timeout(at(10_000), &mut tx);
    assert_eq!(
        drain(&mut ws, &mut rx, &mut tx).1,
        Some(Violation::HandshakeTimeout)
    );
    assert!(tx.is_empty());
}

#[test]
fn a_ping_goes_out_after_the_interval_and_anything_heard_puts_it_off() {
    let config = Config::new()
        .with_ping_interval(seconds(20))
        .with_pong_timeout(seconds(10));
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(config);
    assert_eq!(ws.poll_timeout(at(0)), Some(at(20_000)));
    rx.extend(&to_server(0x8A, b"")).unwrap();
    drain(&mut ws, &mut rx, &mut tx);
    assert_eq!(ws.poll_timeout(at(5_000)), Some(at(25_000)));
    ws.handle_timeout(at(24_999), &mut tx);
    assert!(tx.is_empty(), "too early");
    ws.handle_timeout(at(25_000), &mut tx);
    assert_eq!(tx.octets(), to_client(0x89, b""));
    assert_eq!(
        ws.poll_timeout(at(25_000)),
        Some(at(35_000)),
        "the Pong's deadline"
    );
    ws.handle_timeout(at(30_000), &mut tx);
    assert_eq!(tx.octets(), to_client(0x89, b""), "one Ping at a time");
    // Half a frame is a sign of life, too.
    rx.extend(&to_server(0x81, b"Hello")[..7]).unwrap();
    drain(&mut ws, &mut rx, &mut tx);
    assert_eq!(ws.poll_timeout(at(34_000)), Some(at(54_000)));
}

#[test]
fn each_octet_that_comes_is_a_sign_of_life_and_to_look_again_is_none() {
    let mut ws = open_server(Config::new().with_ping_interval(seconds(20)));
    let (mut rx, mut tx) = buffers();
    let mut heard = 0;
    ws.poll_timeout(at(heard));
    // A text in two fragments, and one that is no longer ASCII.
    let frames = [
        to_server(0x01, b"Hello"),
        to_server(0x80, b"World"),
        to_server(0x81, "K\u{e4}se".as_bytes()),
    ];
    for octet in frames.concat() {
        rx.extend(&[octet]).unwrap();
        drain(&mut ws, &mut rx, &mut tx);
        heard += 1_000;
        assert_eq!(ws.poll_timeout(at(heard)), Some(at(heard + 20_000)));
        drain(&mut ws, &mut rx, &mut tx);
        assert_eq!(ws.poll_timeout(at(heard + 500)), Some(at(heard + 20_000)));
    }
}

#[test]
fn no_pong_in_time_is_1011_and_not_clean() {
    let config = Config::new()
        .with_ping_interval(seconds(20))
        .with_pong_timeout(seconds(10));
    let (mut rx, mut tx) = buffers();
    let mut ws = open_client(config);
    ws.poll_timeout(at(0));
    ws.handle_timeout(at(20_000), &mut tx);
    tx.clear();
    ws.handle_timeout(at(29_999), &mut tx);
    assert_eq!(drain(&mut ws, &mut rx, &mut tx).1, None);
    ws.handle_timeout(at(30_000), &mut tx);
    assert_eq!(
        drain(&mut ws, &mut rx, &mut tx).1,
        Some(Violation::PongTimeout)
    );
    assert_eq!(whole_frames(tx.octets())[0].close_code(), 1011);
    ws.poll_timeout(at(30_000));
    ws.handle_timeout(at(35_000), &mut tx);
    let outcome = ws.outcome(&rx).unwrap();
    assert_eq!((outcome.code, outcome.clean), (CloseCode::ABNORMAL, false));
    assert_eq!(outcome.initiator, Initiator::Local);
}

#[test]
fn a_pong_that_has_arrived_counts_even_if_the_deadline_is_looked_at_first() {
    let config = Config::new()
        .with_ping_interval(seconds(20))
        .with_pong_timeout(seconds(10));
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(config);
    ws.poll_timeout(at(0));
    ws.handle_timeout(at(20_000), &mut tx);
    rx.extend(&to_server(0x8A, b"")).unwrap();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx).0, ["pong "]);
    ws.handle_timeout(at(30_000), &mut tx);
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
}

#[test]
fn a_connection_without_messages_is_closed_with_1001_and_control_frames_do_not_count() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new().with_idle_timeout(seconds(60)));
    assert_eq!(ws.poll_timeout(at(0)), Some(at(60_000)));
    rx.extend(&to_server(0x82, b"")).unwrap();
    drain(&mut ws, &mut rx, &mut tx);
    assert_eq!(
        ws.poll_timeout(at(10_000)),
        Some(at(70_000)),
        "a message received"
    );
    ws.send_text("x", &mut tx).unwrap();
    assert_eq!(
        ws.poll_timeout(at(20_000)),
        Some(at(80_000)),
        "a message sent"
    );
    rx.extend(&to_server(0x89, b"")).unwrap();
    drain(&mut ws, &mut rx, &mut tx);
    ws.send_ping(b"", &mut tx).unwrap();
    assert_eq!(
        ws.poll_timeout(at(30_000)),
        Some(at(80_000)),
        "control frames"
    );
    tx.clear();
    ws.handle_timeout(at(80_000), &mut tx);
    assert_eq!(whole_frames(tx.octets())[0].close_code(), 1001);
    assert_eq!(ws.state(), State::CloseSent);
    assert_eq!(ws.violation(), None, "idleness is nobody's fault");
}

#[test]
fn a_close_that_is_not_answered_ends_at_its_deadline() {
    let (rx, mut tx) = buffers();
    let mut ws = open_client(Config::new().with_ping_interval(seconds(1)));
    ws.poll_timeout(at(0));
    ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
    let sent = tx.len();
    assert_eq!(ws.poll_timeout(at(7_000)), Some(at(12_000)));
    ws.handle_timeout(at(11_999), &mut tx);
    assert_eq!(ws.state(), State::CloseSent);
    assert_eq!(tx.len(), sent, "no Ping behind a Close");
    ws.handle_timeout(at(12_000), &mut tx);
    assert_eq!(
        (ws.state(), ws.transport()),
        (State::Closed, Transport::Close)
    );
    assert_eq!(ws.poll_timeout(at(12_000)), None);
    let outcome = ws.outcome(&rx).unwrap();
    assert_eq!((outcome.code, outcome.clean), (CloseCode::ABNORMAL, false));
}

#[test]
fn a_transport_that_does_not_end_is_closed_at_the_deadline_and_the_closing_was_clean() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    rx.extend(&to_server(0x88, &frames::close_payload(1000, "bye")))
        .unwrap();
    drain(&mut ws, &mut rx, &mut tx);
    assert_eq!(ws.poll_timeout(at(1_000)), Some(at(6_000)));
    ws.handle_timeout(at(6_000), &mut tx);
    let outcome = ws.outcome(&rx).unwrap();
    assert_eq!(
        (outcome.code.value(), outcome.reason, outcome.clean),
        (1000, "bye", true)
    );
}

#[test]
fn deadlines_that_are_turned_off_do_not_come() {
    let config = Config::new()
        .with_handshake_timeout(None)
        .with_close_timeout(None);
    let mut server = Connection::server(config);
    assert_eq!(server.poll_timeout(at(0)), None);
    let mut ws = open_server(config);
    ws.close_without_code(&mut Tx::new()).unwrap();
    assert_eq!(ws.poll_timeout(at(0)), None);
}

// ---- the end of the stream, and the driver -------------------------------------------------------

#[test]
fn what_came_before_the_end_of_the_stream_is_still_handled() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    rx.extend(
        &[
            to_server(0x81, b"a"),
            to_server(0x89, b"p"),
            to_server(0x88, b""),
        ]
        .concat(),
    )
    .unwrap();
    ws.handle_eof();
    assert_eq!(ws.state(), State::Open, "not yet");
    assert_eq!(
        drain(&mut ws, &mut rx, &mut tx).0,
        ["text a", "ping p", "close 1005 "]
    );
    assert_eq!(ws.state(), State::Closed);
    assert!(ws.outcome(&rx).unwrap().clean);
    assert_eq!(
        tx.octets(),
        [to_client(0x8A, b"p"), to_client(0x88, b"")].concat()
    );
}

#[test]
fn a_server_whose_client_goes_before_it_asked_ends_without_a_violation() {
    let (mut rx, mut tx) = buffers();
    let mut ws = Connection::server(Config::new());
    rx.extend(b"GET / HT").unwrap();
    ws.handle_eof();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    assert_eq!(
        (ws.state(), ws.transport()),
        (State::Closed, Transport::Close)
    );
    assert!(tx.is_empty());
}

#[test]
fn closing_before_the_handshake_is_over_fails_the_connection_without_a_frame() {
    let (mut ws, mut rx, mut tx) = connecting_client(Config::new(), &[]);
    ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
    assert!(tx.is_empty());
    assert_eq!(ws.state(), State::Failed);
    rx.extend(&answer_with("")).unwrap();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    assert_eq!(ws.transport(), Transport::ShutdownWrite);
}

// RFC 6455 §6.1-8
#[test]
fn the_driver_writes_once_for_a_burst_and_before_it_reads() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    let mut driver = Driver::new();
    rx.extend(&to_server(0x81, b"x").repeat(100)).unwrap();
    let mut steps = Vec::new();
    loop {
        match driver.step(&mut ws, &mut rx, &mut tx) {
            Step::Event(ready) => match ws.lend(ready, &mut rx, &mut tx).unwrap() {
                Event::Text(text) => ws.send_text(text, &mut tx).unwrap(),
                other => panic!("{other:?}"),
            },
            Step::Write => {
                steps.push("write");
                tx.clear();
            }
            Step::Read if steps.len() < 2 => {
                steps.push("read");
                rx.extend(&to_server(0x88, b"")).unwrap();
                let Step::Event(ready) = driver.step(&mut ws, &mut rx, &mut tx) else {
                    panic!()
                };
                assert_eq!(
                    in_words(&ws.lend(ready, &mut rx, &mut tx).unwrap()),
                    "close 1005 "
                );
            }
            Step::Read => {
                steps.push("read");
                ws.handle_eof();
            }
            Step::ShutdownWrite => steps.push("shut down"),
            Step::Done => break,
        }
    }
    assert_eq!(steps, ["write", "read", "write", "shut down", "read"]);
}

#[test]
fn an_http_stack_that_has_opened_the_connection_hands_over_what_it_has_read_too_far() {
    let (mut rx, mut tx) = buffers();
    rx.extend(&to_server(0x81, b"early")[..6]).unwrap();
    let mut ws = Connection::open_server(Config::new());
    assert_eq!(ws.state(), State::Open);
    assert_eq!(drain(&mut ws, &mut rx, &mut tx).0, [""; 0]);
    rx.extend(&to_server(0x81, b"early")[6..]).unwrap();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx).0, ["text early"]);
}

#[test]
fn what_is_unfinished_can_move_to_another_buffer_at_any_time() {
    let input = [
        to_server(0x01, b"one "),
        to_server(0x89, b"p"),
        to_server(0x80, b"two"),
        to_server(0x88, b"\x03\xE8bye"),
    ]
    .concat();
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    let mut seen = Vec::new();
    for octet in input {
        rx.extend(&[octet]).unwrap();
        seen.extend(drain(&mut ws, &mut rx, &mut tx).0);
        let mut other = Rx::new();
        rx.transfer(&mut other).unwrap();
        rx = other;
    }
    assert_eq!(seen, ["ping p", "text one two", "close 1000 bye"]);
    ws.handle_eof();
    drain(&mut ws, &mut rx, &mut tx);
    assert_eq!(ws.outcome(&rx).unwrap().reason, "bye");
}

#[test]
fn a_header_apart_and_its_payload_are_one_frame() {
    let mut server = open_server(Config::new());
    let mut payload = *b"Hello";
    let header = server
        .send_header(MessageKind::Text, payload.len())
        .unwrap();
    assert_eq!(
        [header.as_ref(), &payload].concat(),
        to_client(0x81, b"Hello")
    );
    let mut client = open_client(Config::new());
    let header = client
        .send_apart(MessageKind::Binary, &mut payload)
        .unwrap();
    assert_eq!(
        [header.as_ref(), &payload].concat(),
        to_server(0x82, b"Hello")
    );
    assert_eq!(Opcode::BINARY.value(), 2);
}

// ---- where one thing meets another -----------------------------------------------------------------

#[test]
fn a_violation_while_closing_gives_no_more_time_to_close() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
    assert_eq!(ws.poll_timeout(at(1_000)), Some(at(6_000)));
    rx.extend(&to_server(0x83, b"")).unwrap();
    assert!(drain(&mut ws, &mut rx, &mut tx).1.is_some());
    assert_eq!(ws.state(), State::Failed);
    assert_eq!(ws.poll_timeout(at(4_000)), Some(at(6_000)));
}

#[test]
fn of_the_next_ping_and_the_end_of_idleness_the_earlier_is_waited_for() {
    for (ping, idle, next) in [(20, 10, 10), (10, 20, 10)] {
        let config = Config::new()
            .with_ping_interval(seconds(ping))
            .with_idle_timeout(seconds(idle));
        let mut ws = open_server(config);
        assert_eq!(ws.poll_timeout(at(0)), Some(at(next * 1_000)));
    }
}

/// A server whose send buffer has no room for the Pong of a Ping that has come.
fn blocked() -> (
    Connection<websocket_proto::Server>,
    RecvBuffer<[u8; 256]>,
    SendBuffer<[u8; 131]>,
) {
    let mut ws = open_server(Config::new());
    let mut rx = RecvBuffer::with_storage([0; 256]);
    let mut tx = SendBuffer::with_storage([0; 131]);
    ws.send_binary(&[0; 100], &mut tx).unwrap();
    rx.extend(&to_server(0x89, &[b'p'; 125])).unwrap();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    assert!(ws.is_blocked());
    (ws, rx, tx)
}

#[test]
fn a_ping_without_room_for_its_pong_comes_before_the_end_of_the_stream() {
    let (mut ws, mut rx, mut tx) = blocked();
    ws.handle_eof();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    assert_eq!(ws.state(), State::Open);
    tx.clear();
    let seen = drain(&mut ws, &mut rx, &mut tx).0;
    assert_eq!(seen, [format!("ping {}", "p".repeat(125))]);
    assert_eq!(ws.state(), State::Closed);
}

#[test]
fn a_full_receive_buffer_is_no_fault_of_a_peer_whose_ping_waits() {
    let (mut ws, mut rx, mut tx) = blocked();
    rx.extend(&to_server(0x82, &[7; 119])).unwrap();
    assert!(rx.spare().is_empty());
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    tx.clear();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx).0.len(), 2);
}

#[test]
fn a_close_that_found_no_room_is_not_waited_for_behind_the_end() {
    let mut ws = open_server(Config::new());
    let (mut rx, mut tx) = (Rx::new(), SendBuffer::with_storage([0; 131]));
    ws.send_binary(&[0; 127], &mut tx).unwrap();
    rx.extend(&to_server(0x83, b"")).unwrap();
    assert!(drain(&mut ws, &mut rx, &mut tx).1.is_some());
    assert!(ws.is_blocked());
    assert_eq!(ws.transport(), Transport::Open);
    ws.handle_eof();
    assert!(drain(&mut ws, &mut rx, &mut tx).1.is_some());
    assert!(!ws.is_blocked());
    assert_eq!(ws.transport(), Transport::Close);
}

#[test]
fn a_refusal_that_fills_a_fixed_buffer_leaves_room_to_read_on() {
    let (mut ws, _, mut tx) = connecting_client(Config::new(), &[]);
    let mut rx = RecvBuffer::with_storage([0; 300]);
    rx.extend(b"HTTP/1.1 500 Oops\r\n\r\n").unwrap();
    for _ in 0..400 {
        let room = rx.spare();
        assert!(!room.is_empty());
        room.fill(b'x');
        let count = room.len();
        rx.commit(count);
        assert!(drain(&mut ws, &mut rx, &mut tx).1.is_some());
    }
    assert_eq!(ws.response(&rx).unwrap().status(), 500);
}

#[test]
fn a_payload_that_goes_on_up_to_the_end_of_the_stream_ends_the_connection_at_once() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    let frame = to_server(0x82, &[7; 100]);
    rx.extend(&frame[..20]).unwrap();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    rx.extend(&frame[20..50]).unwrap();
    ws.handle_eof();
    assert_eq!(drain(&mut ws, &mut rx, &mut tx), (vec![], None));
    assert_eq!(ws.state(), State::Closed);
}

#[test]
fn rule_50_a_pong_before_which_all_was_written_still_makes_way_for_the_newest() {
    let (mut rx, mut tx) = buffers();
    let mut ws = open_server(Config::new());
    ws.send_binary(b"", &mut tx).unwrap();
    for number in 0..200_u8 {
        rx.extend(&to_server(0x89, &[number])).unwrap();
        drain(&mut ws, &mut rx, &mut tx);
        if number == 0 {
            tx.consume(2);
        }
    }
    assert_eq!(tx.octets(), to_client(0x8A, &[199]));
}
