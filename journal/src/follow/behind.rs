//! How much of the log stands behind a place: what somebody who follows from there has before it.
//!
//! It is counted, up to a bound: positions are places in a file, and how many events are between
//! two of them nothing else knows. A plain read of the log has no end that shows that it is whole;
//! a subscription says when it is caught up, so one is opened for the count, over a connection that
//! is there already, and left as soon as the count is made.

use super::{
    Followed,
    outlet::Cursor,
    session::{is_followed, options},
};
use crate::{
    Journal, JournalError, Position,
    calls::CallError,
    client_pool::Borrowed,
    deadline::Deadline,
    wire::{LARGEST_MESSAGE, raw},
};
use chrono::{DateTime, Utc};
use protocol::streams::{ReadReq, read_resp::Content, streams_client::StreamsClient};

/// What is asked about: the whole log.
const LOG: &str = "$all";

/// What stands behind a place of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// How many events; where that is as many as were to be counted, there may be more.
    pub events: u64,
    /// When the store wrote the first of them, by its clock.
    pub oldest: Option<DateTime<Utc>>,
}

impl Journal {
    /// What of these streams stands behind this position (`None`: from the beginning), counted up
    /// to so many events. It costs the store the reading of as many.
    pub async fn behind(
        &self,
        after: Option<Position>,
        followed: &Followed,
        most: u64,
    ) -> Result<Behind, JournalError> {
        let deadline = Deadline::after(self.settings().command_deadline, "count what is behind");
        let attempt = async |borrowed: Borrowed| {
            let mut client = StreamsClient::with_origin(borrowed.http.clone(), borrowed.uri)
                .max_decoding_message_size(LARGEST_MESSAGE);
            let mut request = self.store().request(ReadReq {
                options: Some(options(followed, Cursor::after(after))),
            });
            request.set_timeout(deadline.attempt());
            let mut messages = client.read(request).await?.into_inner();
            let mut behind = Behind::default();
            while behind.events < most {
                let message = messages.message().await?.ok_or(CallError::Cut)?;
                match message.content {
                    Some(Content::Event(event)) => {
                        let event = event.event.and_then(raw).ok_or(CallError::Cut)?;
                        let is_behind = after.is_none_or(|it| it < event.position);
                        if is_behind && is_followed(followed, &event) {
                            behind.events += 1;
                            behind.oldest = behind.oldest.or_else(|| Some(event.written()));
                        }
                    }
                    Some(Content::CaughtUp(_)) => break,
                    Some(
                        Content::Confirmation(_)
                        | Content::Checkpoint(_)
                        | Content::FellBehind(_)
                        | Content::StreamNotFound(_)
                        | Content::FirstStreamPosition(_)
                        | Content::LastStreamPosition(_)
                        | Content::LastAllStreamPosition(_),
                    )
                    | None => {}
                }
            }
            Ok(behind)
        };
        self.store().repeat(LOG, &deadline, attempt).await
    }
}
