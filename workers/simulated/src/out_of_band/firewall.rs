//! What people do to firewall groups and rules.

use super::{
    super::{
        faults::prefixes,
        world::{Guard, Shown, SimulatedGroup, SimulatedInterface, SimulatedRule},
    },
    OutOfBand,
};
use cloud::{NetworkRef, Owner};
use domain::{
    network::ExposedBy,
    text::{FirewallGroup, FirewallRule, Interface},
};

impl OutOfBand {
    /// This stands before the network's machines from now on (Azure).
    pub fn guard(&self, network: &NetworkRef, guard: Guard) {
        self.with_network(network, |network| network.guard = guard);
    }

    /// Somebody's own group, with rules as people write them, like `tcp 2113 from 10.20.0.0/16` or
    /// `everything from 0.0.0.0/0`.
    pub fn group(&self, network: &NetworkRef, name: &str, rules: &[&str]) -> Option<FirewallGroup> {
        let id: FirewallGroup =
            self.reach(|state, _| state.faults.id(prefixes(network.at.provider).group));
        let group = SimulatedGroup::new(id.clone(), name.to_owned(), None, Shown::always());
        self.with_network(network, |network| network.groups.push(group))?;
        rules
            .iter()
            .for_each(|rule| drop(self.admit(network, &id, rule)));
        Some(id)
    }

    /// A machine's interface in this network, with these groups and tags.
    pub fn interface(
        &self,
        network: &NetworkRef,
        groups: &[FirewallGroup],
        tags: &[(&str, &str)],
    ) -> Option<Interface> {
        let id: Interface = self.reach(|state, _| state.faults.id("eni"));
        let tags = tags.iter().map(|(key, value)| {
            let (key, value): (String, String) = ((*key).to_owned(), (*value).to_owned());
            (key, value)
        });
        let made = SimulatedInterface {
            id: id.clone(),
            groups: groups.iter().cloned().collect(),
            tags: tags.collect(),
            managed_by: None,
        };
        self.with_network(network, |network| network.interfaces.push(made))?;
        Some(id)
    }

    /// The interface is otherwise now, as this says.
    pub fn alter_interface(
        &self,
        network: &NetworkRef,
        id: &Interface,
        alter: impl FnOnce(&mut SimulatedInterface),
    ) {
        self.reach(|state, _| state.world.interface(&network.at, id).map(alter));
    }

    /// The interface is gone.
    pub fn drop_interface(&self, network: &NetworkRef, id: &Interface) {
        self.with_network(network, |network| {
            network.interfaces.retain(|it| it.id != *id);
        });
    }

    fn with_group<T>(
        &self,
        network: &NetworkRef,
        group: &FirewallGroup,
        call: impl FnOnce(&mut SimulatedGroup) -> T,
    ) -> Option<T> {
        self.reach(|state, _| state.world.group(&network.at, group).map(call))
    }

    /// The group is gone with all its rules.
    pub fn drop_group(&self, network: &NetworkRef, group: &FirewallGroup) {
        self.with_network(network, |network| {
            network.groups.retain(|it| it.id != *group);
        });
    }

    /// Machines are in the group now, so that it cannot be removed.
    pub fn use_group(&self, network: &NetworkRef, group: &FirewallGroup) {
        self.with_group(network, group, |group| group.in_use = true);
    }

    /// Nothing is in the group any more.
    pub fn leave_group(&self, network: &NetworkRef, group: &FirewallGroup) {
        self.with_group(network, group, |group| group.in_use = false);
    }

    /// The group's owner tag is this one, or gone.
    pub fn tag_group(&self, network: &NetworkRef, group: &FirewallGroup, owner: Option<Owner>) {
        self.with_group(network, group, |group| group.owner = owner);
    }

    /// Somebody's own rule in any group.
    pub fn admit(
        &self,
        network: &NetworkRef,
        group: &FirewallGroup,
        rule: &str,
    ) -> Option<FirewallRule> {
        let id: FirewallRule =
            self.reach(|state, _| state.faults.id(prefixes(network.at.provider).rule));
        self.with_group(network, group, |group| {
            group.rules.push(SimulatedRule::others(id.clone(), rule))
        })?;
        Some(id)
    }

    /// What the cloud admits where nothing denies it, shown in any group.
    pub fn admit_by_default(
        &self,
        network: &NetworkRef,
        group: &FirewallGroup,
        rule: &str,
    ) -> Option<FirewallRule> {
        let id = self.admit(network, group, rule)?;
        self.with_rule(network, &id, |it| it.what = ExposedBy::Default);
        Some(id)
    }

    /// Somebody's own rule in the peering's firewall group.
    pub fn slip_in(&self, network: &NetworkRef, owner: Owner, rule: &str) -> Option<FirewallRule> {
        let group = self.with_network(network, |network| {
            network
                .groups
                .iter()
                .find(|group| group.owner == Some(owner))
                .map(|group| group.id.clone())
        })??;
        self.admit(network, &group, rule)
    }

    fn with_rule(
        &self,
        network: &NetworkRef,
        rule: &FirewallRule,
        call: impl FnOnce(&mut SimulatedRule),
    ) {
        self.with_network(network, |network| {
            network
                .groups
                .iter_mut()
                .flat_map(|group| &mut group.rules)
                .find(|it| it.id == *rule)
                .map(call)
        });
    }

    /// The rule admits something else now, under the same id.
    pub fn alter_rule(&self, network: &NetworkRef, rule: &FirewallRule, into: &str) {
        self.with_rule(network, rule, |it| {
            *it = SimulatedRule {
                owner: it.owner,
                ..SimulatedRule::others(it.id.clone(), into)
            }
        });
    }

    /// The rule's owner tag is this one, or gone.
    pub fn tag_rule(&self, network: &NetworkRef, rule: &FirewallRule, owner: Option<Owner>) {
        self.with_rule(network, rule, |it| it.owner = owner);
    }

    /// The rule is gone, whoever made it.
    pub fn drop_rule(&self, network: &NetworkRef, rule: &FirewallRule) {
        self.with_network(network, |network| {
            for group in &mut network.groups {
                group.rules.retain(|it| it.id != *rule);
                group.gone_rules.clear();
            }
        });
    }
}
