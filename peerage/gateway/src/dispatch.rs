//! The one service in front of the others: judges who calls, then gives each protocol to what
//! speaks it.

use crate::{
    access::Access,
    content::Protocol,
    deadline::{Bounded, REQUEST_TIMEOUT},
    json,
    methods::{Method, Methods},
    openapi::openapi,
    refusal::Refusal,
    routes::{Found, Route, RouteAnswer, RouteBody, Routes},
    status,
};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method as Verb, Request, Response, StatusCode, Version, header,
};
use http_body_util::Full;
use prost_reflect::DescriptorPool;
use std::{
    convert::Infallible,
    fmt,
    future::ready,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tonic::{Code, body::Body};
use tonic_web::GrpcWebLayer;
use tower::{Service, ServiceBuilder, ServiceExt as _, layer::layer_fn, util::BoxCloneService};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Where the API's description is.
pub const OPENAPI_PATH: &str = "/openapi.json";

/// How long a browser may remember that a listed origin may call.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// What the API's description says of the API as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Description<'a> {
    /// The API's name.
    pub title: &'a str,
    /// The program's version.
    pub version: &'a str,
    /// What the API is and how it is called, in CommonMark.
    pub text: &'a str,
}

/// The whole API as one service: gRPC, gRPC-Web, JSON and its description.
#[derive(Clone)]
pub struct Gateway(pub(crate) BoxCloneService<Request<Body>, Response<Body>, Infallible>);

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

impl Gateway {
    /// In front of `services`, whose methods `pool` describes. What `pool` does not describe is
    /// there in gRPC and gRPC-Web alone.
    pub fn new<S>(
        services: S,
        pool: &DescriptorPool,
        access: Access,
        description: &Description<'_>,
        routes: Routes,
    ) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send + 'static,
    {
        let services = BoxCloneService::new(Bounded(services));
        let desk = Desk {
            methods: Arc::new(Methods::of(pool)),
            document: openapi(pool, description, &routes).to_string().into(),
            routes: Arc::new(routes),
            web: BoxCloneService::new(
                ServiceBuilder::new()
                    .layer(GrpcWebLayer::new())
                    .service(services.clone()),
            ),
            services,
        };
        let cors = cors(&access);
        let access = Arc::new(access);
        let whole = ServiceBuilder::new()
            .layer(layer_fn(|inner| Door {
                access: Arc::clone(&access),
                inner,
            }))
            .option_layer(cors)
            .service(desk);
        Self(BoxCloneService::new(whole))
    }
}

impl Service<Request<Body>> for Gateway {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.0.call(request)
    }
}

/// What listed origins are told. Without one there is no such layer: no preflight is ever
/// answered with permission.
fn cors(access: &Access) -> Option<CorsLayer> {
    let origins: Vec<_> = access
        .origins()
        .iter()
        .filter_map(|it| HeaderValue::try_from(it.to_string()).ok())
        .collect();
    let asked = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        REQUEST_TIMEOUT,
        HeaderName::from_static("grpc-timeout"),
        HeaderName::from_static("traceparent"),
        HeaderName::from_static("tracestate"),
        HeaderName::from_static("x-grpc-web"),
        HeaderName::from_static("x-user-agent"),
    ];
    let told = [
        header::RETRY_AFTER,
        HeaderName::from_static("grpc-status"),
        HeaderName::from_static("grpc-message"),
        HeaderName::from_static("grpc-status-details-bin"),
    ];
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Verb::GET, Verb::POST, Verb::PUT, Verb::DELETE])
            .allow_headers(asked)
            .expose_headers(told)
            .max_age(PREFLIGHT_AGE)
    })
}

/// Lets in who may come, and refuses the rest before anything else hears of it.
#[derive(Clone)]
struct Door<S> {
    access: Arc<Access>,
    inner: S,
}

impl<S> Service<Request<Body>> for Door<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        match self.access.judge(request.uri(), request.headers()) {
            Ok(()) => Box::pin(self.inner.call(request)),
            Err(refusal) => {
                let protocol = Protocol::of(request.headers());
                tracing::debug!(
                    ?refusal,
                    path = request.uri().path(),
                    "a request is refused"
                );
                Box::pin(ready(Ok(refusal.response(protocol))))
            }
        }
    }
}

/// Gives each protocol to what speaks it.
#[derive(Clone)]
struct Desk {
    methods: Arc<Methods>,
    routes: Arc<Routes>,
    document: Bytes,
    services: BoxCloneService<Request<Body>, Response<Body>, Infallible>,
    web: BoxCloneService<Request<Body>, Response<Body>, Infallible>,
}

impl Service<Request<Body>> for Desk {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        let desk = self.clone();
        Box::pin(desk.answer(request))
    }
}

