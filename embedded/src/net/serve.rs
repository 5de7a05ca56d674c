//! Accepts connections and serves them until it is told to stop.
//!
//! What callers may hold meanwhile is bounded by `limits`, which the API uses too.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use http::{HeaderMap, Request, Response, Version, header};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, service::service_fn};
use limits::{
    ARRIVAL, Counted, Ended, Excess, Framing, Held, Limits, Load, Pace, Shared, Terms, WaitFor,
    Weighed, arrived, converse,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body, service::Routes};
use tower::Service as _;

use crate::{
    grpc::{
        MAX_MESSAGE, Peer, is_conversation, no_such_service, unauthenticated,
        unreadable_credentials,
    },
    security::{Credentials, Guard, Identity},
};

use super::{Info, deadline, http as plain, quick_ack::QuickAck};

const TERMS: Terms = Terms {
    ping_interval: Duration::from_secs(10),
    ping_timeout: Duration::from_secs(10),
    abandoned: 1024,
    stop: WaitFor::Calls,
};
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
    pub(crate) limits: Limits,
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
    ///
    /// # Errors
    /// When the listener is lost.
    pub(crate) async fn run(self, listener: TcpListener) -> io::Result<()> {
        let shared = Shared::new(self.limits);
        let mut connections = JoinSet::new();
        let mut pauses = pauses();
        loop {
            let has_room = shared.count(connections.len());
            let accepted = tokio::select! {
                () = self.shutdown.cancelled() => break,
                Some(_) = connections.join_next() => continue,
                accepted = listener.accept(), if has_room => accepted,
            };
            match accepted {
                Ok((stream, from)) => {
                    pauses = self::pauses();
                    let load = Load::new(Arc::clone(&shared));
                    connections.spawn(self.clone().serve(stream, from, load));
                }
                Err(error) if limits::is_lost(&error) => return Err(error),
                Err(error) => {
                    // Out of file descriptors, most likely: others may be closed meanwhile.
                    tracing::warn!(%error, "cannot accept a connection");
                    let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
                    self.shutdown.run_until_cancelled(sleep(pause)).await;
                }
            }
        }
        drop(listener);
        let drained = async { while connections.join_next().await.is_some() {} };
        if timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("connections were cut: they did not finish in time");
        }
        Ok(())
    }

    async fn serve(self, stream: TcpStream, from: SocketAddr, load: Arc<Load>) {
        let stream = QuickAck::new(stream);
        let served = match self.tls.clone() {
            None => self.converse(async { Ok((stream?, ())) }, from, load).await,
            Some(tls) => {
                let opening = async { Ok((tls.accept(stream?).await?, ())) };
                self.converse(opening, from, load).await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, %from, "a connection ended early");
        }
    }

    /// Serves one connection until it ends, or gracefully from the shutdown on.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin + 'static>(
        self,
        opening: impl Future<Output = io::Result<(S, ())>>,
        from: SocketAddr,
        load: Arc<Load>,
    ) -> Result<(), Ended> {
        let stop = self.shutdown.clone();
        let Some((opened, ())) = arrived(opening, &load, &stop).await? else {
            return Ok(());
        };
        let service = {
            let load = Arc::clone(&load);
            service_fn(move |request| self.clone().counted(request, from, Arc::clone(&load)))
        };
        // Boxed: one that has said nothing yet holds no room for what it may say.
        Box::pin(converse(opened, service, &load, TERMS, &stop)).await
    }

    /// Answers a request within what its connection may hold.
    async fn counted(
        self,
        request: Request<Incoming>,
        from: SocketAddr,
        load: Arc<Load>,
    ) -> Result<Response<Body>, Infallible> {
        let call = match load.begin() {
            Ok(call) => call,
            Err(excess) => return Ok(refusal(excess).into_http()),
        };
        let held = Held::new(Arc::clone(&load));
        let pace = match is_conversation(request.uri().path()) {
            true => Pace::Conversation,
            false => Pace::Messages,
        };
        let terms = (
            Framing::Messages {
                largest: MAX_MESSAGE,
            },
            pace,
        );
        let request = request.map(|body| {
            let body = body.map_err(|error| Status::from_error(Box::new(error)));
            let (call, held) = (Arc::clone(&call), Arc::clone(&held));
            Body::new(Weighed::new(body, call, held, terms, ARRIVAL, refusal))
        });
        let answer = self.answer(request, from, load).await;
        drop(held);
        call.answered();
        Ok(answer.map(|body| Body::new(Counted::new(body, call))))
    }

    async fn answer(
        mut self,
        mut request: Request<Body>,
        from: SocketAddr,
        load: Arc<Load>,
    ) -> Response<Body> {
        if let Some(response) = plain::answer(&request, &self.info) {
            return response;
        }
        if request.version() != Version::HTTP_2 {
            return plain::grpc_needs_http2();
        }
        if let Some(refused) = no_such_service(request.uri().path()) {
            return refused.into_http();
        }
        match self.identify(request.headers()).await {
            Ok(identity) => request.extensions_mut().insert(identity),
            Err(refused) => return refused.into_http(),
        };
        request.extensions_mut().insert(Peer(from));
        request.extensions_mut().insert(load);
        let deadline = deadline::of(&request);
        let answer = async move {
            match self.routes.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        };
        match deadline {
            Some(deadline) => deadline::bounded(deadline, answer).await,
            None => answer.await,
        }
    }

    async fn identify(&self, headers: &HeaderMap) -> Result<Identity, Status> {
        if self.guard.is_open() {
            return Ok(Identity::Unrestricted);
        }
        let header = headers
            .get(header::AUTHORIZATION)
            .map(header::HeaderValue::as_bytes);
        let credentials = Credentials::read(header).map_err(|_| unreadable_credentials())?;
        self.guard
            .identify(credentials)
            .await
            .map_err(|busy| Status::resource_exhausted(busy.to_string()))?
            .ok_or_else(unauthenticated)
    }
}

/// What is beyond a limit, in gRPC's words.
fn refusal(excess: Excess) -> Status {
    match excess {
        Excess::Calls | Excess::ConnectionBytes | Excess::Bytes => {
            Status::resource_exhausted(excess.to_string())
        }
        Excess::Late(_) => Status::deadline_exceeded(excess.to_string()),
    }
}
