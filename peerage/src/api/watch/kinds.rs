//! What can be watched: networks, and peerings.

use super::{
    follow::{Beside, Kind, State},
    holds::is_hold,
};
use crate::api::{Services, parse::Scope, problem::Problem, rows, v1};
use domain::{NetworkId, PeeringId};
use journal::Position;
use projections::{NetworkView, Page, PageRequest, PeeringView, TimelineEntry};

/// Networks.
pub(super) struct NetworkWatch;

impl Kind for NetworkWatch {
    type Message = v1::WatchNetworksResponse;
    type Id = NetworkId;

    async fn check(services: &Services, scope: Scope) -> Result<(), Problem> {
        match scope {
            Scope::Network(id) => match rows::network(services, id).await? {
                Some(_) => Ok(()),
                None => Err(Problem::unknown_network(id)),
            },
            Scope::All | Scope::Peering(_) => Ok(()),
        }
    }

    async fn states(
        services: &Services,
        scope: Scope,
        part: &PageRequest,
    ) -> Result<Page<State<Self>>, Problem> {
        if let Scope::Network(id) = scope {
            let row = services.hub.looks.network(services, id).await?;
            let row = row.as_ref().as_ref();
            let as_of = row.map_or(Position::START, |it| it.as_of);
            return Ok(Page {
                items: row
                    .map(|it| network_state(services, it))
                    .into_iter()
                    .collect(),
                next_token: None,
                catching_up: false,
                as_of,
            });
        }
        let rows = rows::networks(services, &Default::default(), part).await?;
        Ok(rows::map(rows, |it| network_state(services, &it)))
    }

    async fn state(services: &Services, id: NetworkId) -> Result<Option<State<Self>>, Problem> {
        let row = services.hub.looks.network(services, id).await?;
        let row = row.as_ref().as_ref();
        Ok(row.map(|it| network_state(services, it)))
    }

    fn changed_by(event: &TimelineEntry) -> Option<NetworkId> {
        event.network_id
    }

    fn changed_in(_: &TimelineEntry) -> Option<NetworkId> {
        None
    }

    fn network(message: &Self::Message) -> Option<&str> {
        use v1::watch_networks_response::Update;
        match message.update.as_ref()? {
            Update::Network(it) => Some(&it.network_id),
            Update::Event(it) => Some(&it.network_id),
            Update::Bookmark(_) => None,
        }
    }

    fn event(event: v1::Event) -> Self::Message {
        message(v1::watch_networks_response::Update::Event(event))
    }

    fn bookmark(bookmark: v1::Bookmark) -> Self::Message {
        message(v1::watch_networks_response::Update::Bookmark(bookmark))
    }
}

fn network_state(services: &Services, view: &NetworkView) -> State<NetworkWatch> {
    let shown = services.network_message(view);
    State {
        id: view.network.id,
        version: (
            view.revision,
            Beside {
                fault: shown.history_fault.as_ref().map_or(0, |it| it.kind),
                ..Beside::default()
            },
        ),
        message: message(v1::watch_networks_response::Update::Network(shown)),
    }
}

fn message(update: v1::watch_networks_response::Update) -> v1::WatchNetworksResponse {
    v1::WatchNetworksResponse {
        update: Some(update),
    }
}

/// Peerings.
pub(super) struct PeeringWatch;

impl Kind for PeeringWatch {
    type Message = v1::WatchPeeringsResponse;
    type Id = PeeringId;

    async fn check(services: &Services, scope: Scope) -> Result<(), Problem> {
        let is_known = match scope {
            Scope::All => true,
            Scope::Network(id) => {
                return NetworkWatch::check(services, Scope::Network(id)).await;
            }
            Scope::Peering(id) => rows::peering(services, id).await?.is_some(),
        };
        match scope {
            Scope::Peering(id) if !is_known => Err(Problem::unknown_peering(id)),
            Scope::All | Scope::Network(_) | Scope::Peering(_) => Ok(()),
        }
    }

    async fn states(
        services: &Services,
        scope: Scope,
        part: &PageRequest,
    ) -> Result<Page<State<Self>>, Problem> {
        let network = match scope {
            Scope::All => None,
            Scope::Network(id) => Some(id),
            Scope::Peering(id) => {
                let row = services.hub.looks.peering(services, id).await?;
                let row = row.as_ref().as_ref();
                let as_of = row.map_or(Position::START, |it| it.as_of);
                return Ok(Page {
                    items: row
                        .map(|it| peering_state(services, it))
                        .into_iter()
                        .collect(),
                    next_token: None,
                    catching_up: false,
                    as_of,
                });
            }
        };
        let filter = crate::api::parse::Peerings {
            network,
            ..Default::default()
        };
        let rows = rows::peerings(services, &filter, part).await?;
        Ok(rows::map(rows, |it| peering_state(services, &it)))
    }

    async fn state(services: &Services, id: PeeringId) -> Result<Option<State<Self>>, Problem> {
        let row = services.hub.looks.peering(services, id).await?;
        let row = row.as_ref().as_ref();
        Ok(row.map(|it| peering_state(services, it)))
    }

    fn changed_by(event: &TimelineEntry) -> Option<PeeringId> {
        event.peering_id
    }

    fn changed_in(event: &TimelineEntry) -> Option<NetworkId> {
        event.network_id.filter(|_| is_hold(event))
    }

    fn network(message: &Self::Message) -> Option<&str> {
        use v1::watch_peerings_response::Update;
        match message.update.as_ref()? {
            Update::Peering(it) => Some(&it.network_id),
            Update::Event(it) => Some(&it.network_id),
            Update::Bookmark(_) => None,
        }
    }

    fn event(event: v1::Event) -> Self::Message {
        update(v1::watch_peerings_response::Update::Event(event))
    }

    fn bookmark(bookmark: v1::Bookmark) -> Self::Message {
        update(v1::watch_peerings_response::Update::Bookmark(bookmark))
    }
}

fn peering_state(services: &Services, view: &PeeringView) -> State<PeeringWatch> {
    let holds = view.network.quarantines_of(&view.peering).map(|(_, it)| it);
    let holds: Vec<_> = holds.chain(&view.network.frozen).collect();
    let latest = holds.iter().map(|it| it.since).max();
    let shown = services.peering_message(view);
    let beside = Beside {
        holds: holds.len(),
        since: latest,
        fault: shown.history_fault.as_ref().map_or(0, |it| it.kind),
    };
    State {
        id: view.peering.id,
        version: (view.revision, beside),
        message: update(v1::watch_peerings_response::Update::Peering(shown)),
    }
}

fn update(update: v1::watch_peerings_response::Update) -> v1::WatchPeeringsResponse {
    v1::WatchPeeringsResponse {
        update: Some(update),
    }
}
