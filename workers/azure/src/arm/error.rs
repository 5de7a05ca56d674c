//! What went wrong, told apart by Resource Manager's codes and by nothing else. Where a code is not
//! known, the status says as much as it can: an answer of the service's own failure promises
//! nothing.

use super::transport::{Answer, NoAnswer};
use http::StatusCode;
use serde::Deserialize;
use std::time::Duration;

/// A call that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failure:?}: {message}")]
pub(crate) struct ArmError {
    pub(crate) failure: Failure,
    /// The service's code, if an answer came and had one.
    pub(crate) code: Option<String>,
    /// The service's words or the transport's. Never searched.
    pub(crate) message: String,
    /// The service's name for the call.
    pub(crate) request_id: Option<String>,
    /// Whether the service has said that it does not do this: by a status of 4xx, or at an
    /// operation's end.
    pub(crate) is_refusal: bool,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The resource, its parent, its group or its subscription is not there.
    NotFound,
    /// The pair has a half of another name.
    AlreadyThere,
    /// Another rule has this priority, or another resource this place.
    Conflict,
    /// The half cannot be made while the other side's has lost its own.
    RemoteDisconnected,
    /// Something else still uses it.
    InUse,
    /// The two networks share addresses.
    Overlap,
    /// One of them shares addresses with a network that the other is joined to.
    OverlapWithAnother,
    /// The other network has no gateway to use.
    NoGateway,
    /// The subscription has not registered the provider.
    NotRegistered,
    /// It, or what it refers to, is at another change.
    Busy,
    /// Known, and not permitted here.
    Denied,
    /// Known, and not permitted at the other end.
    DeniedAtOtherEnd,
    /// Not known: no token, or one that is not taken.
    CredentialsRefused,
    /// The token has run out; the next call has another.
    TokenExpired,
    /// A quota is used up.
    Quota,
    /// Too many calls.
    Throttled { retry_after: Option<Duration> },
    /// The request was not sent, for certain.
    NotSent,
    /// It may have been carried out, and no answer says so.
    Ambiguous,
    /// The request makes no sense to the service.
    Malformed,
    /// A code that is not known here, or an answer without one.
    Unexpected,
}

/// Each code that is told apart, and what it means. Those of peerings are as users reported them:
/// no recording has one.
const CODES: &[(&str, Failure)] = &[
    ("ResourceNotFound", Failure::NotFound),
    ("NotFound", Failure::NotFound),
    ("ResourceGroupNotFound", Failure::NotFound),
    ("ParentResourceNotFound", Failure::NotFound),
    ("SubscriptionNotFound", Failure::NotFound),
    (
        "AnotherPeeringAlreadyReferencesRemoteVnet",
        Failure::AlreadyThere,
    ),
    ("SecurityRuleConflict", Failure::Conflict),
    ("RemotePeeringIsDisconnected", Failure::RemoteDisconnected),
    ("InUseSubnetCannotBeDeleted", Failure::InUse),
    ("InUseNetworkSecurityGroupCannotBeDeleted", Failure::InUse),
    ("NicInUse", Failure::InUse),
    ("VnetAddressSpacesOverlap", Failure::Overlap),
    (
        "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
        Failure::OverlapWithAnother,
    ),
    ("RemoteVnetHasNoGateways", Failure::NoGateway),
    ("MissingSubscriptionRegistration", Failure::NotRegistered),
    ("SubscriptionNotAuthorized", Failure::NotRegistered),
    ("ReferencedResourceNotProvisioned", Failure::Busy),
    ("RetryableError", Failure::Busy),
    ("AnotherOperationInProgress", Failure::Busy),
    ("Conflict", Failure::Busy),
    ("GatewayOperationFailedRetry", Failure::Busy),
    ("AuthorizationFailed", Failure::Denied),
    ("LinkedAuthorizationFailed", Failure::DeniedAtOtherEnd),
    ("InvalidAuthenticationTokenTenant", Failure::Denied),
    ("InvalidAuthenticationToken", Failure::CredentialsRefused),
    ("AuthenticationFailed", Failure::CredentialsRefused),
    ("ExpiredAuthenticationToken", Failure::TokenExpired),
    ("QuotaExceeded", Failure::Quota),
    ("TooManyRequests", Failure::Throttled { retry_after: None }),
    (
        "SubscriptionRequestsThrottled",
        Failure::Throttled { retry_after: None },
    ),
    (
        "ResourceRequestsThrottled",
        Failure::Throttled { retry_after: None },
    ),
    ("ServerTimeout", Failure::Ambiguous),
    ("GatewayTimeout", Failure::Ambiguous),
    ("GwmOperationTimeOut", Failure::Ambiguous),
    ("PreconditionFailed", Failure::Busy),
    ("InvalidRequestFormat", Failure::Malformed),
    ("InvalidJson", Failure::Malformed),
    ("InvalidResourceName", Failure::Malformed),
];

/// An error as the network provider and the manager write it, as others do, or none at all: once a
/// page of HTML came.
#[derive(Debug, Default, Deserialize)]
struct Body {
    error: Option<Told>,
    #[serde(alias = "Code")]
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

/// What is told of an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Told {
    pub(crate) code: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<String>,
}

impl ArmError {
    pub(crate) fn new(failure: Failure, message: impl Into<String>) -> Self {
        Self {
            failure,
            code: None,
            message: message.into(),
            request_id: None,
            is_refusal: false,
        }
    }

