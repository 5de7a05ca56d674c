//! What each call does to the simulated world, once it has arrived.

use super::{
    Deed,
    settings::{SecondRequest, Unknown},
    weather::{after, prefixes},
    world::{Shown, SimulatedGroup, SimulatedLink, SimulatedNetwork, SimulatedRoute, SimulatedRule, SimulatedTable, Turn},
};
use crate::cloud::{
    CloudError, CloudErrorKind, GroupView, LinkEnd, LinkSpec, LinkState, LinkView, NetworkRef, RouteTableView, RouteTarget, RouteView,
    RuleView, group_name,
};
use domain::{
    PeeringId, Provider, Range,
    network::InboundRule,
    text::{Account, CloudNetwork, FirewallGroup, FirewallRule, Link, RouteTable, Subnet},
};
use ipnet::IpNet;

/// What AWS says when a request could never have worked.
const NEVER: &str = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range";

impl Deed<'_> {
    fn error(&self, kind: CloudErrorKind, code: &str, message: impl Into<String>) -> CloudError {
        CloudError::new(self.operation, self.at, kind).code(code).message(message)
    }

    fn not_found(&self, what: &impl ToString) -> CloudError {
        self.error(CloudErrorKind::NotFound, "NotFound", format!("`{}` does not exist", what.to_string()))
    }

    fn wrong_state(&self, link: &Link) -> CloudError {
        self.error(CloudErrorKind::WrongState, "InvalidStateTransition", format!("`{link}` cannot be accepted now"))
    }

    fn soon(&mut self) -> Shown {
        let from = after(self.now, self.state.weather.draw(&self.settings.visibility));
        Shown { from, missed_by: self.state.weather.count(&self.settings.stale_reads) }
    }

    pub(super) fn identity(&mut self) -> Result<Account, CloudError> {
        Ok(self.state.impostors.get(&self.at.account).unwrap_or(&self.at.account).clone())
    }

    pub(super) fn links(&mut self, one: &NetworkRef, other: &NetworkRef) -> Vec<LinkView> {
        let (now, at) = (self.now, self.at);
        self.state.world.links.values_mut().filter(|link| link.joins(one, other)).filter_map(|link| link.view(at, now)).collect()
    }

    pub(super) fn create_link(&mut self, spec: &LinkSpec) -> Result<Link, CloudError> {
        let (requester, accepter) = (&spec.requester.network, &spec.accepter.network);
        self.know(&spec.requester);
        self.know(&spec.accepter);
        if self.state.world.network(requester).is_none() {
            return Err(self.not_found(requester));
        }
        let same = |link: &&SimulatedLink| link.requester.network == *requester && link.accepter.network == *accepter;
        if self.settings.second_request == SecondRequest::SameLink
            && let Some(existing) = self.state.world.live_links(requester).find(same)
        {
            return Ok(existing.id.clone());
        }
        if self.state.world.live_links(requester).count() >= self.settings.live_links {
            return Err(self.error(CloudErrorKind::Quota, "VpcPeeringConnectionsPerVpcLimitExceeded", "too many links"));
        }
        self.occupy(requester, accepter)?;
        let link = self.born(spec);
        let id = link.id.clone();
        self.state.world.links.insert(id.clone(), link);
        Ok(id)
    }

    fn born(&mut self, spec: &LinkSpec) -> SimulatedLink {
        let possible = self.is_possible(&spec.requester.network, &spec.accepter.network);
        let wait = self.state.weather.draw(&self.settings.initiating);
        let turns = match possible {
            true => Turn::later(self.now, wait, LinkState::Pending, None),
            false => Turn::later(self.now, wait, LinkState::Failed, Some(NEVER)),
        };
        SimulatedLink {
            id: self.state.weather.id(prefixes(self.at.provider).link),
            requester: self.end(&spec.requester),
            accepter: self.end(&spec.accepter),
            state: LinkState::Initiating,
            message: None,
            expires_at: Some(after(self.now, self.settings.expiry)),
            owner: Some(spec.peering),
            turns: Some(turns),
            shown_to_requester: self.soon(),
            shown_to_accepter: self.soon(),
        }
    }

    fn end(&mut self, told: &LinkEnd) -> LinkEnd {
        let ranges = self.state.world.network(&told.network).map(|it| it.ranges.clone()).unwrap_or_default();
        LinkEnd { network: told.network.clone(), ranges }
    }

    fn is_possible(&mut self, requester: &NetworkRef, accepter: &NetworkRef) -> bool {
        let Some(one) = self.state.world.network(requester).cloned() else { return false };
        self.state.world.network(accepter).is_some_and(|other| !one.overlaps(other))
    }

    /// Brings a network into being that nobody had heard of, where the settings say so.
    fn know(&mut self, end: &LinkEnd) {
        let key = end.network.to_string();
        if self.settings.unknown_networks == Unknown::Refused || self.state.world.networks.contains_key(&key) {
            return;
        }
        let main = self.state.weather.id(prefixes(end.network.place.provider).table);
        self.state.world.networks.insert(key, SimulatedNetwork::new(end.network.clone(), end.ranges.clone(), main));
    }

    /// Begins an operation on both networks; each does one at a time.
    fn occupy(&mut self, one: &NetworkRef, other: &NetworkRef) -> Result<(), CloudError> {
        let until = after(self.now, self.state.weather.draw(&self.settings.busy));
        let both = [one, other];
        if both.into_iter().any(|it| self.state.world.network(it).is_some_and(|network| network.busy_until > self.now)) {
            return Err(self.error(
                CloudErrorKind::Busy,
                "OperationInProgress",
                "There is a peering operation in progress. Try again later.",
            ));
        }
        for it in both {
            if let Some(network) = self.state.world.network(it) {
                network.busy_until = until;
            }
        }
        Ok(())
    }

    pub(super) fn accept_link(&mut self, link: &Link) -> Result<(), CloudError> {
        let found = self.state.world.links.get_mut(link).and_then(|it| it.shown_to_accepter.read(self.now).then(|| it.clone()));
        let found = found.ok_or_else(|| self.not_found(link))?;
        if found.accepter.network.place != *self.at {
            let message = format!("`{link}` is accepted by its accepter, in its accepter's region");
            return Err(self.error(CloudErrorKind::WrongState, "OperationNotPermitted", message));
        }
        if found.state != LinkState::Pending {
            return Err(self.wrong_state(link));
        }
        let (requester, accepter) = (&found.requester.network, &found.accepter.network);
        let rival = |other: &&SimulatedLink| other.id != *link && other.joins(requester, accepter) && has_begun(&other.state);
        if let Some(rival) = self.state.world.live_links(accepter).find(rival).map(|rival| rival.id.clone()) {
            let message = format!("`{rival}` joins these networks already");
            return Err(self.error(CloudErrorKind::Conflict, "VpcPeeringConnectionAlreadyExists", message));
        }
        self.occupy(requester, accepter)?;
        let wait = self.state.weather.draw(&self.settings.provisioning);
        let turns = Turn::later(self.now, wait, LinkState::Active, None);
        if let Some(link) = self.state.world.links.get_mut(link) {
            link.state = LinkState::Provisioning;
            link.turns = Some(turns);
        }
        Ok(())
    }

    pub(super) fn route_tables(&mut self, network: &NetworkRef, subnets: &[Subnet]) -> Result<Vec<RouteTableView>, CloudError> {
        let mut known = self.state.world.network(network).cloned().ok_or_else(|| self.not_found(network))?;
        let own = |table: &SimulatedTable, subnet: &Subnet| table.subnets.contains(subnet);
        let homeless = subnets.is_empty() || subnets.iter().any(|subnet| !known.tables.iter().any(|table| own(table, subnet)));
        let now = self.now;
        let mut views = Vec::new();
        for (index, table) in known.tables.iter_mut().enumerate() {
            if (index == 0 && homeless) || subnets.iter().any(|subnet| own(table, subnet)) {
                let seen = table.routes.iter_mut().filter_map(|route| route.shown.read(now).then(|| route.clone()));
                let routes = seen
                    .map(|it| RouteView { destination: it.destination, state: self.state.world.route_state(&it.target), target: it.target })
                    .collect();
                views.push(RouteTableView { table: table.id.clone(), routes });
            }
        }
        if let Some(network) = self.state.world.network(network) {
            *network = known;
        }
        Ok(views)
    }

    pub(super) fn install_route(&mut self, table: &RouteTable, destination: Range, link: &Link) -> Result<(), CloudError> {
        if !self.state.world.links.contains_key(link) {
            return Err(self.not_found(link));
        }
        let shown = self.soon();
        let destination = IpNet::V4(destination.net());
        let Some(found) = self.state.world.table(self.at, table) else { return Err(self.not_found(table)) };
        if found.routes.iter().any(|route| route.destination == destination) {
            let message = format!("The route identified by {destination} already exists.");
            return Err(self.error(CloudErrorKind::AlreadyThere, "RouteAlreadyExists", message));
        }
        found.routes.push(SimulatedRoute { destination, target: RouteTarget::Link(link.clone()), shown });
        Ok(())
    }

    pub(super) fn firewall_groups(&mut self, network: &NetworkRef, peering: PeeringId) -> Result<Vec<GroupView>, CloudError> {
        let now = self.now;
        let Some(known) = self.state.world.network(network) else { return Err(self.not_found(network)) };
        let ours = known.groups.iter_mut().filter(|group| group.owner == Some(peering));
        Ok(ours.filter_map(|group| group.shown.read(now).then(|| view(group, now))).collect())
    }

    pub(super) fn create_group(&mut self, network: &NetworkRef, peering: PeeringId) -> Result<FirewallGroup, CloudError> {
        let id: FirewallGroup = self.state.weather.id(prefixes(self.at.provider).group);
        let (shown, name) = (self.soon(), group_name(peering));
        let Some(known) = self.state.world.network(network) else { return Err(self.not_found(network)) };
        if known.groups.iter().any(|group| group.name == name) {
            return Err(self.error(CloudErrorKind::AlreadyThere, "InvalidGroup.Duplicate", format!("`{name}` exists")));
        }
        known.groups.push(SimulatedGroup { id: id.clone(), name, owner: Some(peering), rules: Vec::new(), shown });
        Ok(id)
    }

    pub(super) fn authorize_rule(
        &mut self,
        group: &FirewallGroup,
        rule: InboundRule,
        peering: PeeringId,
    ) -> Result<FirewallRule, CloudError> {
        let id: FirewallRule = self.state.weather.id(prefixes(self.at.provider).rule);
        let (shown, now, most) = (self.soon(), self.now, self.settings.rules);
        let found = self.state.world.group(self.at, group).filter(|group| group.shown.from <= now);
        let Some(found) = found else { return Err(self.not_found(group)) };
        if found.rules.iter().any(|it| it.rule == Some(rule)) {
            return Err(self.error(CloudErrorKind::AlreadyThere, "InvalidPermission.Duplicate", "the specified rule already exists"));
        }
        if found.rules.len() >= most {
            return Err(self.error(CloudErrorKind::Quota, "RulesPerSecurityGroupLimitExceeded", format!("{most} rules at most")));
        }
        let text = format!("tcp {} from {}", rule.port, rule.source);
        found.rules.push(SimulatedRule { id: id.clone(), rule: Some(rule), text, owner: Some(peering), shown });
        Ok(id)
    }

    pub(super) fn revoke_rule(&mut self, group: &FirewallGroup, rule: &FirewallRule) -> Result<(), CloudError> {
        let Some(found) = self.state.world.group(self.at, group) else { return Err(self.not_found(group)) };
        let before = found.rules.len();
        found.rules.retain(|it| it.id != *rule);
        if found.rules.len() == before { Err(self.not_found(rule)) } else { Ok(()) }
    }

    pub(super) fn create_network(&mut self, range: Range, name: &str) -> Result<CloudNetwork, CloudError> {
        let id: CloudNetwork = match self.at.provider {
            Provider::Aws => self.state.weather.id("vpc"),
            Provider::Gcp => self.state.weather.id(name),
            Provider::Azure => {
                self.state.weather.id(&format!("/subscriptions/{}/providers/Microsoft.Network/virtualNetworks/{name}", self.at.account))
            }
        };
        let network = NetworkRef { place: self.at.clone(), network: id.clone() };
        let main = self.state.weather.id(prefixes(self.at.provider).table);
        let made = SimulatedNetwork::new(network.clone(), vec![IpNet::V4(range.net())], main);
        self.state.world.networks.insert(network.to_string(), made);
        Ok(id)
    }
}

/// Whether a link has been accepted.
fn has_begun(state: &LinkState) -> bool {
    match state {
        LinkState::Provisioning | LinkState::Active | LinkState::Deleting => true,
        LinkState::Initiating
        | LinkState::Pending
        | LinkState::Rejected
        | LinkState::Expired
        | LinkState::Failed
        | LinkState::Deleted
        | LinkState::Unknown(_) => false,
    }
}

fn view(group: &mut SimulatedGroup, now: chrono::DateTime<chrono::Utc>) -> GroupView {
    let seen = group.rules.iter_mut().filter_map(|rule| rule.shown.read(now).then(|| rule.clone()));
    let rules = seen.map(|it| RuleView { id: it.id, rule: it.rule, text: it.text, owner: it.owner }).collect();
    GroupView { group: group.id.clone(), rules }
}
