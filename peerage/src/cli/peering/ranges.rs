//! `peerage peering ranges` and `peerage peering subnets`: what the peer is reached by, changed
//! while the link stands.

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
pub(in crate::cli) enum Ranges {
    /// Add address ranges of the peer. Nothing is opened there before the cloud shows them.
    Add(Several),
    /// Give up address ranges of the peer, with the routes, rules and ingress that need them.
    Drop(Several),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Several {
    #[command(flatten)]
    subject: Subject,
    /// The ranges, like 10.40.0.0/16.
    #[arg(value_name = "RANGE", required = true)]
    ranges: Vec<String>,
}

impl Ranges {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Add(some) => {
                let command = |peering_id| v1::AddPeerRangesRequest {
                    peering_id,
                    ranges: some.ranges,
                    ..Default::default()
                };
                some.subject.send(command).await
            }
            Self::Drop(some) => {
                let command = |peering_id| v1::DropPeerRangesRequest {
                    peering_id,
                    ranges: some.ranges,
                    ..Default::default()
                };
                some.subject.send(command).await
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Subnets {
    /// Let further subnets of the peer use the link.
    Add(Change),
    /// Take subnets of the peer off the link.
    Drop(Change),
    /// Let these subnets of the peer use the link, and no others.
    Set(Change),
    /// Let every subnet of the peer use the link, also those that come later.
    All(Subject),
    /// Let the subnets use the link that the peer's main route table serves.
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
        let command = |peering_id| v1::ChangePeerSubnetsRequest {
            peering_id,
            change: Some(change),
            ..Default::default()
        };
        subject.send(command).await
    }
}
