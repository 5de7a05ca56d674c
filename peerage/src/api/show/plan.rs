//! Plans: checks and actions by their kind.

use super::guidance::advisory;
use crate::api::{v1, words::number};
use cloud::LinkState;
use domain::CloudMode;
use workers::provisioner::{CheckOutcome, CheckReport, DiscoveredLink, PlannedAction, Preview};

pub(in crate::api) fn plan(preview: Preview, cloud: Option<&CloudMode>) -> v1::PlanPeeringResponse {
    v1::PlanPeeringResponse {
        checks: preview.checks.into_iter().map(check).collect(),
        advisories: preview.advisories.into_iter().map(advisory).collect(),
        actions: preview.actions.into_iter().map(action).collect(),
        waits_for: preview.waits_for.unwrap_or_default(),
        cloud: cloud.map(super::cloud),
    }
}

pub(in crate::api) fn links(
    links: Vec<DiscoveredLink>,
    cloud: Option<&CloudMode>,
) -> v1::DiscoverLinksResponse {
    v1::DiscoverLinksResponse {
        links: links.into_iter().map(|it| link(it, cloud)).collect(),
    }
}

fn link(it: DiscoveredLink, cloud: Option<&CloudMode>) -> v1::DiscoveredLink {
    v1::DiscoveredLink {
        link: it.link.to_string(),
        peering_id: it.peering.map(|id| id.to_string()).unwrap_or_default(),
        state: link_state(&it.state).into(),
        asked_by_peer: it.asked_by_peer,
        adoptable: it.peering.is_none() && it.state == LinkState::Active,
        peer: Some(v1::Peer {
            provider: number::<v1::Provider>(it.provider),
            account: it.account.to_string(),
            region: it.region.to_string(),
            cloud_network: it.cloud_network.to_string(),
            ranges: it.ranges.iter().map(ToString::to_string).collect(),
            subnets: Vec::new(),
        }),
        cloud: cloud.map(super::cloud),
    }
}

fn link_state(state: &LinkState) -> v1::LinkState {
    match state {
        LinkState::Initiating => v1::LinkState::Initiating,
        LinkState::Pending => v1::LinkState::Pending,
        LinkState::Provisioning => v1::LinkState::Provisioning,
        LinkState::Active => v1::LinkState::Active,
        LinkState::Disconnected => v1::LinkState::Disconnected,
        LinkState::Rejected => v1::LinkState::Rejected,
        LinkState::Expired => v1::LinkState::Expired,
        LinkState::Failed => v1::LinkState::Failed,
        LinkState::Deleting => v1::LinkState::Deleting,
        LinkState::Deleted => v1::LinkState::Deleted,
        LinkState::Unknown(_) => v1::LinkState::Unspecified,
    }
}

fn check(report: CheckReport) -> v1::Check {
    use v1::CheckOutcome as Outcome;
    let (outcome, message, remedy) = match report.outcome {
        CheckOutcome::Passed => (Outcome::Passed, String::new(), Vec::new()),
        CheckOutcome::Failed { message, remedy } => (Outcome::Failed, message, remedy),
        CheckOutcome::Noted { message } => (Outcome::Noted, message, Vec::new()),
        CheckOutcome::Skipped { why } => (Outcome::Skipped, why.to_owned(), Vec::new()),
    };
    v1::Check {
        kind: check_kind(report.check).into(),
        side: report.side.map(number::<v1::Side>).unwrap_or_default(),
        outcome: outcome.into(),
        message,
        remedy,
    }
}

/// A check that is none of the plan's own is a call of the cloud that failed.
/// A check has its kind's name; any other is that of a call of the cloud.
fn check_kind(check: &str) -> v1::CheckKind {
    let name = format!("CHECK_KIND_{}", check.to_ascii_uppercase());
    v1::CheckKind::from_str_name(&name).unwrap_or(v1::CheckKind::CloudCall)
}

fn action(it: PlannedAction) -> v1::PlannedAction {
    v1::PlannedAction {
        side: number::<v1::Side>(it.side),
        kind: action_kind(it.action).into(),
        detail: it.detail,
    }
}

fn action_kind(action: &str) -> v1::ActionKind {
    let name = format!("ACTION_KIND_{}", action.to_ascii_uppercase());
    v1::ActionKind::from_str_name(&name).unwrap_or_default()
}
