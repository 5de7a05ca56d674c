//! `peerage connector watch`: connectors live.

use super::list;
use crate::{
    api::v1::{self, watch_connectors_response::Update},
    cli::{CliError, Output, Remote, output, terminal},
};
use clap::Args;
use std::{convert::Infallible, ops::ControlFlow};

#[derive(Debug, Args)]
pub(in crate::cli) struct Watch {
    #[command(flatten)]
    remote: Remote,
    /// The connector's id, like to-auditors. Default: all connectors.
    #[arg(value_name = "CONNECTOR")]
    connector: Option<String>,
}

impl Watch {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let message = v1::WatchConnectorsRequest {
            connector_id: self.connector.unwrap_or_default(),
        };
        let output = self.remote.output;
        let each = |update: v1::WatchConnectorsResponse| {
            show(output, &update).map(|()| ControlFlow::<Infallible>::Continue(()))
        };
        match servers.watch(message, each).await? {}
    }
}

fn show(output: Output, update: &v1::WatchConnectorsResponse) -> Result<(), CliError> {
    let Some(news) = &update.update else {
        return Ok(());
    };
    if output == Output::Json {
        return output::json_line(update);
    }
    match news {
        Update::Connector(connector) => terminal::line(&list::told(connector)),
        Update::Deleted(id) => terminal::line(&format!("{id}  deleted")),
    }
}
