//! IPv6 that the cloud shows and nobody has named.

use super::{Advisory, IPV6, Known, advisory};
use crate::{
    network::{Peering, Registered},
    place::Provider,
    side::Side,
};

/// Which ranges those are, what that means, and the commands that name them.
pub(super) fn not_on_record(
    network: &Registered,
    peering: &Peering,
    known: &Known,
) -> Option<Advisory> {
    let (mut ends, mut commands) = (Vec::new(), Vec::new());
    for side in Side::BOTH {
        let more = known.more_ipv6.get(side);
        if !more.is_empty() {
            ends.push(format!("{} has {}", end(side), more.join(", ")));
            commands.push(naming(network, peering, side, more));
        }
    }
    if ends.is_empty() {
        return None;
    }
    let (what, to_do) = match network.provider {
        Provider::Aws => {
            let commands = commands.join("; ");
            let to_do = format!("; to put it on record: {commands}");
            ("what is on record alone", to_do)
        }
        // These refuse IPv6 ranges.
        Provider::Gcp | Provider::Azure => ("IPv4 alone", String::new()),
    };
    let ends = ends.join(", and ");
    let message = format!(
        "{ends}, which is not on record: the engine routes and admits {what}, an IPv6 route over the link that somebody else makes is \
         drift, and from then on a rule for ::/0 counts as an exposure{to_do}"
    );
    Some(advisory(IPV6, message))
}

fn end(side: Side) -> &'static str {
    match side {
        Side::Local => "the private network",
        Side::Remote => "the peer",
    }
}

/// The command that puts these on record, beside what is.
fn naming(network: &Registered, peering: &Peering, side: Side, more: &[String]) -> String {
    match side {
        Side::Local => {
            // These and no others are the network's then.
            let named = network.ipv6_ranges.iter().map(ToString::to_string);
            let all: Vec<String> = named.chain(more.iter().cloned()).collect();
            format!("peerage network ipv6 {} {}", network.id, all.join(" "))
        }
        Side::Remote => {
            let (peer, more) = (&peering.peer, more.join(" "));
            let (account, network) = (&peer.account, &peer.cloud_network);
            format!("peerage peering ranges add {account}/{network} {more}")
        }
    }
}
