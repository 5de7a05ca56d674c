//! Requests for approval as messages.

use super::standing;
use crate::api::{
    Services, guard, problem::Problem, show, show::structure, time::timestamp, v1, words::number,
};
use domain::{
    CommandId,
    access::{ApprovalRule, Binding, Method, Subject, judge},
    approval::{End, Request, Shown, State},
    network::NetworkEvent,
};
use serde_json::Value;

/// What the command comes to now and the revision that was decided on, or why it would be refused.
pub(super) type Today = Result<(Shown, Option<u64>), String>;

/// The answer to a command that waits.
pub(super) async fn held(
    services: &Services,
    id: CommandId,
    request: &Request,
) -> Result<v1::CommandResponse, Problem> {
    Ok(v1::CommandResponse {
        network_id: request.asked.network_id.to_string(),
        approval: Some(brief(services, id, request).await?),
        ..v1::CommandResponse::default()
    })
}

/// A request in a list: without its command, and without what the events say.
pub(super) async fn brief(
    services: &Services,
    id: CommandId,
    request: &Request,
) -> Result<v1::Approval, Problem> {
    let asked = &request.asked;
    let cloud = guard::cloud(services, asked.network_id).await?;
    let in_force = services.doors.policy();
    let needed = request.needed(standing(&in_force.policy, &in_force.hash));
    let target = request.target();
    let bound = in_force.policy.bindings.iter();
    let approvers =
        bound.filter(|it| judge(std::slice::from_ref(*it), Method::ApproveCommand, target).is_ok());
    let mut shown = v1::Approval {
        approval_id: id.to_string(),
        state: state(&request.state).into(),
        network_id: asked.network_id.to_string(),
        project: asked.project.to_string(),
        network_name: asked.network.to_string(),
        peer_account: text(asked.peer_account.as_ref()),
        command_name: asked.command_name.clone(),
        command: None,
        command_digest: asked.command_digest.to_string(),
        requester: Some(person(&asked.requester)),
        reason: text(asked.reason.as_ref()),
        ticket: text(asked.ticket.as_ref()),
        openings: asked
            .openings
            .iter()
            .map(|it| number::<v1::Opening>(*it))
            .collect(),
        approvals_needed: needed.into(),
        approvals: request
            .given
            .iter()
            .map(|it| v1::GivenApproval {
                by: Some(person(&it.by.subject)),
                given_at: Some(timestamp(it.at)),
            })
            .collect(),
        approvers: approvers.map(named).collect(),
        requested_at: Some(timestamp(request.requested_at)),
        expires_at: Some(timestamp(asked.expires_at)),
        changed_at: Some(timestamp(request.since)),
        plan: request
            .shown
            .events
            .iter()
            .map(|it| planned(it, Depth::Brief))
            .collect(),
        plan_hash: request.shown.hash.to_string(),
        plan_revision: request.shown.revision.unwrap_or_default(),
        cloud: cloud.as_ref().map(show::cloud),
        ..v1::Approval::default()
    };
    ended(&mut shown, &request.state);
    Ok(shown)
}

/// One request with everything.
pub(super) async fn whole(
    services: &Services,
    id: CommandId,
    request: &Request,
) -> Result<v1::Approval, Problem> {
    let events = request.shown.events.iter();
    Ok(v1::Approval {
        command: structure(&request.asked.command),
        plan: events.map(|it| planned(it, Depth::Full)).collect(),
        ..brief(services, id, request).await?
    })
}

/// How things are by now.
pub(super) fn today(request: &Request, now: &Today) -> v1::ApprovalToday {
    match now {
        Ok((shown, revision)) => v1::ApprovalToday {
            network_revision: revision.unwrap_or_default(),
            network_changed: *revision != request.shown.revision,
            plan_changed: shown.hash != request.shown.hash,
            refusal_message: String::new(),
        },
        Err(refused) => v1::ApprovalToday {
            refusal_message: refused.clone(),
            network_changed: true,
            ..v1::ApprovalToday::default()
        },
    }
}

/// A rule that asks for approval.
pub(in crate::api) fn rule(it: &ApprovalRule) -> v1::ApprovalRule {
    v1::ApprovalRule {
        openings: it
            .opening
            .iter()
            .map(|it| number::<v1::Opening>(*it))
            .collect(),
        approvals: it.approvals.into(),
        expires_after_hours: it.expires_after_hours,
        projects: it.projects.iter().map(ToString::to_string).collect(),
        networks: it.networks.iter().map(ToString::to_string).collect(),
    }
}

fn ended(shown: &mut v1::Approval, state: &State) {
    match state {
        State::Pending
        | State::Granted { .. }
        | State::Ended(End::Withdrawn)
        | State::Ended(End::Expired) => {}
        State::Ended(End::CarriedOut(it)) => {
            shown.revision = it.revision.unwrap_or_default();
            shown.event_types.clone_from(&it.event_types);
        }
        State::Ended(End::Refused(it)) => {
            shown.refusal.clone_from(&it.refusal);
            shown.refusal_message.clone_from(&it.message);
        }
        State::Ended(End::Rejected(it)) => {
            shown.rejected_by = Some(person(&it.by));
            shown.rejection = text(it.reason.as_ref());
        }
    }
}

fn state(it: &State) -> v1::ApprovalState {
    match it {
        State::Pending => v1::ApprovalState::Pending,
        State::Granted { .. } => v1::ApprovalState::Granted,
        State::Ended(End::CarriedOut(_)) => v1::ApprovalState::CarriedOut,
        State::Ended(End::Refused(_)) => v1::ApprovalState::Refused,
        State::Ended(End::Rejected(_)) => v1::ApprovalState::Rejected,
        State::Ended(End::Withdrawn) => v1::ApprovalState::Withdrawn,
        State::Ended(End::Expired) => v1::ApprovalState::Expired,
    }
}

fn person(it: &Subject) -> v1::AccessSubject {
    v1::AccessSubject {
        method: it.method.to_string(),
        issuer: it.issuer.to_string(),
        subject: it.subject.to_string(),
        groups: Vec::new(),
    }
}

/// Whom a binding is for, in words.
fn named(it: &Binding) -> String {
    let by = match &it.issuer {
        Some(issuer) => format!("{} of {issuer}", it.method),
        None => it.method.to_string(),
    };
    match (&it.group, &it.subject) {
        (Some(group), _) => format!("group {group} ({by})"),
        (None, Some(subject)) => format!("{subject} ({by})"),
        (None, None) => by,
    }
}

#[derive(Clone, Copy)]
enum Depth {
    Brief,
    Full,
}

fn planned(event: &Value, depth: Depth) -> v1::PlannedEvent {
    let sentence = serde_json::from_value::<NetworkEvent>(event.clone());
    let data = match depth {
        Depth::Brief => None,
        Depth::Full => event.get("data").and_then(structure),
    };
    v1::PlannedEvent {
        name: event["type"].as_str().unwrap_or_default().to_owned(),
        sentence: sentence.map(|it| audit::sentence(&it)).unwrap_or_default(),
        data,
    }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}
