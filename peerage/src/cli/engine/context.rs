//! What every command carries: who sends it, why, and what makes it that command.

use crate::api::v1;
use clap::Args;
use uuid::Uuid;

/// Where the help lists these arguments.
pub(in crate::cli) const HEADING: &str = "Command";

/// Who sends commands, and why.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Why {
    /// Why, for the audit, like 'the orders team moves to us-east-1'. A network's policy may
    /// require it.
    #[arg(help_heading = HEADING, long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
    /// The ticket that this belongs to, for the audit, like OPS-1234. A network's policy may
    /// require it.
    #[arg(help_heading = HEADING, long, env = "PEERAGE_TICKET", value_name = "TICKET")]
    pub(in crate::cli) ticket: Option<String>,
    /// On whose behalf, for the audit, like ada@example.com. It is recorded as claimed. Default:
    /// USER@HOST of this machine.
    #[arg(help_heading = HEADING, long, env = "PEERAGE_ACTOR", value_name = "NAME")]
    pub(in crate::cli) actor: Option<String>,
}

/// Who sends a command, why, and what makes it that command.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Context {
    #[command(flatten)]
    pub(in crate::cli) why: Why,
    /// The command's own UUID. The same one again asks for the first outcome and changes nothing.
    /// Default: a new one, which is printed.
    #[arg(help_heading = HEADING, long, value_name = "UUID")]
    pub(in crate::cli) command_id: Option<Uuid>,
    /// The revision that the network must have, as `peerage network show` prints it, like 17.
    #[arg(help_heading = HEADING, long, value_name = "N")]
    pub(in crate::cli) expected_revision: Option<u64>,
    /// Decide the command and show its outcome; write nothing.
    #[arg(help_heading = HEADING, long)]
    pub(in crate::cli) validate_only: bool,
}

impl Why {
    /// The message of it, under this command id.
    pub(in crate::cli) fn message(&self, command_id: Uuid) -> v1::CommandContext {
        v1::CommandContext {
            command_id: command_id.to_string(),
            actor: self.actor.clone().unwrap_or_else(whoami),
            reason: self.reason.clone().unwrap_or_default(),
            ticket: self.ticket.clone().unwrap_or_default(),
            expected_revision: None,
        }
    }
}

impl Context {
    /// The message of it, under this command id.
    pub(super) fn message(&self, command_id: Uuid) -> v1::CommandContext {
        v1::CommandContext {
            expected_revision: self.expected_revision,
            ..self.why.message(command_id)
        }
    }
}

/// `user@host`, as far as the environment tells.
fn whoami() -> String {
    let user = std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| "unknown".to_owned());
    let host = std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    match host.as_deref().map(str::trim).filter(|it| !it.is_empty()) {
        Some(host) => format!("{user}@{host}"),
        None => user,
    }
}
