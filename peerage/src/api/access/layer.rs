//! The guard before the services: every call of every protocol comes by here as gRPC.

use super::Doors;
use crate::telemetry::TraceContext;
use gateway::Peer;
use http::{Request, Response, header};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{Code, Status, body::Body};
use tower::{Service, ServiceExt as _};
use tracing::{Instrument as _, Span, field::Empty};

/// What probes ask, which stays open.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// How many bytes of a method's name are kept: a caller may ask for any.
const LONGEST_METHOD: usize = 128;

/// Services behind doors.
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    doors: Doors,
    inner: S,
}

impl<S> Guarded<S> {
    /// These services behind these doors.
    pub fn new(doors: Doors, inner: S) -> Self {
        Self { doors, inner }
    }
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let (doors, inner) = (self.doors.clone(), self.inner.clone());
        let span = span(&request);
        let answer = async move {
            if !request.uri().path().starts_with(HEALTH) {
                let (path, headers) = (request.uri().path(), request.headers());
                let peer = request.extensions().get::<Peer>();
                match doors.admit(path, headers, peer).await {
                    Ok(caller) => {
                        request.extensions_mut().insert(caller);
                    }
                    Err(problem) => {
                        let status = problem.status("peerage.v1.AccessService");
                        return Ok(status.into_http());
                    }
                }
            }
            // Nothing behind here needs it, and what nobody has nobody logs.
            request.headers_mut().remove(header::AUTHORIZATION);
            inner.oneshot(request).await
        };
        let noted = async move {
            let answer = answer.await;
            if let Ok(response) = &answer {
                Span::current().record("outcome", outcome(response));
            }
            answer
        };
        Box::pin(noted.instrument(span))
    }
}

/// The call, as a part of its caller's trace where it says one.
fn span<B>(request: &Request<B>) -> Span {
    let path = request.uri().path();
    if path.starts_with(HEALTH) {
        return Span::none();
    }
    let traceparent = TraceContext::said(request.headers()).map(|it| it.to_string());
    let method = &path[..path.floor_char_boundary(LONGEST_METHOD)];
    tracing::info_span!(
        "call",
        method,
        traceparent = traceparent.as_deref(),
        outcome = Empty
    )
}

/// What a call came to as far as its first headers tell: a stream has begun, then.
fn outcome<B>(response: &Response<B>) -> &'static str {
    let code = Status::from_header_map(response.headers()).map(|it| it.code());
    match code {
        None | Some(Code::Ok) => "ok",
        Some(code) => code.description(),
    }
}
