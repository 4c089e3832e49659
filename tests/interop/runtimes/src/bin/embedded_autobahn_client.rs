//! The example `autobahn_client` in fixed buffers.

use std::error::Error;

use tokio::net::TcpStream;
use websocket_proto::Event;
use websocket_proto::adapter::embedded::{Buffers, connect_over};
use websocket_proto::adapter::tokio::Clock;
use websocket_proto::adapter::{ConnectOptions, SystemKeys, nonce};
use websocket_proto::handshake::Url;
use websocket_runtimes::device::{BUFFER, Socket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (url, agent) = websocket_runtimes::autobahn_arguments()?;
    let mut count = None;
    talk(&format!("{url}/getCaseCount"), |text| {
        count = text.parse::<u32>().ok()
    })
    .await?;
    let cases = count.ok_or("the server said no number of cases")?;
    for case in 1..=cases {
        // An error is an answer like any other: the server judges.
        let url = format!("{url}/runCase?case={case}&agent={agent}");
        if let Err(error) = talk(&url, |_| {}).await {
            println!("case {case}: {error}");
        }
    }
    talk(&format!("{url}/updateReports?agent={agent}"), |_| {}).await?;
    println!("{cases} cases");
    Ok(())
}

/// One connection, until the server closes it: each message goes back. Texts are shown to `read`.
async fn talk(url: &str, mut read: impl FnMut(&str)) -> Result<(), Box<dyn Error>> {
    let url = Url::parse(url)?;
    let socket = Socket::new(TcpStream::connect((url.host(), url.port())).await?)?;
    let options = ConnectOptions::new().with_config(websocket_runtimes::config());
    let request = options.request(&url, nonce()?);
    let (mut rx, mut tx) = (vec![0; BUFFER], vec![0; BUFFER]);
    let buffers = Buffers {
        rx: &mut rx,
        tx: &mut tx,
    };
    let mut ws = connect_over(socket, Clock, buffers, &request, &options, SystemKeys).await?;
    while let Some((event, mut out)) = ws.next().await? {
        match event {
            Event::Text(text) => {
                read(text);
                out.send_text(text)?;
            }
            Event::Binary(octets) => out.send_binary(octets)?,
            _ => {}
        }
    }
    Ok(())
}
