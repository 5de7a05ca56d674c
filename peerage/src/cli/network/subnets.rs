//! `peerage network subnets`.

use super::Subject;
use crate::{
    api::v1,
    cli::{
        CliError,
        subnets::{self, Named},
    },
};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Subnets {
    /// Let further subnets use the network's links.
    Add(Change),
    /// Take subnets off the network's links.
    Drop(Change),
    /// Let these subnets use the network's links, and no others.
    Set(Change),
    /// Let every subnet use the network's links, also those that come later.
    All(Subject),
    /// Let the subnets use the network's links that its main route table serves.
    Main(Subject),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Change {
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    named: Named,
}

impl Subnets {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (subject, change) = match self {
            Self::Add(it) => (it.subject, it.named.add()),
            Self::Drop(it) => (it.subject, it.named.drop()),
            Self::Set(it) => (it.subject, it.named.set()),
            Self::All(subject) => (subject, subnets::all()),
            Self::Main(subject) => (subject, subnets::main()),
        };
        let (mut servers, network_id) = subject.open().await?;
        let command = v1::ChangeNetworkSubnetsRequest {
            network_id,
            change: Some(change),
            ..Default::default()
        };
        subject.send(&mut servers, command).await
    }
}
