//! Commands and their digests, as the first version of this program that knew the command made
//! them: a command that was answered once is recognised by its digest for ever.
//!
//! Pairs are added, never changed. A new field enters a digest only when it is set, so that a
//! command in an old form keeps the digest that stands in the log.

use super::{
    super::{super::*, samples::*},
    rows::ROWS,
};
use crate::{Digest, Provider, Region, side::Side, text::Subnet};
use chrono::{TimeZone, Utc};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/stored/commands.json")
}

/// Every command of the matrix, and forms of them that the matrix has no need of.
fn commands() -> Vec<(String, NetworkCommand)> {
    let rows = ROWS
        .iter()
        .map(|(name, command, _)| ((*name).to_owned(), command()));
    let further = further()
        .into_iter()
        .map(|(name, command)| (name.to_owned(), command));
    rows.chain(further).collect()
}

fn further() -> Vec<(&'static str, NetworkCommand)> {
    let at = Utc.with_ymd_and_hms(2027, 1, 2, 3, 4, 5).unwrap();
    let terms = Terms {
        consent: Consent::Owner,
        deadline: Some(at),
        renew: true,
        accept_open: None,
    };
    let azure = Peer {
        provider: Provider::Azure,
        account: text("9f8e7d6c-5b4a-4938-8271-605f4e3d2c1b"),
        region: Region::of(Provider::Azure, "westeurope").unwrap(),
        cloud_network: text(
            "/subscriptions/1f8e7d6c-5b4a-4938-8271-605f4e3d2c1b/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub",
        ),
        ..peer(3)
    };
    let gcp = Peer {
        provider: Provider::Gcp,
        account: text("orders-prod-1"),
        region: Region::of(Provider::Gcp, "europe-west1").unwrap(),
        cloud_network: text("orders"),
        ..peer(4)
    };
    let chosen = Peer {
        subnets: vec![text::<Subnet>("subnet-0aa1"), text::<Subnet>("subnet-0bb2")],
        ..peer_with(5, &["10.105.0.0/16", "10.106.0.0/16"])
    };
    vec![
        (
            "register_without_subnets",
            RegisterNetwork {
                subnets: Vec::new(),
                ..register()
            }
            .into(),
        ),
        (
            "register_with_ipv6_ranges",
            RegisterNetwork {
                ipv6_ranges: ipv6_ranges(&["fd00:20::/56"]),
                ..register()
            }
            .into(),
        ),
        (
            "request_on_terms",
            RequestPeering {
                peer: peer(1),
                terms: terms.clone(),
                setup: Setup::default(),
            }
            .into(),
        ),
        (
            "request_an_azure_peer",
            RequestPeering {
                peer: azure,
                terms: Terms::default(),
                setup: Setup::default(),
            }
            .into(),
        ),
        (
            "request_a_gcp_peer",
            RequestPeering {
                peer: gcp,
                terms: Terms::default(),
                setup: Setup::default(),
            }
            .into(),
        ),
        (
            "request_with_subnets_and_two_ranges",
            RequestPeering {
                peer: chosen,
                terms,
                setup: Setup::default(),
            }
            .into(),
        ),
        (
            "request_with_routes_rules_and_options",
            RequestPeering {
                peer: peer(1),
                terms: Terms::default(),
                setup: Setup {
                    routes: vec![SetupRoute {
                        side: Side::Local,
                        destination: range("10.101.0.0/16"),
                    }],
                    admit: vec![InboundRule {
                        source: range("10.101.0.0/16").into(),
                        port: 2113,
                        target: None,
                    }],
                    dns_resolution: [Side::Remote].into(),
                    options: Default::default(),
                    ..Default::default()
                },
            }
            .into(),
        ),
        (
            "adopt_with_the_owners_consent",
            AdoptPeering {
                peer: peer(1),
                link: link(),
                consent: Consent::Owner,
                tenure: Default::default(),
            }
            .into(),
        ),
        ("allow_an_ingress", without_a_source(8443).into()),
        ("allow_the_same_ingress", without_a_source(443).into()),
        (
            "allow_an_ingress_with_an_end",
            AllowConnectorIngress {
                peering_id: peering_id(1),
                target: range("10.101.8.0/24"),
                port: 443,
                reason: text("nightly export"),
                expires_at: Some(at),
                from: None,
                no_expiry: false,
            }
            .into(),
        ),
        (
            "allow_an_ingress_from_the_nodes",
            AllowConnectorIngress {
                peering_id: peering_id(1),
                target: range("10.101.8.0/24"),
                port: 443,
                reason: text("nightly export"),
                expires_at: None,
                from: Some(IngressSource::Nodes),
                no_expiry: true,
            }
            .into(),
        ),
        (
            "allow_an_ingress_from_two_ranges",
            AllowConnectorIngress {
                peering_id: peering_id(1),
                target: range("10.101.8.0/24"),
                port: 443,
                reason: text("nightly export"),
                expires_at: Some(at),
                from: Some(IngressSource::Ranges(ranges(&[
                    "10.20.1.0/24",
                    "10.20.2.0/24",
                ]))),
                no_expiry: false,
            }
            .into(),
        ),
        (
            "request_with_an_owner_and_ends",
            RequestPeering {
                peer: peer(1),
                terms: Terms::default(),
                setup: Setup {
                    admit: vec![clients()],
                    tenure: Tenure {
                        owner: Some(text("team orders")),
                        expires_at: Some(at),
                    },
                    admission: Tenure {
                        owner: None,
                        expires_at: Some(at),
                    },
                    ..Setup::default()
                },
            }
            .into(),
        ),
        (
            "adopt_with_an_owner",
            AdoptPeering {
                peer: peer(1),
                link: link(),
                consent: Consent::Owner,
                tenure: Tenure {
                    owner: Some(text("team orders")),
                    expires_at: None,
                },
            }
            .into(),
        ),
        (
            "restrict_with_an_end",
            RestrictFirewall {
                peering_id: peering_id(1),
                side: Side::Local,
                admit: vec![clients()],
                tenure: Tenure {
                    owner: None,
                    expires_at: Some(at),
                },
            }
            .into(),
        ),
        (
            "an_admission_never_ends",
            SetTenure {
                peering_id: peering_id(1),
                rule: Some(clients()),
                owner: None,
                expires_at: Some(Change::None),
            }
            .into(),
        ),
        (
            "confirm_an_admission",
            ConfirmOpening {
                peering_id: peering_id(1),
                opening: Reviewed::Admission { rule: clients() },
            }
            .into(),
        ),
        (
            "require_owners_and_ends",
            SetPolicy {
                policy: Policy {
                    tenure: TenurePolicy {
                        owner_required: true,
                        longest_peering: Some(7_776_000),
                        longest_admission: Some(86_400),
                        at_end: AtEnd::Report,
                    },
                    ..Policy::default()
                },
            }
            .into(),
        ),
        (
            "attach_to_two_interfaces",
            AttachFirewall {
                peering_id: peering_id(1),
                side: Side::Remote,
                to: to_these(&["eni-01", "eni-02"]),
            }
            .into(),
        ),
        (
            "attach_to_a_tag_once",
            AttachFirewall {
                peering_id: peering_id(1),
                side: Side::Local,
                to: to_a_tag(false),
            }
            .into(),
        ),
        (
            "deny_before_two_subnets",
            DenyWithLists {
                peering_id: peering_id(1),
                side: Side::Local,
                subnets: [text("subnet-01"), text("subnet-02")].into(),
            }
            .into(),
        ),
        (
            "stop_denying",
            StopDenying {
                peering_id: peering_id(1),
                side: Side::Remote,
            }
            .into(),
        ),
        (
            "restrict_the_remote_side",
            RestrictFirewall {
                peering_id: peering_id(1),
                side: Side::Remote,
                admit: Vec::new(),
                tenure: Default::default(),
            }
            .into(),
        ),
        (
            "enforce_in_two_groups",
            SetPolicy {
                policy: Policy {
                    drift: DriftPolicy::Adopt,
                    exposure: ExposurePolicy::Enforce {
                        groups: [text("sg-01"), text("sg-02")].into(),
                    },
                    ..Policy::default()
                },
            }
            .into(),
        ),
    ]
}

