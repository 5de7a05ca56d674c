//! What is asked of the read models.

use super::{
    Services,
    access::Caller,
    guard,
    log_end::{self, behind},
    page::Filling,
    parse::{self, Freshness},
    problem::Problem,
    rows, same_log, show, v1,
};
use crate::clouds::{instructions_for_engine, instructions_for_peer, instructions_to_attach};
use domain::{
    NetworkId, Side, advisory,
    network::{BlockCause, Consent},
};
use projections::{Part, PeeringView, WhileBuilding};
use std::{collections::BTreeMap, time::Duration};

/// How long a list is waited for that is refused while read models are built: after a start they
/// are at the end of the log before that, unless they begin with nothing and the log is long.
const NEARLY_BUILT: Duration = Duration::from_secs(1);

/// Waits until the read models show at least this position. Without one they are to show what
/// callers were told of here; if they do not get there in time, what they have is still worth an
/// answer. Where they are still being built, the query itself says so.
pub(super) async fn reached(services: &Services, fresh: Freshness) -> Result<(), Problem> {
    let position = fresh
        .min_position
        .unwrap_or_else(|| services.acknowledged.furthest());
    if fresh.while_building == WhileBuilding::Answer && fresh.min_position.is_none() {
        return Ok(());
    }
    let patience = services.read_patience;
    let mut caught_up = services.projections.caught_up();
    let built = caught_up.wait_for(|it| *it);
    // If they are not, the query says so.
    let _ = tokio::time::timeout(patience.min(NEARLY_BUILT), built).await;
    if services.projections.wait_for(position, patience).await {
        return Ok(());
    }
    if fresh.min_position.is_some() {
        return Err(behind(position));
    }
    tracing::warn!(%position, "a read is answered without all that was acknowledged here: the read models are behind");
    Ok(())
}

pub(super) async fn get_network(
    services: &Services,
    caller: &Caller,
    request: &v1::GetNetworkRequest,
) -> Result<v1::GetNetworkResponse, Problem> {
    let (id, fresh) = parse::get_network(request)?;
    reached(services, fresh).await?;
    guard::network(services, caller, id).await?;
    let row = match rows::network(services, id).await? {
        Some(row) => row,
        None => {
            whole(services).await?;
            rows::network(services, id)
                .await?
                .ok_or_else(|| Problem::unknown_network(id))?
        }
    };
    Ok(v1::GetNetworkResponse {
        as_of: row.as_of.to_string(),
        network: Some(v1::Network {
            left_alone: services.left_alone(&row.network),
            replaced_by: rows::replaced_by(services, &row.network).await?,
            quotas: show::quotas(&row.network, services.server.clouds.places()),
            ..services.network_message(&row)
        }),
    })
}

pub(super) async fn list_networks(
    services: &Services,
    caller: &Caller,
    request: &v1::ListNetworksRequest,
) -> Result<v1::ListNetworksResponse, Problem> {
    let (filter, reading) = parse::list_networks(request)?;
    reached(services, reading.fresh).await?;
    let mut filling = Filling::new(&reading.page);
    while let Some(part) = filling.next() {
        let rows = rows::networks(services, &filter, &part).await?;
        let rows = guard::shown(services, caller, rows, |it| Some(it.network.id)).await?;
        filling.add(rows, |view| services.network_message(&view));
    }
    let filled = filling.finish();
    Ok(v1::ListNetworksResponse {
        networks: filled.items,
        next_page_token: filled.next_token,
        as_of: filled.as_of,
        catching_up: filled.catching_up,
    })
}

/// The peering's row. Only read models that know the whole log may call it unknown.
async fn peering_row(
    services: &Services,
    id: domain::PeeringId,
    fresh: Freshness,
) -> Result<PeeringView, Problem> {
    reached(services, fresh).await?;
    if let Some(row) = rows::peering(services, id).await? {
        return Ok(row);
    }
    whole(services).await?;
    rows::peering(services, id)
        .await?
        .ok_or_else(|| Problem::unknown_peering(id))
}

