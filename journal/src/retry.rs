//! What an answer of the client means for the next attempt, and how long to wait for it.

use crate::JournalError;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;

/// What to do after an attempt has failed.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// This client will never work again: take a new one.
    Dead(kurrentdb::Error),
    /// The node did not do it, or nobody knows whether it did: try again.
    Again(kurrentdb::Error),
    /// Trying again cannot help.
    Final(JournalError),
}

/// Judges an error of a call that may be repeated without harm. The fixed wire codes decide; no
/// text is looked at.
pub(crate) fn judge(error: kurrentdb::Error, operation: &'static str, stream: &str) -> Verdict {
    use kurrentdb::Error as E;
    match error {
        E::ConnectionClosed | E::GrpcConnectionError(_) | E::InitializationError(_) => {
            Verdict::Dead(error)
        }
        E::AccessDenied => Verdict::Final(JournalError::AccessDenied { operation }),
        E::ResourceDeleted => Verdict::Final(JournalError::StreamDeleted {
            operation,
            stream: stream.to_owned(),
        }),
        E::Grpc {
            code: tonic::Code::InvalidArgument | tonic::Code::OutOfRange,
            ..
        }
        | E::UnsupportedFeature
        | E::InternalParsingError(_)
        | E::IllegalStateError(_)
        | E::WrongExpectedVersion { .. } => Verdict::Final(JournalError::Rejected {
            operation,
            source: Box::new(error),
        }),
        // The client goes to the leader it was told of by itself, but that one need not be alive.
        E::NotLeaderException(_)
        | E::ServerError(_)
        | E::Grpc { .. }
        | E::DeadlineExceeded
        | E::ResourceAlreadyExists
        | E::ResourceNotFound
        | E::InternalClientError => Verdict::Again(error),
    }
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

    #[test]
    fn a_dead_client_a_busy_node_and_a_hopeless_request_are_told_apart() {
        use kurrentdb::Error as E;
        let judged = |error| judge(error, "append", "network-1");
        assert!(matches!(judged(E::ConnectionClosed), Verdict::Dead(_)));
        assert!(matches!(
            judged(E::Grpc {
                code: tonic::Code::Aborted,
                message: String::new()
            }),
            Verdict::Again(_)
        ));
        assert!(matches!(
            judged(E::ServerError(String::new())),
            Verdict::Again(_)
        ));
        assert!(matches!(
            judged(E::AccessDenied),
            Verdict::Final(JournalError::AccessDenied { .. })
        ));
        let large = E::Grpc {
            code: tonic::Code::InvalidArgument,
            message: String::new(),
        };
        assert!(matches!(
            judged(large),
            Verdict::Final(JournalError::Rejected { .. })
        ));
    }
}
