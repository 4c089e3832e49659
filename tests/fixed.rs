//! A whole connection in fixed buffers, without an allocator's help: it holds with every set of features.

use websocket_proto::handshake::{Accept, ClientRequest};
use websocket_proto::{CloseCode, Config, Connection, Event, Misuse, RecvBuffer, SendBuffer};

type Rx = RecvBuffer<[u8; 512]>;
type Tx = SendBuffer<[u8; 256]>;

/// The network: as much as there is room for.
fn carry(tx: &mut Tx, rx: &mut Rx) {
    let room = rx.spare();
    let count = room.len().min(tx.len());
    room[..count].copy_from_slice(&tx.octets()[..count]);
    rx.commit(count);
    tx.consume(count);
}

#[test]
fn two_ends_in_fixed_buffers_open_talk_and_close() {
    let (mut client_rx, mut client_tx) = (
        RecvBuffer::with_storage([0; 512]),
        SendBuffer::with_storage([0; 256]),
    );
    let (mut server_rx, mut server_tx) = (
        RecvBuffer::with_storage([0; 512]),
        SendBuffer::with_storage([0; 256]),
    );
    let request = ClientRequest::new("a", "/", [7; 16]).with_subprotocols(&["x", "y"]);
    let mut client =
        Connection::client(&request, Config::new(), || [1, 2, 3, 4], &mut client_tx).unwrap();
    let mut server = Connection::server(Config::new());

    carry(&mut client_tx, &mut server_rx);
    let Some(Event::Request(request)) = server.poll(&mut server_rx, &mut server_tx).unwrap() else {
        panic!("no request")
    };
    let accept = Accept::new().with_subprotocol("y");
    server.accept(&request, &accept, &mut server_tx).unwrap();
    carry(&mut server_tx, &mut client_rx);
    let Some(Event::HandshakeDone(done)) = client.poll(&mut client_rx, &mut client_tx).unwrap()
    else {
        panic!("no handshake")
    };
    assert_eq!(done.subprotocol(), Some("y"));
    let done = server.poll(&mut server_rx, &mut server_tx).unwrap();
    assert!(matches!(done, Some(Event::HandshakeDone(_))));

    for round in 0..1000_u32 {
        client
            .send_binary(&[round as u8; 200], &mut client_tx)
            .unwrap();
        let full = client.send_binary(&[0; 200], &mut client_tx);
        assert_eq!(full, Err(Misuse::SendBufferFull));
        carry(&mut client_tx, &mut server_rx);
        match server.poll(&mut server_rx, &mut server_tx).unwrap() {
            Some(Event::Binary(octets)) => server.send_binary(octets, &mut server_tx).unwrap(),
            other => panic!("{other:?}"),
        }
        carry(&mut server_tx, &mut client_rx);
        match client.poll(&mut client_rx, &mut client_tx).unwrap() {
            Some(Event::Binary(octets)) => assert_eq!(octets, [round as u8; 200]),
            other => panic!("{other:?}"),
        }
    }

    for text in ["", "short", "K\u{e4}se"] {
        client.send_text(text, &mut client_tx).unwrap();
        carry(&mut client_tx, &mut server_rx);
        match server.poll(&mut server_rx, &mut server_tx).unwrap() {
            Some(Event::Text(seen)) => assert_eq!(seen, text),
            other => panic!("{other:?}"),
        }
    }

    client
        .close(CloseCode::NORMAL, "bye", &mut client_tx)
        .unwrap();
    carry(&mut client_tx, &mut server_rx);
    let event = server.poll(&mut server_rx, &mut server_tx).unwrap();
    assert!(matches!(event, Some(Event::Close(close)) if close.reason == "bye"));
    carry(&mut server_tx, &mut client_rx);
    let event = client.poll(&mut client_rx, &mut client_tx).unwrap();
    assert!(matches!(event, Some(Event::Close(_))));
    client.handle_eof();
    server.handle_eof();
    assert!(
        client
            .poll(&mut client_rx, &mut client_tx)
            .unwrap()
            .is_none()
    );
    assert!(
        server
            .poll(&mut server_rx, &mut server_tx)
            .unwrap()
            .is_none()
    );
    assert!(client.outcome(&client_rx).unwrap().clean);
    assert_eq!(server.outcome(&server_rx).unwrap().reason, "bye");
}
