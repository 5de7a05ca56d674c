//! Commands on their way to the log.

use super::{Rooms, answer, parse::Addressed, show, v1};
use tonic::{Response, Status};

/// The way of a command into the log.
#[derive(Clone, Debug)]
pub(super) struct Commands {
    rooms: Rooms,
}

impl Commands {
    pub(super) fn new(rooms: Rooms) -> Self {
        Self { rooms }
    }

    pub(super) async fn execute(
        &self,
        addressed: Addressed,
    ) -> Result<Response<v1::CommandResponse>, Status> {
        let (peering, ingress) = (addressed.peering_id(), addressed.ingress_id());
        let Addressed {
            caller,
            network_id,
            command,
        } = addressed;
        let now = (self.rooms.clock)();
        let outcome = self
            .rooms
            .journal
            .networks()
            .execute(network_id, &command, &caller, now)
            .await;
        let executed = outcome.map_err(|error| {
            tracing::debug!(command = command.name(), %network_id, command_id = %caller.command_id, error = %answer::full_text(&error), "not carried out");
            answer::failed(&error)
        })?;
        tracing::info!(
            command = command.name(), %network_id, command_id = %caller.command_id, actor = %caller.actor,
            repeated = executed.repeated, "carried out"
        );
        if let Some(position) = executed.position {
            self.rooms.acknowledged.note(position);
        }
        Ok(Response::new(show::command_response(
            &executed, peering, ingress,
        )))
    }
}
