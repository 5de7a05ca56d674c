//! `peerage firewall …`.

use super::{
    CliError, Remote,
    args::{Side, admitted, time_to_come, timestamp},
    deny::{Deny, StopDenying},
    output,
    peering::Subject,
    resolve::{self, Named},
    tenure::TenureArgs,
};
use crate::api::v1::{self, attach_to::To};
use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(super) enum Firewall {
    /// Replace what a side admits from the link.
    Restrict(Restrict),
    /// Have the engine attach its group on a side to network interfaces: it admits only there.
    Attach(Attach),
    /// Have the engine detach its group from what it attached it to.
    Detach(Detach),
    /// Have the engine keep the other side out of subnets, with entries that deny in front of them.
    Deny(Deny),
    /// Have the engine take those entries away.
    StopDenying(StopDenying),
    /// Open one target port of the peer to the private network (connector ingress).
    Allow(Allow),
    /// Close a connector ingress.
    Revoke(Revoke),
    /// List exposures: other owners' rules that admit the other side.
    Exposures(Exposures),
}

#[derive(Debug, Args)]
pub(super) struct Restrict {
    #[command(flatten)]
    subject: Subject,
    /// The side that admits.
    #[arg(long, default_value = "local", value_name = "SIDE")]
    side: Side,
    /// A range of the peer that may reach TCP 2113, or another port, like 10.30.0.0/16:2113; again
    /// for more. Between AWS networks of one region also a group of the peer's, like
    /// 210987654321/sg-0e1f2a3b4c5d6e7f8.
    #[arg(
        long, value_name = "SOURCE[:PORT]", required_unless_present = "deny_all",
        value_parser = admitted
    )]
    admit: Vec<v1::InboundRule>,
    /// Admit nothing.
    #[arg(long, conflicts_with = "admit")]
    deny_all: bool,
    #[command(flatten)]
    tenure: TenureArgs,
}

#[derive(Debug, Args)]
pub(super) struct Attach {
    #[command(flatten)]
    subject: Subject,
    /// The side whose group it is.
    #[arg(long, default_value = "local", value_name = "SIDE")]
    side: Side,
    /// An interface, like eni-0a1b2c3d4e5f60718, again for more; or all that carry a tag, like
    /// tag:app=kurrentdb.
    #[arg(long, value_name = "INTERFACE|tag:KEY=VALUE", required = true)]
    to: Vec<String>,
    /// Attach it to what gets the tag later, too, and detach it from what loses it.
    #[arg(long)]
    follow: bool,
}

#[derive(Debug, Args)]
pub(super) struct Detach {
    #[command(flatten)]
    subject: Subject,
    /// The side whose group it is.
    #[arg(long, default_value = "local", value_name = "SIDE")]
    side: Side,
}

#[derive(Debug, Args)]
#[command(
    mut_arg("reason", |it| it.required(true)),
    group(ArgGroup::new("end").required(true).args(["expires", "no_expiry"]))
)]
pub(super) struct Allow {
    #[command(flatten)]
    subject: Subject,
    /// Where the target is: a part of the peer's ranges, like 10.30.7.0/24.
    #[arg(long, value_name = "RANGE")]
    target: String,
    /// The target's TCP port, like 5432.
    #[arg(long, value_name = "PORT")]
    port: u16,
    /// From where it is open: a range of the private network, down to one host, like 10.20.1.0/24;
    /// again for more. Default: the nodes, as `peerage network nodes` has put them on record.
    #[arg(long, value_name = "RANGE")]
    from: Vec<String>,
    /// When it closes by itself: in so long, like 24h, or at a time, like 2026-03-01T09:00:00Z.
    /// With --command-id, name a time.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_to_come)]
    expires: Option<DateTime<Utc>>,
    /// It stays open until it is revoked.
    #[arg(long)]
    no_expiry: bool,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    subject: Subject,
    /// The ingress: its id, the id's first characters, or TARGET:PORT, like 10.30.7.0/24:5432.
    #[arg(value_name = "INGRESS")]
    ingress: Named,
}

