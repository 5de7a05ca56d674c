//! Appends of many callers over one call: a stream of HTTP/2 for each append costs both sides more
//! than the append itself.
//!
//! It is a way to be quick and nothing else. Only what is certain comes back from here: that an
//! append took effect, or that the stream is elsewhere. Whatever else is said, or not said in time,
//! is for a call of its own to find out (`Store::append`), which may repeat the append without
//! harm and is answered with statuses. A server without this call, and a way to one that
//! holds answers back, cost that much once in a while.

use crate::{
    Position,
    transport::Http,
    wire::{self, Appended, Proposed, WrongExpectedVersion},
};
use parking_lot::Mutex;
use protocol::{
    rpc::{Code, Status as RpcStatus},
    streams::{
        BatchAppendReq, BatchAppendResp,
        batch_append_req::{
            Options, ProposedMessage,
            options::{DeadlineOption, ExpectedStreamPosition},
        },
        batch_append_resp::{
            Result as BatchResult, Success,
            success::{CurrentRevisionOption, PositionOption},
        },
        streams_client::StreamsClient,
    },
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use uuid::Uuid;

/// How many appends may wait to be sent; beyond that each has a call of its own.
const QUEUE: usize = 1024;

/// An append larger than this has a call of its own: it would hold up those behind it.
const LARGEST: usize = 64 << 10;

/// After the call was of no use it is not tried again for so long.
const REST: Duration = Duration::from_secs(30);

/// What an append came to, as far as that is certain.
pub(crate) type Certain = Result<Appended, WrongExpectedVersion>;

/// The requests of the call, as they are sent.
pub(crate) type Requests = ReceiverStream<BatchAppendReq>;

/// The call to one node, open while there is something to append. Dropped, it ends once all is
/// answered.
#[derive(Debug, Default)]
pub(crate) struct Appends(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    call: Option<Call>,
    rests_until: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Call {
    requests: mpsc::Sender<BatchAppendReq>,
    waiting: Arc<Waiting>,
}

/// Who waits for an answer.
#[derive(Debug, Default)]
struct Waiting(Mutex<Callers>);

#[derive(Debug, Default)]
struct Callers {
    by_id: HashMap<Uuid, oneshot::Sender<Option<Certain>>>,
    /// How many there have been: they are told apart within one call.
    count: u64,
    /// No answer comes any more.
    is_over: bool,
}

/// Somebody who waits; whoever goes is forgotten.
struct Place<'a> {
    waiting: &'a Waiting,
    id: Uuid,
}

impl Appends {
    /// Appends at exactly this revision (`None`: to a new stream). Nothing if what came of it is
    /// not certain.
    pub(crate) async fn append(
        &self,
        client: impl FnOnce() -> StreamsClient<Http>,
        request: impl FnOnce(Requests) -> Request<Requests>,
        stream: &str,
        expected: Option<u64>,
        events: &[Proposed],
        within: Duration,
    ) -> Option<Certain> {
        let size: usize = events
            .iter()
            .map(|it| it.data.len() + it.metadata.len())
            .sum();
        if size > LARGEST {
            return None;
        }
        let call = self.call(client, request)?;
        let (answer, answered) = oneshot::channel();
        let place = call.waiting.enter(answer)?;
        let message = message(place.id, stream, expected, events, within);
        call.requests.try_send(message).ok()?;
        match timeout(within, answered).await {
            Ok(answer) => answer.ok().flatten(),
            Err(_) => {
                self.rest(&call);
                None
            }
        }
    }

    /// The open call, or a new one.
    fn call(
        &self,
        client: impl FnOnce() -> StreamsClient<Http>,
        request: impl FnOnce(Requests) -> Request<Requests>,
    ) -> Option<Call> {
        let mut state = self.0.lock();
        if let Some(call) = &state.call
            && !call.requests.is_closed()
        {
            return Some(call.clone());
        }
        if state
            .rests_until
            .is_some_and(|until| until > Instant::now())
        {
            return None;
        }
        // One that has just ended is of no use at once again: a server goes away, or has no such
        // call.
        let has_ended = state.call.take().is_some();
        state.rests_until = has_ended.then(|| Instant::now() + REST);
        if has_ended {
            return None;
        }
        let (requests, queue) = mpsc::channel(QUEUE);
        let call = Call {
            requests,
            waiting: Arc::default(),
        };
        let request = request(ReceiverStream::new(queue));
        tokio::spawn(run(client(), request, Arc::clone(&call.waiting)));
        state.call = Some(call.clone());
        Some(call)
    }

    /// Nothing came over this call in time.
    fn rest(&self, call: &Call) {
        let mut state = self.0.lock();
        let is_it = |it: &Call| Arc::ptr_eq(&it.waiting, &call.waiting);
        if state.call.as_ref().is_some_and(is_it) {
            state.call = None;
            state.rests_until = Some(Instant::now() + REST);
        }
    }
}

/// Hands out the answers, until there are no more. The requests end with it.
async fn run(mut client: StreamsClient<Http>, requests: Request<Requests>, waiting: Arc<Waiting>) {
    let ended = async {
        let mut answers = client.batch_append(requests).await?.into_inner();
        while let Some(answer) = answers.message().await? {
            waiting.answer(answer);
        }
        Ok::<_, tonic::Status>(())
    };
    if let Err(status) = ended.await {
        tracing::debug!(%status, "the call for many appends ended");
    }
    waiting.end();
}

impl Waiting {
    fn enter(&self, answer: oneshot::Sender<Option<Certain>>) -> Option<Place<'_>> {
        let mut callers = self.0.lock();
        if callers.is_over {
            return None;
        }
        callers.count += 1;
        let id = Uuid::from_u64_pair(0, callers.count);
        callers.by_id.insert(id, answer);
        Some(Place { waiting: self, id })
    }

    fn answer(&self, answer: BatchAppendResp) {
        let id = answer.correlation_id.and_then(wire::id);
        let caller = id.and_then(|id| self.0.lock().by_id.remove(&id));
        if let Some(caller) = caller {
            // Whoever waited may have gone.
            let _ = caller.send(answer.result.and_then(certain));
        }
    }

    fn end(&self) {
        let mut callers = self.0.lock();
        callers.is_over = true;
        callers.by_id.clear();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.0.lock().by_id.remove(&self.id);
    }
}

