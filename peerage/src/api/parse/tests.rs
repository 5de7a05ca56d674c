//! Messages that are wrong in several ways are told of all of them; right ones become the command
//! that they say.

use super::*;
use crate::api::v1;
use domain::{
    NetworkId, PeeringId, Places, Side,
    network::{
        AllowConnectorIngress, Change, Consent, DriftPolicy, ExposurePolicy, LinkOption,
        NetworkCommand, Policy, RequestPeering, SetPolicy, Setup, SetupOption, Terms,
    },
};
use tonic_types::StatusExt as _;
use uuid::Uuid;

fn context() -> Option<v1::CommandContext> {
    Some(v1::CommandContext {
        command_id: Uuid::from_u128(7).to_string(),
        actor: "ada".to_owned(),
        reason: "a new consumer".to_owned(),
        ticket: "OPS-7".to_owned(),
        expected_revision: Some(3),
    })
}

fn id() -> String {
    Uuid::from_u128(9).to_string()
}

fn peer() -> Option<v1::Peer> {
    Some(v1::Peer {
        provider: v1::Provider::Aws.into(),
        account: "444455556666".to_owned(),
        region: "us-east-1".to_owned(),
        cloud_network: "vpc-0d4c3b2a".to_owned(),
        ranges: vec!["10.30.0.0/16".to_owned()],
        subnets: Vec::new(),
    })
}

fn request(spec: v1::PeeringSpec) -> v1::RequestPeeringRequest {
    v1::RequestPeeringRequest {
        context: context(),
        network_id: id(),
        peering: Some(spec),
        ..Default::default()
    }
}

fn parsed(request: &impl Command) -> Parsed {
    Parsed::of(request, None, &Places::default()).unwrap()
}

fn wrong(request: &impl Command) -> Vec<String> {
    named(Parsed::of(request, None, &Places::default()))
}

fn named<T: std::fmt::Debug>(parsed: Result<T, Problem>) -> Vec<String> {
    let status = parsed.unwrap_err().status("a service");
    let violations = status
        .get_details_bad_request()
        .map(|it| it.field_violations)
        .unwrap_or_default();
    violations.into_iter().map(|it| it.field).collect()
}

#[test]
fn a_network_of_google_cloud_needs_no_region_and_every_other_does() {
    let register =
        |provider: v1::Provider, account: &str, network: &str| v1::RegisterNetworkRequest {
            context: context(),
            project: "payments".to_owned(),
            name: "orders".to_owned(),
            provider: provider.into(),
            account: account.to_owned(),
            cloud_network: network.to_owned(),
            range: "10.20.0.0/16".to_owned(),
            ..Default::default()
        };
    let gcp = register(v1::Provider::Gcp, "orders-prod", "orders");
    let command = serde_json::to_value(&parsed(&gcp).command).unwrap();
    assert_eq!(command["body"]["region"], "global");
    assert_eq!(
        wrong(&register(v1::Provider::Aws, "444455556666", "vpc-0d4c3b2a")),
        ["region"]
    );
    let tenant = "aaaabbbb-cccc-4ddd-8eee-ffff00001111";
    let azure = register(
        v1::Provider::Azure,
        tenant,
        "/subscriptions/1/virtualNetworks/x",
    );
    assert_eq!(wrong(&azure), ["region"]);
    let peer = |provider: v1::Provider| {
        let spec = v1::PeeringSpec {
            peer: peer().map(|it| v1::Peer {
                provider: provider.into(),
                region: String::new(),
                ..it
            }),
            ..Default::default()
        };
        Parsed::of(&request(spec), None, &Places::default())
    };
    assert!(peer(v1::Provider::Gcp).is_ok());
    assert_eq!(named(peer(v1::Provider::Aws)), ["peering.peer.region"]);
}

#[test]
fn who_and_why_come_with_every_command() {
    let caller = parsed(&v1::CheckDriftRequest {
        context: context(),
        network_id: id(),
        ..Default::default()
    })
    .caller;
    assert_eq!(
        caller.actor.claimed.map(|it| it.to_string()),
        Some("ada".to_owned())
    );
    assert_eq!(caller.actor.subject, None, "what is claimed is not proved");
    assert_eq!(
        caller.reason.map(|it| it.to_string()),
        Some("a new consumer".to_owned())
    );
    assert_eq!(
        caller.ticket.map(|it| it.to_string()),
        Some("OPS-7".to_owned())
    );
    assert_eq!(caller.expected_revision, Some(3));
}

