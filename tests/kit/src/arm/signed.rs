//! Operation URLs: signed, and about three kilobytes long (sync-signed-operations-2024#2, #9). The
//! version in them need not be the request's. One that a client puts together by itself is refused.

use super::{Answer, Asked, State, resources::Outcome};
use serde_json::json;
use uuid::Uuid;

/// How long the certificate in a URL is.
const CERTIFICATE: usize = 2600;

/// The version that the URLs name.
const VERSION: &str = "2024-03-01";

fn signature(operation: Uuid, kind: &str) -> String {
    let mixed = operation.as_u128().rotate_left(41) ^ kind.len() as u128;
    format!("{mixed:032x}{:032x}", !mixed)
}

/// Where an operation is asked about: its status, or its result.
pub(super) fn url(base: &str, subscription: &str, location: &str, id: Uuid, kind: &str) -> String {
    let sign = signature(id, kind);
    let long = "MII".repeat(CERTIFICATE / 3);
    format!(
        "{base}/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/{kind}/{id}\
         ?api-version={VERSION}&t=638619654810000000&c={long}&s={sign}&h=0aZ_-9"
    )
}

impl State {
    /// The body of a poll is its status and nothing else; a failure is a 200 that says so
    /// (out-of-sync#39, errors-recorded). The result of a removal is 204 and says where it was
    /// (out-of-sync#41).
    pub(super) fn operation(&mut self, asked: &Asked, is_status: bool, id: Option<&str>) -> Answer {
        let kind = if is_status {
            "operations"
        } else {
            "operationResults"
        };
        let known = id.and_then(|it| it.parse().ok());
        let known = known.and_then(|id: Uuid| self.operations.get(&id).map(|it| (id, it)));
        let Some((id, operation)) = known else {
            return Answer::error(404, "NotFound", "no such operation");
        };
        if asked.query.get("s") != Some(&signature(id, kind)) {
            let words = "The signature of the operation is not valid.";
            return Answer::of_manager(403, "InvalidSignature", words);
        }
        // Recorded is that clients send the other tenant's token; that it is needed is assumed.
        if let Some(other) = &operation.other
            && !asked.others.contains(other)
        {
            return Answer::of_manager(403, "LinkedAuthorizationFailed", "no token of the other");
        }
        let wait = self.pace.retry_after.unwrap_or(20);
        let is_running = operation.ends_at > self.now;
        match (is_status, is_running, &operation.outcome) {
            (true, true, _) => {
                Answer::new(200, json!({"status": "InProgress"})).header("retry-after", wait)
            }
            (true, false, Outcome::Failed(error)) => {
                Answer::new(200, json!({"status": "Failed", "error": error}))
            }
            (true, false, _) => Answer::new(200, json!({"status": "Succeeded"})),
            (false, true, _) => {
                Answer::new(202, serde_json::Value::Null).header("retry-after", wait)
            }
            (false, false, Outcome::Failed(error)) => Answer::new(409, json!({"error": error})),
            (false, false, _) => Answer::new(204, serde_json::Value::Null),
        }
    }
}
