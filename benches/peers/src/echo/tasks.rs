//! Echo servers on tokio: one thread, a task for each connection.

use std::cell::RefCell;
use std::future::{self, Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::fastwebsockets::{FragmentCollector, OpCode, WebSocketError, upgrade};
use ::sockudo_ws::{Config, Role, WebSocketStream, handshake};
use ::soketto::handshake::{Server, server::Response};
use ::tokio_websockets::ServerBuilder;
use ::web_socket::{DataType, Frame, WebSocket};
use ::wtx::collection::Vector;
use ::wtx::web_socket::{WebSocketAcceptor, WebSocketPayloadOrigin};
use futures_util::io::{BufReader, BufWriter};
use futures_util::{SinkExt, StreamExt, TryStreamExt};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use tokio_util::compat::TokioAsyncReadCompatExt;
use websocket_proto::Event;
use websocket_proto::adapter::tokio as ours;
use websocket_proto::adapter::tokio::Message;

use super::{SWITCHING, Unmasked};

/// Runs `connection` for each connection.
fn serve<F: Future<Output = ()> + 'static>(address: &str, connection: fn(TcpStream) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(address).await.expect("an address");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.set_nodelay(true);
            spawn_local(connection(stream));
        }
    });
}

pub(super) fn ours(address: &str) {
    serve(address, |stream| async {
        let Ok(mut ws) = ours::accept(stream).await else {
            return;
        };
        while let Ok(Some((event, mut out))) = ws.next().await {
            let queued = match event {
                Event::Text(text) => out.send_text(text),
                Event::Binary(octets) => out.send_binary(octets),
                _ => Ok(()),
            };
            if queued.is_err() {
                return;
            }
        }
    });
}

pub(super) fn ours_forward(address: &str) {
    serve(address, |stream| async {
        let Ok(ws) = ours::accept(stream).await else {
            return;
        };
        let (stream, sink) = ws.split();
        let messages = stream.try_filter(|message| {
            future::ready(matches!(message, Message::Text(_) | Message::Binary(_)))
        });
        let _ = messages.forward(sink).await;
    });
}

pub(super) fn tungstenite(address: &str) {
    serve(address, |stream| async {
        let Ok(mut ws) = tokio_tungstenite::accept_async(stream).await else {
            return;
        };
        while let Some(Ok(message)) = ws.next().await {
            if (message.is_text() || message.is_binary()) && ws.send(message).await.is_err() {
                return;
            }
        }
    });
}

pub(super) fn tungstenite_forward(address: &str) {
    serve(address, |stream| async {
        let Ok(ws) = tokio_tungstenite::accept_async(stream).await else {
            return;
        };
        let (sink, stream) = ws.split();
        let messages =
            stream.try_filter(|message| future::ready(message.is_text() || message.is_binary()));
        let _ = messages.forward(sink).await;
    });
}

pub(super) fn tokio_websockets(address: &str) {
    serve(address, |stream| async {
        let Ok((_, mut ws)) = ServerBuilder::new().accept(stream).await else {
            return;
        };
        while let Some(Ok(message)) = ws.next().await {
            if (message.is_text() || message.is_binary()) && ws.send(message).await.is_err() {
                return;
            }
        }
    });
}

pub(super) fn tokio_websockets_forward(address: &str) {
    serve(address, |stream| async {
        let Ok((_, ws)) = ServerBuilder::new().accept(stream).await else {
            return;
        };
        let (sink, stream) = ws.split();
        let messages =
            stream.try_filter(|message| future::ready(message.is_text() || message.is_binary()));
        let _ = messages.forward(sink).await;
    });
}

async fn accept_sockudo(mut stream: TcpStream) -> Option<WebSocketStream<TcpStream>> {
    let done = handshake::server_handshake(&mut stream).await.ok()?;
    let config = Config::default();
    Some(WebSocketStream::from_raw_with_leftover(
        stream,
        Role::Server,
        config,
        done.leftover,
    ))
}

pub(super) fn sockudo_ws(address: &str) {
    serve(address, |stream| async {
        let Some(mut ws) = accept_sockudo(stream).await else {
            return;
        };
        while let Some(Ok(message)) = ws.next().await {
            if (message.is_text() || message.is_binary()) && ws.send(message).await.is_err() {
                return;
            }
        }
    });
}

pub(super) fn sockudo_ws_forward(address: &str) {
    serve(address, |stream| async {
        let Some(ws) = accept_sockudo(stream).await else {
            return;
        };
        let (sink, stream) = StreamExt::split(ws);
        let messages =
            stream.try_filter(|message| future::ready(message.is_text() || message.is_binary()));
        let _ = messages.forward(sink).await;
    });
}

