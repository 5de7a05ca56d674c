//! The guard before the services: every call of every protocol comes by here as gRPC.

use super::Doors;
use gateway::Peer;
use http::{Request, Response, header};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

/// What probes ask, which stays open.
const HEALTH: &str = "/grpc.health.v1.Health/";

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
        Box::pin(async move {
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
        })
    }
}
