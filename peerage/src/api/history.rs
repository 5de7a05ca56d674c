//! What was: a network at a place of its log, what changed between two, who could reach an address.
//!
//! Answered from the log itself, by the domain's own fold, from the last state on that is kept
//! before the place. A place that the log does not have yet,
//! or at which nothing was on record, is told as what it is: nothing is guessed.

use super::{
    Services,
    access::Caller,
    guard, log_end,
    parse::{self, At, Compared, Freshness, Reached},
    problem::{Problem, Reason},
    reads, rows,
    show::{self, About, Counts},
    time::timestamp,
    v1,
};
use audit::{Past, Place, Until, Verdict};
use chrono::SecondsFormat;
use domain::{
    NetworkId, Side,
    network::{Peering, Registered},
};
use projections::WhileBuilding;
use prost::Message;

/// The most bytes of an answer; a gRPC message may have 4 MiB.
const LARGEST: usize = 3 * 1024 * 1024;
/// The most networks that an address is looked for in.
const NETWORKS: usize = 100;

pub(super) async fn at(
    services: &Services,
    caller: &Caller,
    request: &v1::GetNetworkAtRequest,
) -> Result<v1::GetNetworkAtResponse, Problem> {
    let At {
        network: id,
        peering,
        until,
        min_position,
    } = parse::network_at(request)?;
    guard::network(services, caller, id).await?;
    log_end::is_within(services, "place.", until, min_position).await?;
    let told = services.states.at(&services.journal, id, until).await;
    let told = told.map_err(|error| Problem::from(&error))?;
    if request.allow_absent && told.first.is_some() && told.past.last.is_none() {
        return Ok(v1::GetNetworkAtResponse::default());
    }
    let network = on_record(id, "place", &told.past, told.first)?;
    if let Some(peering) = peering
        && !network.peerings().contains_key(&peering)
    {
        return Err(Problem::unknown_peering(peering));
    }
    let shown = network.peerings().values();
    let shown = shown.filter(|it| peering.is_none_or(|id| it.id == id));
    let document = if request.with_document {
        let document = told.past.document().map_err(|error| unwritable(&error))?;
        show::structure(&document)
    } else {
        None
    };
    let answer = v1::GetNetworkAtResponse {
        network: Some(shown_network(services, network, &told.past)),
        peerings: shown
            .map(|it| shown_peering(network, it, &told.past))
            .collect(),
        last: told.past.last.map(place),
        unreadable: told.past.unreadable,
        document,
    };
    small_enough(
        &answer,
        "place",
        "name a peering, and leave the document out",
    )?;
    Ok(answer)
}

fn shown_network(services: &Services, network: &Registered, past: &Past) -> v1::Network {
    let live = || network.live_peerings();
    let is_exposed = |it: &&Peering| {
        let mut sides = it.firewall.iter();
        sides.any(|(_, side)| side.known_exposures().next().is_some())
    };
    let counts = Counts {
        live: live().count() as u64,
        exposed: live().filter(is_exposed).count() as u64,
        blocked: live().filter(|it| it.blocked.is_some()).count() as u64,
    };
    let last = past.last.map(|it| (it.revision, it.time));
    let (revision, changed_at) = last.unwrap_or((0, network.registered_at));
    v1::Network {
        left_alone: services.left_alone(network),
        quotas: show::quotas(network, services.server.clouds.places()),
        ..show::network(network, counts, revision, changed_at)
    }
}

fn shown_peering(network: &Registered, peering: &Peering, past: &Past) -> v1::Peering {
    let last = past.peerings.get(&peering.id);
    let about = About {
        network_id: network.id,
        network_name: network.name.as_str(),
        network,
        revision: last.map(|it| it.revision).unwrap_or_default(),
        changed_at: last.map_or(peering.requested_at, |it| it.time),
    };
    show::peering(peering, about)
}

