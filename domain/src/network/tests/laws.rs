//! Laws that hold for every history and every command, tried with generated ones.

use super::{super::*, now, samples::*};
use crate::{
    ids::CommandId,
    side::Side,
    text::{FirewallGroup, FirewallRule, Link, RouteTable},
};
use proptest::{collection::vec, prelude::*, sample::select};
use std::collections::BTreeSet;
use uuid::Uuid;

/// How many peerings the generated commands speak of; few, so that they meet.
const PEERINGS: u128 = 4;

fn a_peering() -> impl Strategy<Value = PeeringId> {
    (0..PEERINGS).prop_map(peering_id)
}

fn a_side() -> impl Strategy<Value = Side> {
    select(&Side::BOTH)
}

fn a_range() -> impl Strategy<Value = Range> {
    let written = ["10.20.0.0/16", "10.101.0.0/16", "10.101.7.0/24", "10.102.0.0/16", "10.100.0.0/14", "192.168.0.0/24", "172.16.0.0/12"];
    select(written.map(range).to_vec())
}

fn a_peer() -> impl Strategy<Value = Peer> {
    (1..5_u8, vec(a_range(), 0..3)).prop_map(|(n, ranges)| Peer { ranges, ..peer(n) })
}

fn a_link() -> impl Strategy<Value = Link> {
    select(vec![link(), other_link()])
}

fn a_rule() -> impl Strategy<Value = InboundRule> {
    (a_range(), select(vec![0, 443, 2113])).prop_map(|(source, port)| InboundRule { source, port })
}

fn a_table() -> impl Strategy<Value = RouteTable> {
    select(vec![text("rtb-01"), text("rtb-02")])
}

fn a_group() -> impl Strategy<Value = FirewallGroup> {
    select(vec![group("sg-01"), group("sg-02")])
}

fn a_rule_id() -> impl Strategy<Value = FirewallRule> {
    select(vec![text("sgr-01"), text("sgr-02")])
}

fn an_attempt() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1..4_u32, 1 => Just(0), 1 => Just(u32::MAX)]
}

/// What happens to links, in any order.
fn a_life_event() -> impl Strategy<Value = Outcome> {
    let message = || "the provider says no".to_owned();
    prop_oneof![
        (a_peering(), an_attempt()).prop_map(|(peering_id, attempt)| Outcome::InitiationStarted(PeeringInitiationStarted {
            peering_id,
            attempt,
            started_at: now()
        })),
        (a_peering(), an_attempt())
            .prop_map(|(peering_id, attempt)| Outcome::InitiationRefused(PeeringInitiationRefused { peering_id, attempt })),
        (a_peering(), a_link()).prop_map(|(peering_id, link)| Outcome::Initiated(PeeringInitiated { peering_id, link, expires_at: None })),
        (a_peering(), a_link()).prop_map(|(peering_id, link)| Outcome::Accepted(PeeringAccepted { peering_id, link, evidence: None })),
        (a_peering(), a_link()).prop_map(|(peering_id, link)| Outcome::Activated(PeeringActivated { peering_id, link })),
        (a_peering(), a_link()).prop_map(|(peering_id, link)| Outcome::Rejected(PeeringRejected { peering_id, link })),
        (a_peering(), a_link()).prop_map(|(peering_id, link)| Outcome::Expired(PeeringExpired { peering_id, link })),
        (a_peering(), proptest::option::of(a_link())).prop_map(move |(peering_id, link)| Outcome::Failed(PeeringFailed {
            peering_id,
            link,
            message: message()
        })),
    ]
}

/// What happens to routes and firewalls, and blocks.
fn a_setup_event() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        (a_peering(), a_side(), a_range(), a_table()).prop_map(|(peering_id, side, destination, route_table)| {
            Outcome::RouteInstalled(RouteInstalled { peering_id, side, destination, route_table })
        }),
        (a_peering(), a_side(), a_range(), a_table()).prop_map(|(peering_id, side, destination, route_table)| {
            let target = "tgw-01".to_owned();
            Outcome::RouteConflicted(RouteConflicted { peering_id, side, destination, route_table, target })
        }),
        (a_peering(), a_side(), a_group()).prop_map(|(peering_id, side, group)| Outcome::FirewallGroupCreated(FirewallGroupCreated {
            peering_id,
            side,
            group
        })),
        (a_peering(), a_side(), a_rule(), a_rule_id()).prop_map(|(peering_id, side, rule, rule_id)| {
            Outcome::FirewallRuleAuthorized(FirewallRuleAuthorized { peering_id, side, rule, rule_id })
        }),
        (a_peering(), a_side(), a_rule(), a_rule_id()).prop_map(|(peering_id, side, rule, rule_id)| {
            Outcome::FirewallRuleRevoked(FirewallRuleRevoked { peering_id, side, rule, rule_id })
        }),
        (a_peering(), a_side(), a_group(), vec(a_rule(), 0..2)).prop_map(|(peering_id, side, group, admit)| {
            Outcome::FirewallEnforced(FirewallEnforced { peering_id, side, group, admit })
        }),
        a_peering().prop_map(|peering_id| Outcome::Blocked(ProvisioningBlocked { peering_id, ..blocked(BlockCause::Unexpected) })),
        a_peering().prop_map(|peering_id| Outcome::Unblocked(ProvisioningUnblocked { peering_id })),
    ]
}

