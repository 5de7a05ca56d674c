//! What is asked of the read models.

use super::{
    Rooms, answer,
    parse::{self, Fields},
    show, v1,
};
use domain::{NetworkId, PeeringId};
use journal::Position;
use projections::{
    ExposureFilter, LifeName, NetworkFilter, PeeringFilter, Projections, QueryError,
};
use tokio::time::timeout;
use tonic::{Code, Status};

/// Waits until the read models show at least this position. Without one they are to show what
/// callers were told of here; if they do not get there in time, what they have is still worth an
/// answer.
pub(super) async fn reached(rooms: &Rooms, min_position: Option<Position>) -> Result<(), Status> {
    let position = min_position.unwrap_or_else(|| rooms.acknowledged.furthest());
    match rooms
        .projections
        .wait_for(position, rooms.read_patience)
        .await
    {
        false if min_position.is_some() => Err(behind(position)),
        false => {
            tracing::warn!(%position, "a read is answered without all that was acknowledged here: the read models are behind");
            Ok(())
        }
        true => Ok(()),
    }
}

/// Waits for read models that know the whole log, what callers were told of included: only those
/// may call something unknown.
pub(super) async fn whole(rooms: &Rooms) -> Result<(), Status> {
    let told = rooms.acknowledged.furthest();
    let mut caught_up = rooms.projections.caught_up();
    let at_end = timeout(rooms.read_patience, caught_up.wait_for(|it| *it))
        .await
        .is_ok();
    if at_end && rooms.projections.wait_for(told, rooms.read_patience).await {
        Ok(())
    } else {
        Err(behind(told))
    }
}

fn behind(position: Position) -> Status {
    let text = format!("the read models have not reached {position} yet; try again");
    answer::status(
        Code::Unavailable,
        "READ_MODEL_BEHIND",
        text,
        &[("min_position", position.to_string())],
    )
}

/// A read model's answer, or the status of its failure.
pub(super) fn read<T>(result: Result<T, QueryError>) -> Result<T, Status> {
    result.map_err(|error| {
        if let QueryError::PageToken = error {
            return parse::wrong_token();
        }
        if let QueryError::Building { at, .. } = error {
            return behind(at);
        }
        tracing::error!(error = %answer::full_text(&error), "read model failed");
        answer::status(
            Code::Internal,
            "READ_MODEL_FAILED",
            answer::full_text(&error),
            &[],
        )
    })
}

pub(super) fn unknown(what: &str, id: impl std::fmt::Display) -> Status {
    let (reason, command) = match what {
        "network" => ("NETWORK_UNKNOWN", "network"),
        _ => ("PEERING_UNKNOWN", "peering"),
    };
    let text = format!("no such {what}; `peerage {command} list` shows those on record");
    answer::status(Code::NotFound, reason, text, &[("id", id.to_string())])
}

/// A peering with all that belongs to it.
pub(super) async fn peering(
    projections: &Projections,
    id: PeeringId,
) -> Result<v1::Peering, Status> {
    let Some(view) = read(projections.peering(id).await)? else {
        return Err(unknown("peering", id));
    };
    Ok(show::peering(&view))
}

pub(super) async fn list_networks(
    rooms: &Rooms,
    request: v1::ListNetworksRequest,
) -> Result<v1::ListNetworksResponse, Status> {
    let mut fields = Fields::default();
    let reading = parse::reading(
        &mut fields,
        request.page_size,
        request.page_token,
        &request.min_position,
    );
    let reading = fields.finish(reading)?;
    reached(rooms, reading.min_position).await?;
    let page = read(
        rooms
            .projections
            .list_networks(&NetworkFilter::default(), &reading.page)
            .await,
    )?;
    let networks = page.items.iter().map(show::network).collect();
    Ok(v1::ListNetworksResponse {
        networks,
        next_page_token: page.next_token.unwrap_or_default(),
    })
}

pub(super) async fn list_peerings(
    rooms: &Rooms,
    request: v1::ListPeeringsRequest,
) -> Result<v1::ListPeeringsResponse, Status> {
    let mut fields = Fields::default();
    let network = parse::optional_id::<NetworkId>(&mut fields, "network_id", &request.network_id);
    let life = fields.optional::<LifeName>("life", &request.life);
    let reading = parse::reading(
        &mut fields,
        request.page_size,
        request.page_token,
        &request.min_position,
    );
    let reading = fields.finish(reading)?;
    reached(rooms, reading.min_position).await?;
    let filter = PeeringFilter {
        network,
        lives: life.into_iter().collect(),
        ..PeeringFilter::default()
    };
    let page = read(
        rooms
            .projections
            .list_peerings(&filter, &reading.page)
            .await,
    )?;
    let peerings = page.items.iter().map(show::peering).collect();
    Ok(v1::ListPeeringsResponse {
        peerings,
        next_page_token: page.next_token.unwrap_or_default(),
    })
}

pub(super) async fn list_exposures(
    rooms: &Rooms,
    request: v1::ListExposuresRequest,
) -> Result<v1::ListExposuresResponse, Status> {
    let mut fields = Fields::default();
    let network = parse::optional_id::<NetworkId>(&mut fields, "network_id", &request.network_id);
    let peering = parse::optional_id::<PeeringId>(&mut fields, "peering_id", &request.peering_id);
    let reading = parse::reading(
        &mut fields,
        request.page_size,
        request.page_token,
        &request.min_position,
    );
    let reading = fields.finish(reading)?;
    reached(rooms, reading.min_position).await?;
    let page = read(
        rooms
            .projections
            .list_exposures(&ExposureFilter { network, peering }, &reading.page)
            .await,
    )?;
    let exposures = page.items.iter().map(show::exposure).collect();
    Ok(v1::ListExposuresResponse {
        exposures,
        next_page_token: page.next_token.unwrap_or_default(),
    })
}
