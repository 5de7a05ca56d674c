//! How a call fails, and what that means: by status, reason and code.
//!
//! One thing has no code. That a network is at another peering operation is told as 400
//! `badRequest`, like any request without sense, and in words alone (reported: terraform-provider-
//! google 3026, 3034, 6361). Those words are looked for here and nowhere else, and only where the
//! codes leave it open.

use super::{
    model::{Failure, FailureBody, Operation as Running, OperationError},
    transport::{Answer, NoAnswer},
};
use crate::tokens::TokenError;
use cloud::CloudErrorKind as Kind;
use http::{Method, StatusCode};
use std::time::Duration;

/// The words of a network that is at another peering operation, or at one of its routes.
const IN_PROGRESS: &str = "operation in progress";

/// A call that failed.
#[derive(Debug)]
pub(crate) struct ComputeError {
    /// The method of the API, like `networks.addPeering`.
    pub(crate) method: &'static str,
    pub(crate) kind: Kind,
    /// The service's own code, where it gave one.
    pub(crate) code: Option<String>,
    pub(crate) message: String,
}

impl ComputeError {
    pub(crate) fn new(method: &'static str, kind: Kind, message: impl Into<String>) -> Self {
        Self {
            method,
            kind,
            code: None,
            message: message.into(),
        }
    }

    /// Whether the thing that was asked about is not there.
    pub(crate) fn is_absence(&self) -> bool {
        self.kind == Kind::NotFound
    }

    pub(crate) fn unanswered(method: &'static str, why: NoAnswer) -> Self {
        match why {
            NoAnswer::NotSent(words) => Self::new(method, Kind::Unreachable, words),
            NoAnswer::Lost(words) => Self::new(method, Kind::Ambiguous, words),
            NoAnswer::NoToken(error) => {
                let kind = match &error {
                    TokenError::Unreachable(_) => Kind::Unreachable,
                    TokenError::Refused(_) => Kind::CredentialsRefused,
                };
                Self::new(method, kind, error.to_string())
            }
        }
    }

    /// What an answer that is no success says. It need not be JSON: what stands before the service
    /// answers in words of its own.
    pub(crate) fn answered(method: &'static str, http: &Method, answer: &Answer) -> Self {
        let said = serde_json::from_slice::<Failure>(&answer.body).map(|it| it.error);
        let is_understood = said.is_ok();
        let said = said.unwrap_or_else(|_| FailureBody {
            message: format!("the answer {} has no error in it", answer.status),
            ..FailureBody::default()
        });
        let reason = said.errors.first().map(|it| it.reason.clone());
        let reason = reason.unwrap_or_default();
        let mut details = said.details.iter().map(|it| it.reason.as_str());
        let detail = details.find(|it| !it.is_empty()).unwrap_or_default();
        let changes = *http != Method::GET;
        let kind = kind(
            answer.status,
            &reason,
            detail,
            changes && is_in_progress(&said.message),
            answer.retry_after,
        );
        // A page of something else, where the service would have said what it does not find.
        let kind = if kind == Kind::NotFound && !is_understood {
            Kind::Unexpected
        } else {
            kind
        };
        let code = [reason.as_str(), detail]
            .into_iter()
            .find(|it| !it.is_empty());
        let code = code.map_or_else(|| answer.status.as_u16().to_string(), str::to_owned);
        Self {
            method,
            kind,
            code: Some(code),
            message: said.message,
        }
    }

    /// What an operation says that has ended with an error of its own; nothing if it has not.
    pub(crate) fn of_operation(method: &'static str, operation: &Running) -> Option<Self> {
        let errors = operation.error.as_ref().map(|it| it.errors.as_slice());
        let status = operation.http_error_status_code.filter(|it| *it >= 400);
        let first = match (errors, status) {
            (Some([first, ..]), _) => first.clone(),
            (Some([]), _) | (None, Some(_)) => OperationError {
                message: "it ended with an error and says no more".to_owned(),
                ..OperationError::default()
            },
            (None, None) => return None,
        };
        let quotas = first.error_details.iter();
        let quota = quotas
            .filter_map(|it| it.quota_info.as_ref())
            .find_map(|it| {
                let (name, limit) = (it.metric_name.as_deref()?, it.limit?);
                Some(format!(" ({name}: {limit})"))
            });
        Some(Self {
            method,
            kind: kind_of_operation(&first, status),
            code: Some(first.code).filter(|it| !it.is_empty()),
            message: first.message + &quota.unwrap_or_default(),
        })
    }
}