fn an_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![3 => a_life_event(), 2 => a_setup_event()]
}

fn a_command() -> impl Strategy<Value = NetworkCommand> {
    prop_oneof![
        1 => Just(NetworkCommand::RegisterNetwork(register())),
        4 => a_peer().prop_map(|peer| RequestPeering { peer, terms: Terms::default() }.into()),
        3 => (a_peering(), a_side(), a_range())
            .prop_map(|(peering_id, side, destination)| AcceptRoute { peering_id, side, destination }.into()),
        3 => (a_peering(), a_side(), vec(a_rule(), 0..3))
            .prop_map(|(peering_id, side, admit)| RestrictFirewall { peering_id, side, admit }.into()),
        12 => an_outcome().prop_map(Into::into),
    ]
}

/// The event that an outcome becomes when nothing stands in its way.
fn as_event(outcome: Outcome) -> NetworkEvent {
    match outcome {
        Outcome::InitiationStarted(it) => it.into(),
        Outcome::InitiationRefused(it) => it.into(),
        Outcome::Initiated(it) => it.into(),
        Outcome::ExpiryNear(it) => it.into(),
        Outcome::Accepted(it) => it.into(),
        Outcome::Activated(it) => it.into(),
        Outcome::Rejected(it) => it.into(),
        Outcome::Expired(it) => it.into(),
        Outcome::Failed(it) => it.into(),
        Outcome::DeadlinePassed(it) => it.into(),
        Outcome::Surveyed(it) => it.into(),
        Outcome::LinkRemoved(it) => it.into(),
        Outcome::Removed(it) => it.into(),
        Outcome::RouteInstalled(it) => it.into(),
        Outcome::RouteRemoved(it) => it.into(),
        Outcome::RouteConflicted(it) => it.into(),
        Outcome::FirewallGroupCreated(it) => it.into(),
        Outcome::FirewallGroupRemoved(it) => it.into(),
        Outcome::FirewallRuleAuthorized(it) => it.into(),
        Outcome::FirewallRuleRevoked(it) => it.into(),
        Outcome::FirewallEnforced(it) => it.into(),
        Outcome::FirewallExposed(it) => it.into(),
        Outcome::ExposureCleared(it) => it.into(),
        Outcome::IngressExpired(it) => it.into(),
        Outcome::DnsResolutionApplied(it) => it.into(),
        Outcome::DriftDetected(it) => it.into(),
        Outcome::DriftRepaired(it) => it.into(),
        Outcome::DriftAdopted(it) => it.into(),
        Outcome::Blocked(it) => it.into(),
        Outcome::Unblocked(it) => it.into(),
    }
}

/// Any event, whether or not it could ever follow.
fn an_event() -> impl Strategy<Value = NetworkEvent> {
    prop_oneof![
        1 => Just(registered()),
        3 => (a_peering(), a_peer())
            .prop_map(|(peering_id, peer)| PeeringRequested { peering_id, peer, requested_at: now(), terms: Terms::default(), external_id: None }.into()),
        3 => (a_peering(), a_side(), a_range())
            .prop_map(|(peering_id, side, destination)| RouteAccepted { peering_id, side, destination }.into()),
        3 => (a_peering(), a_side(), vec(a_rule(), 0..3))
            .prop_map(|(peering_id, side, admit)| FirewallRestricted { peering_id, side, admit }.into()),
        12 => an_outcome().prop_map(as_event),
    ]
}

/// The ids of the `n`-th command of a history. Requests use the ids that the generated peerings are named by.
fn ids(n: usize) -> Ids {
    Ids::of(CommandId(Uuid::from_u128(n as u128 % PEERINGS)))
}