    /// What an answer that is no success says.
    pub(crate) fn of(answer: &Answer) -> Self {
        let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
        let told = body.error.unwrap_or(Told {
            code: body.code,
            message: body.message,
        });
        let known = told.code.as_deref().and_then(failure_of);
        let mut failure = known.unwrap_or_else(|| by_status(answer.status));
        if let Failure::Throttled { retry_after } = &mut failure {
            *retry_after = answer.retry_after();
        }
        Self {
            request_id: answer.header("x-ms-request-id").map(str::to_owned),
            is_refusal: answer.status.is_client_error(),
            ..Self::told(failure, told)
        }
    }

    /// What an operation that ended badly says, which may be nothing. It is over: a code that
    /// leaves open elsewhere whether something was done leaves nothing open here.
    pub(crate) fn of_operation(told: Told) -> Self {
        let known = told.code.as_deref().and_then(failure_of);
        let known = known.filter(|it| *it != Failure::Ambiguous);
        let mut error = Self::told(known.unwrap_or(Failure::Unexpected), told);
        if error.code.is_none() && error.message.is_empty() {
            error.message = "it ended with an error and says no more".to_owned();
        }
        Self {
            is_refusal: true,
            ..error
        }
    }

    fn told(failure: Failure, told: Told) -> Self {
        Self {
            code: told.code,
            ..Self::new(failure, plain(&told.message.unwrap_or_default()))
        }
    }

    pub(crate) fn of_transport(error: NoAnswer) -> Self {
        match error {
            NoAnswer::NotSent(words) => Self::new(Failure::NotSent, words),
            NoAnswer::Lost(words) => Self::new(Failure::Ambiguous, words),
        }
    }

    /// Code and words for people.
    pub(crate) fn words(&self) -> String {
        match &self.code {
            Some(code) if self.message.is_empty() => code.clone(),
            Some(code) => format!("{code}: {}", self.message),
            None => self.message.clone(),
        }
    }
}

/// The most that is kept of the service's words.
const LONGEST: usize = 1000;

/// The service's words without what is good for whoever has it: they may name the URL of an
/// operation, and what is signed in it stands after its question mark.
fn plain(words: &str) -> String {
    let is_split = |c: char| c.is_whitespace() || c == '"' || c == '\'';
    let shown = words.split_inclusive(is_split).map(|word| {
        match word.split_once('?').filter(|_| word.contains("://")) {
            Some((before, _)) => {
                let end = word.chars().next_back().filter(|it| is_split(*it));
                format!("{before}?…{}", end.map(String::from).unwrap_or_default())
            }
            None => word.to_owned(),
        }
    });
    shown.collect::<String>().chars().take(LONGEST).collect()
}

fn failure_of(code: &str) -> Option<Failure> {
    let known = CODES.iter().find(|(known, _)| *known == code);
    known.map(|(_, failure)| *failure)
}

/// What a status alone says. That something is refused is known; of a failed service nothing is.
fn by_status(status: StatusCode) -> Failure {
    match status.as_u16() {
        401 => Failure::CredentialsRefused,
        403 => Failure::Denied,
        404 => Failure::NotFound,
        429 => Failure::Throttled { retry_after: None },
        408 | 500..=599 => Failure::Ambiguous,
        _ => Failure::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::HeaderMap;

    fn answer(status: u16, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "7".parse().unwrap());
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn failure(status: u16, code: &str) -> Failure {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"any","details":[]}}}}"#);
        ArmError::of(&answer(status, &body)).failure
    }

    #[test]
    fn a_code_says_what_it_means_whatever_the_status() {
        assert_eq!(failure(429, "RetryableError"), Failure::Busy);
        assert_eq!(
            failure(400, "ReferencedResourceNotProvisioned"),
            Failure::Busy
        );
        assert_eq!(
            failure(400, "RemotePeeringIsDisconnected"),
            Failure::RemoteDisconnected
        );
        let asked = Failure::Throttled {
            retry_after: Some(Duration::from_secs(7)),
        };
        assert_eq!(failure(429, "SubscriptionRequestsThrottled"), asked);
        assert_eq!(failure(429, "never heard of"), asked);
        assert_eq!(
            failure(401, "ExpiredAuthenticationToken"),
            Failure::TokenExpired
        );
    }

    #[test]
    fn what_is_signed_in_an_operations_url_stays_out_of_the_words() {
        let told = "Another operation is in progress. To retrieve status use uri: \
             https://eastus.network.example/operations/1?api-version=1&t=2&c=MIIabc&s=sig. See \
             https://aka.ms/VnetPeeringInfo";
        let body =
            format!(r#"{{"error":{{"code":"AnotherOperationInProgress","message":"{told}"}}}}"#);
        let error = ArmError::of(&answer(409, &body));
        assert_eq!(error.failure, Failure::Busy);
        for secret in ["MII", "sig", "api-version"] {
            assert!(!error.words().contains(secret), "{}", error.words());
        }
        assert!(
            error
                .message
                .contains("/operations/1?… See https://aka.ms/VnetPeeringInfo")
        );
        let long = "é".repeat(2000);
        assert_eq!(plain(&long).chars().count(), LONGEST);
    }

    #[test]
    fn what_has_no_code_or_another_form_is_told_by_its_status() {
        let of = |status, body: &str| ArmError::of(&answer(status, body));
        assert_eq!(of(404, "<html>").failure, Failure::NotFound);
        assert_eq!(of(502, "<html>").failure, Failure::Ambiguous);
        assert_eq!(of(400, "").failure, Failure::Unexpected);
        let others = of(
            409,
            r#"{"Code":"QuotaExceeded","Message":"full","Target":null}"#,
        );
        assert_eq!(others.failure, Failure::Quota);
        assert_eq!(others.words(), "QuotaExceeded: full");
    }
}
