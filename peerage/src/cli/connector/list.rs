//! `peerage connector list` and `show`.

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

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    remote: Remote,
    /// The connector's id, like to-auditors.
    #[arg(value_name = "CONNECTOR")]
    connector: String,
}

impl List {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let message = v1::ListConnectorsRequest::default();
        let all = servers.list(message, usize::MAX).await?;
        output::messages(self.remote.output, &all, |all| {
            let columns = [
                Whole("connector"),
                Whole("state"),
                Wrapped("name"),
                Whole("behind"),
                Whole("parked"),
                Wrapped("cause"),
            ];
            output::table(columns, all.iter().map(row))
        })
    }
}

impl Show {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let connector_id = self.connector;
        let told = servers
            .read(v1::GetConnectorRequest { connector_id })
            .await?;
        let connector = told.connector.unwrap_or_default();
        output::message(self.remote.output, &connector, shown)
    }
}

fn row(it: &v1::Connector) -> [String; 6] {
    let behind = match &it.progress {
        Some(progress) => behind(progress),
        None => String::new(),
    };
    [
        it.connector_id.clone(),
        state(it),
        it.name.clone(),
        behind,
        it.parked.to_string(),
        output::line(&it.cause),
    ]
}

/// A connector in one line.
pub(super) fn told(it: &v1::Connector) -> String {
    let mut parts = vec![it.connector_id.clone(), state(it)];
    if let Some(progress) = &it.progress {
        parts.push(format!("behind {}", behind(progress)));
        parts.push(format!("delivered {}", progress.delivered));
        if let Some(at) = &progress.next_attempt {
            parts.push(format!("next attempt {}", output::when(Some(at))));
        }
    }
    if it.parked > 0 {
        parts.push(format!("parked {}", it.parked));
    }
    let error = it.progress.as_ref().map(|it| it.last_error.as_str());
    let said = [it.cause.as_str(), error.unwrap_or_default()];
    parts.extend(said.into_iter().find(|it| !it.is_empty()).map(output::line));
    parts.join("  ")
}

fn state(it: &v1::Connector) -> String {
    output::word(it.state())
}

fn behind(progress: &v1::ConnectorProgress) -> String {
    let events = match progress.behind {
        Some(0) if progress.in_hand == 0 => return "0".to_owned(),
        Some(behind) => (behind + progress.in_hand).to_string(),
        None => "many".to_owned(),
    };
    match &progress.lag {
        Some(lag) => format!("{events} ({} s)", lag.seconds),
        None => events,
    }
}

fn shown(it: &v1::Connector) -> String {
    let none = v1::ConnectorProgress::default();
    let progress = it.progress.as_ref().unwrap_or(&none);
    let is_here = it.progress.is_some();
    // The engine's own deliver nothing, and are nobody's to configure.
    let delivers = !it.built_in;
    let number = |number: u64, is_told: bool| {
        if is_told {
            number.to_string()
        } else {
            String::new()
        }
    };
    let count = |it: u64| number(it, is_here && delivers);
    let facts = output::facts([
        ("connector", it.connector_id.clone()),
        ("name", it.name.clone()),
        ("state", state(it)),
        ("since", output::when(it.since.as_ref())),
        ("runs again", output::when(it.stopped_until.as_ref())),
        ("failure", it.failure.clone()),
        ("cause", it.cause.clone()),
        ("server", it.host.clone()),
        (
            "term",
            if it.term > 0 {
                it.term.to_string()
            } else {
                String::new()
            },
        ),
        ("position", progress.position.clone()),
        (
            "behind",
            if is_here {
                behind(progress)
            } else {
                String::new()
            },
        ),
        ("delivered", count(progress.delivered)),
        ("filtered", count(progress.filtered)),
        ("parked", number(it.parked, delivers)),
        ("retrying", count(progress.retrying)),
        ("next attempt", output::when(progress.next_attempt.as_ref())),
        (
            "last delivery",
            output::when(progress.delivered_at.as_ref()),
        ),
        ("last failure", output::when(progress.failed_at.as_ref())),
        ("", progress.last_error.clone()),
        ("revision", number(it.revision, delivers)),
    ]);
    if !delivers {
        return facts;
    }
    let configuration = it.configuration.clone().map(json_of).unwrap_or_default();
    let configuration = serde_json::to_string_pretty(&configuration).unwrap_or_default();
    format!("{facts}\n\n{configuration}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_engines_own_is_shown_without_what_only_others_have() {
        let own = v1::Connector {
            connector_id: "audit-tree@db1".to_owned(),
            built_in: true,
            progress: Some(v1::ConnectorProgress {
                position: "7/7".to_owned(),
                behind: Some(0),
                ..v1::ConnectorProgress::default()
            }),
            ..v1::Connector::default()
        };
        let told = shown(&own);
        assert!(
            told.contains("audit-tree@db1") && told.contains("7/7"),
            "{told}"
        );
        for absent in ["delivered", "parked", "revision", "null"] {
            assert!(!told.contains(absent), "{absent} in {told}");
        }
        let other = shown(&v1::Connector {
            built_in: false,
            ..own
        });
        assert!(
            other.contains("delivered") && other.contains("revision"),
            "{other}"
        );
    }
}
