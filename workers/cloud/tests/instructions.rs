//! What owners at GCP and Azure are told: that it runs, and denies what comes in.

#![allow(clippy::unwrap_used)]

extern crate peerage_cloud as cloud;

mod support;

use domain::{Provider, network::*, text::CloudNetwork};
use peerage_cloud::instructions::{Instruction, azure, gcp};
use support::*;

fn told(events: Vec<NetworkEvent>) -> Vec<Instruction> {
    let (network, peering) = state(events);
    match network.provider {
        Provider::Gcp => gcp::for_peer(&network, &peering),
        Provider::Azure => azure::for_peer(&network, &peering),
        Provider::Aws => panic!("AWS has a crate of its own"),
    }
}

#[test]
fn every_script_is_one_that_a_shell_reads_and_every_policy_is_json() {
    for provider in [Provider::Gcp, Provider::Azure] {
        let network = RegisterNetwork {
            provider,
            ..register()
        };
        for terms in [by_owner(), Terms::default()] {
            let all = told(vec![
                registered_as(network.clone(), network_id()),
                requested_on(terms),
            ]);
            assert!(!all.is_empty());
            all.iter().for_each(assert_is_well_formed);
        }
    }
}

#[test]
fn gcp_and_azure_make_the_peers_half_and_deny_what_comes_in() {
    let cloud = "gcloud() { log gcloud \"$@\"; }\naz() { log az \"$@\"; }\nnsg=orders-nsg";
    let told = |provider, peers: CloudNetwork| {
        let network = RegisterNetwork {
            provider,
            cloud_network: text("events"),
            ..register()
        };
        let peer = Peer {
            provider,
            account: text("orders-prod"),
            cloud_network: peers,
            ..peer(1)
        };
        let requested = PeeringRequested {
            peering_id: peering_id(1),
            peer,
            requested_at: hours_on(0),
            terms: by_owner(),
            external_id: None,
        };
        told(vec![registered_as(network, network_id()), requested.into()])
    };
    let calls = |instructions: &[Instruction]| {
        instructions
            .iter()
            .flat_map(|it| run(&it.body, cloud).unwrap())
            .collect::<Vec<_>>()
    };
    let gcp = calls(&told(Provider::Gcp, text("orders")));
    let name = format!("peerage-{}", peering_id(1));
    let half = format!(
        "gcloud|compute|networks|peerings|create|{name}|--project|orders-prod|--network|orders|--peer-project|111122223333|--peer-network|\
         events|--import-custom-routes|--export-custom-routes"
    );
    assert_eq!(gcp[0], half);
    assert!(
        gcp[1].contains(&format!("|create|{name}-deny|"))
            && gcp[1].contains("|DENY|")
            && gcp[1].contains("|--source-ranges|10.20.0.0/16|"),
        "{}",
        gcp[1]
    );
    let vnet =
        "/subscriptions/s-1/resourceGroups/rg-1/providers/Microsoft.Network/virtualNetworks/orders";
    let azure = calls(&told(Provider::Azure, text(vnet)));
    let half = format!(
        "az|network|vnet|peering|create|--subscription|s-1|--resource-group|rg-1|--vnet-name|orders|--name|{name}|--remote-vnet|events|\
         --allow-vnet-access|false"
    );
    assert_eq!(azure[1], half, "the denial is there before it");
    let opened = format!(
        "az|network|vnet|peering|update|--subscription|s-1|--resource-group|rg-1|--vnet-name|orders|--name|{name}|--set|\
         allowVirtualNetworkAccess=true"
    );
    assert_eq!(azure[2], opened);
    assert!(
        azure[0].contains("|--access|Deny|") && azure[0].contains("|--nsg-name|orders-nsg|"),
        "{}",
        azure[0]
    );
}

/// The engine puts its own denial there, behind what it admits: one of the owner's under its name
/// would stand before that.
#[test]
fn where_the_engine_keeps_the_peers_side_at_azure_its_owner_writes_no_rule() {
    let network = RegisterNetwork {
        provider: Provider::Azure,
        ..register()
    };
    let all = told(vec![
        registered_as(network, network_id()),
        requested_on(Terms::default()),
    ]);
    assert_eq!(all.len(), 1, "the role alone: {all:?}");
    assert!(all[0].body.contains("\"Actions\""), "{}", all[0].body);
}

#[test]
fn an_owner_at_azure_is_told_to_lend_the_gateway_once_the_private_network_is_to_use_it() {
    let borrowed = |enabled| {
        let network = RegisterNetwork {
            provider: Provider::Azure,
            ..register()
        };
        let set = LinkOptionSet {
            peering_id: peering_id(1),
            side: domain::Side::Local,
            option: LinkOption::RemoteGateways,
            enabled,
        };
        let all = told(vec![
            registered_as(network, network_id()),
            requested_on(by_owner()),
            set.into(),
        ]);
        let lends = |it: &&Instruction| it.title.starts_with("Lend the peer's gateway");
        all.iter().find(lends).cloned()
    };
    assert_eq!(borrowed(false), None);
    let lend = borrowed(true).unwrap();
    assert_is_well_formed(&lend);
    assert!(
        lend.body.contains("peering update") && lend.body.contains("allowGatewayTransit=true"),
        "{}",
        lend.body
    );
}
