//! Which way is taken, where more than one leads to the same event.

use alloc::vec::Vec;

use super::*;

const TEXT: u8 = 0x01;
const CONTINUATION: u8 = 0x00;
const FIN: u8 = 0x80;

type Rx = RecvBuffer<Vec<u8>>;
type Tx = SendBuffer<Vec<u8>>;

/// A server that has been sent these octets.
fn server(sent: &[u8]) -> (Connection<Server>, Rx, Tx) {
    let mut rx = Rx::new();
    rx.extend(sent).unwrap();
    (Connection::open_server(Config::new()), rx, Tx::new())
}

/// The header of a frame whose payload is masked with zeros: as it is.
fn header(first: u8, length: u8) -> [u8; 6] {
    [first, 0x80 | length, 0, 0, 0, 0]
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&header(first, payload.len() as u8)[..], payload].concat()
}

#[test]
fn rule_48_a_whole_message_of_as_many_octets_as_the_limit_goes_the_short_way() {
    let mut ws = Connection::open_server(Config::new().with_max_message_size(5));
    let mut rx = Rx::new();
    rx.extend(&frame(FIN | TEXT, b"Hello")).unwrap();
    assert!(matches!(ws.find_whole(&rx), Some(Found::WholeText(_))));
    rx.clear();
    rx.extend(&frame(FIN | TEXT, b"Hello!")).unwrap();
    assert_eq!(ws.find_whole(&rx), None, "one too many");
    rx.clear();
    rx.extend(&frame(FIN | TEXT, b"Hello")[..10]).unwrap();
    assert_eq!(ws.find_whole(&rx), None, "not all of it has come");
}

#[test]
fn the_short_way_is_open_between_the_messages_of_an_open_connection() {
    let (mut ws, mut rx, mut tx) = server(&frame(FIN | TEXT, b"one"));
    assert!(ws.machine.is_express());
    assert!(ws.poll(&mut rx, &mut tx).unwrap().is_some());
    assert!(ws.machine.is_express(), "behind a message");
    rx.extend(&header(TEXT, 3)).unwrap();
    assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
    assert!(!ws.machine.is_express(), "within a frame");
    rx.extend(b"two").unwrap();
    assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
    assert!(!ws.machine.is_express(), "between the frames of a message");
    rx.extend(&frame(FIN | CONTINUATION, b".")).unwrap();
    assert!(ws.poll_ready(&mut rx, &mut tx).unwrap().is_some());
    assert!(!ws.machine.is_express(), "before a message that was joined");
    assert!(ws.poll(&mut rx, &mut tx).unwrap().is_some());
    assert!(ws.machine.is_express(), "behind it");
    ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
    assert!(!ws.machine.is_express(), "closing");
    assert!(!Connection::server(Config::new()).machine.is_express());
}

#[test]
fn only_octets_are_waited_for_until_the_stream_ends_or_a_reply_waits_for_room() {
    let (mut ws, _, _) = server(b"");
    assert!(ws.machine.awaits_octets());
    ws.handle_eof();
    assert!(!ws.machine.awaits_octets());

    let (mut ws, mut rx, _) = server(&frame(FIN | TEXT, b"\xFF"));
    let mut full = SendBuffer::with_storage([0; 3]);
    assert!(ws.poll(&mut rx, &mut full).is_err());
    assert!(!ws.machine.awaits_octets(), "the Close has no room");
}

#[test]
fn what_comes_of_a_frame_flows_into_the_message_while_nothing_else_is_to_be_done() {
    let begun = [&header(FIN | TEXT, 100)[..], b"text"].concat();
    let (mut ws, mut rx, mut tx) = server(&begun);
    assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
    assert!(ws.machine.assembly.is_flowing());
    ws.handle_eof();
    assert!(!ws.machine.assembly.is_flowing(), "no more will come");

    let (mut ws, mut rx, mut tx) = server(&begun);
    ws.handle_eof();
    ws.machine
        .advance(&mut rx.window(), &mut tx, &mut Server, true);
    assert!(!ws.machine.assembly.is_flowing(), "all of it had come");

    let (mut ws, mut rx, mut tx) = server(&begun);
    ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
    assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
    assert!(!ws.machine.assembly.is_flowing(), "closing");
}

#[test]
fn an_octet_that_comes_alone_joins_the_message_without_more_ado() {
    let begun = [&header(FIN | TEXT, 100)[..], b"text"].concat();
    let (mut ws, mut rx, mut tx) = server(&begun);
    assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
    rx.extend(b"!").unwrap();
    assert!(ws.machine.take_octet(&mut rx));
    assert_eq!(rx.kept(), b"text!");
    assert_eq!(ws.machine.decoder.remaining(), 95);
    rx.extend(b"\xC3").unwrap();
    assert!(!ws.machine.take_octet(&mut rx), "a code point begins");
    assert_eq!(
        (rx.kept(), rx.unread()),
        (&b"text!"[..], Some(&b"\xC3"[..]))
    );
    assert_eq!(ws.machine.decoder.remaining(), 95, "nothing was done");
}
