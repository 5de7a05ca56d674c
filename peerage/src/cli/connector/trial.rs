//! `peerage connector retry-now`, `test` and `try`.

use super::settings;
use crate::{
    api::{json_of, struct_of, v1},
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
    /// The connector whose filter and transform it is, like to-auditors.
    #[arg(long, value_name = "CONNECTOR", required_unless_present_any = ["filter", "transform"])]
    connector: Option<String>,
    /// Or a filter, as SCOPE:TYPE:EXPRESSION, like record:json_path:$.peer.account.
    #[arg(long, value_name = "FILTER", conflicts_with = "connector")]
    filter: Option<String>,
    /// A transform, from a file of JavaScript like transform.js.
    #[arg(long, value_name = "FILE", conflicts_with = "connector")]
    transform: Option<PathBuf>,
    /// The event, from a JSON file like event.json: {"stream": …, "type": …, "data": {…}}, as
    /// `peerage audit --output json` prints one; or a list of such events.
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
        let filter = match self.filter.as_deref() {
            Some(text) => Some(struct_of(filter(text)?)),
            None => None,
        };
        let function = match self.transform.as_deref() {
            Some(path) => settings::text(path)?,
            None => String::new(),
        };
        let events = match settings::value(&self.event)? {
            Value::Array(events) => events,
            event @ (Value::Object(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)) => vec![event],
        };
        let mut servers = self.remote.servers()?;
        let mut all = Vec::new();
        for event in &events {
            let message = v1::TryFilterRequest {
                connector_id: self.connector.clone().unwrap_or_default(),
                filter: filter.clone(),
                function: function.clone(),
                ..sample(event)
            };
            all.push(servers.read(message).await?);
        }
        match all.as_slice() {
            [one] => output::message(self.remote.output, one, shown),
            several => output::messages(self.remote.output, several, |several| {
                several.iter().map(shown).collect::<Vec<_>>().join("\n")
            }),
        }
    }
}

/// An event of a file.
fn sample(event: &Value) -> v1::TryFilterRequest {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let event_type = match text("type") {
        "" => text("eventType"),
        named => named,
    };
    let fields = |name: &str| event.get(name).and_then(Value::as_object);
    let headers = fields("headers").into_iter().flatten();
    let headers = headers.filter_map(|(name, it)| Some((name.clone(), it.as_str()?.to_owned())));
    v1::TryFilterRequest {
        stream: text("stream").to_owned(),
        event_type: event_type.to_owned(),
        data: fields("data").cloned().map(struct_of),
        headers: headers.collect(),
        ..v1::TryFilterRequest::default()
    }
}

fn shown(it: &v1::TryFilterResponse) -> String {
    if !it.taken {
        return "left out".to_owned();
    }
    match it.verdict() {
        v1::TransformVerdict::Unspecified => "taken".to_owned(),
        v1::TransformVerdict::Changed => {
            let record = it.record.clone().map(json_of).unwrap_or_default();
            let record = serde_json::to_string_pretty(&record).unwrap_or_default();
            format!("taken, and changed:\n{record}")
        }
        v1::TransformVerdict::Dropped => "taken, and dropped by the transform".to_owned(),
        v1::TransformVerdict::Cancelled => {
            let cause = output::line(&it.cause);
            format!("taken, and the transform stops the connector: {cause}")
        }
        v1::TransformVerdict::Refused => {
            let cause = output::line(&it.cause);
            format!("taken, and parked, since the transform refuses it: {cause}")
        }
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
