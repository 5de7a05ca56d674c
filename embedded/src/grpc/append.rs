//! `Streams/Append`: options first, then the events; all of them are written, or none.

use protocol::streams::{
    AppendReq, AppendResp,
    append_req::{Content, Options, options::ExpectedStreamRevision},
    append_resp::{
        self, Success, WrongExpectedVersion,
        success::{CurrentRevisionOption, PositionOption},
        wrong_expected_version::{
            CurrentRevisionOption as Current, CurrentRevisionOption2060 as OldCurrent,
            ExpectedRevisionOption, ExpectedRevisionOption2060 as OldExpected,
        },
    },
};
use tonic::{Status, Streaming};

use super::{Context, convert::read_writable_stream, proposed, status};
use crate::{
    engine::AppendOutcome,
    model::{Expected, NewEvent, Position, StreamName},
    security::{Action, Identity},
};

pub(super) async fn append(
    context: &Context,
    who: &Identity,
    mut requests: Streaming<AppendReq>,
) -> Result<AppendResp, Status> {
    let (stream, expected) = match requests.message().await?.and_then(|first| first.content) {
        Some(Content::Options(options)) => read_options(options)?,
        Some(Content::ProposedMessage(_)) | None => {
            return Err(Status::invalid_argument(
                "The first message must be the options.",
            ));
        }
    };
    let allowed = context.guard.stream(who, Action::Write, &stream).await;
    allowed.map_err(|denied| status::denied(&denied))?;
    let events = read_events(context, requests).await?;
    let outcome = context
        .writer
        .append(stream.clone(), expected, events)
        .await
        .map_err(|failure| status::failed(&failure))?;
    let result = match outcome {
        AppendOutcome::Written { revision, position } => success(revision, Some(position)),
        AppendOutcome::Repeated { revision, position } => success(Some(revision), position),
        AppendOutcome::WrongExpected { current } => wrong_expected(expected, current),
        AppendOutcome::Deleted => return Err(status::stream_deleted(&stream)),
    };
    Ok(AppendResp {
        result: Some(result),
    })
}

fn read_options(options: Options) -> Result<(StreamName, Expected), Status> {
    let expected = match options.expected_stream_revision {
        Some(ExpectedStreamRevision::Revision(number)) => Expected::Exact(number),
        Some(ExpectedStreamRevision::NoStream(())) => Expected::NoStream,
        Some(ExpectedStreamRevision::Any(())) => Expected::Any,
        Some(ExpectedStreamRevision::StreamExists(())) => Expected::StreamExists,
        None => {
            return Err(Status::invalid_argument(
                "An append must say which revision it expects.",
            ));
        }
    };
    Ok((read_writable_stream(options.stream_identifier)?, expected))
}

async fn read_events(
    context: &Context,
    mut requests: Streaming<AppendReq>,
) -> Result<Vec<NewEvent>, Status> {
    let mut events = Vec::new();
    let mut size = 0;
    while let Some(request) = requests.message().await? {
        let Some(Content::ProposedMessage(message)) = request.content else {
            return Err(Status::invalid_argument(
                "Only the first message may be options.",
            ));
        };
        let event = proposed::appended(message)?;
        size += event.size();
        if size > context.max_append_size {
            return Err(status::append_too_large(context.max_append_size));
        }
        events.push(event);
    }
    Ok(events)
}

fn success(revision: Option<u64>, position: Option<Position>) -> append_resp::Result {
    let position = position.map_or(PositionOption::NoPosition(()), |position| {
        PositionOption::Position(append_resp::Position {
            commit_position: position.get(),
            prepare_position: position.get(),
        })
    });
    append_resp::Result::Success(Success {
        current_revision_option: Some(revision.map_or(
            CurrentRevisionOption::NoStream(()),
            CurrentRevisionOption::CurrentRevision,
        )),
        position_option: Some(position),
    })
}

/// Older clients read the fields of 20.6.0, in which an expected absence is the greatest number.
fn wrong_expected(expected: Expected, current: Option<u64>) -> append_resp::Result {
    let (old_expected, expected) = match expected {
        Expected::Exact(number) => (
            OldExpected::ExpectedRevision2060(number),
            ExpectedRevisionOption::ExpectedRevision(number),
        ),
        Expected::NoStream => (
            OldExpected::ExpectedRevision2060(u64::MAX),
            ExpectedRevisionOption::ExpectedNoStream(()),
        ),
        Expected::Any => (
            OldExpected::Any2060(()),
            ExpectedRevisionOption::ExpectedAny(()),
        ),
        Expected::StreamExists => (
            OldExpected::StreamExists2060(()),
            ExpectedRevisionOption::ExpectedStreamExists(()),
        ),
    };
    let (old_current, current) = match current {
        Some(number) => (
            OldCurrent::CurrentRevision2060(number),
            Current::CurrentRevision(number),
        ),
        None => (OldCurrent::NoStream2060(()), Current::CurrentNoStream(())),
    };
    append_resp::Result::WrongExpectedVersion(WrongExpectedVersion {
        current_revision_option_20_6_0: Some(old_current),
        expected_revision_option_20_6_0: Some(old_expected),
        current_revision_option: Some(current),
        expected_revision_option: Some(expected),
    })
}
