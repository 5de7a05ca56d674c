//! Things that are true of a link and that its owner should know before they hurt.
//!
//! Advisories follow from the record, and from what is passed in of the cloud ([`Known`]); they
//! never refuse anything. Every figure in them is an estimate from a dated table ([`figures`]), and
//! says so.

/// Figures of the providers: distances, prices, quotas.
pub mod figures;
#[cfg(test)]
mod tests;

mod denial;
mod ingress;
mod ipv6;

pub use ingress::ingress_not_aimed;

use crate::{
    network::{LinkOption, Peering, Registered, Routing, live_peerings},
    place::{Aim, Provider, Unspoken},
    range::Family,
    side::{BySide, Side},
    text::RouteTable,
};
use serde::Serialize;
use std::collections::BTreeSet;

/// One thing to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advisory {
    /// A stable code, for programs.
    pub code: &'static str,
    /// The same for people: what it means and what it may cost.
    pub message: String,
}

/// Another region costs more and takes longer.
pub const CROSS_REGION: &str = "CROSS_REGION";
/// What does not work between regions as it does within one.
pub const INTER_REGION_LIMITS: &str = "INTER_REGION_LIMITS";
/// Private names do not resolve across regions unless that is asked for.
pub const PRIVATE_NAMES: &str = "PRIVATE_NAMES";
/// Another zone of the region costs a little more.
pub const CROSS_ZONE: &str = "CROSS_ZONE";
/// A peering joins two networks and no third.
pub const NON_TRANSITIVE: &str = "NON_TRANSITIVE";
/// What comes in by a VPN or another gateway of the peer does not go on over the link.
pub const EDGE_ROUTING: &str = "EDGE_ROUTING";
/// The provider's own default lets the other end in.
pub const OPEN_BY_DEFAULT: &str = "OPEN_BY_DEFAULT";
/// The provider's quota of links is nearly used up.
pub const QUOTA_HEADROOM: &str = "QUOTA_HEADROOM";

/// A range of the peer is public address space.
pub const PUBLIC_RANGE: &str = "PUBLIC_RANGE";

/// A firewall group admits only where it is attached, and nobody has attached it yet.
pub const ATTACH_GROUP: &str = "ATTACH_GROUP";

/// The lists in front of subnets deny what comes from the other side: what else that breaks.
pub const DENIED_WITH_LISTS: &str = "DENIED_WITH_LISTS";
/// An end has IPv6 ranges that are not on record, and the engine routes and admits what is.
pub const IPV6: &str = "IPV6";

/// A route table that no subnet uses has the routes of a side.
pub const IDLE_TABLE: &str = "IDLE_TABLE";

/// The two networks exchange their routes by themselves.
pub const ROUTES_EXCHANGED: &str = "ROUTES_EXCHANGED";

/// A connector ingress is open on whatever carries the group.
pub const INGRESS_NOT_AIMED: &str = "INGRESS_NOT_AIMED";

/// A link's traffic goes over several paths at once, which costs extra.
pub const MULTIPATH: &str = "MULTIPATH";

/// Every code there is.
pub const CODES: [&str; 16] = [
    CROSS_REGION,
    INTER_REGION_LIMITS,
    PRIVATE_NAMES,
    CROSS_ZONE,
    NON_TRANSITIVE,
    EDGE_ROUTING,
    OPEN_BY_DEFAULT,
    QUOTA_HEADROOM,
    PUBLIC_RANGE,
    ATTACH_GROUP,
    DENIED_WITH_LISTS,
    IPV6,
    IDLE_TABLE,
    ROUTES_EXCHANGED,
    INGRESS_NOT_AIMED,
    MULTIPATH,
];

/// What somebody has read at the cloud. What is not known gives no advisory, or one from a
/// constant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The zones of each side's subnets, by the ids that are the same in every account (AWS:
    /// `use1-az1`; the names are shuffled).
    pub zones: BySide<BTreeSet<String>>,
    /// The links of the private network that count against its quota.
    pub links: Option<Usage>,
    /// The IPv6 ranges of each side's network that are not on record, as the cloud writes them.
    pub more_ipv6: BySide<Vec<String>>,
}

/// How much of a quota is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// How many are used.
    pub used: usize,
    /// How many there may be.
    pub most: usize,
}

impl Usage {
    /// Whether more than four fifths are used.
    pub fn is_near_its_end(&self) -> bool {
        self.used.saturating_mul(5) > self.most.saturating_mul(4)
    }
}

/// What the owner of this network should know about this peering, from the record alone.
pub fn advisories(network: &Registered, peering: &Peering) -> Vec<Advisory> {
    advisories_knowing(network, peering, &Known::default())
}

