//! The two calls that are the crate's, each bounded, repeated while that cannot hurt, and believed
//! only when whole.

use crate::{
    JournalError, Position, Recorded,
    codec::Raw,
    deadline::Deadline,
    error::Source,
    keeper::{Keeper, Report},
    retry::{Verdict, judge, pauses},
};
use kurrentdb::{
    AppendToStreamOptions, Client, EventData, ReadEvent, ReadStreamOptions, RecordedEvent,
    StreamPosition, StreamState,
};
use std::{future::Future, time::Duration};

/// How many events one read asks for.
pub(crate) const PAGE: usize = 4096;

/// Calls to one store.
#[derive(Debug)]
pub(crate) struct Store {
    keeper: Keeper,
}

/// An append that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) revision: u64,
    pub(crate) position: Option<Position>,
}

/// An append that surely did not take effect because the stream is elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongExpectedVersion;

/// A read that is known to be whole.
#[derive(Debug)]
pub(crate) enum Page {
    /// There is no such stream.
    Missing,
    Found {
        events: Vec<Recorded>,
        /// The number of the stream's last event.
        last: u64,
    },
}

/// Why one attempt brought nothing.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error(transparent)]
    Client(#[from] kurrentdb::Error),
    #[error("the answer was cut off")]
    Cut,
}

impl Store {
    pub(crate) fn new(keeper: Keeper) -> Self {
        Self { keeper }
    }

