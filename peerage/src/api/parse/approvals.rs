//! What a call about requests for approval is about.

use super::{Fields, context};
use crate::api::{problem::Problem, v1};
use domain::{CommandId, Digest, NetworkId};
use journal::Caller;

/// A call that judges a request, or takes it back.
#[derive(Debug)]
pub(in crate::api) struct Judged {
    pub(in crate::api) id: CommandId,
    pub(in crate::api) caller: Caller,
}

/// A page of requests.
#[derive(Debug)]
pub(in crate::api) struct ListedApprovals {
    pub(in crate::api) network: Option<NetworkId>,
    pub(in crate::api) size: Option<usize>,
    pub(in crate::api) after: Option<CommandId>,
}

pub(in crate::api) fn judged(
    context: Option<&v1::CommandContext>,
    approval_id: &str,
    traceparent: Option<String>,
) -> Result<Judged, Problem> {
    let mut fields = Fields::default();
    let caller = context::caller(&mut fields, context, traceparent);
    let id = fields.id::<CommandId>("approval_id", approval_id);
    if context.is_some_and(|it| it.expected_revision.is_some()) {
        let text = "is of a network, and this call is to a request; plan_hash says what was seen";
        let _: Option<()> = fields.wrong("context.expected_revision", text);
    }
    let parsed = (|| {
        Some(Judged {
            id: id?,
            caller: caller?,
        })
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn approval_id(text: &str) -> Result<CommandId, Problem> {
    let mut fields = Fields::default();
    let id = fields.id("approval_id", text);
    fields.finish(id)
}

/// A digest has 32 digits: what has not is none, and nobody was shown it.
pub(in crate::api) fn plan_hash(text: &str) -> Result<Digest, Problem> {
    let mut fields = Fields::default();
    let is_one = text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit());
    let digest = serde_json::from_value(serde_json::Value::from(text)).ok();
    let digest = match digest {
        Some(digest) if is_one => Some(digest),
        Some(_) | None => fields.wrong(
            "plan_hash",
            "must be the plan_hash of the request, 32 hexadecimal digits",
        ),
    };
    fields.finish(digest)
}

pub(in crate::api) fn list_approvals(
    request: &v1::ListApprovalsRequest,
) -> Result<ListedApprovals, Problem> {
    let mut fields = Fields::default();
    let network = fields.optional_id("network_id", &request.network_id);
    let after = fields.optional_id("page_token", &request.page_token);
    let size = match usize::try_from(request.page_size) {
        Ok(0) => Some(None),
        Ok(size) => Some(Some(size)),
        Err(_) => fields.wrong("page_size", "is negative"),
    };
    let parsed = (|| {
        Some(ListedApprovals {
            network: network?,
            size: size?,
            after: after?,
        })
    })();
    fields.finish(parsed)
}
