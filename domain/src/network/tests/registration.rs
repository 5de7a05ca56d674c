//! Registering a network: what is put on record, and what is refused.

use super::{super::*, COMMAND, given, samples::*};

#[test]
fn a_network_goes_on_record_under_the_id_that_its_command_gives() {
    given([])
        .when(register())
        .then([registered_as(register(), Ids::of(COMMAND).network())]);
}

#[test]
fn a_network_is_registered_once() {
    given([registered()])
        .when(register())
        .then_refused(Refusal::NetworkAlreadyRegistered {
            network_id: network_id(),
        });
}

#[test]
fn nothing_can_be_asked_of_a_network_that_is_not_on_record() {
    given([])
        .when(RequestPeering {
            peer: peer(1),
            terms: Terms::default(),
            setup: Setup::default(),
        })
        .then_refused(Refusal::NetworkUnknown);
}

#[test]
fn a_region_of_another_provider_is_refused() {
    let region = Region::of(Provider::Gcp, "europe-west1").unwrap();
    let refusal = Refusal::RegionUnknown(RegionUnknown {
        provider: Provider::Aws,
        region: "europe-west1".to_owned(),
        nearest: None,
    });
    given([])
        .when(RegisterNetwork {
            region,
            ..register()
        })
        .then_refused(refusal);
}

#[test]
fn an_account_in_the_form_of_no_account_is_refused() {
    let refusal = Refusal::AccountMalformed {
        account: "payments".to_owned(),
        form: Provider::Aws
            .check_account(&text("payments"))
            .expect_err("no AWS account"),
    };
    given([])
        .when(RegisterNetwork {
            account: text("payments"),
            ..register()
        })
        .then_refused(refusal);
}

#[test]
fn a_network_id_in_the_form_of_no_network_is_refused() {
    let refusal = Refusal::CloudNetworkMalformed {
        cloud_network: "default".to_owned(),
        form: Provider::Aws
            .check_network(&text("default"))
            .expect_err("no VPC id"),
    };
    given([])
        .when(RegisterNetwork {
            cloud_network: text("default"),
            ..register()
        })
        .then_refused(refusal);
}

#[test]
fn more_subnets_than_a_network_can_sensibly_name_are_refused() {
    let subnets = |count: usize| {
        (0..count)
            .map(|n| text(&format!("subnet-{n}")))
            .collect::<Vec<_>>()
    };
    let refusal = Refusal::TooManyRanges {
        given: 33,
        most: 32,
    };
    given([])
        .when(RegisterNetwork {
            subnets: subnets(33),
            ..register()
        })
        .then_refused(refusal);
    let command = RegisterNetwork {
        subnets: subnets(32),
        ..register()
    };
    given([])
        .when(command.clone())
        .then([registered_as(command, Ids::of(COMMAND).network())]);
}

#[test]
fn networks_of_the_other_providers_go_on_record_too() {
    let gcp = RegisterNetwork {
        provider: Provider::Gcp,
        region: Region::of(Provider::Gcp, "europe-west1").unwrap(),
        account: text("payments-prod"),
        cloud_network: text("events"),
        ..register()
    };
    let azure = RegisterNetwork {
        provider: Provider::Azure,
        region: Region::of(Provider::Azure, "westeurope").unwrap(),
        account: text("8e9b2f0a-3f4d-4d2a-9f0e-5b8a4a0c1d2e"),
        cloud_network: text(
            "/subscriptions/1/resourceGroups/eu/providers/Microsoft.Network/virtualNetworks/events",
        ),
        ..register()
    };
    for command in [gcp, azure] {
        given([])
            .when(command.clone())
            .then([registered_as(command, Ids::of(COMMAND).network())]);
    }
}
