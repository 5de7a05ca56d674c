//! Dry run: what an observation would show if an action had been made.

use super::{apply::Action, observation::Reads, sides};
use cloud::{
    AccessEntry, AccessListView, AccountRegion, Direction, FirewallPart, GroupView, LinkForm,
    LinkState, LinkView, Owner, RouteState, RouteTarget, RouteView, RuleView, admitted_traffic,
    denied_traffic, group_name,
};
use domain::{
    AdmittedSource, BySide, Side,
    network::{Denial, ExposedBy, InboundRule, Peering, Registered},
    text::{FirewallGroup, FirewallRule, Interface, Link},
};
use std::collections::BTreeSet;

impl Reads {
    /// Makes the reads show what the cloud would show after this action, with made-up ids for what
    /// would be made.
    pub(super) fn apply_to_observation(
        &mut self,
        network: &Registered,
        peering: &Peering,
        action: &Action,
    ) {
        let at = sides::of(network, peering, action.side());
        let owner = Some(sides::owner(network, peering));
        match action {
            Action::CreateLink { .. } => self.new_link(network, peering),
            Action::AcceptLink { side, link } => {
                let form = LinkForm::of(network.provider);
                if form.is_two_objects() {
                    self.new_half(network, peering, *side, link);
                }
                let ranges = BySide::of(|side| {
                    let own = sides::network(network, peering, side);
                    (own, sides::ranges(network, peering, side.other()))
                });
                self.each_view(link, |view| {
                    view.state = LinkState::Active;
                    let ends = [&mut view.first, &mut view.second];
                    for end in ends.into_iter().filter(|_| form.is_two_objects()) {
                        let others = ranges.iter().find(|(_, it)| it.0.is_same(&end.network));
                        end.imports = others.map(|(_, it)| it.1.clone()).unwrap_or_default();
                    }
                });
            }
            Action::DeleteLink { side, link } => match LinkForm::of(network.provider) {
                LinkForm::OneObject => self.each_view(link, |view| view.state = LinkState::Deleted),
                LinkForm::TwoObjects { .. } => self.no_half(network, peering, *side, link),
            },
            Action::TagLink { link } => self.each_view(link, |view| view.owner = owner),
            Action::SetOption {
                side,
                link,
                option,
                enabled,
                ..
            } => {
                let own = sides::network(network, peering, *side);
                self.each_view(link, |view| {
                    let ends = [&mut view.first, &mut view.second];
                    for end in ends.into_iter().filter(|it| it.network.is_same(&own)) {
                        end.options.insert(*option, *enabled);
                    }
                });
            }
            Action::InstallRoute {
                table,
                destination,
                link,
                ..
            } => {
                let destination = destination.net();
                let route = RouteView {
                    destination,
                    target: RouteTarget::Link(link.clone()),
                    state: RouteState::Active,
                };
                if let Some(view) = self
                    .tables
                    .get_mut(&at)
                    .into_iter()
                    .flat_map(|it| &mut it.shows)
                    .find(|view| view.table == *table)
                {
                    view.routes.push(route);
                }
            }
            Action::RemoveRoute {
                table, destination, ..
            } => {
                let destination = destination.net();
                if let Some(view) = self
                    .tables
                    .get_mut(&at)
                    .into_iter()
                    .flat_map(|it| &mut it.shows)
                    .find(|view| view.table == *table)
                {
                    view.routes.retain(|route| route.destination != destination);
                }
            }
            Action::CreateGroup { side } => {
                if let Some(read) = self.groups.get_mut(&at) {
                    read.shows.push(group_view(network, peering, *side));
                }
            }
            Action::DeleteGroup { group, .. } => {
                if let Some(read) = self.groups.get_mut(&at) {
                    read.shows.retain(|view| view.group != *group);
                }
            }
            Action::AuthorizeRule { group, rule, .. } => {
                let shown = new_rule(*rule, owner);
                self.in_group(at, group, |rules| rules.extend(shown));
            }
            Action::TagFirewall {
                part: FirewallPart::Group(group),
                ..
            } => {
                let tagged = |view: &&mut GroupView| view.group == *group;
                self.groups
                    .get_mut(&at)
                    .into_iter()
                    .flat_map(|it| &mut it.shows)
                    .filter(tagged)
                    .for_each(|view| view.owner = owner);
            }
            Action::TagFirewall {
                part: FirewallPart::Rule { group, rule },
                ..
            } => self.in_group(at, group, |rules| {
                rules
                    .iter_mut()
                    .filter(|it| it.id == *rule)
                    .for_each(|it| it.owner = owner);
            }),
            Action::AttachGroup {
                interface, group, ..
            } => self.on_interface(&at, interface, |groups| {
                groups.insert(group.clone());
            }),
            Action::DetachGroup {
                interface, group, ..
            } => self.on_interface(&at, interface, |groups| {
                groups.remove(group);
            }),
            Action::MakeDenial { denial, .. } => {
                if let Some(view) = self.list(&at, denial) {
                    view.entries.push(AccessEntry {
                        direction: Direction::Inbound,
                        priority: denial.number.into(),
                        traffic: denied_traffic(&denial.denies),
                        allow: false,
                    });
                }
            }
            Action::RemoveDenial { denial, .. } => {
                if let Some(view) = self.list(&at, denial) {
                    let number = u32::from(denial.number);
                    let is_it = |it: &AccessEntry| {
                        it.direction == Direction::Inbound && it.priority == number
                    };
                    view.entries.retain(|it| !is_it(it));
                }
            }
            Action::RevokeRule { group, id, .. } => {
                self.in_group(at, group, |rules| rules.retain(|rule| rule.id != *id))
            }
        }
    }

