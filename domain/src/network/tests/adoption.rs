//! Adoption: a link that somebody else made is put on record and never removed, nor what was on it
//! before.

use super::{super::*, COMMAND, given, now, recorded, samples::*};
use crate::{side::Side, text::Link};

fn adopt(n: u8, link: Link) -> AdoptPeering {
    AdoptPeering {
        peer: peer(n),
        link,
        consent: Consent::Owner,
        tenure: Default::default(),
    }
}

/// The whole append that an adoption is.
fn granted(n: u8, link: Link) -> [NetworkEvent; 3] {
    let (peering_id, peer) = (Ids::of(COMMAND).peering(network_id()), peer(n));
    let external_id = Some(network_id().external_id(&peer.account));
    let denied = |side| {
        FirewallRestricted {
            peering_id,
            side,
            admit: Vec::new(),
            tenure: Default::default(),
        }
        .into()
    };
    let adopted = PeeringAdopted {
        peering_id,
        peer,
        link,
        adopted_at: now(),
        consent: Consent::Owner,
        external_id,
        expires_at: None,
    };
    [adopted.into(), denied(Side::Local), denied(Side::Remote)]
}

const HERE: &str = "10.101.0.0/16";

/// An adopted link that had a route to the peer in one table, and where another was added.
fn with_a_route_of_each() -> Vec<NetworkEvent> {
    adopted_history([
        surveyed(&[found_route(Side::Local, HERE, "rtb-found")]).into(),
        route_accepted(Side::Local, HERE),
        route_installed(Side::Local, HERE, "rtb-found").into(),
        route_installed(Side::Local, HERE, "rtb-ours").into(),
    ])
}

#[test]
fn an_adoption_and_the_denial_of_everything_inbound_on_both_sides_are_one_append() {
    given([registered()])
        .when(adopt(1, link()))
        .then(granted(1, link()));
}

#[test]
fn whoever_was_asked_for_an_adopted_link_is_known_once_somebody_has_looked() {
    let accepter = |then: Vec<NetworkEvent>| {
        let adopted = given([registered()]).when(adopt(1, link())).0.unwrap();
        let Network::Registered(network) =
            super::fold([registered()].into_iter().chain(adopted).chain(then))
        else {
            panic!("a network");
        };
        network.peerings().values().next().unwrap().clone()
    };
    let adopted = accepter(Vec::new());
    assert_eq!(adopted.asked_side(), None);
    let seen = LinkAccepterSeen {
        peering_id: adopted.id,
        ..accepter_seen(Side::Local)
    };
    assert_eq!(accepter(vec![seen.into()]).asked_side(), Some(Side::Local));
    assert_eq!(
        super::recorded(history([])).asked_side(),
        Some(Side::Remote)
    );
}

#[test]
fn an_adoption_obeys_the_rules_of_a_request() {
    let refusal = Refusal::PeerAlreadyLinked {
        peering_id: peering_id(1),
        life: "requested",
    };
    given(history([]))
        .when(adopt(1, link()))
        .then_refused(refusal);
    let overlapping = AdoptPeering {
        peer: peer_with(2, &["10.20.7.0/24"]),
        ..adopt(2, link())
    };
    let refusal = Refusal::RangeOverlapsNetwork {
        range: range("10.20.7.0/24"),
        network: range("10.20.0.0/16"),
    };
    given(history([])).when(overlapping).then_refused(refusal);
    let elsewhere = Peer {
        cloud_network: text("vpc-"),
        ..peer(1)
    };
    let form = Provider::Aws
        .check_network(&elsewhere.cloud_network)
        .unwrap_err();
    let refusal = Refusal::CloudNetworkMalformed {
        cloud_network: "vpc-".to_owned(),
        form,
    };
    given([registered()])
        .when(AdoptPeering {
            peer: elsewhere,
            ..adopt(1, link())
        })
        .then_refused(refusal);
}

#[test]
fn a_link_on_record_is_not_adopted_whether_it_stands_or_is_over() {
    let refusal = Refusal::LinkOnRecord {
        link: link().to_string(),
        peering_id: peering_id(1),
    };
    let renewing = Terms {
        renew: true,
        ..Terms::default()
    };
    let histories = [
        active_history([]),
        history([started(1), initiated(), expired()]),
        history_on(renewing, [started(1), initiated(), expired(), renewed()]),
        active_history([
            removal_requested(),
            link_removed().into(),
            removed(&[]).into(),
        ]),
    ];
    for events in histories {
        given(events)
            .when(adopt(2, link()))
            .then_refused(refusal.clone());
    }
}

#[test]
fn a_link_that_was_left_behind_can_be_taken_up_again() {
    let left = [Leftover::Link { link: link() }];
    given(active_history([abandoned(&left)]))
        .when(adopt(1, link()))
        .then(granted(1, link()));
    given(adopted_history([
        removal_requested(),
        removed(&left).into(),
    ]))
    .when(adopt(1, link()))
    .then(granted(1, link()));
}

#[test]
fn an_adopted_link_comes_to_life_as_it_is_found() {
    let events = [registered(), adopted()];
    let waiting = Life::AwaitingAcceptance {
        link: link(),
        expires_at: Some(hours_on(168)),
        warned: false,
    };
    assert_eq!(recorded(events.clone()).life, waiting);
    given(events)
        .when(Outcome::from(PeeringAccepted {
            peering_id: peering_id(1),
            link: link(),
            evidence: None,
        }))
        .then([accepted()]);
    assert_eq!(
        recorded(adopted_history([])).life,
        Life::Active { link: link() }
    );
}

