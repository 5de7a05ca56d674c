//! What a file asks for, compared with what is on record.
//!
//! What the file names is made so. What it does not name is left alone and told; with `prune` it is
//! closed, in the networks that the file names. What no command can change, and differs, stands in
//! the way.

mod admits;
mod firewall;

use super::{
    change::{About, Change},
    document::{Document, Ingress, Network, Peering},
    policy,
};
use crate::{
    api::v1,
    cli::args::{LinkOption, Side, SideOption},
};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// What is on record of a network that the file names.
#[derive(Clone, Debug, Default)]
pub(super) struct OnRecord {
    /// The network, unless it is not registered.
    pub(super) network: Option<v1::Network>,
    /// Its peerings that have not ended.
    pub(super) peerings: Vec<v1::Peering>,
    /// The cloud that it is at, or will be; `None` if that is not known.
    pub(super) cloud: Option<v1::Cloud>,
}

/// All that is to be done in one network.
#[derive(Clone, Debug)]
pub(super) struct NetworkPlan {
    /// What people call it.
    pub(super) name: String,
    /// The cloud that the network is at, or will be; `None` if that is not known.
    pub(super) cloud: Option<v1::Cloud>,
    /// In the order in which it is done: what closes comes first.
    pub(super) steps: Vec<Step>,
    /// What is on record, and not in the file.
    pub(super) left: Vec<String>,
    /// What differs, and no command can change.
    pub(super) conflicts: Vec<String>,
}

/// A change, and what it is about.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) about: About,
    /// The peering as people call it; empty for what is about the network itself.
    pub(super) peering: String,
    pub(super) change: Change,
    /// Why the network's policy refuses it, as far as the plan can tell.
    pub(super) refused: Option<String>,
}

/// What the file asks for in each of its networks, in its order.
pub(super) fn plan(
    document: &Document,
    on_record: &[OnRecord],
    prune: bool,
    now: DateTime<Utc>,
) -> Vec<NetworkPlan> {
    let each = document.networks.iter().zip(on_record);
    each.map(|(wanted, is)| of_network(wanted, is, prune, now))
        .collect()
}

fn of_network(wanted: &Network, is: &OnRecord, prune: bool, now: DateTime<Utc>) -> NetworkPlan {
    let mut plan = Draft {
        about: About::default(),
        peering: String::new(),
        prune,
        now,
        plan: NetworkPlan {
            name: wanted.full_name(),
            cloud: is.cloud.clone(),
            steps: Vec::new(),
            left: Vec::new(),
            conflicts: Vec::new(),
        },
    };
    plan.network(wanted, is.network.as_ref());
    for peering in &wanted.peerings {
        let name = peering.full_name();
        let mut same = is.peerings.iter().filter(|it| name_of(it) == name);
        plan.peering(peering, same.next());
    }
    let named: BTreeSet<_> = wanted.peerings.iter().map(Peering::full_name).collect();
    for other in is
        .peerings
        .iter()
        .filter(|it| !named.contains(&name_of(it)))
    {
        plan.unnamed(other);
    }
    let mut plan = plan.plan;
    plan.steps.sort_by_key(|step| step.change.turn(&step.about));
    let network = is.network.as_ref();
    let before = network.and_then(|it| it.policy.clone()).unwrap_or_default();
    let changes = plan.steps.iter().map(|step| &step.change);
    let refused = policy::judge(changes, before, now);
    for (step, refused) in plan.steps.iter_mut().zip(refused) {
        step.refused = refused;
    }
    plan
}

fn name_of(peering: &v1::Peering) -> String {
    Peering::on_record(peering).full_name()
}

/// A peering that is on its way out.
pub(super) fn is_going(peering: &v1::Peering) -> bool {
    matches!(
        peering.state(),
        v1::PeeringState::Removing | v1::PeeringState::Abandoning
    )
}

/// One range is written in one way.
fn range(text: &str) -> String {
    let text = text.trim();
    match text {
        _ if text.contains('/') => text.to_owned(),
        _ if text.contains(':') => format!("{text}/128"),
        _ => format!("{text}/32"),
    }
}

/// Whether the same are named, in whatever order.
fn is_same(wanted: &[String], is: &[String]) -> bool {
    let all = |of: &[String]| -> BTreeSet<String> { of.iter().cloned().collect() };
    all(wanted) == all(is)
}

/// A plan that is being made: of which peering it is now.
struct Draft {
    about: About,
    peering: String,
    prune: bool,
    now: DateTime<Utc>,
    plan: NetworkPlan,
}

