//! How long a caller is willing to wait: `grpc-timeout`, which gRPC clients send, and
//! `Request-Timeout`, its like for JSON.
//!
//! As in gRPC's own servers, the answer's head is due by then; what a service does of its own
//! ends with the call.

use http::{HeaderMap, HeaderName, Request, Response};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tonic::{Status, body::Body};
use tower::Service;

/// Seconds, decimal: how long a JSON call may take.
pub(crate) const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("request-timeout");

/// More than this is for ever.
const LONGEST: Duration = Duration::from_secs(99_999_999);

/// The deadline of a JSON call; `Err` when what stands there is none.
pub(crate) fn requested(headers: &HeaderMap) -> Result<Option<Duration>, ()> {
    let Some(value) = headers.get(REQUEST_TIMEOUT) else {
        return Ok(None);
    };
    let seconds = value
        .to_str()
        .ok()
        .filter(|it| it.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    let seconds: f64 = seconds.and_then(|it| it.parse().ok()).ok_or(())?;
    let asked = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST);
    Ok(Some(asked.min(LONGEST)))
}

/// The deadline of a gRPC call. What cannot be read is none, as in tonic's own server.
fn of(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let digits = (1..=8).contains(&number.len()) && number.bytes().all(|it| it.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

pub(crate) fn exceeded() -> Status {
    Status::deadline_exceeded("the call took longer than its caller allowed")
}

/// Services whose calls end at their callers' deadlines.
#[derive(Clone, Debug)]
pub(crate) struct Bounded<S>(pub(crate) S);

impl<S> Service<Request<Body>> for Bounded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let deadline = of(request.headers());
        let answer = self.0.call(request);
        Box::pin(async move {
            match deadline {
                None => answer.await,
                Some(deadline) => tokio::time::timeout(deadline, answer)
                    .await
                    .unwrap_or_else(|_| Ok(exceeded().into_http())),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let value = HeaderValue::from_str(value).unwrap();
        HeaderMap::from_iter([(HeaderName::from_static(name), value)])
    }

    #[test]
    fn a_grpc_timeout_is_read_in_every_unit() {
        for (text, wanted) in [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("3m", Some(Duration::from_millis(3))),
            ("4u", Some(Duration::from_micros(4))),
            ("5n", Some(Duration::from_nanos(5))),
            ("123456789S", None),
            ("S", None),
            ("", None),
            ("5", None),
            ("+5S", None),
            ("5x", None),
        ] {
            assert_eq!(of(&headers("grpc-timeout", text)), wanted, "{text}");
        }
    }

    #[test]
    fn a_request_timeout_is_seconds() {
        let read = |text| requested(&headers("request-timeout", text));
        assert_eq!(read("2.5"), Ok(Some(Duration::from_millis(2500))));
        assert_eq!(read("0"), Ok(Some(Duration::ZERO)));
        assert_eq!(read("999999999999999999999999"), Ok(Some(LONGEST)));
        assert_eq!(requested(&HeaderMap::new()), Ok(None));
        for text in ["", "-1", "1s", "1e3", "inf", "NaN", "."] {
            assert_eq!(read(text), Err(()), "{text}");
        }
    }
}
