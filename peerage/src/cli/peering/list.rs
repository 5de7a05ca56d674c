//! `peerage peering list` and `peerage peering drift`.

use crate::{
    api::v1::{self, PeeringState},
    cli::{
        CliError, Remote,
        args::{peering_state, time_gone, timestamp},
        output,
        resolve::{self, Named},
    },
};
use chrono::{DateTime, Utc};
use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    remote: Remote,
    /// Only this network's: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
    /// Only those in this state, like active; again, or separated by commas, for more.
    #[arg(
        long = "state", visible_alias = "life", value_name = "STATE", value_delimiter = ',',
        value_parser = peering_state()
    )]
    states: Vec<PeeringState>,
    /// Only those that wait for a person; --blocked=false: only those that do not.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    blocked: Option<bool>,
    /// Only those whose peer is in this account, like 444455556666.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Only those that changed since: how long ago, like 24h, or a time, like 2026-03-01T09:00:00Z.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_gone)]
    since: Option<DateTime<Utc>>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Drift {
    #[command(flatten)]
    remote: Remote,
    /// The peering: its id, the id's first characters, its link's id, the peer's network, or
    /// ACCOUNT/NETWORK. What was repaired or accepted is shown too. Default: open drift of all.
    #[arg(value_name = "PEERING", conflicts_with = "network")]
    peering: Option<Named>,
    /// The open drift of this network: its id, the id's first characters, its name, or
    /// PROJECT/NAME, like orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
}

impl List {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network_if_any(&mut servers, self.network.as_ref()).await?;
        let message = v1::ListPeeringsRequest {
            network_id,
            states: self.states.into_iter().map(i32::from).collect(),
            blocked: self.blocked,
            account: self.account.unwrap_or_default(),
            changed_since: self.since.map(timestamp),
            ..Default::default()
        };
        let peerings = servers.list(message, usize::MAX).await?;
        output::messages(self.remote.output, &peerings, output::peerings)
    }
}

impl Drift {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let drift = if let Some(named) = &self.peering {
            let peering_id = resolve::peering(&mut servers, named).await?;
            super::get(&mut servers, peering_id)
                .await?
                .peering
                .unwrap_or_default()
                .drift
        } else {
            let network_id = resolve::network_if_any(&mut servers, self.network.as_ref()).await?;
            let message = v1::ListDriftRequest {
                network_id,
                ..Default::default()
            };
            servers.list(message, usize::MAX).await?
        };
        output::messages(self.remote.output, &drift, output::drift)
    }
}
