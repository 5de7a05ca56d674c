//! A network that is deleted and made again under its name is another one: it is told, nothing is
//! opened in it, and what is to be closed is closed.

use super::{HOUR, LONG, Life, is_clean, remove};
use crate::provisioner::testing::{CLIENTS, Fuse, Settled, peering_id, range};
use domain::{
    Provider, Side,
    network::{BlockCause, DriftKind, InboundRule, RestrictFirewall, Terms},
    text::ImmutableId,
};
use simulated::SimulatedSettings;
use std::time::Duration;

const NAMES_COME_BACK: [Provider; 2] = [Provider::Gcp, Provider::Azure];

fn at(provider: Provider) -> Life {
    let settings = SimulatedSettings::instant(21);
    Life::at(provider, &Terms::default(), settings)
}

fn rule(port: u16) -> InboundRule {
    InboundRule {
        source: range(CLIENTS).into(),
        port,
        target: None,
    }
}

impl Life {
    fn immutable_id(&self, side: Side) -> Option<ImmutableId> {
        let (network, peering) = (self.log.network(), self.log.peering());
        network.immutable_id(&peering, side).cloned()
    }

    fn replaced(&self) -> Vec<Side> {
        let drift = self.log.peering().drift;
        let all = drift.keys().filter_map(DriftKind::replaced_by);
        all.map(|(side, _)| side).collect()
    }

    fn tells(&self, side: Side, id: Option<&str>) {
        let told = id.map(|it| it.parse().unwrap());
        let network = self.network(side);
        self.cloud.out_of_band().tell_immutable_id(&network, told);
    }

    fn restricts_to(&self, side: Side, ports: &[u16]) {
        self.says(RestrictFirewall {
            peering_id: peering_id(),
            side,
            admit: ports.iter().map(|port| rule(*port)).collect(),
            tenure: Default::default(),
        });
    }

    async fn waits_for_a_person(&mut self, time: Duration) {
        assert_eq!(self.run(Fuse::never(), time).await, Some(Settled::No));
    }
}

#[tokio::test(start_paused = true)]
async fn which_networks_are_joined_is_on_record_before_the_first_half_is_made() {
    for provider in Provider::ALL {
        let mut life = at(provider);
        life.settles().await;
        let names = life.log.names(0);
        let first = |event: &str| names.iter().position(|it| *it == event);
        let seen = ["NetworkImmutableIdSeen", "PeerImmutableIdSeen"].map(first);
        if !provider.names_come_back() {
            assert_eq!(seen, [None, None], "{provider}: its ids are such ids");
            continue;
        }
        let begun = first("PeeringInitiationStarted");
        assert!(
            seen.iter().all(|it| it.is_some() && *it < begun),
            "{names:?}"
        );
        life.looks_again().await;
        for event in ["NetworkImmutableIdSeen", "PeerImmutableIdSeen"] {
            assert_eq!(life.count(event), 1, "{provider}");
        }
        assert_eq!(life.count("DriftDetected"), 0, "{provider}");
    }
}

/// The request waits, the peer's network is made again meanwhile, and everything else fits.
#[tokio::test(start_paused = true)]
async fn a_peer_that_was_made_again_is_joined_with_nothing() {
    for provider in NAMES_COME_BACK {
        for side in Side::BOTH {
            let mut life = at(provider);
            let by_hand = life.cloud.out_of_band();
            let peer = life.network(Side::Remote);
            let its_own = life.log.peering().peer.ranges[0].net();
            let elsewhere = "10.99.0.0/16".parse().unwrap();
            by_hand.build(&peer, &[elsewhere], &[]);
            life.blocks(BlockCause::RangeMismatch, Side::Remote).await;
            let known = life.immutable_id(side).unwrap();
            by_hand.build(&peer, &[its_own], &[]);
            by_hand.remake(&life.network(side));
            tokio::time::advance(HOUR).await;
            life.blocks(BlockCause::Conflict, side).await;
            assert_eq!(life.replaced(), [side], "{provider}");
            assert_eq!(
                life.immutable_id(side),
                Some(known),
                "what was first stands"
            );
            assert_eq!(life.log.peering().life.as_str(), "requested");
            life.waits_for_a_person(LONG).await;
            let world = life.cloud.world();
            is_clean(&world, &format!("{provider}: nothing was opened"));
            assert_eq!(life.count("DriftDetected"), 1, "{provider}");
            assert_eq!(life.count("PeeringInitiationStarted"), 0, "{provider}");
            life.says(remove());
            life.settles().await;
            assert_eq!(life.log.peering().life.as_str(), "removed");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_made_again_under_a_link_is_told_and_what_is_left_is_taken_back() {
    for provider in NAMES_COME_BACK {
        for side in Side::BOTH {
            let mut life = at(provider);
            life.settles().await;
            life.cloud.out_of_band().remake(&life.network(side));
            tokio::time::advance(HOUR).await;
            life.waits_for_a_person(HOUR).await;
            assert_eq!(life.replaced(), [side], "{provider}");
            let halves = life.cloud.world().halves.len();
            assert_eq!(halves, 1, "{provider}: it is not made again");
            life.says(remove());
            life.settles().await;
            assert_eq!(life.log.peering().life.as_str(), "removed", "{provider}");
            is_clean(&life.cloud.world(), &format!("{provider}, {side}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn while_another_network_has_the_name_rules_are_taken_away_and_none_is_added() {
    for provider in NAMES_COME_BACK {
        for side in Side::BOTH {
            let mut life = at(provider);
            life.settles().await;
            life.restricts_to(Side::Local, &[2113, 9092]);
            life.settles().await;
            let before = life.rules(Side::Local);
            life.tells(side, Some("4711"));
            tokio::time::advance(HOUR).await;
            life.blocks(BlockCause::Conflict, side).await;
            life.restricts_to(Side::Local, &[2113, 9093]);
            life.waits_for_a_person(HOUR).await;
            let meanwhile = life.rules(Side::Local);
            assert_eq!(
                meanwhile,
                before - 1,
                "{provider}, {side}: closed, not opened"
            );
            life.tells(side, None);
            life.waits_for_a_person(LONG).await;
            assert_eq!(life.replaced(), [side], "nothing says that it is over");
            assert_eq!(life.rules(Side::Local), before - 1);
            life.cloud
                .out_of_band()
                .tell_the_immutable_id(&life.network(side));
            tokio::time::advance(HOUR).await;
            life.settles().await;
            assert_eq!(life.replaced(), [], "{provider}, {side}");
            assert_eq!(life.rules(Side::Local), before, "{provider}, {side}");
            assert_eq!(life.count("DriftDetected"), 1);
            assert_eq!(life.count("DriftRepaired"), 1);
            assert!(life.log.peering().is_converged());
        }
    }
}

/// It is a check, and nothing waits for it.
#[tokio::test(start_paused = true)]
async fn where_the_cloud_tells_no_id_everything_goes_on_as_before() {
    for provider in NAMES_COME_BACK {
        let mut life = at(provider);
        for side in Side::BOTH {
            life.tells(side, None);
        }
        life.settles().await;
        assert!(life.log.peering().is_converged(), "{provider}");
        assert_eq!(life.count("NetworkImmutableIdSeen"), 0);
        for side in Side::BOTH {
            let network = life.network(side);
            life.cloud.out_of_band().tell_the_immutable_id(&network);
        }
        life.looks_again().await;
        for side in Side::BOTH {
            assert!(life.immutable_id(side).is_some(), "{provider}, {side}");
        }
        assert_eq!(life.count("DriftDetected"), 0, "the first one stands");
    }
}
