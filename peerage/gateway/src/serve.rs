//! Accepts connections and serves both HTTP versions on them until it is told to stop.
//!
//! A connection has to say soon which version it speaks, and over HTTP/1.1 each request's head is
//! due in time: one that opens connections and says nothing holds none of them for long. A TLS
//! handshake has as long. One without a call ends after a while, and soon where there are many.

use crate::{
    Gateway, Peer,
    limits::{ARRIVAL, Limits, Load, Shared},
    listen::Listener,
    metered::Metered,
    tls::Tls,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// A peer that is gone is noticed after these two.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The most of an answer that waits for a caller to read it.
const UNREAD: usize = 64 << 10;

/// The most of a request's head over HTTP/1.1, and over HTTP/2.
const HEAD: usize = 64 << 10;
const HEADERS: u32 = 16 << 10;

/// What an HTTP/2 client says first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How a server is told to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// From then on no connection is taken, and those that are there end once their calls are
    /// answered.
    pub draining: CancellationToken,
    /// What is not answered by then is answered with `UNAVAILABLE`.
    pub cut: CancellationToken,
}

/// Serves `gateway` until it is told to stop. Callers hold no more of the server than `limits`.
pub async fn serve(listener: impl Into<Listener>, gateway: Gateway, limits: Limits, stop: Stop) {
    let listener = listener.into();
    let shared = Shared::new(limits);
    let mut connections = JoinSet::new();
    loop {
        shared.count(connections.len());
        tokio::select! {
            () = stop.draining.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener), if connections.len() < limits.connections => match accepted {
                Ok(accepted) => {
                    let visit = Visit {
                        gateway: gateway.clone(),
                        load: Load::new(Arc::clone(&shared)),
                        stop: stop.clone(),
                    };
                    connections.spawn(visit.receive(accepted));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: others may be closed meanwhile.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// A connection that has said nothing yet.
enum Accepted {
    Plain(TcpStream, SocketAddr),
    Secure(TcpStream, SocketAddr, Tls),
    Unix(UnixStream),
}

async fn accept(listener: &Listener) -> io::Result<Accepted> {
    Ok(match listener {
        Listener::Plain(listener) => {
            let (stream, from) = listener.accept().await?;
            Accepted::Plain(stream, from)
        }
        Listener::Secure(listener, tls) => {
            let (stream, from) = listener.accept().await?;
            Accepted::Secure(stream, from, tls.clone())
        }
        Listener::Unix(socket) => Accepted::Unix(socket.listener.accept().await?.0),
    })
}

/// One connection, and what it is served with.
struct Visit {
    gateway: Gateway,
    load: Arc<Load>,
    stop: Stop,
}

impl Visit {
    async fn receive(self, accepted: Accepted) {
        let served = match accepted {
            Accepted::Plain(stream, from) => {
                let nodelay = stream.set_nodelay(true);
                let opened = async move {
                    nodelay?;
                    Ok((stream, Peer::Plain { from }))
                };
                self.attend(opened).await
            }
            Accepted::Secure(stream, from, tls) => {
                self.attend(shake_hands(stream, from, tls)).await
            }
            Accepted::Unix(stream) => {
                let opened = async move {
                    let uid = stream.peer_cred()?.uid();
                    Ok((stream, Peer::Socket { uid }))
                };
                self.attend(opened).await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    /// Serves a connection once it is open, unless the server stops before, or it takes too long
    /// to say what it wants.
    async fn attend<S>(
        self,
        opening: impl Future<Output = io::Result<(S, Peer)>>,
    ) -> Result<(), Ended>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let opening = async {
            let (stream, peer) = opening.await?;
            Ok::<_, io::Error>((open(stream).await?, peer))
        };
        tokio::select! {
            opened = opening => {
                let (opened, peer) = opened?;
                self.converse(opened, peer).await
            }
            () = self.load.run_out(ARRIVAL) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            () = self.stop.draining.cancelled() => Ok(()),
        }
    }

    async fn converse<S>(self, opened: Opened<S>, peer: Peer) -> Result<(), Ended>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            gateway,
            load,
            stop,
        } = self;
        let builder = builder(load.streams());
        let service = Metered {
            gateway,
            peer,
            load: Arc::clone(&load),
            cut: stop.cut,
        };
        let io = TokioIo::new(opened);
        let connection = builder.serve_connection(io, TowerToHyperService::new(service));
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = stop.draining.cancelled() => {}
            () = load.idle() => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => ended,
            () = load.finished() => Ok(()),
        }
    }
}

type Ended = Box<dyn std::error::Error + Send + Sync>;

async fn shake_hands(
    stream: TcpStream,
    from: SocketAddr,
    tls: Tls,
) -> io::Result<(tokio_rustls::server::TlsStream<TcpStream>, Peer)> {
    stream.set_nodelay(true)?;
    let stream = tls.acceptor().accept(stream).await?;
    let shown = stream.get_ref().1.peer_certificates();
    let certificate = shown
        .and_then(|it| it.first())
        .map(|it| it.clone().into_owned());
    Ok((stream, Peer::Secure { from, certificate }))
}

/// Serves a connection once it is open, unless the server stops before.
/// A connection that has said which version it speaks.
struct Opened<S> {
    /// What it said, of which so much was given on.
    said: [u8; PREFACE.len()],
    given: usize,
    length: usize,
    stream: S,
}

async fn open<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<Opened<S>> {
    let mut said = [0; PREFACE.len()];
    let mut length = 0;
    while length < said.len() && said[..length] == PREFACE[..length] {
        match stream.read(&mut said[length..]).await? {
            0 => break,
            more => length += more,
        }
    }
    Ok(Opened {
        said,
        given: 0,
        length,
        stream,
    })
}

impl<S: AsyncRead + Unpin> AsyncRead for Opened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (given, length) = (self.given, self.length);
        if given == length {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let more = (length - given).min(buffer.remaining());
        buffer.put_slice(&self.said[given..given + more]);
        self.given += more;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opened<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

fn builder(streams: u32) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(ARRIVAL)
        .max_buf_size(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(streams)
        .max_header_list_size(HEADERS)
        .max_send_buf_size(UNREAD)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}
