//! Commands on their way to the log, and what is remembered of those that got there.

use super::{Rooms, answer, parse::Addressed, reads::read, show, v1};
use domain::{CommandId, NetworkId};
use moka::sync::Cache;
use tonic::{Code, Response, Status};

/// How many commands are remembered for telling a `command_id` that is used for two networks; older
/// ones are in the read models.
const REMEMBERED: u64 = 100_000;

/// The way of a command into the log.
#[derive(Clone, Debug)]
pub(super) struct Commands {
    rooms: Rooms,
    recent: Cache<CommandId, NetworkId>,
}

impl Commands {
    pub(super) fn new(rooms: Rooms) -> Self {
        Self {
            rooms,
            recent: Cache::new(REMEMBERED),
        }
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
        self.one_network_per_command(caller.command_id, network_id)
            .await?;
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

    /// A command id stands for one command. Within a network the log itself tells; this tells
    /// across networks.
    async fn one_network_per_command(
        &self,
        command_id: CommandId,
        network_id: NetworkId,
    ) -> Result<(), Status> {
        let used = match self.recent.get(&command_id) {
            Some(used) => Some(used),
            None => {
                let uses = read(self.rooms.projections.find_command(command_id).await)?;
                uses.into_iter()
                    .map(|it| it.network_id)
                    .find(|used| *used != network_id)
            }
        };
        match used {
            Some(used) if used != network_id => {
                let facts = [
                    ("command_id", command_id.to_string()),
                    ("network_id", used.to_string()),
                ];
                let text = format!(
                    "command {command_id} was for network {used}; give each command a UUID of its own"
                );
                Err(answer::status(
                    Code::AlreadyExists,
                    "COMMAND_ID_REUSED",
                    text,
                    &facts,
                ))
            }
            _ => {
                self.recent.insert(command_id, network_id);
                Ok(())
            }
        }
    }
}
