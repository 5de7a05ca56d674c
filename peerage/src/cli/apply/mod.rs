//! `peerage apply`, `export` and `discover`: many networks and their peerings in one file.
//!
//! `document` is the file (`admit` and `attach` are parts of it, `values` what several have), and
//! `plan` compares it with what is on record. `policy` tells what will be refused; `change` is one
//! command of the plan. Nothing here decides anything: each change is a command like any other, and
//! the engine may refuse it.

mod admit;
mod attach;
mod change;
mod discover;
mod document;
mod plan;
mod policy;
mod served;
#[cfg(test)]
mod tests;
mod values;

pub(super) use discover::Discover;

use super::{
    CliError, Output, Remote,
    deny::DenyWith,
    engine::{Context, Done, Servers, Why},
    output,
    resolve::{self, Named},
    terminal,
};
use crate::api::v1::{self, NetworkState, PeeringState};
use change::Change;
use chrono::Utc;
use clap::Args;
use document::{Document, Network, Peering};
use plan::{NetworkPlan, OnRecord, Step};
use serde::Serialize;
use served::Cloud;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    path::{Path, PathBuf},
};

/// The states of a peering that has not ended.
const LIVE: [PeeringState; 7] = [
    PeeringState::Requested,
    PeeringState::Initiating,
    PeeringState::AwaitingAcceptance,
    PeeringState::Provisioning,
    PeeringState::Active,
    PeeringState::Removing,
    PeeringState::Abandoning,
];

/// The largest file that is read.
const LARGEST: u64 = 16 << 20;

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The file of networks and peerings, TOML, as `peerage export` writes it, like peerings.toml;
    /// - for standard input.
    #[arg(long, short, value_name = "FILE")]
    file: PathBuf,
    /// Close, in the networks that the file names, what it does not name: peerings, routes, what is
    /// admitted, what groups are attached to, connector ingress. Without it, that is left alone and
    /// told.
    #[arg(long, requires = "reason")]
    prune: bool,
    /// Show the plan, and stop there.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Carry the plan out without being asked.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// Only this network: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders. Default: every network that is not retired.
    #[arg(value_name = "NETWORK")]
    network: Option<Named>,
    #[command(flatten)]
    remote: Remote,
}

impl Export {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let networks = networks(&mut servers, self.network.as_ref()).await?;
        let mut document = Document::default();
        for network in networks {
            let mut peerings = peerings_of(&mut servers, &network.network_id).await?;
            peerings.retain(|it| !plan::is_going(it));
            document
                .networks
                .push(Network::on_record(&network, &peerings));
        }
        output::print(self.remote.output, &document, Document::written)
    }
}

fn registered() -> v1::ListNetworksRequest {
    v1::ListNetworksRequest {
        state: NetworkState::Registered.into(),
        ..Default::default()
    }
}

/// The network that is named, or all that are not retired.
async fn networks(
    servers: &mut Servers,
    named: Option<&Named>,
) -> Result<Vec<v1::Network>, CliError> {
    let Some(named) = named else {
        return servers.list(registered(), usize::MAX).await;
    };
    let get = v1::GetNetworkRequest {
        network_id: resolve::network(servers, named).await?,
        ..Default::default()
    };
    Ok(vec![servers.read(get).await?.network.unwrap_or_default()])
}

async fn peerings_of(
    servers: &mut Servers,
    network_id: &str,
) -> Result<Vec<v1::Peering>, CliError> {
    let live = v1::ListPeeringsRequest {
        network_id: network_id.to_owned(),
        states: LIVE.map(i32::from).to_vec(),
        ..Default::default()
    };
    servers.list(live, usize::MAX).await
}

/// What came of a step.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    network: String,
    /// The cloud that the network is at, or will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud: Option<Cloud>,
    #[serde(skip_serializing_if = "String::is_empty")]
    peering: String,
    change: String,
    done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    network_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    peering_id: String,
    /// The request for approval that it waits in since an earlier run.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The answer as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    changes: Vec<Told>,
    left_alone: Vec<String>,
    conflicts: Vec<String>,
}

