//! `peerage audit at`: networks as they were.

use super::place::{at_position, at_time};
use crate::{
    api::v1,
    cli::{
        CliError, Output, Remote,
        args::time_gone,
        output,
        resolve::{self, Named},
        terminal,
    },
};
use chrono::{DateTime, Utc};
use clap::Args;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

/// How many networks are asked for at the same time.
const AT_ONCE: usize = 16;

#[derive(Debug, Args)]
pub(super) struct At {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    place: Place,
    /// Only this network: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders. Default: every network that was on record then.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// At this time: how long ago, like 24h, or a time, like 2026-03-01T09:00:00Z.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_gone)]
    time: Option<DateTime<Utc>>,
    /// At this position of the log, its event included, like 4711/4711.
    #[arg(long, value_name = "POSITION")]
    position: Option<String>,
}

impl At {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let form = self.remote.output;
        let by_time = self.place.time.map(at_time);
        let place = by_time.or_else(|| self.place.position.as_deref().map(at_position));
        let ask = |network_id: String| v1::GetNetworkAtRequest {
            network_id,
            place: place.clone(),
            with_document: form == Output::Json,
            ..Default::default()
        };
        if let Some(network) = &self.network {
            let id = resolve::network(&mut servers, network).await?;
            let answer = servers.read(ask(id)).await?;
            let at = self.place.time;
            let told = |answers: &[_]| output::network_at(answers, at);
            return output::messages(form, &[answer], told);
        }
        let all = v1::ListNetworksRequest::default();
        let all = servers.list(all, usize::MAX).await?;
        let asked = all.into_iter().map(|network| {
            let mut servers = servers.clone();
            let message = v1::GetNetworkAtRequest {
                allow_absent: true,
                ..ask(network.network_id)
            };
            async move { servers.read(message).await }
        });
        let answers = stream::iter(asked).buffered(AT_ONCE).try_collect();
        let mut answers: Vec<_> = answers.await?;
        // Others came later.
        answers.retain(|it| it.network.is_some());
        if answers.is_empty() {
            let text = "no network was on record then";
            return Err(CliError::failed(text).with_hint(Some(
                "`peerage audit log --of networks` begins with the first one",
            )));
        }
        output::messages(form, &answers, output::at)?;
        if form == Output::Table {
            terminal::note(
                "--network NETWORK shows one with its routes, what it admits, and who allowed it",
            );
        }
        Ok(())
    }
}
