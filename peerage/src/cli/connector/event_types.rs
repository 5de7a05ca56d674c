//! `peerage connector event-types`.

use crate::{
    api::{json_of, v1},
    cli::{
        CliError, Remote,
        output::{
            self,
            Column::{Whole, Wrapped},
        },
    },
};
use clap::Args;
use prost_types::Struct;

#[derive(Debug, Args)]
pub(in crate::cli) struct EventTypes {
    #[command(flatten)]
    remote: Remote,
    /// One type, with the JSON Schema of its data and every sample, like PeeringRequested. Default:
    /// all, each with a sample.
    #[arg(value_name = "TYPE")]
    event_type: Option<String>,
}

impl EventTypes {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let message = v1::ListEventTypesRequest {
            event_type: self.event_type.unwrap_or_default(),
            ..Default::default()
        };
        let is_one = !message.event_type.is_empty();
        let all = servers.list(message, usize::MAX).await?;
        if is_one && let [one] = all.as_slice() {
            return output::message(self.remote.output, one, shown);
        }
        output::messages(self.remote.output, &all, |all| {
            let columns = [Whole("type"), Whole("version"), Wrapped("what it says")];
            output::table(columns, all.iter().map(row))
        })
    }
}

fn row(it: &v1::EventType) -> [String; 3] {
    [
        it.event_type.clone(),
        it.schema_version.to_string(),
        output::line(&it.description),
    ]
}

fn shown(it: &v1::EventType) -> String {
    let pretty = |it: &Struct| {
        let value = json_of(it.clone());
        serde_json::to_string_pretty(&value).unwrap_or_default()
    };
    let mut schema = it.schema.clone().unwrap_or_default();
    // They follow.
    schema.fields.remove("examples");
    let samples = it.sample.iter().chain(&it.more_samples);
    let samples = samples.map(|it| format!("\n\nsample\n{}", pretty(it)));
    let facts = output::facts([
        ("type", it.event_type.clone()),
        ("version", it.schema_version.to_string()),
        ("what it says", it.description.clone()),
    ]);
    format!(
        "{facts}\n\nschema\n{}{}",
        pretty(&schema),
        samples.collect::<String>()
    )
}
