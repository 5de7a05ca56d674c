//! `peerage witness`: sees that logs do nothing but grow, and cosigns what they sign.

use super::{CliError, audit, terminal};
use crate::{config::Log, note_keys, telemetry};
use ::witness::{State, StateError, serve};
use chrono::Utc;
use clap::Args;
use std::{net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use tree::{Purpose, VerifierKey};

/// It speaks C2SP's tlog-witness over HTTP. Run it elsewhere than the log, by others than those who
/// run that: its word is worth what they do not have in common.
#[derive(Debug, Args)]
pub(super) struct Witness {
    /// Where it listens, like 127.0.0.1:2120. TLS is the business of what stands before it; what it
    /// signs needs none.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2120")]
    listen: SocketAddr,
    /// Its key file, made with `peerage audit key new --for witness`, like
    /// /etc/peerage/witness.key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file of what it has seen, like /var/lib/peerage/witness.json. It is made at the first
    /// start; without it a witness would believe another history.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// A log that it watches, by its public key, like
    /// example.com/log+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k; again for more.
    #[arg(long = "log", value_name = "KEY", required = true)]
    logs: Vec<VerifierKey>,
}

impl Witness {
    pub(super) async fn run(self) -> Result<(), CliError> {
        if self.logs.iter().any(|it| it.purpose() != Purpose::Log) {
            return Err(CliError::usage(
                "--log takes keys of logs, and one of these is a witness's",
            ));
        }
        telemetry::log(&Log::default()).map_err(CliError::usage)?;
        let keys = note_keys::load(&self.key, Purpose::Witness).map_err(audit::refused)?;
        let state = State::open(&self.state).map_err(|error| {
            let text = domain::error_chain(&error);
            match error {
                StateError::InUse(_) | StateError::Io { .. } => CliError::usage(text),
                StateError::Damaged { .. } => CliError::failed(text),
            }
        })?;
        let listener = TcpListener::bind(self.listen).await;
        let listener = listener.map_err(|error| {
            CliError::usage(format!("cannot listen on {}: {error}", self.listen))
        })?;
        let address = listener.local_addr().map_err(CliError::failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(CliError::failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::failed)?;
        for key in keys.keys() {
            terminal::line(&format!("witness {} on http://{address}", key.public()))?;
        }
        let witness = ::witness::Witness::new(keys, self.logs, state, Arc::new(Utc::now));
        let stop = CancellationToken::new();
        let serving = serve(listener, witness, stop.clone());
        tokio::pin!(serving);
        tokio::select! {
            served = &mut serving => return served.map_err(lost),
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
        serving.await.map_err(lost)
    }
}

fn lost(error: std::io::Error) -> CliError {
    CliError::failed(format!("the witness's listener has died: {error}"))
}
