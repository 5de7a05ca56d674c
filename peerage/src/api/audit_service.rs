//! `AuditService`: the log, page by page.

use super::{
    Rooms,
    network_service::{reached, read},
    parse::{self, Fields},
    show,
    v1::{self, audit_service_server::AuditService},
};
use domain::{CommandId, NetworkId, PeeringId};
use journal::Position;
use projections::{Order, TimelineQuery};
use tonic::{Request, Response, Status};

/// The service.
#[derive(Clone, Debug)]
pub struct Audit {
    rooms: Rooms,
}

impl Audit {
    pub fn new(rooms: Rooms) -> Self {
        Self { rooms }
    }
}

#[tonic::async_trait]
impl AuditService for Audit {
    async fn list_events(&self, request: Request<v1::ListEventsRequest>) -> Result<Response<v1::ListEventsResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let network_id = parse::optional_id::<NetworkId>(&mut fields, "network_id", &request.network_id);
        let peering_id = parse::optional_id::<PeeringId>(&mut fields, "peering_id", &request.peering_id);
        let command_id = parse::optional_id::<CommandId>(&mut fields, "command_id", &request.command_id);
        let after = fields.optional::<Position>("page_token", &request.page_token);
        let page = parse::page(&mut fields, request.page_size, &request.min_position);
        let page = fields.finish(page)?;
        reached(&self.rooms, page.min_position).await?;
        let order = if request.newest_first { Order::NewestFirst } else { Order::OldestFirst };
        let query = TimelineQuery { network_id, peering_id, command_id, after, order };
        let events = read(self.rooms.projections.timeline(query, page.size).await)?;
        let next = (events.items.len() == page.size).then(|| events.items.last().map(|it| it.position.to_string())).flatten();
        Ok(Response::new(v1::ListEventsResponse {
            events: events.items.iter().map(show::event).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }
}
