//! `peerage connector create` and `reconfigure`.

use super::{Subject, settings};
use crate::{api::v1, cli::CliError};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(in crate::cli) struct Create {
    #[command(flatten)]
    subject: Subject,
    /// What people call it, like 'to the auditors'. Default: its id.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    webhook: settings::Webhook,
    /// Start it at once.
    #[arg(long)]
    start: bool,
}

/// What is shown of a connector with --output json can be sent again: a secret of which only
/// {"value": null} is shown stays as it is.
#[derive(Debug, Args)]
pub(in crate::cli) struct Reconfigure {
    #[command(flatten)]
    subject: Subject,
    /// All settings, from a TOML or JSON file, like webhook.toml; docs/webhooks.md lists them.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

impl Create {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (configuration, secret) = self.webhook.settings()?;
        let mut servers = self.subject.remote.servers()?;
        let connector_id = self.subject.connector.clone();
        let message = v1::CreateConnectorRequest {
            connector_id: connector_id.clone(),
            name: self.name.unwrap_or_default(),
            configuration: Some(configuration),
            ..Default::default()
        };
        self.subject.tell(&mut servers, message).await?;
        if self.subject.context.validate_only {
            return Ok(());
        }
        settings::tell_secret(secret.as_ref());
        if self.start {
            let message = v1::StartConnectorRequest {
                connector_id,
                ..Default::default()
            };
            let mut context = self.subject.context.clone();
            (context.command_id, context.expected_revision) = (None, None);
            let done = servers.command(message, &context).await?;
            crate::cli::output::command(self.subject.remote.output, &done)?;
        }
        Ok(())
    }
}

impl Reconfigure {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let configuration = settings::read(&self.file)?;
        self.subject
            .send(|connector_id| v1::ReconfigureConnectorRequest {
                connector_id,
                configuration: Some(configuration),
                ..Default::default()
            })
            .await
    }
}
