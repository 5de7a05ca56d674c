//! Appends and reads, each bounded, repeated while that cannot hurt, and believed only when whole.
//!
//! They go over the journal's own transport. The client crate never sets TCP_NODELAY: on a
//! multi-threaded runtime the closing frame of its append leaves by itself, and waits 40 ms for an
//! acknowledgement that the server delays.

use crate::{
    JournalError, Position, Recorded,
    appends::Certain,
    client_pool::{Borrowed, CallOutcome, ClientPool},
    codec::Raw,
    deadline::Deadline,
    error::Source,
    retry::{Verdict, judge, pauses},
    wire::{self, LARGEST_MESSAGE, Proposed},
};
use domain::vocabulary::VOCABULARY;
use protocol::streams::{
    AppendReq, AppendResp, ReadReq,
    append_req::{self, options::ExpectedStreamRevision},
    append_resp::{
        self,
        success::{CurrentRevisionOption, PositionOption},
    },
    read_req::{
        Options,
        options::{
            ControlOption, CountOption, FilterOption, ReadDirection, StreamOption, StreamOptions,
            UuidOption, stream_options::RevisionOption, uuid_option,
        },
    },
    read_resp::Content,
    streams_client::StreamsClient,
};
use std::{
    future::Future,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};
use tonic::Status;

pub(crate) use crate::wire::{Appended, WrongExpectedVersion};

/// How many events one read asks for.
pub(crate) const PAGE: usize = 4096;

/// Calls to one store.
#[derive(Debug)]
pub(crate) struct Store {
    pool: ClientPool,
    /// What everybody who reads the log understands.
    vocabulary: AtomicU32,
}

/// A read that is known to be whole.
#[derive(Debug)]
pub(crate) enum Page<T = Recorded> {
    /// There is no such stream.
    Missing,
    Found {
        events: Vec<T>,
        /// The number of the stream's last event.
        last: u64,
    },
}

/// Which events of a stream a read asks for.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    /// Up to so many, from this number on.
    From(u64, usize),
    /// The last one.
    Last,
}

impl Wanted {
    fn most(self) -> usize {
        match self {
            Self::From(_, most) => most,
            Self::Last => 1,
        }
    }
}

