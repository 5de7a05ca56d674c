//! `peerage peering dns`: whether names resolve to private addresses over the link.

use crate::{
    api::v0 as v1,
    cli::{
        CliError, Side,
        client::{About, refused, request},
        output,
    },
};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(in crate::cli) struct Dns {
    #[command(flatten)]
    about: About,
    /// The side whose names the other side resolves.
    #[arg(long)]
    side: Side,
    /// Whether they resolve to private addresses.
    switch: Switch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Dns {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (mut networks, peering) = self.about.open().await?;
        let message = v1::SetDnsResolutionRequest {
            context: Some(self.about.context.message()),
            network_id: peering.network_id,
            peering_id: peering.peering_id,
            side: self.side.as_str().to_owned(),
            enabled: self.switch == Switch::On,
        };
        let answer = networks
            .set_dns_resolution(request(message))
            .await
            .map_err(refused)?;
        output::print(self.about.remote.output, answer.get_ref(), output::command)
    }
}
