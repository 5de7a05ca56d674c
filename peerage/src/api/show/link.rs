//! A peering: its link and its life, and all that the other topics say of it.

use super::{About, block, drift, firewall, hold, ingress, options, routes, tenure, text, texts};
use crate::api::{
    time::timestamp,
    v1::{self, leftover, possible_thing_leftover, removal},
    words::number,
};
use domain::network::{
    Ending, Evidence, FoundRoute, Leftover, Life, Origin, Peer, Peering, Removal, RemovalCause,
    Thing,
};

pub(in crate::api) fn peering(it: &Peering, about: About<'_>) -> v1::Peering {
    let (expires_at, expiry_warned) = match &it.life {
        Life::AwaitingAcceptance {
            expires_at, warned, ..
        } => (*expires_at, *warned),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Provisioning { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Abandoning { .. }
        | Life::Ended(_) => (None, false),
    };
    let (origin, found) = match &it.origin {
        Origin::Requested => (v1::Origin::Requested, None),
        Origin::Adopted { found } => (v1::Origin::Adopted, found.as_ref()),
    };
    v1::Peering {
        peering_id: it.id.to_string(),
        network_id: about.network_id.to_string(),
        network_name: about.network_name.to_owned(),
        peer: Some(peer(&it.peer)),
        state: number::<v1::PeeringState>(it.life.name()),
        converged: it.is_converged(),
        block: it.blocked.as_ref().map(block::block),
        origin: origin.into(),
        consent: number::<v1::Consent>(it.terms.consent),
        deadline: it.terms.deadline.map(timestamp),
        renew: it.terms.renew,
        accept_open: text(it.terms.accept_open.as_ref()),
        link: text(it.life.link()),
        past_links: texts(&it.past_links),
        external_id: text(it.external_id.as_ref()),
        requested_at: Some(timestamp(it.requested_at)),
        expires_at: expires_at.map(timestamp),
        expiry_warned,
        acceptance: acceptance(it),
        activated_at: it.activated_at.map(timestamp),
        removal: it.removal.as_ref().map(removal),
        failure: failure(&it.life),
        routes: routes::routes(it),
        firewall: firewall::firewall(about.network, it),
        ingress: ingress::ingress(it),
        dns: options::dns(it),
        options: options::options(it),
        drift: drift::drift(it, about.network_id),
        exposures: firewall::exposures(it, about.network_id),
        leftovers: it
            .life
            .ending()
            .map(Ending::left_behind)
            .unwrap_or_default()
            .iter()
            .map(leftover)
            .collect(),
        found_routes: found.into_iter().flatten().map(found_route).collect(),
        revision: about.revision,
        changed_at: Some(timestamp(about.changed_at)),
        frozen: about
            .network
            .frozen
            .as_ref()
            .filter(|_| it.life.is_live())
            .map(hold::hold),
        quarantines: about
            .network
            .quarantines_of(it)
            .filter(|_| it.life.is_live())
            .map(hold::quarantine)
            .collect(),
        suspended_routes: hold::suspended_routes(it),
        cloud: about.network.cloud.as_ref().map(super::cloud),
        left_alone: String::new(),
        history_fault: None,
        unconfirmed_ranges: texts(&it.unconfirmed),
        peer_immutable_id: text(it.peer_immutable_id.as_ref()),
        tenure: tenure::tenure(&it.tenure),
        ended_at: it.tenure_ended.map(timestamp),
        admissions: tenure::admissions(it),
        not_observed: it
            .life
            .ending()
            .map(Ending::not_observed)
            .unwrap_or_default()
            .iter()
            .map(|side| number::<v1::Side>(*side))
            .collect(),
    }
}

fn peer(peer: &Peer) -> v1::Peer {
    v1::Peer {
        provider: number::<v1::Provider>(peer.provider),
        account: peer.account.to_string(),
        region: peer.region.to_string(),
        cloud_network: peer.cloud_network.to_string(),
        ranges: texts(&peer.ranges),
        subnets: texts(&peer.subnets),
    }
}

/// That it was accepted: when, and how that is known where it was recorded.
fn acceptance(it: &Peering) -> Option<v1::Acceptance> {
    let accepted_at = it.accepted_at.map(timestamp);
    let when = |acceptance: v1::Acceptance| v1::Acceptance {
        accepted_at,
        ..acceptance
    };
    match &it.acceptance {
        Some(evidence) => Some(when(evidence_of(evidence))),
        None => accepted_at.map(|_| when(v1::Acceptance::default())),
    }
}

fn evidence_of(it: &Evidence) -> v1::Acceptance {
    v1::Acceptance {
        accepted_by: number::<v1::AcceptedBy>(it.accepted_by),
        account: it.account.to_string(),
        accepted_at: None,
        seen_at: Some(timestamp(it.seen_at)),
        seen_from: number::<v1::Side>(it.seen_from),
        cloud_state: it.shown.clone(),
    }
}

fn removal(it: &Removal) -> v1::Removal {
    let cause = match &it.cause {
        RemovalCause::Command { reason } => removal::Cause::Reason(reason.to_string()),
        RemovalCause::Deadline { passed } => removal::Cause::DeadlinePassed(timestamp(*passed)),
        RemovalCause::Expiry { passed } => removal::Cause::ExpiryPassed(timestamp(*passed)),
    };
    v1::Removal {
        since: Some(timestamp(it.since)),
        cause: Some(cause),
        link_removed_at: it.link_removed_at.map(timestamp),
        clean: it.clean.map(number::<v1::Side>).unwrap_or_default(),
    }
}

/// The cloud's own words, where it gave the link up.
fn failure(life: &Life) -> String {
    match life {
        Life::Ended(Ending::Failed { message, .. }) => message.clone(),
        Life::Ended(
            Ending::Rejected { .. }
            | Ending::Expired { .. }
            | Ending::Removed { .. }
            | Ending::Abandoned { .. },
        )
        | Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Abandoning { .. } => String::new(),
    }
}

fn leftover(it: &Leftover) -> v1::Leftover {
    use leftover::Leftover as Kind;
    let kind = match it {
        Leftover::PossibleLink => Kind::PossibleLink(v1::PossibleLinkLeftover {}),
        Leftover::Link { link } => Kind::Link(v1::LinkLeftover {
            link: link.to_string(),
        }),
        Leftover::Half { side, link } => Kind::Half(v1::HalfLeftover {
            side: number::<v1::Side>(*side),
            link: link.as_ref().map(ToString::to_string).unwrap_or_default(),
        }),
        Leftover::PossibleHalf { side, link } => Kind::PossibleHalf(v1::PossibleHalfLeftover {
            side: number::<v1::Side>(*side),
            link: link.to_string(),
        }),
        Leftover::Route {
            side,
            route_table,
            destination,
        } => Kind::Route(v1::RouteLeftover {
            side: number::<v1::Side>(*side),
            route_table: route_table.to_string(),
            destination: destination.to_string(),
        }),
        Leftover::OtherRoute {
            side,
            route_table,
            destination,
        } => Kind::OtherRoute(v1::OtherRouteLeftover {
            side: number::<v1::Side>(*side),
            route_table: route_table.to_string(),
            destination: destination.clone(),
        }),
        Leftover::FirewallGroup { side, group } => Kind::FirewallGroup(v1::FirewallGroupLeftover {
            side: number::<v1::Side>(*side),
            group: group.to_string(),
        }),
        Leftover::FirewallRule { side, rule_id } => Kind::FirewallRule(v1::FirewallRuleLeftover {
            side: number::<v1::Side>(*side),
            rule_id: rule_id.to_string(),
        }),
        Leftover::Denial { side, denial } => Kind::Denial(v1::DenialLeftover {
            side: number::<v1::Side>(*side),
            list: denial.list.to_string(),
            number: denial.number.into(),
            denies: denial.denies.to_string(),
        }),
        Leftover::PossibleThing { side, thing } => Kind::PossibleThing(v1::PossibleThingLeftover {
            side: number::<v1::Side>(*side),
            thing: Some(possible(thing)),
        }),
    };
    v1::Leftover {
        leftover: Some(kind),
    }
}

fn possible(it: &Thing) -> possible_thing_leftover::Thing {
    use possible_thing_leftover::Thing as Kind;
    match it {
        Thing::Route { at, destination } => Kind::Route(v1::PossibleRoute {
            route_table: text(at.table()),
            destination: destination.to_string(),
        }),
        Thing::Group => Kind::FirewallGroup(v1::PossibleFirewallGroup {}),
        Thing::Rule {
            source,
            port,
            target,
        } => Kind::FirewallRule(v1::PossibleFirewallRule {
            source: source.to_string(),
            port: u32::from(*port),
            target: text(target.as_ref()),
        }),
        Thing::Attachment { interface } => Kind::Attachment(v1::PossibleAttachment {
            interface: interface.to_string(),
        }),
        Thing::Denial { denial } => Kind::Denial(v1::PossibleDenial {
            list: denial.list.to_string(),
            number: denial.number.into(),
            denies: denial.denies.to_string(),
        }),
        Thing::Option { option } => Kind::Option(v1::PossibleOption {
            option: option.as_str().to_owned(),
        }),
    }
}

fn found_route(it: &FoundRoute) -> v1::FoundRoute {
    v1::FoundRoute {
        side: number::<v1::Side>(it.side),
        route_table: it.route_table.to_string(),
        destination: it.destination.to_string(),
    }
}
