//! Messages that are wrong in several ways are told of all of them; right ones become the command
//! that they say.

use super::*;
use domain::network::{
    AdoptPeering, AllowConnectorIngress, Consent, DriftPolicy, ExposurePolicy, RequestPeering,
    SetPolicy, Terms,
};
use tonic_types::StatusExt;
use uuid::Uuid;

fn context() -> Option<v1::CommandContext> {
    Some(v1::CommandContext {
        command_id: Uuid::from_u128(7).to_string(),
        actor: "ada".to_owned(),
        expected_revision: Some(3),
    })
}

fn id() -> String {
    Uuid::from_u128(9).to_string()
}

fn peer() -> Option<v1::Peer> {
    Some(v1::Peer {
        provider: "aws".to_owned(),
        account: "444455556666".to_owned(),
        region: "us-east-1".to_owned(),
        cloud_network: "vpc-0d4c3b2a".to_owned(),
        ranges: vec!["10.30.0.0/16".to_owned()],
        subnets: Vec::new(),
    })
}

fn wrong<T: std::fmt::Debug>(parsed: Result<T, Status>) -> Vec<String> {
    let violations = parsed
        .unwrap_err()
        .get_details_bad_request()
        .map(|it| it.field_violations)
        .unwrap_or_default();
    violations.into_iter().map(|it| it.field).collect()
}

#[test]
fn a_request_without_terms_has_the_usual_ones_and_with_terms_those() {
    let request = v1::RequestPeeringRequest {
        context: context(),
        network_id: id(),
        peer: peer(),
        ..Default::default()
    };
    let addressed = request_peering(&request, None).unwrap();
    let usual = |it: &NetworkCommand| matches!(it, NetworkCommand::RequestPeering(RequestPeering { terms, .. }) if terms.are_usual());
    assert!(usual(&addressed.command));
    assert_eq!(addressed.caller.expected_revision, Some(3));
    let made = domain::Ids::of(addressed.caller.command_id).peering(addressed.network_id);
    assert_eq!(addressed.peering_id(), Some(made));
    let (consent, deadline) = ("owner".to_owned(), "2026-03-01T10:00:00+01:00".to_owned());
    let addressed = request_peering(
        &v1::RequestPeeringRequest {
            consent,
            deadline,
            renew: true,
            ..request
        },
        None,
    )
    .unwrap();
    let deadline = "2026-03-01T09:00:00Z".parse().ok();
    let wanted = Terms {
        consent: Consent::Owner,
        deadline,
        renew: true,
    };
    assert!(
        matches!(addressed.command, NetworkCommand::RequestPeering(RequestPeering { terms, .. }) if terms == wanted)
    );
}

#[test]
fn every_wrong_field_of_a_command_is_named() {
    let text = || "?\u{7}".to_owned();
    let request = v1::RequestPeeringRequest {
        context: context(),
        consent: text(),
        deadline: text(),
        ..Default::default()
    };
    assert_eq!(
        wrong(request_peering(&request, None)),
        ["network_id", "peer", "consent", "deadline"]
    );
    assert_eq!(
        wrong(adopt_peering(&v1::AdoptPeeringRequest::default(), None)),
        ["context", "network_id", "peer", "link"]
    );
    assert_eq!(
        wrong(remove_peering(&v1::RemovePeeringRequest::default(), None)),
        ["context", "network_id", "peering_id", "reason"]
    );
    assert_eq!(
        wrong(abandon_peering(&v1::AbandonPeeringRequest::default(), None)),
        ["context", "network_id", "peering_id", "reason"]
    );
    let named = ["context", "network_id", "peering_id", "side", "destination"];
    assert_eq!(
        wrong(withdraw_route(&v1::WithdrawRouteRequest::default(), None)),
        named
    );
    let named = ["context", "network_id", "peering_id", "side", "from", "to"];
    assert_eq!(
        wrong(replace_route(&v1::ReplaceRouteRequest::default(), None)),
        named
    );
    let request = v1::AllowConnectorIngressRequest {
        port: 70_000,
        expires_at: "tomorrow".to_owned(),
        ..Default::default()
    };
    let named = [
        "context",
        "network_id",
        "peering_id",
        "target",
        "port",
        "reason",
        "expires_at",
    ];
    assert_eq!(wrong(allow_connector_ingress(&request, None)), named);
    let named = ["context", "network_id", "peering_id", "ingress_id"];
    assert_eq!(
        wrong(revoke_connector_ingress(
            &v1::RevokeConnectorIngressRequest::default(),
            None
        )),
        named
    );
    assert_eq!(
        wrong(set_dns_resolution(
            &v1::SetDnsResolutionRequest::default(),
            None
        )),
        ["context", "network_id", "peering_id", "side"]
    );
    assert_eq!(
        wrong(check_drift(&v1::CheckDriftRequest::default(), None)),
        ["context", "network_id"]
    );
    assert_eq!(
        wrong(retire_network(&v1::RetireNetworkRequest::default(), None)),
        ["context", "network_id", "reason"]
    );
}

