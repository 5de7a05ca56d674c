//! What an event does to a request.

use super::{
    Approval, ApprovalEvent, ApprovalRequested, Approver, End, Given, Request, Started, State,
};
use chrono::{DateTime, Utc};

/// The request after an event, which was decided at that time.
pub fn evolve(approval: Approval, event: &ApprovalEvent, time: DateTime<Utc>) -> Approval {
    let mut request = match approval {
        Approval::Asked(request) => request,
        Approval::Absent => {
            return match event {
                ApprovalEvent::ApprovalRequested(asked) => begun(asked, time),
                ApprovalEvent::ApprovalGiven(_)
                | ApprovalEvent::ApprovalGranted(_)
                | ApprovalEvent::ApprovalPlanChanged(_)
                | ApprovalEvent::ApprovalExecutionStarted(_)
                | ApprovalEvent::ApprovalCarriedOut(_)
                | ApprovalEvent::ApprovalRefused(_)
                | ApprovalEvent::ApprovalRejected(_)
                | ApprovalEvent::ApprovalWithdrawn {}
                | ApprovalEvent::ApprovalExpired {} => Approval::Absent,
            };
        }
    };
    let state = match event {
        ApprovalEvent::ApprovalRequested(_) => return Approval::Asked(request),
        ApprovalEvent::ApprovalGiven(given) => {
            request.given.push(Given {
                by: Approver {
                    subject: given.by.clone(),
                    bound_as: given.bound_as.clone(),
                },
                at: time,
                command_id: given.command_id,
            });
            return Approval::Asked(request);
        }
        ApprovalEvent::ApprovalGranted(granted) => {
            let counts = |it: &Given| granted.by.contains(&it.by.subject);
            request.given.retain(counts);
            State::Granted { started: None }
        }
        ApprovalEvent::ApprovalPlanChanged(changed) => {
            request.shown = changed.shown.clone();
            request.given.clear();
            State::Pending
        }
        ApprovalEvent::ApprovalExecutionStarted(it) => State::Granted {
            started: Some(Started {
                host: it.host.clone(),
                at: time,
            }),
        },
        ApprovalEvent::ApprovalCarriedOut(it) => State::Ended(End::CarriedOut(it.clone())),
        ApprovalEvent::ApprovalRefused(it) => State::Ended(End::Refused(it.clone())),
        ApprovalEvent::ApprovalRejected(it) => State::Ended(End::Rejected(it.clone())),
        ApprovalEvent::ApprovalWithdrawn {} => State::Ended(End::Withdrawn),
        ApprovalEvent::ApprovalExpired {} => State::Ended(End::Expired),
    };
    (request.state, request.since) = (state, time);
    Approval::Asked(request)
}

fn begun(asked: &ApprovalRequested, time: DateTime<Utc>) -> Approval {
    Approval::Asked(Box::new(Request {
        requested_at: time,
        shown: asked.shown.clone(),
        asked: asked.clone(),
        given: Vec::new(),
        state: State::Pending,
        since: time,
    }))
}
