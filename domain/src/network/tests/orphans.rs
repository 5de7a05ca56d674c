//! Orphans: found once, removed on request, never what a live peering accounts for.

use super::{super::*, now, samples::*};
use crate::text::OrphanId;

fn the_group() -> OrphanThing {
    OrphanThing::FirewallGroup {
        group: group("sg-0e1f2a3b4c5d6e7f8"),
    }
}

fn found(peering: PeeringId, thing: OrphanThing, is_copy: bool) -> OrphanFound {
    let home = register();
    OrphanFound {
        network_id: network_id(),
        peering_id: peering,
        account: home.account,
        region: home.region,
        cloud_network: home.cloud_network,
        thing,
        is_copy,
    }
}

fn after(outcomes: &[Outcome]) -> Network {
    let mut state = evolve(Network::Unregistered, &registered(), now());
    for outcome in outcomes {
        for event in decided(&state, &NetworkCommand::Record(outcome.clone())).unwrap() {
            state = evolve(state, &event, now());
        }
    }
    state
}

fn decided(state: &Network, command: &NetworkCommand) -> Result<Vec<NetworkEvent>, Refusal> {
    let ids = Ids::of(crate::CommandId(uuid::Uuid::from_u128(77)));
    decide(state, command, &Context::default(), now(), ids)
}

fn remove(thing: &OrphanThing) -> NetworkCommand {
    RemoveOrphan {
        orphan: thing.id().unwrap(),
        reason: reason_given("left over"),
    }
    .into()
}

fn names(events: &[NetworkEvent]) -> Vec<&'static str> {
    events.iter().map(NetworkEvent::name).collect()
}

fn orphans(state: &Network) -> &std::collections::BTreeMap<OrphanId, Orphan> {
    match state {
        Network::Registered(network) | Network::Retired(network) => &network.orphans,
        Network::Unregistered | Network::Marked(_) => panic!("no network"),
    }
}

#[test]
fn an_orphan_is_told_once_and_again_only_when_it_changed() {
    let thing = the_group();
    let once = found(peering_id(9), thing.clone(), false);
    let state = after(&[once.clone().into()]);
    let again =
        |it: OrphanFound| names(&decided(&state, &NetworkCommand::Record(it.into())).unwrap());
    assert_eq!(again(once.clone()), [] as [&str; 0]);
    assert_eq!(again(found(peering_id(9), thing, true)), ["OrphanFound"]);
}

#[test]
fn a_removal_is_asked_for_once_and_after_it_failed_again() {
    let thing = the_group();
    let mut state = after(&[found(peering_id(9), thing.clone(), false).into()]);
    for event in decided(&state, &remove(&thing)).unwrap() {
        state = evolve(state, &event, now());
    }
    assert!(orphans(&state).values().all(Orphan::is_to_go));
    assert_eq!(decided(&state, &remove(&thing)).unwrap(), []);
    let failed = OrphanRemovalFailed {
        network_id: network_id(),
        peering_id: peering_id(9),
        orphan: thing.id().unwrap(),
        message: "in use".to_owned(),
    };
    for event in decided(&state, &NetworkCommand::Record(failed.into())).unwrap() {
        state = evolve(state, &event, now());
    }
    assert!(!orphans(&state).values().any(Orphan::is_to_go));
    assert_eq!(
        names(&decided(&state, &remove(&thing)).unwrap()),
        ["OrphanRemovalRequested"]
    );
}

#[test]
fn a_copy_is_never_removed_and_what_becomes_one_is_no_longer_to_go() {
    let thing = the_group();
    let copy = found(peering_id(9), thing.clone(), true);
    let state = after(&[copy.clone().into()]);
    assert!(matches!(
        decided(&state, &remove(&thing)),
        Err(Refusal::OrphanIsACopy(_))
    ));
    let mut state = after(&[found(peering_id(9), thing.clone(), false).into()]);
    for event in decided(&state, &remove(&thing)).unwrap() {
        state = evolve(state, &event, now());
    }
    state = evolve(state, &copy.into(), now());
    assert!(!orphans(&state).values().any(Orphan::is_to_go));
}

#[test]
fn no_more_than_so_many_orphans_are_on_record() {
    let one = |n: usize| {
        let group = format!("sg-{n}").parse().unwrap();
        found(peering_id(9), OrphanThing::FirewallGroup { group }, false)
    };
    let all: Vec<Outcome> = (0..MOST_ORPHANS + 7).map(|n| one(n).into()).collect();
    let mut state = after(&all);
    assert_eq!(orphans(&state).len(), MOST_ORPHANS);
    let gone = OrphanCleared {
        network_id: network_id(),
        peering_id: peering_id(9),
        orphan: "sg-0".parse().unwrap(),
        end: OrphanEnd::Gone,
    };
    state = evolve(state, &gone.into(), now());
    assert_eq!(orphans(&state).len(), MOST_ORPHANS - 1);
}
