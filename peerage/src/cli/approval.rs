//! `peerage pending`, `approve`, `reject` and `withdraw`: commands that wait for several people.

use super::{
    CliError, Remote,
    engine::{Servers, Why},
    output,
    resolve::{self, Named},
    terminal,
};
use crate::api::v1;
use clap::Args;
use uuid::Uuid;

#[derive(Debug, Args)]
pub(super) struct Pending {
    #[command(flatten)]
    remote: Remote,
    /// The request to show: its id, or the id's first characters, like 3f0c6a3e. Default: all that
    /// wait are listed.
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Only of this network: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
}

/// An approval is of the plan that is shown: where that has changed, it is shown again.
#[derive(Debug, Args)]
pub(super) struct Approve {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    why: Why,
    /// The request: its id, or the id's first characters, like 3f0c6a3e.
    #[arg(value_name = "ID")]
    id: String,
    /// The plan that is approved, by its hash as `peerage pending ID` shows it, like
    /// 0123456789abcdef0123456789abcdef. Default: the one that is shown now.
    #[arg(long, value_name = "HASH")]
    plan: Option<String>,
    /// Approve without being asked.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Reject {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    why: Why,
    /// The request: its id, or the id's first characters, like 3f0c6a3e.
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct Withdraw {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    why: Why,
    /// The request: its id, or the id's first characters, like 3f0c6a3e.
    #[arg(value_name = "ID")]
    id: String,
}

impl Pending {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        if let Some(id) = &self.id {
            let shown = get(&mut servers, id).await?;
            return output::message(self.remote.output, &shown, output::approval);
        }
        let network_id = resolve::network_if_any(&mut servers, self.network.as_ref()).await?;
        let message = v1::ListApprovalsRequest {
            network_id,
            ..Default::default()
        };
        let waiting = servers.list(message, usize::MAX).await?;
        output::messages(self.remote.output, &waiting, output::approvals)
    }
}

impl Approve {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let shown = get(&mut servers, &self.id).await?;
        if !self.yes {
            terminal::note(&output::approval(&shown));
            terminal::confirm("Approve this?")?;
        }
        let message = v1::ApproveCommandRequest {
            context: Some(self.why.message(Uuid::new_v4())),
            approval_id: shown.approval_id,
            plan_hash: self.plan.unwrap_or(shown.plan_hash),
        };
        let answer = servers.read(message).await?.approval.unwrap_or_default();
        output::message(self.remote.output, &answer, output::approval)?;
        match answer.state() {
            v1::ApprovalState::Refused => Err(CliError::failed(format!(
                "approved, and refused when it was carried out: {} [{}]",
                answer.refusal_message, answer.refusal
            ))),
            v1::ApprovalState::Pending | v1::ApprovalState::Granted => Err(CliError::waiting()),
            v1::ApprovalState::CarriedOut
            | v1::ApprovalState::Rejected
            | v1::ApprovalState::Withdrawn
            | v1::ApprovalState::Expired
            | v1::ApprovalState::Unspecified => Ok(()),
        }
    }
}

impl Reject {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let message = v1::RejectCommandRequest {
            context: Some(self.why.message(Uuid::new_v4())),
            approval_id: id_of(&mut servers, &self.id).await?,
        };
        let answer = servers.read(message).await?.approval.unwrap_or_default();
        output::message(self.remote.output, &answer, output::approval)
    }
}

impl Withdraw {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let message = v1::WithdrawCommandRequest {
            context: Some(self.why.message(Uuid::new_v4())),
            approval_id: id_of(&mut servers, &self.id).await?,
        };
        let answer = servers.read(message).await?.approval.unwrap_or_default();
        output::message(self.remote.output, &answer, output::approval)
    }
}

async fn get(servers: &mut Servers, id: &str) -> Result<v1::Approval, CliError> {
    let approval_id = id_of(servers, id).await?;
    let answer = servers.read(v1::GetApprovalRequest { approval_id }).await?;
    Ok(answer.approval.unwrap_or_default())
}

/// The id that begins like this, among those that wait. A whole one is taken as it is.
async fn id_of(servers: &mut Servers, text: &str) -> Result<String, CliError> {
    if let Ok(id) = Uuid::parse_str(text) {
        return Ok(id.to_string());
    }
    let all = servers
        .list(v1::ListApprovalsRequest::default(), usize::MAX)
        .await?;
    let text = text.to_ascii_lowercase();
    let mut found = all
        .into_iter()
        .filter(|it| it.approval_id.starts_with(&text));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.approval_id),
        (None, _) => Err(CliError::failed(format!(
            "no command that waits for approval has an id that begins with {text}"
        ))
        .with_hint(Some("`peerage pending` lists those that wait"))),
        (Some(_), Some(_)) => Err(CliError::failed(format!(
            "several commands that wait for approval have an id that begins with {text}; write more of it"
        ))),
    }
}
