//! `peerage node` without a further word: serves until it is told to stop, by a signal or by a
//! client.

use super::{CliError, refused};
use crate::{
    assembly::{SCAVENGE_EVERY, WRITER_DIED},
    config::Log,
    descriptors::{self, Share},
    storage::check_secret,
    telemetry,
};
use clap::Args;
use embedded::{Advertise, Builder, EmbeddedNode, Stopped};
use std::{net::SocketAddr, path::PathBuf};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen, like 127.0.0.1:2113, localhost:2113 or 0.0.0.0:2113.
    #[arg(long, default_value = "127.0.0.1:2113", value_name = "HOST:PORT")]
    listen: String,
    /// Where clients are told to find it, by address or name, like db1.internal or 10.0.0.7:2113.
    /// Default: where it listens, and 127.0.0.1 where that is everywhere.
    #[arg(long, value_name = "HOST[:PORT]")]
    advertise: Option<Advertise>,
    /// The directory of the events, like ./events. It is made if it is not there.
    #[arg(long, value_name = "DIR", required_unless_present = "memory")]
    data: Option<PathBuf>,
    /// Keep the events in memory only.
    #[arg(long, conflicts_with = "data")]
    memory: bool,
    /// Speak TLS, with this certificate chain (PEM), like node.pem.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate (PEM), like node.key.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Authenticate callers. The file, like users.txt, gives a new store the passwords of its first
    /// two users, a line for each: `admin:PASSWORD` and `ops:PASSWORD`.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Write the links of the system projections: $ce-, $et-, $bc- and $category- streams.
    #[arg(long)]
    system_projections: bool,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), CliError> {
        telemetry::log(&Log::default()).map_err(CliError::usage)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(CliError::failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::failed)?;
        let descriptors = descriptors::raise();
        let listen = resolved(&self.listen).await?;
        let node = self
            .builder(listen)?
            .limits(descriptors::of_store(descriptors, Share::Half))
            .start()
            .await
            .map_err(|error| refused(&error))?;
        let is_tls = self.tls_cert.is_some();
        if self.users.is_some() && !is_tls && !node.address().ip().is_loopback() {
            tracing::warn!(
                "passwords cross the network readable: give it a certificate with --tls-cert and --tls-key"
            );
        }
        let connection_string = node.advertised_connection_string();
        tracing::info!(connection_string, "serving");
        let stopped = tokio::select! {
            _ = terminate.recv() => Stopped::Asked,
            _ = interrupt.recv() => Stopped::Asked,
            stopped = node.stopping() => {
                if stopped == Stopped::Asked {
                    tracing::info!("a client asked for the shutdown");
                }
                stopped
            }
        };
        node.shutdown().await;
        match stopped {
            Stopped::Asked => {
                tracing::info!("stopped");
                Ok(())
            }
            Stopped::WriterDied => Err(CliError::failed(WRITER_DIED)),
            Stopped::PartDied(part) => Err(CliError::failed(format!(
                "{part} has died: the store ended"
            ))),
        }
    }

    fn builder(&self, listen: SocketAddr) -> Result<Builder, CliError> {
        let mut builder = EmbeddedNode::builder()
            .listen(listen)
            .scavenge_every(SCAVENGE_EVERY);
        if let Some(place) = &self.advertise {
            builder = builder.advertise(place.clone());
        }
        if let Some(data) = &self.data {
            builder = builder.data_dir(data).local_backups();
        }
        if let (Some(certificates), Some(key)) = (&self.tls_cert, &self.tls_key) {
            check_secret(key).map_err(|problem| CliError::usage(format!("--tls-key {problem}")))?;
            builder = builder.tls(read("--tls-cert", certificates)?, read("--tls-key", key)?);
        }
        if let Some(users) = &self.users {
            check_secret(users).map_err(|problem| CliError::usage(format!("--users {problem}")))?;
            let passwords = Passwords::parse(&String::from_utf8_lossy(&read("--users", users)?));
            let Passwords { admin, ops } = passwords
                .map_err(|problem| CliError::usage(format!("{}: {problem}", users.display())))?;
            builder = builder.users(admin, ops);
        }
        Ok(if self.system_projections {
            builder.system_projections()
        } else {
            builder
        })
    }
}

/// The address that a name has, an IPv4 one if it has both: that is what clients of this machine
/// are mostly given.
async fn resolved(listen: &str) -> Result<SocketAddr, CliError> {
    let wrong = |why: String| {
        CliError::usage(format!(
            "--listen {listen}: {why}; write HOST:PORT, like 127.0.0.1:2113 or localhost:2113"
        ))
    };
    let found = tokio::net::lookup_host(listen).await;
    let found = found.map_err(|error| wrong(error.to_string()))?;
    let found = found.min_by_key(SocketAddr::is_ipv6);
    found.ok_or_else(|| wrong("the name has no address".to_owned()))
}

fn read(flag: &str, file: &PathBuf) -> Result<Vec<u8>, CliError> {
    std::fs::read(file)
        .map_err(|error| CliError::usage(format!("{flag} {}: {error}", file.display())))
}

/// What a store without users begins with.
#[derive(Debug, PartialEq, Eq)]
struct Passwords {
    admin: String,
    ops: String,
}

impl Passwords {
    fn parse(text: &str) -> Result<Self, String> {
        let (mut admin, mut ops) = (None, None);
        let lines = text
            .lines()
            .enumerate()
            .map(|(place, line)| (place + 1, line.trim()));
        for (place, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let slot = match line.split_once(':') {
                Some(("admin", password)) if !password.is_empty() => (&mut admin, password),
                Some(("ops", password)) if !password.is_empty() => (&mut ops, password),
                Some(_) | None => {
                    return Err(format!(
                        "line {place}: write admin:PASSWORD or ops:PASSWORD; further users are made by a client"
                    ));
                }
            };
            if slot.0.replace(slot.1.to_owned()).is_some() {
                return Err(format!("line {place} names a user again"));
            }
        }
        match (admin, ops) {
            (Some(admin), Some(ops)) => Ok(Self { admin, ops }),
            (None, _) => Err("there is no line admin:PASSWORD".to_owned()),
            (_, None) => Err("there is no line ops:PASSWORD".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_users_names_admin_and_ops_once_each() {
        let good = Passwords::parse("# first\nadmin:a:b c\n\nops:o\n");
        assert_eq!(
            good,
            Ok(Passwords {
                admin: "a:b c".to_owned(),
                ops: "o".to_owned()
            })
        );
        for (text, problem) in [
            ("", "no line admin"),
            ("admin:a", "no line ops"),
            ("admin:a\nops:", "line 2: write"),
            ("admin:a\njane:x\nops:o", "line 2: write"),
            ("admin:a\nops:o\nadmin:b", "line 3 names a user again"),
        ] {
            let found = Passwords::parse(text).unwrap_err();
            assert!(found.contains(problem), "{text:?}: {found}");
        }
    }
}