/// What was sent before an ingress had a source and said that it has no end.
fn without_a_source(port: u16) -> AllowConnectorIngress {
    AllowConnectorIngress {
        peering_id: peering_id(1),
        target: range("10.101.8.0/24"),
        port,
        reason: text("the orders webhook"),
        expires_at: None,
        from: None,
        no_expiry: false,
    }
}

fn pair(name: &str, command: &NetworkCommand) -> Value {
    let digest = Digest::of(command).unwrap().to_string();
    json!({ "name": name, "command": command, "digest": digest })
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "who runs the test says whether new pairs are written"
)]
fn a_command_in_an_old_form_keeps_its_digest() {
    let made: Vec<Value> = commands()
        .iter()
        .map(|(name, command)| pair(name, command))
        .collect();
    if std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some() {
        let known: Vec<Value> = fs::read(file())
            .map(|it| serde_json::from_slice(&it).unwrap())
            .unwrap_or_default();
        let new = made
            .iter()
            .filter(|it| !known.iter().any(|old| old["name"] == it["name"]));
        let all: Vec<_> = known.iter().chain(new).collect();
        fs::write(file(), serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
    }
    let golden: Vec<Value> = serde_json::from_slice(&fs::read(file()).unwrap()).unwrap();
    for old in &golden {
        let now = made.iter().find(|it| it["name"] == old["name"]);
        assert_eq!(now, Some(old), "a pair is never changed and never lost");
    }
    assert_eq!(golden.len(), made.len(), "a new command needs its pair");
}

#[test]
fn every_command_on_record_reads_back_as_itself_and_keeps_its_digest() {
    let stored: Vec<Value> = serde_json::from_slice(&fs::read(file()).unwrap()).unwrap();
    assert!(!stored.is_empty());
    for pair in stored {
        let name = &pair["name"];
        let command: NetworkCommand = serde_json::from_value(pair["command"].clone())
            .unwrap_or_else(|error| panic!("{name} no longer reads: {error}"));
        let digest = Digest::of(&command).unwrap();
        assert_eq!(
            digest.to_string(),
            pair["digest"].as_str().unwrap(),
            "{name}"
        );
    }
}
