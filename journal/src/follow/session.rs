//! One subscription on one node: from the request to the break that ends it.

use super::{
    ACCESS_CATEGORY, Followed, Signal,
    outlet::{Cursor, Disconnect, Outlet},
};
use crate::{
    FollowError, Position,
    codec::Raw,
    nodes::Nodes,
    transport::{Http, Transport},
    wire::{DELETED_TYPE, LARGEST_MESSAGE, METADATA_TYPE, raw, stream},
};
use domain::{
    approval::APPROVAL_CATEGORY,
    connector::{CONNECTOR_CATEGORY, PARKED_CATEGORY},
    ids::NETWORK_CATEGORY,
};
use kurrentdb::Endpoint;
use protocol::streams::{
    ReadReq, ReadResp,
    read_req::{
        self, Options,
        options::{
            AllOptions, ControlOption, CountOption, FilterOption, FilterOptions, StreamOption,
            StreamOptions, SubscriptionOptions, UuidOption, all_options::AllOption, filter_options,
            stream_options::RevisionOption, uuid_option,
        },
    },
    read_resp::Content,
    streams_client::StreamsClient,
};
use std::time::Duration;
use tonic::{Code, Status, Streaming};

/// A checkpoint comes after so many events were looked at: few enough to look at again after a
/// break.
const CHECKPOINT_WINDOW: u32 = 512;
const CHECKPOINT_MULTIPLIER: u32 = 2;

pub(super) struct Session<'a> {
    pub(super) transport: &'a Transport,
    pub(super) http: Http,
    pub(super) node: &'a Endpoint,
    pub(super) followed: &'a Followed,
    /// How long opening may take, up to the node's confirmation.
    pub(super) open_within: Duration,
}

impl Session<'_> {
    pub(super) async fn run(&self, outlet: &mut Outlet, nodes: &Nodes) -> Disconnect {
        let mut messages = match self.open(outlet.cursor).await {
            Ok(messages) => messages,
            Err(broken) => return broken,
        };
        outlet.is_let_in = true;
        loop {
            let message = match tokio::time::timeout(self.transport.silence(), messages.message())
                .await
            {
                Ok(message) => message,
                // An idle connection is probed by the transport. A node that has lost its cluster
                // answers that, and says nothing.
                Err(_) if nodes.belongs(self.transport, &self.http, self.node).await => continue,
                Err(_) => return Disconnect::Lost("the node has left its cluster".into()),
            };
            let handled = match message {
                Ok(Some(message)) => self.handle(message, outlet).await,
                // Whatever the status, a subscription has no end: this is a server that goes away.
                Ok(None) => Err(Disconnect::Lost("the server ended the stream".into())),
                Err(status) => Err(self.judge(status, outlet.cursor)),
            };
            if let Err(broken) = handled {
                return broken;
            }
        }
    }

    /// Subscribes, and waits for the confirmation: a frozen server accepts connections too.
    async fn open(&self, cursor: Cursor) -> Result<Streaming<ReadResp>, Disconnect> {
        let uri = self
            .transport
            .uri(self.node)
            .ok_or_else(|| Disconnect::Lost(format!("{:?} is no address", self.node).into()))?;
        let mut client = StreamsClient::with_origin(self.http.clone(), uri)
            .max_decoding_message_size(LARGEST_MESSAGE);
        let request = self.transport.request(ReadReq {
            options: Some(options(self.followed, cursor)),
        });
        let opening = async {
            let mut stream = client.read(request).await?.into_inner();
            let first = stream.message().await?;
            Ok::<_, Status>((stream, first))
        };
        let (stream, first) = tokio::time::timeout(self.open_within, opening)
            .await
            .map_err(|_| {
                Disconnect::Lost(format!("no confirmation within {:?}", self.open_within).into())
            })?
            .map_err(|status| self.judge(status, cursor))?;
        match first.and_then(|it| it.content) {
            Some(Content::Confirmation(_)) => Ok(stream),
            _ => Err(Disconnect::Lost(
                "the server did not confirm the subscription".into(),
            )),
        }
    }

    async fn handle(&self, message: ReadResp, outlet: &mut Outlet) -> Result<(), Disconnect> {
        match message.content {
            Some(Content::Event(event)) => {
                let raw = event.event.and_then(raw).ok_or_else(|| {
                    Disconnect::Lost("the server sent an event without its parts".into())
                })?;
                self.event(raw, outlet).await
            }
            Some(Content::Checkpoint(it)) => {
                checkpoint(
                    Position {
                        commit: it.commit_position,
                        prepare: it.prepare_position,
                    },
                    outlet,
                )
                .await
            }
            Some(Content::CaughtUp(_)) => outlet.deliver(Signal::CaughtUp).await,
            Some(
                Content::Confirmation(_)
                | Content::FellBehind(_)
                | Content::StreamNotFound(_)
                | Content::FirstStreamPosition(_)
                | Content::LastStreamPosition(_)
                | Content::LastAllStreamPosition(_),
            )
            | None => Ok(()),
        }
    }

    async fn event(&self, raw: Raw, outlet: &mut Outlet) -> Result<(), Disconnect> {
        let (position, revision) = (raw.position, raw.revision);
        if outlet.cursor.is_behind(position) {
            if is_followed(self.followed, &raw) {
                outlet.deliver(Signal::Event(raw.read())).await?;
            } else {
                outlet.deliver(Signal::Checkpoint(position)).await?;
            }
            outlet.cursor.position = Some(position);
        }
        outlet.cursor.revision = Some(revision);
        Ok(())
    }

    /// Which ends of a stream no other session can mend. The codes and the `exception` trailer are
    /// the protocol's own vocabulary.
    fn judge(&self, status: Status, cursor: Cursor) -> Disconnect {
        let followed = self.followed.to_string();
        if status
            .metadata()
            .get("exception")
            .is_some_and(|it| it == "stream-deleted")
        {
            return Disconnect::Fatal(FollowError::StreamDeleted { followed });
        }
        match status.code() {
            Code::PermissionDenied | Code::Unauthenticated => {
                Disconnect::Fatal(FollowError::AccessDenied { followed })
            }
            Code::InvalidArgument => Disconnect::Fatal(FollowError::PositionRefused {
                followed,
                from: cursor.position,
                source: Box::new(status),
            }),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::AlreadyExists
            | Code::ResourceExhausted
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => Disconnect::Lost(Box::new(status)),
        }
    }
}