#[test]
fn a_request_without_terms_has_the_usual_ones_and_with_terms_those() {
    let spec = v1::PeeringSpec {
        peer: peer(),
        ..Default::default()
    };
    let usual = parsed(&request(spec.clone()));
    assert!(matches!(
        usual.command,
        NetworkCommand::RequestPeering(RequestPeering { ref terms, ref setup, .. })
            if terms.are_usual() && setup.is_empty()
    ));
    assert_eq!(
        usual.address,
        Address::Network(NetworkId(Uuid::from_u128(9)))
    );
    let deadline = "2026-03-01T09:00:00Z".parse().unwrap();
    let owner = parsed(&request(v1::PeeringSpec {
        consent: v1::Consent::Owner.into(),
        deadline: Some(crate::api::time::timestamp(deadline)),
        renew: true,
        accept_open: "the lab has no security groups".to_owned(),
        ..spec
    }));
    let wanted = Terms {
        consent: Consent::Owner,
        deadline: Some(deadline),
        renew: true,
        accept_open: Some("the lab has no security groups".parse().unwrap()),
    };
    assert!(matches!(
        owner.command,
        NetworkCommand::RequestPeering(RequestPeering { terms, .. }) if terms == wanted
    ));
}

#[test]
fn a_request_brings_its_routes_rules_and_options_along() {
    let parsed = parsed(&request(v1::PeeringSpec {
        peer: peer(),
        routes: vec![v1::RouteSpec {
            side: v1::Side::Local.into(),
            destination: "10.30.0.0/16".to_owned(),
        }],
        admit: vec![v1::InboundRule {
            source: "10.30.1.0/24".to_owned(),
            port: 2113,
            ..Default::default()
        }],
        dns_resolution: vec![v1::Side::Remote.into()],
        options: vec![v1::LinkOptionSpec {
            side: v1::Side::Local.into(),
            option: v1::LinkOption::DnsResolution.into(),
        }],
        tenure: Some(v1::Tenure {
            owner: "team-orders".to_owned(),
            expires_at: None,
        }),
        admission: Some(v1::Tenure {
            owner: String::new(),
            expires_at: Some(prost_types::Timestamp {
                seconds: 1_772_352_000,
                nanos: 0,
            }),
        }),
        ..Default::default()
    }));
    let NetworkCommand::RequestPeering(RequestPeering { setup, .. }) = parsed.command else {
        panic!("another command")
    };
    let Setup {
        routes,
        admit,
        dns_resolution,
        options,
        tenure,
        admission,
    } = setup;
    assert_eq!((routes.len(), admit.len()), (1, 1));
    assert_eq!(dns_resolution, [Side::Remote].into());
    let option = LinkOption::DnsResolution;
    let side = Side::Local;
    assert_eq!(options, [SetupOption { option, side }].into());
    let owner = tenure.owner.map(|it| it.to_string());
    assert_eq!(owner.as_deref(), Some("team-orders"));
    assert_eq!(tenure.expires_at, None);
    let end = admission.expires_at.map(|it| it.timestamp());
    assert_eq!(end, Some(1_772_352_000));
}

#[test]
fn a_change_of_an_owner_or_an_end_says_which_and_names_every_wrong_field() {
    use v1::set_tenure_request::{EndChange, OwnerChange};
    let request = |owner_change, end_change| v1::SetTenureRequest {
        context: context(),
        peering_id: id(),
        owner_change,
        end_change,
        ..Default::default()
    };
    let never = request(None, Some(EndChange::NoExpiry(true)));
    let NetworkCommand::SetTenure(it) = parsed(&never).command else {
        panic!("another command")
    };
    assert_eq!((it.owner, it.expires_at), (None, Some(Change::None)));
    let nobody = request(
        Some(OwnerChange::NoOwner(true)),
        Some(EndChange::NoExpiry(false)),
    );
    let NetworkCommand::SetTenure(it) = parsed(&nobody).command else {
        panic!("another command")
    };
    assert_eq!((it.owner, it.expires_at), (Some(Change::None), None));
    assert_eq!(wrong(&request(None, None)), ["owner_change"]);
    let empty = v1::SetTenureRequest {
        rule: Some(v1::InboundRule::default()),
        ..request(Some(OwnerChange::Owner(String::new())), None)
    };
    assert_eq!(wrong(&empty), ["rule[0].source", "rule[0].port", "owner"]);
}

