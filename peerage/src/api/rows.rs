//! What the read models answer, as the services want it.

use super::{
    Services,
    parse::{Events, Found, Networks, Peerings, wrong_token},
    problem::{Problem, Reason, full_text},
    show::{self, About, Counts},
    v1,
};
use chrono::{DateTime, Utc};
use domain::{
    NetworkId, PeeringId,
    network::{Network, Peering, Registered},
};
use journal::Position;
use projections::{
    PageRequest, PeeringFilter, Projections, QueryError, TimelineEntry, TimelineQuery,
};

/// A part of an answer.
#[derive(Debug)]
pub(super) struct Rows<T> {
    pub(super) items: Vec<T>,
    pub(super) next_token: Option<String>,
    pub(super) as_of: Position,
}

impl<T> Rows<T> {
    pub(super) fn map<U>(self, each: impl Fn(T) -> U) -> Rows<U> {
        Rows {
            items: self.items.into_iter().map(each).collect(),
            next_token: self.next_token,
            as_of: self.as_of,
        }
    }
}

/// One network, as its row has it.
#[derive(Debug)]
pub(super) struct NetworkRow {
    pub(super) as_of: Position,
    pub(super) revision: u64,
    pub(super) changed_at: DateTime<Utc>,
    pub(super) network: Registered,
    pub(super) counts: Counts,
}

impl NetworkRow {
    pub(super) fn message(&self) -> v1::Network {
        show::network(&self.network, self.counts, self.revision, self.changed_at)
    }
}

/// One peering, as its row has it.
#[derive(Debug)]
pub(super) struct PeeringRow {
    pub(super) as_of: Position,
    pub(super) revision: u64,
    pub(super) changed_at: DateTime<Utc>,
    /// Its network without any peering.
    pub(super) network: Registered,
    pub(super) peering: Peering,
}

impl PeeringRow {
    pub(super) fn message(&self) -> v1::Peering {
        let about = About {
            network_id: self.network.id,
            network_name: self.network.name.as_str(),
            revision: self.revision,
            changed_at: self.changed_at,
        };
        show::peering(&self.peering, about)
    }
}

/// Why nothing can be looked up yet, while the read models are being built.
pub(super) fn building(_services: &Services) -> Option<Problem> {
    None
}

fn problem(error: QueryError) -> Problem {
    if let QueryError::PageToken = error {
        return wrong_token();
    }
    tracing::error!(error = %full_text(&error), "read model failed");
    Problem::new(Reason::ReadModelFailed, full_text(&error))
}

/// The network that a peering belongs to, by the log.
pub(super) async fn network_of(services: &Services, id: PeeringId) -> Result<NetworkId, Problem> {
    match services.projections.peering(id).await.map_err(problem)? {
        Some(view) => Ok(view.network_id),
        None => Err(Problem::unknown_peering(id)),
    }
}

async fn loaded(services: &Services, id: NetworkId) -> Result<Option<(Registered, u64)>, Problem> {
    let loaded = services
        .journal
        .networks()
        .load(id)
        .await
        .map_err(|error| Problem::from(&error))?;
    Ok(match &loaded.network {
        Network::Registered(it) | Network::Retired(it) => {
            Some((it.clone(), loaded.revision.unwrap_or_default()))
        }
        Network::Unregistered => None,
    })
}

pub(super) async fn network(
    services: &Services,
    id: NetworkId,
) -> Result<Option<NetworkRow>, Problem> {
    let as_of = *services.projections.position().borrow();
    let Some((network, revision)) = loaded(services, id).await? else {
        return Ok(None);
    };
    Ok(Some(NetworkRow {
        as_of,
        revision,
        changed_at: network.registered_at,
        counts: Counts::of(&network),
        network,
    }))
}

pub(super) async fn peering(
    services: &Services,
    id: PeeringId,
) -> Result<Option<PeeringRow>, Problem> {
    let as_of = *services.projections.position().borrow();
    let Some(view) = services.projections.peering(id).await.map_err(problem)? else {
        return Ok(None);
    };
    let Some((network, revision)) = loaded(services, view.network_id).await? else {
        return Ok(None);
    };
    Ok(network
        .peerings
        .get(&id)
        .cloned()
        .map(|peering| PeeringRow {
            as_of,
            revision,
            changed_at: peering.requested_at,
            network,
            peering,
        }))
}

pub(super) async fn networks(
    services: &Services,
    _filter: &Networks,
    part: &PageRequest,
) -> Result<Rows<NetworkRow>, Problem> {
    let page = services
        .projections
        .list_networks(part)
        .await
        .map_err(problem)?;
    let mut items = Vec::new();
    for view in page.items {
        items.extend(network(services, view.id).await?);
    }
    Ok(Rows {
        items,
        next_token: page.next_token,
        as_of: page.as_of,
    })
}

pub(super) async fn peerings(
    services: &Services,
    filter: &Peerings,
    part: &PageRequest,
) -> Result<Rows<PeeringRow>, Problem> {
    let lives = filter
        .lives
        .iter()
        .filter_map(|it| it.as_str().parse().ok())
        .collect();
    let wanted = PeeringFilter {
        network: filter.network,
        lives,
    };
    let page = services
        .projections
        .list_peerings(&wanted, part)
        .await
        .map_err(problem)?;
    let mut items = Vec::new();
    for view in page.items {
        items.extend(peering(services, view.id).await?);
    }
    Ok(Rows {
        items,
        next_token: page.next_token,
        as_of: page.as_of,
    })
}

/// What every peering of a part has of something.
async fn of_peerings<T>(
    services: &Services,
    filter: &Found,
    part: &PageRequest,
    each: fn(&Peering, NetworkId) -> Vec<T>,
) -> Result<Rows<T>, Problem> {
    let wanted = Peerings {
        network: filter.network,
        ..Peerings::default()
    };
    let rows = peerings(services, &wanted, part).await?;
    let items = rows
        .items
        .iter()
        .filter(|it| filter.peering.is_none_or(|id| id == it.peering.id))
        .flat_map(|it| each(&it.peering, it.network.id))
        .collect();
    Ok(Rows {
        items,
        next_token: rows.next_token,
        as_of: rows.as_of,
    })
}

pub(super) async fn exposures(
    services: &Services,
    filter: &Found,
    part: &PageRequest,
) -> Result<Rows<v1::Exposure>, Problem> {
    of_peerings(services, filter, part, show::exposures).await
}

pub(super) async fn drift(
    services: &Services,
    filter: &Found,
    part: &PageRequest,
) -> Result<Rows<v1::Drift>, Problem> {
    of_peerings(services, filter, part, show::drift).await
}

pub(super) async fn events(
    services: &Services,
    filter: &Events,
    after: Option<Position>,
    part: &PageRequest,
) -> Result<Rows<TimelineEntry>, Problem> {
    timeline(&services.projections, filter, after, part)
        .await
        .map_err(problem)
}

pub(super) async fn timeline(
    projections: &Projections,
    filter: &Events,
    after: Option<Position>,
    part: &PageRequest,
) -> Result<Rows<TimelineEntry>, QueryError> {
    let query = TimelineQuery {
        network: filter.network,
        peering: filter.peering,
        command: filter.command,
        order: filter.order,
        after,
        ..TimelineQuery::default()
    };
    let page = projections.timeline(&query, part).await?;
    Ok(Rows {
        items: page.items,
        next_token: page.next_token,
        as_of: page.as_of,
    })
}
