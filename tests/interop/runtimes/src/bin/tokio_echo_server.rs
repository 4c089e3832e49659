//! The example `echo_server` on tokio: the page, `/echo` and `/`, `/chat`, `/time`.

use std::error::Error;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use websocket_proto::adapter::tokio::{AcceptOptions, ServerSocket, accept_with};
use websocket_proto::handshake::{Accept, OriginPolicy, Rejection, Request};
use websocket_proto::{Event, adapter};

/// The subprotocols that are spoken here.
const SUBPROTOCOLS: [&str; 2] = ["chat", "superchat"];

const PAGE: &str = include_str!("../../../../../examples/echo_server/console.html");
const PAGE_FIELDS: &[(&str, &str)] = &[("Content-Type", "text/html; charset=utf-8")];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (address, origins) = websocket_runtimes::server_arguments()?;
    let listener = TcpListener::bind(address).await?;
    let chat = broadcast::Sender::new(100);
    loop {
        let (stream, peer) = listener.accept().await?;
        let chat = chat.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(stream, origins, chat).await {
                println!("{peer} failed: {error}");
            }
        });
    }
}

#[derive(Clone, Copy)]
enum Service {
    Echo,
    Chat,
    Time,
}

async fn serve(
    stream: TcpStream,
    origins: OriginPolicy<'static>,
    chat: broadcast::Sender<String>,
) -> Result<(), adapter::Error> {
    let options = AcceptOptions::new()
        .with_config(websocket_runtimes::config().with_plain_requests(true))
        // `route` looks at the origin: whoever asks for the page has none.
        .with_origins(OriginPolicy::Any);
    #[cfg(feature = "deflate")]
    let options = options.with_deflate(websocket_proto::handshake::DeflateConfig::new());
    let mut service = Service::Echo;
    let accepted = accept_with(stream, &options, |request| {
        let (chosen, accept) = route(request, origins)?;
        service = chosen;
        Ok(accept)
    });
    let ws = match accepted.await {
        Err(adapter::Error::Rejected) => return Ok(()),
        ws => ws?,
    };
    match service {
        Service::Echo => echo(ws).await,
        Service::Chat => talk(ws, chat).await,
        Service::Time => tell_time(ws).await,
    }
}

fn route(
    request: &Request<'_>,
    origins: OriginPolicy<'static>,
) -> Result<(Service, Accept<'static>), Rejection<'static>> {
    if !request.is_upgrade() && request.path() == "/" {
        return Err(Rejection::new(200)
            .with_fields(PAGE_FIELDS)
            .with_body(PAGE.as_bytes()));
    }
    let service = match request.path() {
        _ if !request.is_upgrade() => return Err(Rejection::for_status(404)),
        _ if !origins.allows(request) => return Err(Rejection::for_status(403)),
        "/" | "/echo" => Service::Echo,
        "/chat" => Service::Chat,
        "/time" => Service::Time,
        _ => return Err(Rejection::for_status(404)),
    };
    let subprotocol = request
        .subprotocols()
        .find_map(|offered| SUBPROTOCOLS.into_iter().find(|known| *known == offered));
    let accept = match subprotocol {
        Some(name) => Accept::new().with_subprotocol(name),
        None => Accept::new(),
    };
    Ok((service, accept))
}

async fn echo(mut ws: ServerSocket<TcpStream>) -> Result<(), adapter::Error> {
    while let Some((event, mut out)) = ws.next().await? {
        match event {
            Event::Text(text) => out.send_text(text)?,
            Event::Binary(octets) => out.send_binary(octets)?,
            _ => {}
        }
    }
    Ok(())
}

/// Each text goes to everybody: one task reads, another writes.
async fn talk(
    ws: ServerSocket<TcpStream>,
    chat: broadcast::Sender<String>,
) -> Result<(), adapter::Error> {
    let (mut reader, writer) = ws.split();
    let mut heard = chat.subscribe();
    let telling = tokio::spawn(async move {
        while let Ok(text) = heard.recv().await {
            if writer.send_text(&text).await.is_err() {
                break;
            }
        }
    });
    while let Some(event) = reader.next().await? {
        if let Event::Text(text) = event {
            let _ = chat.send(text.into());
        }
    }
    telling.abort();
    Ok(())
}

/// The seconds that have passed, one after the other.
async fn tell_time(mut ws: ServerSocket<TcpStream>) -> Result<(), adapter::Error> {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        // Whichever loses the race is dropped where it waits.
        tokio::select! {
            _ = ticks.tick() => {
                let text = format!("{} s", began.elapsed().as_secs());
                if ws.send_text(&text).await.is_err() {
                    return Ok(());
                }
            }
            event = ws.next() => {
                if event?.is_none() {
                    return Ok(());
                }
            }
        }
    }
}
