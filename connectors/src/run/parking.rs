//! Records that are set aside, with what came of the attempts.

use super::delivery::{Delivery, End, Told};
use crate::{checkpoint::told, parked::ParkedError, sink::Item};
use domain::{
    connector::{Failure, FailureCode, bounded, parked::ParkedRecord},
    text::ConnectorId,
};

impl Delivery {
    pub(super) async fn park(
        &self,
        lane: &str,
        items: &[Item],
        cause: &str,
        told_of: &Told<'_>,
    ) -> End {
        for item in items {
            match self.park_one(lane, item, cause, told_of).await {
                End::Parked => {}
                end @ (End::Delivered
                | End::Apart
                | End::Unfinished
                | End::Fenced
                | End::Failed(_)
                | End::Broke(_)) => return end,
            }
        }
        End::Parked
    }

    async fn park_one(&self, lane: &str, item: &Item, cause: &str, told_of: &Told<'_>) -> End {
        if ConnectorId::of_stream(&item.recorded.stream).is_some() {
            // Otherwise two connectors that deliver each other's events would have no end.
            tracing::warn!(connector = %self.id, cause, "an event of another connector was not delivered, and is left out");
            return End::Parked;
        }
        let record = ParkedRecord {
            event_id: item.recorded.event_id,
            event_type: item.recorded.event_type().to_owned(),
            stream: item.recorded.stream.clone(),
            revision: item.recorded.revision,
            position: told(item.recorded.position),
            lane: lane.to_owned(),
            sequence: item.sequence,
            cause: bounded(cause),
            status: told_of.attempt.status,
            body: told_of.attempt.body.clone(),
            attempts: told_of.attempts,
            first_tried: told_of.first_tried,
            term: self.holding.term,
        };
        let event_id = record.event_id;
        let parked = self.parked.lock().await.park(record, (self.clock)()).await;
        match parked {
            Ok(()) => {
                self.live.lock().counts.parked += 1;
                tracing::warn!(connector = %self.id, event = %event_id.0, cause, "a record was parked");
                End::Parked
            }
            Err(ParkedError::Fenced) => End::Fenced,
            Err(error @ ParkedError::TooMany { .. }) => {
                End::Failed(Failure::new(FailureCode::Exhausted, &error.to_string()))
            }
            Err(
                error @ (ParkedError::NotParked(_)
                | ParkedError::TooManyReplays
                | ParkedError::Contention
                | ParkedError::Encoding(_)
                | ParkedError::Journal(_)),
            ) => End::Broke(domain::error_chain(&error).to_string()),
        }
    }
}
