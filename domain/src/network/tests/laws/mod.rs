//! Laws that hold for every history and every command, tried with generated ones.

mod ended;
mod generators;
mod values;

use super::{super::*, now, samples::*};
use crate::{ids::CommandId, range::Range, side::Side, text::Link};
pub(super) use generators::as_event;
use generators::{a_command, an_event, an_outcome, any_command, any_event};
use proptest::{collection::vec, prelude::*};
use std::collections::BTreeSet;
use uuid::Uuid;
use values::{PEERINGS, a_range};

/// The ids of the `n`-th command of a history. Requests use the ids that the generated peerings are
/// named by.
fn ids(n: usize) -> Ids {
    Ids::of(CommandId(Uuid::from_u128(n as u128 % PEERINGS)))
}

/// A command out of the blue; or what a cloud where all goes well would show next of the `n`-th
/// peering; or that the first of its routes be replaced or withdrawn.
#[derive(Clone, Debug)]
enum Step {
    Ask(Box<NetworkCommand>),
    Go(usize),
    Back(usize, Option<Range>),
}

fn a_step() -> impl Strategy<Value = Step> {
    let n = || 0..PEERINGS as usize;
    let back = (n(), proptest::option::of(a_range())).prop_map(|(n, to)| Step::Back(n, to));
    prop_oneof![8 => a_command().prop_map(|it| Step::Ask(Box::new(it))), 12 => n().prop_map(Step::Go), 3 => back]
}

fn command(state: &Network, step: Step) -> Option<NetworkCommand> {
    let Network::Registered(network) = state else {
        return None;
    };
    match step {
        Step::Ask(command) => Some(*command),
        Step::Go(n) => network
            .peerings()
            .values()
            .nth(n)
            .and_then(next)
            .map(Into::into),
        Step::Back(n, to) => network
            .peerings()
            .values()
            .nth(n)
            .and_then(|peering| back(peering, to)),
    }
}

fn back(peering: &Peering, to: Option<Range>) -> Option<NetworkCommand> {
    let side = Side::BOTH
        .into_iter()
        .find(|side| !peering.routes.get(*side).is_empty())?;
    let (destination, _) = peering.routes.get(side).first_key_value()?;
    let (peering_id, destination) = (peering.id, *destination);
    Some(match to {
        Some(to) => ReplaceRoute {
            peering_id,
            side,
            from: destination,
            to,
        }
        .into(),
        None => WithdrawRoute {
            peering_id,
            side,
            destination,
        }
        .into(),
    })
}

/// What comes next of this peering; each has a link of its own.
fn next(peering: &Peering) -> Option<Outcome> {
    let peering_id = peering.id;
    let own: Link = text(&format!("pcx-{}", peering.id.0.simple()));
    match &peering.life {
        Life::Requested => Some(
            PeeringInitiationStarted {
                peering_id,
                attempt: 1,
                started_at: now(),
            }
            .into(),
        ),
        Life::InitiationRefused { attempt } => Some(
            PeeringInitiationStarted {
                peering_id,
                attempt: attempt.saturating_add(1),
                started_at: now(),
            }
            .into(),
        ),
        Life::Initiating { .. } => Some(
            PeeringInitiated {
                peering_id,
                link: own,
                expires_at: None,
            }
            .into(),
        ),
        Life::AwaitingAcceptance { link, .. } => Some(
            PeeringAccepted {
                peering_id,
                link: link.clone(),
                evidence: None,
            }
            .into(),
        ),
        Life::Provisioning { link } => Some(
            PeeringActivated {
                peering_id,
                link: link.clone(),
            }
            .into(),
        ),
        Life::Active { .. } => next_on_link(peering),
        Life::Removing { trace, .. } => next_of_removal(peering, trace),
        Life::Abandoning { .. } => Some(
            PeeringAbandoned {
                peering_id,
                reason: reason_given("because"),
                left_behind: Vec::new(),
                not_observed: Vec::new(),
            }
            .into(),
        ),
        Life::Ended(_) => None,
    }
}

