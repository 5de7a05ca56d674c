//! `peerage connector deliveries`.

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

/// Each server keeps its own attempts, of the last days: ask the one that delivers, as `connector
/// show` names it. What is parked is in the log, where every server reads it.
#[derive(Debug, Args)]
pub(in crate::cli) struct Deliveries {
    #[command(flatten)]
    remote: Remote,
    /// The connector's id, like to-auditors.
    #[arg(value_name = "CONNECTOR")]
    connector: String,
    /// Only attempts to deliver this event, by its UUID, like
    /// 8f14e45f-ceea-4e7b-9c2d-6a1f0b3c2d1e.
    #[arg(long, value_name = "EVENT")]
    event: Option<Uuid>,
    /// Only attempts that were not taken.
    #[arg(long)]
    failed: bool,
    /// How many at most, like 20.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
}

impl Deliveries {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let message = v1::ListDeliveriesRequest {
            connector_id: self.connector,
            event_id: self.event.map(|it| it.to_string()).unwrap_or_default(),
            failed_only: self.failed,
            ..Default::default()
        };
        let all = servers.list(message, self.limit).await?;
        output::messages(self.remote.output, &all, |all| {
            let columns = [
                Whole("at"),
                Whole("attempt"),
                Whole("result"),
                Wrapped("event"),
                Wrapped("cause"),
            ];
            output::table(columns, all.iter().map(row))
        })
    }
}

fn row(it: &v1::Delivery) -> [String; 5] {
    let first = it.events.first().cloned().unwrap_or_default();
    let more = match it.events.len() {
        0 | 1 => String::new(),
        many => format!(" and {} more", many - 1),
    };
    let status = match it.status {
        0 => String::new(),
        status => format!(" {status}"),
    };
    let replay = if it.replay { " (replay)" } else { "" };
    let said = match (it.cause.is_empty(), it.body.is_empty()) {
        (true, _) => String::new(),
        (false, true) => it.cause.clone(),
        (false, false) => format!("{}: {}", it.cause, it.body),
    };
    [
        output::when(it.attempted_at.as_ref()),
        format!("{}{replay}", it.attempt),
        format!("{}{status}", output::word(it.result())),
        format!("{} {}{more}", first.event_type, first.event_id),
        output::line(&said),
    ]
}
