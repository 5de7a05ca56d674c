//! `peerage connector parked`, `replay` and `discard`.

use super::Subject;
use crate::{
    api::v1,
    cli::{
        CliError, Remote,
        output::{
            self,
            Column::{Whole, Wrapped},
        },
    },
};
use clap::Args;
use uuid::Uuid;

#[derive(Debug, Args)]
pub(in crate::cli) struct Parked {
    #[command(flatten)]
    remote: Remote,
    /// The connector's id, like to-auditors.
    #[arg(value_name = "CONNECTOR")]
    connector: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Change {
    #[command(flatten)]
    subject: Subject,
    /// The records, by the UUIDs of their events; again for more.
    #[arg(value_name = "EVENT", required_unless_present_any = ["all", "after", "until"])]
    events: Vec<Uuid>,
    /// All that are parked now.
    #[arg(long, conflicts_with = "events")]
    all: bool,
    /// Those behind this position of the log, like 1024/1024.
    #[arg(long, value_name = "POSITION", conflicts_with_all = ["events", "all"])]
    after: Option<String>,
    /// Those up to this position, it included, like 4711/4711.
    #[arg(long, value_name = "POSITION", conflicts_with_all = ["events", "all"])]
    until: Option<String>,
}

impl Parked {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let message = v1::ListParkedRecordsRequest {
            connector_id: self.connector,
            ..Default::default()
        };
        let all = servers.list(message, usize::MAX).await?;
        output::messages(self.remote.output, &all, |all| {
            let columns = [
                Whole("event"),
                Wrapped("type"),
                Whole("parked"),
                Whole("attempts"),
                Wrapped("cause"),
            ];
            output::table(columns, all.iter().map(row))
        })
    }
}

impl Change {
    pub(super) async fn replay(self) -> Result<(), CliError> {
        let (event_ids, all_records) = (texts(&self.events), self.all);
        let (after, until) = (
            self.after.unwrap_or_default(),
            self.until.unwrap_or_default(),
        );
        self.subject
            .send(|connector_id| v1::ReplayParkedRecordsRequest {
                connector_id,
                event_ids,
                all_records,
                after,
                until,
                ..Default::default()
            })
            .await
    }

    pub(super) async fn discard(self) -> Result<(), CliError> {
        let (event_ids, all_records) = (texts(&self.events), self.all);
        let (after, until) = (
            self.after.unwrap_or_default(),
            self.until.unwrap_or_default(),
        );
        self.subject
            .send(|connector_id| v1::DiscardParkedRecordsRequest {
                connector_id,
                event_ids,
                all_records,
                after,
                until,
                ..Default::default()
            })
            .await
    }
}

fn texts(events: &[Uuid]) -> Vec<String> {
    events.iter().map(ToString::to_string).collect()
}

fn row(it: &v1::ParkedRecord) -> [String; 5] {
    let cause = if it.replay_requested {
        format!("{} (to be replayed)", it.cause)
    } else {
        it.cause.clone()
    };
    [
        it.event_id.clone(),
        it.event_type.clone(),
        output::when(it.parked_at.as_ref()),
        it.attempts.to_string(),
        output::line(&cause),
    ]
}