#[test]
fn a_policy_is_what_it_says_and_enforces_only_in_groups_that_it_names() {
    let of = |drift: &str, exposure: &str, groups: &[&str]| {
        let groups = groups.iter().map(|it| (*it).to_owned()).collect();
        let policy = Some(v1::Policy {
            drift: drift.to_owned(),
            exposure: exposure.to_owned(),
            groups,
        });
        set_policy(
            &v1::SetPolicyRequest {
                context: context(),
                network_id: id(),
                policy,
            },
            None,
        )
    };
    let policy = |parsed: Result<Addressed, Status>| {
        let command = parsed.unwrap().command;
        let NetworkCommand::SetPolicy(SetPolicy { policy }) = command else {
            panic!("{command:?}")
        };
        policy
    };
    assert_eq!(policy(of("", "", &[])), domain::network::Policy::default());
    let enforced = policy(of("report", "enforce", &["sg-1"]));
    assert_eq!(enforced.drift, DriftPolicy::Report);
    assert_eq!(
        enforced.exposure,
        ExposurePolicy::Enforce {
            groups: ["sg-1".parse().unwrap()].into()
        }
    );
    assert_eq!(
        wrong(of("mend", "shout", &[])),
        ["policy.drift", "policy.exposure"]
    );
    assert_eq!(wrong(of("repair", "enforce", &[])), ["policy.groups"]);
    assert_eq!(wrong(of("repair", "report", &["sg-1"])), ["policy.groups"]);
    assert_eq!(
        wrong(of("repair", "enforce", &["sg 1"])),
        ["policy.groups[0]"]
    );
}

#[test]
fn an_ingress_is_named_by_its_command() {
    let request = v1::AllowConnectorIngressRequest {
        context: context(),
        network_id: id(),
        peering_id: id(),
        target: "10.30.7.0/24".to_owned(),
        port: 5432,
        reason: "a sink".to_owned(),
        expires_at: String::new(),
    };
    let addressed = allow_connector_ingress(&request, None).unwrap();
    assert!(matches!(
        addressed.command,
        NetworkCommand::AllowConnectorIngress(AllowConnectorIngress {
            port: 5432,
            expires_at: None,
            ..
        })
    ));
    let wanted =
        domain::Ids::of(addressed.caller.command_id).ingress(PeeringId(Uuid::from_u128(9)));
    assert_eq!(
        (addressed.peering_id(), addressed.ingress_id()),
        (Some(PeeringId(Uuid::from_u128(9))), Some(wanted))
    );
}

#[test]
fn a_plan_is_for_a_peering_on_record_or_for_one_that_is_described() {
    let plan = |request: v1::PlanPeeringRequest| plan_peering(&request);
    let on_record = plan(v1::PlanPeeringRequest {
        peering_id: id(),
        ..Default::default()
    });
    assert!(matches!(on_record, Ok(Planned::OnRecord(_))));
    let described = v1::PlanPeeringRequest {
        network_id: id(),
        peer: peer(),
        ..Default::default()
    };
    assert!(matches!(plan(described.clone()), Ok(Planned::Request(..))));
    let adoption = plan(v1::PlanPeeringRequest {
        link: "pcx-1".to_owned(),
        consent: "owner".to_owned(),
        ..described.clone()
    });
    assert!(matches!(
        adoption,
        Ok(Planned::Adoption(
            _,
            AdoptPeering {
                consent: Consent::Owner,
                ..
            }
        ))
    ));
    assert_eq!(
        wrong(plan(v1::PlanPeeringRequest {
            peering_id: id(),
            ..described
        })),
        ["peering_id"]
    );
    assert_eq!(
        wrong(plan(v1::PlanPeeringRequest::default())),
        ["network_id", "peer"]
    );
}
