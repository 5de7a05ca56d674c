//! `peerage audit diff`: what changed between two places of the log.

use super::place::place;
use crate::{
    api::v1::{self, LogPlace},
    cli::{
        CliError, Remote, output,
        resolve::{self, Named},
    },
};
use clap::Args;
use futures::{
    future,
    stream::{self, StreamExt as _, TryStreamExt as _},
};

/// How many networks are asked for at the same time.
const AT_ONCE: usize = 16;

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
    /// Only this network: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders. Default: every network that changed.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
}

impl Diff {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let ask = |network_id: String| v1::CompareNetworkRequest {
            network_id,
            from: Some(self.from.clone()),
            to: Some(self.to.clone()),
            ..Default::default()
        };
        if let Some(network) = &self.network {
            let id = resolve::network(&mut servers, network).await?;
            let answer = servers.read(ask(id)).await?;
            return output::message(self.remote.output, &answer, output::difference);
        }
        let all = v1::ListNetworksRequest::default();
        let all = servers.list(all, usize::MAX).await?;
        let asked = all.into_iter().map(|network| {
            let mut servers = servers.clone();
            let message = v1::CompareNetworkRequest {
                allow_absent: true,
                ..ask(network.network_id)
            };
            async move { servers.read(message).await }
        });
        let changed = stream::iter(asked)
            .buffered(AT_ONCE)
            .try_filter(|it| future::ready(!it.changes.is_empty()));
        let changed: Vec<_> = changed.try_collect().await?;
        output::messages(self.remote.output, &changed, output::differences)
    }
}