impl Apply {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let document = read(&self.file)?;
        let mut servers = self.remote.servers()?;
        let on_record = on_record(&mut servers, &document).await?;
        let plans = plan::plan(&document, &on_record, self.prune, Utc::now());
        let mut told = self.judged(&mut servers, &plans).await?;
        let conflicts = of_each(&plans, |it| &it.conflicts);
        let refused = told.iter().filter(|it| it.error.is_some()).count();
        let stands = conflicts.len() + refused;
        let is_table = self.remote.output == Output::Table;
        if is_table {
            terminal::line(&in_words(&plans, &told, &document))?;
        }
        if !self.yes && steps(&plans).any(|(_, it)| matches!(it.change, Change::Deny { .. })) {
            DenyWith::NetworkAcl.note_what_it_breaks();
        }
        if stands == 0 && !self.dry_run && !told.is_empty() {
            let has_new = told.iter().any(|it| it.waits_in.is_none());
            if has_new && !self.yes {
                terminal::confirm(&question(&plans))?;
            }
            self.carry_out(&mut servers, &plans, &mut told).await?;
        }
        let failed = told.iter().filter(|it| it.error.is_some()).count();
        let (done, all) = (told.iter().filter(|it| it.done).count(), told.len());
        if !is_table {
            let left_alone = of_each(&plans, |it| &it.left);
            let answer = Answer {
                changes: told,
                left_alone,
                conflicts,
            };
            output::print(self.remote.output, &answer, |_| String::new())?;
        }
        if stands > 0 {
            let text = format!("{stands} of these cannot be done, so nothing was");
            return Err(CliError::failed(text));
        }
        if failed > 0 {
            let text =
                format!("{done} of {all} changes were carried out; apply the file again to go on");
            return Err(CliError::failed(text));
        }
        Ok(())
    }

    fn context(&self, validate_only: bool) -> Context {
        Context {
            why: self.why.clone(),
            validate_only,
            ..Context::default()
        }
    }

    /// What the engine says of each change by itself, before anything is done. What depends on a
    /// change that is not made yet cannot be asked; of that, the plan knows what the policy asks.
    async fn judged(
        &self,
        servers: &mut Servers,
        plans: &[NetworkPlan],
    ) -> Result<Vec<Told>, CliError> {
        let mut all = Vec::new();
        for (plan, step) in steps(plans) {
            let mut told = Told {
                network: plan.name.clone(),
                cloud: plan.cloud.as_ref().map(Cloud::from),
                peering: step.peering.clone(),
                change: step.change.told(),
                done: false,
                command_id: None,
                network_id: step.about.network_id.clone(),
                peering_id: step.about.peering_id.clone(),
                waits_in: None,
                error: None,
            };
            if !step.change.needs(&step.about) {
                let change = step.change.clone();
                let judged = change.send(servers, &step.about, &self.context(true)).await;
                match judged {
                    Ok(done) => told.waits_in = done.answer.approval.map(|it| it.approval_id),
                    Err(error) => told.error = Some(error.text),
                }
            }
            told.error = told.error.or_else(|| step.refused.clone());
            all.push(told);
        }
        Ok(all)
    }

    /// Carries the plan out. Where a change fails, nothing more is opened in its network; what is
    /// to be closed there, and the other networks, wait for nothing.
    async fn carry_out(
        &self,
        servers: &mut Servers,
        plans: &[NetworkPlan],
        told: &mut [Told],
    ) -> Result<(), CliError> {
        let (mut made, mut failed) = (BTreeMap::new(), BTreeSet::new());
        for ((plan, step), told) in steps(plans).zip(told) {
            if failed.contains(&plan.name) && !step.change.closes() {
                continue;
            }
            if let Some(id) = &told.waits_in {
                told.error = Some(format!("waits for approval already, as {id}"));
                failed.insert(plan.name.clone());
                self.say(told, "not done")?;
                continue;
            }
            let mut about = step.about.clone();
            let id_of = |peering: &str| made.get(&(plan.name.clone(), peering.to_owned()));
            if let (true, Some(id)) = (about.network_id.is_empty(), id_of("")) {
                about.network_id = String::clone(id);
            }
            if let (true, Some(id)) = (about.peering_id.is_empty(), id_of(&step.peering)) {
                about.peering_id = String::clone(id);
            }
            if failed.contains(&plan.name) && step.change.needs(&about) {
                continue;
            }
            let (change, context) = (step.change.clone(), self.context(false));
            match change.send(servers, &about, &context).await {
                Ok(Done {
                    answer:
                        v1::CommandResponse {
                            approval: Some(approval),
                            ..
                        },
                    ..
                }) => {
                    let id = approval.approval_id;
                    told.error = Some(format!("waits for approval as {id}"));
                    told.command_id = Some(id);
                    failed.insert(plan.name.clone());
                    self.say(told, "not done")?;
                }
                Ok(done) => {
                    told.done = true;
                    told.command_id = Some(done.command_id.to_string());
                    let answer = done.answer;
                    told.network_id.clone_from(&answer.network_id);
                    told.peering_id.clone_from(&answer.peering_id);
                    made.insert((plan.name.clone(), String::new()), answer.network_id);
                    if !answer.peering_id.is_empty() {
                        let key = (plan.name.clone(), step.peering.clone());
                        made.insert(key, answer.peering_id);
                    }
                    self.say(told, "done")?;
                }
                Err(error) => {
                    told.error = Some(error.text);
                    failed.insert(plan.name.clone());
                    self.say(told, "not done")?;
                }
            }
        }
        Ok(())
    }

    fn say(&self, told: &Told, outcome: &str) -> Result<(), CliError> {
        if self.remote.output == Output::Json {
            return Ok(());
        }
        let of = [&*told.network, &*told.peering].join(" ");
        let why = told.error.as_ref().map(|it| format!(" ({it})"));
        let why = why.unwrap_or_default();
        // A reader who has left does not end half-way what was agreed to.
        terminal::answer(&format!("{outcome}: {}: {}{why}", of.trim(), told.change))
    }
}