    /// Appends at exactly this revision (`None`: to a new stream). While the outcome is unknown the
    /// very same append is repeated: the same ids at the same revision take effect once at most,
    /// and the answer to the repetition is the answer to the first.
    pub(crate) async fn append(
        &self,
        stream: &str,
        expected: Option<u64>,
        events: &[EventData],
        deadline: &Deadline,
    ) -> Result<Result<Appended, WrongExpectedVersion>, JournalError> {
        let state = expected.map_or(StreamState::NoStream, StreamState::StreamRevision);
        self.repeat(stream, deadline, async |client: Client| {
            let options = AppendToStreamOptions::default()
                .stream_state(state)
                .deadline(deadline.attempt());
            match client
                .append_to_stream(stream, &options, events.to_vec())
                .await
            {
                Ok(written) => {
                    let position = Position {
                        commit: written.position.commit,
                        prepare: written.position.prepare,
                    };
                    let position = Some(position).filter(|it| *it != Position::START);
                    Ok(Ok(Appended {
                        revision: written.next_expected_version,
                        position,
                    }))
                }
                Err(kurrentdb::Error::WrongExpectedVersion { .. }) => Ok(Err(WrongExpectedVersion)),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Reads up to `most` events from this number on.
    pub(crate) async fn read_page(
        &self,
        stream: &str,
        from: u64,
        most: usize,
        deadline: &Deadline,
    ) -> Result<Page, JournalError> {
        self.repeat(stream, deadline, async |client: Client| {
            let options = ReadStreamOptions::default()
                .position(StreamPosition::Position(from))
                .forwards()
                .max_count(most)
                .deadline(deadline.attempt());
            read_once(&client, stream, from, most, &options).await
        })
        .await
    }

    /// One round trip, not repeated.
    pub(crate) async fn ping(&self, stream: &str, deadline: &Deadline) -> Result<(), JournalError> {
        let options = ReadStreamOptions::default()
            .max_count(1)
            .deadline(deadline.remaining());
        let lease = deadline
            .bound(self.keeper.lease(deadline.operation()))
            .await??;
        match deadline
            .bound(read_once(&lease.client, stream, 0, 1, &options))
            .await
        {
            Ok(Ok(_)) => {
                self.keeper.report(&lease, Report::Answered).await;
                Ok(())
            }
            Ok(Err(error)) => {
                let (report, source) = verdict(error, deadline.operation(), stream);
                self.keeper.report(&lease, report).await;
                Err(source?).map_err(|source| JournalError::Unavailable {
                    operation: deadline.operation(),
                    source,
                })
            }
            Err(exceeded) => {
                self.keeper.report(&lease, Report::Failed).await;
                Err(exceeded)
            }
        }
    }

    async fn repeat<T, A>(
        &self,
        stream: &str,
        deadline: &Deadline,
        attempt: impl Fn(Client) -> A,
    ) -> Result<T, JournalError>
    where
        A: Future<Output = Result<T, CallError>>,
    {
        let operation = deadline.operation();
        let mut pauses = pauses(Duration::from_millis(20), Duration::from_secs(1));
        let mut said = None;
        loop {
            let Ok(lease) = deadline.bound(self.keeper.lease(operation)).await else {
                return Err(out_of_time(said, deadline));
            };
            let lease = lease?;
            match deadline.bound_attempt(attempt(lease.client.clone())).await {
                Ok(Ok(answer)) => {
                    self.keeper.report(&lease, Report::Answered).await;
                    return Ok(answer);
                }
                Ok(Err(error)) => {
                    let (report, source) = verdict(error, operation, stream);
                    self.keeper.report(&lease, report).await;
                    let source = source?;
                    tracing::debug!(
                        stream,
                        operation,
                        error = &*source as &dyn std::error::Error,
                        "an attempt failed"
                    );
                    said = Some(source);
                }
                Err(no_answer) => {
                    self.keeper.report(&lease, Report::Failed).await;
                    tracing::debug!(stream, operation, %no_answer, "an attempt failed");
                }
            }
            if !deadline
                .pause(pauses.next().unwrap_or(Duration::from_secs(1)))
                .await
            {
                return Err(out_of_time(said, deadline));
            }
        }
    }
}

/// A store that said something is unavailable for that reason; one that said nothing did not answer
/// in time.
fn out_of_time(said: Option<Source>, deadline: &Deadline) -> JournalError {
    match said {
        Some(source) => JournalError::Unavailable {
            operation: deadline.operation(),
            source,
        },
        None => deadline.exceeded(),
    }
}

/// What to tell the keeper, and whether another attempt may help.
fn verdict(
    error: CallError,
    operation: &'static str,
    stream: &str,
) -> (Report, Result<Source, JournalError>) {
    match error {
        CallError::Cut => (Report::Failed, Ok(Box::new(CallError::Cut))),
        CallError::Client(error) => match judge(error, operation, stream) {
            Verdict::Dead(error) => (Report::Dead, Ok(Box::new(error))),
            Verdict::Again(error) => (Report::Failed, Ok(Box::new(error))),
            Verdict::Final(error) => (Report::Answered, Err(error)),
        },
    }
}

/// One read. A server that shuts down ends its answers as if they were complete, so only the last
/// message of a whole one, the stream's last number, makes it count: and that number must be the
/// last event's, unless the page is full.
async fn read_once(
    client: &Client,
    stream: &str,
    from: u64,
    most: usize,
    options: &ReadStreamOptions,
) -> Result<Page, CallError> {
    let mut read = client.read_stream(stream, options).await?;
    let mut events = Vec::new();
    let mut last = None;
    loop {
        match read.next_read_event().await {
            Ok(Some(ReadEvent::Event(resolved))) => {
                let event = resolved.event.ok_or(CallError::Cut)?;
                last = None;
                events.push(raw(event).ok_or(CallError::Cut)?.read());
            }
            Ok(Some(ReadEvent::LastStreamPosition(number))) => last = Some(number),
            Ok(Some(ReadEvent::FirstStreamPosition(_) | ReadEvent::LastAllStreamPosition(_))) => {}
            Ok(None) => break,
            Err(kurrentdb::Error::ResourceNotFound) if events.is_empty() && last.is_none() => {
                return Ok(Page::Missing);
            }
            Err(error) => return Err(error.into()),
        }
    }
    let last = last.ok_or(CallError::Cut)?;
    let reached = events.last().map(|event: &Recorded| event.revision);
    if events.len() < most && reached.is_some_and(|it| it != last) {
        return Err(CallError::Cut);
    }
    tracing::trace!(stream, from, last, read = events.len(), "read");
    Ok(Page::Found { events, last })
}

fn raw(event: RecordedEvent) -> Option<Raw> {
    // The crate trusts stream names to be text; a name that is none must not get further than this.
    let stream = std::str::from_utf8(event.stream_id().as_bytes())
        .ok()?
        .to_owned();
    Some(Raw {
        stream,
        revision: event.revision,
        position: Position {
            commit: event.position.commit,
            prepare: event.position.prepare,
        },
        event_id: event.id,
        created: event.metadata.get("created").cloned(),
        event_type: event.event_type,
        metadata: event.custom_metadata,
        data: event.data,
    })
}
