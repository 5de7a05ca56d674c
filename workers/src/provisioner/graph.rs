//! Graph: every network and every live link in the log, whoever asked for it.
//!
//! A network's own stream cannot tell that two private networks with overlapping ranges are being
//! joined with the same peer: the peer could not tell their answers apart. The provisioner follows
//! all streams anyway, and keeps just that much of them. It is folded from the log alone, and only
//! ever makes a preflight fail.

use domain::{
    Family, Ipv6Range, NetworkId, NetworkRange, PeeringId, Provider, Range,
    network::{Ending, Life, NetworkEvent, Peer, Peering, Registered},
    text::{Account, CloudNetwork},
};
use std::collections::BTreeMap;

/// A network at a cloud, by who owns it and its id.
type Node = (Provider, Account, CloudNetwork);

/// A private network and its links.
#[derive(Clone, Debug)]
struct Hub {
    node: Node,
    ranges: Vec<Range>,
    links: BTreeMap<PeeringId, (Node, Vec<Range>)>,
    /// Those whose request has expired: it can be asked for once more.
    expired: BTreeMap<PeeringId, (Node, Vec<Range>)>,
}

/// Every network and every live link in the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    hubs: BTreeMap<NetworkId, Hub>,
}

/// A range behind a link that the same network has already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Neighbour {
    pub(super) network_id: NetworkId,
    pub(super) peering_id: PeeringId,
    pub(super) range: Range,
}

impl Graph {
    /// Takes in what happened to a network.
    pub(super) fn evolve(&mut self, network: NetworkId, event: &NetworkEvent) {
        if let NetworkEvent::NetworkRegistered(it) = event {
            let node = (it.provider, it.account.clone(), it.cloud_network.clone());
            self.hubs.entry(network).or_insert(Hub {
                node,
                ranges: ranges(it.range, &it.ipv6_ranges),
                links: BTreeMap::new(),
                expired: BTreeMap::new(),
            });
            return;
        }
        let Some(hub) = self.hubs.get_mut(&network) else {
            return;
        };
        if let NetworkEvent::NetworkIpv6RangesSet(it) = event {
            hub.ranges.retain(|range| range.family() == Family::Ipv4);
            hub.ranges
                .extend(it.ranges.iter().map(|it| Range::from(*it)));
        } else if let NetworkEvent::PeeringRequested(it) = event {
            hub.links
                .insert(it.peering_id, (node(&it.peer), it.peer.ranges.clone()));
        } else if let NetworkEvent::PeeringAdopted(it) = event {
            hub.links
                .insert(it.peering_id, (node(&it.peer), it.peer.ranges.clone()));
        } else if let NetworkEvent::PeerRangesAdded(it) = event {
            if let Some((_, ranges)) = hub.links.get_mut(&it.peering_id) {
                let known = ranges.clone();
                let new = it.ranges.iter().filter(|range| !known.contains(range));
                ranges.extend(new);
            }
        } else if let NetworkEvent::PeerRangesDropped(it) = event {
            if let Some((_, ranges)) = hub.links.get_mut(&it.peering_id) {
                ranges.retain(|range| !it.ranges.contains(range));
            }
        } else if let NetworkEvent::PeeringExpired(it) = event {
            hub.expired.extend(hub.links.remove_entry(&it.peering_id));
        } else if let NetworkEvent::PeeringRenewed(it) = event {
            hub.links.extend(hub.expired.remove_entry(&it.peering_id));
        } else if let Some(id) = event.peering_id()
            && ends(event)
        {
            hub.links.remove(&id);
        }
    }

    /// Takes in a network that was loaded, as if all its events had been taken in. Events that are
    /// in it already may come again, in their order: they lead to the same.
    pub(super) fn take(&mut self, id: NetworkId, network: &Registered) {
        let link = |peering: &Peering| {
            let peer = &peering.peer;
            (peering.id, (node(peer), peer.ranges.clone()))
        };
        let has_expired = |it: &&Peering| matches!(it.life, Life::Ended(Ending::Expired { .. }));
        let hub = Hub {
            node: (
                network.provider,
                network.account.clone(),
                network.cloud_network.clone(),
            ),
            ranges: network.ranges(),
            links: network.live_peerings().map(link).collect(),
            expired: network
                .peerings()
                .values()
                .filter(has_expired)
                .map(link)
                .collect(),
        };
        self.hubs.insert(id, hub);
    }

    /// The ranges that this peer reaches over other private networks' links.
    pub(super) fn behind(&self, peer: &Peer, but: NetworkId) -> Vec<Neighbour> {
        let peer = node(peer);
        let others = self.hubs.iter().filter(|(id, _)| **id != but);
        let hubs = others.clone().flat_map(|(id, hub)| {
            let to_peer = hub.links.iter().filter(|(_, (node, _))| *node == peer);
            to_peer
                .flat_map(|(peering, _)| {
                    let each = hub.ranges.iter();
                    each.map(|range| Neighbour {
                        network_id: *id,
                        peering_id: *peering,
                        range: *range,
                    })
                })
                .collect::<Vec<_>>()
        });
        // The peer may be a private network itself; then it has peers of its own.
        let own = others
            .filter(|(_, hub)| hub.node == peer)
            .flat_map(|(id, hub)| {
                let ranges = hub.links.iter().flat_map(|(peering, (_, ranges))| {
                    ranges.iter().map(|range| (*peering, *range))
                });
                ranges
                    .map(|(peering_id, range)| Neighbour {
                        network_id: *id,
                        peering_id,
                        range,
                    })
                    .collect::<Vec<_>>()
            });
        hubs.chain(own).collect()
    }
}

