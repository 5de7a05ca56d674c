//! `peerage peering option`: what is switched on one side's half of the link.

use super::Subject;
use crate::{
    api::v1,
    cli::{
        CliError,
        args::{LinkOption, Side, Switch},
    },
};
use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct SetOption {
    #[command(flatten)]
    subject: Subject,
    /// The side whose half it is.
    #[arg(long, value_name = "SIDE")]
    side: Side,
    /// The option.
    #[arg(value_name = "OPTION")]
    option: LinkOption,
    /// Whether it is on.
    #[arg(value_name = "SWITCH")]
    switch: Switch,
}

impl SetOption {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let command = |peering_id| v1::SetLinkOptionRequest {
            peering_id,
            side: v1::Side::from(self.side).into(),
            option: v1::LinkOption::from(self.option).into(),
            enabled: self.switch == Switch::On,
            ..Default::default()
        };
        self.subject.send(command).await
    }
}
