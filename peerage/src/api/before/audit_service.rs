//! `AuditService`: the log, page by page.

use super::{
    Rooms,
    parse::{self, Fields},
    reads::{reached, read},
    show,
    v1::{self, audit_service_server::AuditService},
};
use domain::{CommandId, NetworkId, PeeringId};
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
    async fn list_events(
        &self,
        request: Request<v1::ListEventsRequest>,
    ) -> Result<Response<v1::ListEventsResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        let network =
            parse::optional_id::<NetworkId>(&mut fields, "network_id", &request.network_id);
        let peering =
            parse::optional_id::<PeeringId>(&mut fields, "peering_id", &request.peering_id);
        let command =
            parse::optional_id::<CommandId>(&mut fields, "command_id", &request.command_id);
        let reading = parse::reading(
            &mut fields,
            request.page_size,
            request.page_token,
            &request.min_position,
        );
        let reading = fields.finish(reading)?;
        reached(&self.rooms, reading.min_position).await?;
        let order = if request.newest_first {
            Order::NewestFirst
        } else {
            Order::OldestFirst
        };
        let query = TimelineQuery {
            network,
            peering,
            command,
            order,
            ..Default::default()
        };
        let page = read(self.rooms.projections.timeline(&query, &reading.page).await)?;
        let events = page.items.iter().map(show::event).collect();
        Ok(Response::new(v1::ListEventsResponse {
            events,
            next_page_token: page.next_token.unwrap_or_default(),
        }))
    }
}
