//! The futures-io adapter on smol, over sockets of the loopback.
#![cfg(feature = "futures-io")]

use std::time::Duration;

use smol::Timer;
use smol::future::or;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use websocket_proto::adapter::futures_io::{
    AcceptOptions, ConnectOptions, Error, accept, accept_with, connect_over,
};
use websocket_proto::handshake::{Accept, Url};
use websocket_proto::{CloseCode, Config, Event, Violation};

/// Both ends of a stream.
async fn streams() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    (listener.accept().await.unwrap().0, there)
}

/// Fails instead of hanging.
fn in_time<T>(test: impl Future<Output = T>) -> T {
    smol::block_on(or(test, async {
        Timer::after(Duration::from_secs(60)).await;
        panic!("it hangs")
    }))
}

#[test]
fn it_opens_echoes_and_closes() {
    in_time(async {
        let (here, there) = streams().await;
        let server = smol::spawn(async {
            let mut ws = accept(here, Timer::after).await?;
            while let Some((event, mut out)) = ws.next().await? {
                match event {
                    Event::Text(text) => out.send_text(text)?,
                    Event::Binary(octets) => out.send_binary(octets)?,
                    _ => {}
                }
            }
            Ok::<_, Error>(ws.outcome())
        });
        let url = Url::parse("ws://localhost/").unwrap();
        let options = ConnectOptions::new();
        let ws = connect_over(there, Timer::after, &url, &options)
            .await
            .unwrap();
        let (mut reader, writer) = ws.split();
        for size in [0, 1, 5000, 100_000] {
            let octets = vec![7; size];
            writer.send_binary(&octets).await.unwrap();
            match reader.next().await.unwrap() {
                Some(Event::Binary(echoed)) => assert!(echoed == octets),
                other => panic!("{other:?}"),
            }
        }
        assert!(reader.close(CloseCode::NORMAL, "bye").await.unwrap().clean);
        assert_eq!(server.await.unwrap().unwrap().reason, "bye");
    });
}

#[test]
fn the_timer_that_is_passed_in_keeps_the_deadlines() {
    in_time(async {
        let (here, mut there) = streams().await;
        let config = Config::new().with_handshake_timeout(Some(Duration::from_millis(1)));
        let options = AcceptOptions::new().with_config(config);
        let server = smol::spawn(async move {
            accept_with(here, Timer::after, &options, |_| Ok(Accept::new()))
                .await
                .map(drop)
        });
        there.write_all(b"GET").await.unwrap();
        let mut told = Vec::new();
        there.read_to_end(&mut told).await.unwrap();
        assert!(told.starts_with(b"HTTP/1.1 408 "));
        drop(there);
        assert!(matches!(
            server.await,
            Err(Error::Violation(Violation::HandshakeTimeout))
        ));
    });
}
