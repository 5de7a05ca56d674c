//! `peerage connector start` and `reset`: where in the log a connector begins.

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
