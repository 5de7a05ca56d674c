//! Who answers for something, and when it ends.

use super::args::{time_to_come, timestamp};
use crate::api::v1;
use chrono::{DateTime, Utc};
use clap::Args;

/// An owner and an end, where they are named at once.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct TenureArgs {
    /// Who answers for it: a person or a team, like team-orders. Later: `peerage peering tenure`.
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// When it ends by itself: in so long, like 30d, or at a time, like 2026-03-01T09:00:00Z.
    /// Default: never. With --command-id, name a time.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_to_come)]
    expires: Option<DateTime<Utc>>,
}

impl TenureArgs {
    pub(super) fn message(&self) -> Option<v1::Tenure> {
        tenure(self.owner.as_ref(), self.expires)
    }
}

/// What the API takes; nothing where nothing is named.
pub(super) fn tenure(owner: Option<&String>, expires: Option<DateTime<Utc>>) -> Option<v1::Tenure> {
    let tenure = v1::Tenure {
        owner: owner.cloned().unwrap_or_default(),
        expires_at: expires.map(timestamp),
    };
    (tenure != v1::Tenure::default()).then_some(tenure)
}
