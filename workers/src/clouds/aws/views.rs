//! What EC2 shows, in the words of the port.

use super::refusals::Asked;
use crate::cloud::{
    CloudError, CloudErrorKind, GroupView, LinkEnd, LinkState, LinkView, NetworkRef, OWNER_TAG, Place, RouteState, RouteTableView,
    RouteTarget, RouteView, RuleView,
};
use domain::{PeeringId, Provider, Range, Region, network::InboundRule, text::Subnet};
use ec2::{IpNet, PeeringConnection, PeeringEnd, PeeringStatus, RouteDestination, RuleSource, SecurityGroupId, SecurityGroupRule, Tags};

/// The connection as a link, if its two ends are these two networks.
pub(super) fn link(asked: &Asked<'_>, found: &PeeringConnection, networks: [&NetworkRef; 2]) -> Result<Option<LinkView>, CloudError> {
    let [one, other] = networks;
    let ends = if is(&found.requester, one) && is(&found.accepter, other) {
        (one, other)
    } else if is(&found.requester, other) && is(&found.accepter, one) {
        (other, one)
    } else {
        return Ok(None);
    };
    Ok(Some(LinkView {
        link: asked.name("peering connection", found.id.as_str())?,
        requester: end(asked, &found.requester, ends.0)?,
        accepter: end(asked, &found.accepter, ends.1)?,
        state: link_state(&found.status),
        message: (!found.status_message.is_empty()).then(|| found.status_message.clone()),
        expires_at: found.expires,
        owner: owner(&found.tags),
    }))
}

fn is(end: &PeeringEnd, network: &NetworkRef) -> bool {
    end.vpc.as_ref().is_some_and(|vpc| vpc.as_str() == network.network.as_str())
}

/// The end with what EC2 says of its account and region; who compares it with the intent must see a stranger as a stranger.
/// What EC2 leaves out is taken from the network that was asked about.
fn end(asked: &Asked<'_>, found: &PeeringEnd, network: &NetworkRef) -> Result<LinkEnd, CloudError> {
    let account = if found.account.is_empty() { network.place.account.clone() } else { asked.name("account", &found.account)? };
    let region = if found.region.is_empty() { network.place.region.clone() } else { region(asked, &found.region)? };
    let place = Place { provider: Provider::Aws, account, region };
    Ok(LinkEnd { network: NetworkRef { place, network: network.network.clone() }, ranges: found.cidrs.clone() })
}

fn region(asked: &Asked<'_>, name: &str) -> Result<Region, CloudError> {
    Region::of(Provider::Aws, name).map_err(|error| asked.error(CloudErrorKind::Unexpected).message(format!("region `{name}`: {error}")))
}

fn link_state(status: &PeeringStatus) -> LinkState {
    match status {
        PeeringStatus::InitiatingRequest => LinkState::Initiating,
        PeeringStatus::PendingAcceptance => LinkState::Pending,
        PeeringStatus::Provisioning => LinkState::Provisioning,
        PeeringStatus::Active => LinkState::Active,
        PeeringStatus::Rejected => LinkState::Rejected,
        PeeringStatus::Expired => LinkState::Expired,
        PeeringStatus::Failed => LinkState::Failed,
        PeeringStatus::Deleting => LinkState::Deleting,
        PeeringStatus::Deleted => LinkState::Deleted,
        PeeringStatus::Other(code) => LinkState::Unknown(code.clone()),
    }
}

fn owner(tags: &Tags) -> Option<PeeringId> {
    tags.get(OWNER_TAG)?.parse().ok()
}

/// Whether the subnet has chosen this table.
pub(super) fn names(table: &ec2::RouteTable, subnet: &Subnet) -> bool {
    table.subnets.iter().any(|named| named.as_str() == subnet.as_str())
}

/// The tables that serve these subnets, each once. The main table serves those that have chosen none, and stands for no subnet.
pub(super) fn serving<'t>(tables: &'t [ec2::RouteTable], subnets: &[Subnet]) -> impl Iterator<Item = &'t ec2::RouteTable> {
    let by_main = subnets.is_empty() || subnets.iter().any(|subnet| !tables.iter().any(|table| names(table, subnet)));
    tables.iter().filter(move |table| (table.main && by_main) || subnets.iter().any(|subnet| names(table, subnet)))
}

pub(super) fn route_table(asked: &Asked<'_>, table: &ec2::RouteTable) -> Result<RouteTableView, CloudError> {
    let routes = table.routes.iter().filter_map(|route| match &route.destination {
        RouteDestination::Ipv4(destination) => Some((IpNet::V4(*destination), route)),
        RouteDestination::Other(_) => None,
    });
    let routes = routes.map(|(destination, found)| {
        Ok(RouteView { destination, target: route_target(asked, &found.target)?, state: route_state(&found.state) })
    });
    Ok(RouteTableView { table: asked.name("route table", table.id.as_str())?, routes: routes.collect::<Result<_, CloudError>>()? })
}

fn route_target(asked: &Asked<'_>, target: &ec2::RouteTarget) -> Result<RouteTarget, CloudError> {
    Ok(match target {
        ec2::RouteTarget::Local => RouteTarget::Local,
        ec2::RouteTarget::Peering(id) => RouteTarget::Link(asked.name("peering connection", id.as_str())?),
        ec2::RouteTarget::Other(id) => RouteTarget::Other(id.clone()),
    })
}

fn route_state(state: &ec2::RouteState) -> RouteState {
    match state {
        ec2::RouteState::Active => RouteState::Active,
        ec2::RouteState::Blackhole => RouteState::Blackhole,
        ec2::RouteState::Other(word) => RouteState::Unknown(word.clone()),
    }
}

pub(super) fn group<'r>(
    asked: &Asked<'_>,
    id: &SecurityGroupId,
    rules: impl IntoIterator<Item = &'r SecurityGroupRule>,
) -> Result<GroupView, CloudError> {
    let inbound = rules.into_iter().filter(|rule| !rule.egress);
    let rules = inbound.map(|rule| {
        let id = asked.name("security group rule", rule.id.as_str())?;
        Ok(RuleView { id, rule: inbound_rule(rule), text: text(rule), owner: owner(&rule.tags) })
    });
    Ok(GroupView { group: asked.name("security group", id.as_str())?, rules: rules.collect::<Result<_, CloudError>>()? })
}

/// The rule in our words, if we could have made it: TCP, one port, one range that may be peered.
fn inbound_rule(rule: &SecurityGroupRule) -> Option<InboundRule> {
    let RuleSource::Cidr(source) = &rule.source else { return None };
    let source: Range = source.to_string().parse().ok()?;
    let (first, last) = rule.ports?;
    let port = u16::try_from(first).ok().filter(|_| first == last && rule.protocol == "tcp")?;
    Some(InboundRule { source, port })
}

fn text(rule: &SecurityGroupRule) -> String {
    let protocol = if rule.protocol == "-1" { "everything" } else { &rule.protocol };
    let ports = match rule.ports {
        None | Some((-1, _)) => String::new(),
        Some((first, last)) if first == last => format!(" {first}"),
        Some((first, last)) => format!(" {first} to {last}"),
    };
    let source = match &rule.source {
        RuleSource::Cidr(cidr) => cidr.to_string(),
        RuleSource::Group(group) => group.to_string(),
        RuleSource::Other(other) => other.clone(),
    };
    format!("{protocol}{ports} from {source}")
}
