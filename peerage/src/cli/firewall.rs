//! `peerage firewall …`.

use super::{
    CliError, Remote, Side,
    client::{About, refused, request, time_to_come},
    output,
};
use crate::api::v0 as v1;
use clap::{Args, Subcommand};
use uuid::Uuid;

/// Where KurrentDB listens for clients.
const KURRENTDB: u32 = 2113;

#[derive(Debug, Subcommand)]
pub(super) enum Firewall {
    /// Replace what a side admits from the link.
    Restrict(Restrict),
    /// Let the private network reach a target behind the peer, for a connector's sake.
    Allow(Allow),
    /// Close such an exception.
    Revoke(Revoke),
    /// List somebody else's rules that let the private network in.
    Exposures(Exposures),
}

#[derive(Debug, Args)]
pub(super) struct Restrict {
    #[command(flatten)]
    about: About,
    /// The side that admits.
    #[arg(long, default_value = "local")]
    side: Side,
    /// A range of the peer that may reach TCP 2113, or another port, as 10.30.0.0/16:2113; again
    /// for more.
    #[arg(long = "admit", value_name = "RANGE[:PORT]", required_unless_present = "deny_all", value_parser = admitted)]
    admit: Vec<(String, u32)>,
    /// Admit nothing.
    #[arg(long, conflicts_with = "admit")]
    deny_all: bool,
}

#[derive(Debug, Args)]
pub(super) struct Allow {
    #[command(flatten)]
    about: About,
    /// Where the target is: a part of the peer's ranges.
    #[arg(long, value_name = "RANGE")]
    target: String,
    /// The target's TCP port.
    #[arg(long)]
    port: u16,
    /// Why, for the audit.
    #[arg(long)]
    reason: String,
    /// When it closes by itself: in so long, like 24h, or at a time. Default: never. With
    /// --command-id, name a time.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_to_come)]
    expires: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    about: About,
    /// The exception, as `peerage peering show` lists it.
    ingress: Uuid,
}

#[derive(Debug, Args)]
pub(super) struct Exposures {
    #[command(flatten)]
    remote: Remote,
    /// Only this peering's. Default: of all.
    peering: Option<Uuid>,
    /// Only this network's.
    #[arg(long)]
    network: Option<Uuid>,
}

fn admitted(text: &str) -> Result<(String, u32), String> {
    match text.split_once(':') {
        None => Ok((text.to_owned(), KURRENTDB)),
        Some((range, port)) => match port.parse() {
            Ok(port) => Ok((range.to_owned(), port)),
            Err(_) => Err(format!("`{port}` is not a port")),
        },
    }
}

impl Firewall {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Restrict(restrict) => restrict.run().await,
            Self::Allow(allow) => allow.run().await,
            Self::Revoke(revoke) => revoke.run().await,
            Self::Exposures(exposures) => exposures.run().await,
        }
    }
}

impl Restrict {
    async fn run(self) -> Result<(), CliError> {
        let (mut networks, peering) = self.about.open().await?;
        let message = v1::RestrictFirewallRequest {
            context: Some(self.about.context.message()),
            network_id: peering.network_id,
            peering_id: peering.peering_id,
            side: self.side.as_str().to_owned(),
            admit: self
                .admit
                .into_iter()
                .map(|(source, port)| v1::InboundRule { source, port })
                .collect(),
        };
        let answer = networks
            .restrict_firewall(request(message))
            .await
            .map_err(refused)?;
        output::print(self.about.remote.output, answer.get_ref(), output::command)
    }
}

impl Allow {
    async fn run(self) -> Result<(), CliError> {
        let (mut networks, peering) = self.about.open().await?;
        let message = v1::AllowConnectorIngressRequest {
            context: Some(self.about.context.message()),
            network_id: peering.network_id,
            peering_id: peering.peering_id,
            target: self.target,
            port: self.port.into(),
            reason: self.reason,
            expires_at: self.expires.unwrap_or_default(),
        };
        let answer = networks
            .allow_connector_ingress(request(message))
            .await
            .map_err(refused)?;
        output::print(self.about.remote.output, answer.get_ref(), output::command)
    }
}

impl Revoke {
    async fn run(self) -> Result<(), CliError> {
        let (mut networks, peering) = self.about.open().await?;
        let message = v1::RevokeConnectorIngressRequest {
            context: Some(self.about.context.message()),
            network_id: peering.network_id,
            peering_id: peering.peering_id,
            ingress_id: self.ingress.to_string(),
        };
        let answer = networks
            .revoke_connector_ingress(request(message))
            .await
            .map_err(refused)?;
        output::print(self.about.remote.output, answer.get_ref(), output::command)
    }
}

impl Exposures {
    async fn run(self) -> Result<(), CliError> {
        let text = |id: Option<Uuid>| id.map(|it| it.to_string()).unwrap_or_default();
        let mut message = v1::ListExposuresRequest {
            network_id: text(self.network),
            peering_id: text(self.peering),
            ..Default::default()
        };
        let mut client = self.remote.networks().await?;
        let mut exposures = Vec::new();
        loop {
            let page = client
                .list_exposures(request(message.clone()))
                .await
                .map_err(refused)?
                .into_inner();
            exposures.extend(page.exposures);
            message.page_token = page.next_page_token;
            if message.page_token.is_empty() {
                break;
            }
        }
        output::print(self.remote.output, &exposures, |it| output::exposures(it))
    }
}
