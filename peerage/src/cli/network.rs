//! `peerage network …`.

use super::{
    CliError, Remote,
    client::{Context, refused, request},
    output,
};
use crate::api::v0 as v1;
use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub(super) enum Network {
    /// Put a private network on record.
    Register(Register),
    /// List the networks on record.
    List(List),
    /// Show one network and its peerings.
    Show(Show),
    /// Say what the engine may do by itself; what is not named stays as it is.
    Policy(PolicyOf),
    /// Look at everything of a network, now.
    Check(Check),
    /// End the service of a network, none of whose peerings is live.
    Retire(Retire),
}

#[derive(Debug, Args)]
pub(super) struct Register {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    #[arg(long, default_value = "default")]
    project: String,
    #[arg(long)]
    name: String,
    /// aws, gcp or azure.
    #[arg(long, default_value = "aws")]
    provider: String,
    #[arg(long)]
    region: String,
    /// AWS account, GCP project or Azure tenant.
    #[arg(long)]
    account: String,
    /// AWS VPC id, GCP network name or Azure VNet resource id.
    #[arg(long, visible_alias = "vpc")]
    cloud_network: String,
    /// The network's own range, for instance 10.20.0.0/16.
    #[arg(long)]
    range: String,
    /// A subnet that serves the clusters; again for more. None: the main route table.
    #[arg(long = "subnet", value_name = "SUBNET")]
    subnets: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    remote: Remote,
    network: Uuid,
}

/// What to do about what is otherwise than it was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnDrift {
    /// Put it back.
    Repair,
    /// Say so, and leave it.
    Report,
    /// Take it for what is wanted from now on.
    Adopt,
}

/// What to do about somebody else's rule that lets the private network in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnExposure {
    /// Say so, and leave it.
    Report,
    /// Revoke it, if it stands in one of the groups that are named.
    Enforce,
}

#[derive(Debug, Args)]
pub(super) struct PolicyOf {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    network: Uuid,
    /// What to do about what is otherwise than it was left.
    #[arg(long, required_unless_present = "exposure")]
    drift: Option<OnDrift>,
    /// What to do about somebody else's rules that let the private network in.
    #[arg(long)]
    exposure: Option<OnExposure>,
    /// A firewall group whose owner agreed to `enforce`; again for more.
    #[arg(long = "group", value_name = "GROUP", requires = "exposure")]
    groups: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    network: Uuid,
}

#[derive(Debug, Args)]
pub(super) struct Retire {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    network: Uuid,
    /// Why, for the audit.
    #[arg(long)]
    reason: String,
}

impl Network {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Register(register) => register.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Policy(policy) => policy.run().await,
            Self::Check(check) => check.run().await,
            Self::Retire(retire) => retire.run().await,
        }
    }
}

impl Register {
    async fn run(self) -> Result<(), CliError> {
        let message = v1::RegisterNetworkRequest {
            context: Some(self.context.message()),
            project: self.project,
            name: self.name,
            provider: self.provider,
            region: self.region,
            account: self.account,
            cloud_network: self.cloud_network,
            range: self.range,
            subnets: self.subnets,
        };
        let answer = self
            .remote
            .networks()
            .await?
            .register_network(request(message))
            .await
            .map_err(refused)?;
        output::print(self.remote.output, answer.get_ref(), output::command)
    }
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let mut client = self.remote.networks().await?;
        let mut networks = Vec::new();
        let mut page_token = String::new();
        loop {
            let message = v1::ListNetworksRequest {
                page_token,
                ..Default::default()
            };
            let page = client
                .list_networks(request(message))
                .await
                .map_err(refused)?
                .into_inner();
            networks.extend(page.networks);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        output::print(self.remote.output, &networks, |it| output::networks(it))
    }
}

impl Show {
    async fn run(self) -> Result<(), CliError> {
        let mut client = self.remote.networks().await?;
        let message = v1::GetNetworkRequest {
            network_id: self.network.to_string(),
            min_position: String::new(),
        };
        let network = client
            .get_network(request(message))
            .await
            .map_err(refused)?
            .into_inner();
        let message = v1::ListPeeringsRequest {
            network_id: self.network.to_string(),
            ..Default::default()
        };
        let peerings = super::peering::all(&mut client, message).await?;
        output::print(
            self.remote.output,
            &(network, peerings),
            |(network, peerings)| {
                format!(
                    "{}\n\npeerings\n{}",
                    output::network(network),
                    output::peerings(peerings)
                )
            },
        )
    }
}

impl PolicyOf {
    async fn run(self) -> Result<(), CliError> {
        let mut client = self.remote.networks().await?;
        let message = v1::GetNetworkRequest {
            network_id: self.network.to_string(),
            min_position: String::new(),
        };
        let network = client
            .get_network(request(message))
            .await
            .map_err(refused)?
            .into_inner();
        let mut policy = network.policy.unwrap_or_default();
        if let Some(drift) = self.drift {
            policy.drift = word(drift);
        }
        if let Some(exposure) = self.exposure {
            (policy.exposure, policy.groups) = (word(exposure), self.groups);
        }
        let message = v1::SetPolicyRequest {
            context: Some(self.context.message()),
            network_id: network.network_id,
            policy: Some(policy),
        };
        let answer = client.set_policy(request(message)).await.map_err(refused)?;
        output::print(self.remote.output, answer.get_ref(), output::command)
    }
}

fn word(value: impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map(|it| it.get_name().to_owned())
        .unwrap_or_default()
}

impl Check {
    async fn run(self) -> Result<(), CliError> {
        let message = v1::CheckDriftRequest {
            context: Some(self.context.message()),
            network_id: self.network.to_string(),
        };
        let answer = self
            .remote
            .networks()
            .await?
            .check_drift(request(message))
            .await
            .map_err(refused)?;
        output::print(self.remote.output, answer.get_ref(), output::command)
    }
}

impl Retire {
    async fn run(self) -> Result<(), CliError> {
        let (context, network_id) = (Some(self.context.message()), self.network.to_string());
        let message = v1::RetireNetworkRequest {
            context,
            network_id,
            reason: self.reason,
        };
        let answer = self
            .remote
            .networks()
            .await?
            .retire_network(request(message))
            .await
            .map_err(refused)?;
        output::print(self.remote.output, answer.get_ref(), output::command)
    }
}