pub(super) fn fastwebsockets(address: &str) {
    serve(address, |stream| async {
        let service = service_fn(|mut request| async move {
            let (response, upgraded) = upgrade::upgrade(&mut request)?;
            spawn_local(async {
                let Ok(ws) = upgraded.await else { return };
                let mut ws = FragmentCollector::new(ws);
                while let Ok(frame) = ws.read_frame().await {
                    let again = match frame.opcode {
                        OpCode::Text | OpCode::Binary => ws.write_frame(frame).await.is_ok(),
                        opcode => opcode != OpCode::Close,
                    };
                    if !again {
                        return;
                    }
                }
            });
            Ok::<_, WebSocketError>(response)
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let _ = connection.with_upgrades().await;
    });
}

/// Accepts with hyper, and runs `echo` on what has been upgraded.
async fn serve_yawc<F: Future<Output = ()> + 'static>(
    stream: TcpStream,
    echo: fn(::yawc::HttpWebSocket) -> F,
) {
    let service = service_fn(move |mut request| async move {
        let options = ::yawc::Options::default()
            .with_utf8()
            .with_limits(16 << 20, 64 << 20);
        let (response, upgraded) = ::yawc::WebSocket::upgrade_with_options(&mut request, options)?;
        spawn_local(async move {
            if let Ok(ws) = upgraded.await {
                echo(ws).await;
            }
        });
        Ok::<_, ::yawc::WebSocketError>(response)
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = connection.with_upgrades().await;
}

fn is_message(frame: &::yawc::Frame) -> bool {
    matches!(
        frame.opcode(),
        ::yawc::OpCode::Text | ::yawc::OpCode::Binary
    )
}

pub(super) fn yawc(address: &str) {
    serve(address, |stream| {
        serve_yawc(stream, |mut ws| async move {
            while let Some(frame) = ws.next().await {
                if is_message(&frame) && ws.send(frame).await.is_err() {
                    return;
                }
            }
        })
    });
}

pub(super) fn yawc_forward(address: &str) {
    serve(address, |stream| {
        serve_yawc(stream, |ws| async move {
            let (sink, stream) = ws.split();
            let frames = stream.filter(|frame| future::ready(is_message(frame)));
            let _ = frames.map(Ok).forward(sink).await;
        })
    });
}

pub(super) fn soketto(address: &str) {
    serve(address, |stream| async {
        let mut server = Server::new(BufReader::new(BufWriter::new(stream.compat())));
        let key = match server.receive_request().await {
            Ok(request) => request.key(),
            Err(_) => return,
        };
        let response = Response::Accept {
            key,
            protocol: None,
        };
        if server.send_response(&response).await.is_err() {
            return;
        }
        let (mut sender, mut receiver) = server.into_builder().finish();
        let mut message = Vec::new();
        loop {
            message.clear();
            let Ok(data) = receiver.receive_data(&mut message).await else {
                return;
            };
            let sent = match std::str::from_utf8(&message) {
                Ok(text) if data.is_text() => sender.send_text(text).await,
                Err(_) if data.is_text() => return,
                _ => sender.send_binary(&message).await,
            };
            if sent.is_err() || sender.flush().await.is_err() {
                return;
            }
        }
    });
}

/// It has no handshake: the answer to the one key that the load generator sends stands in for it.
pub(super) fn web_socket(address: &str) {
    serve(address, |mut stream| async {
        let mut head = vec![0; 2048];
        if stream.read(&mut head).await.is_err() || stream.write_all(SWITCHING).await.is_err() {
            return;
        }
        drop(head);
        let mut ws = WebSocket::server(tokio::io::BufReader::new(stream));
        while let Ok(event) = ws.recv_event().await {
            let ::web_socket::Event::Data {
                ty: DataType::Complete(kind),
                data,
            } = event
            else {
                return;
            };
            if kind.is_text() && std::str::from_utf8(&data).is_err() {
                return;
            }
            let frame = Frame {
                fin: true,
                opcode: kind as u8,
                data: &data,
            };
            if ws.send_raw(frame).await.is_err() {
                return;
            }
        }
    });
}

pub(super) fn wtx(address: &str) {
    use ::wtx::web_socket::{Frame, OpCode};
    serve(address, |stream| async {
        let echo = async {
            let mut ws = WebSocketAcceptor::default().accept(stream).await?;
            let (mut common, mut reader, mut writer) = ws.split_mut();
            let mut buffer = Vector::new();
            loop {
                let mut frame = reader
                    .read_frame(&mut buffer, &mut common, WebSocketPayloadOrigin::Adaptive)
                    .await?;
                match frame.op_code() {
                    opcode @ (OpCode::Binary | OpCode::Text) => {
                        let payload = &mut **frame.payload_mut();
                        let mut reply = Frame::<_, false>::new_fin(opcode, payload);
                        writer.write_frame(&mut common, &mut reply).await?;
                    }
                    OpCode::Close => return ::wtx::Result::Ok(()),
                    _ => {}
                }
            }
        };
        let _: ::wtx::Result<()> = echo.await;
    });
}

thread_local! {
    static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; 128 << 10]);
}

/// The floor: one read and one write for each time that something has come, and no memory for a
/// connection that waits.
pub(super) fn raw(address: &str) {
    serve(address, |mut stream| async move {
        if poll_fn(|context| read_shared(&mut stream, context, |_, octets| octets.len()))
            .await
            .is_none()
            || stream.write_all(SWITCHING).await.is_err()
        {
            return;
        }
        let mut unmasked = Unmasked::default();
        loop {
            let unsent = poll_fn(|context| {
                read_shared(&mut stream, context, |stream, octets| {
                    let due = unmasked.due(octets);
                    let sent = stream.try_write(&octets[..due]).unwrap_or(0);
                    octets[sent..due].to_vec()
                })
            });
            match unsent.await {
                Some(unsent) if unsent.is_empty() => {}
                Some(unsent) if stream.write_all(&unsent).await.is_ok() => {}
                _ => return,
            }
        }
    });
}

/// Reads into memory that all connections share, and hands on what came; `None` at the end.
fn read_shared<T>(
    stream: &mut TcpStream,
    context: &mut Context<'_>,
    handle: impl FnOnce(&TcpStream, &[u8]) -> T,
) -> Poll<Option<T>> {
    SHARED.with_borrow_mut(|buffer| {
        let mut target = ReadBuf::new(buffer);
        match ready!(Pin::new(&mut *stream).poll_read(context, &mut target)) {
            Ok(()) if !target.filled().is_empty() => {
                Poll::Ready(Some(handle(stream, target.filled())))
            }
            _ => Poll::Ready(None),
        }
    })
}
