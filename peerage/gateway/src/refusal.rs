//! What the gateway itself refuses, before any service hears of it: an HTTP status for HTTP's
//! sake, and the same as a gRPC status, which is what the body and gRPC's headers tell.

use crate::{content::Protocol, status};
use http::{Response, StatusCode};
use limits::Excess;
use std::collections::HashMap;
use tonic::{Code, Status, body::Body};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of the `google.rpc.ErrorInfo` of what is refused here.
pub(crate) const DOMAIN: &str = "peerage.v1.Gateway";

/// The most text of a request's own that a refusal repeats.
const LONGEST_TEXT: usize = 1024;

/// A request that no service gets to see.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: StatusCode,
    status: Status,
}

impl Refusal {
    pub(crate) fn new(code: StatusCode, grpc: Code, reason: &str, text: impl Into<String>) -> Self {
        let details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
        Self {
            code,
            status: Status::with_error_details(grpc, shortened(text.into()), details),
        }
    }

    /// What ended a request's body before its time.
    pub(crate) fn of(status: Status) -> Self {
        let code = status::code(status.code());
        Self { code, status }
    }

    /// The same as a status of gRPC's.
    pub(crate) fn into_status(self) -> Status {
        self.status
    }

    /// A body that is no such message: where, and what is wrong there.
    pub(crate) fn unreadable(field: Option<String>, text: String) -> Self {
        let text = shortened(text);
        let mut details = ErrorDetails::with_error_info("JSON_INVALID", DOMAIN, HashMap::new());
        if let Some(field) = field {
            details.add_bad_request_violation(shortened(field), text.clone());
        }
        Self {
            code: StatusCode::BAD_REQUEST,
            status: Status::with_error_details(Code::InvalidArgument, text, details),
        }
    }

    /// The answer. A gRPC client finds the status in its headers, any other in the body.
    pub(crate) fn response(&self, protocol: Protocol) -> Response<Body> {
        let mut response = status::response(&self.status, None);
        *response.status_mut() = self.code;
        match protocol {
            Protocol::Grpc | Protocol::GrpcWeb => {
                if self.status.add_header(response.headers_mut()).is_err() {
                    tracing::debug!("a refusal does not fit into headers");
                }
            }
            Protocol::Json | Protocol::Other => {}
        }
        response
    }
}

impl From<Excess> for Refusal {
    fn from(excess: Excess) -> Self {
        let (code, grpc, reason) = match excess {
            Excess::Calls | Excess::ConnectionBytes | Excess::Bytes => (
                StatusCode::TOO_MANY_REQUESTS,
                Code::ResourceExhausted,
                "SERVER_BUSY",
            ),
            Excess::Late(_) => (
                StatusCode::REQUEST_TIMEOUT,
                Code::DeadlineExceeded,
                "BODY_TOO_SLOW",
            ),
        };
        Self::new(code, grpc, reason, excess.to_string())
    }
}

/// A call that the server's end cuts off.
pub(crate) fn cut_off() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        Code::Unavailable,
        "SERVER_STOPPED",
        "the server stopped before this call was answered: ask again; a command with the same id is carried out once",
    )
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        let end = (0..=LONGEST_TEXT)
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}
