//! `Streams/BatchAppend`: any number of appends over one call, each answered under its correlation
//! id.
//!
//! An append may come in several messages and is carried out with its last. A failed one does not
//! end the call: its error is in its reply. One whose time is over, or that has grown too large, is
//! answered at once and forgotten, whether its last message came or not.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_stream::try_stream;
use chrono::{DateTime, Utc};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use limits::{Excess, Held, Load};
use prost::Name;
use protocol::{
    rpc::{Code, Status as RpcStatus},
    shared::{
        AccessDenied, AllStreamPosition, BadRequest, MaximumAppendSizeExceeded, StreamDeleted,
        StreamIdentifier, Timeout, Uuid as WireUuid, WrongExpectedVersion,
        wrong_expected_version::{
            CurrentStreamRevisionOption as Current, ExpectedStreamPositionOption,
        },
    },
    streams::{
        BatchAppendReq, BatchAppendResp,
        batch_append_req::{Options, options},
        batch_append_resp::{
            Result as BatchResult, Success,
            success::{CurrentRevisionOption, PositionOption},
        },
    },
};
use tokio::time::{Instant, sleep_until};
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::{
    Context, Replies,
    convert::{read_id, read_writable_stream},
    proposed::{self, Refusal},
};
use crate::{
    engine::{AppendOutcome, Failure},
    model::{Expected, NewEvent, Position, StreamName},
    security::{Action, Identity},
};

/// The longest an append may take, whatever longer time its sender allows.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
/// How many appends of one call may be under way before more of it is read, and how large they are
/// together.
const IN_FLIGHT: usize = 1024;
const BYTES_IN_FLIGHT: usize = 16 << 20;
/// What an append and an event hold beside what is in them.
const OVERHEAD: usize = 256;

pub(super) fn batch_append(
    context: Arc<Context>,
    who: Identity,
    load: Option<Arc<Load>>,
    mut requests: Streaming<BatchAppendReq>,
) -> Replies<BatchAppendResp> {
    Box::pin(try_stream! {
        let mut unfinished: HashMap<Uuid, Batch> = HashMap::new();
        let mut answers: FuturesOrdered<BoxFuture<'static, (usize, BatchAppendResp)>> =
            FuturesOrdered::new();
        let (mut more, mut in_flight) = (true, 0);
        let shutdown = context.reader.shutdown_token();
        while more || !answers.is_empty() {
            let has_room = answers.len() < IN_FLIGHT && in_flight < BYTES_IN_FLIGHT;
            let first_late = unfinished.values().map(|batch| batch.until).min();
            let step = tokio::select! {
                Some(answer) = answers.next() => Step::Answer(answer),
                () = sleep_until(first_late.unwrap_or_else(Instant::now)), if first_late.is_some() => Step::Late,
                () = shutdown.cancelled(), if more => Step::Shutdown,
                request = requests.message(), if more && has_room => Step::Request(request),
            };
            match step {
                Step::Answer((size, answer)) => {
                    in_flight -= size;
                    yield answer;
                }
                Step::Late => {
                    let now = Instant::now();
                    for (_, batch) in unfinished.extract_if(|_, batch| batch.until <= now) {
                        yield batch.failed(timed_out());
                    }
                }
                // What was asked for before is answered yet.
                Step::Shutdown => more = false,
                Step::Request(request) => {
                    let Some(request) = request? else {
                        more = false;
                        continue;
                    };
                    match collect(&mut unfinished, request, &context, load.as_ref())? {
                        Collected::Unfinished => {}
                        Collected::Over(batch, status) => yield batch.failed(status),
                        Collected::Whole(batch) => {
                            // Asked here, so that batches reach the writer in the order they came.
                            let allowed = batch.allowed(&context, &who).await;
                            in_flight += batch.size;
                            answers.push_back(carry_out(context.clone(), allowed, batch).boxed());
                        }
                    }
                }
            }
        }
        if shutdown.is_cancelled() {
            Err(super::status::shutting_down())?;
        }
    })
}

/// What happens next in a call.
enum Step {
    /// How large the append was.
    Answer((usize, BatchAppendResp)),
    /// The time of an unfinished batch is over.
    Late,
    /// The node shuts down.
    Shutdown,
    Request(Result<Option<BatchAppendReq>, Status>),
}

/// An append that is being received.
struct Batch {
    correlation_id: Option<WireUuid>,
    stream_identifier: Option<StreamIdentifier>,
    options: Options,
    events: Vec<NewEvent>,
    size: usize,
    refusal: Option<Refusal>,
    /// What its connection is charged for it.
    held: Option<Arc<Held>>,
    /// When its time is over.
    until: Instant,
}

/// What a message made of its batch.
enum Collected {
    Unfinished,
    Whole(Batch),
    /// It is answered, and what may still come of it is passed over.
    Over(Batch, RpcStatus),
}

