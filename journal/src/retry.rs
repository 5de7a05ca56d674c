//! What an answer of a node means for the next attempt, and how long to wait for it.

use crate::{JournalError, error::Source};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use kurrentdb::Endpoint;
use std::time::Duration;
use tonic::{Code, Status};

/// What to do after an attempt has failed.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Another node leads: ask that one.
    LedBy(Endpoint, Source),
    /// The node did not do it, or nobody knows whether it did: try again.
    Again(Source),
    /// Trying again cannot help.
    Final(JournalError),
}

/// Judges the status of a call that may be repeated without harm. The codes and the trailers of the
/// protocol decide; no text is looked at.
pub(crate) fn judge(status: Status, operation: &'static str, stream: &str) -> Verdict {
    match trailer(&status, "exception") {
        Some("stream-deleted") => {
            return Verdict::Final(JournalError::StreamDeleted {
                operation,
                stream: stream.to_owned(),
            });
        }
        Some("not-leader") => {
            return match leader(&status) {
                Some(leader) => Verdict::LedBy(leader, Box::new(status)),
                None => Verdict::Again(Box::new(status)),
            };
        }
        Some(_) | None => {}
    }
    match status.code() {
        Code::PermissionDenied | Code::Unauthenticated => {
            Verdict::Final(JournalError::AccessDenied { operation })
        }
        Code::InvalidArgument | Code::OutOfRange | Code::Unimplemented => {
            Verdict::Final(JournalError::Rejected {
                operation,
                source: Box::new(status),
            })
        }
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Verdict::Again(Box::new(status)),
    }
}

fn trailer<'a>(status: &'a Status, name: &str) -> Option<&'a str> {
    status.metadata().get(name)?.to_str().ok()
}

fn leader(status: &Status) -> Option<Endpoint> {
    Some(Endpoint {
        host: trailer(status, "leader-endpoint-host")?.to_owned(),
        port: trailer(status, "leader-endpoint-port")?.parse().ok()?,
    })
}

/// Pauses that double from `least` to `most`, jittered, without end.
pub(crate) fn pauses(least: Duration, most: Duration) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_jitter()
        .with_factor(2.0)
        .with_min_delay(least)
        .with_max_delay(most)
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_cap_and_never_end() {
        let all: Vec<_> = pauses(Duration::from_millis(10), Duration::from_millis(100))
            .take(50)
            .collect();
        assert_eq!(all.len(), 50);
        assert!(
            all.iter()
                .all(|it| *it >= Duration::from_millis(10) && *it <= Duration::from_millis(200))
        );
    }

    fn judged(status: Status) -> Verdict {
        judge(status, "append", "network-1")
    }

    #[test]
    fn a_busy_node_and_a_hopeless_request_are_told_apart() {
        for code in [
            Code::Unavailable,
            Code::Aborted,
            Code::Unknown,
            Code::Internal,
        ] {
            assert!(matches!(judged(Status::new(code, "")), Verdict::Again(_)));
        }
        for code in [Code::PermissionDenied, Code::Unauthenticated] {
            let verdict = judged(Status::new(code, ""));
            assert!(matches!(
                verdict,
                Verdict::Final(JournalError::AccessDenied { .. })
            ));
        }
        assert!(matches!(
            judged(Status::invalid_argument("too large")),
            Verdict::Final(JournalError::Rejected { .. })
        ));
    }

    #[test]
    fn what_the_trailers_say_outranks_the_code() {
        let with = |pairs: &[(&'static str, &str)]| {
            let mut status = Status::not_found("");
            for (name, value) in pairs {
                let value = value.parse().expect("text");
                status.metadata_mut().insert(*name, value);
            }
            judged(status)
        };
        assert!(matches!(
            with(&[("exception", "stream-deleted")]),
            Verdict::Final(JournalError::StreamDeleted { .. })
        ));
        let led = with(&[
            ("exception", "not-leader"),
            ("leader-endpoint-host", "db2"),
            ("leader-endpoint-port", "2113"),
        ]);
        assert!(
            matches!(&led, Verdict::LedBy(it, _) if (it.host.as_str(), it.port) == ("db2", 2113)),
            "{led:?}"
        );
        let nobody = with(&[("exception", "not-leader")]);
        assert!(matches!(nobody, Verdict::Again(_)));
    }
}