/// Why one attempt brought nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Status(#[from] Box<Status>),
    #[error("the answer was cut off")]
    Cut,
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl Store {
    pub(crate) fn new(pool: ClientPool) -> Self {
        Self {
            pool,
            vocabulary: AtomicU32::new(VOCABULARY),
        }
    }

    /// Nothing is appended from now on that this vocabulary does not read.
    pub(crate) fn write_within(&self, vocabulary: u32) {
        self.vocabulary.store(vocabulary, Ordering::Relaxed);
    }

    /// A message with what every call carries.
    pub(crate) fn request<T>(&self, message: T) -> tonic::Request<T> {
        self.pool.request(message)
    }

    /// Appends at exactly this revision (`None`: to a new stream). While the outcome is unknown the
    /// very same append is repeated: the same ids at the same revision take effect once at most,
    /// and the answer to the repetition is the answer to the first. The first goes over the call
    /// that all appends share; if that leaves anything open, a call of its own has the answer.
    pub(crate) async fn append(
        &self,
        stream: &str,
        expected: Option<u64>,
        events: &[Proposed],
        deadline: &Deadline,
    ) -> Result<Result<Appended, WrongExpectedVersion>, JournalError> {
        let readable = self.vocabulary.load(Ordering::Relaxed);
        if let Some(event) = events.iter().find(|it| it.vocabulary > readable) {
            return Err(JournalError::NotYetReadable {
                event_type: event.event_type,
            });
        }
        let may_share = AtomicBool::new(true);
        self.repeat(stream, deadline, async |borrowed: Borrowed| {
            if may_share.swap(false, Ordering::Relaxed)
                && let Some(answer) = self
                    .append_shared(&borrowed, stream, expected, events, deadline)
                    .await
            {
                return Ok(answer);
            }
            let messages = tokio_stream::iter(append_messages(stream, expected, events));
            let mut request = self.pool.request(messages);
            request.set_timeout(deadline.attempt());
            let response = client(&borrowed).append(request).await?.into_inner();
            appended(response).ok_or(CallError::Cut)
        })
        .await
    }

    async fn append_shared(
        &self,
        borrowed: &Borrowed,
        stream: &str,
        expected: Option<u64>,
        events: &[Proposed],
        deadline: &Deadline,
    ) -> Option<Certain> {
        // Half of the attempt is left for a call of its own.
        let within = deadline.attempt() / 2;
        let client = || client(borrowed);
        let request = |requests| self.pool.request(requests);
        let append = borrowed
            .appends
            .append(client, request, stream, expected, events, within);
        append.await
    }

    /// Reads up to `most` events from this number on.
    pub(crate) async fn read_page(
        &self,
        stream: &str,
        from: u64,
        most: usize,
        deadline: &Deadline,
    ) -> Result<Page, JournalError> {
        self.read(stream, Wanted::From(from, most), deadline, Raw::read)
            .await
    }

    /// The same, of a stream that is not a network's.
    pub(crate) async fn read_raw(
        &self,
        stream: &str,
        from: u64,
        most: usize,
        deadline: &Deadline,
    ) -> Result<Page<Raw>, JournalError> {
        self.read(stream, Wanted::From(from, most), deadline, |raw| raw)
            .await
    }

    /// The last event of a stream that is not a network's; nothing if there is none.
    pub(crate) async fn read_last(
        &self,
        stream: &str,
        deadline: &Deadline,
    ) -> Result<Option<Raw>, JournalError> {
        let page = self.read(stream, Wanted::Last, deadline, |raw| raw).await?;
        Ok(match page {
            Page::Missing => None,
            Page::Found { events, .. } => events.into_iter().next(),
        })
    }

    async fn read<T>(
        &self,
        stream: &str,
        wanted: Wanted,
        deadline: &Deadline,
        convert: fn(Raw) -> T,
    ) -> Result<Page<T>, JournalError> {
        self.repeat(stream, deadline, async |borrowed: Borrowed| {
            self.read_once(&borrowed, stream, wanted, deadline.attempt())
                .await
        })
        .await
        .map(|page| match page {
            Page::Missing => Page::Missing,
            Page::Found { events, last } => Page::Found {
                events: events.into_iter().map(convert).collect(),
                last,
            },
        })
    }

    /// One round trip, not repeated.
    pub(crate) async fn ping(&self, stream: &str, deadline: &Deadline) -> Result<(), JournalError> {
        let borrowed = deadline
            .bound(self.pool.borrow(deadline.operation()))
            .await??;
        let read = self.read_once(&borrowed, stream, Wanted::From(0, 1), deadline.remaining());
        match deadline.bound(read).await {
            Ok(Ok(_)) => {
                self.pool.report(&borrowed, CallOutcome::Answered);
                Ok(())
            }
            Ok(Err(error)) => {
                let (outcome, source) = verdict(error, deadline.operation(), stream);
                self.pool.report(&borrowed, outcome);
                Err(source?).map_err(|source| JournalError::Unavailable {
                    operation: deadline.operation(),
                    source,
                })
            }
            Err(exceeded) => {
                self.pool.report(&borrowed, CallOutcome::Failed);
                Err(exceeded)
            }
        }
    }

    pub(crate) async fn repeat<T, A>(
        &self,
        stream: &str,
        deadline: &Deadline,
        attempt: impl Fn(Borrowed) -> A,
    ) -> Result<T, JournalError>
    where
        A: Future<Output = Result<T, CallError>>,
    {
        let operation = deadline.operation();
        let mut pauses = pauses(Duration::from_millis(20), Duration::from_secs(1));
        let mut said = None;
        loop {
            let Ok(borrowed) = deadline.bound(self.pool.borrow(operation)).await else {
                return Err(out_of_time(said, deadline));
            };
            match borrowed {
                Ok(borrowed) => match deadline.bound_attempt(attempt(borrowed.clone())).await {
                    Ok(Ok(answer)) => {
                        self.pool.report(&borrowed, CallOutcome::Answered);
                        return Ok(answer);
                    }
                    Ok(Err(error)) => {
                        let (outcome, source) = verdict(error, operation, stream);
                        self.pool.report(&borrowed, outcome);
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
                        self.pool.report(&borrowed, CallOutcome::Failed);
                        tracing::debug!(stream, operation, %no_answer, "an attempt failed");
                    }
                },
                // A cluster without a leader may have one again within the deadline.
                Err(unavailable) => said = Some(Box::new(unavailable)),
            }
            if !deadline
                .pause(pauses.next().unwrap_or(Duration::from_secs(1)))
                .await
            {
                return Err(out_of_time(said, deadline));
            }
        }
    }

    /// One read. A server that shuts down ends its answers as if they were complete, so only the
    /// last message of a whole one, the stream's last number, makes it count: and that number must
    /// be the last event's, unless the page is full.
    async fn read_once(
        &self,
        borrowed: &Borrowed,
        stream: &str,
        wanted: Wanted,
        within: Duration,
    ) -> Result<Page<Raw>, CallError> {
        let most = wanted.most();
        let mut request = self.pool.request(ReadReq {
            options: Some(page(stream, wanted)),
        });
        request.set_timeout(within);
        let mut messages = client(borrowed).read(request).await?.into_inner();
        let mut events: Vec<Raw> = Vec::new();
        let mut last = None;
        while let Some(message) = messages.message().await? {
            match message.content {
                Some(Content::Event(event)) => {
                    let event = event.event.and_then(wire::raw).ok_or(CallError::Cut)?;
                    last = None;
                    events.push(event);
                }
                Some(Content::LastStreamPosition(number)) => last = Some(number),
                Some(Content::StreamNotFound(_)) => return Ok(Page::Missing),
                Some(
                    Content::FirstStreamPosition(_)
                    | Content::LastAllStreamPosition(_)
                    | Content::Confirmation(_)
                    | Content::Checkpoint(_)
                    | Content::CaughtUp(_)
                    | Content::FellBehind(_),
                )
                | None => {}
            }
        }
        let last = last.ok_or(CallError::Cut)?;
        let reached = events.last().map(|event| event.revision);
        if events.len() < most && reached.is_some_and(|it| it != last) {
            return Err(CallError::Cut);
        }
        tracing::trace!(stream, ?wanted, last, read = events.len(), "read");
        Ok(Page::Found { events, last })
    }
}

