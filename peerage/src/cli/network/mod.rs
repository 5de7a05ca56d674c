//! `peerage network …`.

mod ipv6;
mod nodes;
mod policy;
mod register;
mod subnets;
mod watch;

pub(super) use policy::PolicyArgs;

use super::{
    CliError, Remote,
    args::{time_gone, timestamp},
    engine::{Command, Context, Servers},
    output,
    resolve::{self, Named},
};
use crate::api::v1;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(super) enum Network {
    /// Register a private network.
    Register(register::Register),
    /// List networks.
    List(List),
    /// Show one network and its peerings.
    Show(Show),
    /// Follow networks live: what changes, and what happens.
    Watch(watch::Watch),
    /// Set what the engine may do by itself, and what commands must carry. What is not named stays.
    Policy(policy::SetPolicy),
    /// Change which subnets of the private network use its links; routes move along.
    #[command(subcommand)]
    Subnets(subnets::Subnets),
    /// Put on record from where the nodes of the clusters call out, and connector ingress is open.
    Nodes(nodes::Nodes),
    /// Put on record which IPv6 ranges the network has beside its own range (AWS).
    Ipv6(ipv6::Ipv6),
    /// Check a network for drift, now.
    Check(Subject),
    /// Retire a network that has no live peering.
    #[command(mut_arg("reason", |it| it.required(true)))]
    Retire(Subject),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum State {
    /// Served.
    Registered,
    /// No longer served.
    Retired,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    remote: Remote,
    /// Only this project's, like default.
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Only those of this cloud account, like 111122223333.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Only those in this state.
    #[arg(long, value_name = "STATE")]
    state: Option<State>,
    /// Only those with a blocked peering; --blocked=false: only those without.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    blocked: Option<bool>,
    /// Only those that changed since: how long ago, like 24h, or a time, like 2026-03-01T09:00:00Z.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_gone)]
    since: Option<DateTime<Utc>>,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    remote: Remote,
    /// The network: its id, the id's first characters, its name, or PROJECT/NAME, like orders.
    #[arg(value_name = "NETWORK")]
    network: Named,
}

/// The network of a command.
#[derive(Debug, Args)]
pub(super) struct Subject {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    /// The network: its id, the id's first characters, its name, or PROJECT/NAME, like orders.
    #[arg(value_name = "NETWORK")]
    network: Named,
}

impl Subject {
    /// The servers, and the network's id.
    async fn open(&self) -> Result<(Servers, String), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network(&mut servers, &self.network).await?;
        Ok((servers, network_id))
    }

    /// Sends the command, and prints what it did.
    async fn send<C: Command>(&self, servers: &mut Servers, command: C) -> Result<(), CliError> {
        let done = servers.command(command, &self.context).await?;
        output::command(self.remote.output, &done)
    }

    async fn check(self) -> Result<(), CliError> {
        let (mut servers, network_id) = self.open().await?;
        let command = v1::CheckDriftRequest {
            network_id,
            ..Default::default()
        };
        self.send(&mut servers, command).await
    }

    async fn retire(self) -> Result<(), CliError> {
        let (mut servers, network_id) = self.open().await?;
        let command = v1::RetireNetworkRequest {
            network_id,
            ..Default::default()
        };
        self.send(&mut servers, command).await
    }
}

impl Network {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Register(register) => register.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Watch(watch) => watch.run().await,
            Self::Policy(policy) => policy.run().await,
            Self::Subnets(subnets) => subnets.run().await,
            Self::Nodes(nodes) => nodes.run().await,
            Self::Ipv6(ipv6) => ipv6.run().await,
            Self::Check(subject) => subject.check().await,
            Self::Retire(subject) => subject.retire().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let state = match self.state {
            Some(State::Registered) => v1::NetworkState::Registered,
            Some(State::Retired) => v1::NetworkState::Retired,
            None => v1::NetworkState::Unspecified,
        };
        let message = v1::ListNetworksRequest {
            project: self.project.unwrap_or_default(),
            account: self.account.unwrap_or_default(),
            state: state.into(),
            blocked: self.blocked,
            changed_since: self.since.map(timestamp),
            ..Default::default()
        };
        let networks = self.remote.servers()?.list(message, usize::MAX).await?;
        output::messages(self.remote.output, &networks, output::networks)
    }
}

/// A network and its peerings: one document.
#[derive(serde::Serialize)]
struct Shown<'a> {
    network: output::Proto<'a, v1::Network>,
    peerings: Vec<output::Proto<'a, v1::Peering>>,
}

impl Show {
    async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network(&mut servers, &self.network).await?;
        let get = v1::GetNetworkRequest {
            network_id: network_id.clone(),
            ..Default::default()
        };
        let network = servers.read(get).await?.network.unwrap_or_default();
        let list = v1::ListPeeringsRequest {
            network_id,
            ..Default::default()
        };
        let peerings = servers.list(list, usize::MAX).await?;
        let shown = Shown {
            network: output::Proto(&network),
            peerings: peerings.iter().map(output::Proto).collect(),
        };
        output::print(self.remote.output, &shown, |_| {
            format!(
                "{}\n\npeerings\n{}",
                output::network(&network),
                output::peerings(&peerings)
            )
        })
    }
}
