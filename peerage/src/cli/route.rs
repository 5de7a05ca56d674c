//! `peerage route …`.

use super::{
    CliError, Side,
    client::{About, refused, request},
    output,
};
use crate::api::v0 as v1;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(super) enum Route {
    /// Let a side send a destination range over the link.
    Accept(Accept),
    /// Take a destination range off the link.
    Withdraw(Withdraw),
    /// Put one destination range in the place of another, without a moment in which neither is
    /// there.
    Replace(Replace),
}

#[derive(Debug, Args)]
pub(super) struct Accept {
    #[command(flatten)]
    about: About,
    /// The side that sends.
    #[arg(long)]
    side: Side,
    /// Where to: a range behind the other side.
    #[arg(long, value_name = "RANGE")]
    destination: String,
}

#[derive(Debug, Args)]
pub(super) struct Withdraw {
    #[command(flatten)]
    about: About,
    /// The side that sends.
    #[arg(long)]
    side: Side,
    /// The range that it shall no longer send.
    #[arg(long, value_name = "RANGE")]
    destination: String,
}

#[derive(Debug, Args)]
pub(super) struct Replace {
    #[command(flatten)]
    about: About,
    /// The side that sends.
    #[arg(long)]
    side: Side,
    /// The range that goes.
    #[arg(long, value_name = "RANGE")]
    from: String,
    /// The range that takes its place.
    #[arg(long, value_name = "RANGE")]
    to: String,
}

impl Route {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Accept(accept) => accept.run().await,
            Self::Withdraw(withdraw) => withdraw.run().await,
            Self::Replace(replace) => replace.run().await,
        }
    }
}

impl Accept {
    async fn run(self) -> Result<(), CliError> {
        let (mut networks, peering) = self.about.open().await?;
        let message = v1::AcceptRouteRequest {
            context: Some(self.about.context.message()),
            network_id: peering.network_id,
            peering_id: peering.peering_id,
            side: self.side.as_str().to_owned(),
            destination: self.destination,
        };
        let answer = networks
            .accept_route(request(message))
            .await
            .map_err(refused)?;
        output::print(self.about.remote.output, answer.get_ref(), output::command)
    }
}

impl Withdraw {
    async fn run(self) -> Result<(), CliError> {
        let (mut networks, peering) = self.about.open().await?;
        let message = v1::WithdrawRouteRequest {
            context: Some(self.about.context.message()),
            network_id: peering.network_id,
            peering_id: peering.peering_id,
            side: self.side.as_str().to_owned(),
            destination: self.destination,
        };
        let answer = networks
            .withdraw_route(request(message))
            .await
            .map_err(refused)?;
        output::print(self.about.remote.output, answer.get_ref(), output::command)
    }
}

impl Replace {
    async fn run(self) -> Result<(), CliError> {
        let (mut networks, peering) = self.about.open().await?;
        let message = v1::ReplaceRouteRequest {
            context: Some(self.about.context.message()),
            network_id: peering.network_id,
            peering_id: peering.peering_id,
            side: self.side.as_str().to_owned(),
            from: self.from,
            to: self.to,
        };
        let answer = networks
            .replace_route(request(message))
            .await
            .map_err(refused)?;
        output::print(self.about.remote.output, answer.get_ref(), output::command)
    }
}
