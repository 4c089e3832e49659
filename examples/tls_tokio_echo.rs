//! An echo server on tokio, with TLS: `wss://`.
//!
//! ```text
//! cargo run --release --features tokio,rustls --example tls_tokio_echo -- CHAIN.pem KEY.pem [ADDR]
//! ```
//!
//! `ADDR` is `127.0.0.1:9001` unless given. The two files hold the server's certificates, its own first,
//! and its private key.

use std::error::Error;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use websocket_proto::Event;
use websocket_proto::adapter::tls::rustls::ServerConfig;
use websocket_proto::adapter::tls::rustls::pki_types::pem::PemObject;
use websocket_proto::adapter::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use websocket_proto::adapter::tokio::{self as ws, AcceptOptions, Outcome, accept_with};
use websocket_proto::handshake::{Accept, OriginPolicy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(chain), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: tls_tokio_echo CHAIN.pem KEY.pem [ADDR]".into());
    };
    let chain = CertificateDer::pem_file_iter(chain)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    let config = Arc::new(config);

    let address = arguments.next();
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on wss://{}/", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let config = Arc::clone(&config);
        tokio::spawn(async move {
            match echo(stream, &config).await {
                Ok(outcome) => println!("{peer} closed: {outcome:?}"),
                Err(error) => println!("{peer} failed: {error}"),
            }
        });
    }
}

async fn echo(stream: TcpStream, tls: &Arc<ServerConfig>) -> Result<Option<Outcome>, ws::Error> {
    let options = AcceptOptions::new()
        .with_tls(tls)
        .with_origins(OriginPolicy::Any);
    let mut ws = accept_with(stream, &options, |_| Ok(Accept::new())).await?;
    while let Some((event, mut out)) = ws.next().await? {
        match event {
            Event::Text(text) => out.send_text(text)?,
            Event::Binary(octets) => out.send_binary(octets)?,
            _ => {} // Pings and Closes are answered already.
        }
    }
    Ok(ws.outcome())
}