/// All ranges of a private network.
fn ranges(own: NetworkRange, ipv6: &[Ipv6Range]) -> Vec<Range> {
    let more = ipv6.iter().map(|it| Range::from(*it));
    std::iter::once(own.into()).chain(more).collect()
}

fn node(peer: &Peer) -> Node {
    (
        peer.provider,
        peer.account.clone(),
        peer.cloud_network.clone(),
    )
}

/// Whether a peering is over for good with this event.
fn ends(event: &NetworkEvent) -> bool {
    matches!(
        event,
        NetworkEvent::PeeringRejected(_)
            | NetworkEvent::PeeringFailed(_)
            | NetworkEvent::PeeringRemoved(_)
            | NetworkEvent::PeeringAbandoned(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioner::testing::{IPV6, Log};
    use domain::network::{NetworkIpv6RangesSet, PeeringExpired, PeeringRenewed};
    use uuid::Uuid;

    fn of(n: u128, log: &Log) -> (NetworkId, Vec<NetworkEvent>) {
        (NetworkId(Uuid::from_u128(n)), log.events())
    }

    #[test]
    fn a_network_that_was_loaded_shows_what_its_events_show_and_they_may_come_again() {
        let (log, one, two) = (
            Log::with_a_peering(),
            NetworkId(Uuid::from_u128(1)),
            NetworkId(Uuid::from_u128(2)),
        );
        let peering_id = log.peering().id;
        let expired: NetworkEvent = PeeringExpired {
            peering_id,
            link: "pcx-1".parse().unwrap(),
        }
        .into();
        let (mut followed, mut loaded) = (Graph::default(), Graph::default());
        for id in [one, two] {
            log.events().iter().for_each(|it| followed.evolve(id, it));
            loaded.take(id, &log.network());
        }
        let peer = log.peering().peer;
        assert_eq!(loaded.behind(&peer, one), followed.behind(&peer, one));
        assert_eq!(loaded.behind(&peer, one).len(), 1);
        log.events().iter().for_each(|it| loaded.evolve(two, it));
        assert_eq!(loaded.behind(&peer, one), followed.behind(&peer, one));
        loaded.evolve(two, &expired);
        assert_eq!(loaded.behind(&peer, one), []);
    }

    #[test]
    fn a_peer_that_two_private_networks_share_shows_each_the_others_range_until_the_link_is_over() {
        let log = Log::with_a_peering();
        let mut graph = Graph::default();
        for (id, events) in [of(1, &log), of(2, &log)] {
            events.iter().for_each(|event| graph.evolve(id, event));
        }
        let (peer, one) = (log.peering().peer, NetworkId(Uuid::from_u128(1)));
        let seen = graph.behind(&peer, one);
        assert_eq!(
            seen.iter()
                .map(|it| (it.network_id, it.range))
                .collect::<Vec<_>>(),
            [(NetworkId(Uuid::from_u128(2)), *log.network().range)]
        );
        let (peering_id, two) = (log.peering().id, NetworkId(Uuid::from_u128(2)));
        let expired: domain::text::Link = "pcx-1".parse().unwrap();
        graph.evolve(
            two,
            &PeeringExpired {
                peering_id,
                link: expired.clone(),
            }
            .into(),
        );
        assert_eq!(graph.behind(&peer, one), []);
        graph.evolve(
            two,
            &PeeringRenewed {
                peering_id,
                expired,
            }
            .into(),
        );
        assert_eq!(graph.behind(&peer, one), seen, "it is asked for once more");
        let over = NetworkEvent::PeeringRemoved(domain::network::PeeringRemoved {
            peering_id: log.peering().id,
            left_behind: Vec::new(),
        });
        graph.evolve(NetworkId(Uuid::from_u128(2)), &over);
        assert_eq!(graph.behind(&peer, one), []);
    }
    #[test]
    fn a_private_networks_ipv6_ranges_are_behind_its_peers_from_the_event_that_sets_them() {
        let (log, plain) = (Log::dual_stack(), Log::with_a_peering());
        let (one, two) = (NetworkId(Uuid::from_u128(1)), NetworkId(Uuid::from_u128(2)));
        let (mut registered, mut set) = (Graph::default(), Graph::default());
        log.events()
            .iter()
            .for_each(|it| registered.evolve(two, it));
        plain.events().iter().for_each(|it| set.evolve(two, it));
        let ranges = |graph: &Graph| {
            let behind = graph.behind(&plain.peering().peer, one).into_iter();
            behind.map(|it| it.range.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(ranges(&registered), ["10.20.0.0/16", IPV6]);
        assert_eq!(ranges(&set), ["10.20.0.0/16"]);
        for written in [&[IPV6][..], &[]] {
            let ranges_set = NetworkEvent::NetworkIpv6RangesSet(NetworkIpv6RangesSet {
                network_id: two,
                ranges: written.iter().map(|it| it.parse().unwrap()).collect(),
            });
            set.evolve(two, &ranges_set);
            let expected = [&["10.20.0.0/16"], written].concat();
            assert_eq!(ranges(&set), expected);
        }
        let mut loaded = Graph::default();
        loaded.take(two, &log.network());
        assert_eq!(ranges(&loaded), ranges(&registered));
    }
}
