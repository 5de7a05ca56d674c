//! What a peering is to be: the peer, the terms, and what it opens.

use crate::{
    api::v1,
    cli::{
        CliError,
        args::{Provider, Side, SideOption, admitted, time_to_come, timestamp},
        resolve::Named,
        subnets::Chosen,
        tenure::{TenureArgs, tenure},
    },
};
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

/// The network on the other end.
#[derive(Clone, Debug, Args)]
#[command(
    next_help_heading = "Peer",
    mut_arg("subnet", |it| it.requires("network")),
    mut_arg("subnets", |it| it.requires("network"))
)]
pub(super) struct PeerArgs {
    /// The private network: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders.
    #[arg(long, value_name = "NETWORK", requires_all = ["account", "cloud_network", "ranges"])]
    pub(super) network: Option<Named>,
    /// The peer's cloud.
    #[arg(long, default_value = "aws", value_name = "PROVIDER")]
    provider: Provider,
    /// The peer's AWS account (12 digits), GCP project id or Azure tenant id, like 444455556666.
    #[arg(long, value_name = "ACCOUNT", requires = "network")]
    account: Option<String>,
    /// The peer's region as the provider writes it, like us-east-1. A network of Google Cloud is in
    /// none.
    #[arg(long, value_name = "REGION", requires = "network")]
    region: Option<String>,
    /// The peer's AWS VPC id, GCP network name or Azure VNet resource id, like vpc-0d4c3b2a.
    #[arg(long, visible_alias = "vpc", value_name = "ID", requires = "network")]
    cloud_network: Option<String>,
    /// An address range of the peer, like 10.30.0.0/16; again for more.
    #[arg(long = "range", value_name = "RANGE", requires = "network")]
    ranges: Vec<String>,
    #[command(flatten)]
    subnets: Chosen,
}

impl PeerArgs {
    /// Refuses a peer without the region that its provider needs.
    pub(super) fn check(&self) -> Result<(), CliError> {
        self.provider.region(self.region.as_deref()).map(drop)
    }

    pub(super) fn message(&self) -> v1::Peer {
        v1::Peer {
            provider: v1::Provider::from(self.provider).into(),
            account: self.account.clone().unwrap_or_default(),
            region: self.region.clone().unwrap_or_default(),
            cloud_network: self.cloud_network.clone().unwrap_or_default(),
            ranges: self.ranges.clone(),
            subnets: self.subnets.names(),
        }
    }
}

/// Who accepts the link, and keeps the peer's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Consent {
    /// The engine, with an identity in the peer's account.
    #[default]
    Delegated,
    /// The peer's owner; `peerage peering show` prints what to run.
    Owner,
}

impl Consent {
    /// The consent that the API names.
    pub(in crate::cli) fn of(consent: v1::Consent) -> Self {
        match consent {
            v1::Consent::Owner => Self::Owner,
            v1::Consent::Delegated | v1::Consent::Unspecified => Self::Delegated,
        }
    }
}

impl From<Consent> for v1::Consent {
    fn from(consent: Consent) -> Self {
        match consent {
            Consent::Delegated => Self::Delegated,
            Consent::Owner => Self::Owner,
        }
    }
}

/// On what terms a link is requested.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Terms")]
pub(super) struct Terms {
    /// Who accepts the link, and keeps the peer's side.
    #[arg(long, default_value = "delegated", value_name = "WHO")]
    pub(super) consent: Consent,
    /// By when the link must be active, or it is removed: in so long, like 72h, or at a time, like
    /// 2026-03-01T09:00:00Z. Default: never. With --command-id, name a time.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_to_come)]
    deadline: Option<DateTime<Utc>>,
    /// Request the link once more if it is not accepted in time.
    #[arg(long)]
    renew: bool,
    /// Open the link though nothing denies what comes over it, and why, like "the lab has no
    /// security groups" (Azure, where a peered network is let in unless something denies it).
    /// Default: its halves stay closed until something does.
    #[arg(long, value_name = "WHY")]
    accept_open: Option<String>,
    #[command(flatten)]
    pub(super) tenure: TenureArgs,
}

/// What a link opens from the start.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What it opens")]
pub(super) struct Opens {
    /// A destination that the private network sends over the link: a range of the peer or a part of
    /// it, like 10.30.0.0/16 or 10.30.4.7/32; again for more. Later: `peerage route accept --side
    /// local`.
    #[arg(long = "local-route", value_name = "RANGE")]
    local_routes: Vec<String>,
    /// A destination that the peer sends over the link: the private network's range or a part of
    /// it, like 10.20.0.0/16; again for more. Later: `peerage route accept --side remote`.
    #[arg(long = "remote-route", value_name = "RANGE")]
    remote_routes: Vec<String>,
    /// A range of the peer, down to one host, that may reach TCP 2113 of the private network, or
    /// another port, like 10.30.0.0/16:2113 or 10.30.4.7/32; again for more. Between AWS networks
    /// of one region also a group of the peer's, like 210987654321/sg-0e1f2a3b4c5d6e7f8. Default:
    /// nothing. Later: `peerage firewall restrict`.
    #[arg(long, value_name = "SOURCE[:PORT]", value_parser = admitted)]
    admit: Vec<v1::InboundRule>,
    /// When what it admits ends by itself: in so long, like 24h, or at a time, like
    /// 2026-03-01T09:00:00Z. Default: never. With --command-id, name a time.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_to_come, requires = "admit")]
    admit_expires: Option<DateTime<Utc>>,
    /// A side whose names resolve to private addresses on the other side, like local; again for the
    /// other. Later: `peerage peering dns`.
    #[arg(long, value_name = "SIDE")]
    dns: Vec<Side>,
    /// An option of a side's half of the link, like remote:gateway-transit; again for more. Later:
    /// `peerage peering option`, which tells them all.
    #[arg(long = "option", value_name = "SIDE:OPTION")]
    options: Vec<SideOption>,
}

/// All that is requested of a peering.
pub(super) fn spec(peer: &PeerArgs, terms: &Terms, opens: &Opens) -> v1::PeeringSpec {
    let route = |side: v1::Side, destination: &String| v1::RouteSpec {
        side: side.into(),
        destination: destination.clone(),
    };
    let local = opens
        .local_routes
        .iter()
        .map(|it| route(v1::Side::Local, it));
    let remote = opens
        .remote_routes
        .iter()
        .map(|it| route(v1::Side::Remote, it));
    v1::PeeringSpec {
        peer: Some(peer.message()),
        consent: v1::Consent::from(terms.consent).into(),
        deadline: terms.deadline.map(timestamp),
        renew: terms.renew,
        accept_open: terms.accept_open.clone().unwrap_or_default(),
        routes: local.chain(remote).collect(),
        admit: opens.admit.clone(),
        dns_resolution: opens
            .dns
            .iter()
            .map(|it| v1::Side::from(*it).into())
            .collect(),
        options: opens.options.iter().copied().map(Into::into).collect(),
        tenure: terms.tenure.message(),
        admission: tenure(None, opens.admit_expires),
    }
}

/// All that is requested of an adoption.
pub(super) fn adoption(
    peer: &PeerArgs,
    link: &str,
    consent: Consent,
    tenure: &TenureArgs,
) -> v1::AdoptionSpec {
    v1::AdoptionSpec {
        peer: Some(peer.message()),
        link: link.to_owned(),
        consent: v1::Consent::from(consent).into(),
        tenure: tenure.message(),
    }
}