#[test]
fn every_wrong_field_of_a_command_is_named() {
    assert_eq!(
        wrong(&v1::RegisterNetworkRequest::default()),
        [
            "context",
            "provider",
            "project",
            "name",
            "account",
            "cloud_network",
            "range"
        ]
    );
    let spec = v1::PeeringSpec {
        consent: 77,
        routes: vec![v1::RouteSpec::default()],
        admit: vec![v1::InboundRule::default()],
        ..Default::default()
    };
    assert_eq!(
        wrong(&request(spec)),
        [
            "peering.peer",
            "peering.consent",
            "peering.routes[0].side",
            "peering.routes[0].destination",
            "peering.admit[0].source",
            "peering.admit[0].port",
        ]
    );
    assert_eq!(
        wrong(&v1::AdoptPeeringRequest::default()),
        ["context", "network_id", "adoption"]
    );
    let without = ["context", "peering_id", "reason"];
    assert_eq!(wrong(&v1::RemovePeeringRequest::default()), without);
    assert_eq!(wrong(&v1::AbandonPeeringRequest::default()), without);
    let without = ["context", "peering_id", "side", "destination"];
    assert_eq!(wrong(&v1::AcceptRouteRequest::default()), without);
    assert_eq!(wrong(&v1::WithdrawRouteRequest::default()), without);
    assert_eq!(
        wrong(&v1::ReplaceRouteRequest::default()),
        ["context", "peering_id", "side", "from", "to"]
    );
    assert_eq!(
        wrong(&v1::RestrictFirewallRequest::default()),
        ["context", "peering_id", "side"]
    );
    assert_eq!(
        wrong(&v1::DenyWithListsRequest::default()),
        ["context", "peering_id", "side"]
    );
    assert_eq!(
        wrong(&v1::AttachFirewallRequest::default()),
        ["context", "peering_id", "side", "to"]
    );
    assert_eq!(
        wrong(&v1::DetachFirewallRequest::default()),
        ["context", "peering_id", "side"]
    );
    assert_eq!(
        wrong(&v1::AllowConnectorIngressRequest::default()),
        ["context", "peering_id", "target", "port", "reason"]
    );
    assert_eq!(
        wrong(&v1::RevokeConnectorIngressRequest::default()),
        ["context", "peering_id", "ingress_id"]
    );
    assert_eq!(
        wrong(&v1::SetDnsResolutionRequest::default()),
        ["context", "peering_id", "side"]
    );
    assert_eq!(
        wrong(&v1::SetLinkOptionRequest::default()),
        ["context", "peering_id", "side", "option"]
    );
    assert_eq!(
        wrong(&v1::AddPeerRangesRequest::default()),
        ["context", "peering_id", "ranges"]
    );
    assert_eq!(
        wrong(&v1::DropPeerRangesRequest::default()),
        ["context", "peering_id", "ranges"]
    );
    assert_eq!(
        wrong(&v1::ChangePeerSubnetsRequest::default()),
        ["context", "peering_id", "change"]
    );
    assert_eq!(
        wrong(&v1::ChangeNetworkSubnetsRequest::default()),
        ["context", "network_id", "change"]
    );
    assert_eq!(
        wrong(&v1::CheckDriftRequest::default()),
        ["context", "network_id"]
    );
    assert_eq!(
        wrong(&v1::RetireNetworkRequest::default()),
        ["context", "network_id", "reason"]
    );
}

#[test]
fn a_peering_names_its_network_only_where_the_caller_does() {
    let by_id = v1::AcceptRouteRequest {
        context: context(),
        peering_id: id(),
        side: v1::Side::Local.into(),
        destination: "10.30.0.0/16".to_owned(),
        ..Default::default()
    };
    let peering = PeeringId(Uuid::from_u128(9));
    assert_eq!(parsed(&by_id).address, Address::Peering(peering));
    let with_network = v1::AcceptRouteRequest {
        network_id: Uuid::from_u128(8).to_string(),
        ..by_id
    };
    assert_eq!(
        parsed(&with_network).address,
        Address::Network(NetworkId(Uuid::from_u128(8)))
    );
}

#[test]
fn a_reason_of_the_commands_own_comes_before_the_contexts() {
    let ingress = |reason: &str| {
        let parsed = parsed(&v1::AllowConnectorIngressRequest {
            context: context(),
            peering_id: id(),
            target: "10.30.7.0/24".to_owned(),
            port: 5432,
            reason: reason.to_owned(),
            ..Default::default()
        });
        let NetworkCommand::AllowConnectorIngress(AllowConnectorIngress { reason, .. }) =
            parsed.command
        else {
            panic!("another command")
        };
        reason.to_string()
    };
    assert_eq!(ingress("a sink"), "a sink");
    assert_eq!(ingress(""), "a new consumer");
}

