//! `peerage connector rotate-key` and `key-file`.

use super::Subject;
use crate::{
    api::v1,
    cli::{CliError, terminal},
};
use aws_lc_rs::rand::SystemRandom;
use clap::{Args, Subcommand, ValueEnum};
use connectors::{SigningKey, secrets::MasterKeys};
use prost_types::Duration;
use secrecy::ExposeSecret as _;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scheme {
    /// A secret that both ends have (HMAC-SHA256).
    V1,
    /// A pair of keys, of which the receiver has the public one (ed25519).
    V1a,
}

/// The key is made here and printed once: of v1 the secret, of v1a the public key.
#[derive(Debug, Args)]
pub(in crate::cli) struct RotateKey {
    #[command(flatten)]
    subject: Subject,
    /// The scheme, like v1.
    #[arg(long, value_enum, default_value = "v1", value_name = "SCHEME")]
    scheme: Scheme,
    /// How long the present keys of that scheme sign beside it, 7 days at most, like 24h.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = humantime_serde::re::humantime::parse_duration)]
    grace: std::time::Duration,
}

/// The engine reads its key file at its start: rotate the file at every server, start them anew,
/// have every connector sealed anew with `connector reseal`, then retire the old key.
#[derive(Debug, Args)]
pub(in crate::cli) struct KeyFile {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a master key, which seals from the engine's next start on. The others still open.
    Rotate(One),
    /// Take a master key away that seals nothing any more.
    Retire(One),
}

#[derive(Debug, Args)]
struct One {
    /// The key file, like /etc/peerage/secrets.key.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The key's id, like 2027-01.
    #[arg(value_name = "ID")]
    id: String,
}

impl RotateKey {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let random = SystemRandom::new();
        let (scheme, key) = match self.scheme {
            Scheme::V1 => (
                v1::SigningScheme::V1,
                SigningKey::generate_secret(&random).map_err(CliError::failed)?,
            ),
            Scheme::V1a => (
                v1::SigningScheme::V1a,
                SigningKey::generate_private_key(&random).map_err(CliError::failed)?,
            ),
        };
        let public = SigningKey::parse(&key)
            .map_err(CliError::failed)?
            .public_key();
        let is_tried = self.subject.context.validate_only;
        let grace = Duration {
            seconds: i64::try_from(self.grace.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(self.grace.subsec_nanos()).unwrap_or_default(),
        };
        let secret = key.expose_secret().to_owned();
        let told = public.unwrap_or_else(|| secret.clone());
        self.subject
            .send(|connector_id| v1::RotateSigningKeyRequest {
                connector_id,
                scheme: scheme.into(),
                key: secret,
                grace: Some(grace),
                ..Default::default()
            })
            .await?;
        if !is_tried {
            terminal::note(&format!(
                "the receiver verifies deliveries with this key; it is shown this once:\n{told}"
            ));
        }
        Ok(())
    }
}

impl KeyFile {
    pub(super) fn run(self) -> Result<(), CliError> {
        let (one, is_new) = match &self.action {
            Action::Rotate(one) => (one, true),
            Action::Retire(one) => (one, false),
        };
        let mut keys = MasterKeys::load(&one.file).map_err(CliError::failed)?;
        let done = if is_new {
            keys.rotate(&one.file, &one.id, &SystemRandom::new())
        } else {
            keys.retire(&one.file, &one.id)
        };
        done.map_err(CliError::failed)?;
        let ids: Vec<_> = keys.ids().collect();
        terminal::line(&format!("keys, the sealing one first: {}", ids.join(", ")))
    }
}