impl Desk {
    async fn answer(self, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let protocol = Protocol::of(request.headers());
        let refused = |refusal: Refusal| Ok(refusal.response(protocol));
        match protocol {
            Protocol::Grpc if request.version() != Version::HTTP_2 => refused(grpc_needs_http2()),
            Protocol::Grpc => self.services.oneshot(request).await,
            Protocol::GrpcWeb => self.web.oneshot(request).await,
            Protocol::Json | Protocol::Other => {
                let path = request.uri().path();
                if path == OPENAPI_PATH {
                    return match *request.method() {
                        Verb::GET | Verb::HEAD => Ok(document(self.document)),
                        _ => Ok(only_these(&[Verb::GET, Verb::HEAD])),
                    };
                }
                let Some(method) = self.methods.at(path).cloned() else {
                    return Ok(self.elsewhere(request, protocol).await);
                };
                match (request.method(), protocol) {
                    (&Verb::POST, Protocol::Json) => {
                        Ok(json::answer(self.services, &method, request).await)
                    }
                    (&Verb::POST, _) => Ok(wrong_type()),
                    _ => Ok(only_these(&[Verb::POST])),
                }
            }
        }
    }
}

impl Desk {
    /// What has a path of its own.
    async fn elsewhere(self, request: Request<Body>, protocol: Protocol) -> Response<Body> {
        let (verb, path) = (request.method().clone(), request.uri().path().to_owned());
        let routes = Arc::clone(&self.routes);
        if let Some(page) = routes.probes().and_then(|it| it.answer(&verb, &path)) {
            return page;
        }
        let (route, fields) = match routes.find(&verb, &path) {
            Found::Route(route, fields) => (route, fields),
            Found::OtherVerbs(verbs) => return only_these(&verbs),
            Found::Nothing => return unknown(&path).response(protocol),
        };
        let Some(method) = self.methods.at(route.method).cloned() else {
            return unknown(&path).response(protocol);
        };
        // What a page may send unasked is never a change.
        let has_body = !matches!(route.body, RouteBody::None);
        let is_plain = protocol != Protocol::Json && has_body && !is_empty(&request);
        if is_plain {
            return wrong_type();
        }
        let made = made(&routes, route, &method, &fields, request).await;
        let answer = match made {
            Ok(request) => json::answer(self.services, &method, request).await,
            Err(refusal) => return refusal.response(Protocol::Json),
        };
        match route.answer {
            RouteAnswer::Whole => answer,
            RouteAnswer::Text {
                field,
                content_type,
            } => json::text(answer, field, content_type).await,
        }
    }
}

fn is_empty(request: &Request<Body>) -> bool {
    use http_body::Body as _;
    request.body().is_end_stream()
}

/// The request that a path of its own stands for.
async fn made(
    routes: &Routes,
    route: &Route,
    method: &Method,
    fields: &[(&str, String)],
    request: Request<Body>,
) -> Result<Request<Body>, Refusal> {
    let (mut head, body) = request.into_parts();
    let body = json::whole(&head.headers, body).await?;
    let query = head.uri.query().unwrap_or_default();
    let made = routes.request(route, method, fields, query, &head.headers, &body)?;
    head.headers.insert(header::CONTENT_TYPE, status::JSON);
    head.headers.remove(header::CONTENT_LENGTH);
    Ok(Request::from_parts(
        head,
        Body::new(Full::from(made.to_string())),
    ))
}

/// 405, which has to say what would do.
fn only_these(verbs: &[Verb]) -> Response<Body> {
    let verbs: Vec<_> = verbs.iter().map(Verb::as_str).collect();
    let verbs = verbs.join(", ");
    let refusal = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        Code::InvalidArgument,
        "VERB_NOT_ALLOWED",
        format!("here is only {verbs}"),
    );
    let mut response = refusal.response(Protocol::Json);
    if let Ok(verbs) = HeaderValue::try_from(verbs) {
        response.headers_mut().insert(header::ALLOW, verbs);
    }
    response
}

fn document(text: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::from(text)));
    status::finish(response.headers_mut());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, status::JSON);
    response
}

fn grpc_needs_http2() -> Refusal {
    Refusal::new(
        StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        Code::Unimplemented,
        "GRPC_NEEDS_HTTP2",
        "gRPC is spoken over HTTP/2 alone; over HTTP/1.1 send JSON or gRPC-Web",
    )
}

fn unknown(path: &str) -> Refusal {
    let path = path.escape_debug();
    Refusal::new(
        StatusCode::NOT_FOUND,
        Code::Unimplemented,
        "METHOD_UNKNOWN",
        format!("nothing is at {path}: methods are at /package.Service/Method, see {OPENAPI_PATH}"),
    )
}

/// 415, which may say what would do.
fn wrong_type() -> Response<Body> {
    let refusal = Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::InvalidArgument,
        "CONTENT_TYPE_UNSUPPORTED",
        "send application/json, in UTF-8",
    );
    let mut response = refusal.response(Protocol::Json);
    let name = HeaderName::from_static("accept-post");
    response.headers_mut().insert(name, status::JSON);
    response
}
