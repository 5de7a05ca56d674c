//! What reads ask for: which part of an answer, how fresh, and of what.

use super::{Fields, Known, known::known};
use crate::api::{problem::Problem, time::span, v1};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    CommandId, NetworkId, PeeringId, Range,
    network::LifeName,
    text::{Account, ActorName, Name, Project, Ticket},
};
use journal::{Position, current_type};
use projections::{Order, PageRequest, Part, WhileBuilding};
use std::{borrow::Cow, net::IpAddr, time::Duration};

/// The most items of a page.
const LARGEST_PAGE: i32 = 1000;

/// The shortest, the usual and the longest silence of a watch.
const BOOKMARKS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(15),
    Duration::from_secs(300),
];

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::api) struct Freshness {
    pub(in crate::api) min_position: Option<Position>,
    /// Whether read models that are still being built may answer.
    pub(in crate::api) while_building: WhileBuilding,
}

/// Which part of a list is wanted, and how fresh it must be.
#[derive(Debug)]
pub(in crate::api) struct Reading {
    pub(in crate::api) page: PageRequest,
    pub(in crate::api) fresh: Freshness,
}

macro_rules! reading {
    ($fields:ident, $request:ident) => {
        reading(
            &mut $fields,
            $request.page_size,
            &$request.page_token,
            &$request.min_position,
            $request.allow_catching_up,
        )
    };
}

fn reading(
    fields: &mut Fields,
    size: i32,
    token: &str,
    min_position: &str,
    allow_catching_up: bool,
) -> Option<Reading> {
    let min_position = fields.optional("min_position", min_position);
    let Ok(size) = usize::try_from(size.min(LARGEST_PAGE)) else {
        return fields.wrong("page_size", "must not be negative; 0 means 100");
    };
    let while_building = if allow_catching_up {
        WhileBuilding::Answer
    } else {
        WhileBuilding::Refuse
    };
    let page = PageRequest {
        size,
        token: Some(token.to_owned()).filter(|it| !it.is_empty()),
        while_building,
    };
    Some(Reading {
        page,
        fresh: Freshness {
            min_position: min_position?,
            while_building,
        },
    })
}

/// Which networks are listed.
#[derive(Clone, Debug, Default)]
pub(in crate::api) struct Networks {
    pub(in crate::api) project: Option<Project>,
    pub(in crate::api) name: Option<Name>,
    pub(in crate::api) id_prefix: Option<String>,
    pub(in crate::api) account: Option<Account>,
    pub(in crate::api) retired: Option<bool>,
    pub(in crate::api) blocked: Option<bool>,
    pub(in crate::api) changed_since: Option<DateTime<Utc>>,
}

/// Which peerings are listed.
#[derive(Clone, Debug, Default)]
pub(in crate::api) struct Peerings {
    pub(in crate::api) network: Option<NetworkId>,
    pub(in crate::api) lives: Vec<LifeName>,
    pub(in crate::api) blocked: Option<bool>,
    pub(in crate::api) account: Option<Account>,
    pub(in crate::api) changed_since: Option<DateTime<Utc>>,
    pub(in crate::api) id_prefix: Option<String>,
}

/// Which exposures or drift are listed.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::api) struct Found {
    pub(in crate::api) network: Option<NetworkId>,
    pub(in crate::api) peering: Option<PeeringId>,
}

/// Which events are listed.
#[derive(Clone, Debug, Default)]
pub(in crate::api) struct Events {
    pub(in crate::api) network: Option<NetworkId>,
    pub(in crate::api) peering: Option<PeeringId>,
    pub(in crate::api) command: Option<CommandId>,
    pub(in crate::api) actor: Option<ActorName>,
    pub(in crate::api) types: Vec<String>,
    pub(in crate::api) since: Option<DateTime<Utc>>,
    pub(in crate::api) before: Option<DateTime<Utc>>,
    pub(in crate::api) ticket: Option<Ticket>,
    pub(in crate::api) account: Option<Account>,
    pub(in crate::api) range: Option<Range>,
    pub(in crate::api) from: Option<Position>,
    pub(in crate::api) to: Option<Position>,
    pub(in crate::api) order: Order,
    /// None: networks.
    pub(in crate::api) parts: Vec<Part>,
}