impl Draft {
    fn step(&mut self, change: Change) {
        self.plan.steps.push(Step {
            about: self.about.clone(),
            peering: self.peering.clone(),
            change,
            refused: None,
        });
    }

    /// What is on record and not in the file: closed, or left alone.
    fn beside(&mut self, change: Change, what: &str) {
        if self.prune {
            self.step(change);
        } else {
            self.plan.left.push(format!("{}{what}", self.of()));
        }
    }

    fn of(&self) -> String {
        if self.peering.is_empty() {
            String::new()
        } else {
            format!("{}: ", self.peering)
        }
    }

    fn conflict(&mut self, what: &str) {
        self.plan.conflicts.push(format!("{}{what}", self.of()));
    }

    fn network(&mut self, wanted: &Network, is: Option<&v1::Network>) {
        let Some(is) = is else {
            self.step(Change::Register(wanted.clone()));
            if !wanted.nodes.is_empty() {
                self.step(Change::NetworkNodes(wanted.nodes.clone()));
            }
            if let Some(policy) = &wanted.policy {
                self.step(Change::SetPolicy(policy.clone()));
            }
            return;
        };
        self.about.network_id.clone_from(&is.network_id);
        for differs in wanted.differs(&Network::on_record(is, &[])) {
            self.conflict(&differs);
        }
        if !is_same(&wanted.subnets, &is.subnets) {
            self.step(Change::NetworkSubnets(wanted.subnets.clone()));
        }
        if !wanted.ipv6_ranges.is_empty() && !is_same(&wanted.ipv6_ranges, &is.ipv6_ranges) {
            let all = wanted.ipv6_ranges.clone();
            let taken = is.ipv6_ranges.iter().filter(|it| !all.contains(it));
            let taken = taken.cloned().collect();
            self.step(Change::NetworkIpv6Ranges { all, taken });
        }
        if !wanted.nodes.is_empty() && !is_same(&wanted.nodes, &is.nodes) {
            self.step(Change::NetworkNodes(wanted.nodes.clone()));
        }
        let before = is.policy.clone().unwrap_or_default();
        if let Some(policy) = &wanted.policy
            && policy.changed(before.clone()) != before
        {
            self.step(Change::SetPolicy(policy.clone()));
        }
    }

    fn peering(&mut self, wanted: &Peering, is: Option<&v1::Peering>) {
        self.peering = wanted.full_name();
        self.about.peering_id.clear();
        match is {
            None => self.begin(wanted),
            Some(it) if is_going(it) => {
                self.conflict("it is being removed; apply the file again when it is gone");
            }
            Some(it) => {
                self.about.peering_id.clone_from(&it.peering_id);
                self.change(wanted, it);
            }
        }
        self.peering.clear();
        self.about.peering_id.clear();
    }

    fn begin(&mut self, wanted: &Peering) {
        if let Some(link) = &wanted.link {
            if wanted.deadline.is_some() || wanted.renew || wanted.accept_open.is_some() {
                self.conflict(
                    "a link that is adopted has no deadline, is not renewed, and no `accept_open`",
                );
            }
            self.step(Change::Adopt(wanted.clone(), link.clone()));
            self.denials(&wanted.deny, &[]);
            self.attachments(&wanted.attach, &[]);
            self.openings(wanted, &wanted.closed());
        } else {
            let requested = self.requested(wanted);
            self.step(Change::Request(requested.clone()));
            self.denials(&wanted.deny, &[]);
            self.attachments(&wanted.attach, &[]);
            self.admitted(wanted, &requested.admit);
        }
        self.ingress(&wanted.ingress, &[]);
    }

    fn change(&mut self, wanted: &Peering, is: &v1::Peering) {
        let on_record = Peering::on_record(is);
        for differs in wanted.differs(&on_record) {
            self.conflict(&differs);
        }
        if !is_same(&wanted.subnets, &on_record.subnets) {
            self.step(Change::PeerSubnets(wanted.subnets.clone()));
        }
        let ranges =
            |of: &[String]| -> BTreeSet<String> { of.iter().map(|it| range(it)).collect() };
        let (named, standing) = (ranges(&wanted.ranges), ranges(&on_record.ranges));
        let added: Vec<String> = named.difference(&standing).cloned().collect();
        if !added.is_empty() {
            self.step(Change::AddRanges(added));
        }
        let owner = wanted
            .owner
            .clone()
            .filter(|_| wanted.owner != on_record.owner);
        let end = wanted
            .expires
            .filter(|_| wanted.expires != on_record.expires);
        if owner.is_some() || end.is_some() {
            let of = None;
            self.step(Change::Tenure { of, owner, end });
        }
        self.denials(&wanted.deny, &on_record.deny);
        self.attachments(&wanted.attach, &on_record.attach);
        self.openings(wanted, &on_record);
        self.ingress(&wanted.ingress, &is.ingress);
        // What needs such a range is closed before it, by its own name.
        let beside: Vec<String> = standing.difference(&named).cloned().collect();
        if !beside.is_empty() {
            let what = format!("ranges {}", beside.join(", "));
            self.beside(Change::DropRanges(beside), &what);
        }
    }