fn is_in_progress(message: &str) -> bool {
    message.contains(IN_PROGRESS)
}

/// What a status means, with the reason that the service gives beside it.
fn kind(
    status: StatusCode,
    reason: &str,
    detail: &str,
    is_in_progress: bool,
    retry_after: Option<Duration>,
) -> Kind {
    let throttled = Kind::Throttled { retry_after };
    match (reason, detail) {
        ("rateLimitExceeded" | "userRateLimitExceeded", _) | (_, "RATE_LIMIT_EXCEEDED") => {
            return throttled;
        }
        ("quotaExceeded" | "limitExceeded", _) => return Kind::Quota,
        ("alreadyExists", _) => return Kind::AlreadyThere,
        ("resourceInUseByAnotherResource" | "resourceInUse", _) => return Kind::InUse,
        ("resourceNotReady" | "operationInProgress", _) => return Kind::Busy,
        ("conditionNotMet" | "failedPrecondition", _) => return Kind::Precondition,
        (_, "ACCESS_TOKEN_EXPIRED") => return Kind::SessionExpired,
        _ => {}
    }
    match status {
        StatusCode::BAD_REQUEST if is_in_progress => Kind::Busy,
        StatusCode::BAD_REQUEST => Kind::InvalidRequest,
        StatusCode::UNAUTHORIZED => Kind::CredentialsRefused,
        StatusCode::FORBIDDEN => Kind::Denied,
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::CONFLICT => Kind::Conflict,
        StatusCode::PRECONDITION_FAILED => Kind::Precondition,
        StatusCode::TOO_MANY_REQUESTS => throttled,
        // A service that failed does not promise that it did nothing.
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Kind::Ambiguous,
        _ => Kind::Unexpected,
    }
}