fn read(file: &Path) -> Result<Document, CliError> {
    let name = file.display().to_string();
    let mut text = String::new();
    let came = if name == "-" {
        std::io::stdin().take(LARGEST).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|it| it.take(LARGEST).read_to_string(&mut text))
    };
    came.map_err(|error| CliError::usage(format!("{name}: {error}")))?;
    let document = Document::read(&text, &name)?;
    let twice = twice(&document);
    if twice.is_empty() {
        return Ok(document);
    }
    Err(CliError::usage(format!(
        "{name}: named twice: {}",
        twice.join(", ")
    )))
}

/// Networks, peerings of a network, and what stands in one peering, that are there more than once.
fn twice(document: &Document) -> Vec<String> {
    let (mut names, mut inner) = (Vec::new(), Vec::new());
    for network in &document.networks {
        names.push(network.full_name());
        for peering in &network.peerings {
            let name = format!("{} {}", network.full_name(), peering.full_name());
            let twice = repeated(within(peering)).into_iter();
            inner.extend(twice.map(|it| format!("{name} {it}")));
            names.push(name);
        }
    }
    repeated(names).into_iter().chain(inner).collect()
}

fn repeated(names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let each = names.into_iter();
    each.filter(|it| !seen.insert(it.clone())).collect()
}

/// What a peering admits, once for each owner and end that are named with it, and the sides whose
/// group is attached.
fn within(peering: &Peering) -> Vec<String> {
    let admit = peering.admit.iter();
    let admit: BTreeSet<_> = admit.map(|it| (it.full_name(), it.terms(None))).collect();
    let admit = admit.into_iter().map(|(it, _)| format!("admit {it}"));
    let attach = peering.attach.iter().map(|it| v1::Side::from(it.side));
    let attach = attach.map(|it| format!("attach {}", output::word(it)));
    admit.chain(attach).collect()
}

