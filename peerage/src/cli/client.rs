//! How the command line talks to a running engine, and to the person in front of it.

use super::{CliError, Output, hint};
use crate::api::v0::{
    CommandContext, Peering, audit_service_client::AuditServiceClient,
    network_service_client::NetworkServiceClient,
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::Args;
use std::time::Duration;
use tonic::{Code, Request, Status, transport::Channel};
use tonic_types::StatusExt;
use uuid::Uuid;

/// Where the engine is and how to print its answers.
#[derive(Clone, Debug, Args)]
pub struct Remote {
    /// The engine's API.
    #[arg(
        long,
        env = "PEERAGE_SERVER",
        default_value = "http://127.0.0.1:2114",
        value_name = "URL"
    )]
    pub server: String,
    /// How to print.
    #[arg(long, short, env = "PEERAGE_OUTPUT", default_value = "table")]
    pub output: Output,
}

/// What every command carries.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Context {
    /// The command's own UUID; the same one again asks for the first answer. Default: a new one.
    #[arg(long, value_name = "UUID")]
    pub(super) command_id: Option<Uuid>,
    /// On whose behalf, for the audit.
    #[arg(long, env = "PEERAGE_ACTOR", value_name = "NAME")]
    pub(super) actor: Option<String>,
    /// The revision that the network must be at.
    #[arg(long, value_name = "N")]
    pub(super) expected_revision: Option<u64>,
}

impl Context {
    /// The message of it.
    pub(super) fn message(&self) -> CommandContext {
        CommandContext {
            command_id: self.command_id.unwrap_or_else(Uuid::new_v4).to_string(),
            actor: self.actor.clone().unwrap_or_else(whoami),
            expected_revision: self.expected_revision,
        }
    }
}

/// A command about one peering.
#[derive(Debug, Args)]
pub(super) struct About {
    #[command(flatten)]
    pub(super) remote: Remote,
    #[command(flatten)]
    pub(super) context: Context,
    pub(super) peering: Uuid,
}

impl About {
    /// A client, and the peering: commands about one need to know its network.
    pub(super) async fn open(&self) -> Result<(NetworkServiceClient<Channel>, Peering), CliError> {
        let mut networks = self.remote.networks().await?;
        let peering = peering(&mut networks, self.peering, String::new()).await?;
        Ok((networks, peering))
    }
}

/// A time to come, given as such (RFC 3339) or by how far off it is (like 72h), as the API takes
/// it.
pub(super) fn time_to_come(text: &str) -> Result<String, String> {
    let time = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc(),
        Err(_) => humantime_serde::re::humantime::parse_duration(text)
            .ok()
            .and_then(|it| Utc::now().checked_add_signed(TimeDelta::from_std(it).ok()?))
            .ok_or("write a duration like 72h or 30d, or a time like 2026-03-01T09:00:00Z")?,
    };
    Ok(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// `user@host`, as far as the environment tells.
fn whoami() -> String {
    let user = std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| "somebody".to_owned());
    let host = std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    match host.as_deref().map(str::trim).filter(|it| !it.is_empty()) {
        Some(host) => format!("{user}@{host}"),
        None => user,
    }
}

/// How long one call may take.
const DEADLINE: Duration = Duration::from_secs(20);

impl Remote {
    pub async fn connect(&self) -> Result<Channel, CliError> {
        let endpoint = Channel::from_shared(self.server.clone())
            .map_err(|error| CliError::usage(format!("--server {}: {error}", self.server)))?;
        endpoint.connect_timeout(Duration::from_secs(5)).tcp_nodelay(true).connect().await.map_err(|_| {
            CliError::failed(format!("no engine answers at {}; start one with `peerage serve`, or name another with --server", self.server))
        })
    }

    pub async fn networks(&self) -> Result<NetworkServiceClient<Channel>, CliError> {
        self.connect().await.map(NetworkServiceClient::new)
    }

    pub async fn audit(&self) -> Result<AuditServiceClient<Channel>, CliError> {
        self.connect().await.map(AuditServiceClient::new)
    }
}

/// A request with the command line's deadline.
pub(super) fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

/// The engine's refusal as a text: its reason, what it says, and each wrong field on a line of its
/// own.
pub(super) fn refused(status: Status) -> CliError {
    let violations = status
        .get_details_bad_request()
        .map(|it| it.field_violations)
        .unwrap_or_default();
    if !violations.is_empty() {
        let lines: Vec<_> = violations
            .iter()
            .map(|it| format!("{}: {}", it.field, it.description))
            .collect();
        return CliError::failed(lines.join("\n"));
    }
    let reason = status.get_details_error_info().map(|it| it.reason);
    match (reason, status.code()) {
        (Some(reason), _) => {
            CliError::failed(format!("{} [{reason}]", status.message())).with_hint(hint(&reason))
        }
        (None, Code::DeadlineExceeded | Code::Cancelled) => CliError::failed(
            "the engine did not answer in time; the command may have been carried out",
        ),
        (None, code) => CliError::failed(format!("{} [{code:?}]", status.message())),
    }
}

/// A peering by its id; commands about one need to know its network.
pub(super) async fn peering(
    networks: &mut NetworkServiceClient<Channel>,
    id: Uuid,
    min_position: String,
) -> Result<Peering, CliError> {
    let message = crate::api::v0::GetPeeringRequest {
        peering_id: id.to_string(),
        min_position,
    };
    networks
        .get_peering(request(message))
        .await
        .map(tonic::Response::into_inner)
        .map_err(refused)
}
