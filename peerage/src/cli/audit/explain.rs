//! `peerage audit explain`: why a peering is as it is, or how one event came about.

use super::place::is_position;
use crate::{
    api::v1,
    cli::{
        CliError, Remote, output,
        resolve::{self, Named},
    },
};
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct Explain {
    #[command(flatten)]
    remote: Remote,
    /// The peering: its id, the id's first characters, its link's id, the peer's network, or
    /// ACCOUNT/NETWORK. Or one event: its id, or its position, as `peerage audit log -o json` shows
    /// them, like 4711/4711.
    #[arg(value_name = "PEERING|EVENT")]
    about: Named,
}

impl Explain {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let message = match &self.about {
            Named::Text(text) if is_position(text) => v1::ExplainRequest {
                event_position: text.clone(),
                ..Default::default()
            },
            Named::Id(id) => v1::ExplainRequest {
                id: id.to_string(),
                ..Default::default()
            },
            Named::Text(_) => v1::ExplainRequest {
                peering_id: resolve::peering(&mut servers, &self.about).await?,
                ..Default::default()
            },
        };
        let answer = servers.read(message).await?;
        output::message(self.remote.output, &answer, output::explained)
    }
}
