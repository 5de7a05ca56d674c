//! `peerage audit diff`: what changed between two places of a network's log.

use super::place::place;
use crate::{
    api::v1::{self, LogPlace},
    cli::{
        CliError, Remote, output,
        resolve::{self, Named},
    },
};
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct Diff {
    #[command(flatten)]
    remote: Remote,
    /// The earlier place: a position like 4711/4711, a time like 2026-03-01T09:00:00Z, or how long
    /// ago, like 24h.
    #[arg(value_name = "FROM", value_parser = place)]
    from: LogPlace,
    /// The later place, in the same forms, like 1h.
    #[arg(value_name = "TO", value_parser = place)]
    to: LogPlace,
    /// The network: its id, the id's first characters, its name, or PROJECT/NAME, like orders.
    #[arg(long, value_name = "NETWORK")]
    network: Named,
}

impl Diff {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network(&mut servers, &self.network).await?;
        let message = v1::CompareNetworkRequest {
            network_id,
            from: Some(self.from),
            to: Some(self.to),
            ..Default::default()
        };
        let answer = servers.read(message).await?;
        output::message(self.remote.output, &answer, output::difference)
    }
}
