//! A client on tokio: sends the lines of its input, and prints what comes, at the same time.
//!
//! ```text
//! cargo run --release --features tokio --example tokio_client -- URL
//! ```

use std::io::BufRead;

use tokio::sync::mpsc;
use websocket_proto::adapter::tokio::{Error, connect};
use websocket_proto::{CloseCode, Event};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let url = std::env::args().nth(1);
    let ws = connect(url.as_deref().unwrap_or("ws://127.0.0.1:9001/")).await?;
    let (mut reader, writer) = ws.split();

    // Standard input can only be read by a thread that waits for it.
    let (sender, mut lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    let sending = tokio::spawn(async move {
        while let Some(line) = lines.recv().await {
            writer.send_text(&line).await?;
        }
        writer.close(CloseCode::NORMAL, "end of input").await
    });
    while let Some(event) = reader.next().await? {
        match event {
            Event::Text(text) => println!("{text}"),
            Event::Binary(octets) => println!("{} octets", octets.len()),
            _ => {}
        }
    }
    println!("{:?}", reader.outcome());
    sending.abort();
    Ok(())
}
