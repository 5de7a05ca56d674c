//! `peerage connector retry-now`, `test` and `try`.

use super::settings;
use crate::{
    api::{struct_of, v1},
    cli::{CliError, Remote, output},
};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(in crate::cli) struct One {
    #[command(flatten)]
    remote: Remote,
    /// The connector's id, like to-auditors.
    #[arg(value_name = "CONNECTOR")]
    connector: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Try {
    #[command(flatten)]
    remote: Remote,
    /// The connector whose filter it is, like to-auditors.
    #[arg(long, value_name = "CONNECTOR", required_unless_present = "filter")]
    connector: Option<String>,
    /// Or a filter, as SCOPE:TYPE:EXPRESSION, like record:json_path:$.peer.account.
    #[arg(long, value_name = "FILTER", conflicts_with = "connector")]
    filter: Option<String>,
    /// The event, from a JSON file like event.json: {"stream": …, "type": …, "data": {…}}, as
    /// `peerage audit --output json` prints one.
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
}

impl One {
    pub(super) async fn retry(self) -> Result<(), CliError> {
        let connector_id = self.connector;
        let mut servers = self.remote.servers()?;
        let told = servers
            .read(v1::RetryConnectorRequest { connector_id })
            .await?;
        output::message(self.remote.output, &told, |it| {
            match (it.runs_here, it.host.is_empty()) {
                (true, _) => "what waits is tried now".to_owned(),
                (false, true) => "no server delivers now".to_owned(),
                (false, false) => format!(
                    "it does not run at this server; {} delivers: name that with --server",
                    it.host
                ),
            }
        })
    }

    pub(super) async fn test(self) -> Result<(), CliError> {
        let connector_id = self.connector;
        let mut servers = self.remote.servers()?;
        let told = servers
            .read(v1::TestConnectorRequest { connector_id })
            .await?;
        let status = match told.status {
            0 => String::new(),
            status => status.to_string(),
        };
        output::message(self.remote.output, &told, |it| {
            output::facts([
                ("delivered", it.delivered.to_string()),
                ("status", status),
                ("cause", it.cause.clone()),
                ("answer", output::line(&it.body)),
            ])
        })?;
        if told.delivered {
            Ok(())
        } else {
            Err(CliError::failed("the test message was not taken"))
        }
    }
}

impl Try {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let event = settings::value(&self.event)?;
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let event_type = match text("type") {
            "" => text("eventType"),
            named => named,
        };
        let data = match event.get("data") {
            Some(Value::Object(fields)) => Some(struct_of(fields.clone())),
            Some(_) | None => None,
        };
        let filter = match self.filter.as_deref() {
            Some(text) => Some(filter(text)?),
            None => None,
        };
        let message = v1::TryFilterRequest {
            connector_id: self.connector.unwrap_or_default(),
            filter: filter.map(struct_of),
            stream: text("stream").to_owned(),
            event_type: event_type.to_owned(),
            data,
        };
        let told = self.remote.servers()?.read(message).await?;
        output::message(self.remote.output, &told, |it| {
            if it.taken { "taken" } else { "left out" }.to_owned()
        })
    }
}

fn filter(text: &str) -> Result<serde_json::Map<String, Value>, CliError> {
    let mut parts = text.splitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(scope), Some(kind), Some(expression)) => Ok(serde_json::Map::from_iter([
            ("scope".to_owned(), json!(scope)),
            ("type".to_owned(), json!(kind)),
            ("expression".to_owned(), json!(expression)),
        ])),
        (_, _, _) => Err(CliError::usage(
            "--filter: write SCOPE:TYPE:EXPRESSION, like record:prefix:Peering,Route",
        )),
    }
}
