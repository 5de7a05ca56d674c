//! `peerage audit`: who did what, when and why.

use super::{
    CliError, Remote,
    args::{time_gone, timestamp},
    output,
    resolve::{self, Named},
};
use crate::api::v1::{self, EventOrder};
use chrono::{DateTime, Utc};
use clap::Args;
use uuid::Uuid;

#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(flatten)]
    remote: Remote,
    /// Only this network's: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
    /// Only this peering's: its id, the id's first characters, its link's id, the peer's network,
    /// or ACCOUNT/NETWORK.
    #[arg(long, value_name = "PEERING")]
    peering: Option<Named>,
    /// Only what this command did: its UUID, as the command printed it.
    #[arg(long, value_name = "UUID")]
    command: Option<Uuid>,
    /// Only what this actor did: the verified subject, or what was claimed, like ada@example.com.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only events of this type, like PeeringRequested; again, or separated by commas, for more.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    types: Vec<String>,
    /// Only what was decided since: how long ago, like 24h, or a time, like 2026-03-01T09:00:00Z.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_gone)]
    since: Option<DateTime<Utc>>,
    /// Only what was decided before: how long ago, like 1h, or a time, like 2026-03-02T09:00:00Z.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_gone)]
    until: Option<DateTime<Utc>>,
    /// The newest first.
    #[arg(long)]
    newest_first: bool,
    /// The most events, like 50.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    limit: usize,
}

impl Audit {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network_if_any(&mut servers, self.network.as_ref()).await?;
        let peering_id = resolve::peering_if_any(&mut servers, self.peering.as_ref()).await?;
        let order = if self.newest_first {
            EventOrder::NewestFirst
        } else {
            EventOrder::OldestFirst
        };
        let message = v1::ListEventsRequest {
            order: order.into(),
            network_id,
            peering_id,
            command_id: self.command.map(|it| it.to_string()).unwrap_or_default(),
            actor: self.actor.unwrap_or_default(),
            types: self.types,
            start_time: self.since.map(timestamp),
            end_time: self.until.map(timestamp),
            ..Default::default()
        };
        let events = servers.list(message, self.limit).await?;
        output::messages(self.remote.output, &events, output::events)
    }
}