fn next_on_link(peering: &Peering) -> Option<Outcome> {
    let peering_id = peering.id;
    if let Origin::Adopted { found: None } = peering.origin {
        return Some(
            PeeringSurveyed {
                peering_id,
                routes: Vec::new(),
                names: Vec::new(),
                options: Vec::new(),
            }
            .into(),
        );
    }
    let route = |side| {
        let (destination, _) = peering
            .routes
            .get(side)
            .iter()
            .find(|(_, route)| route.installed.is_empty())?;
        let (destination, route_table) = (*destination, text("rtb-01"));
        if !peering.owns_route(side, &route_table, destination) {
            let at = route_table.into();
            let things = vec![Thing::Route { at, destination }];
            let started = InstallationStarted {
                peering_id,
                side,
                things,
            };
            return Some(started.into());
        }
        let installed = RouteInstalled {
            peering_id,
            side,
            destination,
            route_table,
        };
        Some(installed.into())
    };
    let firewall = |side| {
        let firewall = peering.firewall.get(side);
        let admit = firewall.admit.iter().copied().collect();
        (!firewall.is_enforced()).then(|| {
            FirewallEnforced {
                peering_id,
                side,
                group: group("sg-01"),
                admit,
                attached: None,
            }
            .into()
        })
    };
    Side::BOTH
        .into_iter()
        .find_map(route)
        .or_else(|| Side::BOTH.into_iter().find_map(firewall))
}

fn next_of_removal(peering: &Peering, trace: &LinkTrace) -> Option<Outcome> {
    let peering_id = peering.id;
    for remnant in peering.leftovers() {
        match remnant {
            Leftover::PossibleLink | Leftover::Link { .. } | Leftover::OtherRoute { .. } => {}
            Leftover::Half { side, .. } | Leftover::PossibleHalf { side, .. } => {
                let link = None;
                return Some(
                    HalfRemoved {
                        peering_id,
                        side,
                        link,
                    }
                    .into(),
                );
            }
            Leftover::Route {
                side,
                route_table,
                destination,
            } => {
                return Some(
                    RouteRemoved {
                        peering_id,
                        side,
                        destination,
                        route_table,
                    }
                    .into(),
                );
            }
            Leftover::Denial { side, denial } => {
                return Some(
                    DenialRemoved {
                        peering_id,
                        side,
                        denial,
                    }
                    .into(),
                );
            }
            Leftover::FirewallGroup { side, group } => {
                return Some(
                    FirewallGroupRemoved {
                        peering_id,
                        side,
                        group,
                    }
                    .into(),
                );
            }
            Leftover::PossibleThing { side, thing } => {
                return Some(
                    InstallationEnded {
                        peering_id,
                        side,
                        things: vec![thing],
                    }
                    .into(),
                );
            }
            Leftover::FirewallRule { side, rule_id } => {
                let (rule, _) = peering
                    .firewall
                    .get(side)
                    .rules
                    .iter()
                    .find(|(_, id)| **id == rule_id)?;
                return Some(
                    FirewallRuleRevoked {
                        peering_id,
                        side,
                        rule: *rule,
                        rule_id,
                    }
                    .into(),
                );
            }
        }
    }
    match trace {
        LinkTrace::Seen(link) if peering.made_the_link() => Some(
            LinkRemoved {
                peering_id,
                link: link.clone(),
            }
            .into(),
        ),
        LinkTrace::Seen(link) => Some(
            PeeringAbandoned {
                peering_id,
                reason: reason_given("over"),
                left_behind: vec![Leftover::Link { link: link.clone() }],
                not_observed: Vec::new(),
            }
            .into(),
        ),
        LinkTrace::Never | LinkTrace::Perhaps { .. } | LinkTrace::Gone(_) => Some(
            PeeringRemoved {
                peering_id,
                left_behind: Vec::new(),
            }
            .into(),
        ),
    }
}

fn live_pairs(network: &Registered) -> impl Iterator<Item = (&Peering, &Peering)> {
    let live: Vec<_> = network.live_peerings().collect();
    (0..live.len()).flat_map(move |at| {
        let live = live.clone();
        (at + 1..live.len())
            .map(move |other| (live[at], live[other]))
            .collect::<Vec<_>>()
    })
}

fn assert_sound(network: &Registered) {
    for peering in network.peerings().values() {
        assert_sides_are_sound(peering);
        let waits = peering.blocked.is_some() || !peering.drift.is_empty();
        assert!(
            peering.life.is_live() || !waits,
            "what has ended waits for nobody"
        );
    }
    for peering in network.live_peerings() {
        assert!(
            !peering
                .peer
                .ranges
                .iter()
                .any(|range| range.overlaps(&network.range))
        );
        let admitted = peering.firewall.local.admit.iter();
        let sources = admitted.filter_map(|rule| rule.source.range());
        assert!(
            sources.into_iter().all(|source| peering
                .peer
                .ranges
                .iter()
                .any(|own| own.contains(&source)))
        );
        let targets = peering.ingress.values().map(|ingress| ingress.target);
        assert!(
            targets.into_iter().all(|target| peering
                .peer
                .ranges
                .iter()
                .any(|own| own.contains(&target)))
        );
    }
    for (one, other) in live_pairs(network) {
        assert!(
            !one.peer.is_same_network(&other.peer),
            "two live links to one peer"
        );
        assert!(
            !one.routes.local.keys().any(|range| other
                .routes
                .local
                .keys()
                .any(|it| it.overlaps(range))),
            "a destination of two live peerings"
        );
        assert!(
            one.life.link().is_none() || one.life.link() != other.life.link(),
            "one link of two live peerings"
        );
    }
}