pub(super) async fn compare(
    services: &Services,
    caller: &Caller,
    request: &v1::CompareNetworkRequest,
) -> Result<v1::CompareNetworkResponse, Problem> {
    let Compared {
        network: id,
        from,
        to,
        min_position,
    } = parse::compare_network(request)?;
    guard::network(services, caller, id).await?;
    log_end::is_within(services, "from.", from, min_position).await?;
    log_end::is_within(services, "to.", to, min_position).await?;
    if are_swapped(from, to) {
        let text = "lies behind `to`: name the earlier place first";
        return Err(Problem::field("from", text));
    }
    let found = services.states.diff(&services.journal, id, from, to).await;
    let found = found.map_err(|error| match error {
        audit::DifferenceError::Journal(error) => Problem::from(&error),
        audit::DifferenceError::Document(error) => unwritable(&error),
    })?;
    if request.allow_absent && found.first.is_some() && found.to.last.is_none() {
        return Ok(v1::CompareNetworkResponse {
            network_id: id.to_string(),
            ..Default::default()
        });
    }
    let network = on_record(id, "to", &found.to, found.first)?;
    let positions: Vec<_> = found.events.values().map(|it| it.position).collect();
    // Read models of an older form have none: then each event has its own command alone.
    let causes = services.projections.causes(positions).await;
    let causes = causes.unwrap_or_default();
    let event = |it: &journal::Recorded| v1::Event {
        cause_command_id: causes
            .get(&it.position)
            .map(ToString::to_string)
            .unwrap_or_default(),
        ..show::recorded(it, network.cloud.as_ref())
    };
    let changes = found.changes.iter().map(|it| v1::Change {
        pointer: it.pointer(),
        before: it.before.as_ref().and_then(show::value),
        after: it.after.as_ref().and_then(show::value),
        revisions: it.causes.clone(),
    });
    let answer = v1::CompareNetworkResponse {
        changes: changes.collect(),
        events: found.events.values().map(event).collect(),
        from: found.from.last.map(place),
        to: found.to.last.map(place),
        network_id: id.to_string(),
        network_name: format!("{}/{}", network.project, network.name),
    };
    small_enough(
        &answer,
        "place",
        "name two places that are closer to each other",
    )?;
    Ok(answer)
}

/// Whether the second of two places is known to be the earlier one.
fn are_swapped(from: Until, to: Until) -> bool {
    match (from, to) {
        (Until::Position(from), Until::Position(to)) => from > to,
        (Until::Time(from), Until::Time(to)) => from > to,
        (Until::End, Until::Position(_) | Until::Time(_)) => true,
        (Until::End, Until::End)
        | (Until::Position(_), Until::Time(_) | Until::End)
        | (Until::Time(_), Until::Position(_) | Until::End) => false,
    }
}

pub(super) async fn who_can_reach(
    services: &Services,
    caller: &Caller,
    request: &v1::WhoCanReachRequest,
) -> Result<v1::WhoCanReachResponse, Problem> {
    let asked = parse::who_can_reach(request)?;
    log_end::is_within(services, "place.", asked.until, asked.min_position).await?;
    let ids = candidates(services, caller, &asked).await?;
    let mut ways = Vec::new();
    for id in &ids {
        let told = services
            .states
            .at(&services.journal, *id, asked.until)
            .await;
        let told = told.map_err(|error| Problem::from(&error))?;
        if asked.network.is_some() {
            on_record(*id, "place", &told.past, told.first)?;
        }
        let found = audit::who_can_reach(&told.past, asked.address, asked.port);
        if let Some(network) = told.past.registered() {
            ways.extend(found.iter().map(|it| way(network, it)));
        }
    }
    ways.sort_by_key(|it: &v1::Way| it.reachability() != v1::Reachability::Reachable);
    let answer = v1::WhoCanReachResponse {
        ways,
        network_ids: ids.iter().map(ToString::to_string).collect(),
    };
    small_enough(&answer, "place", "name a network")?;
    Ok(answer)
}

/// The network that was named, or each that the address was ever named in and the caller sees.
async fn candidates(
    services: &Services,
    caller: &Caller,
    asked: &Reached,
) -> Result<Vec<NetworkId>, Problem> {
    if let Some(id) = asked.network {
        guard::network(services, caller, id).await?;
        return Ok(vec![id]);
    }
    let fresh = Freshness {
        min_position: asked.min_position,
        while_building: WhileBuilding::Refuse,
    };
    reads::reached(services, fresh).await?;
    let address = asked.address;
    let named = services.projections.networks_naming(address, NETWORKS + 1);
    let named = named.await.map_err(rows::problem)?;
    if named.len() > NETWORKS {
        let text = format!("more than {NETWORKS} networks name {address}: name one");
        return Err(Problem::field("network_id", text));
    }
    let mut seen = Vec::new();
    for id in named {
        if guard::sees(services, caller, id).await? {
            seen.push(id);
        }
    }
    Ok(seen)
}