/// The same of an operation that was begun, where nothing has changed whatever the error.
fn kind_of_operation(error: &OperationError, status: Option<u16>) -> Kind {
    match error.code.as_str() {
        "QUOTA_EXCEEDED" | "LIMIT_EXCEEDED" => Kind::Quota,
        "RESOURCE_NOT_FOUND" => Kind::NotFound,
        "RESOURCE_ALREADY_EXISTS" => Kind::AlreadyThere,
        "RESOURCE_IN_USE" | "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE" => Kind::InUse,
        "RESOURCE_NOT_READY" | "OPERATION_IN_PROGRESS" | "RESOURCE_OPERATION_RATE_EXCEEDED" => {
            Kind::Busy
        }
        "RATE_LIMIT_EXCEEDED" => Kind::Throttled { retry_after: None },
        "PERMISSIONS_ERROR" | "PERMISSION_DENIED" | "FORBIDDEN" => Kind::Denied,
        "CONDITION_NOT_MET" | "FAILED_PRECONDITION" => Kind::Precondition,
        _ if is_in_progress(&error.message) => Kind::Busy,
        _ => match status {
            Some(400) => Kind::InvalidRequest,
            Some(401 | 403) => Kind::Denied,
            Some(404) => Kind::NotFound,
            Some(409) => Kind::Conflict,
            Some(429) => Kind::Throttled { retry_after: None },
            Some(_) | None => Kind::Unexpected,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn told(http: &Method, status: u16, body: &str) -> ComputeError {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: Some(Duration::from_secs(7)),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        ComputeError::answered("networks.addPeering", http, &answer)
    }

    fn body(code: u16, reason: &str, message: &str) -> String {
        let reasons =
            serde_json::json!([{"domain": "global", "reason": reason, "message": message}]);
        serde_json::json!({"error": {"code": code, "message": message, "errors": reasons}})
            .to_string()
    }

    #[test]
    fn an_answer_is_known_by_its_reason_and_else_by_its_status() {
        let retry_after = Some(Duration::from_secs(7));
        for (status, reason, kind) in [
            (400, "badRequest", Kind::InvalidRequest),
            (400, "invalid", Kind::InvalidRequest),
            (400, "resourceNotReady", Kind::Busy),
            (400, "resourceInUseByAnotherResource", Kind::InUse),
            (401, "authError", Kind::CredentialsRefused),
            (403, "forbidden", Kind::Denied),
            (403, "accessNotConfigured", Kind::Denied),
            (403, "quotaExceeded", Kind::Quota),
            (403, "rateLimitExceeded", Kind::Throttled { retry_after }),
            (
                403,
                "userRateLimitExceeded",
                Kind::Throttled { retry_after },
            ),
            (404, "notFound", Kind::NotFound),
            (409, "alreadyExists", Kind::AlreadyThere),
            (409, "conflict", Kind::Conflict),
            (412, "conditionNotMet", Kind::Precondition),
            (429, "rateLimitExceeded", Kind::Throttled { retry_after }),
            (429, "", Kind::Throttled { retry_after }),
            (500, "internalError", Kind::Ambiguous),
            (503, "backendError", Kind::Ambiguous),
            (418, "teapot", Kind::Unexpected),
        ] {
            let error = told(&Method::POST, status, &body(status, reason, "words"));
            assert_eq!(error.kind, kind, "{status} {reason}");
        }
    }

    #[test]
    fn a_network_at_another_peering_operation_is_busy_and_only_a_change_can_be_told_so() {
        for words in [
            "There is a peering operation in progress on the local or peer network. Try again later.",
            "There is a route operation in progress on the local or peer network. Try again later.",
        ] {
            let body = body(400, "badRequest", words);
            assert_eq!(told(&Method::POST, 400, &body).kind, Kind::Busy);
            assert_eq!(told(&Method::PATCH, 400, &body).kind, Kind::Busy);
            assert_eq!(told(&Method::GET, 400, &body).kind, Kind::InvalidRequest);
        }
    }

    #[test]
    fn an_answer_that_is_no_json_is_judged_by_its_status_and_proves_no_absence() {
        let page = "<html><body>Not Found</body></html>";
        assert_eq!(told(&Method::GET, 404, page).kind, Kind::Unexpected);
        assert_eq!(told(&Method::GET, 502, page).kind, Kind::Ambiguous);
        assert_eq!(told(&Method::POST, 429, "").code.as_deref(), Some("429"));
    }

    #[test]
    fn a_token_that_has_run_out_is_told_apart_from_one_that_nobody_takes() {
        let text = r#"{"error": {"code": 401, "message": "m", "status": "UNAUTHENTICATED",
            "details": [{"@type": "x"}, {"reason": "ACCESS_TOKEN_EXPIRED"}]}}"#;
        assert_eq!(told(&Method::GET, 401, text).kind, Kind::SessionExpired);
        let text = text.replace("ACCESS_TOKEN_EXPIRED", "ACCESS_TOKEN_TYPE_UNSUPPORTED");
        assert_eq!(
            told(&Method::GET, 401, &text).kind,
            Kind::CredentialsRefused
        );
    }

    fn ended(text: &str) -> Option<ComputeError> {
        let operation = serde_json::from_str(text).unwrap();
        ComputeError::of_operation("networks.addPeering", &operation)
    }

    #[test]
    fn the_error_of_an_operation_is_known_by_its_code_and_a_quota_says_which() {
        let quota = r#"{"name": "o", "status": "DONE", "httpErrorStatusCode": 403, "error": {"errors": [
            {"code": "QUOTA_EXCEEDED", "message": "too many", "errorDetails": [{"errorInfo": {}},
            {"quotaInfo": {"metricName": "PEERINGS", "limit": 25.0, "limitName": "L"}}]}]}}"#;
        let error = ended(quota).unwrap();
        assert_eq!(error.kind, Kind::Quota);
        assert_eq!(error.message, "too many (PEERINGS: 25)");
        for (code, kind) in [
            ("RESOURCE_NOT_READY", Kind::Busy),
            ("RESOURCE_NOT_FOUND", Kind::NotFound),
            ("RESOURCE_ALREADY_EXISTS", Kind::AlreadyThere),
            ("PERMISSIONS_ERROR", Kind::Denied),
            ("SOMETHING_NEW", Kind::Unexpected),
        ] {
            let text = format!(
                r#"{{"name": "o", "status": "DONE", "error": {{"errors": [{{"code": "{code}"}}]}}}}"#
            );
            assert_eq!(ended(&text).unwrap().kind, kind, "{code}");
        }
        assert!(ended(r#"{"name": "o", "status": "DONE"}"#).is_none());
        let bare = ended(r#"{"name": "o", "status": "DONE", "httpErrorStatusCode": 404}"#);
        assert_eq!(bare.unwrap().kind, Kind::NotFound);
    }

    #[test]
    fn an_operation_that_ends_because_of_another_one_is_busy_whatever_its_code() {
        let text = r#"{"name": "o", "status": "DONE", "httpErrorStatusCode": 400, "error": {"errors": [{
            "code": "BAD_REQUEST", "message": "There is a route operation in progress on the local or peer network."}]}}"#;
        assert_eq!(ended(text).unwrap().kind, Kind::Busy);
    }
}