fn live_pairs(network: &Registered) -> impl Iterator<Item = (&Peering, &Peering)> {
    let live: Vec<_> = network.live_peerings().collect();
    (0..live.len()).flat_map(move |at| {
        let live = live.clone();
        (at + 1..live.len()).map(move |other| (live[at], live[other])).collect::<Vec<_>>()
    })
}

fn assert_sound(network: &Registered) {
    for peering in network.peerings.values() {
        assert!(peering.firewall.remote.admit.is_empty(), "the remote side admits nothing");
        assert!(peering.life.is_live() || peering.blocked.is_none(), "what has ended waits for nobody");
    }
    for peering in network.live_peerings() {
        assert!(!peering.peer.ranges.iter().any(|range| range.overlaps(&network.range)));
        let sources = peering.firewall.local.admit.iter().map(|rule| rule.source);
        assert!(sources.into_iter().all(|source| peering.peer.ranges.iter().any(|own| own.contains(&source))));
    }
    for (one, other) in live_pairs(network) {
        assert!(!one.peer.is_same_network(&other.peer), "two live links to one peer");
        assert!(!one.peer.ranges.iter().any(|range| other.peer.ranges.iter().any(|it| it.overlaps(range))), "live ranges overlap");
    }
}

/// A request stands in the log with the denial of everything inbound beside it.
fn assert_closed(events: &[NetworkEvent]) {
    for event in events {
        if let NetworkEvent::PeeringRequested(requested) = event {
            let denied: BTreeSet<_> = events.iter().filter_map(|it| denied_side(it, requested.peering_id)).collect();
            assert_eq!(denied, Side::BOTH.into());
        }
    }
}

fn denied_side(event: &NetworkEvent, id: PeeringId) -> Option<Side> {
    if let NetworkEvent::FirewallRestricted(it) = event
        && it.peering_id == id
        && it.admit.is_empty()
    {
        return Some(it.side);
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_events_in_any_order_fold_to_some_state_and_any_command_gets_an_answer(
        events in vec(an_event(), 0..60), command in a_command(),
    ) {
        let state = super::fold(events);
        let answer = decide(&state, &command, now(), ids(0));
        prop_assert_eq!(answer, decide(&state, &command, now(), ids(0)));
    }

    #[test]
    fn an_event_that_no_network_is_on_record_for_changes_nothing(outcome in an_outcome()) {
        prop_assert_eq!(evolve(Network::Unregistered, &as_event(outcome)), Network::Unregistered);
    }

    #[test]
    fn whatever_is_asked_the_network_stays_sound(commands in vec(a_command(), 1..80)) {
        let mut state = super::fold([registered()]);
        let mut requests = 0;
        for command in commands {
            // A peering's id comes from its request, so the log never sees one requested twice.
            let asks = matches!(command, NetworkCommand::RequestPeering(_));
            if asks && requests as u128 == PEERINGS {
                continue;
            }
            if let Ok(events) = decide(&state, &command, now(), ids(requests)) {
                requests += usize::from(asks);
                assert_closed(&events);
                state = events.iter().fold(state, evolve);
            }
            let (Network::Registered(network) | Network::Retired(network)) = &state else { panic!("the network is gone") };
            assert_sound(network);
        }
    }

    #[test]
    fn an_outcome_said_twice_is_recorded_once(events in vec(an_event(), 0..40), outcome in an_outcome()) {
        let state = super::fold(std::iter::once(registered()).chain(events));
        let command = NetworkCommand::Record(outcome);
        if let Ok(first) = decide(&state, &command, now(), ids(0)) {
            let state = first.iter().fold(state, evolve);
            prop_assert_eq!(decide(&state, &command, now(), ids(0)), Ok(Vec::new()));
        }
    }

    #[test]
    fn an_intent_said_twice_changes_nothing_the_second_time(events in vec(an_event(), 0..40), command in a_command()) {
        let state = super::fold(std::iter::once(registered()).chain(events));
        if let Ok(first) = decide(&state, &command, now(), Ids::of(super::COMMAND)) {
            let state = first.iter().fold(state, evolve);
            let again = decide(&state, &command, now(), Ids::of(super::COMMAND)).unwrap_or_default();
            prop_assert_eq!(again.iter().fold(state.clone(), evolve), state);
        }
    }

    #[test]
    fn every_event_survives_the_way_through_json(event in an_event()) {
        let json = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(serde_json::from_str::<NetworkEvent>(&json).unwrap(), event);
    }
}