/// The same with what is known of the cloud.
pub fn advisories_knowing(network: &Registered, peering: &Peering, known: &Known) -> Vec<Advisory> {
    let (local, remote) = (network.region.as_str(), peering.peer.region.as_str());
    let between_regions = local != remote;
    let usage = known.links.unwrap_or_else(|| Usage {
        used: network.connections.links_taken(),
        most: live_peerings(network.provider),
    });
    let all = [
        cross_region(local, remote),
        inter_region_limits(network.provider).filter(|_| between_regions),
        private_names(network.provider, peering).filter(|_| between_regions),
        multipath(peering),
        cross_zone(known).filter(|_| !between_regions),
        Some(non_transitive()),
        Some(edge_routing(network.provider)),
        open_by_default(network.provider),
        quota_headroom(usage),
        public_range(peering),
        ipv6::not_on_record(network, peering, known),
        routes_exchanged(network.provider),
        ingress_not_aimed(network, peering),
    ];
    let to_attach = Side::BOTH.map(|side| attach_group(network, peering, side));
    let denied = Side::BOTH.map(|side| denial::denied(network, peering, side));
    let all = all.into_iter().chain(to_attach).chain(denied);
    let idle = Side::BOTH.map(|side| idle_tables(network, peering, side));
    all.chain(idle).flatten().collect()
}

fn advisory(code: &'static str, message: impl Into<String>) -> Advisory {
    Advisory {
        code,
        message: message.into(),
    }
}

/// What who accepts or withdraws a route should know, where a link carries more than that.
pub fn routes_exchanged(provider: Provider) -> Option<Advisory> {
    let further = match Routing::of(provider) {
        Routing::PerTable => return None,
        Routing::Exchanged {
            import: Some(import),
            export: Some(export),
        } => format!(
            "; routes beyond the networks' own ranges only where one side has {} and the other {}",
            import.as_str().replace('_', "-"),
            export.as_str().replace('_', "-"),
        ),
        Routing::Exchanged { .. } => String::new(),
    };
    let message = format!(
        "links on {provider} exchange the routes of both networks by themselves{further}. No destination is withheld from a side by not \
         accepting its route or by withdrawing it: what must not pass, the firewall keeps out"
    );
    Some(advisory(ROUTES_EXCHANGED, message))
}

fn cross_region(local: &str, remote: &str) -> Option<Advisory> {
    let message = match figures::between_regions(local, remote)? {
        Some(path) => format!(
            "{local} and {remote} are different regions: a round trip takes {}, and traffic costs {} ({})",
            path.round_trip,
            path.price,
            figures::source(),
        ),
        None => {
            format!(
                "{local} and {remote} are different regions: round trips take longer, and traffic is charged by the pair of regions"
            )
        }
    };
    Some(advisory(CROSS_REGION, message))
}

fn inter_region_limits(provider: Provider) -> Option<Advisory> {
    match provider {
        Provider::Aws => Some(advisory(
            INTER_REGION_LIMITS,
            "between regions a security group cannot name the other side's groups, only ranges, and packets have at most 8,500 bytes \
             (9,001 within a region)",
        )),
        Provider::Gcp | Provider::Azure => None,
    }
}

fn private_names(provider: Provider, peering: &Peering) -> Option<Advisory> {
    match provider {
        Provider::Aws => (!peering.option(Side::Local, LinkOption::DnsResolution).wanted).then(|| {
            advisory(
                PRIVATE_NAMES,
                "the private network's names do not resolve to private addresses in another region; ask for DNS resolution of the local \
                 side if the peer uses them",
            )
        }),
        Provider::Gcp | Provider::Azure => None,
    }
}

/// What is asked for of it, and that it costs.
fn multipath(peering: &Peering) -> Option<Advisory> {
    let is_wanted = |side: &Side| {
        peering
            .option(*side, LinkOption::MultipathResilience)
            .wanted
    };
    let wanted: Vec<Side> = Side::BOTH.into_iter().filter(is_wanted).collect();
    let effect = match wanted[..] {
        [] => return None,
        [side] => format!(
            "it takes effect only once the {} side allows it as well",
            side.other()
        ),
        [..] => "it takes effect while both sides allow it".to_owned(),
    };
    Some(advisory(
        MULTIPATH,
        format!(
            "multipath resilience sends traffic over several paths between the regions at once, which is charged extra; {effect}"
        ),
    ))
}

