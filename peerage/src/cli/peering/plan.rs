//! `peerage peering plan`: what would be done, and whether it can be.

use super::begin::Terms;
use crate::{
    api::v0::{self as v1, network_service_client::NetworkServiceClient},
    cli::{CliError, Output, Remote, client::refused, output},
};
use clap::Args;
use std::time::Duration;
use tonic::{Request, transport::Channel};
use uuid::Uuid;

#[derive(Debug, Args)]
pub(in crate::cli) struct Plan {
    #[command(flatten)]
    remote: Remote,
    /// A peering on record. Without one: --network and the other flags of `peering request`, and
    /// --link for one to adopt.
    #[arg(required_unless_present = "network", conflicts_with_all = ["network", "link"])]
    peering: Option<Uuid>,
    /// The private network.
    #[arg(long, requires_all = ["account", "region", "cloud_network", "ranges"])]
    network: Option<Uuid>,
    /// aws, gcp or azure.
    #[arg(long, default_value = "aws")]
    provider: String,
    /// The peer's AWS account, GCP project or Azure tenant.
    #[arg(long, requires = "network")]
    account: Option<String>,
    #[arg(long, requires = "network")]
    region: Option<String>,
    /// The peer's AWS VPC id, GCP network name or Azure VNet resource id.
    #[arg(long, visible_alias = "vpc", requires = "network")]
    cloud_network: Option<String>,
    /// A range of the peer; again for more.
    #[arg(long = "range", value_name = "RANGE", requires = "network")]
    ranges: Vec<String>,
    /// A subnet whose clients use the link; again for more. None: the main route table.
    #[arg(long = "subnet", value_name = "SUBNET", requires = "network")]
    subnets: Vec<String>,
    #[command(flatten)]
    terms: Terms,
    /// The provider's id of a link to adopt.
    #[arg(long, requires = "network")]
    link: Option<String>,
}

impl Plan {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (remote, message) = (self.remote.clone(), self.message());
        let plan = look(&mut remote.networks().await?, message).await?;
        show(remote.output, &plan)
    }

    fn message(self) -> v1::PlanPeeringRequest {
        if let Some(id) = self.peering {
            return v1::PlanPeeringRequest {
                peering_id: id.to_string(),
                ..Default::default()
            };
        }
        let peer = v1::Peer {
            provider: self.provider,
            account: self.account.unwrap_or_default(),
            region: self.region.unwrap_or_default(),
            cloud_network: self.cloud_network.unwrap_or_default(),
            ranges: self.ranges,
            subnets: self.subnets,
        };
        v1::PlanPeeringRequest {
            peering_id: String::new(),
            network_id: self.network.map(|it| it.to_string()).unwrap_or_default(),
            peer: Some(peer),
            consent: self.terms.consent.as_str().to_owned(),
            deadline: self.terms.deadline.unwrap_or_default(),
            renew: self.terms.renew,
            link: self.link.unwrap_or_default(),
        }
    }
}

/// How long a look at both sides may take.
const DEADLINE: Duration = Duration::from_secs(60);

pub(super) async fn look(
    networks: &mut NetworkServiceClient<Channel>,
    message: v1::PlanPeeringRequest,
) -> Result<v1::PlanPeeringResponse, CliError> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    networks
        .plan_peering(request)
        .await
        .map(tonic::Response::into_inner)
        .map_err(refused)
}

/// Prints the plan. One that cannot be carried out is a failure, for scripts that look before they
/// leap.
pub(super) fn show(output: Output, plan: &v1::PlanPeeringResponse) -> Result<(), CliError> {
    output::print(output, plan, output::plan)?;
    match plan
        .checks
        .iter()
        .filter(|it| it.outcome == "failed")
        .count()
    {
        0 => Ok(()),
        1 => Err(CliError::failed("a check failed")),
        failed => Err(CliError::failed(format!("{failed} checks failed"))),
    }
}