fn assert_sides_are_sound(peering: &Peering) {
    let open: BTreeSet<_> = peering.ingress.values().flat_map(Ingress::rules).collect();
    assert_eq!(
        peering.firewall.remote.admit, open,
        "the remote side admits the open ingresses and nothing else"
    );
    for side in Side::BOTH {
        let (routes, withdrawn) = (peering.routes.get(side), peering.withdrawn.get(side));
        assert!(
            routes
                .keys()
                .chain(withdrawn.keys())
                .all(|it| peering.ever_accepted.get(side).contains_key(it)),
            "a route nobody asked for"
        );
        assert!(
            !routes.keys().any(|it| withdrawn.contains_key(it)),
            "a route both wanted and not"
        );
        for (destination, route) in withdrawn {
            assert!(
                !route.installed.is_empty(),
                "what is gone is still waited for"
            );
            assert!(
                route.replaced_by.is_none_or(|by| routes.contains_key(&by)),
                "waiting for a route that nobody wants"
            );
            assert!(
                !route
                    .installed
                    .keys()
                    .any(|table| peering.was_found(side, table, *destination)),
                "somebody else's route is to go"
            );
        }
        if let Some(seen) = peering.routes_in_place.get(side) {
            assert!(
                routes.keys().eq(&seen.destinations),
                "routes in place that are not those that were accepted"
            );
            assert!(
                routes.values().all(|route| route.conflicts.is_empty()),
                "routes in place beside a conflict"
            );
        }
        for (table, destination) in peering.foreign.get(side) {
            assert!(
                !peering.owns_route(side, table, *destination),
                "somebody else's route is the engine's"
            );
        }
        let firewall = peering.firewall.get(side);
        assert!(
            !firewall.is_enforced() || firewall.group.is_some(),
            "a posture without a group to keep it"
        );
    }
}

/// Whoever ends a peering says what is left of it: nothing that the log knew of is neither gone nor
/// named.
fn assert_nothing_is_lost(before: &Network, after: &Network) {
    let (Network::Registered(before), Network::Registered(after)) = (before, after) else {
        return;
    };
    for peering in before.live_peerings() {
        let Some(ending) = after.peerings()[&peering.id].life.ending() else {
            continue;
        };
        let is_accounted_for = |remnant: &Leftover| match (remnant, ending) {
            (Leftover::PossibleLink, Ending::Removed { .. }) => true,
            (
                Leftover::Link { link },
                Ending::Rejected { link: over } | Ending::Expired { link: over },
            ) => link == over,
            (Leftover::Link { link }, Ending::Failed { link: over, .. }) => {
                Some(link) == over.as_ref()
            }
            (named, _) => ending.left_behind().contains(named),
        };
        let lost: Vec<_> = peering
            .leftovers()
            .into_iter()
            .filter(|it| !is_accounted_for(it))
            .collect();
        assert_eq!(lost, [], "{}", ending.as_str());
    }
}

