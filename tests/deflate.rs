//! Compressed messages between two connections (RFC 7692), and against streams that were made elsewhere.
#![cfg(feature = "deflate")]

mod common;

use common::frames::{to_client, to_server};
use websocket_proto::handshake::{Accept, ClientRequest, DeflateConfig, DeflateParameters};
use websocket_proto::{
    Client, Config, Connection, Event, MessageKind, RecvBuffer, SendBuffer, Server, Violation,
};

type Keys = fn() -> [u8; 4];

struct Pair {
    client: Connection<Client<Keys>>,
    server: Connection<Server>,
    to_client: SendBuffer<Vec<u8>>,
    to_server: SendBuffer<Vec<u8>>,
    at_client: RecvBuffer<Vec<u8>>,
    at_server: RecvBuffer<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Open(Option<DeflateParameters>),
    Text(String),
    Binary(Vec<u8>),
    Other,
}

fn seen(event: Event<'_>) -> Seen {
    match event {
        Event::HandshakeDone(handshake) => Seen::Open(handshake.deflate()),
        Event::Text(text) => Seen::Text(text.into()),
        Event::Binary(octets) => Seen::Binary(octets.into()),
        _ => Seen::Other,
    }
}

impl Pair {
    fn new(client_deflate: Option<DeflateConfig>, server_deflate: Option<DeflateConfig>) -> Self {
        let mut request = ClientRequest::new("a", "/", [1; 16]);
        if let Some(config) = client_deflate {
            request = request.with_deflate(config);
        }
        let mut accept = Accept::new();
        if let Some(config) = server_deflate {
            accept = accept.with_deflate(config);
        }
        let mut to_server = SendBuffer::new();
        let keys: Keys = || [9, 8, 7, 6];
        let client = Connection::client(&request, Config::new(), keys, &mut to_server).unwrap();
        let mut pair = Self {
            client,
            server: Connection::server(Config::new()),
            to_client: SendBuffer::new(),
            to_server,
            at_client: RecvBuffer::new(),
            at_server: RecvBuffer::new(),
        };
        pair.at_server.extend(pair.to_server.octets()).unwrap();
        pair.to_server.clear();
        match pair.server.poll(&mut pair.at_server, &mut pair.to_client) {
            Ok(Some(Event::Request(request))) => pair
                .server
                .accept(&request, &accept, &mut pair.to_client)
                .unwrap(),
            other => panic!("{other:?}"),
        }
        pair
    }

    fn at_server(&mut self) -> Vec<Seen> {
        self.at_server.extend(self.to_server.octets()).unwrap();
        self.to_server.clear();
        let mut all = Vec::new();
        while let Some(event) = self
            .server
            .poll(&mut self.at_server, &mut self.to_client)
            .unwrap()
        {
            all.push(seen(event));
        }
        all
    }

    fn at_client(&mut self) -> Vec<Seen> {
        self.at_client.extend(self.to_client.octets()).unwrap();
        self.to_client.clear();
        let mut all = Vec::new();
        while let Some(event) = self
            .client
            .poll(&mut self.at_client, &mut self.to_server)
            .unwrap()
        {
            all.push(seen(event));
        }
        all
    }
}

#[test]
fn both_ends_agree_and_messages_shrink() {
    let mut pair = Pair::new(Some(DeflateConfig::new()), Some(DeflateConfig::new()));
    let agreed = Some(DeflateParameters::new());
    assert_eq!(pair.at_server(), [Seen::Open(agreed)]);
    assert_eq!(pair.at_client(), [Seen::Open(agreed)]);
    let text = "all work and no play makes a dull protocol. ".repeat(100);
    for round in 0..20 {
        pair.client.send_text(&text, &mut pair.to_server).unwrap();
        assert!(
            pair.to_server.len() < 200,
            "{round}: {}",
            pair.to_server.len()
        );
        assert_eq!(pair.at_server(), [Seen::Text(text.clone())], "{round}");
        pair.server
            .send_binary(text.as_bytes(), &mut pair.to_client)
            .unwrap();
        assert!(pair.to_client.len() < 200);
        assert_eq!(pair.at_client(), [Seen::Binary(text.clone().into())]);
    }
}

#[test]
fn parts() {
    let mut pair = Pair::new(Some(DeflateConfig::new()), Some(DeflateConfig::new()));
    pair.at_server();
    pair.at_client();
    for parts in [
        &["a", "", "bcd", ""][..],
        &["", ""],
        &[""],
        &["abc"],
        &["abc", ""],
    ] {
        pair.server.begin_message(MessageKind::Text).unwrap();
        let (last, others) = parts.split_last().unwrap();
        for part in others {
            pair.server
                .write_part(part.as_bytes(), &mut pair.to_client)
                .unwrap();
        }
        pair.server
            .end_message(last.as_bytes(), &mut pair.to_client)
            .unwrap();
        assert_eq!(pair.at_client(), [Seen::Text(parts.concat())], "{parts:?}");
    }
}
