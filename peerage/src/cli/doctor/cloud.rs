//! What the clouds permit and have room for: a plan of one peering for each network and account of
//! a peer. A plan changes nothing, and the server makes it on a share of its own of the calls.

use super::{
    finding::{Finding, Severity, finding},
    output,
};
use crate::{
    api::v1::{
        self, Advisory, AdvisoryCode, Check, CheckOutcome, ListPeeringsRequest, PeeringState,
        plan_peering_request::Subject,
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
        let plan = peering::plan(servers, Subject::PeeringId(id)).await;
        planned
            .plans
            .push((subject, plan.map_err(|error| error.text)));
    }
    Ok(planned)
}

pub(super) fn findings(planned: &Planned) -> Vec<Finding> {
    let mut found = Vec::new();
    for (subject, plan) in &planned.plans {
        match plan {
            Err(why) => {
                let text = format!("not looked at: {}", output::cause(why));
                found.push(finding(Severity::Problem, CHECK, subject, text, []));
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
    if found.is_empty() {
        let text = match planned.plans.len() {
            0 => "no peering that could be planned".to_owned(),
            1 => "one plan: identities, permissions and quotas are as they should be".to_owned(),
            some => {
                format!("{some} plans: identities, permissions and quotas are as they should be")
            }
        };
        found.push(finding(Severity::Well, CHECK, "", text, []));
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

fn check(subject: &str, it: &Check) -> Finding {
    let side = match it.side() {
        v1::Side::Unspecified => String::new(),
        side @ (v1::Side::Local | v1::Side::Remote) => format!(", {} side", output::word(side)),
    };
    let text = format!(
        "{}{side}: {}",
        output::word(it.kind()),
        output::cause(&it.message)
    );
    finding(
        Severity::Problem,
        CHECK,
        subject,
        text,
        it.remedy.iter().cloned(),
    )
}

fn quota(subject: &str, it: &Advisory) -> Finding {
    let remedy = "ask the provider to raise the quota before it is used up".to_owned();
    finding(Severity::Risk, CHECK, subject, &it.message, [remedy])
}
