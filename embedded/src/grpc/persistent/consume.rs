//! `PersistentSubscriptions/Read`: options first, then acknowledgements; events in between.

use std::pin::Pin;

use async_stream::try_stream;
use futures::Stream;
use protocol::{
    persistent_subscriptions::{
        ReadReq, ReadResp,
        read_req::{
            self, Content as Asked, nack::Action as Nacked, options::StreamOption,
            options::uuid_option,
        },
        read_resp::{Content, ReadEvent, SubscriptionConfirmation, read_event},
    },
    shared::Uuid as WireUuid,
};
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::{dropped, failed, request};
use crate::{
    grpc::{
        Context,
        convert::{IdForm, read_id},
        recorded::recorded,
        status,
    },
    model::{Position, Record},
    persistent::{Caller, Connection, GroupName, NackAction, Pushed},
    security::{Action, Identity},
};

/// How many events one message may acknowledge, or not. Clients send 2000 at most.
const MOST_IDS: usize = 10_000;

/// How many bytes of a reason are kept with a parked event.
const LONGEST_REASON: usize = 4096;

type Replies = Pin<Box<dyn Stream<Item = Result<ReadResp, Status>> + Send>>;

pub(super) async fn consume(
    context: &Context,
    identity: &Identity,
    mut requests: Streaming<ReadReq>,
    caller: Caller,
) -> Result<Replies, Status> {
    let Some(Asked::Options(options)) = requests.message().await?.and_then(|first| first.content)
    else {
        return Err(Status::invalid_argument(
            "The first message must be the options.",
        ));
    };
    let (name, capacity, ids) = read_options(options)?;
    let allowed = context
        .guard
        .stream(identity, Action::Read, &name.source)
        .await;
    allowed.map_err(|denied| status::denied(&denied))?;
    let connected = context.groups.connect(&name, capacity, caller).await;
    let mut connection = connected.map_err(|error| failed(&name, &error))?;
    let shutdown = context.reader.shutdown_token();
    Ok(Box::pin(try_stream! {
        // The official Python client takes the subscription's id apart and insists on the names of
        // the stream and the group.
        let subscription_id = name.to_string();
        yield reply(Content::SubscriptionConfirmation(SubscriptionConfirmation { subscription_id }));
        // Some clients close their side when they stop acknowledging; what is pushed goes on until
        // the call is cancelled.
        let mut asks = true;
        loop {
            let step = tokio::select! {
                biased;
                () = shutdown.cancelled() => Step::Shutdown,
                request = requests.message(), if asks => Step::Asked(request),
                pushed = connection.events.recv() => Step::Pushed(pushed.and_then(Result::ok)),
            };
            match step {
                Step::Shutdown => Err(status::shutting_down())?,
                Step::Asked(request) => match request? {
                    Some(request) => match request.content {
                        Some(content) => answer(&connection, content).await?,
                        None => Err(dropped(&name))?,
                    },
                    None => asks = false,
                },
                Step::Pushed(None) => Err(dropped(&name))?,
                Step::Pushed(Some(pushed)) => yield reply(Content::Event(event(&pushed, ids))),
            }
        }
    }))
}

/// What happens next on a connection.
enum Step {
    Asked(Result<Option<ReadReq>, Status>),
    Pushed(Option<Pushed>),
    Shutdown,
}

fn read_options(options: read_req::Options) -> Result<(GroupName, usize, IdForm), Status> {
    let name = match options.stream_option {
        Some(StreamOption::StreamIdentifier(stream)) => {
            request::named(Some(stream), options.group_name)?
        }
        Some(StreamOption::All(())) => request::on_all(options.group_name),
        None => return Err(request::no_source()),
    };
    let ids = match options.uuid_option.and_then(|option| option.content) {
        Some(uuid_option::Content::Structured(())) => IdForm::Structured,
        Some(uuid_option::Content::String(())) => IdForm::Text,
        None => {
            return Err(Status::invalid_argument(
                "The request must say how ids are written.",
            ));
        }
    };
    let capacity = usize::try_from(options.buffer_size)
        .ok()
        .filter(|size| *size > 0);
    let capacity = capacity
        .ok_or_else(|| Status::invalid_argument("The buffer must hold at least one event."))?;
    Ok((name, capacity, ids))
}

async fn answer(connection: &Connection, content: Asked) -> Result<(), Status> {
    match content {
        Asked::Ack(ack) => connection.ack(read_ids(&ack.ids)?).await,
        Asked::Nack(nack) => {
            let action = match nack.action() {
                Nacked::Unknown | Nacked::Retry => NackAction::Retry,
                Nacked::Park => NackAction::Park,
                // A real server's Stop does what Skip does.
                Nacked::Skip | Nacked::Stop => NackAction::Skip,
            };
            let kept = nack.reason.floor_char_boundary(LONGEST_REASON);
            let reason = nack.reason[..kept].to_owned();
            connection.nack(read_ids(&nack.ids)?, action, reason).await;
        }
        Asked::Options(_) => {
            return Err(Status::invalid_argument(
                "Only the first message may be options.",
            ));
        }
    }
    Ok(())
}

fn read_ids(ids: &[WireUuid]) -> Result<Vec<Uuid>, Status> {
    if ids.len() > MOST_IDS {
        return Err(Status::invalid_argument(format!(
            "One message may name {MOST_IDS} events."
        )));
    }
    let ids: Option<Vec<Uuid>> = ids.iter().map(|id| read_id(Some(id))).collect();
    ids.ok_or_else(|| Status::invalid_argument("An acknowledged event's id must be a UUID."))
}

fn reply(content: Content) -> ReadResp {
    ReadResp {
        content: Some(content),
    }
}

/// A resolved event shows the position of its link: the place in the group's source.
fn event(pushed: &Pushed, ids: IdForm) -> ReadEvent {
    let position = pushed.event.position().unwrap_or_default();
    ReadEvent {
        event: pushed
            .event
            .event
            .as_ref()
            .map(|record| own(record, position, ids)),
        link: pushed
            .event
            .link
            .as_ref()
            .map(|record| own(record, position, ids)),
        position: Some(read_event::Position::CommitPosition(position.get())),
        count: Some(read_event::Count::RetryCount(
            i32::try_from(pushed.retries).unwrap_or(i32::MAX),
        )),
    }
}

/// The service has a message of its own for the same thing.
fn own(record: &Record, position: Position, ids: IdForm) -> read_event::RecordedEvent {
    let event = recorded(record, ids);
    read_event::RecordedEvent {
        id: event.id,
        stream_identifier: event.stream_identifier,
        stream_revision: event.stream_revision,
        prepare_position: position.get(),
        commit_position: position.get(),
        metadata: event.metadata,
        custom_metadata: event.custom_metadata,
        data: event.data,
    }
}
