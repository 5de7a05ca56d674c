//! Commands about a network as a whole.

use super::{
    Address, Fields,
    context::{command, network},
    tenure::tenure_policy,
};
use crate::api::v1::{self, policy::Exposure};
use domain::{
    network::{
        CheckDrift, ExposurePolicy, NetworkCommand, Policy, RegisterNetwork, RemoveOrphan,
        Requirement, RetireNetwork, SetPolicy,
    },
    text::FirewallGroup,
};

command!(RegisterNetworkRequest, fields, request => {
    register(fields, request).map(|command| (Address::New, command))
});

command!(SetPolicyRequest, fields, request => {
    let address = network(fields, &request.network_id);
    let policy = match &request.policy {
        Some(policy) => parse_policy(fields, policy),
        None => fields.wrong("policy", "is missing: say what the engine may do by itself"),
    };
    Some((address?, SetPolicy { policy: policy? }.into()))
});

command!(CheckDriftRequest, fields, request => {
    Some((network(fields, &request.network_id)?, CheckDrift {}.into()))
});

command!(RemoveOrphanRequest, fields, request => {
    let address = network(fields, &request.network_id);
    let orphan = fields.take("orphan", &request.orphan);
    let reason = fields.reason(&request.reason, request.context.as_ref());
    Some((address?, RemoveOrphan { orphan: orphan?, reason: reason? }.into()))
});

command!(RetireNetworkRequest, fields, request => {
    let address = network(fields, &request.network_id);
    let reason = fields.reason(&request.reason, request.context.as_ref());
    Some((address?, RetireNetwork { reason: reason? }.into()))
});

fn register(fields: &mut Fields, request: &v1::RegisterNetworkRequest) -> Option<NetworkCommand> {
    let provider = fields.word::<v1::Provider>("provider", request.provider);
    let project = fields.take("project", &request.project);
    let name = fields.take("name", &request.name);
    let region = fields.region("region", provider, &request.region);
    let account = fields.take("account", &request.account);
    let cloud_network = fields.take("cloud_network", &request.cloud_network);
    let range = fields.take("range", &request.range);
    let ipv6_ranges = fields.each("ipv6_ranges", &request.ipv6_ranges);
    let subnets = fields.each("subnets", &request.subnets);
    let command = RegisterNetwork {
        project: project?,
        name: name?,
        provider: provider?,
        region: region?,
        account: account?,
        cloud_network: cloud_network?,
        range: range?,
        ipv6_ranges: ipv6_ranges?,
        subnets: subnets?,
    };
    Some(command.into())
}

fn parse_policy(fields: &mut Fields, policy: &v1::Policy) -> Option<Policy> {
    let drift = fields.word_or_usual::<v1::DriftPolicy>("policy.drift", policy.drift);
    let exposure = match &policy.exposure {
        None | Some(Exposure::ReportExposures(_)) => Some(ExposurePolicy::Report),
        Some(Exposure::BlockExposures(_)) => Some(ExposurePolicy::Block),
        Some(Exposure::EnforceExposures(enforce)) => enforce_in(fields, &enforce.groups),
    };
    let reason = requirement(fields, "policy.reason", policy.reason.as_ref());
    let ticket = requirement(fields, "policy.ticket", policy.ticket.as_ref());
    let tenure = tenure_policy(fields, "policy.tenure", policy.tenure.as_ref());
    Some(Policy {
        drift: drift?,
        exposure: exposure?,
        reason: reason?,
        ticket: ticket?,
        tenure: tenure?,
    })
}

fn enforce_in(fields: &mut Fields, groups: &[String]) -> Option<ExposurePolicy> {
    const FIELD: &str = "policy.enforce_exposures.groups";
    if groups.is_empty() {
        return fields.wrong(
            FIELD,
            "are missing: exposures are revoked only in the groups that are named here",
        );
    }
    let groups = fields.each::<FirewallGroup>(FIELD, groups)?;
    Some(ExposurePolicy::Enforce {
        groups: groups.into_iter().collect(),
    })
}

/// What is required of a text; what requires nothing is none.
#[expect(clippy::option_option, reason = "wrong and absent are two things")]
fn requirement(
    fields: &mut Fields,
    field: &str,
    sent: Option<&v1::Requirement>,
) -> Option<Option<Requirement>> {
    let Some(sent) = sent else {
        return Some(None);
    };
    let pattern = fields.optional(&format!("{field}.pattern"), &sent.pattern)?;
    let requirement = Requirement {
        required: sent.required,
        pattern,
    };
    Some(Some(requirement).filter(|it| *it != Requirement::default()))
}
