//! Accepts connections and serves them until it is told to stop.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use http::{Request, Response, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Status, service::Routes};
use tower::Service as _;

use crate::{
    grpc::{Peer, unauthenticated, unreadable_credentials},
    security::{Credentials, Guard, Identity},
};

use super::{Info, deadline, http as plain, quick_ack::QuickAck};

/// Clients wait silently once they have as many calls open as a server allows: no client should
/// come near.
const MAX_CONCURRENT_STREAMS: u32 = 100_000;
/// Clients may give up this many calls before they are looked at; more is taken for an attack.
const MAX_ABANDONED: usize = 1024;
/// Room for whole pages of events in flight.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
/// A peer that is gone is noticed after this.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to agree on a key.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long connections may take to finish what they are doing.
const DRAIN: Duration = Duration::from_secs(5);

/// Between attempts to accept a connection, while that fails.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What serves the connections of one listener.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) routes: Routes,
    pub(crate) info: Info,
    pub(crate) guard: Guard,
    /// None: connections are plain.
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) shutdown: CancellationToken,
}

pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .without_max_times()
        .build()
}

impl Server {
    /// Returns once the shutdown was asked for and every connection has finished, or had its time.
    pub(crate) async fn run(self, listener: TcpListener) {
        let connections = TaskTracker::new();
        let mut pauses = pauses();
        loop {
            let accepted = tokio::select! {
                () = self.shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, from)) => {
                    pauses = self::pauses();
                    connections.spawn(self.clone().serve(stream, from));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: others may be closed meanwhile.
                    tracing::warn!(%error, "cannot accept a connection");
                    let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
                    self.shutdown.run_until_cancelled(sleep(pause)).await;
                }
            }
        }
        drop(listener);
        connections.close();
        if timeout(DRAIN, connections.wait()).await.is_err() {
            tracing::warn!("connections were cut: they did not finish in time");
        }
    }

    async fn serve(self, stream: TcpStream, from: SocketAddr) {
        let served = match (QuickAck::new(stream), self.tls.clone()) {
            (Err(error), _) => Err(error),
            (Ok(stream), None) => self.converse(stream, from).await,
            (Ok(stream), Some(tls)) => match timeout(HANDSHAKE, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.converse(stream, from).await,
                Ok(Err(error)) => Err(error),
                Err(_) => Err(super::tls::timed_out()),
            },
        };
        if let Err(error) = served {
            tracing::debug!(%error, %from, "a connection ended early");
        }
    }

    /// Serves one connection until it ends, or gracefully from the shutdown on.
    async fn converse(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
        from: SocketAddr,
    ) -> io::Result<()> {
        let shutdown = self.shutdown.clone();
        let answer = move |request| self.clone().answer(request, from);
        converse(stream, answer, shutdown).await
    }

    async fn answer(
        mut self,
        mut request: Request<Incoming>,
        from: SocketAddr,
    ) -> Result<Response<tonic::body::Body>, Infallible> {
        if let Some(response) = plain::answer(&request, &self.info) {
            return Ok(response);
        }
        match self.identify(&request).await {
            Ok(identity) => request.extensions_mut().insert(identity),
            Err(refused) => return Ok(refused.into_http()),
        };
        request.extensions_mut().insert(Peer(from));
        let deadline = deadline::of(&request);
        let answer = async move {
            match self.routes.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        };
        Ok(match deadline {
            Some(deadline) => deadline::bounded(deadline, answer).await,
            None => answer.await,
        })
    }

    async fn identify(&self, request: &Request<Incoming>) -> Result<Identity, Status> {
        if self.guard.is_open() {
            return Ok(Identity::Unrestricted);
        }
        let header = request
            .headers()
            .get(header::AUTHORIZATION)
            .map(header::HeaderValue::as_bytes);
        let credentials = Credentials::read(header).map_err(|_| unreadable_credentials())?;
        self.guard
            .identify(credentials)
            .await
            .ok_or_else(unauthenticated)
    }
}

/// Serves one connection until it ends, or gracefully from the shutdown on.
pub(super) async fn converse<A>(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    answer: impl Fn(Request<Incoming>) -> A,
    shutdown: CancellationToken,
) -> io::Result<()>
where
    A: Future<Output = Result<Response<tonic::body::Body>, Infallible>> + Send + 'static,
{
    let (builder, service) = (connection_builder(), service_fn(answer));
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    ended.map_err(io::Error::other)
}

fn connection_builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .max_pending_accept_reset_streams(MAX_ABANDONED)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}
