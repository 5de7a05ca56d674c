//! `peerage peering tenure`: who answers, and until when, changed later.

use super::Subject;
use crate::{
    api::v1::{
        self,
        set_tenure_request::{EndChange, OwnerChange},
    },
    cli::{
        CliError,
        args::{admitted, time_to_come, timestamp},
    },
};
use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").multiple(true).required(true))]
pub(in crate::cli) struct SetTenure {
    #[command(flatten)]
    subject: Subject,
    /// A source that the private network admits, like 10.30.0.0/16:2113. Default: the peering
    /// itself.
    #[arg(long, value_name = "SOURCE[:PORT]", value_parser = admitted)]
    admit: Option<v1::InboundRule>,
    /// Who answers for it from now on: a person or a team, like team-orders.
    #[arg(long, group = "change", value_name = "OWNER")]
    owner: Option<String>,
    /// Name nobody any more.
    #[arg(long, group = "change", conflicts_with = "owner")]
    no_owner: bool,
    /// When it ends from now on: in so long, like 30d, or at a time, like 2026-03-01T09:00:00Z.
    /// With --command-id, name a time.
    #[arg(long, group = "change", value_name = "DURATION|TIME", value_parser = time_to_come)]
    expires: Option<DateTime<Utc>>,
    /// Let it never end by itself.
    #[arg(long, group = "change", conflicts_with = "expires")]
    no_expiry: bool,
}

impl SetTenure {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let owner = self.owner.map(OwnerChange::Owner);
        let owner = owner.or(self.no_owner.then_some(OwnerChange::NoOwner(true)));
        let end = self.expires.map(|at| EndChange::ExpiresAt(timestamp(at)));
        let end = end.or(self.no_expiry.then_some(EndChange::NoExpiry(true)));
        let command = |peering_id| v1::SetTenureRequest {
            peering_id,
            rule: self.admit,
            owner_change: owner,
            end_change: end,
            ..Default::default()
        };
        self.subject.send(command).await
    }
}
