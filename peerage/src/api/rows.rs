//! What the read models answer, as the services want it.

use super::{
    Services,
    parse::{Events, Found, Networks, Peerings, wrong_token},
    problem::{Problem, Reason},
    show::{self, About, Counts},
    v1,
};
use domain::{
    NetworkId, PeeringId, Side,
    network::{DriftKind, Registered},
};
use journal::Position;
use projections::{
    DriftFilter, ExposureFilter, NetworkFilter, NetworkView, OrphanFilter, Page, PageRequest,
    PeeringFilter, PeeringView, Projections, QueryError, TimelineEntry, TimelineQuery,
};
use workers::provisioner::Resolved;

/// A network as a message.
pub(super) fn network_message(view: &NetworkView) -> v1::Network {
    let counts = Counts {
        live: view.peerings.live,
        exposed: view.peerings.exposed,
        blocked: view.peerings.blocked,
    };
    show::network(&view.network, counts, view.revision, view.changed_at)
}

/// A peering as a message.
pub(super) fn peering_message(view: &PeeringView) -> v1::Peering {
    let about = About {
        network_id: view.network.id,
        network_name: view.network.name.as_str(),
        network: &view.network,
        revision: view.revision,
        changed_at: view.changed_at,
    };
    show::peering(&view.peering, about)
}

/// What a failed question is told as.
pub(super) fn problem(error: QueryError) -> Problem {
    match error {
        QueryError::PageToken => wrong_token(),
        QueryError::Building { at } => {
            let text = format!("the read models are being built, and are at {at}; try again");
            Problem::new(Reason::ReadModelsBuilding, text).with("at", at)
        }
        QueryError::Busy { most, .. } => {
            let text = format!("{most} questions wait for the read models already; ask again");
            Problem::new(Reason::ReadLimit, text).with("most", most)
        }
        QueryError::Interrupted { .. } => {
            Problem::new(Reason::Stopping, "the server is stopping; call again")
        }
        QueryError::Store { .. } => {
            tracing::error!(error = %domain::error_chain(&error), "read model failed");
            Problem::new(Reason::ReadModelFailed, domain::error_chain(&error))
        }
    }
}

/// The network that a peering belongs to, by the log; read models are asked only for what the log's
/// follower may not have seen yet, and nothing depends on their answer.
pub(super) async fn network_of(services: &Services, id: PeeringId) -> Result<NetworkId, Problem> {
    if let Some(network) = services.begun.get(&id) {
        return Ok(network);
    }
    let patience = services.read_patience;
    let unresolved = match services.directory.resolve(id, patience).await {
        Resolved::Network(network) => return Ok(network),
        Resolved::Unknown => Problem::unknown_peering(id),
        Resolved::Reading => Problem::new(
            Reason::DirectoryBuilding,
            format!(
                "the log is still being read, and the network of peering {id} is not known yet; name the network, or try again"
            ),
        ),
    };
    match services.projections.peering(id).await {
        Ok(Some(view)) => Ok(view.network.id),
        Ok(None) | Err(_) => Err(unresolved),
    }
}

pub(super) async fn network(
    services: &Services,
    id: NetworkId,
) -> Result<Option<NetworkView>, Problem> {
    services.projections.network(id).await.map_err(problem)
}

pub(super) async fn peering(
    services: &Services,
    id: PeeringId,
) -> Result<Option<PeeringView>, Problem> {
    services.projections.peering(id).await.map_err(problem)
}

pub(super) async fn networks(
    services: &Services,
    filter: &Networks,
    part: &PageRequest,
) -> Result<Page<NetworkView>, Problem> {
    let filter = NetworkFilter {
        project: filter.project.as_ref().map(ToString::to_string),
        name: filter.name.as_ref().map(ToString::to_string),
        account: filter.account.as_ref().map(ToString::to_string),
        provider: None,
        id_prefix: filter.id_prefix.clone(),
        blocked: filter.blocked,
        retired: filter.retired,
        changed_since: filter.changed_since,
    };
    let page = services.projections.list_networks(&filter, part).await;
    page.map_err(problem)
}