fn cross_zone(known: &Known) -> Option<Advisory> {
    let (local, remote) = (&known.zones.local, &known.zones.remote);
    let is_one_zone = local.len() == 1 && local == remote;
    if local.is_empty() || remote.is_empty() || is_one_zone {
        return None;
    }
    let path = figures::BETWEEN_ZONES;
    let list = |zones: &BTreeSet<String>| {
        zones
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let message = format!(
        "the private network is in {} and the peer in {}: between zones a round trip takes {}, and traffic costs {} ({}); within one \
         zone it is free",
        list(local),
        list(remote),
        path.round_trip,
        path.price,
        figures::source(),
    );
    Some(advisory(CROSS_ZONE, message))
}

fn non_transitive() -> Advisory {
    advisory(
        NON_TRANSITIVE,
        "a peering is not transitive: networks behind the peer do not reach the private network, nor it them",
    )
}

fn edge_routing(provider: Provider) -> Advisory {
    let message = match provider {
        Provider::Aws => {
            "nothing enters or leaves by the other end's gateways: neither a VPN, Direct Connect, an internet or NAT gateway, nor an S3 \
             endpoint; who comes in by a VPN needs a proxy or address translation in the peer"
        }
        Provider::Gcp => {
            "who comes in by the peer's VPN or interconnect reaches the private network only if the peer exports and the private network \
             imports custom routes, and the peer's router advertises the private network's range"
        }
        Provider::Azure => {
            "who comes in by the peer's VPN or ExpressRoute reaches the private network only if the peer's half allows gateway transit and \
             the private network's half uses remote gateways; one peering of a network can do that"
        }
    };
    advisory(EDGE_ROUTING, message)
}

fn open_by_default(provider: Provider) -> Option<Advisory> {
    match provider.firewall().unspoken {
        Unspoken::LetIn => Some(advisory(
            OPEN_BY_DEFAULT,
            "the default rule AllowVnetInBound admits peered networks: a network security group without an explicit denial lets the other \
             end in",
        )),
        Unspoken::KeptOut => None,
    }
}

/// Of a provider whose groups admit only where they are attached. What the engine is to attach, or
/// was seen to be attached, needs no word.
fn attach_group(network: &Registered, peering: &Peering, side: Side) -> Option<Advisory> {
    match network.provider.firewall().aim {
        Aim::Attachment => {}
        Aim::Addresses => return None,
    }
    let (firewall, admitted) = (peering.firewall.get(side), network.admitted(peering, side));
    let attachment = &firewall.attachment;
    let is_attached = attachment.count().is_some_and(|count| count > 0);
    if admitted.is_empty()
        || is_attached
        || attachment.wanted.is_some()
        || !peering.is_ours_to_keep(side)
    {
        return None;
    }
    let group = match &firewall.group {
        Some(group) => format!("{group} on the {side} side"),
        None => format!("the security group that the engine makes on the {side} side"),
    };
    Some(advisory(
        ATTACH_GROUP,
        format!(
            "a security group admits only where it is attached: attach {group} to the network interfaces of the machines that are to be \
             reached, or have the engine do it: peerage firewall attach {} --side {side} --to tag:KEY=VALUE",
            peering.id
        ),
    ))
}

fn public_range(peering: &Peering) -> Option<Advisory> {
    let public: Vec<String> = peering
        .peer
        .ranges
        .iter()
        // What is public of IPv6 is the network's own by itself.
        .filter(|range| range.is_public() && range.family() == Family::Ipv4)
        .map(ToString::to_string)
        .collect();
    (!public.is_empty()).then(|| {
        advisory(
            PUBLIC_RANGE,
            format!(
                "{} is public address space: with a route over the link, what others have there on the internet is not reached from the \
                 private network",
                public.join(", ")
            ),
        )
    })
}

fn idle_tables(network: &Registered, peering: &Peering, side: Side) -> Option<Advisory> {
    let seen = peering.routes_in_place.get(side).as_ref()?;
    let idle: Vec<&str> = seen.idle.iter().map(RouteTable::as_str).collect();
    let command = match side {
        Side::Local => format!("peerage network subnets all {}", network.id),
        Side::Remote => format!("peerage peering subnets all {}", peering.id),
    };
    (!idle.is_empty()).then(|| {
        advisory(
            IDLE_TABLE,
            format!(
                "no subnet uses {}, which has the routes of the {side} side, so nobody there has them; `{command}` puts them into the \
                 tables of every subnet, `add` or `set` in the place of `all` into some",
                idle.join(", ")
            ),
        )
    })
}

fn quota_headroom(usage: Usage) -> Option<Advisory> {
    let Usage { used, most } = usage;
    usage.is_near_its_end().then(|| {
        advisory(
            QUOTA_HEADROOM,
            format!("{used} of {most} possible links of this network are in use"),
        )
    })
}