#[test]
fn an_adopted_link_that_stays_is_abandoned_and_named_and_removed_only_if_it_is_gone() {
    let going = adopted_history([surveyed(&[]).into(), removal_requested()]);
    let left = [Leftover::Link { link: link() }];
    for said in [&[][..], &left] {
        given(going.clone())
            .when(Outcome::from(removed(said)))
            .then_refused(Refusal::OutcomeOutOfOrder {
                peering_id: peering_id(1),
                life: "removing",
                outcome: "a removal with its link",
            });
    }
    given(going.clone())
        .when(Outcome::from(PeeringAbandoned {
            peering_id: peering_id(1),
            reason: reason_given("another word"),
            left_behind: Vec::new(),
            not_observed: Vec::new(),
        }))
        .then([PeeringAbandoned {
            peering_id: peering_id(1),
            reason: reason_given("the orders team has moved"),
            left_behind: left.to_vec(),
            not_observed: Vec::new(),
        }
        .into()]);
    let over = recorded(going.iter().cloned().chain([removed(&left).into()]));
    assert!(
        matches!(over.life, Life::Ended(Ending::Removed { .. })),
        "as it was recorded once, it stays"
    );
    let gone = going.into_iter().chain([link_removed().into()]);
    given(gone)
        .when(Outcome::from(removed(&[])))
        .then([removed(&[]).into()]);
}

#[test]
fn what_an_adopted_link_had_is_looked_at_once_and_only_on_adopted_links() {
    let survey = surveyed(&[found_route(Side::Local, HERE, "rtb-01")]);
    given(adopted_history([]))
        .when(Outcome::from(survey.clone()))
        .then([survey.clone().into()]);
    given(adopted_history([survey.clone().into()]))
        .when(Outcome::from(surveyed(&[])))
        .then_nothing();
    let refusal = Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life: "active",
        outcome: "a survey",
    };
    given(active_history([]))
        .when(Outcome::from(survey))
        .then_refused(refusal);
}

#[test]
fn no_route_is_taken_for_the_engines_before_somebody_has_looked() {
    let events = adopted_history([route_accepted(Side::Local, HERE)]);
    let installed = route_installed(Side::Local, HERE, "rtb-01");
    let refusal = Refusal::OutcomeOutOfOrder {
        peering_id: peering_id(1),
        life: "active",
        outcome: "an installed route before the survey",
    };
    given(events.clone())
        .when(Outcome::from(installed.clone()))
        .then_refused(refusal);
    let intent = intended(Side::Local, [route_thing(HERE, "rtb-01")]);
    let then = [surveyed(&[]).into(), intent.into()];
    given(events.into_iter().chain(then))
        .when(Outcome::from(installed.clone()))
        .then([installed.into()]);
}

#[test]
fn a_route_that_was_there_before_is_never_removed() {
    let peering = recorded(with_a_route_of_each());
    assert!(peering.was_found(Side::Local, &text("rtb-found"), range(HERE)));
    assert!(!peering.was_found(Side::Local, &text("rtb-ours"), range(HERE)));
    let ours = Leftover::Route {
        side: Side::Local,
        route_table: text("rtb-ours"),
        destination: range(HERE),
    };
    assert_eq!(peering.leftovers(), [Leftover::Link { link: link() }, ours]);
    let withdrawal = recorded(with_a_route_of_each().into_iter().chain([withdrawn(
        Side::Local,
        HERE,
        None,
    )]));
    assert_eq!(
        withdrawal.withdrawn.local[&range(HERE)].installed,
        [(text("rtb-ours"), now())].into()
    );
}

#[test]
fn a_withdrawn_route_that_was_there_before_is_nothing_to_wait_for() {
    let found = surveyed(&[found_route(Side::Local, HERE, "rtb-found")]);
    let events = adopted_history([
        found.into(),
        route_accepted(Side::Local, HERE),
        withdrawn(Side::Local, HERE, None),
    ]);
    given(events.clone())
        .when(Outcome::from(route_installed(
            Side::Local,
            HERE,
            "rtb-found",
        )))
        .then_nothing();
    assert!(recorded(events).withdrawn.local.is_empty());
}

#[test]
fn a_link_of_which_a_half_is_on_record_neither_expires_nor_is_rejected() {
    let half = NetworkEvent::from(HalfMade {
        peering_id: peering_id(1),
        side: Side::Local,
        link: None,
    });
    let expired = PeeringExpired {
        peering_id: peering_id(1),
        link: link(),
    };
    let rejected = PeeringRejected {
        peering_id: peering_id(1),
        link: link(),
    };
    let endings = [
        (Outcome::Expired(expired.clone()), expired.into()),
        (Outcome::Rejected(rejected.clone()), rejected.into()),
    ];
    for (outcome, event) in endings {
        given(history([started(1), initiated(), half.clone()]))
            .when(outcome.clone())
            .then_refused(Refusal::OutcomeOutOfOrder {
                peering_id: peering_id(1),
                life: "awaiting_acceptance",
                outcome: "an end with a half still in place",
            });
        given(history([started(1), initiated()]))
            .when(outcome)
            .then([event]);
    }
}