/// Waits for read models that know the whole log, what callers were told of included.
async fn whole(services: &Services) -> Result<(), Problem> {
    let told = services.acknowledged.furthest();
    let mut caught_up = services.projections.caught_up();
    let at_end = tokio::time::timeout(services.read_patience, caught_up.wait_for(|it| *it))
        .await
        .is_ok();
    let patience = services.read_patience;
    if at_end && services.projections.wait_for(told, patience).await {
        Ok(())
    } else {
        Err(behind(told))
    }
}

pub(super) async fn get_peering(
    services: &Services,
    caller: &Caller,
    request: &v1::GetPeeringRequest,
) -> Result<v1::GetPeeringResponse, Problem> {
    let (id, fresh) = parse::get_peering(request)?;
    guard::peering(services, caller, id).await?;
    let row = peering_row(services, id, fresh).await?;
    let (advisories, instructions) = guidance(&row, &services.server.tags);
    Ok(v1::GetPeeringResponse {
        as_of: row.as_of.to_string(),
        peering: Some(v1::Peering {
            left_alone: services.left_alone(&row.network),
            ..services.peering_message(&row)
        }),
        advisories,
        instructions,
    })
}

/// What is good to know of a peering that has not ended, and what the peer's owner has to do where
/// the engine waits for them or where that side is theirs to keep; with what the engine must be
/// allowed on the private network's side, where it is refused there.
fn guidance(
    row: &PeeringView,
    tags: &BTreeMap<String, String>,
) -> (Vec<v1::Advisory>, Vec<v1::Instruction>) {
    let PeeringView {
        network, peering, ..
    } = row;
    if !peering.life.is_live() {
        return (Vec::new(), Vec::new());
    }
    let advisories = advisory::advisories(network, peering)
        .into_iter()
        .map(show::advisory)
        .collect();
    let is_waited_for = peering.terms.consent == Consent::Owner
        || peering.blocked.is_some()
        || peering.life.name() == domain::network::LifeName::AwaitingAcceptance;
    let to_attach = instructions_to_attach(network, peering);
    if !is_waited_for {
        let instructions = to_attach.into_iter().map(show::instruction).collect();
        return (advisories, instructions);
    }
    let own = peering
        .blocked
        .as_ref()
        .filter(|it| it.side == Side::Local && it.cause == BlockCause::PermissionDenied);
    let own = own.map(|_| instructions_for_engine(network, peering, tags));
    let instructions = instructions_for_peer(network, peering, tags)
        .into_iter()
        .chain(own.into_iter().flatten())
        .chain(to_attach)
        .map(show::instruction)
        .collect();
    (advisories, instructions)
}

pub(super) async fn list_peerings(
    services: &Services,
    caller: &Caller,
    request: &v1::ListPeeringsRequest,
) -> Result<v1::ListPeeringsResponse, Problem> {
    let (filter, reading) = parse::list_peerings(request)?;
    reached(services, reading.fresh).await?;
    let mut filling = Filling::new(&reading.page);
    while let Some(part) = filling.next() {
        let rows = rows::peerings(services, &filter, &part).await?;
        let rows = guard::shown(services, caller, rows, |it| Some(it.network.id)).await?;
        filling.add(rows, |view| services.peering_message(&view));
    }
    let filled = filling.finish();
    Ok(v1::ListPeeringsResponse {
        peerings: filled.items,
        next_page_token: filled.next_token,
        as_of: filled.as_of,
        catching_up: filled.catching_up,
    })
}

pub(super) async fn list_exposures(
    services: &Services,
    caller: &Caller,
    request: &v1::ListExposuresRequest,
) -> Result<v1::ListExposuresResponse, Problem> {
    let (filter, reading) = parse::list_exposures(request)?;
    reached(services, reading.fresh).await?;
    let mut filling = Filling::new(&reading.page);
    while let Some(part) = filling.next() {
        let rows = rows::exposures(services, filter, &part).await?;
        let rows = guard::shown(services, caller, rows, |it| it.network_id.parse().ok()).await?;
        filling.add(rows, |row| row);
    }
    let mut filled = filling.finish();
    for it in &mut filled.items {
        it.cloud = cloud_of(services, &it.network_id).await?;
    }
    Ok(v1::ListExposuresResponse {
        exposures: filled.items,
        next_page_token: filled.next_token,
        as_of: filled.as_of,
        catching_up: filled.catching_up,
    })
}

