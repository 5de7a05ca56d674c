//! What is answered to whoever asks about an operation.

use super::{Answer, Asked, State, resources::Outcome, signed::signature};
use serde_json::json;
use uuid::Uuid;

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