fn message(
    id: Uuid,
    stream: &str,
    expected: Option<u64>,
    events: &[Proposed],
    within: Duration,
) -> BatchAppendReq {
    let expected = expected.map_or(
        ExpectedStreamPosition::NoStream(()),
        ExpectedStreamPosition::StreamPosition,
    );
    let proposed = |event: &Proposed| ProposedMessage {
        id: Some(wire::uuid(event.id)),
        metadata: event.properties(),
        custom_metadata: event.metadata.clone(),
        data: event.data.clone(),
    };
    BatchAppendReq {
        correlation_id: Some(wire::uuid(id)),
        options: Some(Options {
            stream_identifier: Some(wire::stream(stream)),
            expected_stream_position: Some(expected),
            deadline_option: within.try_into().ok().map(DeadlineOption::Deadline),
        }),
        proposed_messages: events.iter().map(proposed).collect(),
        is_final: true,
    }
}

fn certain(result: BatchResult) -> Option<Certain> {
    match result {
        BatchResult::Success(success) => succeeded(success).map(Ok),
        BatchResult::Error(status) => is_elsewhere(&status).then_some(Err(WrongExpectedVersion)),
    }
}

fn succeeded(success: Success) -> Option<Appended> {
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
    Some(Appended { revision, position })
}

/// The code alone is not enough: it says no more than that something is there already.
fn is_elsewhere(status: &RpcStatus) -> bool {
    let detail = status.details.as_ref();
    status.code == i32::from(Code::AlreadyExists)
        && detail.is_some_and(|it| it.type_url.ends_with(".WrongExpectedVersion"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Code, detail: &str) -> BatchResult {
        BatchResult::Error(RpcStatus {
            code: code.into(),
            details: Some(prost_types::Any {
                type_url: format!("type.googleapis.com/event_store.client.{detail}"),
                value: Vec::new(),
            }),
            ..RpcStatus::default()
        })
    }

    #[test]
    fn only_that_a_stream_is_elsewhere_is_certain_of_what_failed() {
        let elsewhere = error(Code::AlreadyExists, "WrongExpectedVersion");
        assert_eq!(certain(elsewhere), Some(Err(WrongExpectedVersion)));
        for (code, detail) in [
            (Code::AlreadyExists, "Other"),
            (Code::DeadlineExceeded, "Timeout"),
            (Code::NotFound, "StreamDeleted"),
            (Code::PermissionDenied, "AccessDenied"),
            (Code::InvalidArgument, "MaximumAppendSizeExceeded"),
        ] {
            assert_eq!(certain(error(code, detail)), None, "{detail}");
        }
        let half = Success {
            current_revision_option: Some(CurrentRevisionOption::CurrentRevision(1)),
            position_option: None,
        };
        assert_eq!(certain(BatchResult::Success(half)), None);
    }
}