fn way(network: &Registered, it: &audit::Way) -> v1::Way {
    let (reachability, reason) = verdict(it.verdict);
    let peer = network.peerings().get(&it.peering).map(|it| &it.peer);
    let rules = it.rules.iter().map(|(rule, id)| v1::AdmittingRule {
        source: rule.source.to_string(),
        port: rule.port.into(),
        rule_id: id.to_string(),
    });
    let side = match it.side {
        Side::Local => v1::Side::Local,
        Side::Remote => v1::Side::Remote,
    };
    let decisions = it.decisions.iter();
    v1::Way {
        network_id: network.id.to_string(),
        network_name: format!("{}/{}", network.project, network.name),
        peering_id: it.peering.to_string(),
        peer_account: peer.map(|it| it.account.to_string()).unwrap_or_default(),
        peer_network: peer
            .map(|it| it.cloud_network.to_string())
            .unwrap_or_default(),
        side: side.into(),
        reachability: reachability.into(),
        reason: reason.into(),
        sources: it.sources.iter().map(ToString::to_string).collect(),
        link: it
            .link
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        route_tables: it.tables.iter().map(ToString::to_string).collect(),
        rules: rules.collect(),
        exposures: it.exposures.iter().map(ToString::to_string).collect(),
        decisions: decisions.map(|it| show::decision(network, it)).collect(),
        seen: it.seen.map(place),
        denials: it.denials.iter().map(show::list_entry).collect(),
        cloud: network.cloud.as_ref().map(show::cloud),
    }
}

fn verdict(verdict: Verdict) -> (v1::Reachability, v1::ReachReason) {
    use audit::{Drop, Unknown};
    use v1::{ReachReason, Reachability};
    match verdict {
        Verdict::Reachable => (Reachability::Reachable, ReachReason::Unspecified),
        Verdict::Unreachable(why) => {
            let reason = match why {
                Drop::NoLink => ReachReason::NoLink,
                Drop::NoRoute => ReachReason::NoRoute,
                Drop::NoRouteBack => ReachReason::NoRouteBack,
                Drop::NotAdmitted => ReachReason::NotAdmitted,
                Drop::NotAttached => ReachReason::NotAttached,
                Drop::Denied => ReachReason::Denied,
            };
            (Reachability::Unreachable, reason)
        }
        Verdict::Undetermined(why) => {
            let reason = match why {
                Unknown::RoutesOfOwner => ReachReason::RoutesOfOwner,
                Unknown::RulesOfOwner => ReachReason::RulesOfOwner,
                Unknown::MembersOfGroup => ReachReason::MembersOfGroup,
                Unknown::RuleOfOthers => ReachReason::RuleOfOthers,
                Unknown::PerhapsDenied => ReachReason::PerhapsDenied,
            };
            (Reachability::Undetermined, reason)
        }
    }
}

fn place(it: Place) -> v1::EventPlace {
    v1::EventPlace {
        position: it.position.to_string(),
        revision: it.revision,
        event_id: it.event_id.to_string(),
        time: Some(timestamp(it.time)),
    }
}

/// The network as it was; or that it is unknown, or was not on record yet.
fn on_record<'a>(
    id: NetworkId,
    field: &str,
    past: &'a Past,
    first: Option<Place>,
) -> Result<&'a Registered, Problem> {
    match (past.registered(), first) {
        (Some(network), _) => Ok(network),
        (None, Some(first)) if past.last.is_none() => {
            let time = first.time.to_rfc3339_opts(SecondsFormat::Secs, true);
            let text = format!(
                "lies before the network's first event, at {} of {time}",
                first.position
            );
            Err(Problem::field(field, text))
        }
        (None, _) => Err(Problem::unknown_network(id)),
    }
}

pub(super) fn small_enough(
    answer: &impl Message,
    field: &str,
    instead: &str,
) -> Result<(), Problem> {
    let bytes = answer.encoded_len();
    if bytes <= LARGEST {
        return Ok(());
    }
    let text = format!("the answer has {bytes} bytes, and {LARGEST} at most are sent: {instead}");
    Err(Problem::field(field, text))
}

fn unwritable(error: &serde_json::Error) -> Problem {
    let text = format!("a folded state is no document: {error}");
    Problem::new(Reason::HistoryUnreadable, text)
}
