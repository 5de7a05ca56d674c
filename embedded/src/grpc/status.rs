//! Statuses, with the trailers by which clients tell what happened.

use tonic::{
    Code, Request, Status,
    metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap},
};

use crate::{
    engine::Failure,
    model::{Expected, StreamName},
    read::ReadError,
    security::{Denied, Identity},
};

const EXCEPTION: &str = "exception";
const STREAM_NAME: &str = "stream-name";

/// A status whose trailers name the exception a real server would have thrown, and its facts.
pub(super) fn with_trailers(
    code: Code,
    message: impl Into<String>,
    trailers: &[(&'static str, &str)],
) -> Status {
    let mut metadata = MetadataMap::new();
    for (name, value) in trailers {
        // Text that no header can hold is left out; the message has it.
        if let Ok(value) = AsciiMetadataValue::try_from(value.as_bytes()) {
            metadata.insert(AsciiMetadataKey::from_static(name), value);
        }
    }
    Status::with_metadata(code, message, metadata)
}

pub(super) fn stream_deleted(stream: &StreamName) -> Status {
    with_trailers(
        Code::FailedPrecondition,
        format!("Event stream '{stream}' is deleted."),
        &[
            (EXCEPTION, "stream-deleted"),
            (STREAM_NAME, stream.as_str()),
        ],
    )
}

/// A delete or tombstone of a stream that is not as expected. Clients read the numbers out of the
/// text.
pub(super) fn wrong_expected_version(
    stream: &StreamName,
    expected: Expected,
    current: Option<u64>,
) -> Status {
    let expected = expected.signed().to_string();
    let actual = current.map_or_else(|| "-1".to_owned(), |number| number.to_string());
    with_trailers(
        Code::FailedPrecondition,
        format!(
            "Delete failed due to WrongExpectedVersion. Stream: {stream}, Expected version: {expected}, \
             Actual version: {actual}"
        ),
        &[
            (EXCEPTION, "wrong-expected-version"),
            (STREAM_NAME, stream.as_str()),
            ("expected-version", &expected),
            ("actual-version", &actual),
        ],
    )
}

pub(super) fn missing_metadata_property(property: &str) -> Status {
    with_trailers(
        Code::InvalidArgument,
        format!("Required Metadata Property '{property}' is missing"),
        &[
            (EXCEPTION, "missing-required-metadata-property"),
            ("required-metadata-properties", "type,content-type"),
        ],
    )
}

pub(super) fn append_too_large(limit: usize) -> Status {
    with_trailers(
        Code::InvalidArgument,
        format!("Maximum Append Size of {limit} Exceeded."),
        &[
            (EXCEPTION, "maximum-append-size-exceeded"),
            ("maximum-append-size", &limit.to_string()),
        ],
    )
}

/// Who makes a call, as its connection found.
pub(super) fn who<T>(request: &Request<T>) -> Identity {
    request
        .extensions()
        .get()
        .cloned()
        .unwrap_or(Identity::Anonymous)
}

pub(super) fn access_denied() -> Status {
    with_trailers(
        Code::PermissionDenied,
        "Access Denied",
        &[(EXCEPTION, "access-denied")],
    )
}

pub(super) fn denied(denied: &Denied) -> Status {
    match denied {
        Denied::Access => access_denied(),
        Denied::Read(error) => read_failed(error),
    }
}

pub(crate) fn unauthenticated() -> Status {
    Status::unauthenticated("Unauthenticated")
}

/// A real server fails on such a header, and its clients see UNKNOWN.
pub(crate) fn unreadable_credentials() -> Status {
    Status::unknown("The authorization header cannot be read.")
}

pub(super) fn failed(failure: &Failure) -> Status {
    match failure {
        Failure::ShuttingDown => shutting_down(),
        Failure::Busy => Status::resource_exhausted(failure.to_string()),
        Failure::Log(error) => {
            tracing::error!(error = &**error as &dyn std::error::Error, "a write failed");
            Status::unavailable("The write failed: the event store cannot write to its log.")
        }
    }
}

/// The end of a read or subscription. A position at which nothing stands is judged by the caller.
pub(super) fn read_failed(error: &ReadError) -> Status {
    match error {
        ReadError::StreamDeleted(stream) => stream_deleted(stream),
        ReadError::NoRecord(_) => {
            Status::invalid_argument("Trying to read from an invalid position.")
        }
        ReadError::Filter(error) => Status::invalid_argument(error.to_string()),
        ReadError::ShuttingDown => shutting_down(),
        ReadError::Log(error) => {
            tracing::error!(error = &**error as &dyn std::error::Error, "a read failed");
            Status::internal("The read failed: the event store cannot read its log.")
        }
    }
}

pub(crate) fn shutting_down() -> Status {
    Status::unavailable("The event store is shutting down.")
}
