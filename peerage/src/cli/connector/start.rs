//! `peerage connector start`, `stop` and `reset`: whether a connector runs, and where in the log it
//! begins.

use super::Subject;
use crate::{
    api::v1::{self, connector_start::Start as From},
    cli::CliError,
};
use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct Start {
    #[command(flatten)]
    subject: Subject,
    /// Where it begins: earliest, latest, or behind a position of the log, like 1024/1024. Default:
    /// where it stood.
    #[arg(long, value_name = "POSITION")]
    from: Option<String>,
}

/// The engine's own are `provisioner` and `read-models@HOST`; `read-models` are those of all
/// servers. A stopped provisioner opens and repairs nothing, and closes what is to be closed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Stop {
    #[command(flatten)]
    subject: Subject,
    /// For how long one of the engine's own stops, 4 hours at most, like 30m. It runs again by
    /// itself when that is over; `connector start` ends it sooner.
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime_serde::re::humantime::parse_duration)]
    stop_for: Option<std::time::Duration>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Reset {
    #[command(flatten)]
    subject: Subject,
    /// Where it begins when it is started: earliest, latest, or behind a position of the log, like
    /// 1024/1024.
    #[arg(long, value_name = "POSITION", default_value = "earliest")]
    to: String,
}

impl Start {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let start = self.from.map(|it| begin(&it));
        self.subject
            .send(|connector_id| v1::StartConnectorRequest {
                connector_id,
                start,
                ..Default::default()
            })
            .await
    }
}

impl Stop {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let stop_for = self.stop_for.map(duration);
        self.subject
            .send(|connector_id| v1::StopConnectorRequest {
                connector_id,
                stop_for,
                ..Default::default()
            })
            .await
    }
}

/// What is too long for a message is too long for a stop: the server says so.
fn duration(it: std::time::Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(it).unwrap_or(prost_types::Duration {
        seconds: i64::MAX,
        nanos: 0,
    })
}

impl Reset {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let start = Some(begin(&self.to));
        self.subject
            .send(|connector_id| v1::ResetConnectorRequest {
                connector_id,
                start,
                ..Default::default()
            })
            .await
    }
}

fn begin(text: &str) -> v1::ConnectorStart {
    let start = match text {
        "earliest" => From::Earliest(true),
        "latest" => From::Latest(true),
        position => From::After(position.to_owned()),
    };
    v1::ConnectorStart { start: Some(start) }
}
