//! Deadlines: a call that names one ends with DEADLINE_EXCEEDED when it passes, whatever it is
//! doing.
//!
//! The official Rust client sends a deadline and keeps no clock of its own, so a server that
//! forgets it hangs a client.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tonic::Status;

const HEADER: &str = "grpc-timeout";

/// When a call has to be answered, if it says so.
pub(super) fn of<B>(request: &Request<B>) -> Option<Instant> {
    let timeout = request.headers().get(HEADER)?.to_str().ok()?;
    Instant::now().checked_add(parse(timeout)?)
}

/// Answers by the deadline: before the first header with a status alone, later with the trailers.
pub(super) async fn bounded(
    deadline: Instant,
    answer: impl Future<Output = Response<tonic::body::Body>>,
) -> Response<tonic::body::Body> {
    match timeout_at(deadline, answer).await {
        Err(_) => exceeded().into_http(),
        Ok(response) => response.map(|body| {
            tonic::body::Body::new(BoundedBody {
                body: Some(body),
                timer: Box::pin(sleep_until(deadline)),
            })
        }),
    }
}

fn exceeded() -> Status {
    Status::deadline_exceeded("The deadline of the call has passed.")
}

/// At most eight digits and a unit.
fn parse(timeout: &str) -> Option<Duration> {
    let (digits, unit) = timeout.split_at_checked(timeout.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

/// A body that ends with a status when time is up.
struct BoundedBody {
    body: Option<tonic::body::Body>,
    timer: Pin<Box<Sleep>>,
}

impl Body for BoundedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.body = None;
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(match exceeded().add_header(&mut trailers) {
            Ok(()) => Ok(Frame::trailers(trailers)),
            Err(status) => Err(status),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_a_number_and_a_unit() {
        for (text, expected) in [
            ("1S", Some(Duration::from_secs(1))),
            ("250m", Some(Duration::from_millis(250))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("2H", Some(Duration::from_secs(7200))),
            ("", None),
            ("S", None),
            ("1", None),
            ("-1S", None),
            ("1x", None),
            ("123456789S", None),
            ("1ß", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
