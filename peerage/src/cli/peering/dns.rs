//! `peerage peering dns`: whether names resolve to private addresses over the link.

use super::Subject;
use crate::{
    api::v1,
    cli::{
        CliError,
        args::{Side, Switch},
    },
};
use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct Dns {
    #[command(flatten)]
    subject: Subject,
    /// The side whose names the other side resolves.
    #[arg(long, value_name = "SIDE")]
    side: Side,
    /// Whether they resolve to private addresses.
    #[arg(value_name = "SWITCH")]
    switch: Switch,
}

impl Dns {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let command = |peering_id| v1::SetDnsResolutionRequest {
            peering_id,
            side: v1::Side::from(self.side).into(),
            enabled: self.switch == Switch::On,
            ..Default::default()
        };
        self.subject.send(command).await
    }
}
