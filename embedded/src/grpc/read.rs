//! `Streams/Read`: reads and subscriptions.

use futures::StreamExt as _;
use protocol::streams::{
    ReadReq, ReadResp,
    read_resp::{
        CaughtUp, Checkpoint, Content, Position as WirePosition, ReadEvent, StreamNotFound,
        SubscriptionConfirmation, read_event,
    },
};
use tonic::Status;

use super::{
    Context, Replies,
    convert::{IdForm, write_stream},
    read_request::{Read, read_request},
    recorded::recorded,
    status,
};
use crate::{
    model::{Position, StreamName},
    read::{Message, Reached, ReadError, Resolved},
    security::{Action, Identity},
};

pub(super) async fn read(
    context: &Context,
    who: &Identity,
    request: ReadReq,
) -> Result<Replies<ReadResp>, Status> {
    let asked = read_request(request)?;
    let allowed = context
        .guard
        .stream(who, Action::Read, &asked.read.source())
        .await;
    allowed.map_err(|denied| status::denied(&denied))?;
    let (reader, ids) = (&context.reader, asked.ids);
    let mut missing = None;
    let messages = match asked.read {
        Read::Stream(read) => {
            missing = Some(read.stream.clone());
            reader.read_stream(read).await
        }
        Read::SubscribeToStream(asked) => reader.subscribe_stream(asked).await,
        Read::SubscribeToAll(asked) => Ok(reader.subscribe_all(asked)),
        // A real server tells a plain read otherwise than a subscription that the position is made
        // up.
        Read::All(read) => match reader.read_all(read).await {
            Err(error @ ReadError::NoRecord(_)) => return Err(Status::unknown(error.to_string())),
            messages => messages,
        },
    };
    let messages = messages.map_err(|error| status::read_failed(&error))?;
    Ok(Box::pin(messages.map(move |message| match message {
        Ok(message) => Ok(ReadResp {
            content: Some(content(message, ids, missing.as_ref())),
        }),
        Err(error) => Err(status::read_failed(&error)),
    })))
}

fn content(message: Message, ids: IdForm, stream: Option<&StreamName>) -> Content {
    match message {
        Message::Event(event) => Content::Event(read_event(&event, ids)),
        Message::Confirmed { subscription } => Content::Confirmation(SubscriptionConfirmation {
            subscription_id: subscription.to_string(),
        }),
        Message::Checkpoint { position, at } => Content::Checkpoint(Checkpoint {
            commit_position: position.get(),
            prepare_position: position.get(),
            timestamp: Some(at.timestamp()),
        }),
        Message::CaughtUp { reached, at } => {
            let timestamp = Some(at.timestamp());
            Content::CaughtUp(match reached {
                Reached::Stream(number) => CaughtUp {
                    timestamp,
                    stream_revision: number.map(u64::cast_signed),
                    position: None,
                },
                Reached::All(position) => CaughtUp {
                    timestamp,
                    stream_revision: None,
                    position: position.map(write_position),
                },
            })
        }
        Message::StreamNotFound => Content::StreamNotFound(StreamNotFound {
            stream_identifier: stream.map(write_stream),
        }),
        Message::FirstStreamPosition(number) => Content::FirstStreamPosition(number),
        Message::LastStreamPosition(number) => Content::LastStreamPosition(number),
    }
}

fn read_event(event: &Resolved, ids: IdForm) -> ReadEvent {
    let position = event
        .position()
        .map_or(read_event::Position::NoPosition(()), |position| {
            read_event::Position::CommitPosition(position.get())
        });
    ReadEvent {
        event: event.event.as_ref().map(|record| recorded(record, ids)),
        link: event.link.as_ref().map(|record| recorded(record, ids)),
        position: Some(position),
    }
}

fn write_position(position: Position) -> WirePosition {
    WirePosition {
        commit_position: position.get(),
        prepare_position: position.get(),
    }
}
