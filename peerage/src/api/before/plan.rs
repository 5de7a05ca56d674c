//! Plans: what would be done for a peering, and whether it can be. The provisioner's planner looks;
//! nothing is written anywhere.

use super::{
    Rooms, answer,
    parse::Planned,
    reads::{read, unknown},
    show, v1,
};
use tonic::{Code, Status};
use workers::provisioner::{
    CheckOutcome, CheckReport, PlannedAction, Preview, PreviewError, Subject,
};

pub(super) async fn plan(
    rooms: &Rooms,
    planned: Planned,
) -> Result<v1::PlanPeeringResponse, Status> {
    let (network, subject) = match planned {
        Planned::OnRecord(id) => {
            let view =
                read(rooms.projections.peering(id).await)?.ok_or_else(|| unknown("peering", id))?;
            (view.network.id, Subject::OnRecord(id))
        }
        Planned::Request(network, request) => (network, Subject::Request(request)),
        Planned::Adoption(network, adoption) => (network, Subject::Adopt(adoption)),
    };
    match rooms.planner.preview(network, subject).await {
        Ok(preview) => Ok(response(preview)),
        Err(error) => Err(failed(&error)),
    }
}

fn response(preview: Preview) -> v1::PlanPeeringResponse {
    v1::PlanPeeringResponse {
        checks: preview.checks.into_iter().map(check).collect(),
        advisories: preview.advisories.into_iter().map(show::advisory).collect(),
        actions: preview.actions.into_iter().map(action).collect(),
        waits_for: preview.waits_for.unwrap_or_default(),
    }
}

fn check(report: CheckReport) -> v1::Check {
    let (outcome, message, remedy) = match report.outcome {
        CheckOutcome::Passed => ("passed", String::new(), Vec::new()),
        CheckOutcome::Failed { message, remedy } => ("failed", message, remedy),
        CheckOutcome::Skipped { why } => ("skipped", why.to_owned(), Vec::new()),
    };
    let side = report.side.map(|it| it.to_string()).unwrap_or_default();
    v1::Check {
        name: report.check.to_owned(),
        side,
        outcome: outcome.to_owned(),
        message,
        remedy,
    }
}

fn action(it: PlannedAction) -> v1::PlannedAction {
    v1::PlannedAction {
        side: it.side.to_string(),
        action: it.action.to_owned(),
        detail: it.detail,
    }
}

/// What is refused is refused as the command itself would be.
fn failed(error: &PreviewError) -> Status {
    match error {
        PreviewError::Refused(refusal) => answer::refused(refusal),
        PreviewError::Journal(error) => answer::unavailable(error),
        PreviewError::Undecodable => answer::status(
            Code::DataLoss,
            "HISTORY_UNREADABLE",
            answer::full_text(error),
            &[],
        ),
    }
}
