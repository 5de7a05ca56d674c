//! Commands about a network as a whole.

use super::{Addressed, Envelope, Fields, caller};
use crate::api::v0 as v1;
use domain::{
    Provider,
    network::{
        CheckDrift, DriftPolicy, ExposurePolicy, Policy, RegisterNetwork, RetireNetwork, SetPolicy,
    },
    text::FirewallGroup,
};
use tonic::Status;

pub(in crate::api) fn register_network(
    request: &v1::RegisterNetworkRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let caller = caller(&mut fields, request.context.as_ref(), traceparent);
    let provider = fields.take::<Provider>("provider", &request.provider);
    let (project, name) = (
        fields.take("project", &request.project),
        fields.take("name", &request.name),
    );
    let region = fields.region("region", provider, &request.region);
    let (account, cloud_network) = (
        fields.take("account", &request.account),
        fields.take("cloud_network", &request.cloud_network),
    );
    let (range, subnets) = (
        fields.take("range", &request.range),
        fields.each("subnets", &request.subnets),
    );
    let parsed = (|| {
        let caller = caller?;
        let network_id = domain::Ids::of(caller.command_id).network();
        let command = RegisterNetwork {
            project: project?,
            name: name?,
            provider: provider?,
            region: region?,
            account: account?,
            cloud_network: cloud_network?,
            range: range?,
            subnets: subnets?,
        };
        Some(Addressed {
            caller,
            network_id,
            command: command.into(),
        })
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn set_policy(
    request: &v1::SetPolicyRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let policy = match &request.policy {
        Some(policy) => parse_policy(&mut fields, policy),
        None => fields.wrong("policy", "is missing: say what the engine may do by itself"),
    };
    let parsed = (|| Some(envelope?.with(SetPolicy { policy: policy? })))();
    fields.finish(parsed)
}

fn parse_policy(fields: &mut Fields, policy: &v1::Policy) -> Option<Policy> {
    let drift = fields.word_or_usual(
        "policy.drift",
        &policy.drift,
        &DriftPolicy::ALL,
        DriftPolicy::as_str,
    );
    let groups = fields.each::<FirewallGroup>("policy.groups", &policy.groups);
    let exposure = match policy.exposure.as_str() {
        "" | "report" if policy.groups.is_empty() => Some(ExposurePolicy::Report),
        "" | "report" => fields.wrong(
            "policy.groups",
            "are for `enforce` only: nothing is revoked while exposures are reported",
        ),
        "enforce" if policy.groups.is_empty() => fields.wrong(
            "policy.groups",
            "are missing: `enforce` revokes only in the groups that are named here",
        ),
        "enforce" => groups.map(|groups| ExposurePolicy::Enforce {
            groups: groups.into_iter().collect(),
        }),
        _ => fields.wrong("policy.exposure", "must be report or enforce"),
    };
    Some(Policy {
        drift: drift?,
        exposure: exposure?,
        ..Policy::default()
    })
}

pub(in crate::api) fn check_drift(
    request: &v1::CheckDriftRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    fields.finish(envelope.map(|it| it.with(CheckDrift {})))
}

pub(in crate::api) fn retire_network(
    request: &v1::RetireNetworkRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let reason = fields.take("reason", &request.reason);
    let parsed = (|| Some(envelope?.with(RetireNetwork { reason: reason? })))();
    fields.finish(parsed)
}