/// Whether this event is among what is followed.
pub(super) fn is_followed(followed: &Followed, raw: &Raw) -> bool {
    followed.has(&raw.stream) && raw.is_system() == followed.is_of_the_store()
}

/// What is asked for to follow this behind a place.
pub(super) fn options(followed: &Followed, cursor: Cursor) -> Options {
    let of = |categories: &[&str]| {
        (
            StreamOption::All(all(cursor)),
            FilterOption::Filter(streams_of(categories)),
        )
    };
    let (stream_option, filter_option) = match followed {
        Followed::Networks => of(&[NETWORK_CATEGORY]),
        Followed::Connectors => of(&[CONNECTOR_CATEGORY, PARKED_CATEGORY]),
        Followed::Approvals => of(&[APPROVAL_CATEGORY]),
        Followed::Deliverable => of(&[
            NETWORK_CATEGORY,
            CONNECTOR_CATEGORY,
            PARKED_CATEGORY,
            APPROVAL_CATEGORY,
        ]),
        Followed::Audited => of(&[
            NETWORK_CATEGORY,
            CONNECTOR_CATEGORY,
            PARKED_CATEGORY,
            APPROVAL_CATEGORY,
            ACCESS_CATEGORY,
        ]),
        Followed::Retention => (
            StreamOption::All(all(cursor)),
            FilterOption::Filter(of_types(&[METADATA_TYPE, DELETED_TYPE])),
        ),
        Followed::Stream(stream) => (
            StreamOption::Stream(one(stream, cursor)),
            FilterOption::NoFilter(()),
        ),
        Followed::Named(prefixes) => (
            StreamOption::All(all(cursor)),
            FilterOption::Filter(beginning_with(prefixes.as_ref())),
        ),
    };
    Options {
        read_direction: read_req::options::ReadDirection::Forwards.into(),
        resolve_links: false,
        uuid_option: Some(UuidOption {
            content: Some(uuid_option::Content::Structured(())),
        }),
        control_option: Some(ControlOption { compatibility: 1 }),
        stream_option: Some(stream_option),
        count_option: Some(CountOption::Subscription(SubscriptionOptions {})),
        filter_option: Some(filter_option),
    }
}

async fn checkpoint(position: Position, outlet: &mut Outlet) -> Result<(), Disconnect> {
    if outlet.cursor.is_behind(position) {
        outlet.deliver(Signal::Checkpoint(position)).await?;
        outlet.cursor.position = Some(position);
    }
    Ok(())
}

fn all(cursor: Cursor) -> AllOptions {
    let start = cursor.position.map_or(AllOption::Start(()), |it| {
        AllOption::Position(read_req::options::Position {
            commit_position: it.commit,
            prepare_position: it.prepare,
        })
    });
    AllOptions {
        all_option: Some(start),
    }
}

fn one(name: &str, cursor: Cursor) -> StreamOptions {
    let start = cursor
        .revision
        .map_or(RevisionOption::Start(()), RevisionOption::Revision);
    StreamOptions {
        stream_identifier: Some(stream(name)),
        revision_option: Some(start),
    }
}

fn streams_of(categories: &[&str]) -> FilterOptions {
    let prefixes: Vec<_> = categories.iter().map(|it| format!("{it}-")).collect();
    beginning_with(&prefixes)
}

fn beginning_with(prefixes: &[impl ToString]) -> FilterOptions {
    filtered(filter_options::Filter::StreamIdentifier(any(prefixes)))
}

fn of_types(prefixes: &[&str]) -> FilterOptions {
    filtered(filter_options::Filter::EventType(any(prefixes)))
}

fn any(prefixes: &[impl ToString]) -> filter_options::Expression {
    filter_options::Expression {
        regex: String::new(),
        prefix: prefixes.iter().map(ToString::to_string).collect(),
    }
}

fn filtered(filter: filter_options::Filter) -> FilterOptions {
    FilterOptions {
        filter: Some(filter),
        window: Some(filter_options::Window::Max(CHECKPOINT_WINDOW)),
        checkpoint_interval_multiplier: CHECKPOINT_MULTIPLIER,
    }
}
