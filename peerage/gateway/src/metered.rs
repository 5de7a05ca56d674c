//! The gateway as one connection sees it: each call is counted, its body is weighed as it comes and
//! is due in time, and the server's end cuts off what is not answered.
//!
//! A message of gRPC's says first how long it is, and room is made for all of it then: it weighs
//! that much from its first bytes on.

use crate::{
    Gateway, Peer,
    content::Protocol,
    json::LARGEST_REQUEST,
    limits::{ARRIVAL, Call, Held, Load, cut_off, too_slow},
    refusal::Refusal,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Sleep, sleep};
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
            Err(refusal) => {
                return Box::pin(std::future::ready(Ok(refusal.response(protocol))));
            }
        };
        let held = Held::new(Arc::clone(&self.load));
        let allowed = match request.uri().path().starts_with(REFLECTION) {
            true => CONVERSATION,
            false => ARRIVAL,
        };
        let mut request = request.map(|body| {
            Body::new(Weighed {
                body,
                call: Arc::clone(&call),
                held: Arc::clone(&held),
                prefix: match protocol {
                    Protocol::Grpc | Protocol::GrpcWeb => Vec::with_capacity(PREFIX),
                    Protocol::Json | Protocol::Other => vec![0; PREFIX],
                },
                allowed,
                due: Box::pin(sleep(allowed)),
                is_over: false,
            })
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
            Ok(answer.map(|body| Body::new(Counted { body, _call: call })))
        })
    }
}

/// A flag, and the length of what follows.
const PREFIX: usize = 5;

/// A request's body on its way in.
struct Weighed {
    body: Incoming,
    call: Arc<Call>,
    held: Arc<Held>,
    /// What came of the first message's prefix.
    prefix: Vec<u8>,
    allowed: Duration,
    due: Pin<Box<Sleep>>,
    is_over: bool,
}

impl Weighed {
    fn weigh(&mut self, data: &[u8]) -> Result<(), Refusal> {
        let missing = PREFIX - self.prefix.len();
        if missing > 0 {
            self.prefix.extend(data.iter().take(missing));
            if let [_, a, b, c, d] = self.prefix[..] {
                let length = u32::from_be_bytes([a, b, c, d]) as usize;
                // One that is too large is refused for that, and no room is made.
                if length <= LARGEST_REQUEST {
                    self.held.expect(length)?;
                }
            }
        }
        self.held.take(data.len())
    }
}

impl http_body::Body for Weighed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(cx) else {
            self.call.awaited(true);
            ready!(self.due.as_mut().poll(cx));
            self.is_over = true;
            return Poll::Ready(Some(Err(too_slow(self.allowed).into_status())));
        };
        self.call.awaited(false);
        let judged = next.map(|frame| {
            let frame = frame.map_err(|error| Status::from_error(Box::new(error)))?;
            if let Some(data) = frame.data_ref() {
                self.weigh(data).map_err(Refusal::into_status)?;
            }
            Ok(frame)
        });
        self.is_over = !matches!(judged, Some(Ok(_)));
        Poll::Ready(judged)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer on its way out: its call is open until it is through, or dropped.
struct Counted {
    body: Body,
    _call: Arc<Call>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