impl Batch {
    fn failed(self, status: RpcStatus) -> BatchAppendResp {
        BatchAppendResp {
            correlation_id: self.correlation_id,
            stream_identifier: self.stream_identifier,
            result: Some(BatchResult::Error(status)),
            expected_stream_position: None,
        }
    }

    async fn allowed(&self, context: &Context, who: &Identity) -> Result<(), RpcStatus> {
        let Ok(stream) = read_writable_stream(self.options.stream_identifier.clone()) else {
            // Refused for its name, in a moment.
            return Ok(());
        };
        let allowed = context.guard.stream(who, Action::Write, &stream).await;
        allowed.map_err(|_| error(Code::PermissionDenied, "AccessDenied", &AccessDenied {}))
    }

    /// Takes an event, unless the batch is too large already: then it only grows in number.
    fn take(&mut self, event: NewEvent, limit: usize) -> Result<(), Excess> {
        self.size += event.size();
        if self.size > limit {
            self.events = Vec::new();
            return Ok(());
        }
        self.hold(event.size() + OVERHEAD)?;
        self.events.push(event);
        Ok(())
    }

    fn hold(&self, bytes: usize) -> Result<(), Excess> {
        self.held.as_ref().map_or(Ok(()), |held| held.take(bytes))
    }
}

/// Adds a message to its batch. The batch comes back with its last message, or when it can only
/// fail.
///
/// A batch whose first message has no options is passed over, as by a real server.
fn collect(
    unfinished: &mut HashMap<Uuid, Batch>,
    request: BatchAppendReq,
    context: &Context,
    load: Option<&Arc<Load>>,
) -> Result<Collected, Status> {
    let limit = context.max_append_size;
    let id = read_id(request.correlation_id.as_ref())
        .ok_or_else(|| Status::invalid_argument("A batch must have a correlation id."))?;
    let mut batch = match (unfinished.remove(&id), request.options) {
        (Some(batch), _) => batch,
        (None, Some(options)) => Batch {
            correlation_id: request.correlation_id,
            stream_identifier: options.stream_identifier.clone(),
            until: Instant::now()
                + time_allowed(options.deadline_option.as_ref(), (context.clock)()),
            options,
            events: Vec::new(),
            size: 0,
            refusal: None,
            held: load.cloned().map(Held::new),
        },
        (None, None) => return Ok(Collected::Unfinished),
    };
    let mut held = batch.hold(OVERHEAD);
    for message in request.proposed_messages {
        match proposed::batched(message) {
            Ok(event) => held = held.and(batch.take(event, limit)),
            Err(refusal) => batch.refusal = batch.refusal.or(Some(refusal)),
        }
    }
    if let Err(excess) = held {
        return Ok(Collected::Over(batch, busy(excess)));
    }
    if batch.until <= Instant::now() {
        return Ok(Collected::Over(batch, timed_out()));
    }
    if request.is_final {
        return Ok(Collected::Whole(batch));
    }
    if batch.size > limit {
        return Ok(Collected::Over(batch, too_large(limit)));
    }
    unfinished.insert(id, batch);
    Ok(Collected::Unfinished)
}

async fn carry_out(
    context: Arc<Context>,
    allowed: Result<(), RpcStatus>,
    mut batch: Batch,
) -> (usize, BatchAppendResp) {
    let (size, _held) = (batch.size, batch.held.take());
    let correlation_id = batch.correlation_id.clone();
    let stream_identifier = batch.stream_identifier.clone();
    let result = match append(&context, allowed, batch).await {
        Ok(success) => BatchResult::Success(success),
        Err(status) => BatchResult::Error(status),
    };
    let answer = BatchAppendResp {
        correlation_id,
        stream_identifier,
        result: Some(result),
        expected_stream_position: None,
    };
    (size, answer)
}

async fn append(
    context: &Context,
    allowed: Result<(), RpcStatus>,
    batch: Batch,
) -> Result<Success, RpcStatus> {
    let stream = read_writable_stream(batch.options.stream_identifier)
        .map_err(|status| bad_request(status.message()))?;
    let expected = match batch.options.expected_stream_position {
        Some(options::ExpectedStreamPosition::StreamPosition(number)) => Expected::Exact(number),
        Some(options::ExpectedStreamPosition::NoStream(())) => Expected::NoStream,
        Some(options::ExpectedStreamPosition::Any(())) => Expected::Any,
        Some(options::ExpectedStreamPosition::StreamExists(())) => Expected::StreamExists,
        None => return Err(bad_request("An append must say which revision it expects.")),
    };
    allowed?;
    if let Some(refusal) = batch.refusal {
        return Err(refused(refusal));
    }
    if batch.size > context.max_append_size {
        return Err(too_large(context.max_append_size));
    }
    let append = context
        .writer
        .append(stream.clone(), expected, batch.events);
    match tokio::time::timeout_at(batch.until, append).await {
        Ok(Ok(outcome)) => answer(&stream, expected, outcome),
        Ok(Err(failure)) => Err(failed(&failure)),
        Err(_) => Err(timed_out()),
    }
}

