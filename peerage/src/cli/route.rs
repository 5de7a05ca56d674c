//! `peerage route …`.

use super::{CliError, args::Side, peering::Subject};
use crate::api::v1;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(super) enum Route {
    /// Let a side send a destination range over the link.
    Accept(OneRoute),
    /// Take a destination range off the link.
    #[command(mut_arg("destination", |it| it.help("The destination range to withdraw, like 10.30.0.0/16")))]
    Withdraw(OneRoute),
    /// Replace one destination range by another: the new route is in place before the old one goes.
    Replace(Replace),
}

#[derive(Debug, Args)]
pub(super) struct OneRoute {
    #[command(flatten)]
    subject: Subject,
    /// The side that sends.
    #[arg(long, value_name = "SIDE")]
    side: Side,
    /// Where to: a range behind the other side, like 10.30.0.0/16.
    #[arg(long, value_name = "RANGE")]
    destination: String,
}

#[derive(Debug, Args)]
pub(super) struct Replace {
    #[command(flatten)]
    subject: Subject,
    /// The side that sends.
    #[arg(long, value_name = "SIDE")]
    side: Side,
    /// The destination range to replace, like 10.30.0.0/16.
    #[arg(long, value_name = "RANGE")]
    from: String,
    /// The destination range that replaces it, like 10.30.0.0/17.
    #[arg(long, value_name = "RANGE")]
    to: String,
}

impl Route {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Accept(accept) => accept.accept().await,
            Self::Withdraw(withdraw) => withdraw.withdraw().await,
            Self::Replace(replace) => replace.run().await,
        }
    }
}

impl OneRoute {
    async fn accept(self) -> Result<(), CliError> {
        let command = |peering_id| v1::AcceptRouteRequest {
            peering_id,
            side: v1::Side::from(self.side).into(),
            destination: self.destination,
            ..Default::default()
        };
        self.subject.send(command).await
    }

    async fn withdraw(self) -> Result<(), CliError> {
        let command = |peering_id| v1::WithdrawRouteRequest {
            peering_id,
            side: v1::Side::from(self.side).into(),
            destination: self.destination,
            ..Default::default()
        };
        self.subject.send(command).await
    }
}

impl Replace {
    async fn run(self) -> Result<(), CliError> {
        let command = |peering_id| v1::ReplaceRouteRequest {
            peering_id,
            side: v1::Side::from(self.side).into(),
            from: self.from,
            to: self.to,
            ..Default::default()
        };
        self.subject.send(command).await
    }
}