async fn on_record(servers: &mut Servers, document: &Document) -> Result<Vec<OnRecord>, CliError> {
    let (mut all, mut served) = (Vec::new(), None);
    for wanted in &document.networks {
        let named = v1::ListNetworksRequest {
            project: wanted.project.clone(),
            name: wanted.name.clone(),
            ..registered()
        };
        let found = servers.list(named, 2).await?;
        if found.len() > 1 {
            let text = format!("several networks are called {}", wanted.full_name());
            return Err(CliError::failed(text));
        }
        let Some(network) = found.into_iter().next() else {
            // A network is made at what answers for its provider now. Who may not ask for that is
            // told it once the network is there.
            let served = match &mut served {
                Some(served) => served,
                none => none.insert(served::clouds(servers).await.unwrap_or_default()),
            };
            let provider = v1::Provider::from(wanted.provider);
            let cloud = served.iter().find(|it| it.provider() == provider);
            all.push(OnRecord {
                cloud: cloud.and_then(|it| it.cloud.clone()),
                ..OnRecord::default()
            });
            continue;
        };
        let peerings = peerings_of(servers, &network.network_id).await?;
        all.push(OnRecord {
            cloud: network.cloud.clone(),
            network: Some(network),
            peerings,
        });
    }
    Ok(all)
}

fn steps(plans: &[NetworkPlan]) -> impl Iterator<Item = (&NetworkPlan, &Step)> {
    let each = plans.iter();
    each.flat_map(|plan| plan.steps.iter().map(move |step| (plan, step)))
}

fn of_each(plans: &[NetworkPlan], what: impl Fn(&NetworkPlan) -> &Vec<String>) -> Vec<String> {
    let each = plans.iter();
    each.flat_map(|plan| what(plan).iter().map(|it| format!("{}: {it}", plan.name)))
        .collect()
}

fn question(plans: &[NetworkPlan]) -> String {
    let (all, closing) = (
        steps(plans).count(),
        steps(plans).filter(|(_, it)| it.change.closes()).count(),
    );
    match closing {
        0 => format!("Carry out these {all} changes?"),
        _ => format!("Carry out these {all} changes, {closing} of which close something?"),
    }
}

/// The plan, network by network.
fn in_words(plans: &[NetworkPlan], told: &[Told], document: &Document) -> String {
    let mut lines = Vec::new();
    let mut judged = told.iter();
    for plan in plans {
        let quiet = plan.steps.is_empty() && plan.left.is_empty() && plan.conflicts.is_empty();
        if quiet {
            continue;
        }
        lines.push(output::stood_in(plan.name.clone(), plan.cloud.as_ref()));
        for step in &plan.steps {
            let of = match &*step.peering {
                "" => String::new(),
                peering => format!("{peering}: "),
            };
            lines.push(format!("  {of}{}", step.change.told()));
            let judged = judged.next();
            let refused = judged.and_then(|it| it.error.as_ref());
            lines.extend(refused.map(|it| format!("    refused: {it}")));
            let waits = judged.and_then(|it| it.waits_in.as_ref());
            lines.extend(waits.map(|it| format!("    waits for approval already, as {it}")));
        }
        let conflicts = plan.conflicts.iter();
        lines.extend(conflicts.map(|it| format!("  cannot be changed: {it}")));
        let left = plan.left.iter();
        lines.extend(left.map(|it| format!("  left alone, not in the file: {it}")));
    }
    let peerings: usize = document.networks.iter().map(|it| it.peerings.len()).sum();
    if told.is_empty() && of_each(plans, |it| &it.conflicts).is_empty() {
        let networks = document.networks.len();
        lines.push(format!(
            "nothing to do: {networks} networks and {peerings} peerings are as the file says"
        ));
    }
    lines.join("\n")
}
