//! `peerage audit review`: what is open by somebody's decision, and what a review says of it.

use crate::{
    api::v1::{self, confirm_opening_request::Opening},
    cli::{
        CliError, Remote,
        args::admitted,
        output,
        peering::{Subject, get},
        resolve::{self, Named},
    },
};
use clap::{Args, Subcommand};
use humantime_serde::re::humantime;
use std::time::Duration;

/// How long a confirmation is good for: standards ask for a look every half year.
const HALF_A_YEAR: Duration = Duration::from_secs(180 * 24 * 3600);

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Review {
    #[command(subcommand)]
    verdict: Option<Verdict>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Verdict {
    /// Confirm that it is still needed: the peering itself, a source that it admits, or a connector
    /// ingress.
    Confirm(Confirm),
    /// Close it: remove the peering, admit the source no longer, or revoke the connector ingress.
    Close(Close),
}

/// What is open.
#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    remote: Remote,
    /// Only this network's: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
    /// Only this peering's: its id, the id's first characters, its link's id, the peer's network,
    /// or ACCOUNT/NETWORK.
    #[arg(long, value_name = "PEERING")]
    peering: Option<Named>,
    /// Only what was neither opened nor confirmed for so long, like 180d.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Only what is due for the half-yearly review: the same as --older-than 180d.
    #[arg(long, conflicts_with = "older_than")]
    due: bool,
}

#[derive(Debug, Args)]
struct Confirm {
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
#[command(mut_arg("reason", |it| it.required(true)))]
struct Close {
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    which: Which,
}

/// Which opening of the peering; without one, the peering itself.
#[derive(Debug, Args)]
struct Which {
    /// A source that the private network admits, like 10.30.0.0/16:2113. Default: the peering
    /// itself.
    #[arg(long, value_name = "SOURCE[:PORT]", value_parser = admitted, conflicts_with = "ingress")]
    admit: Option<v1::InboundRule>,
    /// A connector ingress: its id, the id's first characters, or TARGET:PORT, like
    /// 10.30.7.0/24:5432.
    #[arg(long, value_name = "INGRESS")]
    ingress: Option<Named>,
}

impl Review {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self.verdict {
            Some(Verdict::Confirm(confirm)) => confirm.run().await,
            Some(Verdict::Close(close)) => close.run().await,
            None => self.list.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network_if_any(&mut servers, self.network.as_ref()).await?;
        let peering_id = resolve::peering_if_any(&mut servers, self.peering.as_ref()).await?;
        let age = self.older_than.or(self.due.then_some(HALF_A_YEAR));
        let message = v1::ListOpeningsRequest {
            network_id,
            peering_id,
            unconfirmed_for: age.map(|it| prost_types::Duration {
                seconds: i64::try_from(it.as_secs()).unwrap_or(i64::MAX),
                nanos: 0,
            }),
            ..Default::default()
        };
        let openings = servers.list(message, usize::MAX).await?;
        output::messages(self.remote.output, &openings, output::reviewed)
    }
}

impl Confirm {
    async fn run(self) -> Result<(), CliError> {
        let (mut servers, peering_id) = self.subject.open().await?;
        let opening = match (self.which.admit, &self.which.ingress) {
            (Some(rule), _) => Some(Opening::Rule(rule)),
            (None, Some(named)) => {
                let id = resolve::ingress(&mut servers, &peering_id, named).await?;
                Some(Opening::IngressId(id))
            }
            (None, None) => None,
        };
        let message = v1::ConfirmOpeningRequest {
            peering_id,
            opening,
            ..Default::default()
        };
        let done = servers.command(message, &self.subject.context).await?;
        output::command(self.subject.remote.output, &done)
    }
}

impl Close {
    async fn run(self) -> Result<(), CliError> {
        let (mut servers, peering_id) = self.subject.open().await?;
        let context = &self.subject.context;
        let done = match (&self.which.admit, &self.which.ingress) {
            (Some(rule), _) => {
                let shown = get(&mut servers, peering_id.clone()).await?;
                let message = without(&shown, rule, peering_id)?;
                servers.command(message, context).await?
            }
            (None, Some(named)) => {
                let ingress_id = resolve::ingress(&mut servers, &peering_id, named).await?;
                let message = v1::RevokeConnectorIngressRequest {
                    peering_id,
                    ingress_id,
                    ..Default::default()
                };
                servers.command(message, context).await?
            }
            (None, None) => {
                let message = v1::RemovePeeringRequest {
                    peering_id,
                    ..Default::default()
                };
                servers.command(message, context).await?
            }
        };
        output::command(self.subject.remote.output, &done)
    }
}

/// The private network admits all that it did, but this.
fn without(
    shown: &v1::GetPeeringResponse,
    rule: &v1::InboundRule,
    peering_id: String,
) -> Result<v1::RestrictFirewallRequest, CliError> {
    let sides = shown.peering.as_ref().map(|it| it.firewall.as_slice());
    let local = sides
        .unwrap_or_default()
        .iter()
        .find(|it| it.side() == v1::Side::Local);
    let admitted = local.map(|it| it.admit.clone()).unwrap_or_default();
    let is_it = |it: &v1::InboundRule| it.source == rule.source && it.port == rule.port;
    if !admitted.iter().any(is_it) {
        let text = format!("{}:{} is not admitted", rule.source, rule.port);
        return Err(CliError::failed(text));
    }
    Ok(v1::RestrictFirewallRequest {
        peering_id,
        side: v1::Side::Local.into(),
        admit: admitted
            .into_iter()
            .filter(|it| !is_it(it))
            .map(|it| v1::InboundRule {
                target: String::new(),
                ..it
            })
            .collect(),
        ..Default::default()
    })
}
