//! Plans: what would be done for a peering, and whether it can be. The provisioner's planner looks;
//! nothing is written anywhere.

use super::{
    Services,
    access::Caller,
    guard,
    log_end::behind,
    parse::{self, Planned},
    problem::{Problem, Reason},
    rows, show, v1,
};
use journal::Position;
use workers::provisioner::{PreviewError, Subject};

pub(super) async fn plan(
    services: &Services,
    caller: &Caller,
    request: &v1::PlanPeeringRequest,
) -> Result<v1::PlanPeeringResponse, Problem> {
    let (planned, min_position) = parse::plan_peering(request, services.server.clouds.places())?;
    at_least(services, min_position).await?;
    let account = match &planned {
        Planned::OnRecord(_) => None,
        Planned::Request(_, it) => Some(it.peer.account.clone()),
        Planned::Adoption(_, it) => Some(it.peer.account.clone()),
    };
    let on_record = match &planned {
        Planned::OnRecord(id) => Some(*id),
        Planned::Request(..) | Planned::Adoption(..) => None,
    };
    if let Some(id) = on_record {
        guard::peering(services, caller, id).await?;
    }
    let (network, subject) = match planned {
        Planned::OnRecord(id) => (rows::network_of(services, id).await?, Subject::OnRecord(id)),
        Planned::Request(network, request) => (network, Subject::Request(request)),
        Planned::Adoption(network, adoption) => (network, Subject::Adopt(adoption)),
    };
    guard::plan(services, caller, network, account.as_ref(), on_record).await?;
    let preview = services.planner.preview(network, subject).await;
    let preview = preview.map_err(|error| problem(&error))?;
    let cloud = guard::cloud(services, network).await?;
    Ok(show::plan(preview, cloud.as_ref()))
}

/// The links that the cloud shows at a network.
pub(super) async fn links(
    services: &Services,
    caller: &Caller,
    request: &v1::DiscoverLinksRequest,
) -> Result<v1::DiscoverLinksResponse, Problem> {
    let (network, min_position) = parse::discover_links(request)?;
    at_least(services, min_position).await?;
    guard::network(services, caller, network).await?;
    let links = services.planner.links(network).await;
    let links = links.map_err(|error| problem(&error))?;
    let cloud = guard::cloud(services, network).await?;
    Ok(show::links(links, cloud.as_ref()))
}

async fn at_least(services: &Services, position: Option<Position>) -> Result<(), Problem> {
    let Some(position) = position else {
        return Ok(());
    };
    let patience = services.read_patience;
    if services.projections.wait_for(position, patience).await {
        return Ok(());
    }
    Err(behind(position))
}

/// What is refused is refused as the command itself would be.
fn problem(error: &PreviewError) -> Problem {
    match error {
        PreviewError::Refused(refusal) => refusal.into(),
        PreviewError::Journal(error) => error.into(),
        PreviewError::Undecodable => {
            Problem::new(Reason::HistoryUnreadable, domain::error_chain(error))
        }
        PreviewError::TooMany => Problem::new(Reason::PlanLimit, error.to_string()),
        PreviewError::Cloud(error) => Problem::new(Reason::CloudCallFailed, error.to_string()),
        PreviewError::Elsewhere(why) => Problem::new(Reason::NetworkElsewhere, why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::StatusExt as _;

    #[test]
    fn a_plan_beyond_those_that_are_made_at_once_is_refused_for_now_by_a_reason_of_its_own() {
        let status = problem(&PreviewError::TooMany).status("peerage.v1.PeeringService");
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);
        let details = status.get_error_details();
        let reason = details.error_info().map(|it| it.reason.as_str());
        assert_eq!(reason, Some("PLAN_LIMIT"));
    }
}
