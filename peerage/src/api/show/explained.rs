//! Why something is as it is, and what is open, as messages.

use super::{event::decision, event::recorded, firewall::rule, tenure::tenure, text};
use crate::api::{
    time::{duration, timestamp},
    v1,
};
use audit::{Answer, Answered, Command, Decided, Outcome, Review};
use domain::{CloudCall, CloudMode, network::Reviewed};
use journal::Recorded;
use projections::PeeringView;
use std::time::Duration;

pub(in crate::api) fn explained(it: &Command, cloud: Option<&CloudMode>) -> v1::ExplainedCommand {
    let named = it.decisions.iter().find_map(|it| name(&it.event));
    v1::ExplainedCommand {
        command_id: text(it.id.as_ref()),
        name: named.unwrap_or_default(),
        decisions: it.decisions.iter().map(|it| decided(it, cloud)).collect(),
    }
}

/// What the command is called, where its body is on record.
fn name(event: &Recorded) -> Option<String> {
    let command = event.metadata.as_ref()?.command.as_ref()?;
    command.get("command")?.as_str().map(str::to_owned)
}

fn decided(it: &Decided, cloud: Option<&CloudMode>) -> v1::ExplainedDecision {
    v1::ExplainedDecision {
        event: Some(recorded(&it.event, cloud)),
        outcomes: it.outcomes.iter().map(|it| outcome(it, cloud)).collect(),
    }
}

fn outcome(it: &Outcome, cloud: Option<&CloudMode>) -> v1::ExplainedOutcome {
    let calls = it.calls.as_ref();
    v1::ExplainedOutcome {
        event: Some(recorded(&it.event, cloud)),
        calls: calls.map_or_else(Vec::new, |it| it.calls.iter().map(call).collect()),
        calls_omitted: calls.map(|it| it.omitted).unwrap_or_default(),
        calls_kept: calls.is_some(),
        answers: it.answers.iter().map(answered).collect(),
    }
}

fn call(it: &CloudCall) -> v1::CloudCall {
    v1::CloudCall {
        operation: it.operation.clone(),
        changes: it.changes,
        thing: it.thing.as_ref().map(audit::thing).unwrap_or_default(),
        account: it.account.clone(),
        region: it.region.clone(),
        start_time: Some(timestamp(it.started)),
        duration: Some(duration(Duration::from_millis(it.duration_ms))),
        attempt: it.attempt,
        outcome: it.outcome.clone(),
        provider_code: it.code.clone().unwrap_or_default(),
        request_id: it.request_id.clone().unwrap_or_default(),
    }
}

fn answered(it: &Answered) -> v1::IntentAnswer {
    let answer = match it.answer {
        Answer::Called { .. } => v1::CallAnswer::OnRecord,
        Answer::Seen { .. } => v1::CallAnswer::UnknownAndSeen,
        Answer::NotKept { .. } => v1::CallAnswer::NotKept,
        Answer::Unknown => v1::CallAnswer::Unknown,
    };
    v1::IntentAnswer {
        thing: it.thing.as_ref().map(audit::thing).unwrap_or_default(),
        answer: answer.into(),
        revision: it.answer.by(),
    }
}

pub(in crate::api) fn opening(
    view: &PeeringView,
    opening: Reviewed,
    review: &Review,
) -> v1::ReviewedOpening {
    let (network, peering) = (&view.network, &view.peering);
    let opened = review.opened(&opening);
    let common = v1::ReviewedOpening {
        network_id: network.id.to_string(),
        network_name: format!("{}/{}", network.project, network.name),
        peering_id: peering.id.to_string(),
        peer_account: peering.peer.account.to_string(),
        peer_network: peering.peer.cloud_network.to_string(),
        opened_at: opened.map(|it| timestamp(it.time)),
        opened: opened.map(|it| decision(network, it)),
        confirmed_at: peering.confirmed.get(&opening).copied().map(timestamp),
        confirmed: review.confirmed(&opening).map(|it| decision(network, it)),
        cloud: network.cloud.as_ref().map(super::cloud),
        ..v1::ReviewedOpening::default()
    };
    match opening {
        Reviewed::Peering => v1::ReviewedOpening {
            kind: v1::OpeningKind::Peering.into(),
            tenure: tenure(&peering.tenure),
            opened_at: Some(timestamp(peering.requested_at)),
            ..common
        },
        Reviewed::Admission { rule: admitted } => v1::ReviewedOpening {
            kind: v1::OpeningKind::Admission.into(),
            rule: Some(rule(&admitted)),
            tenure: tenure(&peering.admission(&admitted)),
            ..common
        },
        Reviewed::Ingress { ingress_id } => {
            let ingress = peering.ingress.get(&ingress_id);
            let end = ingress.and_then(|it| it.expires_at).map(timestamp);
            v1::ReviewedOpening {
                kind: v1::OpeningKind::Ingress.into(),
                ingress_id: ingress_id.to_string(),
                target: ingress.map(|it| it.target.to_string()).unwrap_or_default(),
                port: ingress.map(|it| it.rule.port.into()).unwrap_or_default(),
                tenure: end.map(|expires_at| v1::Tenure {
                    owner: String::new(),
                    expires_at: Some(expires_at),
                }),
                opened_at: ingress.map(|it| timestamp(it.allowed_at)),
                ..common
            }
        }
    }
}
