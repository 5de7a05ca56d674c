//! `peerage peering plan`: what would be done, and whether it can be.

use super::begin::{PeerOf, Terms};
use crate::{
    api::v1::{self, network_service_client::NetworkServiceClient},
    cli::{Output, Remote, Trouble, client::refused, output},
};
use clap::Args;
use std::time::Duration;
use tonic::{Request, transport::Channel};
use uuid::Uuid;

#[derive(Debug, Args)]
pub(in crate::cli) struct Plan {
    #[command(flatten)]
    remote: Remote,
    /// A peering on record. Without one: --network and the other flags of `peering request`, and --link for one to adopt.
    peering: Option<Uuid>,
    #[command(flatten)]
    peer: Option<PeerOf>,
    #[command(flatten)]
    terms: Terms,
    /// The provider's id of a link to adopt.
    #[arg(long)]
    link: Option<String>,
}

impl Plan {
    pub(super) async fn run(self) -> Result<(), Trouble> {
        let message = self.message()?;
        let plan = look(&mut self.remote.networks().await?, message).await?;
        show(self.remote.output, &plan)
    }

    fn message(&self) -> Result<v1::PlanPeeringRequest, Trouble> {
        match (self.peering, &self.peer) {
            (Some(id), None) => Ok(v1::PlanPeeringRequest { peering_id: id.to_string(), ..Default::default() }),
            (None, Some(peer)) => Ok(v1::PlanPeeringRequest {
                peering_id: String::new(),
                network_id: peer.network.to_string(),
                peer: Some(peer.message()),
                consent: self.terms.consent.as_str().to_owned(),
                deadline: self.terms.deadline.clone().unwrap_or_default(),
                renew: self.terms.renew,
                link: self.link.clone().unwrap_or_default(),
            }),
            (Some(_), Some(_)) | (None, None) => {
                Err(Trouble::usage("name a peering on record, or describe one with --network and the flags of `peerage peering request`"))
            }
        }
    }
}

/// How long a look at both sides may take.
const DEADLINE: Duration = Duration::from_secs(60);

pub(super) async fn look(
    networks: &mut NetworkServiceClient<Channel>,
    message: v1::PlanPeeringRequest,
) -> Result<v1::PlanPeeringResponse, Trouble> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    networks.plan_peering(request).await.map(tonic::Response::into_inner).map_err(refused)
}

/// Prints the plan. One that cannot be carried out is a failure, for scripts that look before they leap.
pub(super) fn show(output: Output, plan: &v1::PlanPeeringResponse) -> Result<(), Trouble> {
    output::print(output, plan, output::plan)?;
    match plan.checks.iter().filter(|it| it.outcome == "failed").count() {
        0 => Ok(()),
        1 => Err(Trouble::failed("a check failed")),
        failed => Err(Trouble::failed(format!("{failed} checks failed"))),
    }
}
