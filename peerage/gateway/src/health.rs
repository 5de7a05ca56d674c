//! What the process says of itself to probes, over plain HTTP: `GET /health/live` and
//! `GET /health/ready`.
//!
//! Live says that the process works, and nothing of what it works with: a store that is down is no
//! reason to start the process again. Ready says whether calls should come here now.

use crate::{Gateway, status};
use futures::future::BoxFuture;
use http::{HeaderValue, Method as Verb, Request, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;
use std::{convert::Infallible, sync::Arc};
use tokio::sync::watch;
use tonic::body::Body;
use tower::{service_fn, util::BoxCloneService};

/// Where Prometheus looks.
const METRICS: &str = "/metrics";

/// What is there.
const OPENMETRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Figures as they are, in Prometheus' text; none where they cannot be told now.
pub type Figures = Arc<dyn Fn() -> BoxFuture<'static, Option<String>> + Send + Sync>;

const LIVE: &str = "/health/live";
const READY: &str = "/health/ready";

/// What a part of the process says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartHealth {
    /// Its name.
    pub name: &'static str,
    /// Whether it does what calls need of it.
    pub ready: bool,
    /// Why it does not; empty if it does.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub why: &'static str,
}

/// What the parts say.
pub type Readiness = Vec<PartHealth>;

#[derive(Serialize)]
struct Told<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<&'a [PartHealth]>,
}

/// The pages for probes.
#[derive(Clone, Debug)]
pub struct Probes(watch::Receiver<Readiness>);

impl Probes {
    /// Pages that tell what is sent here. Until something is, nothing is ready.
    pub fn new(readiness: watch::Receiver<Readiness>) -> Self {
        Self(readiness)
    }

    /// The page at a path, if there is one.
    pub(crate) fn answer(&self, verb: &Verb, path: &str) -> Option<Response<Body>> {
        if path != LIVE && path != READY {
            return None;
        }
        if *verb != Verb::GET && *verb != Verb::HEAD {
            return Some(only_reads());
        }
        Some(match path {
            LIVE => page(
                StatusCode::OK,
                &Told {
                    status: "live",
                    parts: None,
                },
            ),
            _ => self.ready(),
        })
    }

    /// A server of these pages and of figures, and of nothing else: for a port of their own, which
    /// probes and scrapers reach under any name.
    pub fn alone(self, figures: Figures) -> Gateway {
        Gateway(BoxCloneService::new(service_fn(
            move |request: Request<Body>| {
                let (probes, figures) = (self.clone(), Arc::clone(&figures));
                async move {
                    let (verb, path) = (request.method(), request.uri().path());
                    if let Some(page) = probes.answer(verb, path) {
                        return Ok::<_, Infallible>(page);
                    }
                    let is_read = *verb == Verb::GET || *verb == Verb::HEAD;
                    Ok(match path {
                        METRICS if is_read => told(figures().await),
                        METRICS => only_reads(),
                        _ => bare(StatusCode::NOT_FOUND),
                    })
                }
            },
        )))
    }

    fn ready(&self) -> Response<Body> {
        let parts = self.0.borrow();
        let is_ready = !parts.is_empty() && parts.iter().all(|it| it.ready);
        let (code, status) = match is_ready {
            true => (StatusCode::OK, "ready"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
        };
        let told = Told {
            status,
            parts: Some(&parts),
        };
        page(code, &told)
    }
}

fn page(code: StatusCode, told: &Told<'_>) -> Response<Body> {
    let text = serde_json::to_string(told).unwrap_or_default();
    let mut response = Response::new(Body::new(Full::from(text)));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    status::finish(headers);
    headers.insert(header::CONTENT_TYPE, status::JSON);
    response
}

fn told(figures: Option<String>) -> Response<Body> {
    let Some(text) = figures else {
        return bare(StatusCode::SERVICE_UNAVAILABLE);
    };
    let mut response = Response::new(Body::new(Full::from(text)));
    status::finish(response.headers_mut());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, OPENMETRICS);
    response
}

fn only_reads() -> Response<Body> {
    let mut response = bare(StatusCode::METHOD_NOT_ALLOWED);
    let verbs = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(header::ALLOW, verbs);
    response
}

fn bare(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}
