//! `peerage connector replay-log`: a part of the log again.

use super::Subject;
use crate::{api::v1, cli::CliError};
use chrono::{DateTime, Utc};
use clap::Args;
use prost_types::Timestamp;

/// It goes beside the live flow, each delivery marked as a replay; what the filter leaves out is
/// left out. Receivers know by its id what they have had.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReplayLog {
    #[command(flatten)]
    subject: Subject,
    /// Behind this position of the log, like 1024/1024. Default: from its beginning.
    #[arg(long, value_name = "POSITION", required_unless_present_any = ["until", "since", "before", "end"])]
    after: Option<String>,
    /// Up to this position, it included, like 4711/4711. Default: up to the log's end now.
    #[arg(long, value_name = "POSITION")]
    until: Option<String>,
    /// Not what was recorded before this time, like 2026-03-01T09:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<DateTime<Utc>>,
    /// Only what was recorded before this time, like 2026-03-02T09:00:00Z.
    #[arg(long, value_name = "TIME")]
    before: Option<DateTime<Utc>>,
    /// End what is under way or waits, in place of asking for more.
    #[arg(long, conflicts_with_all = ["after", "until", "since", "before"])]
    end: bool,
}

impl ReplayLog {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let time = |it: DateTime<Utc>| Timestamp {
            seconds: it.timestamp(),
            nanos: i32::try_from(it.timestamp_subsec_nanos()).unwrap_or_default(),
        };
        let (since, before) = (self.since.map(time), self.before.map(time));
        let (after, until) = (
            self.after.unwrap_or_default(),
            self.until.unwrap_or_default(),
        );
        let end_replays = self.end;
        self.subject
            .send(|connector_id| v1::ReplayLogRequest {
                connector_id,
                after,
                until,
                since,
                before,
                end_replays,
                ..Default::default()
            })
            .await
    }
}
