//! What an attempt came to, and whose fault it was: the record's, the endpoint's, or the moment's.

use crate::guard::Refused;
use chrono::{DateTime, Utc};
use http::StatusCode;
use std::{net::SocketAddr, time::Duration};
use thiserror::Error;

/// The most bytes of an answer that are kept.
pub const KEPT: usize = 2048;

/// The longest wait that a receiver's `Retry-After` can ask for.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// One attempt to deliver.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it began: the clock's time that it was signed with.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub took: Duration,
    /// The status of the answer, if one came.
    pub status: Option<u16>,
    /// What follows.
    pub outcome: Outcome,
    /// Why it is not delivered.
    pub fault: Option<Fault>,
    /// Who answered.
    pub peer: Option<SocketAddr>,
    /// The beginning of the answer.
    pub body: Body,
}

/// What follows from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A 2xx was seen.
    Delivered,
    /// The receiver will not have this record: 400, 413, 422 and every other 4xx.
    RecordRefused,
    /// The endpoint is not what it should be, whatever the record: 401, 403, 404, 405, redirects,
    /// an address that may not be reached, credentials that get no token.
    EndpointRefused,
    /// It may well work later: 408, 425, 429, 5xx, and whatever befell the connection.
    Transient {
        /// How long the receiver asks to wait, at most [`LONGEST_RETRY_AFTER`].
        retry_after: Option<Duration>,
    },
    /// The receiver wants no more: 410.
    Gone,
}

/// The beginning of an answer's body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// At most [`KEPT`] bytes of it, what is not UTF-8 replaced.
    pub text: String,
    /// How much of it that is.
    pub end: BodyEnd,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyEnd {
    /// It is all there.
    #[default]
    Whole,
    /// There was more.
    Cut,
    /// The connection ended, or the time did, before it was all there.
    Broken,
}

/// Why an attempt did not deliver.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The receiver answered with another status than 2xx.
    #[error("the receiver answered with {0}")]
    Status(u16),
    /// The address may not be reached. Nothing was dialled.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name has no address, or the resolver did not say.
    #[error("the host was not resolved: {0}")]
    Resolve(String),
    /// No connection.
    #[error("there was no connection: {0}")]
    Connect(String),
    /// No TLS: a certificate that is not trusted, a protocol that is not spoken.
    #[error("there was no trusted connection: {0}")]
    Tls(String),
    /// The whole attempt took too long.
    #[error("there was no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The connection ended before an answer came, or what came is no answer.
    #[error("there was no whole answer: {0}")]
    Answer(String),
    /// No token was given.
    #[error("the token endpoint gave no token: {0}")]
    Token(String),
    /// The record does not fit into the URL or the headers.
    #[error("the record makes no request: {0}")]
    Request(String),
}

/// What follows from a status.
pub(crate) fn outcome_of(status: StatusCode, retry_after: Option<Duration>) -> Outcome {
    match status.as_u16() {
        200..=299 => Outcome::Delivered,
        408 | 425 | 429 | 500.. => Outcome::Transient { retry_after },
        410 => Outcome::Gone,
        // 407 comes from a proxy in between: no record is to blame.
        401 | 403..=405 | 407 | ..=199 | 300..=399 => Outcome::EndpointRefused,
        400..=499 => Outcome::RecordRefused,
    }
}

/// What `Retry-After` asks for, in seconds or as a date, up to the bound.
pub(crate) fn retry_after(
    value: Option<&http::HeaderValue>,
    now: DateTime<Utc>,
) -> Option<Duration> {
    let text = value?.to_str().ok()?.trim();
    let wanted = if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // More digits than fit are very long too.
        text.parse()
            .map_or(LONGEST_RETRY_AFTER, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        let until = DateTime::<Utc>::from(until);
        (until - now).to_std().unwrap_or_default()
    };
    Some(wanted.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn every_status_is_somebodys_fault_or_nobodys() {
        let transient = Outcome::Transient { retry_after: None };
        for status in 100..1000 {
            let wanted = match status {
                200..=299 => Outcome::Delivered,
                410 => Outcome::Gone,
                408 | 425 | 429 => transient,
                401 | 403 | 404 | 405 | 407 => Outcome::EndpointRefused,
                400..=499 => Outcome::RecordRefused,
                100..=199 | 300..=399 => Outcome::EndpointRefused,
                _ => transient,
            };
            assert_eq!(
                outcome_of(StatusCode::from_u16(status).unwrap(), None),
                wanted,
                "{status}"
            );
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let now: DateTime<Utc> = "2026-11-29T12:00:00.5Z".parse().unwrap();
        let asked = |text: &str| retry_after(Some(&HeaderValue::from_str(text).unwrap()), now);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(asked("120"), seconds(120));
        assert_eq!(asked("0"), seconds(0));
        assert_eq!(asked(" 7 "), seconds(7));
        assert_eq!(asked("86400"), Some(LONGEST_RETRY_AFTER));
        assert_eq!(asked("99999999999999999999999"), Some(LONGEST_RETRY_AFTER));
        assert_eq!(
            asked("Sun, 29 Nov 2026 12:01:00 GMT"),
            Some(Duration::from_millis(59_500))
        );
        assert_eq!(asked("Sun, 29 Nov 2026 11:00:00 GMT"), seconds(0));
        assert_eq!(
            asked("Sun, 29 Nov 2037 11:00:00 GMT"),
            Some(LONGEST_RETRY_AFTER)
        );
        for nonsense in ["", "-1", "soon", "1.5", "+3"] {
            assert_eq!(asked(nonsense), None, "{nonsense:?}");
        }
        assert_eq!(retry_after(None, now), None);
    }
}
