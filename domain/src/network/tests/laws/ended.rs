//! Folding together what has ended changes no decision, and no later state but for what was folded.

use super::*;
use crate::text::RouteTable;

/// The same network with everything folded together that can be.
fn folded(state: &Network) -> Network {
    let mut folded = state.clone();
    folded.fold_ended();
    folded
}

fn registered_in(state: &Network) -> &Registered {
    let (Network::Registered(network) | Network::Retired(network)) = state else {
        panic!("the network is gone")
    };
    network
}

proptest! {
    #[test]
    fn folding_together_what_has_ended_changes_no_decision_and_no_later_state(
        steps in vec(a_step(), 1..120),
        asked in vec(any_command(), 1..20),
    ) {
        let (mut whole, mut tidy) = (super::super::fold([registered()]), super::super::fold([registered()]));
        let mut requests = 0;
        for step in steps {
            let Some(command) = command(&whole, step) else { continue };
            let asks = matches!(command, NetworkCommand::RequestPeering(_) | NetworkCommand::AdoptPeering(_));
            if asks && requests as u128 == PEERINGS {
                continue;
            }
            let decided = decide(&whole, &command, &Context::default(), now(), ids(requests));
            prop_assert_eq!(&decided, &decide(&tidy, &command, &Context::default(), now(), ids(requests)));
            for event in decided.iter().flatten() {
                tidy.fold_ended();
                (whole, tidy) = (evolve(whole, event, now()), evolve(tidy, event, now()));
            }
            requests += usize::from(asks && decided.is_ok());
            prop_assert_eq!(folded(&whole), folded(&tidy));
        }
        for command in asked {
            let of = |state: &Network| decide(state, &command, &Context::default(), now(), Ids::of(super::super::COMMAND));
            prop_assert_eq!(of(&whole), of(&tidy));
            prop_assert_eq!(of(&whole), of(&folded(&tidy)));
        }
    }

    #[test]
    fn what_was_folded_together_keeps_every_link_route_rule_and_leftover(events in vec(an_event(), 0..80)) {
        let whole = super::super::fold(std::iter::once(registered()).chain(events));
        let folded = folded(&whole);
        let (whole, folded) = (registered_in(&whole), registered_in(&folded));
        prop_assert_eq!(whole.peerings().len(), folded.peerings().len() + folded.ended_peerings().len());
        for (id, peering) in whole.peerings() {
            let Some(ended) = folded.ended_peerings().get(id) else {
                prop_assert_eq!(folded.peerings().get(id), Some(peering));
                continue;
            };
            prop_assert!(!peering.life.is_live());
            prop_assert_eq!(ended.ending.left_behind(), &peering.leftovers()[..]);
            prop_assert!(peering.life.link().is_none_or(|it| ended.knows(it)));
            prop_assert!(peering.past_links.iter().all(|it| ended.knows(it)));
            for side in Side::BOTH {
                let firewall = peering.firewall.get(side);
                prop_assert!(firewall.rules.iter().all(|(rule, id)| ended.rules.get(side).contains(&(*rule, id.clone()))));
                prop_assert!(firewall.group.iter().all(|it| ended.groups.get(side).contains(it)));
                prop_assert!(peering.ever_accepted.get(side).keys().all(|it| ended.destinations.get(side).contains(it)));
                prop_assert_eq!(ended.intents.get(side), peering.intents.get(side));
                for (destination, route) in peering.routes.get(side) {
                    let thing = |table: &RouteTable| Thing::Route { at: table.clone().into(), destination: *destination };
                    let ours = route.installed.keys().filter(|it| peering.is_ours(side, &thing(it)));
                    for table in ours {
                        let is_foreign = peering.foreign.get(side).contains(&(table.clone(), *destination));
                        prop_assert_eq!(ended.routes.get(side).contains(&(table.clone(), *destination)), !is_foreign);
                    }
                }
            }
        }
    }

    #[test]
    fn stored_at_any_event_and_folded_on_from_there_a_network_is_what_its_whole_history_folds_to(events in vec(any_event(), 0..24)) {
        let tidied = |mut state: Network, event: &NetworkEvent| {
            state.fold_ended();
            evolve(state, event, now())
        };
        let events: Vec<_> = std::iter::once(registered()).chain(events).collect();
        let whole = events.iter().fold(Network::default(), tidied);
        let mut state = Network::default();
        for (done, event) in events.iter().enumerate() {
            state = tidied(state, event);
            let stored = serde_json::to_vec(&state).unwrap();
            let read = serde_json::from_slice::<Network>(&stored).unwrap();
            prop_assert_eq!(&read, &state);
            let after = events[done + 1..].iter().fold(read, tidied);
            prop_assert_eq!(serde_json::to_vec(&after).unwrap(), serde_json::to_vec(&whole).unwrap());
        }
    }

    #[test]
    fn a_network_with_folded_peerings_survives_the_way_through_json(events in vec(an_event(), 0..80)) {
        let state = folded(&super::super::fold(std::iter::once(registered()).chain(events)));
        let stored = serde_json::to_string(&state).unwrap();
        let read = serde_json::from_str::<Network>(&stored).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), stored);
        prop_assert_eq!(read, state);
    }
}

#[test]
fn a_copy_of_a_network_shares_the_peerings_that_an_event_is_not_about() {
    let before = super::super::fold([registered(), requested(1), requested(2)]);
    let after = evolve(before.clone(), &started(1), now());
    let (before, after) = (registered_in(&before), registered_in(&after));
    let same = |n| {
        std::ptr::eq(
            &before.peerings()[&peering_id(n)],
            &after.peerings()[&peering_id(n)],
        )
    };
    assert_eq!((same(1), same(2)), (false, true));
}

#[test]
fn thousands_of_ended_peerings_are_found_again_and_a_copy_shares_them() {
    let mut network = registered_in(&super::super::fold([registered()])).clone();
    let expired = super::super::recorded([
        registered(),
        requested(1),
        started(1),
        initiated(),
        expired(),
    ]);
    let ended = EndedPeering::of(&expired).expect("it has ended");
    let id = |n: u128| PeeringId(Uuid::from_u128(n * 7919 % 5_003));
    for n in 1..5_000 {
        network
            .connections
            .ended_peerings
            .insert(id(n), ended.clone());
    }
    let copy = network.clone();
    network
        .connections
        .ended_peerings
        .insert(PeeringId(Uuid::from_u128(9_999)), ended.clone());
    assert_eq!(
        (copy.ended_peerings().len(), network.ended_peerings().len()),
        (4_999, 5_000)
    );
    assert!((1..5_000).all(|n| network.ended_peerings().get(&id(n)) == Some(&ended)));
    assert!(
        !copy
            .ended_peerings()
            .contains_key(&PeeringId(Uuid::from_u128(9_999)))
    );
}
