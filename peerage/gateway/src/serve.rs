//! Accepts connections and serves both HTTP versions on them until it is told to stop.
//!
//! A connection has to say soon which version it speaks, and over HTTP/1.1 each request's head is
//! due in time: one that opens connections and says nothing holds none of them for long. A TLS
//! handshake has as long.

use crate::{Gateway, Peer, listen::Listener, tls::Tls};
use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::ServiceExt as _;

/// How long a connection may be silent at first, and how long a head may take to arrive; as long
/// an idle HTTP/1.1 connection is kept.
const HEAD: Duration = Duration::from_secs(30);

/// A peer that is gone is noticed after these two.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Clients wait silently once they have as many calls open as a server allows: watches count.
const MAX_CONCURRENT_STREAMS: u32 = 4_096;

/// Further connections wait in the system's queue.
const MAX_CONNECTIONS: usize = 4_096;

/// What an HTTP/2 client says first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves `gateway` until `draining`; from then on no connection is taken, and those that are
/// there end once their requests have.
pub async fn serve(listener: impl Into<Listener>, gateway: Gateway, draining: CancellationToken) {
    let listener = listener.into();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = draining.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok(accepted) => {
                    connections.spawn(connection(accepted, gateway.clone(), draining.clone()));
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

async fn connection(accepted: Accepted, gateway: Gateway, draining: CancellationToken) {
    let served = match accepted {
        Accepted::Plain(stream, from) => {
            let nodelay = stream.set_nodelay(true);
            let opened = async move {
                nodelay?;
                Ok((stream, Peer::Plain { from }))
            };
            attend(opened, gateway, draining).await
        }
        Accepted::Secure(stream, from, tls) => {
            attend(shake_hands(stream, from, tls), gateway, draining).await
        }
        Accepted::Unix(stream) => {
            let opened = async move {
                let uid = stream.peer_cred()?.uid();
                Ok((stream, Peer::Socket { uid }))
            };
            attend(opened, gateway, draining).await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn shake_hands(
    stream: TcpStream,
    from: SocketAddr,
    tls: Tls,
) -> io::Result<(tokio_rustls::server::TlsStream<TcpStream>, Peer)> {
    stream.set_nodelay(true)?;
    let shaken = timeout(HEAD, tls.acceptor().accept(stream)).await;
    let stream = shaken.map_err(|_| io::ErrorKind::TimedOut)??;
    let shown = stream.get_ref().1.peer_certificates();
    let certificate = shown
        .and_then(|it| it.first())
        .map(|it| it.clone().into_owned());
    Ok((stream, Peer::Secure { from, certificate }))
}

/// Serves a connection once it is open, unless the server stops before.
async fn attend<S>(
    opening: impl Future<Output = io::Result<(S, Peer)>>,
    gateway: Gateway,
    draining: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
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
            converse(opened, peer, gateway, &draining).await
        }
        () = draining.cancelled() => Ok(()),
    }
}

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
    let reading = async {
        while length < said.len() && said[..length] == PREFACE[..length] {
            match stream.read(&mut said[length..]).await? {
                0 => break,
                more => length += more,
            }
        }
        Ok::<_, io::Error>(())
    };
    let in_time = timeout(HEAD, reading).await;
    in_time.map_err(|_| io::ErrorKind::TimedOut)??;
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

async fn converse<S>(
    opened: Opened<S>,
    peer: Peer,
    gateway: Gateway,
    draining: &CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = gateway.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        request
    });
    let builder = builder();
    let io = TokioIo::new(opened);
    let connection = builder.serve_connection(io, TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = draining.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}
