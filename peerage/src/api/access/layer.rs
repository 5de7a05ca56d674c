//! The guard before the services: every call of every protocol comes by here as gRPC.

use super::Doors;
use crate::{
    api::problem::{Problem, Reason},
    telemetry::TraceContext,
};
use gateway::Peer;
use http::{Request, Response, header};
use http_body_util::BodyExt as _;
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::Semaphore;
use tonic::{Code, Status, body::Body};
use tower::{Service, ServiceExt as _};
use tracing::{Instrument as _, Span, field::Empty};

/// What probes ask, which stays open.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// What stays open and never ends by itself, and how many of it there may be at once: nobody is
/// asked who they are for it, so it may not take the place of other calls.
const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
const HEALTH_WATCHES: usize = 64;

/// How many bytes of a method's name are kept: a caller may ask for any.
const LONGEST_METHOD: usize = 128;

/// Services behind doors.
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    doors: Doors,
    health_watches: Arc<Semaphore>,
    inner: S,
}

impl<S> Guarded<S> {
    /// These services behind these doors.
    pub fn new(doors: Doors, inner: S) -> Self {
        Self {
            doors,
            health_watches: Arc::new(Semaphore::new(HEALTH_WATCHES)),
            inner,
        }
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
        let health_watches = Arc::clone(&self.health_watches);
        let span = span(&request);
        let answer = async move {
            if request.uri().path() == HEALTH_WATCH {
                let Ok(seat) = health_watches.try_acquire_owned() else {
                    return Ok(too_many().status("grpc.health.v1.Health").into_http());
                };
                // Given up when the answer is through, or nobody wants it any more.
                let answer = inner.oneshot(request).await?;
                return Ok(answer.map(|body| {
                    Body::new(body.map_frame(move |frame| {
                        let _ = &seat;
                        frame
                    }))
                }));
            }
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

fn too_many() -> Problem {
    let text =
        format!("{HEALTH_WATCHES} watches of health are open here; ask with Check, or close one");
    Problem::new(Reason::WatchLimit, text).with("most", HEALTH_WATCHES)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Its answer is read by nobody yet.
    async fn answers(_: Request<Body>) -> Result<Response<Body>, Infallible> {
        let body = http_body_util::Full::new(bytes::Bytes::from_static(b"it serves"));
        Ok(Response::new(Body::new(body)))
    }

    #[tokio::test]
    async fn watches_of_health_by_nobody_in_particular_take_no_more_than_their_own_few_places() {
        let services = Guarded::new(Doors::open(), tower::service_fn(answers));
        let call = async |path: &str| {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            services.clone().oneshot(request).await.unwrap()
        };
        let mut open = Vec::new();
        for _ in 0..HEALTH_WATCHES {
            open.push(call(HEALTH_WATCH).await);
        }
        assert!(open.iter().all(|it| outcome(it) == "ok"));
        let refused = Status::from_header_map(call(HEALTH_WATCH).await.headers());
        assert_eq!(refused.unwrap().code(), Code::ResourceExhausted);
        for other in [
            "/grpc.health.v1.Health/Check",
            "/peerage.v1.NetworkService/GetNetwork",
        ] {
            assert_eq!(outcome(&call(other).await), "ok", "{other}");
        }
        open.pop();
        assert_eq!(outcome(&call(HEALTH_WATCH).await), "ok", "one has left");
    }
}
