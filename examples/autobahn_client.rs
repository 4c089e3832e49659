//! The client's role in the Autobahn test suite: it echoes whatever the suite's server sends.
//!
//! ```text
//! wstest --mode fuzzingserver --spec SPEC
//! cargo run --release --example autobahn_client -- ws://127.0.0.1:9001 websocket-proto
//! ```
//!
//! The server breaks the protocol in most cases, on purpose: an error is an answer like any other here,
//! and it is the server's report that says which were right.

use std::error::Error;

use websocket_proto::adapter::blocking::{self, ConnectOptions, connect_with};
use websocket_proto::{Config, Event};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, agent] = arguments.as_slice() else {
        return Err("usage: autobahn_client URL AGENT".into());
    };
    let url = url.trim_end_matches('/');

    let cases = case_count(url)?;
    for case in 1..=cases {
        if let Err(error) = echo(&format!("{url}/runCase?case={case}&agent={agent}")) {
            println!("case {case}: {error}");
        }
    }
    echo(&format!("{url}/updateReports?agent={agent}"))?;
    println!("{cases} cases");
    Ok(())
}

/// The server says how many cases there are, and closes.
fn case_count(url: &str) -> Result<u32, Box<dyn Error>> {
    let mut ws = blocking::connect(&format!("{url}/getCaseCount"))?;
    let mut count = None;
    while let Some((event, _)) = ws.next()? {
        if let Event::Text(text) = event {
            count = Some(text.parse()?);
        }
    }
    count.ok_or_else(|| "the server said no number of cases".into())
}

/// One connection, until the server closes it.
fn echo(url: &str) -> Result<(), blocking::Error> {
    // The suite's largest messages have 16 MiB. A Ping of our own would disturb it.
    let config = Config::new()
        .with_max_message_size(64 << 20)
        .with_max_fragments(1 << 20)
        .with_ping_interval(None);
    let options = ConnectOptions::new().with_config(config);
    #[cfg(feature = "deflate")]
    let options = options.with_deflate(websocket_proto::handshake::DeflateConfig::new());
    let mut ws = connect_with(url, &options)?;
    while let Some((event, mut out)) = ws.next()? {
        match event {
            Event::Text(text) => out.send_text(text)?,
            Event::Binary(octets) => out.send_binary(octets)?,
            _ => {}
        }
    }
    Ok(())
}