fn client(borrowed: &Borrowed) -> StreamsClient<crate::transport::Http> {
    StreamsClient::with_origin(borrowed.http.clone(), borrowed.uri.clone())
        .max_decoding_message_size(LARGEST_MESSAGE)
}

fn append_messages(stream: &str, expected: Option<u64>, events: &[Proposed]) -> Vec<AppendReq> {
    use append_req::Content;
    let expected = expected.map_or(
        ExpectedStreamRevision::NoStream(()),
        ExpectedStreamRevision::Revision,
    );
    let options = append_req::Options {
        stream_identifier: Some(wire::stream(stream)),
        expected_stream_revision: Some(expected),
    };
    let events = events
        .iter()
        .map(|event| Content::ProposedMessage(event.message()));
    std::iter::once(Content::Options(options))
        .chain(events)
        .map(|content| AppendReq {
            content: Some(content),
        })
        .collect()
}

/// What an append came to; nothing if the answer lacks a part.
fn appended(response: AppendResp) -> Option<Result<Appended, WrongExpectedVersion>> {
    let success = match response.result? {
        append_resp::Result::Success(success) => success,
        append_resp::Result::WrongExpectedVersion(_) => return Some(Err(WrongExpectedVersion)),
    };
    let revision = match success.current_revision_option? {
        CurrentRevisionOption::CurrentRevision(revision) => revision,
        CurrentRevisionOption::NoStream(()) => return None,
    };
    let position = match success.position_option? {
        PositionOption::Position(at) => Some(Position {
            commit: at.commit_position,
            prepare: at.prepare_position,
        }),
        PositionOption::NoPosition(()) => None,
    };
    Some(Ok(Appended { revision, position }))
}

fn page(stream: &str, wanted: Wanted) -> Options {
    let (direction, revision) = match wanted {
        Wanted::From(from, _) => (ReadDirection::Forwards, RevisionOption::Revision(from)),
        Wanted::Last => (ReadDirection::Backwards, RevisionOption::End(())),
    };
    Options {
        read_direction: direction.into(),
        resolve_links: false,
        uuid_option: Some(UuidOption {
            content: Some(uuid_option::Content::Structured(())),
        }),
        control_option: Some(ControlOption { compatibility: 1 }),
        stream_option: Some(StreamOption::Stream(StreamOptions {
            stream_identifier: Some(wire::stream(stream)),
            revision_option: Some(revision),
        })),
        count_option: Some(CountOption::Count(wanted.most() as u64)),
        filter_option: Some(FilterOption::NoFilter(())),
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

/// What to tell the pool, and whether another attempt may help.
fn verdict(
    error: CallError,
    operation: &'static str,
    stream: &str,
) -> (CallOutcome, Result<Source, JournalError>) {
    match error {
        CallError::Cut => (CallOutcome::Failed, Ok(Box::new(CallError::Cut))),
        CallError::Status(status) => match judge(*status, operation, stream) {
            Verdict::LedBy(leader, status) => (CallOutcome::LedBy(leader), Ok(status)),
            Verdict::Again(status) => (CallOutcome::Failed, Ok(status)),
            Verdict::Final(error) => (CallOutcome::Answered, Err(error)),
        },
    }
}
