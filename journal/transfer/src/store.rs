//! One end of a transfer: a store behind a connection string, asked again while it is silent.

use crate::TransferError;
use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use kurrentdb::{
    Client, ClientSettings, Credentials, Error, Position, ReadAllOptions, StreamPosition,
};
use percent_encoding::percent_decode;
use std::fmt;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long one call may take, or the next event of a read.
const PATIENCE: Duration = Duration::from_secs(30);

/// A store that is connected to.
pub struct Store {
    settings: ClientSettings,
    client: Client,
    user: Option<Credentials>,
    name: String,
}

impl fmt::Debug for Store {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings hold a password.
        to.debug_struct("Store")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Makes a client. It connects when it is first used.
    ///
    /// # Errors
    /// [`TransferError::Settings`].
    pub fn connect(settings: ClientSettings) -> Result<Self, TransferError> {
        let hosts: Vec<String> = settings
            .hosts()
            .iter()
            .map(|host| format!("{}:{}", host.host, host.port))
            .collect();
        Ok(Self {
            client: client(&settings)?,
            user: user(&settings),
            settings,
            name: format!("kurrentdb://{}", hosts.join(",")),
        })
    }

    /// The same under another name in texts and in the header of an export.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }

    /// How it is called in texts: without a password.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The client's settings, for calls that are no part of a transfer.
    #[must_use]
    pub fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// In whose name calls are made, where the settings name somebody.
    pub(crate) fn user(&self) -> Option<Credentials> {
        self.user.clone()
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Does something that may be done twice, again and with a new connection when the store did
    /// not answer.
    pub(crate) async fn ask<T, F>(
        &mut self,
        what: &str,
        mut call: impl FnMut(Client) -> F,
    ) -> Result<Result<T, Error>, TransferError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut pauses = pauses();
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
    pub(crate) async fn again(
        &mut self,
        what: &str,
        problem: &str,
        pauses: &mut impl Iterator<Item = Duration>,
    ) -> Result<(), TransferError> {
        let Some(pause) = pauses.next() else {
            return Err(TransferError::Silent {
                what: what.to_owned(),
                store: self.name.clone(),
                problem: problem.to_owned(),
            });
        };
        sleep(pause).await;
        self.client = client(&self.settings)?;
        Ok(())
    }

    /// The position of the newest event. None: there is none.
    pub(crate) async fn head(&mut self) -> Result<Option<Position>, TransferError> {
        let user = self.user();
        let newest = |client: Client| {
            let user = user.clone();
            async move {
                let mut options = ReadAllOptions::default()
                    .position(StreamPosition::End)
                    .backwards()
                    .max_count(1);
                if let Some(user) = user {
                    options = options.authenticated(user);
                }
                let mut read = client.read_all(&options).await?;
                Ok(read
                    .next()
                    .await?
                    .map(|event| event.get_original_event().position))
            }
        };
        let answer = self.ask("looking for the newest event", newest).await?;
        answer.map_err(|error| self.refused("the newest event cannot be read", &error))
    }

    /// What an answer of the store means that is none of those that were hoped for.
    #[must_use]
    pub fn refused(&self, what: &str, error: &Error) -> TransferError {
        let (store, what) = (self.name.clone(), what.to_owned());
        if matches!(error, Error::AccessDenied) {
            return TransferError::Denied { store, what };
        }
        TransferError::Refused {
            store,
            what,
            why: error.to_string(),
        }
    }
}

fn client(settings: &ClientSettings) -> Result<Client, TransferError> {
    Client::new(settings.clone()).map_err(|error| TransferError::Settings(error.to_string()))
}

/// The user of the settings. The client has both parts as they stand in the URL, where whatever has
/// a meaning is percent-encoded.
fn user(settings: &ClientSettings) -> Option<Credentials> {
    let named = serde_json::to_value(settings.default_authenticated_user()).ok()?;
    let part = |name: &str| -> Option<Bytes> {
        let part: Vec<u8> = serde_json::from_value(named.get(name)?.clone()).ok()?;
        Some(percent_decode(&part).collect::<Vec<_>>().into())
    };
    Some(Credentials::new(part("login")?, part("password")?))
}

/// A store that does not answer is tried again after these pauses, half a minute in all. After an
/// answer it has all of them again.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_factor(2.4)
        .with_max_delay(Duration::from_secs(15))
        .with_max_times(6)
        .build()
}

/// Whether the answer, if there is one, was lost: what was asked for may have been done or not.
pub(crate) fn is_silence(error: &Error) -> bool {
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
pub(crate) fn is_after(one: Position, other: Option<Position>) -> bool {
    other.is_none_or(|other| (one.commit, one.prepare) > (other.commit, other.prepare))
}

/// How long the next event of a read may take.
pub(crate) async fn next_within<T>(
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout(PATIENCE, work)
        .await
        .unwrap_or(Err(Error::DeadlineExceeded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_store_is_asked_seven_times_within_half_a_minute() {
        let pauses: Vec<Duration> = pauses().collect();
        assert_eq!(pauses.len(), 6);
        assert!(pauses.is_sorted(), "{pauses:?}");
        let whole: Duration = pauses.iter().sum();
        assert!((20..=30).contains(&whole.as_secs()), "{pauses:?}");
    }

    #[test]
    fn whatever_has_a_meaning_in_the_string_stands_in_a_password_percent_encoded() {
        let settings = |text: &str| -> ClientSettings { text.parse().expect("settings") };
        let named = user(&settings(
            "kurrentdb://ops:a%40b%2Fc%C3%A9@db:2113?tls=false",
        ));
        assert_eq!(named, Some(Credentials::new("ops", "a@b/c\u{e9}")));
        assert_eq!(user(&settings("kurrentdb://db:2113?tls=false")), None);
    }
}
