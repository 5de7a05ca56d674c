//! Accepts connections and serves both HTTP versions on them until it is told to stop.
//!
//! A connection has to say soon which version it speaks, and over HTTP/1.1 each request's head is
//! due in time: one that opens connections and says nothing holds none of them for long.

use crate::Gateway;
use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use std::{
    io::{self, Cursor},
    net::SocketAddr,
    time::Duration,
};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, transport::server::TcpConnectInfo};
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
pub async fn serve(listener: TcpListener, gateway: Gateway, draining: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = draining.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, from)) => {
                    connections.spawn(connection(stream, from, gateway.clone(), draining.clone()));
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

async fn connection(
    stream: TcpStream,
    from: SocketAddr,
    gateway: Gateway,
    draining: CancellationToken,
) {
    let served = tokio::select! {
        opened = open(stream) => match opened {
            Ok(opened) => converse(opened, from, gateway, &draining).await,
            Err(error) => Err(error.into()),
        },
        () = draining.cancelled() => return,
    };
    if let Err(error) = served {
        tracing::debug!(%error, %from, "a connection ended early");
    }
}

/// A connection that has said which version it speaks.
struct Opened {
    /// What it said, which is still to be read.
    said: Bytes,
    stream: TcpStream,
}

async fn open(mut stream: TcpStream) -> io::Result<Opened> {
    stream.set_nodelay(true)?;
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
        said: Bytes::copy_from_slice(&said[..length]),
        stream,
    })
}

async fn converse(
    opened: Opened,
    from: SocketAddr,
    gateway: Gateway,
    draining: &CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let info = TcpConnectInfo {
        local_addr: opened.stream.local_addr().ok(),
        remote_addr: Some(from),
    };
    let service = gateway.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(info.clone());
        request
    });
    let (reader, writer) = opened.stream.into_split();
    let reader = Cursor::new(opened.said).chain(reader);
    let io = TokioIo::new(tokio::io::join(reader, writer));
    let builder = builder();
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
