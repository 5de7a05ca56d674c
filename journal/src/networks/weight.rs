//! How much memory a folded network takes, roughly: what bounds the cache.

use super::Loaded;
use domain::{
    Side,
    network::{Connections, EndedPeering, Network, Peering, Registered},
};

/// A thing in a map, with its texts.
const ENTRY: usize = 160;

pub(super) fn weight(loaded: &Loaded) -> usize {
    let network = match &loaded.network {
        Network::Unregistered | Network::Marked(_) => 0,
        Network::Registered(network) | Network::Retired(network) => of_network(network),
    };
    size_of::<Loaded>() + network + loaded.undecodable.len() * 2 * ENTRY
}

fn of_network(network: &Registered) -> usize {
    let Connections {
        peerings,
        ended_peerings,
    } = &network.connections;
    let peerings: usize = peerings.values().map(of_peering).sum();
    // Hardly any of them left more than a few things.
    let ended = ended_peerings.len() * (size_of::<EndedPeering>() + 4 * ENTRY);
    peerings + ended + network.subnets.len() * ENTRY + 4 * ENTRY
}

fn of_peering(peering: &Peering) -> usize {
    let sides: usize = Side::BOTH
        .into_iter()
        .map(|side| {
            let firewall = peering.firewall.get(side);
            let routes = peering.routes.get(side).values();
            let tables: usize = routes
                .map(|it| it.installed.len() + it.conflicts.len())
                .sum();
            tables
                + peering.routes.get(side).len()
                + peering.ever_accepted.get(side).len()
                + 2 * peering.withdrawn.get(side).len()
                + peering.gone.get(side).len()
                + firewall.admit.len()
                + firewall.rules.len()
                + 4 * firewall.exposures.len()
                + firewall.cleared.len()
        })
        .sum();
    let shared = peering.past_links.len()
        + 2 * peering.ingress.len()
        + peering.admissions.len()
        + 2 * (peering.drift.len() + peering.repairs.len() + peering.accepted_drift.len());
    size_of::<Peering>() + (6 + sides + shared) * ENTRY
}
