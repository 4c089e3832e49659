//! What the programs have in common.

pub mod device;

use std::net::SocketAddr;

use websocket_proto::Config;
use websocket_proto::handshake::OriginPolicy;

/// Limits as those of the examples: the Autobahn test suite's largest messages have 16 MiB. A Ping of our
/// own would disturb it.
pub fn config() -> Config {
    Config::new()
        .with_max_message_size(64 << 20)
        .with_max_fragments(1 << 20)
}

/// A server's command line: `[ADDR] [--any-origin] [--quiet]`. It says little in any case.
pub fn server_arguments() -> Result<(SocketAddr, OriginPolicy<'static>), String> {
    let mut address = "127.0.0.1:9001".into();
    let mut origins = OriginPolicy::SameHost;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--any-origin" => origins = OriginPolicy::Any,
            "--quiet" => {}
            option if option.starts_with('-') => {
                return Err("usage: [ADDR] [--any-origin] [--quiet]".into());
            }
            _ => address = argument,
        }
    }
    let address = address.parse().map_err(|error| format!("{error}"))?;
    Ok((address, origins))
}

/// A client's role in the Autobahn test suite: `URL AGENT`.
pub fn autobahn_arguments() -> Result<(String, String), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [url, agent] => Ok((url.trim_end_matches('/').into(), agent.clone())),
        _ => Err("usage: URL AGENT".into()),
    }
}
