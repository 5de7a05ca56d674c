//! `peerage network watch`: networks live.

use crate::{
    api::v1::{self, WatchEvents, watch_networks_response::Update},
    cli::{
        CliError, Output, Remote,
        bookmark::After,
        output,
        resolve::{self, Named},
        terminal,
    },
};
use clap::Args;
use std::{convert::Infallible, ops::ControlFlow};

#[derive(Debug, Args)]
pub(in crate::cli) struct Watch {
    #[command(flatten)]
    remote: Remote,
    /// The network: its id, the id's first characters, its name, or PROJECT/NAME, like orders.
    /// Default: all networks.
    #[arg(value_name = "NETWORK")]
    network: Option<Named>,
    /// Continue after this bookmark, as `--output json` has it: the whole object, which is refused
    /// in another log, or its position alone, like 4711/4711.
    #[arg(long, value_name = "BOOKMARK")]
    after: Option<After>,
    /// Show changes of state alone, no events.
    #[arg(long)]
    no_events: bool,
}

impl Watch {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network_if_any(&mut servers, self.network.as_ref()).await?;
        let events = if self.no_events {
            WatchEvents::None
        } else {
            WatchEvents::New
        };
        let after = After::bookmark(self.after.as_ref());
        let message = v1::WatchNetworksRequest {
            network_id,
            after: after.position,
            known_event: after.known_event,
            events: events.into(),
            ..Default::default()
        };
        let output = self.remote.output;
        let each = |update: v1::WatchNetworksResponse| {
            show(output, &update).map(|()| ControlFlow::<Infallible>::Continue(()))
        };
        match servers.watch(message, each).await? {}
    }
}

fn show(output: Output, update: &v1::WatchNetworksResponse) -> Result<(), CliError> {
    if output == Output::Json {
        return output::json_line(update);
    }
    match &update.update {
        Some(Update::Network(network)) => terminal::line(&output::network_update(network)),
        Some(Update::Event(event)) => terminal::line(&output::event(event)),
        Some(Update::Bookmark(_)) | None => Ok(()),
    }
}
