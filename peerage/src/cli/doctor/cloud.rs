//! What the clouds permit and have room for: a plan of one peering for each network and account of
//! a peer. A plan changes nothing, and the server makes it on a share of its own of the calls.

use super::{
    finding::{Finding, Severity, finding},
    output,
};
use crate::{
    api::v1::{
        self, Advisory, AdvisoryCode, Check, CheckKind, CheckOutcome, ListPeeringsRequest,
        PeeringState, plan_peering_request::Subject,
    },
    cli::{CliError, engine::Servers, peering},
};
use std::collections::BTreeMap;

pub(super) const CHECK: &str = "cloud access";

/// The most plans that are asked for.
const PLANS: usize = 20;

/// The states in which something is, or will be, done.
const AT_WORK: [PeeringState; 5] = [
    PeeringState::Requested,
    PeeringState::Initiating,
    PeeringState::AwaitingAcceptance,
    PeeringState::Provisioning,
    PeeringState::Active,
];

/// The checks of what an account may do and has room for.
const OF_AN_ACCOUNT: [CheckKind; 6] = [
    CheckKind::Identity,
    CheckKind::Permissions,
    CheckKind::LinkQuota,
    CheckKind::RouteRoom,
    CheckKind::RuleRoom,
    CheckKind::DenialRoom,
];

/// What the plans came to.
#[derive(Debug, Default)]
pub(super) struct Planned {
    pub(super) plans: Vec<(String, Result<v1::PlanPeeringResponse, String>)>,
    /// How many networks and accounts nobody was asked about.
    pub(super) left_out: usize,
}

/// Has one peering planned for each network and account. What is blocked tells of itself.
pub(super) async fn look(servers: &mut Servers) -> Result<Planned, CliError> {
    let at_work = ListPeeringsRequest {
        states: AT_WORK.map(i32::from).to_vec(),
        blocked: Some(false),
        ..Default::default()
    };
    let mut each = BTreeMap::new();
    for it in servers.list(at_work, usize::MAX).await? {
        let peer = it.peer.unwrap_or_default();
        let subject = format!("{} to {} in {}", it.network_name, peer.account, peer.region);
        each.entry((it.network_id, peer.account, peer.region))
            .or_insert((subject, it.peering_id));
    }
    let mut planned = Planned {
        left_out: each.len().saturating_sub(PLANS),
        ..Planned::default()
    };
    for (subject, id) in each.into_values().take(PLANS) {
        match peering::plan(servers, Subject::PeeringId(id)).await {
            // Others have plans made as well, and nothing is wrong with that.
            Err(error) if error.reason.as_deref() == Some("PLAN_LIMIT") => planned.left_out += 1,
            plan => planned
                .plans
                .push((subject, plan.map_err(|error| error.text))),
        }
    }
    Ok(planned)
}

pub(super) fn findings(planned: &Planned) -> Vec<Finding> {
    let mut found = Vec::new();
    for (subject, plan) in &planned.plans {
        match plan {
            Err(why) => {
                let text = format!("not looked at: {}", output::cause(why));
                let remedy =
                    "`peerage peering plan` with that peering says what fails, and why".to_owned();
                found.push(finding(Severity::Problem, CHECK, subject, text, [remedy]));
            }
            Ok(plan) => {
                let failed = plan
                    .checks
                    .iter()
                    .filter(|it| it.outcome() == CheckOutcome::Failed);
                found.extend(failed.map(|it| check(subject, it)));
                let near = plan
                    .advisories
                    .iter()
                    .filter(|it| it.code() == AdvisoryCode::QuotaHeadroom);
                found.extend(near.map(|it| quota(subject, it)));
            }
        }
    }
    let unknown = not_looked_at(&planned.plans);
    if found.is_empty() {
        let what = if unknown.is_empty() {
            "identities, permissions and quotas are as they should be"
        } else {
            "what could be looked at is as it should be"
        };
        let text = match planned.plans.len() {
            0 => "no peering that could be planned".to_owned(),
            1 => format!("one plan: {what}"),
            some => format!("{some} plans: {what}"),
        };
        found.push(finding(Severity::Well, CHECK, "", text, []));
    }
    found.extend(unknown);
    for (subject, plan) in &planned.plans {
        let checks = plan.iter().flat_map(|it| &it.checks);
        found.extend(checks.filter_map(|it| untold(subject, it)));
    }
    if planned.left_out > 0 {
        let text = format!(
            "{} networks and accounts were not looked at",
            planned.left_out
        );
        let remedy = "peerage peering plan PEERING looks at one".to_owned();
        found.push(finding(Severity::Note, CHECK, "", text, [remedy]));
    }
    found
}

/// What was asked of no cloud, or what its answer does not tell, each cause once.
fn not_looked_at(plans: &[(String, Result<v1::PlanPeeringResponse, String>)]) -> Vec<Finding> {
    let checks = plans.iter().filter_map(|(_, plan)| plan.as_ref().ok());
    let skipped = checks
        .flat_map(|it| &it.checks)
        .filter(|it| it.outcome() == CheckOutcome::Skipped && OF_AN_ACCOUNT.contains(&it.kind()));
    let mut many = BTreeMap::<String, usize>::new();
    for it in skipped {
        *many.entry(said(it)).or_default() += 1;
    }
    let told = many.into_iter().map(|(said, many)| {
        let plans = match many {
            1 => "in one plan".to_owned(),
            some => format!("in {some} plans"),
        };
        let text = format!("not looked at {plans}: {said}");
        finding(Severity::Note, CHECK, "", text, [])
    });
    told.collect()
}

fn said(it: &Check) -> String {
    let side = match it.side() {
        v1::Side::Unspecified => String::new(),
        side @ (v1::Side::Local | v1::Side::Remote) => format!(", {} side", output::word(side)),
    };
    format!(
        "{}{side}: {}",
        output::word(it.kind()),
        output::cause(&it.message)
    )
}

fn check(subject: &str, it: &Check) -> Finding {
    finding(
        Severity::Problem,
        CHECK,
        subject,
        said(it),
        it.remedy.iter().cloned(),
    )
}

/// An account that does not tell its quotas.
fn untold(subject: &str, it: &Check) -> Option<Finding> {
    let is_untold = it.kind() == CheckKind::Quotas && it.outcome() == CheckOutcome::Noted;
    let remedy = "allow it there, so that a raised or lowered quota is seen; `peerage peering show` prints the policy".to_owned();
    is_untold.then(|| finding(Severity::Note, CHECK, subject, said(it), [remedy]))
}

fn quota(subject: &str, it: &Advisory) -> Finding {
    let remedy = "ask the provider to raise the quota before it is used up".to_owned();
    finding(Severity::Risk, CHECK, subject, &it.message, [remedy])
}