#[derive(Debug, Args)]
pub(super) struct Exposures {
    #[command(flatten)]
    remote: Remote,
    /// Only this peering's: its id, the id's first characters, its link's id, the peer's network,
    /// or ACCOUNT/NETWORK. Default: of all.
    #[arg(value_name = "PEERING")]
    peering: Option<Named>,
    /// Only this network's: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
}

impl Firewall {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Restrict(restrict) => restrict.run().await,
            Self::Attach(attach) => attach.run().await,
            Self::Detach(detach) => detach.run().await,
            Self::Deny(deny) => deny.run().await,
            Self::StopDenying(stop) => stop.run().await,
            Self::Allow(allow) => allow.run().await,
            Self::Revoke(revoke) => revoke.run().await,
            Self::Exposures(exposures) => exposures.run().await,
        }
    }
}

impl Restrict {
    async fn run(self) -> Result<(), CliError> {
        let command = |peering_id| v1::RestrictFirewallRequest {
            peering_id,
            side: v1::Side::from(self.side).into(),
            admit: self.admit,
            tenure: self.tenure.message(),
            ..Default::default()
        };
        self.subject.send(command).await
    }
}

impl Attach {
    async fn run(self) -> Result<(), CliError> {
        let to = attach_to(&self.to, self.follow).map_err(CliError::usage)?;
        let command = |peering_id| v1::AttachFirewallRequest {
            peering_id,
            side: v1::Side::from(self.side).into(),
            to: Some(v1::AttachTo { to: Some(to) }),
            ..Default::default()
        };
        self.subject.send(command).await
    }
}

/// Interfaces, or one tag.
pub(super) fn attach_to(to: &[String], followed: bool) -> Result<To, String> {
    let Some(tag) = to.iter().find_map(|it| it.strip_prefix("tag:")) else {
        if followed {
            return Err("--follow is for a tag: interfaces that are named are named".to_owned());
        }
        return Ok(To::Interfaces(v1::Interfaces { ids: to.to_vec() }));
    };
    match (to, tag.split_once('=')) {
        ([_], Some((key, value))) => Ok(To::Tag(v1::InterfaceTag {
            key: key.to_owned(),
            value: value.to_owned(),
            followed,
        })),
        ([_], None) => Err("--to: write a tag as tag:KEY=VALUE".to_owned()),
        (_, _) => Err("--to: name one tag, or interfaces".to_owned()),
    }
}

impl Detach {
    async fn run(self) -> Result<(), CliError> {
        let command = |peering_id| v1::DetachFirewallRequest {
            peering_id,
            side: v1::Side::from(self.side).into(),
            ..Default::default()
        };
        self.subject.send(command).await
    }
}

impl Allow {
    async fn run(self) -> Result<(), CliError> {
        let command = |peering_id| v1::AllowConnectorIngressRequest {
            peering_id,
            target: self.target,
            port: self.port.into(),
            expires_at: self.expires.map(timestamp),
            from_nodes: self.from.is_empty(),
            from: self.from,
            no_expiry: self.no_expiry,
            ..Default::default()
        };
        self.subject.send(command).await
    }
}

impl Revoke {
    async fn run(self) -> Result<(), CliError> {
        let (mut servers, peering_id) = self.subject.open().await?;
        let ingress_id = resolve::ingress(&mut servers, &peering_id, &self.ingress).await?;
        let message = v1::RevokeConnectorIngressRequest {
            peering_id,
            ingress_id,
            ..Default::default()
        };
        let done = servers.command(message, &self.subject.context).await?;
        output::command(self.subject.remote.output, &done)
    }
}

impl Exposures {
    async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network_if_any(&mut servers, self.network.as_ref()).await?;
        let peering_id = resolve::peering_if_any(&mut servers, self.peering.as_ref()).await?;
        let message = v1::ListExposuresRequest {
            network_id,
            peering_id,
            ..Default::default()
        };
        let exposures = servers.list(message, usize::MAX).await?;
        output::messages(self.remote.output, &exposures, output::exposures)
    }
}
