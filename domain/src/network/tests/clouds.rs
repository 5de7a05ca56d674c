//! Which cloud a network is at: on record with the network, and once.

use super::{super::*, COMMAND, given, now, samples::*};
use crate::{CloudMode, Context, Provider, ServedClouds};
use std::sync::Arc;

fn decided_at(served: &[(Provider, CloudMode)]) -> Result<Vec<NetworkEvent>, Refusal> {
    let context = Context {
        clouds: Some(Arc::new(ServedClouds::from_iter(served.to_vec()))),
        ..Context::default()
    };
    let command = register().into();
    decide(
        &Network::Unregistered,
        &command,
        &context,
        now(),
        Ids::of(COMMAND),
    )
}

fn emulator(endpoint: &str) -> CloudMode {
    CloudMode::Emulator {
        endpoint: text(endpoint),
    }
}

fn recorded(cloud: CloudMode) -> Outcome {
    let network_id = network_id();
    NetworkCloudRecorded { network_id, cloud }.into()
}

#[test]
fn a_network_is_registered_at_the_cloud_that_the_engine_has_for_its_provider() {
    for mode in [
        CloudMode::Real,
        CloudMode::Simulated,
        emulator("http://127.0.0.1:5000"),
    ] {
        let served = [
            (Provider::Aws, mode.clone()),
            (Provider::Gcp, CloudMode::Simulated),
        ];
        let events = decided_at(&served).unwrap();
        let [NetworkEvent::NetworkRegistered(registered)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(registered.cloud, Some(mode.clone()));
        let network = evolve(Network::Unregistered, &events[0], now());
        let Network::Registered(network) = network else {
            panic!("{network:?}");
        };
        assert_eq!(network.cloud, Some(mode));
    }
}

#[test]
fn a_network_of_a_provider_that_the_engine_does_not_serve_is_refused_with_those_that_it_does() {
    let refused = decided_at(&[
        (Provider::Gcp, CloudMode::Real),
        (Provider::Azure, CloudMode::Real),
    ]);
    let refusal = Refusal::ProviderNotServed {
        provider: Provider::Aws,
        served: vec![Provider::Gcp, Provider::Azure],
    };
    assert_eq!(refused, Err(refusal.clone()));
    assert!(
        refusal.to_string().contains("it serves gcp, azure"),
        "{refusal}"
    );
}

#[test]
fn the_cloud_of_an_old_network_is_put_on_record_once_and_the_first_one_to_say_it_stands() {
    let first = recorded(CloudMode::Real);
    let said: NetworkEvent = NetworkCloudRecorded {
        network_id: network_id(),
        cloud: CloudMode::Real,
    }
    .into();
    given([registered()])
        .when(first.clone())
        .then([said.clone()]);
    for again in [first, recorded(CloudMode::Simulated)] {
        given([registered(), said.clone()]).when(again).then([]);
    }
    let fold = |events: [NetworkEvent; 3]| {
        let each = events.iter();
        each.fold(Network::Unregistered, |state, it| evolve(state, it, now()))
    };
    let later: NetworkEvent = NetworkCloudRecorded {
        network_id: network_id(),
        cloud: CloudMode::Simulated,
    }
    .into();
    let Network::Registered(network) = fold([registered(), said, later]) else {
        panic!("a registered network");
    };
    assert_eq!(network.cloud, Some(CloudMode::Real));
}
