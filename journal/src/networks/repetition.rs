//! A command that was answered before: its first outcome is in the log, and is the answer.

use super::{Networks, Slot, execute::Order};
use crate::{
    Body, ExecuteError, JournalError, Position, Recorded, calls::Page, deadline::Deadline,
};
use domain::{
    Receipt,
    network::{NetworkCommand, NetworkEvent},
};

/// What stands in the log where a receipt says.
pub(super) struct FirstOutcome {
    pub(super) revision: u64,
    pub(super) position: Position,
    pub(super) events: Vec<NetworkEvent>,
}

/// How many events of an earlier command one read asks for; hardly any has more.
const OUTCOME_PAGE: usize = 128;

impl Networks {
    /// Where the command's outcome is, if it was carried out before. A worker's outcome is not
    /// looked for: recorded again, nothing is left to record.
    pub(super) async fn receipt(
        &self,
        order: &Order<'_>,
        slot: &Slot,
        deadline: &Deadline,
    ) -> Result<Option<Receipt>, JournalError> {
        if let NetworkCommand::Record(_) = order.command {
            return Ok(None);
        }
        self.fetch_receipts(order.id, slot, deadline).await?;
        Ok(slot.receipt(order.caller.command_id))
    }

    /// The events of a command that was carried out earlier; nothing if others stand there. An
    /// error if it was another command under the same id.
    pub(super) async fn first_outcome(
        &self,
        order: &Order<'_>,
        receipt: Receipt,
        deadline: &Deadline,
    ) -> Result<Option<FirstOutcome>, ExecuteError> {
        let (stream, command_id) = (order.id.stream(), receipt.command);
        let is_its = |it: &Recorded| {
            let metadata = it.metadata.as_ref();
            metadata.is_some_and(|it| it.command_id == command_id)
        };
        let mut recorded: Vec<Recorded> = Vec::new();
        loop {
            let from = receipt.first_revision + recorded.len() as u64;
            let page = self
                .store
                .read_page(&stream, from, OUTCOME_PAGE, deadline)
                .await?;
            let Page::Found { events, .. } = page else {
                break;
            };
            let (there, before) = (events.len(), recorded.len());
            recorded.extend(events.into_iter().take_while(is_its));
            if recorded.len() - before < OUTCOME_PAGE || there < OUTCOME_PAGE {
                break;
            }
        }
        let (Some(first), Some(last)) = (recorded.first(), recorded.last()) else {
            return Ok(None);
        };
        let digest = first.metadata.as_ref().map(|it| &it.command_digest);
        if digest != Some(&order.digest) {
            return Err(ExecuteError::CommandIdReused {
                command_id,
                first_revision: receipt.first_revision,
            });
        }
        let (revision, position) = (last.revision, last.position);
        let events = recorded.into_iter().map(|it| match it.body {
            Body::Event(event) => Ok(event),
            Body::Undecodable {
                event_type,
                problem,
            } => Err(JournalError::Unreadable {
                stream: it.stream,
                revision: it.revision,
                event_type,
                problem,
            }),
        });
        Ok(Some(FirstOutcome {
            revision,
            position,
            events: events.collect::<Result<_, _>>()?,
        }))
    }
}
