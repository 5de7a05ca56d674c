//! `peerage whoami` and `peerage access explain`: who the caller is, and who may do what.

use super::{
    CliError, Remote,
    args::{time_gone, timestamp},
    output::{self, Column::Whole},
    resolve::{self, Named},
};
use crate::api::v1;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(super) struct WhoAmI {
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, Subcommand)]
pub(super) enum Access {
    /// Explain whether a call is allowed, or was at an earlier time.
    Explain(Explain),
}

/// Of oneself everybody may ask, of others an admin of everything.
#[derive(Debug, Args)]
pub(super) struct Explain {
    #[command(flatten)]
    remote: Remote,
    /// The method, like RequestPeering. Default: all of them.
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// The network that it is about: its id, the id's first characters, its name, or PROJECT/NAME,
    /// like orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
    /// The peer's account that it acts for, like 444455556666.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Whose call, like ada@example.com. Default: one's own.
    #[arg(long, value_name = "NAME", requires = "issuer")]
    subject: Option<String>,
    /// Who vouches for the subject, like https://idp.example.com.
    #[arg(long, value_name = "NAME", requires = "subject")]
    issuer: Option<String>,
    /// How the subject is proved: token, mtls or socket.
    #[arg(
        long,
        value_name = "METHOD",
        default_value = "token",
        requires = "subject"
    )]
    by: String,
    /// A group of the subject, like network-team; again, or separated by commas, for more.
    #[arg(
        long = "group",
        value_name = "GROUP",
        value_delimiter = ',',
        requires = "subject"
    )]
    groups: Vec<String>,
    /// Who was allowed to then: how long ago, like 24h, or a time, like 2026-03-01T09:00:00Z.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_gone)]
    at: Option<DateTime<Utc>>,
}

impl WhoAmI {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let told = self
            .remote
            .servers()?
            .read(v1::WhoAmIRequest::default())
            .await?;
        output::message(self.remote.output, &told, who)
    }
}

impl Access {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Explain(explain) => explain.run().await,
        }
    }
}

impl Explain {
    async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network_if_any(&mut servers, self.network.as_ref()).await?;
        let subject = self.subject.map(|subject| v1::AccessSubject {
            method: self.by,
            issuer: self.issuer.unwrap_or_default(),
            subject,
            groups: self.groups,
        });
        let message = v1::ExplainAccessRequest {
            method: self.method.unwrap_or_default(),
            network_id,
            peer_account: self.account.unwrap_or_default(),
            subject,
            at: self.at.map(timestamp),
        };
        let told = servers.read(message).await?;
        output::message(self.remote.output, &told, explained)
    }
}

fn who(it: &v1::WhoAmIResponse) -> String {
    if it.open {
        return "nobody is asked who they are here: anybody may call".to_owned();
    }
    let subject = it.subject.clone().unwrap_or_default();
    output::facts([
        ("subject", subject.subject),
        ("proved by", subject.method),
        ("issuer", subject.issuer),
        ("groups", subject.groups.join(", ")),
        ("expires", output::when(it.expires.as_ref())),
        ("roles", roles(&it.bindings)),
        ("policy", it.policy_hash.clone()),
        ("approval", asked(&it.approvals)),
    ])
}

/// What asks for approval, a line for each rule.
fn asked(rules: &[v1::ApprovalRule]) -> String {
    let line = |it: &v1::ApprovalRule| {
        let networks: Vec<_> = it.projects.iter().chain(&it.networks).cloned().collect();
        let mut text = format!(
            "{} by {}, within {} h",
            output::openings(&it.openings),
            it.approvals,
            it.expires_after_hours
        );
        if !networks.is_empty() {
            text.push_str(&format!(", in {}", networks.join(", ")));
        }
        text
    };
    rules.iter().map(line).collect::<Vec<_>>().join("; ")
}

fn roles(bindings: &[v1::AccessBinding]) -> String {
    let role = |it: &v1::AccessBinding| {
        let networks: Vec<_> = it.projects.iter().chain(&it.networks).cloned().collect();
        let mut text = it.role.clone();
        if !networks.is_empty() {
            text.push_str(&format!(" in {}", networks.join(", ")));
        }
        if !it.peer_accounts.is_empty() {
            text.push_str(&format!(" for {}", it.peer_accounts.join(", ")));
        }
        text
    };
    if bindings.is_empty() {
        return "none".to_owned();
    }
    bindings.iter().map(role).collect::<Vec<_>>().join("; ")
}

fn explained(it: &v1::ExplainAccessResponse) -> String {
    let subject = it.subject.clone().unwrap_or_default();
    let facts = output::facts([
        (
            "subject",
            format!(
                "{} ({} of {})",
                subject.subject, subject.method, subject.issuer
            ),
        ),
        ("roles", roles(&it.bindings)),
        ("policy", it.policy_hash.clone()),
        ("approval", asked(&it.approvals)),
        ("in force since", output::when(it.policy_since.as_ref())),
        ("server", it.host.clone()),
        ("DIFFERENT", it.others.join("; ")),
    ]);
    let rows = it.verdicts.iter().map(|it| {
        let verdict = if it.allowed { "yes" } else { "no" };
        let approvals = match it.approvals {
            0 => "-".to_owned(),
            many => many.to_string(),
        };
        let method = it.method.clone();
        [method, verdict.to_owned(), approvals, it.why.clone()]
    });
    let columns = [
        Whole("method"),
        Whole("allowed"),
        Whole("approvals"),
        Whole("why"),
    ];
    format!("{facts}\n\n{}", output::table(columns, rows))
}