#[test]
fn a_policy_is_what_it_says_and_enforces_only_in_groups_that_it_names() {
    let set = |policy: v1::Policy| v1::SetPolicyRequest {
        context: context(),
        network_id: id(),
        policy: Some(policy),
        ..Default::default()
    };
    let policy = |it: v1::Policy| {
        let NetworkCommand::SetPolicy(SetPolicy { policy }) = parsed(&set(it)).command else {
            panic!("another command")
        };
        policy
    };
    assert_eq!(policy(v1::Policy::default()), Policy::default());
    let enforce = |groups: &[&str]| v1::Policy {
        drift: v1::DriftPolicy::Report.into(),
        exposure: Some(v1::policy::Exposure::EnforceExposures(
            v1::EnforceExposures {
                groups: groups.iter().map(|it| (*it).to_owned()).collect(),
            },
        )),
        ..Default::default()
    };
    let enforced = policy(enforce(&["sg-1"]));
    assert_eq!(enforced.drift, DriftPolicy::Report);
    assert_eq!(
        enforced.exposure,
        ExposurePolicy::Enforce {
            groups: ["sg-1".parse().unwrap()].into()
        }
    );
    assert_eq!(
        wrong(&set(enforce(&[]))),
        ["policy.enforce_exposures.groups"]
    );
    let requirement = |pattern: &str| {
        set(v1::Policy {
            ticket: Some(v1::Requirement {
                required: true,
                pattern: pattern.to_owned(),
            }),
            ..Default::default()
        })
    };
    assert_eq!(wrong(&requirement("(")), ["policy.ticket.pattern"]);
    assert!(!parsed(&requirement("OPS-[0-9]+")).validate_only);
}

#[test]
fn a_plan_is_for_a_peering_on_record_or_for_one_that_is_described() {
    use v1::plan_peering_request::Subject;
    let plan = |subject: Option<Subject>| {
        plan_peering(
            &v1::PlanPeeringRequest {
                subject,
                ..Default::default()
            },
            &Places::default(),
        )
    };
    assert!(matches!(
        plan(Some(Subject::PeeringId(id()))),
        Ok((Planned::OnRecord(_), None))
    ));
    let described = v1::PlanRequest {
        network_id: id(),
        peering: Some(v1::PeeringSpec {
            peer: peer(),
            ..Default::default()
        }),
    };
    assert!(matches!(
        plan(Some(Subject::Request(described))),
        Ok((Planned::Request(..), None))
    ));
    let adoption = v1::PlanAdoption {
        network_id: id(),
        adoption: Some(v1::AdoptionSpec {
            peer: peer(),
            link: "pcx-1".to_owned(),
            ..Default::default()
        }),
    };
    assert!(matches!(
        plan(Some(Subject::Adoption(adoption))),
        Ok((Planned::Adoption(..), None))
    ));
    assert_eq!(named(plan(None)), ["subject"]);
}

#[test]
fn a_page_size_is_coerced_and_a_negative_one_is_wrong() {
    let size = |size: i32| {
        list_peerings(&v1::ListPeeringsRequest {
            page_size: size,
            ..Default::default()
        })
        .map(|(_, reading)| reading.page.size)
    };
    assert_eq!(size(0).unwrap(), 0);
    assert_eq!(size(7).unwrap(), 7);
    assert_eq!(size(i32::MAX).unwrap(), 1000);
    assert_eq!(named(size(-1)), ["page_size"]);
}

#[test]
fn the_silence_of_a_watch_is_kept_within_its_bounds() {
    let silence = |seconds: i64| {
        watch_peerings(&v1::WatchPeeringsRequest {
            bookmark_interval: Some(prost_types::Duration { seconds, nanos: 0 }),
            ..Default::default()
        })
        .unwrap()
        .bookmarks
        .as_secs()
    };
    assert_eq!([0, -5, 30, 100_000].map(silence), [1, 1, 30, 300]);
    let usual = watch_networks(&v1::WatchNetworksRequest::default()).unwrap();
    assert_eq!((usual.scope, usual.bookmarks.as_secs()), (Scope::All, 15));
}

#[test]
fn one_network_or_all_of_them_is_named_and_all_have_no_one_revision() {
    let context = |expected_revision| {
        Some(v1::CommandContext {
            command_id: "6d3b9c1e-52f7-4a0b-9e7d-0c1f2a3b4c5d".to_owned(),
            actor: "ada".to_owned(),
            reason: "an incident".to_owned(),
            expected_revision,
            ..Default::default()
        })
    };
    let freeze = |network_id: &str, all_networks, expected_revision| v1::FreezeNetworksRequest {
        context: context(expected_revision),
        network_id: network_id.to_owned(),
        all_networks,
        ..Default::default()
    };
    let id = "0b9f6a52-3c1d-4e8f-8a7b-6c5d4e3f2a1b";
    assert_eq!(wrong(&freeze("", false, None)), ["network_id"]);
    assert_eq!(wrong(&freeze(id, true, None)), ["network_id"]);
    assert_eq!(
        wrong(&freeze("", true, Some(7))),
        ["context.expected_revision"]
    );
    let all = Parsed::of(&freeze("", true, None), None, &Places::default()).unwrap();
    assert_eq!(all.address, Address::All);
    let one = Parsed::of(&freeze(id, false, Some(7)), None, &Places::default()).unwrap();
    assert_eq!(one.address, Address::Network(id.parse().unwrap()));
    let quarantine = v1::ImposeQuarantineRequest {
        context: context(None),
        all_networks: true,
        ..Default::default()
    };
    assert_eq!(wrong(&quarantine), ["scope"]);
}
