//! The store that a command is about: a data directory, or a connection string of any KurrentDB.
//!
//! A data directory is served by a node of this process's own for as long as the command takes, so
//! that there is one way to read and write events, the official client.

use super::{CliError, refused};
use clap::Args;
use embedded::EmbeddedNode;
use kurrentdb::{Client, ClientSettings, Error, Position, ReadAllOptions, StreamPosition};
use std::{future::Future, path::PathBuf, time::Duration};
use tokio::time::{sleep, timeout};

/// How long one call may take, or the next event of a read.
const PATIENCE: Duration = Duration::from_secs(30);
/// A store that does not answer is tried again after these pauses. After an answer it has all of
/// them again.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(8),
    Duration::from_secs(15),
];
/// The most that a node takes in one message. A data directory may hold what other nodes limit.
const LARGEST_APPEND: usize = 16_000_000;

/// Where a command finds its store.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Place {
    /// A data directory that no node uses.
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// A running store, ours or a KurrentDB, as kurrentdb://admin:PASSWORD@host:2113?tls=true
    #[arg(long, value_name = "CONNECTION STRING")]
    pub(super) store: Option<String>,
}

/// Whether a data directory is made where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Refused,
    Made,
}

/// A store that is connected to.
pub(super) struct Store {
    node: Option<EmbeddedNode>,
    settings: ClientSettings,
    client: Client,
    /// How it is called in texts: without a password.
    pub(super) name: String,
}

impl Place {
    pub(super) async fn open(&self, missing: Missing) -> Result<Store, CliError> {
        let (node, text, name) = match (&self.data, &self.store) {
            (Some(data), _) => {
                let builder = EmbeddedNode::builder()
                    .data_dir(data)
                    .system_projections_as_found()
                    .max_append_size(LARGEST_APPEND);
                let builder = if missing == Missing::Refused {
                    builder.existing_only()
                } else {
                    builder
                };
                let node = builder.start().await.map_err(|error| refused(&error))?;
                let text = node.connection_string();
                (Some(node), text, Some(data.display().to_string()))
            }
            (None, Some(store)) => (None, store.clone(), None),
            (None, None) => {
                return Err(CliError::usage(
                    "say which store: --data DIR or --store CONNECTION STRING",
                ));
            }
        };
        let settings: ClientSettings = text
            .parse()
            .map_err(|error| CliError::usage(format!("--store: {error}")))?;
        let hosts = || {
            settings
                .hosts()
                .iter()
                .map(|host| format!("{}:{}", host.host, host.port))
                .collect::<Vec<_>>()
                .join(",")
        };
        let name = name.unwrap_or_else(|| format!("kurrentdb://{}", hosts()));
        let client = connect(&settings)?;
        Ok(Store {
            node,
            settings,
            client,
            name,
        })
    }
}

fn connect(settings: &ClientSettings) -> Result<Client, CliError> {
    Client::new(settings.clone()).map_err(|error| CliError::usage(format!("--store: {error}")))
}

impl Store {
    pub(super) fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// Does something that may be done twice, again and with a new connection when the store did
    /// not answer.
    pub(super) async fn ask<T, F>(
        &mut self,
        what: &str,
        mut call: impl FnMut(Client) -> F,
    ) -> Result<Result<T, Error>, CliError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut pauses = PAUSES.into_iter();
        loop {
            let problem = match timeout(PATIENCE, call(self.client.clone())).await {
                Ok(Err(error)) if is_silence(&error) => error.to_string(),
                Ok(answer) => return Ok(answer),
                Err(_) => format!("no answer within {PATIENCE:?}"),
            };
            self.again(what, &problem, &mut pauses).await?;
        }
    }

    /// Waits before the next attempt, which has a connection of its own: one that failed may stay
    /// dead.
    pub(super) async fn again(
        &mut self,
        what: &str,
        problem: &str,
        pauses: &mut impl Iterator<Item = Duration>,
    ) -> Result<(), CliError> {
        let Some(pause) = pauses.next() else {
            return Err(CliError::failed(format!(
                "{what}: {} does not answer: {problem}",
                self.name
            )));
        };
        sleep(pause).await;
        self.client = connect(&self.settings)?;
        Ok(())
    }

    /// The position of the newest event. None: there is none.
    pub(super) async fn head(&mut self) -> Result<Option<Position>, CliError> {
        let newest = |client: Client| async move {
            let options = ReadAllOptions::default()
                .position(StreamPosition::End)
                .backwards()
                .max_count(1);
            let mut read = client.read_all(&options).await?;
            Ok(read
                .next()
                .await?
                .map(|event| event.get_original_event().position))
        };
        let answer = self.ask("looking for the newest event", newest).await?;
        answer.map_err(|error| self.failed("the newest event cannot be read", &error))
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(super) fn failed(&self, what: &str, error: &Error) -> CliError {
        let why = if matches!(error, Error::AccessDenied) {
            "access is denied: put a user who may do this into the connection string, as admin:PASSWORD@".to_owned()
        } else {
            error.to_string()
        };
        CliError::failed(format!("{}: {what}: {why}", self.name))
    }

    /// Lets go of it; a data directory is closed in good order.
    pub(super) async fn close(self) {
        drop(self.client);
        if let Some(node) = self.node {
            node.shutdown().await;
        }
    }
}

/// How long each attempt waits for the next one.
pub(super) fn pauses() -> impl Iterator<Item = Duration> {
    PAUSES.into_iter()
}

/// Whether the answer, if there is one, was lost: what was asked for may have been done or not.
pub(super) fn is_silence(error: &Error) -> bool {
    use tonic::Code::{Aborted, Cancelled, ResourceExhausted};
    matches!(
        error,
        Error::ServerError(_)
            | Error::NotLeaderException(_)
            | Error::ConnectionClosed
            | Error::GrpcConnectionError(_)
            | Error::DeadlineExceeded
            | Error::InitializationError(_)
            | Error::Grpc {
                code: Aborted | Cancelled | ResourceExhausted,
                ..
            }
    )
}

/// Whether a position lies behind another: both numbers count.
pub(super) fn is_after(one: Position, other: Option<Position>) -> bool {
    other.is_none_or(|other| (one.commit, one.prepare) > (other.commit, other.prepare))
}

/// How long the next event of a read may take.
pub(super) async fn next_within<T>(
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout(PATIENCE, work)
        .await
        .unwrap_or(Err(Error::DeadlineExceeded))
}
