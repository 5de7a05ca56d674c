//! The gateway as one connection sees it: each call is counted, its body is weighed as it comes and
//! is due in time, and the server's end cuts off what is not answered.

use crate::{
    Gateway, Peer,
    content::Protocol,
    json::LARGEST_REQUEST,
    refusal::{Refusal, cut_off},
};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use limits::{ARRIVAL, Counted, Excess, Framing, Held, Load, Pace, Weighed};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};
use tower::{Service, ServiceExt as _};

/// A method of this service talks in both directions: its callers go on asking.
const REFLECTION: &str = "/grpc.reflection.";

/// How long they may.
const CONVERSATION: Duration = Duration::from_secs(600);

#[derive(Clone)]
pub(crate) struct Metered {
    pub(crate) gateway: Gateway,
    pub(crate) peer: Peer,
    pub(crate) load: Arc<Load>,
    pub(crate) cut: CancellationToken,
}

impl Service<Request<Incoming>> for Metered {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.gateway.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let protocol = Protocol::of(request.headers());
        let call = match self.load.begin() {
            Ok(call) => call,
            Err(excess) => {
                let refused = Refusal::from(excess).response(protocol);
                return Box::pin(std::future::ready(Ok(refused)));
            }
        };
        let held = Held::new(Arc::clone(&self.load));
        let allowed = match request.uri().path().starts_with(REFLECTION) {
            true => CONVERSATION,
            false => ARRIVAL,
        };
        let framing = match protocol {
            Protocol::Grpc | Protocol::GrpcWeb => Framing::Messages {
                largest: LARGEST_REQUEST,
            },
            Protocol::Json | Protocol::Other => Framing::Unknown,
        };
        let mut request = request.map(|body| {
            let body = body.map_err(|error| Status::from_error(Box::new(error)));
            let refuse = |excess: Excess| Refusal::from(excess).into_status();
            let (call, held) = (Arc::clone(&call), Arc::clone(&held));
            let terms = (framing, Pace::Whole);
            Body::new(Weighed::new(body, call, held, terms, allowed, refuse))
        });
        request.extensions_mut().insert(self.peer.clone());
        let (answering, cut) = (self.gateway.clone().oneshot(request), self.cut.clone());
        Box::pin(async move {
            let answer = tokio::select! {
                biased;
                answer = answering => answer?,
                () = cut.cancelled() => cut_off().response(protocol),
            };
            drop(held);
            call.answered();
            Ok(answer.map(|body| Body::new(Counted::new(body, call))))
        })
    }
}
