//! What calls about firewall groups and rules do.

use super::{
    super::{
        faults::prefixes,
        world::{Gone, Guard, SimulatedGroup, SimulatedNetwork, SimulatedRule, bare, ghosts},
    },
    Call,
};
use cloud::{
    CloudError, CloudErrorKind, FirewallPart, GroupView, LinkState, NetworkRef, Operation, Owner,
    Source, group_name,
};
use domain::{
    PeerGroup, Unspoken,
    network::InboundRule,
    text::{CloudNetwork, FirewallGroup, FirewallRule, Interface},
};

/// Whether a denial is needed in this network, and there is nothing that it could stand in.
pub(super) fn unguarded(network: &SimulatedNetwork) -> bool {
    let can = network.network.at.provider.firewall();
    can.unspoken == Unspoken::LetIn && network.guard == Guard::Nothing
}

/// What is missing there.
pub(super) fn nowhere(network: &NetworkRef) -> String {
    format!(
        "no subnet of {network} has a network security group that the engine may write into; associate one"
    )
}

impl Call<'_> {
    pub(crate) fn firewall_groups(&mut self, of: &[CloudNetwork]) -> Vec<GroupView> {
        let mut views = self.look(of, |network, now| {
            let home = network.network.clone();
            let there = network
                .groups
                .iter_mut()
                .filter_map(|group| group.shown.read(now).then(|| group.view(&home, now)));
            let mut seen: Vec<_> = there.collect();
            seen.extend(
                ghosts(&mut network.gone_groups, now)
                    .iter_mut()
                    .map(|group| group.view(&home, now)),
            );
            seen
        });
        let home = |network: &CloudNetwork| NetworkRef {
            at: bare(self.at),
            network: network.clone(),
        };
        let now = self.now;
        if !self.is_elsewhere() {
            let defaults = of.iter().map(home);
            views.extend(defaults.filter_map(|it| self.state.world.by_default(&it, now)));
        }
        let rules = views.iter_mut().flat_map(|view| &mut view.rules);
        for source in rules.map(|rule| &mut rule.admits.source) {
            self.follow(source);
        }
        views
    }

    /// A group that a rule names, with its account or without, is in some network, and the cloud
    /// says in which.
    fn follow(&self, source: &mut Source) {
        let Source::Named(name) = source else {
            return;
        };
        let of_account: Option<PeerGroup> = name.parse().ok();
        let id = of_account.as_ref().map_or(name.as_str(), PeerGroup::group);
        let mut networks = self.state.world.networks.values();
        let home = networks
            .find(|it| it.groups.iter().any(|group| group.id.as_str() == id))
            .map(|it| it.network.network.clone());
        if home.is_some() || id.starts_with(prefixes(self.at.provider).group) {
            *source = Source::Group {
                group: id.to_owned(),
                network: home,
            };
        }
    }

    pub(crate) fn create_group(
        &mut self,
        network: &NetworkRef,
        owner: Owner,
    ) -> Result<FirewallGroup, CloudError> {
        self.know(network, &[]);
        let id: FirewallGroup = self.state.faults.id(prefixes(self.at.provider).group);
        let (shown, name) = (self.soon(), group_name(owner.peering));
        let Some(known) = self.state.world.network_mut(network) else {
            return Err(self.not_found(network));
        };
        if unguarded(known) {
            let message = nowhere(network);
            return Err(self.error(CloudErrorKind::Precondition, "NoSecurityGroup", message));
        }
        if known.groups.iter().any(|group| group.name == name) {
            return Err(self.error(
                CloudErrorKind::AlreadyThere,
                "InvalidGroup.Duplicate",
                format!("`{name}` exists"),
            ));
        }
        known
            .groups
            .push(SimulatedGroup::new(id.clone(), name, Some(owner), shown));
        Ok(id)
    }

    pub(crate) fn delete_group(&mut self, group: &FirewallGroup) -> Result<(), CloudError> {
        let seen = self.soon();
        let is_in_use = self.open_group(group)?.in_use;
        let home = self.state.world.home_of_group(self.at, group);
        let is_attached = home.is_some_and(|home| {
            let mut interfaces = home.interfaces.iter();
            interfaces.any(|it| it.groups.contains(group))
        });
        if is_in_use || is_attached {
            return Err(self.error(
                CloudErrorKind::InUse,
                "DependencyViolation",
                format!("`{group}` has a dependent object"),
            ));
        }
        let Some(home) = self.state.world.home_of_group(self.at, group) else {
            return Err(self.not_found(group));
        };
        let (gone, left) = std::mem::take(&mut home.groups)
            .into_iter()
            .partition(|it| it.id == *group);
        home.groups = left;
        home.gone_groups
            .extend(<Vec<SimulatedGroup>>::into_iter(gone).map(|was| Gone {
                was,
                seen: seen.clone(),
            }));
        Ok(())
    }

    pub(crate) fn authorize_rule(
        &mut self,
        group: &FirewallGroup,
        rule: InboundRule,
        owner: Owner,
    ) -> Result<FirewallRule, CloudError> {
        let id: FirewallRule = self.state.faults.id(prefixes(self.at.provider).rule);
        if let Some(source) = rule.source.group()
            && !self.may_refer(group, source)
        {
            return Err(self.not_found(&source.group()));
        }
        let (shown, most) = (self.soon(), self.limits().rules);
        let found = self.open_group(group)?;
        if found.rules.iter().any(|it| it.rule == Some(rule)) {
            return Err(self.error(
                CloudErrorKind::AlreadyThere,
                "InvalidPermission.Duplicate",
                "the specified rule already exists",
            ));
        }
        if found.rules.len() >= most {
            return Err(self.error(
                CloudErrorKind::Quota,
                "RulesPerSecurityGroupLimitExceeded",
                format!("{most} rules at most"),
            ));
        }
        found
            .rules
            .push(SimulatedRule::ours(id.clone(), rule, owner, shown));
        Ok(id)
    }

    /// Whether a rule of this group can name that one: it is in a network that an active link joins
    /// with this group's, in the same region.
    fn may_refer(&self, group: &FirewallGroup, source: PeerGroup) -> bool {
        let networks = || self.state.world.networks.values();
        let own = networks().find(|it| it.groups.iter().any(|it| it.id == *group));
        let mut named = networks().filter(|it| {
            it.network.at.account.as_str() == source.account()
                && it.network.at.region == self.at.region
                && it.groups.iter().any(|it| it.id.as_str() == source.group())
        });
        own.is_some_and(|own| {
            named.any(|other| {
                let mut links = self.state.world.links.values();
                links.any(|link| {
                    link.state == LinkState::Active
                        && link.role_of(&own.network).is_some()
                        && link.role_of(&other.network).is_some()
                })
            })
        })
    }

    pub(crate) fn revoke_rule(
        &mut self,
        group: &FirewallGroup,
        rule: &FirewallRule,
    ) -> Result<(), CloudError> {
        let seen = self.soon();
        let found = self.open_group(group)?;
        let Some(index) = found.rules.iter().position(|it| it.id == *rule) else {
            return Err(self.not_found(rule));
        };
        let was = found.rules.remove(index);
        found.gone_rules.push(Gone { was, seen });
        Ok(())
    }

    pub(crate) fn tag_firewall(
        &mut self,
        part: &FirewallPart,
        owner: Owner,
    ) -> Result<(), CloudError> {
        let missing = self.not_found(&part.id());
        match part {
            FirewallPart::Group(group) => self.open_group(group)?.owner = Some(owner),
            FirewallPart::Rule { group, rule } => {
                let rule = self
                    .open_group(group)?
                    .rules
                    .iter_mut()
                    .find(|it| it.id == *rule)
                    .ok_or(missing)?;
                rule.owner = Some(owner);
            }
        }
        Ok(())
    }

    /// Groups are attached to interfaces at AWS alone; nowhere else is there one to be found.
    pub(crate) fn attach_group(
        &mut self,
        id: &Interface,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        self.open_group(group)?;
        let error = |kind, code: &str, message: String| {
            CloudError::new(Operation::AttachGroup, self.at, kind)
                .code(code)
                .message(message)
        };
        let missing = self.not_found(id);
        let most = self.limits().groups_of_interface;
        let found = self.state.world.interface(self.at, id).ok_or(missing)?;
        if found.groups.contains(group) {
            let message = format!("`{group}` is attached to `{id}`");
            return Err(error(CloudErrorKind::AlreadyThere, "Duplicate", message));
        }
        if let Some(service) = &found.managed_by {
            let message = format!("`{id}` is managed by {service}");
            return Err(error(
                CloudErrorKind::Precondition,
                "OperationNotPermitted",
                message,
            ));
        }
        if found.groups.len() >= most {
            return Err(error(
                CloudErrorKind::Quota,
                "SecurityGroupsPerInterfaceLimitExceeded",
                format!("{most} groups at most"),
            ));
        }
        found.groups.insert(group.clone());
        Ok(())
    }

    pub(crate) fn detach_group(
        &mut self,
        id: &Interface,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        let (missing, only) = (
            self.not_found(id),
            self.error(
                CloudErrorKind::Precondition,
                "MissingParameter",
                format!("`{group}` is the only group of `{id}`"),
            ),
        );
        let found = self
            .state
            .world
            .interface(self.at, id)
            .filter(|it| it.groups.contains(group))
            .ok_or(missing)?;
        if found.groups.len() == 1 {
            return Err(only);
        }
        found.groups.remove(group);
        Ok(())
    }

    /// The group, if calls that name it find it by now.
    fn open_group(&mut self, group: &FirewallGroup) -> Result<&mut SimulatedGroup, CloudError> {
        let error = self.not_found(group);
        let now = self.now;
        self.state
            .world
            .group(self.at, group)
            .filter(|it| it.shown.by(now))
            .ok_or(error)
    }
}
