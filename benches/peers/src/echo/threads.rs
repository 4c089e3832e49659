//! Blocking echo servers: a thread for each connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use ::nexus_web::ws::{ClientBuilder, OwnedMessage};
use ::tungstenite::Message;
use websocket_proto::Event;
use websocket_proto::adapter::blocking;

use super::{SWITCHING, Unmasked};

/// Runs `connection` for each connection. How one ends doesn't matter.
fn serve<E: 'static>(address: &str, connection: fn(TcpStream) -> Result<(), E>) {
    for stream in TcpListener::bind(address).expect("an address").incoming() {
        let stream = stream.expect("a connection");
        std::thread::spawn(move || {
            let _ = stream.set_nodelay(true);
            let _ = connection(stream);
        });
    }
}

pub(super) fn ours(address: &str) {
    serve(address, |stream| {
        let mut ws = blocking::accept(stream)?;
        while let Some((event, mut out)) = ws.next()? {
            match event {
                Event::Text(text) => out.send_text(text)?,
                Event::Binary(octets) => out.send_binary(octets)?,
                _ => {}
            }
        }
        Ok::<_, blocking::Error>(())
    });
}

pub(super) fn tungstenite(address: &str) {
    serve(address, |stream| {
        let Ok(mut ws) = ::tungstenite::accept(stream) else {
            return Ok(());
        };
        loop {
            let message = ws.read()?;
            if let Message::Text(_) | Message::Binary(_) = message {
                ws.send(message)?;
            }
        }
        #[expect(unreachable_code, reason = "it names the error")]
        Ok::<_, ::tungstenite::Error>(())
    });
}

pub(super) fn nexus_web(address: &str) {
    serve(address, |stream| {
        // Its buffer for what is sent has to hold the largest message.
        let builder = ClientBuilder::new().write_buffer_capacity(128 << 10);
        let mut ws = builder.accept(stream)?;
        // A message borrows the means to answer it: it has to be cloned.
        while let Some(message) = ws.recv()? {
            match message.into_owned() {
                OwnedMessage::Text(text) => ws.send_text(&text)?,
                OwnedMessage::Binary(octets) => ws.send_binary(&octets)?,
                _ => {}
            }
        }
        Ok::<_, ::nexus_web::ws::Error>(())
    });
}

pub(super) fn raw(address: &str) {
    serve(address, |mut stream| {
        let mut buffer = vec![0; 128 << 10];
        let _ = stream.read(&mut buffer)?;
        stream.write_all(SWITCHING)?;
        let mut unmasked = Unmasked::default();
        loop {
            match stream.read(&mut buffer)? {
                0 => return Ok::<_, std::io::Error>(()),
                count => {
                    let due = unmasked.due(&buffer[..count]);
                    stream.write_all(&buffer[..due])?;
                }
            }
        }
    });
}