fn timed_out() -> RpcStatus {
    error(Code::DeadlineExceeded, "Timeout", &Timeout {})
}

/// There is no room for it.
fn busy(excess: Excess) -> RpcStatus {
    RpcStatus {
        code: Code::ResourceExhausted.into(),
        message: excess.to_string(),
        details: None,
    }
}

/// One official client sends seconds since 1970 for a duration: the write timeout bounds that too.
/// A deadline that is past leaves no time at all.
fn time_allowed(deadline: Option<&options::DeadlineOption>, now: DateTime<Utc>) -> Duration {
    match deadline {
        Some(options::DeadlineOption::Deadline(duration)) => {
            Duration::try_from(*duration).unwrap_or(Duration::ZERO)
        }
        Some(options::DeadlineOption::Deadline21100(at)) => {
            let nanos = u32::try_from(at.nanos).unwrap_or_default();
            match DateTime::from_timestamp(at.seconds, nanos) {
                Some(at) => (at - now).to_std().unwrap_or(Duration::ZERO),
                None if at.seconds < 0 => Duration::ZERO,
                None => WRITE_TIMEOUT,
            }
        }
        None => WRITE_TIMEOUT,
    }
    .min(WRITE_TIMEOUT)
}

fn answer(
    stream: &StreamName,
    expected: Expected,
    outcome: AppendOutcome,
) -> Result<Success, RpcStatus> {
    match outcome {
        AppendOutcome::Written { revision, position } => Ok(success(revision, Some(position))),
        AppendOutcome::Repeated { revision, position } => Ok(success(Some(revision), position)),
        AppendOutcome::WrongExpected { current } => Err(wrong_expected(expected, current)),
        AppendOutcome::Deleted => {
            let detail = StreamDeleted {
                stream_identifier: Some(super::convert::write_stream(stream)),
            };
            Err(error(Code::NotFound, "StreamDeleted", &detail))
        }
    }
}

fn success(revision: Option<u64>, position: Option<Position>) -> Success {
    let position = position.map_or(PositionOption::NoPosition(()), |position| {
        PositionOption::Position(AllStreamPosition {
            commit_position: position.get(),
            prepare_position: position.get(),
        })
    });
    Success {
        current_revision_option: Some(revision.map_or(
            CurrentRevisionOption::NoStream(()),
            CurrentRevisionOption::CurrentRevision,
        )),
        position_option: Some(position),
    }
}

fn wrong_expected(expected: Expected, current: Option<u64>) -> RpcStatus {
    use ExpectedStreamPositionOption as Wire;
    let detail = WrongExpectedVersion {
        current_stream_revision_option: Some(
            current.map_or(Current::CurrentNoStream(()), Current::CurrentStreamRevision),
        ),
        expected_stream_position_option: Some(match expected {
            Expected::Exact(number) => Wire::ExpectedStreamPosition(number),
            Expected::NoStream => Wire::ExpectedNoStream(()),
            Expected::Any => Wire::ExpectedAny(()),
            Expected::StreamExists => Wire::ExpectedStreamExists(()),
        }),
    };
    error(Code::AlreadyExists, "WrongExpectedVersion", &detail)
}

fn too_large(limit: usize) -> RpcStatus {
    let detail = MaximumAppendSizeExceeded {
        max_append_size: u32::try_from(limit).unwrap_or(u32::MAX),
    };
    error(Code::InvalidArgument, "MaximumAppendSizeExceeded", &detail)
}

fn refused(refusal: Refusal) -> RpcStatus {
    match refusal {
        // The very words of a real server: the detail is part of its answer.
        Refusal::MissingProperty(_) => {
            bad_request("The given key was not present in the dictionary.")
        }
        Refusal::NoId | Refusal::EmptyType => bad_request(Status::from(refusal).message()),
    }
}

fn bad_request(message: &str) -> RpcStatus {
    let detail = BadRequest {
        message: message.to_owned(),
    };
    error(Code::InvalidArgument, "BadRequest", &detail)
}

fn failed(failure: &Failure) -> RpcStatus {
    let status = super::status::failed(failure);
    RpcStatus {
        code: Code::Unavailable.into(),
        message: status.message().to_owned(),
        details: None,
    }
}

fn error<D: Name>(code: Code, message: &str, detail: &D) -> RpcStatus {
    RpcStatus {
        code: code.into(),
        message: message.to_owned(),
        details: Some(prost_types::Any {
            type_url: D::type_url(),
            value: detail.encode_to_vec(),
        }),
    }
}
