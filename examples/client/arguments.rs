//! The command line.

use std::time::Duration;

use websocket_proto::adapter::ConnectOptions;
use websocket_proto::handshake::DeflateConfig;

pub(crate) const USAGE: &str = "usage: client URL [--header 'Name: value']... [--subprotocol NAME]... \
    [--origin ORIGIN] [--linger SECONDS] [--deflate[=KNOB,...]] [--ca FILE]";

pub(crate) struct Arguments {
    pub(crate) url: String,
    headers: Vec<(String, String)>,
    subprotocols: Vec<String>,
    origin: Option<String>,
    pub(crate) linger: Duration,
    deflate: Option<DeflateConfig>,
    /// Not every client does TLS.
    #[allow(dead_code)]
    pub(crate) ca: Option<String>,
}

impl Arguments {
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            url: String::new(),
            headers: Vec::new(),
            subprotocols: Vec::new(),
            origin: None,
            linger: Duration::from_secs(1),
            deflate: None,
            ca: None,
        };
        while let Some(argument) = given.next() {
            let mut value = || given.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--header" => {
                    let header = value()?;
                    let (name, value) =
                        header.split_once(':').ok_or("a header is 'Name: value'")?;
                    arguments.headers.push((name.into(), value.trim().into()));
                }
                "--subprotocol" => arguments.subprotocols.push(value()?),
                "--origin" => arguments.origin = Some(value()?),
                "--linger" => {
                    arguments.linger = value()?
                        .parse()
                        .ok()
                        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                        .ok_or("--linger takes a number of seconds")?;
                }
                "--ca" => arguments.ca = Some(value()?),
                "--deflate" => arguments.deflate = Some(deflate_config("")?),
                option if option.starts_with("--deflate=") => {
                    arguments.deflate = Some(deflate_config(&option["--deflate=".len()..])?);
                }
                option if option.starts_with("--") => return Err(format!("no option {option}")),
                _ if arguments.url.is_empty() => arguments.url = argument,
                _ => return Err(format!("what is {argument}?")),
            }
        }
        if arguments.url.is_empty() {
            return Err("a URL is needed".into());
        }
        Ok(arguments)
    }

    pub(crate) fn subprotocols(&self) -> Vec<&str> {
        self.subprotocols.iter().map(String::as_str).collect()
    }

    pub(crate) fn fields(&self) -> Vec<(&str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    /// All else that connecting takes.
    pub(crate) fn options(&self) -> ConnectOptions<'_> {
        let mut options = ConnectOptions::new();
        if let Some(origin) = &self.origin {
            options = options.with_origin(origin);
        }
        #[cfg(feature = "deflate")]
        if let Some(config) = self.deflate {
            options = options.with_deflate(config);
        }
        options
    }
}

/// An offer to compress, from its knobs.
fn deflate_config(knobs: &str) -> Result<DeflateConfig, String> {
    if cfg!(not(feature = "deflate")) {
        return Err("--deflate needs a client that is built with --features deflate".into());
    }
    let mut config = DeflateConfig::new();
    for knob in knobs.split(',').filter(|knob| !knob.is_empty()) {
        let (name, value) = knob.split_once('=').unwrap_or((knob, ""));
        let bad = |_| format!("{name} takes a number");
        config = match name {
            "server_no_context_takeover" => config.with_server_context_takeover(false),
            "client_no_context_takeover" => config.with_client_context_takeover(false),
            "server_max_window_bits" => {
                config.with_server_max_window_bits(value.parse().map_err(bad)?)
            }
            "client_max_window_bits" => {
                config.with_client_max_window_bits(value.parse().map_err(bad)?)
            }
            "min_size" => config.with_min_size(value.parse().map_err(bad)?),
            _ => return Err(format!("no knob {name}")),
        };
    }
    Ok(config)
}