    /// Routes, what is admitted, and names.
    fn openings(&mut self, wanted: &Peering, is: &Peering) {
        let routes = |of: &Peering| -> BTreeSet<(bool, String)> {
            let all = of
                .routes()
                .map(|(side, to)| (side == Side::Remote, range(to)));
            all.collect()
        };
        let side = |is_remote| if is_remote { Side::Remote } else { Side::Local };
        let (named, standing) = (routes(wanted), routes(is));
        for (remote, to) in named.difference(&standing) {
            self.step(Change::Accept(side(*remote), to.clone()));
        }
        for (remote, to) in standing.difference(&named) {
            let change = Change::Withdraw(side(*remote), to.clone());
            let what = change.told();
            self.beside(change, what.trim_start_matches("- "));
        }
        self.admitted(wanted, &is.admit);
        for side in [Side::Local, Side::Remote] {
            match (wanted.dns.contains(&side), is.dns.contains(&side)) {
                (true, false) => self.step(Change::Dns(side, true)),
                (false, true) => {
                    let change = Change::Dns(side, false);
                    let what = change.told();
                    self.beside(change, what.trim_start_matches("- "));
                }
                (true, true) | (false, false) => {}
            }
        }
        self.options(&wanted.options, &is.options);
    }

    /// What one option needs of another comes before it, and goes after it.
    fn options(&mut self, wanted: &[SideOption], is: &[SideOption]) {
        let by_option = |of: &[SideOption]| -> BTreeSet<(LinkOption, Side)> {
            of.iter().map(|it| (it.option, it.side)).collect()
        };
        let (named, standing) = (by_option(wanted), by_option(is));
        for (option, side) in standing.iter().rev().filter(|it| !named.contains(it)) {
            let change = Change::Option(
                SideOption {
                    side: *side,
                    option: *option,
                },
                false,
            );
            let what = change.told();
            self.beside(change, what.trim_start_matches("- "));
        }
        for (option, side) in named.difference(&standing) {
            let it = SideOption {
                side: *side,
                option: *option,
            };
            self.step(Change::Option(it, true));
        }
    }

    fn ingress(&mut self, wanted: &[Ingress], is: &[v1::Ingress]) {
        let on_record: Vec<_> = is.iter().map(|it| (it, Ingress::on_record(it))).collect();
        let key = |it: &Ingress| (range(&it.target), it.port);
        for one in wanted {
            let same = on_record.iter().find(|(_, it)| key(it) == key(one));
            let is_over = one.expires.is_some_and(|it| it <= self.now);
            match same {
                None if is_over => {
                    let what = format!("ingress {}: its end has passed", one.full_name());
                    self.plan.left.push(format!("{}{what}", self.of()));
                }
                None => self.step(Change::Allow(one.clone())),
                Some((_, it)) if it.expires != one.expires => {
                    let end =
                        |it: &Ingress| it.expires.map_or("never".to_owned(), |at| at.to_string());
                    let (wanted, is) = (end(one), end(it));
                    let name = one.full_name();
                    self.conflict(&format!(
                        "ingress {name} ends: {wanted} in the file, {is} on record; revoke it first"
                    ));
                }
                Some((_, it)) if !one.from.is_empty() && !is_same(&one.from, &it.from) => {
                    let (name, wanted, is) =
                        (one.full_name(), one.from.join(", "), it.from.join(", "));
                    self.conflict(&format!(
                        "ingress {name} is open from: {wanted} in the file, {is} on record; revoke it first"
                    ));
                }
                Some(_) => {}
            }
        }
        for (other, it) in &on_record {
            if !wanted.iter().any(|one| key(one) == key(it)) {
                let (ingress_id, name) = (other.ingress_id.clone(), it.full_name());
                let what = format!("ingress {name}");
                self.beside(Change::Revoke { ingress_id, name }, &what);
            }
        }
    }

    /// A peering that the file does not name.
    fn unnamed(&mut self, other: &v1::Peering) {
        if is_going(other) {
            return;
        }
        self.peering = name_of(other);
        self.about.peering_id.clone_from(&other.peering_id);
        self.beside(Change::Remove, "the peering");
        self.peering.clear();
        self.about.peering_id.clear();
    }
}