pub(super) async fn peerings(
    services: &Services,
    filter: &Peerings,
    part: &PageRequest,
) -> Result<Page<PeeringView>, Problem> {
    let filter = PeeringFilter {
        network: filter.network,
        lives: filter.lives.clone(),
        id_prefix: filter.id_prefix.clone(),
        account: filter.account.as_ref().map(ToString::to_string),
        blocked: filter.blocked,
        changed_since: filter.changed_since,
        ..PeeringFilter::default()
    };
    let page = services.projections.list_peerings(&filter, part).await;
    page.map_err(problem)
}

pub(super) async fn exposures(
    services: &Services,
    filter: Found,
    part: &PageRequest,
) -> Result<Page<v1::Exposure>, Problem> {
    let filter = ExposureFilter {
        network: filter.network,
        peering: filter.peering,
    };
    let page = services.projections.list_exposures(&filter, part).await;
    page.map(|it| map(it, |view| show::exposure(&view)))
        .map_err(problem)
}

pub(super) async fn orphans(
    services: &Services,
    network: Option<NetworkId>,
    part: &PageRequest,
) -> Result<Page<v1::Orphan>, Problem> {
    let filter = OrphanFilter { network };
    let page = services.projections.list_orphans(&filter, part).await;
    page.map(|it| map(it, |view| show::orphan(&view)))
        .map_err(problem)
}

pub(super) async fn drift(
    services: &Services,
    filter: Found,
    part: &PageRequest,
) -> Result<Page<v1::Drift>, Problem> {
    let filter = DriftFilter {
        network: filter.network,
        peering: filter.peering,
        kinds: Vec::new(),
    };
    let page = services.projections.list_drift(&filter, part).await;
    page.map(|it| map(it, |view| show::open_drift(&view)))
        .map_err(problem)
}

/// The immutable id of another network that has this one's name, as one of its peerings has found.
pub(super) async fn replaced_by(
    services: &Services,
    network: &Registered,
) -> Result<String, Problem> {
    if network.immutable_id.is_none() {
        return Ok(String::new());
    }
    let filter = DriftFilter {
        network: Some(network.id),
        peering: None,
        kinds: vec![DriftKind::NETWORK_REPLACED.to_owned()],
    };
    let part = PageRequest::default();
    let page = services.projections.list_drift(&filter, &part).await;
    let found = page.map_err(problem)?.items;
    let seen = found
        .into_iter()
        .find_map(|it| match it.drift.replaced_by() {
            Some((Side::Local, seen)) => Some(seen.to_string()),
            Some((Side::Remote, _)) | None => None,
        });
    Ok(seen.unwrap_or_default())
}

pub(super) fn map<T, U>(page: Page<T>, each: impl Fn(T) -> U) -> Page<U> {
    Page {
        items: page.items.into_iter().map(each).collect(),
        next_token: page.next_token,
        as_of: page.as_of,
        catching_up: page.catching_up,
    }
}

pub(super) async fn events(
    services: &Services,
    filter: &Events,
    after: Option<Position>,
    part: &PageRequest,
) -> Result<Page<TimelineEntry>, Problem> {
    timeline(&services.projections, filter, after, part)
        .await
        .map_err(problem)
}

pub(super) async fn timeline(
    projections: &Projections,
    filter: &Events,
    after: Option<Position>,
    part: &PageRequest,
) -> Result<Page<TimelineEntry>, QueryError> {
    let query = TimelineQuery {
        network: filter.network,
        peering: filter.peering,
        command: filter.command,
        actor: filter.actor.as_ref().map(ToString::to_string),
        event_types: filter.types.clone(),
        since: filter.since,
        until: filter.before,
        ticket: filter.ticket.as_ref().map(ToString::to_string),
        account: filter.account.as_ref().map(ToString::to_string),
        range: filter.range,
        from: filter.from,
        to: filter.to,
        order: filter.order,
        parts: filter.parts.clone(),
        after,
        ..TimelineQuery::default()
    };
    projections.timeline(&query, part).await
}
