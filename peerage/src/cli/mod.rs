//! The command line: what can be said, and where each word leads.

mod access;
mod apply;
mod approval;
mod args;
mod audit;
mod bookmark;
mod connector;
mod demo;
mod deny;
mod doctor;
mod engine;
mod firewall;
mod hints;
mod hold;
mod network;
mod node;
mod orphans;
mod output;
mod peering;
mod projection;
#[cfg(test)]
mod reference;
mod resolve;
mod route;
mod serve;
mod server;
mod states;
mod status;
mod subnets;
mod tenure;
mod terminal;
mod witness;

use crate::config::{Config, ConfigErrors};
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::path::PathBuf;

pub use engine::{ClientArgs, Remote};
pub use hints::hint;
pub use output::Output;
pub use status::{CliError, ExitStatus};

/// Provisions private network peering, and keeps the record of who opened what, when and why.
///
/// It ends with 0 when done, 1 when refused or failed, 2 when the call itself is wrong, 3 when the
/// command waits for approval, and 4 when the event store cannot be used and no waiting mends that.
#[derive(Debug, Parser)]
#[command(name = "peerage", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch two networks become one, in this process, with nothing installed.
    Demo(demo::Demo),
    /// Run the engine: API, workers and read models, with the embedded store or a KurrentDB.
    Serve(serve::Serve),
    /// Run the embedded event store alone, for any KurrentDB client.
    Node(node::Node),
    /// Private networks: register, list, show, watch; policy, check, retire.
    #[command(subcommand)]
    Network(network::Network),
    /// Peerings: plan, request, adopt, list, show, watch, drift, remove, abandon.
    #[command(subcommand)]
    Peering(peering::Peering),
    /// Routes: what a side may send over a link; accept, withdraw, replace.
    #[command(subcommand)]
    Route(route::Route),
    /// Firewall: what a side admits from a link, and what other owners' rules admit besides.
    #[command(subcommand)]
    Firewall(firewall::Firewall),
    /// Stop everything that opens or repairs, in a network or in all; what closes goes on.
    #[command(mut_arg("reason", |it| it.required(true)))]
    Freeze(hold::Hold),
    /// End a freeze.
    Thaw(hold::Hold),
    /// Close peerings on both sides and keep their links, until it is lifted: those of an account,
    /// of a peer, or of a network.
    Quarantine(hold::Quarantine),
    /// Orphans: things at the cloud that no live peering accounts for; list, remove.
    #[command(subcommand)]
    Orphans(orphans::Orphans),
    /// Make networks and peerings as a file says: shows one plan, asks, carries it out.
    ///
    /// Nothing is done if a change is refused by the plan, or by the engine, to which each is put
    /// before the first is carried out. What is to change in a network or a peering that the file
    /// itself makes cannot be put to it by then: if such a change is refused in its turn, what was
    /// done stays, nothing more is opened in that network, and the rest is carried out. Apply the
    /// corrected file again to go on.
    Apply(apply::Apply),
    /// Print networks and their peerings as a file that `peerage apply` takes.
    Export(apply::Export),
    /// List the links that stand at the cloud already, and print the file that adopts them.
    Discover(apply::Discover),
    /// Connectors: what delivers the log's records elsewhere, webhooks above all.
    #[command(subcommand)]
    Connector(connector::Connector),
    /// Projections: what a server has made of the log for itself; list, rebuild, cancel.
    #[command(subcommand)]
    Projection(projection::Projection),
    /// The log: who did what, when and why; as stored, or told in sentences.
    Audit(Box<audit::Audit>),
    /// Witness: see that logs do nothing but grow, and cosign what they sign.
    Witness(witness::Witness),
    /// Show who the caller is to the engine, and which roles are bound to it.
    #[command(name = "whoami")]
    WhoAmI(access::WhoAmI),
    /// Who may do what, now or at an earlier time.
    #[command(subcommand)]
    Access(access::Access),
    /// List the commands that wait for approval, or show one.
    Pending(approval::Pending),
    /// Approve a command that waits; the last approval that it needs has it carried out.
    Approve(approval::Approve),
    /// Reject a command that waits, which ends it.
    #[command(mut_arg("reason", |it| it.required(true)))]
    Reject(approval::Reject),
    /// Take back a command of one's own that waits.
    Withdraw(approval::Withdraw),
    /// The server itself: its version, its event store, how far it is.
    #[command(subcommand)]
    Server(server::Server),
    /// Show which servers answer, and how far each is.
    Status(server::Status),
    /// Say what is wrong with an installation, or risky, and what to do about it.
    Doctor(doctor::Doctor),
    /// Print a completion script for a shell.
    Completions {
        /// The shell, like bash.
        shell: clap_complete::Shell,
    },
}

/// Settings of the engine, for the commands that run one.
#[derive(Clone, Debug, Default, Args)]
pub struct Settings {
    /// The configuration file, like peerage.toml.
    #[arg(long, env = "PEERAGE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Any key of the configuration, like api.listen=127.0.0.1:9000; again for more.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

impl Settings {
    /// The configuration with these flags on top, own ones last.
    pub fn load(&self, own: Vec<(String, String)>) -> Result<Config, ConfigErrors> {
        let flags: Vec<_> = self.set.iter().cloned().chain(own).collect();
        Config::load(self.config.as_deref(), &flags)
    }
}

/// Does what the command line asks for.
pub async fn run(cli: Cli) -> ExitStatus {
    let done = match cli.command {
        Command::Demo(demo) => demo.run().await,
        Command::Serve(serve) => serve.run().await,
        Command::Node(node) => node.run().await,
        Command::Network(network) => network.run().await,
        Command::Peering(peering) => peering.run().await,
        Command::Route(route) => route.run().await,
        Command::Freeze(hold) => hold.freeze().await,
        Command::Thaw(hold) => hold.thaw().await,
        Command::Quarantine(quarantine) => quarantine.run().await,
        Command::Firewall(firewall) => firewall.run().await,
        Command::Orphans(orphans) => orphans.run().await,
        Command::Apply(apply) => apply.run().await,
        Command::Export(export) => export.run().await,
        Command::Discover(discover) => discover.run().await,
        Command::Connector(connector) => connector.run().await,
        Command::Projection(projection) => projection.run().await,
        Command::Audit(audit) => audit.run().await,
        Command::Witness(witness) => witness.run().await,
        Command::WhoAmI(whoami) => whoami.run().await,
        Command::Access(access) => access.run().await,
        Command::Pending(pending) => pending.run().await,
        Command::Approve(approve) => approve.run().await,
        Command::Reject(reject) => reject.run().await,
        Command::Withdraw(withdraw) => withdraw.run().await,
        Command::Server(server) => server.run().await,
        Command::Status(status) => status.run().await,
        Command::Doctor(doctor) => doctor.run().await,
        Command::Completions { shell } => completions(shell),
    };
    match done {
        Ok(()) => ExitStatus::Done,
        Err(error) => error.report(),
    }
}

/// Into memory first: the generator panics where it cannot write.
fn completions(shell: clap_complete::Shell) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "peerage", &mut script);
    terminal::answer(String::from_utf8_lossy(&script).trim_end())
}
