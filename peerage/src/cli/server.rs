//! `peerage server info` and `peerage status`: what answers, and how far it is.

use super::{
    CliError, Remote,
    output::{
        self,
        Column::{Whole, Wrapped},
    },
};
use crate::api::v1::{CloudMode, GetServerInfoRequest, GetServerInfoResponse};
use clap::{Args, Subcommand};
use serde::Serialize;

#[derive(Debug, Subcommand)]
pub(super) enum Server {
    /// Show a server's version, its event store, and how far its read models are.
    Info(Info),
}

#[derive(Debug, Args)]
pub(super) struct Info {
    #[command(flatten)]
    remote: Remote,
}

/// Ends with 1 unless every server answers and is whole.
#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    remote: Remote,
}

impl Server {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Info(info) => info.run().await,
        }
    }
}

impl Info {
    async fn run(self) -> Result<(), CliError> {
        let info = self
            .remote
            .servers()?
            .read(GetServerInfoRequest::default())
            .await?;
        output::message(self.remote.output, &info, in_words)
    }
}

fn in_words(it: &GetServerInfoResponse) -> String {
    output::facts([
        ("version", it.version.clone()),
        ("event store", store(it)),
        ("store version", it.store_version.clone()),
        ("clouds", clouds(it)),
        ("read models", read_models(it)),
        ("position", it.position.clone()),
        ("end of the log", it.log_end.clone()),
        ("memory", memory(it)),
        ("snapshots", snapshots(it)),
        ("started", output::when(it.started_at.as_ref())),
        ("its clock", output::when(it.now.as_ref())),
        ("turned away", turned_away(it)),
        ("orphans", orphans(it)),
        ("STOPPED", stopped(it)),
        ("WARNING", it.warnings.join("; ")),
    ])
}

/// The engine's own connectors that somebody has stopped.
fn stopped(it: &GetServerInfoResponse) -> String {
    let each = it.stopped.iter();
    let each = each.map(|it| {
        let until = output::when(it.until.as_ref());
        format!("{} until {until}", it.connector_id)
    });
    each.collect::<Vec<_>>().join("; ")
}

fn orphans(it: &GetServerInfoResponse) -> String {
    match it.orphans {
        0 => String::new(),
        some => format!("{some}; see `peerage orphans list`"),
    }
}

fn clouds(it: &GetServerInfoResponse) -> String {
    let each = it.clouds.iter().map(|served| {
        let cloud = served.cloud.clone().unwrap_or_default();
        let provider = output::word(served.provider());
        match cloud.mode() {
            CloudMode::Real => provider,
            CloudMode::Emulator => format!("{provider} (emulator at {})", cloud.endpoint),
            CloudMode::Simulated => format!("{provider} (simulated)"),
            CloudMode::Unspecified => format!("{provider} (unknown)"),
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

fn turned_away(it: &GetServerInfoResponse) -> String {
    if it.unauthenticated_calls + it.denied_calls == 0 {
        return String::new();
    }
    format!(
        "{} unknown, {} denied",
        it.unauthenticated_calls, it.denied_calls
    )
}

fn memory(it: &GetServerInfoResponse) -> String {
    let it = it.history.unwrap_or_default();
    format!(
        "{} networks in {} of {} MB, {} dropped",
        it.cached_networks,
        it.cached_bytes >> 20,
        it.cache_limit_bytes >> 20,
        it.evicted
    )
}

fn snapshots(it: &GetServerInfoResponse) -> String {
    let it = it.history.unwrap_or_default();
    let counted = format!(
        "{} used, {} written, {} of {} compared",
        it.loaded_from_snapshot,
        it.snapshots_written,
        it.snapshots_checked,
        it.snapshots_checked + it.snapshots_to_check
    );
    if it.snapshots_wrong == 0 {
        return counted;
    }
    format!(
        "{counted}; {} WRONG: nothing is opened there",
        it.snapshots_wrong
    )
}

fn store(it: &GetServerInfoResponse) -> String {
    let kind = output::word(it.store());
    if it.store_address.is_empty() {
        kind
    } else {
        format!("{kind}, {}", it.store_address)
    }
}

fn read_models(it: &GetServerInfoResponse) -> String {
    let lag = it.lag.as_ref().map(|it| it.seconds).unwrap_or_default();
    if it
        .stopped
        .iter()
        .any(|it| it.connector_id.starts_with("read-models"))
    {
        return "stopped".to_owned();
    }
    match (it.catching_up, lag) {
        (true, _) => "being built".to_owned(),
        (false, 0) => "at the end of the log".to_owned(),
        (false, seconds) => format!("{seconds} s behind"),
    }
}

/// A server as it answered.
#[derive(Serialize)]
struct Answered<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<output::Proto<'a, GetServerInfoResponse>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl Status {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let asked = self
            .remote
            .servers()?
            .each()
            .into_iter()
            .map(|(url, mut server)| async move {
                (url, server.read(GetServerInfoRequest::default()).await)
            });
        let answers = futures::future::join_all(asked).await;
        let shown: Vec<_> = answers
            .iter()
            .map(|(url, answer)| Answered {
                url,
                info: answer.as_ref().ok().map(output::Proto),
                error: answer.as_ref().err().map(|it| it.text.as_str()),
            })
            .collect();
        output::print(self.remote.output, &shown, |_| table(&answers))?;
        let is_whole = |answer: &Result<GetServerInfoResponse, CliError>| {
            answer.as_ref().is_ok_and(|it| !it.catching_up)
        };
        match answers
            .iter()
            .filter(|(_, answer)| !is_whole(answer))
            .count()
        {
            0 => Ok(()),
            1 if answers.len() == 1 => Err(CliError::failed("the server is not ready")),
            some => Err(CliError::failed(format!(
                "{some} of {} servers are not ready",
                answers.len()
            ))),
        }
    }
}

fn table(answers: &[(String, Result<GetServerInfoResponse, CliError>)]) -> String {
    let rows = answers.iter().map(|(url, answer)| match answer {
        Ok(it) => [
            url.clone(),
            it.version.clone(),
            format!("{} {}", output::word(it.store()), it.store_version)
                .trim_end()
                .to_owned(),
            read_models(it),
            it.position.split('/').next().unwrap_or_default().to_owned(),
            stopped(it),
        ],
        Err(error) => {
            let dash = || "-".to_owned();
            [
                url.clone(),
                dash(),
                dash(),
                output::cause(&error.text),
                dash(),
                String::new(),
            ]
        }
    });
    output::table(
        [
            Whole("server"),
            Whole("version"),
            Wrapped("event store"),
            Wrapped("read models"),
            Whole("position"),
            Wrapped("stopped"),
        ],
        rows,
    )
}
