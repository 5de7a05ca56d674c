//! Plans: checks and actions by their kind.

use super::guidance::advisory;
use crate::api::{v1, words::number};
use workers::provisioner::{CheckOutcome, CheckReport, PlannedAction, Preview};

pub(in crate::api) fn plan(preview: Preview) -> v1::PlanPeeringResponse {
    v1::PlanPeeringResponse {
        checks: preview.checks.into_iter().map(check).collect(),
        advisories: preview.advisories.into_iter().map(advisory).collect(),
        actions: preview.actions.into_iter().map(action).collect(),
        waits_for: preview.waits_for.unwrap_or_default(),
    }
}

fn check(report: CheckReport) -> v1::Check {
    use v1::CheckOutcome as Outcome;
    let (outcome, message, remedy) = match report.outcome {
        CheckOutcome::Passed => (Outcome::Passed, String::new(), Vec::new()),
        CheckOutcome::Failed { message, remedy } => (Outcome::Failed, message, remedy),
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
fn check_kind(check: &str) -> v1::CheckKind {
    use v1::CheckKind as Kind;
    match check {
        "identity" => Kind::Identity,
        "network" => Kind::Network,
        "ranges_on_record" => Kind::RangesOnRecord,
        "ranges_disjoint" => Kind::RangesDisjoint,
        "subnets" => Kind::Subnets,
        "neighbours" => Kind::Neighbours,
        "link_quota" => Kind::LinkQuota,
        "route_room" => Kind::RouteRoom,
        "rule_room" => Kind::RuleRoom,
        "permissions" => Kind::Permissions,
        "shared_peer" => Kind::SharedPeer,
        _ => Kind::CloudCall,
    }
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
