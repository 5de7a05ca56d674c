//! `Streams/Delete` hides what was written; `Streams/Tombstone` ends a stream for ever.

use protocol::{
    shared::StreamIdentifier,
    streams::{
        DeleteReq, DeleteResp, TombstoneReq, TombstoneResp, delete_req, delete_resp, tombstone_req,
        tombstone_resp,
    },
};
use tonic::Status;

use super::{Context, convert::read_writable_stream, status};
use crate::{
    engine::{DeleteOutcome, Deletion},
    model::{Expected, Position},
    security::{Action, Identity},
};

pub(super) async fn delete(
    context: &Context,
    who: &Identity,
    request: DeleteReq,
) -> Result<DeleteResp, Status> {
    use delete_req::options::ExpectedStreamRevision as Wire;
    let options = request.options.ok_or_else(no_options)?;
    let expected = match options.expected_stream_revision.ok_or_else(no_expected)? {
        Wire::Revision(number) => Expected::Exact(number),
        Wire::NoStream(()) => Expected::NoStream,
        Wire::Any(()) => Expected::Any,
        Wire::StreamExists(()) => Expected::StreamExists,
    };
    let position = carry_out(
        context,
        who,
        options.stream_identifier,
        expected,
        Deletion::Soft,
    )
    .await?;
    let position = delete_resp::Position {
        commit_position: position.get(),
        prepare_position: position.get(),
    };
    Ok(DeleteResp {
        position_option: Some(delete_resp::PositionOption::Position(position)),
    })
}

pub(super) async fn tombstone(
    context: &Context,
    who: &Identity,
    request: TombstoneReq,
) -> Result<TombstoneResp, Status> {
    use tombstone_req::options::ExpectedStreamRevision as Wire;
    let options = request.options.ok_or_else(no_options)?;
    let expected = match options.expected_stream_revision.ok_or_else(no_expected)? {
        Wire::Revision(number) => Expected::Exact(number),
        Wire::NoStream(()) => Expected::NoStream,
        Wire::Any(()) => Expected::Any,
        Wire::StreamExists(()) => Expected::StreamExists,
    };
    let stream = options.stream_identifier;
    let position = carry_out(context, who, stream, expected, Deletion::Tombstone).await?;
    let position = tombstone_resp::Position {
        commit_position: position.get(),
        prepare_position: position.get(),
    };
    Ok(TombstoneResp {
        position_option: Some(tombstone_resp::PositionOption::Position(position)),
    })
}

async fn carry_out(
    context: &Context,
    who: &Identity,
    stream: Option<StreamIdentifier>,
    expected: Expected,
    deletion: Deletion,
) -> Result<Position, Status> {
    let stream = read_writable_stream(stream)?;
    if stream.is_metadata() {
        return Err(Status::invalid_argument(format!(
            "The metadata stream '{stream}' cannot be deleted on its own."
        )));
    }
    let allowed = context.guard.stream(who, Action::Delete, &stream).await;
    allowed.map_err(|denied| status::denied(&denied))?;
    let outcome = context
        .writer
        .delete(stream.clone(), expected, deletion)
        .await
        .map_err(|failure| status::failed(&failure))?;
    match outcome {
        DeleteOutcome::Done { position } => Ok(position),
        DeleteOutcome::WrongExpected { current } => {
            Err(status::wrong_expected_version(&stream, expected, current))
        }
        DeleteOutcome::Deleted => Err(status::stream_deleted(&stream)),
    }
}

fn no_options() -> Status {
    Status::invalid_argument("The request has no options.")
}

fn no_expected() -> Status {
    Status::invalid_argument("A delete must say which revision it expects.")
}