/// A request stands in the log with the denial of everything inbound beside it.
fn assert_closed(events: &[NetworkEvent]) {
    for event in events {
        if matches!(
            event,
            NetworkEvent::PeeringRequested(_) | NetworkEvent::PeeringAdopted(_)
        ) && let Some(id) = event.peering_id()
        {
            let denied: BTreeSet<_> = events.iter().filter_map(|it| denied_side(it, id)).collect();
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
        events in vec(any_event(), 0..60), command in any_command(),
    ) {
        let state = super::fold(events);
        let answer = decide(&state, &command, &Context::default(), now(), ids(0));
        prop_assert_eq!(answer, decide(&state, &command, &Context::default(), now(), ids(0)));
    }

    #[test]
    fn the_same_history_gives_the_same_state_and_so_does_its_stored_form(events in vec(any_event(), 0..60)) {
        let stored: Vec<_> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        let read = stored.iter().map(|event| serde_json::from_str::<NetworkEvent>(event).unwrap());
        prop_assert_eq!(super::fold(read), super::fold(events));
    }

    #[test]
    fn a_state_survives_the_way_through_json(events in vec(an_event(), 0..60)) {
        let state = super::fold(std::iter::once(registered()).chain(events));
        let stored = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<Network>(&stored).unwrap(), state);
    }

    #[test]
    fn a_peering_folds_the_same_without_its_neighbours(events in vec(an_event(), 0..60), next in an_event()) {
        let Network::Registered(mut network) = super::fold(std::iter::once(registered()).chain(events)) else { panic!("the network is gone") };
        let whole = evolve(Network::Registered(network.clone()), &next, now());
        let id = next.peering_id();
        let neighbours: Vec<_> = network.peerings().iter().filter(|(known, _)| Some(**known) != id).map(|(id, it)| (*id, it.clone())).collect();
        network.connections.peerings.retain(|known, _| Some(*known) == id);
        let alone = evolve(Network::Registered(network), &next, now());
        let (Network::Registered(mut alone) | Network::Retired(mut alone)) = alone else { panic!("the network is gone") };
        alone.connections.peerings.extend(neighbours);
        let (Network::Registered(whole) | Network::Retired(whole)) = whole else { panic!("the network is gone") };
        prop_assert_eq!(alone, whole);
    }

    #[test]
    fn what_has_ended_is_changed_by_nothing_but_a_renewal(events in vec(an_event(), 0..60), late in vec(an_event(), 1..20)) {
        let Network::Registered(network) = super::fold(std::iter::once(registered()).chain(events)) else { panic!("the network is gone") };
        let late = late.into_iter().filter(|event| !matches!(event, NetworkEvent::PeeringRenewed(_)));
        let Network::Registered(after) = late.fold(Network::Registered(network.clone()), |state, event| evolve(state, &event, now())) else {
            panic!("the network is gone")
        };
        for peering in network.peerings().values().filter(|it| !it.life.is_live()) {
            prop_assert_eq!(&after.peerings()[&peering.id], peering);
        }
    }

    #[test]
    fn an_event_that_no_network_is_on_record_for_changes_nothing(outcome in an_outcome()) {
        prop_assert_eq!(evolve(Network::Unregistered, &as_event(outcome), now()), Network::Unregistered);
    }

    #[test]
    fn whatever_is_asked_the_network_stays_sound(steps in vec(a_step(), 1..120)) {
        let mut state = super::fold([registered()]);
        let mut requests = 0;
        for step in steps {
            let Some(command) = command(&state, step) else { continue };
            // A peering's id comes from its request, so the log never sees one requested twice.
            let asks = matches!(command, NetworkCommand::RequestPeering(_) | NetworkCommand::AdoptPeering(_));
            if asks && requests as u128 == PEERINGS {
                continue;
            }
            if let Ok(events) = decide(&state, &command, &Context::default(), now(), ids(requests)) {
                requests += usize::from(asks);
                assert_closed(&events);
                let after = events.iter().fold(state.clone(), |state, event| evolve(state, event, now()));
                assert_nothing_is_lost(&state, &after);
                state = after;
            }
            let (Network::Registered(network) | Network::Retired(network)) = &state else { panic!("the network is gone") };
            assert_sound(network);
        }
    }

    #[test]
    fn what_a_users_command_says_is_never_taken_for_an_outcome_alone(events in vec(an_event(), 0..60), command in any_command()) {
        let state = super::fold(std::iter::once(registered()).chain(events));
        if !matches!(command, NetworkCommand::Record(_)) {
            let decided = decide(&state, &command, &Context::default(), now(), Ids::of(super::COMMAND));
            prop_assert!(decided.iter().flatten().all(|event| !event.is_outcome()));
        }
    }

    #[test]
    fn an_outcome_said_twice_is_recorded_once(events in vec(an_event(), 0..40), outcome in an_outcome()) {
        let state = super::fold(std::iter::once(registered()).chain(events));
        let command = NetworkCommand::Record(outcome);
        if let Ok(first) = decide(&state, &command, &Context::default(), now(), ids(0)) {
            let state = first.iter().fold(state, |state, event| evolve(state, event, now()));
            prop_assert_eq!(decide(&state, &command, &Context::default(), now(), ids(0)), Ok(Vec::new()));
        }
    }

    #[test]
    fn an_intent_said_twice_changes_nothing_the_second_time(events in vec(an_event(), 0..40), command in a_command()) {
        let state = super::fold(std::iter::once(registered()).chain(events));
        if let Ok(first) = decide(&state, &command, &Context::default(), now(), Ids::of(super::COMMAND)) {
            let state = first.iter().fold(state, |state, event| evolve(state, event, now()));
            let again = decide(&state, &command, &Context::default(), now(), Ids::of(super::COMMAND)).unwrap_or_default();
            prop_assert_eq!(again.iter().fold(state.clone(), |state, event| evolve(state, event, now())), state);
        }
    }

    #[test]
    fn every_event_survives_the_way_through_json(event in an_event()) {
        let json = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(serde_json::from_str::<NetworkEvent>(&json).unwrap(), event);
    }
}
