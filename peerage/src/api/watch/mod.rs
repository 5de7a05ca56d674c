//! Watches: states as they change, events if wanted, and bookmarks, so that an idle watch can be
//! told from a dead one and resumed.
//!
//! One [`Hub`] reads what is new and wakes the watches that it concerns; a watch then reads for
//! itself, so a slow one holds up nobody and misses nothing. Their number is bounded.

mod follow;
mod holds;
mod hub;
mod kinds;
mod looks;

pub use hub::Hub;
pub(in crate::api) use hub::Seat;

use super::{
    Services,
    access::Caller,
    guard,
    parse::{self, Freshness},
    problem::Problem,
    reads::reached,
    same_log, v1,
};
use follow::follow;
use kinds::{NetworkWatch, PeeringWatch};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// The messages of a watch.
pub(super) type Stream<M> = ReceiverStream<Result<M, Status>>;

/// How many messages may wait for a slow reader.
const WAITING: usize = 2;

pub(super) async fn networks(
    services: &Services,
    caller: Caller,
    request: &v1::WatchNetworksRequest,
    service: &'static str,
) -> Result<Stream<v1::WatchNetworksResponse>, Problem> {
    let watch = parse::watch_networks(request)?;
    start::<NetworkWatch>(services, caller, watch, service).await
}

pub(super) async fn peerings(
    services: &Services,
    caller: Caller,
    request: &v1::WatchPeeringsRequest,
    service: &'static str,
) -> Result<Stream<v1::WatchPeeringsResponse>, Problem> {
    let watch = parse::watch_peerings(request)?;
    start::<PeeringWatch>(services, caller, watch, service).await
}

/// What is watched must be on record; then a task of its own follows it until the caller leaves.
async fn start<K: follow::Kind>(
    services: &Services,
    caller: Caller,
    watch: parse::Watch,
    service: &'static str,
) -> Result<Stream<K::Message>, Problem> {
    let seat = services.hub.watch(watch.scope)?;
    let mut other_logs = services.projections.other_logs();
    let fresh = Freshness {
        min_position: watch.min_position,
        while_building: projections::WhileBuilding::Refuse,
    };
    reached(services, fresh).await?;
    same_log::is_not_another(services, watch.known.as_ref()).await?;
    match watch.scope {
        parse::Scope::All => {}
        parse::Scope::Network(id) => guard::network(services, &caller, id).await?,
        parse::Scope::Peering(id) => guard::peering(services, &caller, id).await?,
    }
    K::check(services, watch.scope).await?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let services = services.clone();
    tokio::spawn(async move {
        // Whoever was let in by something that holds no more is judged again.
        let followed = tokio::select! {
            biased;
            Ok(()) = other_logs.changed() => Err(same_log::another("events that it had are gone")),
            followed = follow::<K>(&services, &caller, watch, &seat, &sender) => followed,
            ended = caller.ended() => Err(ended),
        };
        if let Err(problem) = followed {
            let _ = sender.send(Err(problem.status(service))).await;
        }
    });
    Ok(ReceiverStream::new(receiver))
}
