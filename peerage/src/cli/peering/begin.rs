//! `peerage peering request` and `peerage peering adopt`: how a peering comes on record.

use super::plan;
use crate::{
    api::v0 as v1,
    cli::{
        CliError, Output, Remote,
        client::{Context, refused, request, time_to_come},
        output, terminal,
    },
};
use clap::{Args, ValueEnum};
use uuid::Uuid;

/// The network on the other end, and whose peer it is to be.
#[derive(Clone, Debug, Args)]
struct PeerOf {
    /// The private network.
    #[arg(long)]
    network: Uuid,
    /// aws, gcp or azure.
    #[arg(long, default_value = "aws")]
    provider: String,
    /// The peer's AWS account, GCP project or Azure tenant.
    #[arg(long)]
    account: String,
    #[arg(long)]
    region: String,
    /// The peer's AWS VPC id, GCP network name or Azure VNet resource id.
    #[arg(long, visible_alias = "vpc")]
    cloud_network: String,
    /// A range of the peer; again for more.
    #[arg(long = "range", value_name = "RANGE", required = true)]
    ranges: Vec<String>,
    /// A subnet whose clients use the link; again for more. None: the main route table.
    #[arg(long = "subnet", value_name = "SUBNET")]
    subnets: Vec<String>,
}

impl PeerOf {
    fn message(&self) -> v1::Peer {
        v1::Peer {
            provider: self.provider.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            cloud_network: self.cloud_network.clone(),
            ranges: self.ranges.clone(),
            subnets: self.subnets.clone(),
        }
    }
}

/// Who accepts the link, and keeps the peer's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Consent {
    /// The engine, with an identity in the peer's account.
    #[default]
    Delegated,
    /// The peer's owner; `peerage peering show` prints what to run.
    Owner,
}

impl Consent {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Delegated => "delegated",
            Self::Owner => "owner",
        }
    }
}

/// On what terms a link is asked for.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Terms {
    /// Who accepts the link, and keeps the peer's side.
    #[arg(long, default_value = "delegated")]
    pub(super) consent: Consent,
    /// By when the link must be active, or it is taken back: in so long, like 72h, or at a time.
    /// Default: never. With --command-id, name a time.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_to_come)]
    pub(super) deadline: Option<String>,
    /// Ask once more if nobody accepts in time.
    #[arg(long)]
    pub(super) renew: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Request {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    #[command(flatten)]
    peer: PeerOf,
    #[command(flatten)]
    terms: Terms,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Adopt {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    #[command(flatten)]
    peer: PeerOf,
    /// The provider's id of the link.
    #[arg(long)]
    link: String,
    /// Who keeps the peer's side.
    #[arg(long, default_value = "delegated")]
    consent: Consent,
    /// Go on without a look at what it would mean, and without being asked.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Show what it would mean, and stop there.
    #[arg(long)]
    dry_run: bool,
}

impl Request {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let message = v1::RequestPeeringRequest {
            context: Some(self.context.message()),
            network_id: self.peer.network.to_string(),
            peer: Some(self.peer.message()),
            consent: self.terms.consent.as_str().to_owned(),
            deadline: self.terms.deadline.unwrap_or_default(),
            renew: self.terms.renew,
        };
        let answer = self
            .remote
            .networks()
            .await?
            .request_peering(request(message))
            .await
            .map_err(refused)?;
        output::print(self.remote.output, answer.get_ref(), output::command)
    }
}

impl Adopt {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut networks = self.remote.networks().await?;
        if !self.yes {
            let preview = plan::look(&mut networks, self.preview()).await?;
            if self.dry_run {
                return plan::show(self.remote.output, &preview);
            }
            if self.remote.output == Output::Table {
                terminal::line(&format!("{}\n", output::plan(&preview)))?;
            }
            terminal::confirm(&format!(
                "Put {} on record? The link itself will never be removed.",
                self.link
            ))?;
        }
        let message = v1::AdoptPeeringRequest {
            context: Some(self.context.message()),
            network_id: self.peer.network.to_string(),
            peer: Some(self.peer.message()),
            link: self.link,
            consent: self.consent.as_str().to_owned(),
        };
        let answer = networks
            .adopt_peering(request(message))
            .await
            .map_err(refused)?;
        output::print(self.remote.output, answer.get_ref(), output::command)
    }

    fn preview(&self) -> v1::PlanPeeringRequest {
        v1::PlanPeeringRequest {
            network_id: self.peer.network.to_string(),
            peer: Some(self.peer.message()),
            consent: self.consent.as_str().to_owned(),
            link: self.link.clone(),
            ..Default::default()
        }
    }
}
