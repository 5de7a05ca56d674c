//! Requests, answers, and services that answer as a test wants.

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use peerage_gateway::{
    Access, Description, Gateway, Route, RouteAnswer, RouteBody, Routes as Paths,
};
use prost_reflect::DescriptorPool;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body, service::Routes};
use tonic_health::server::HealthReporter;
use tower::{Service, ServiceExt as _};

pub(crate) const LISTEN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 2114));

/// Everything of an answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answered {
    /// Empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The reason that the error gives.
    pub(crate) fn reason(&self) -> String {
        let reason = &self.json()["details"][0]["reason"];
        reason.as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn pool() -> DescriptorPool {
    DescriptorPool::decode(tonic_health::pb::FILE_DESCRIPTOR_SET).unwrap()
}

pub(crate) fn access() -> Access {
    Access::new(LISTEN, Vec::new(), Vec::new())
}

/// The health service and what it says.
pub(crate) fn check() -> (Routes, HealthReporter) {
    let (reporter, health) = tonic_health::server::health_reporter();
    (Routes::new(health), reporter)
}

pub(crate) fn over<S>(services: S, access: Access) -> Gateway
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let description = Description {
        title: "Test",
        version: "1",
        text: "A test.",
    };
    Gateway::new(services, &pool(), access, &description, routes())
}

/// Paths of their own for the health service's methods.
fn routes() -> Paths {
    let route = |verb, path, body, answer| Route {
        verb,
        path,
        method: "/grpc.health.v1.Health/Check",
        body,
        answer,
    };
    let text = RouteAnswer::Text {
        field: "status",
        content_type: "text/plain",
    };
    let all = vec![
        route(
            http::Method::GET,
            "/health",
            RouteBody::None,
            RouteAnswer::Whole,
        ),
        route(
            http::Method::PUT,
            "/health/{service}",
            RouteBody::Whole,
            RouteAnswer::Whole,
        ),
        route(
            http::Method::GET,
            "/health/{service}/text",
            RouteBody::None,
            text,
        ),
    ];
    Paths::new(all, String::new, "")
}

pub(crate) fn gateway() -> Gateway {
    over(check().0, access())
}

pub(crate) fn body(bytes: &'static [u8]) -> Body {
    Body::new(Full::from(bytes))
}

/// A request for the API's own host; no content type where it is empty.
pub(crate) fn request(verb: &str, path: &str, content_type: &str, text: &str) -> Request<Body> {
    let mut request = Request::builder()
        .method(verb)
        .uri(path)
        .header("host", "localhost:2114");
    if !content_type.is_empty() {
        request = request.header("content-type", content_type);
    }
    request
        .body(Body::new(Full::from(text.to_owned())))
        .unwrap()
}

pub(crate) fn json_call(path: &str, text: &str) -> Request<Body> {
    request("POST", path, "application/json", text)
}

/// The same with a body that does not say how long it is, and does not end.
pub(crate) fn endless(request: Request<Body>) -> Request<Body> {
    let spaces = Bytes::from_static(&[b' '; 65_536]);
    let frames = stream::repeat(spaces).map(|it| Ok::<_, Infallible>(Frame::data(it)));
    request.map(|_| Body::new(StreamBody::new(frames)))
}

/// The same with a body that does not come.
pub(crate) fn slow(request: Request<Body>) -> Request<Body> {
    let frames = stream::pending::<Result<Frame<Bytes>, Infallible>>();
    request.map(|_| Body::new(StreamBody::new(frames)))
}

pub(crate) async fn call(gateway: &Gateway, request: Request<Body>) -> Response<Body> {
    gateway.clone().oneshot(request).await.unwrap()
}

pub(crate) async fn ask(gateway: &Gateway, request: Request<Body>) -> Answered {
    let (head, body) = call(gateway, request).await.into_parts();
    Answered {
        status: head.status,
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

pub(crate) fn lines(body: &[u8]) -> Vec<Value> {
    let lines = std::str::from_utf8(body).unwrap().lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The next lines of an answer that goes on; each came in a frame of its own.
pub(crate) async fn first_lines(response: &mut Response<Body>, count: usize) -> Vec<Value> {
    let mut told = Vec::new();
    while told.len() < count {
        let frame = tokio::time::timeout(Duration::from_secs(10), response.body_mut().frame());
        let frame = frame.await.expect("a line").unwrap().unwrap();
        told.extend(lines(&frame.into_data().unwrap()));
    }
    told
}

/// What a service of a test's own answers; numbers are states of health.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Nothing, ever.
    Silent,
    /// A stream on which nothing comes.
    Pending,
    Failed(Status),
    /// Messages, then an error if there is one.
    Stream(Vec<u8>, Option<Status>),
    /// Messages, and then neither status nor more.
    Broken(Vec<u8>),
    /// One message, and the headers it heard in `x-heard`.
    Echo,
}

/// A service that answers so to every call, and a token that is cancelled when a call of it is
/// dropped.
pub(crate) fn canned(
    answer: Answer,
) -> (
    impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + 'static,
    CancellationToken,
) {
    let dropped = CancellationToken::new();
    let token = dropped.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (answer, guard) = (answer.clone(), token.clone());
        async move {
            let guard = guard.drop_guard();
            Ok::<_, Infallible>(match answer {
                Answer::Silent => std::future::pending().await,
                Answer::Failed(status) => {
                    guard.disarm();
                    status.into_http()
                }
                Answer::Pending => {
                    let frames = stream::pending().chain(stream::once(async move {
                        drop(guard);
                        Ok(Frame::data(Bytes::new()))
                    }));
                    streaming(frames)
                }
                Answer::Stream(messages, status) => {
                    let messages = messages.into_iter().map(|it| Ok(message(it)));
                    let mut trailers = HeaderMap::new();
                    status
                        .unwrap_or_else(|| Status::ok(""))
                        .add_header(&mut trailers)
                        .unwrap();
                    let end = stream::iter([Ok(Frame::trailers(trailers))]);
                    streaming(stream::iter(messages.collect::<Vec<_>>()).chain(end))
                }
                Answer::Broken(messages) => {
                    let messages: Vec<_> = messages.into_iter().map(|it| Ok(message(it))).collect();
                    streaming(stream::iter(messages))
                }
                Answer::Echo => {
                    let heard: serde_json::Map<_, _> = request
                        .headers()
                        .iter()
                        .map(|(name, value)| {
                            (name.to_string(), json!(value.to_str().unwrap_or_default()))
                        })
                        .collect();
                    let mut trailers = HeaderMap::new();
                    Status::ok("").add_header(&mut trailers).unwrap();
                    let frames = [Ok(message(1)), Ok(Frame::trailers(trailers))];
                    let mut response = streaming(stream::iter(frames));
                    let heard = Value::Object(heard).to_string().parse().unwrap();
                    response.headers_mut().insert("x-heard", heard);
                    response
                }
            })
        }
    });
    (service, dropped)
}

pub(crate) fn canned_gateway<S>(services: S) -> Gateway
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    over(services, access())
}

/// A `HealthCheckResponse` as gRPC frames it.
fn message(status: u8) -> Frame<Bytes> {
    Frame::data(Bytes::from(vec![0, 0, 0, 0, 2, 8, status]))
}

fn streaming(
    frames: impl futures::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + 'static,
) -> Response<Body> {
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    response
        .headers_mut()
        .insert("content-type", "application/grpc".parse().unwrap());
    response
}
