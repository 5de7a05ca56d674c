//! `peerage network register`.

use crate::{
    api::v1,
    cli::{CliError, Remote, args::Provider, engine::Context, output, subnets::Chosen},
};
use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct Register {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    /// The project (organisation unit) that the network belongs to, like payments.
    #[arg(long, default_value = "default", value_name = "PROJECT")]
    project: String,
    /// The network's name for people, like orders. Commands take it wherever they take its id.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The network's cloud.
    #[arg(long, default_value = "aws", value_name = "PROVIDER")]
    provider: Provider,
    /// The region as the provider writes it, like eu-west-1. A network of Google Cloud is in none.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// AWS account (12 digits), GCP project id or Azure tenant id, like 111122223333.
    #[arg(long, value_name = "ACCOUNT")]
    account: String,
    /// AWS VPC id, GCP network name or Azure VNet resource id, like vpc-0a1b2c3d.
    #[arg(long, visible_alias = "vpc", value_name = "ID")]
    cloud_network: String,
    /// The network's address range, RFC 1918, /8 to /25, like 10.20.0.0/16.
    #[arg(long, value_name = "RANGE")]
    range: String,
    /// An IPv6 range that the network has beside that, like fd00:20::/56; again for more (AWS).
    #[arg(long = "ipv6-range", value_name = "RANGE")]
    ipv6_ranges: Vec<String>,
    #[command(flatten)]
    subnets: Chosen,
}

impl Register {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let region = self.provider.region(self.region.as_deref())?;
        let message = v1::RegisterNetworkRequest {
            project: self.project,
            name: self.name,
            provider: v1::Provider::from(self.provider).into(),
            region,
            account: self.account,
            cloud_network: self.cloud_network,
            range: self.range,
            ipv6_ranges: self.ipv6_ranges,
            subnets: self.subnets.names(),
            ..Default::default()
        };
        let done = self
            .remote
            .servers()?
            .command(message, &self.context)
            .await?;
        output::command(self.remote.output, &done)
    }
}
