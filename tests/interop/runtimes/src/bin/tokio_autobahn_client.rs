//! The example `autobahn_client` on tokio.

use std::error::Error;

use websocket_proto::Event;
use websocket_proto::adapter::tokio::{ConnectOptions, connect, connect_with};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (url, agent) = websocket_runtimes::autobahn_arguments()?;
    let cases = case_count(&url).await?;
    for case in 1..=cases {
        // An error is an answer like any other: the server judges.
        if let Err(error) = echo(&format!("{url}/runCase?case={case}&agent={agent}")).await {
            println!("case {case}: {error}");
        }
    }
    echo(&format!("{url}/updateReports?agent={agent}")).await?;
    println!("{cases} cases");
    Ok(())
}

async fn case_count(url: &str) -> Result<u32, Box<dyn Error>> {
    let mut ws = connect(&format!("{url}/getCaseCount")).await?;
    let mut count = None;
    while let Some((event, _)) = ws.next().await? {
        if let Event::Text(text) = event {
            count = Some(text.parse()?);
        }
    }
    count.ok_or_else(|| "the server said no number of cases".into())
}

async fn echo(url: &str) -> Result<(), Box<dyn Error>> {
    let options = ConnectOptions::new().with_config(websocket_runtimes::config());
    #[cfg(feature = "deflate")]
    let options = options.with_deflate(websocket_proto::handshake::DeflateConfig::new());
    let mut ws = connect_with(url, &options).await?;
    while let Some((event, mut out)) = ws.next().await? {
        match event {
            Event::Text(text) => out.send_text(text)?,
            Event::Binary(octets) => out.send_binary(octets)?,
            _ => {}
        }
    }
    Ok(())
}