pub(super) async fn list_orphans(
    services: &Services,
    caller: &Caller,
    request: &v1::ListOrphansRequest,
) -> Result<v1::ListOrphansResponse, Problem> {
    let (network, reading) = parse::list_orphans(request)?;
    reached(services, reading.fresh).await?;
    let mut filling = Filling::new(&reading.page);
    while let Some(part) = filling.next() {
        let rows = rows::orphans(services, network, &part).await?;
        let rows = guard::shown(services, caller, rows, |it| it.network_id.parse().ok()).await?;
        filling.add(rows, |row| row);
    }
    let mut filled = filling.finish();
    for it in &mut filled.items {
        it.cloud = cloud_of(services, &it.network_id).await?;
    }
    Ok(v1::ListOrphansResponse {
        orphans: filled.items,
        next_page_token: filled.next_token,
        as_of: filled.as_of,
        catching_up: filled.catching_up,
    })
}

pub(super) async fn list_drift(
    services: &Services,
    caller: &Caller,
    request: &v1::ListDriftRequest,
) -> Result<v1::ListDriftResponse, Problem> {
    let (filter, reading) = parse::list_drift(request)?;
    reached(services, reading.fresh).await?;
    let mut filling = Filling::new(&reading.page);
    while let Some(part) = filling.next() {
        let rows = rows::drift(services, filter, &part).await?;
        let rows = guard::shown(services, caller, rows, |it| it.network_id.parse().ok()).await?;
        filling.add(rows, |row| row);
    }
    let mut filled = filling.finish();
    for it in &mut filled.items {
        it.cloud = cloud_of(services, &it.network_id).await?;
    }
    Ok(v1::ListDriftResponse {
        drift: filled.items,
        next_page_token: filled.next_token,
        as_of: filled.as_of,
        catching_up: filled.catching_up,
    })
}

/// Says in an event what its network is called, and at which cloud it is.
pub(super) async fn name(services: &Services, event: &mut v1::Event) -> Result<(), Problem> {
    let Ok(id) = event.network_id.parse::<NetworkId>() else {
        return Ok(());
    };
    if let Some((project, name)) = guard::called(services, id).await? {
        event.network_name = format!("{project}/{name}");
    }
    show::at_cloud(event, guard::cloud(services, id).await?.as_ref());
    Ok(())
}

/// At which cloud the network is that a message names.
async fn cloud_of(services: &Services, network_id: &str) -> Result<Option<v1::Cloud>, Problem> {
    let Ok(id) = network_id.parse::<NetworkId>() else {
        return Ok(None);
    };
    Ok(guard::cloud(services, id).await?.as_ref().map(show::cloud))
}

pub(super) async fn list_events(
    services: &Services,
    caller: &Caller,
    request: &v1::ListEventsRequest,
) -> Result<v1::ListEventsResponse, Problem> {
    let (filter, reading) = parse::list_events(request)?;
    let known = parse::known(request.known_event.as_ref())?;
    same_log::is_not_another(services, known.as_ref()).await?;
    let is_of_networks = |it: &Part| *it == Part::Networks;
    if !filter.parts.iter().all(is_of_networks) {
        // Who was told that it is on record may look at it at once.
        services.acknowledged.note(services.journal.recorded());
    }
    reached(services, reading.fresh).await?;
    log_end::has(services, &filter).await?;
    let mut filling = Filling::new(&reading.page);
    while let Some(part) = filling.next() {
        let rows = rows::events(services, &filter, None, &part).await?;
        let rows = guard::shown(services, caller, rows, |it| it.network_id).await?;
        filling.add(rows, |row| show::event(&row));
    }
    let mut filled = filling.finish();
    for event in &mut filled.items {
        name(services, event).await?;
    }
    // It may have become another one while it was read.
    same_log::is_not_another(services, known.as_ref()).await?;
    Ok(v1::ListEventsResponse {
        events: filled.items,
        next_page_token: filled.next_token,
        as_of: filled.as_of,
        catching_up: filled.catching_up,
    })
}