pub(in crate::api) fn get_network(
    request: &v1::GetNetworkRequest,
) -> Result<(NetworkId, Freshness), Problem> {
    let mut fields = Fields::default();
    let id = fields.id("network_id", &request.network_id);
    let fresh = fresh(&mut fields, &request.min_position);
    let parsed = (|| Some((id?, fresh?)))();
    fields.finish(parsed)
}

pub(in crate::api) fn get_peering(
    request: &v1::GetPeeringRequest,
) -> Result<(PeeringId, Freshness), Problem> {
    let mut fields = Fields::default();
    let id = fields.id("peering_id", &request.peering_id);
    let fresh = fresh(&mut fields, &request.min_position);
    let parsed = (|| Some((id?, fresh?)))();
    fields.finish(parsed)
}

pub(in crate::api) fn server_info(
    request: &v1::GetServerInfoRequest,
) -> Result<Option<Position>, Problem> {
    let mut fields = Fields::default();
    let position = fields.optional("min_position", &request.min_position);
    fields.finish(position)
}

fn fresh(fields: &mut Fields, min_position: &str) -> Option<Freshness> {
    Some(Freshness {
        min_position: fields.optional("min_position", min_position)?,
        while_building: WhileBuilding::Refuse,
    })
}

pub(in crate::api) fn list_networks(
    request: &v1::ListNetworksRequest,
) -> Result<(Networks, Reading), Problem> {
    let mut fields = Fields::default();
    let reading = reading!(fields, request);
    let project = fields.optional("project", &request.project);
    let name = fields.optional("name", &request.name);
    let id_prefix = fields.id_prefix("id_prefix", &request.id_prefix);
    let account = fields.optional("account", &request.account);
    let retired = match v1::NetworkState::try_from(request.state) {
        Ok(v1::NetworkState::Unspecified) => Some(None),
        Ok(v1::NetworkState::Registered) => Some(Some(false)),
        Ok(v1::NetworkState::Retired) => Some(Some(true)),
        Err(_) => fields.wrong(
            "state",
            "must be NETWORK_STATE_REGISTERED or NETWORK_STATE_RETIRED",
        ),
    };
    let changed_since = fields.time("changed_since", request.changed_since.as_ref());
    let parsed = (|| {
        let filter = Networks {
            project: project?,
            name: name?,
            id_prefix: id_prefix?,
            account: account?,
            retired: retired?,
            blocked: request.blocked,
            changed_since: changed_since?,
        };
        Some((filter, reading?))
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn list_peerings(
    request: &v1::ListPeeringsRequest,
) -> Result<(Peerings, Reading), Problem> {
    let mut fields = Fields::default();
    let reading = reading!(fields, request);
    let network = fields.optional_id("network_id", &request.network_id);
    let lives = fields.bounded("states", &request.states).and_then(|()| {
        let lives: Vec<_> = request
            .states
            .iter()
            .enumerate()
            .map(|(index, state)| {
                fields.word::<v1::PeeringState>(format!("states[{index}]"), *state)
            })
            .collect();
        lives.into_iter().collect()
    });
    let account = fields.optional("account", &request.account);
    let changed_since = fields.time("changed_since", request.changed_since.as_ref());
    let id_prefix = fields.id_prefix("id_prefix", &request.id_prefix);
    let parsed = (|| {
        let filter = Peerings {
            network: network?,
            lives: lives?,
            blocked: request.blocked,
            account: account?,
            changed_since: changed_since?,
            id_prefix: id_prefix?,
        };
        Some((filter, reading?))
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn list_exposures(
    request: &v1::ListExposuresRequest,
) -> Result<(Found, Reading), Problem> {
    let mut fields = Fields::default();
    let reading = reading!(fields, request);
    let found = found(&mut fields, &request.network_id, &request.peering_id);
    let parsed = (|| Some((found?, reading?)))();
    fields.finish(parsed)
}

pub(in crate::api) fn list_orphans(
    request: &v1::ListOrphansRequest,
) -> Result<(Option<NetworkId>, Reading), Problem> {
    let mut fields = Fields::default();
    let reading = reading!(fields, request);
    let network = fields.optional_id("network_id", &request.network_id);
    let parsed = (|| Some((network?, reading?)))();
    fields.finish(parsed)
}

pub(in crate::api) fn list_drift(
    request: &v1::ListDriftRequest,
) -> Result<(Found, Reading), Problem> {
    let mut fields = Fields::default();
    let reading = reading!(fields, request);
    let found = found(&mut fields, &request.network_id, &request.peering_id);
    let parsed = (|| Some((found?, reading?)))();
    fields.finish(parsed)
}

/// Which openings are wanted.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Openings {
    pub(in crate::api) found: Found,
    pub(in crate::api) unconfirmed_for: Option<TimeDelta>,
}

pub(in crate::api) fn list_openings(
    request: &v1::ListOpeningsRequest,
) -> Result<(Openings, Reading), Problem> {
    let mut fields = Fields::default();
    let reading = reading!(fields, request);
    let found = found(&mut fields, &request.network_id, &request.peering_id);
    let unconfirmed_for = match &request.unconfirmed_for {
        None => Some(None),
        Some(it) => match TimeDelta::new(it.seconds, it.nanos.try_into().unwrap_or(u32::MAX)) {
            Some(time) if time >= TimeDelta::zero() => Some(Some(time)),
            Some(_) | None => {
                fields.wrong("unconfirmed_for", "must be a time that is not negative")
            }
        },
    };
    let parsed = (|| {
        let openings = Openings {
            found: found?,
            unconfirmed_for: unconfirmed_for?,
        };
        Some((openings, reading?))
    })();
    fields.finish(parsed)
}

fn found(fields: &mut Fields, network_id: &str, peering_id: &str) -> Option<Found> {
    let network = fields.optional_id("network_id", network_id);
    let peering = fields.optional_id("peering_id", peering_id);
    Some(Found {
        network: network?,
        peering: peering?,
    })
}

pub(in crate::api) fn list_events(
    request: &v1::ListEventsRequest,
) -> Result<(Events, Reading), Problem> {
    let mut fields = Fields::default();
    let reading = reading!(fields, request);
    let network = fields.optional_id("network_id", &request.network_id);
    let peering = fields.optional_id("peering_id", &request.peering_id);
    let command = fields.optional_id("command_id", &request.command_id);
    let actor = fields.optional("actor", &request.actor);
    let types = event_types(&mut fields, &request.types);
    let since = fields.time("start_time", request.start_time.as_ref());
    let before = fields.time("end_time", request.end_time.as_ref());
    let ticket = fields.optional("ticket", &request.ticket);
    let account = fields.optional("peer_account", &request.peer_account);
    let range = fields.optional("range", &with_prefix(&request.range));
    let from = fields.optional("after_position", &request.after_position);
    let to = fields.optional("until_position", &request.until_position);
    let parts = log_parts(&mut fields, &request.parts);
    let order = match v1::EventOrder::try_from(request.order) {
        Ok(v1::EventOrder::Unspecified | v1::EventOrder::OldestFirst) => Some(Order::OldestFirst),
        Ok(v1::EventOrder::NewestFirst) => Some(Order::NewestFirst),
        Err(_) => fields.wrong(
            "order",
            "must be EVENT_ORDER_OLDEST_FIRST or EVENT_ORDER_NEWEST_FIRST",
        ),
    };
    let parsed = (|| {
        let filter = Events {
            network: network?,
            peering: peering?,
            command: command?,
            actor: actor?,
            types: types?,
            since: since?,
            before: before?,
            ticket: ticket?,
            account: account?,
            range: range?,
            from: from?,
            to: to?,
            order: order?,
            parts: parts?,
        };
        Some((filter, reading?))
    })();
    fields.finish(parsed)
}

/// Parts of the log by their names.
pub(super) fn log_parts(fields: &mut Fields, parts: &[i32]) -> Option<Vec<Part>> {
    let part = |it: &i32| match v1::LogPart::try_from(*it) {
        Ok(v1::LogPart::Networks) => Some(Part::Networks),
        Ok(v1::LogPart::Connectors) => Some(Part::Connectors),
        Ok(v1::LogPart::Access) => Some(Part::Access),
        Ok(v1::LogPart::Approvals) => Some(Part::Approvals),
        Ok(v1::LogPart::Unspecified) | Err(_) => None,
    };
    match parts.iter().map(part).collect() {
        Some(parts) => Some(parts),
        None => fields.wrong("parts", "must be parts of the log, like LOG_PART_ACCESS"),
    }
}

/// An address is a range of one.
fn with_prefix(range: &str) -> Cow<'_, str> {
    match range.parse() {
        Ok(IpAddr::V4(address)) => Cow::Owned(format!("{address}/32")),
        Ok(IpAddr::V6(address)) => Cow::Owned(format!("{address}/128")),
        Err(_) => Cow::Borrowed(range),
    }
}

/// Event types are names; a log may hold some that this version does not know, and older ones are
/// asked for by what they are read as.
fn event_types(fields: &mut Fields, types: &[String]) -> Option<Vec<String>> {
    const MOST: usize = 64;
    if types.len() > MOST {
        return fields.wrong("types", format!("{} entries; {MOST} at most", types.len()));
    }
    let checked: Vec<_> = types
        .iter()
        .enumerate()
        .map(|(index, it)| {
            let is_name =
                (1..=128).contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_graphic());
            if is_name {
                return Some(current_type(it).to_owned());
            }
            fields.wrong(
                format!("types[{index}]"),
                "must be an event type, like PeeringRequested",
            )
        })
        .collect();
    checked.into_iter().collect()
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::api) enum Scope {
    All,
    Network(NetworkId),
    Peering(PeeringId),
}

/// What a watch sends.
#[derive(Clone, Debug)]
pub(in crate::api) struct Watch {
    pub(in crate::api) scope: Scope,
    /// Continue after this position; `None`: begin with the states as they are now.
    pub(in crate::api) after: Option<Position>,
    /// What the caller knows the log by.
    pub(in crate::api) known: Option<Known>,
    pub(in crate::api) events: v1::WatchEvents,
    /// The longest silence.
    pub(in crate::api) bookmarks: Duration,
    pub(in crate::api) min_position: Option<Position>,
}

pub(in crate::api) fn watch_networks(request: &v1::WatchNetworksRequest) -> Result<Watch, Problem> {
    let mut fields = Fields::default();
    let scope = fields
        .optional_id("network_id", &request.network_id)
        .map(|it| it.map_or(Scope::All, Scope::Network));
    watch(
        fields,
        scope,
        (&request.after, request.events, &request.min_position),
        request.bookmark_interval.as_ref(),
        request.known_event.as_ref(),
    )
}

pub(in crate::api) fn watch_peerings(request: &v1::WatchPeeringsRequest) -> Result<Watch, Problem> {
    use v1::watch_peerings_request::Scope as Sent;
    let mut fields = Fields::default();
    let scope = match &request.scope {
        None => Some(Scope::All),
        Some(Sent::NetworkId(id)) => fields.id("network_id", id).map(Scope::Network),
        Some(Sent::PeeringId(id)) => fields.id("peering_id", id).map(Scope::Peering),
    };
    watch(
        fields,
        scope,
        (&request.after, request.events, &request.min_position),
        request.bookmark_interval.as_ref(),
        request.known_event.as_ref(),
    )
}

fn watch(
    mut fields: Fields,
    scope: Option<Scope>,
    (after, events, min_position): (&str, i32, &str),
    bookmarks: Option<&prost_types::Duration>,
    known_event: Option<&v1::KnownEvent>,
) -> Result<Watch, Problem> {
    let known = known(known_event)?;
    let after = fields.optional("after", after);
    let min_position = fields.optional("min_position", min_position);
    let events = match v1::WatchEvents::try_from(events) {
        Ok(events) => Some(events),
        Err(_) => fields.wrong(
            "events",
            "must be WATCH_EVENTS_NONE, WATCH_EVENTS_NEW or WATCH_EVENTS_ALL",
        ),
    };
    let [shortest, usual, longest] = BOOKMARKS;
    let bookmarks = bookmarks.map_or(usual, |it| span(it).clamp(shortest, longest));
    let parsed = (|| {
        Some(Watch {
            scope: scope?,
            after: after?,
            known,
            events: events?,
            bookmarks,
            min_position: min_position?,
        })
    })();
    fields.finish(parsed)
}

/// A page token that belongs to no question, or to another one.
pub(in crate::api) fn wrong_token() -> Problem {
    let mut fields = Fields::default();
    let _: Option<()> = fields.wrong(
        "page_token",
        "belongs to another question; leave it out to begin again",
    );
    Problem::fields(fields.violations)
}
