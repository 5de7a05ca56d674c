//! What a journal is told when it is opened.

use kurrentdb::ClientSettings;
use std::time::Duration;
use thiserror::Error;

/// How to reach the store, and the limits.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// `kurrentdb://…`, as the official clients take it.
    pub connection_string: String,
    /// How long a command or a load may take in all, retries included.
    pub command_deadline: Duration,
    /// How much memory folded networks and the receipts of their commands may take, roughly.
    pub cached_bytes: u64,
    /// After so many events of a network its fold is stored as a snapshot; 0: never.
    pub snapshot_every: u64,
    /// How often a command is decided again because somebody else wrote first.
    pub contention_attempts: u32,
    /// How many signals a follower holds for a reader that is behind.
    pub follow_buffer: usize,
    /// How long a follower waits for such a reader before it hangs up and resumes later.
    pub follow_stall: Duration,
    /// The longest pause between two attempts of a follower to reach the store.
    pub follow_backoff: Duration,
    /// How long a follower that was let in before is denied access without a word before it ends:
    /// a node that is catching up denies what it does not know yet.
    pub denied_patience: Duration,
    /// How often a follower's connection is probed, and how long it may stay silent then. `None`:
    /// what the connection string says.
    pub follow_keep_alive: Option<Duration>,
}

impl JournalSettings {
    /// The defaults, for this store.
    pub fn new(connection_string: impl Into<String>) -> Self {
        Self {
            connection_string: connection_string.into(),
            command_deadline: Duration::from_secs(5),
            cached_bytes: 256 << 20,
            snapshot_every: 1_000,
            contention_attempts: 10,
            follow_buffer: 2_048,
            follow_stall: Duration::from_secs(30),
            follow_backoff: Duration::from_secs(5),
            denied_patience: Duration::from_secs(300),
            follow_keep_alive: None,
        }
    }
}

/// Why a journal cannot be opened. Nothing has been dialled by then.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It cannot be parsed, or asks for what is not supported.
    #[error("the connection string is not usable: {problem}")]
    ConnectionString {
        /// Why, in words.
        problem: String,
    },
    /// A certificate or key cannot be used.
    #[error("the TLS settings of the connection string are not usable: {what}")]
    Tls {
        /// Which setting.
        what: String,
        /// As the transport or the store gave it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Parses the connection string, and refuses what the client would later panic or go silent on.
pub(crate) fn parse(connection_string: &str) -> Result<ClientSettings, OpenError> {
    let refused = |problem: &str| OpenError::ConnectionString {
        problem: problem.to_owned(),
    };
    let settings: ClientSettings =
        connection_string
            .parse()
            .map_err(|error: kurrentdb::ClientSettingsParseError| {
                let problem = error.error().map_or_else(
                    || error.message().to_owned(),
                    |cause| format!("{cause}; use kurrentdb://host:port"),
                );
                let problem = problem + hint(connection_string);
                OpenError::ConnectionString { problem }
            })?;
    if settings.max_discover_attempts() < 2 {
        return Err(refused(
            "maxDiscoverAttempts must be 2 or more; with 1 the client never connects",
        ));
    }
    if crate::transport::Hidden::of(&settings)?.never_ends() {
        return Err(refused(
            "defaultDeadline must not be -1; leave it out, every call has a deadline here",
        ));
    }
    Ok(settings)
}

/// What is most likely wrong with a string that cannot be parsed.
fn hint(connection_string: &str) -> &'static str {
    let (_, rest) = connection_string.split_once("://").unwrap_or_default();
    let named = rest.split(['?']).next().unwrap_or_default();
    if named.matches('[').count() > 1 {
        return "; of IPv6 addresses there can be one: give several nodes by their names";
    }
    let is_cut = |it: &str| it.contains(['/', '@', '#']);
    match named.rsplit_once('@') {
        Some((user, _)) if is_cut(user) => {
            "; percent-encode what a user name or password has of @ : / ? # %, like %40 for @"
        }
        Some(_) | None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_that_the_client_would_choke_on_is_refused_at_once() {
        let problem = |text: &str| match parse(text) {
            Ok(_) => panic!("{text} was accepted"),
            Err(error) => error.to_string(),
        };
        assert!(problem("postgres://localhost").contains("scheme"));
        assert!(problem("kurrentdb://").contains("not usable"));
        assert!(
            problem("kurrentdb://localhost:2113?maxDiscoverAttempts=1")
                .contains("maxDiscoverAttempts")
        );
        assert!(
            problem("kurrentdb://localhost:2113?defaultDeadline=-1").contains("defaultDeadline")
        );
    }

    #[test]
    fn several_ipv6_addresses_and_a_password_that_is_not_encoded_are_refused_with_what_to_do() {
        let problem = |text: &str| match parse(text) {
            Ok(it) => panic!("{text} was accepted: {it:?}"),
            Err(error) => error.to_string(),
        };
        let several = problem("kurrentdb://[::1]:2113,[::1]:2114?tls=false");
        assert!(several.contains("by their names"), "{several}");
        let raw = problem("kurrentdb://ops:se/c@ret@localhost:2113");
        assert!(raw.contains("%40"), "{raw}");
        let one = parse("kurrentdb://[::1]:2113?tls=false");
        assert_eq!(one.map(|it| it.hosts().len()).ok(), Some(1));
    }

    #[test]
    fn a_node_and_a_cluster_are_accepted() {
        assert_eq!(
            parse("kurrentdb://127.0.0.1:2113?tls=false")
                .map(|it| it.hosts().len())
                .ok(),
            Some(1)
        );
        assert_eq!(
            parse("esdb://a:1,b:2,c:3?tls=false")
                .map(|it| it.hosts().len())
                .ok(),
            Some(3)
        );
    }
}