    fn new_link(&mut self, network: &Registered, peering: &Peering) {
        let spec = sides::link(network, peering);
        if let Some(name) = &spec.link {
            return self.new_half(network, peering, Side::Local, name);
        }
        let Ok(link) = "(new-link)".parse::<Link>() else {
            return;
        };
        let view = LinkView {
            link,
            first: spec.first,
            second: spec.second,
            state: LinkState::Pending,
            message: None,
            expires_at: None,
            owner: Some(sides::owner(network, peering)),
        };
        for side in peering.kept_sides() {
            if let Some(read) = self.links.get_mut(&sides::of(network, peering, side)) {
                read.shows.push(view.clone());
            }
        }
    }

    /// A side's own half, which waits for the other one.
    fn new_half(&mut self, network: &Registered, peering: &Peering, side: Side, name: &Link) {
        let spec = sides::link(network, peering);
        let (requester, accepter) = match side {
            Side::Local => (spec.first, spec.second),
            Side::Remote => (spec.second, spec.first),
        };
        if let Some(read) = self.links.get_mut(&sides::of(network, peering, side)) {
            read.shows.push(LinkView {
                link: name.clone(),
                first: requester,
                second: accepter,
                state: LinkState::Pending,
                message: None,
                expires_at: None,
                owner: Some(spec.owner),
            });
        }
    }

    /// That half is gone, and the other one waits.
    fn no_half(&mut self, network: &Registered, peering: &Peering, side: Side, name: &Link) {
        let own = sides::network(network, peering, side);
        for read in self.links.values_mut() {
            let is_it = |it: &LinkView| it.link == *name && it.first.network.is_same(&own);
            read.shows.retain(|it| !is_it(it));
        }
        self.each_view(name, |view| view.state = LinkState::Pending);
    }

    fn each_view(&mut self, link: &Link, change: impl Fn(&mut LinkView)) {
        self.links
            .values_mut()
            .flat_map(|it| &mut it.shows)
            .filter(|view| view.link == *link)
            .for_each(change);
    }

    fn on_interface(
        &mut self,
        at: &AccountRegion,
        interface: &Interface,
        change: impl FnOnce(&mut BTreeSet<FirewallGroup>),
    ) {
        let read = self.interfaces.get_mut(at).into_iter();
        let mut shown = read.flat_map(|it| &mut it.shows).flatten().flatten();
        if let Some(view) = shown.find(|view| view.interface == *interface) {
            change(&mut view.groups);
        }
    }

    fn list(&mut self, at: &AccountRegion, denial: &Denial) -> Option<&mut AccessListView> {
        let shows = &mut self.lists.get_mut(at)?.shows;
        shows
            .iter_mut()
            .find(|view| view.list.as_ref() == Some(&denial.list))
    }

    fn in_group(
        &mut self,
        at: AccountRegion,
        group: &FirewallGroup,
        change: impl FnOnce(&mut Vec<RuleView>),
    ) {
        if let Some(view) = self
            .groups
            .get_mut(&at)
            .into_iter()
            .flat_map(|it| &mut it.shows)
            .find(|view| view.group == *group)
        {
            change(&mut view.rules);
        }
    }
}

/// The id of a group that would be made.
pub(super) fn new_group(side: Side) -> FirewallGroup {
    format!("(new-group-{side})")
        .parse()
        .expect("a plain word is a group's id")
}

fn group_view(network: &Registered, peering: &Peering, side: Side) -> GroupView {
    let of = sides::network(network, peering, side);
    GroupView {
        network: of.network,
        group: new_group(side),
        name: group_name(peering.id),
        belongs_to: of.at.account.to_string(),
        owner: Some(sides::owner(network, peering)),
        rules: Vec::new(),
    }
}

fn new_rule(rule: InboundRule, owner: Option<Owner>) -> Option<RuleView> {
    let from = match rule.source {
        // Ids have no colons.
        AdmittedSource::Range(range) => range.net().addr().to_string().replace(':', "-"),
        AdmittedSource::Group(it) => it.group().to_owned(),
    };
    let id: FirewallRule = format!("(new-rule-{from}-{})", rule.port).parse().ok()?;
    Some(RuleView {
        id,
        rule: Some(rule),
        admits: admitted_traffic(rule),
        text: format!("tcp {} from {}", rule.port, rule.source),
        owner,
        what: ExposedBy::Rule,
    })
}
