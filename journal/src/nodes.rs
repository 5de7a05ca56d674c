//! Which node to follow: the one there is, or any live one of a cluster.
//!
//! A client is given some nodes of a cluster and learns the others from gossip. Any node that takes
//! part can be followed, so the one that the connection string prefers is taken if it is alive, and
//! never the one that just failed while there is another.

use crate::transport::{Http, Transport};
use kurrentdb::{ClientSettings, Endpoint, NodePreference};
use protocol::gossip::{MemberInfo, gossip_client::GossipClient, member_info::VNodeState};

#[derive(Debug)]
pub(crate) struct Nodes {
    /// Alone, there is no choice and no gossip.
    alone: bool,
    /// What the connection string names.
    seeds: Vec<Endpoint>,
    /// What gossip last told.
    members: Vec<Endpoint>,
    failed: Option<Endpoint>,
    preference: NodePreference,
}

impl Nodes {
    pub(crate) fn of(settings: &ClientSettings) -> Self {
        let seeds = settings.hosts().clone();
        let alone = seeds.len() == 1 && !settings.is_dns_discovery_enabled();
        Self {
            alone,
            seeds,
            members: Vec::new(),
            failed: None,
            preference: settings.node_preference(),
        }
    }

    /// Notes that this node did not work out.
    pub(crate) fn failed(&mut self, node: Endpoint) {
        self.failed = Some(node);
    }

    /// The node to try now, by the first gossip that any known node gives.
    pub(crate) async fn choose(&mut self, transport: &Transport, http: &Http) -> Option<Endpoint> {
        if self.alone {
            return self.seeds.first().cloned();
        }
        for node in self.to_ask() {
            let members = gossip(transport, http, &node).await;
            if let Some(best) = best(&members, &self.preference, self.failed.as_ref()) {
                self.members = members.into_iter().filter_map(endpoint).collect();
                return Some(best);
            }
        }
        None
    }

    /// Whether this node still takes part in its cluster, by its own word.
    pub(crate) async fn belongs(
        &self,
        transport: &Transport,
        http: &Http,
        node: &Endpoint,
    ) -> bool {
        self.alone
            || gossip(transport, http, node)
                .await
                .into_iter()
                .any(|it| takes_part(&it) && endpoint(it).as_ref() == Some(node))
    }

    /// Everybody ever heard of, the one that failed last.
    fn to_ask(&self) -> Vec<Endpoint> {
        let mut all: Vec<_> = self.members.clone();
        all.extend(
            self.seeds
                .iter()
                .filter(|it| !self.members.contains(it))
                .cloned(),
        );
        all.sort_by_key(|it| self.failed.as_ref() == Some(it));
        all
    }
}

/// What this node says of its cluster; nothing if it does not answer in time.
async fn gossip(transport: &Transport, http: &Http, node: &Endpoint) -> Vec<MemberInfo> {
    let Some(uri) = transport.uri(node) else {
        return Vec::new();
    };
    let mut client = GossipClient::with_origin(http.clone(), uri);
    match tokio::time::timeout(
        transport.settings.gossip_timeout(),
        client.read(transport.request(())),
    )
    .await
    {
        Ok(Ok(response)) => response.into_inner().members,
        Ok(Err(status)) => {
            tracing::debug!(?node, %status, "no gossip from this node");
            Vec::new()
        }
        Err(_) => {
            tracing::debug!(?node, "no gossip from this node in time");
            Vec::new()
        }
    }
}

fn best(
    members: &[MemberInfo],
    preference: &NodePreference,
    failed: Option<&Endpoint>,
) -> Option<Endpoint> {
    members
        .iter()
        .filter(|it| takes_part(it))
        .filter_map(|it| endpoint(it.clone()).map(|endpoint| (it.state(), endpoint)))
        .min_by_key(|(state, endpoint)| {
            (failed == Some(endpoint), !is_preferred(preference, *state))
        })
        .map(|(_, endpoint)| endpoint)
}

fn endpoint(member: MemberInfo) -> Option<Endpoint> {
    member.http_end_point.map(|it| Endpoint {
        host: it.address,
        port: it.port,
    })
}

fn takes_part(member: &MemberInfo) -> bool {
    member.is_alive
        && match member.state() {
            VNodeState::Leader | VNodeState::Follower | VNodeState::ReadOnlyReplica => true,
            VNodeState::Initializing
            | VNodeState::DiscoverLeader
            | VNodeState::Unknown
            | VNodeState::PreReplica
            | VNodeState::CatchingUp
            | VNodeState::Clone
            | VNodeState::PreLeader
            | VNodeState::Manager
            | VNodeState::ShuttingDown
            | VNodeState::Shutdown
            | VNodeState::ReadOnlyLeaderless
            | VNodeState::PreReadOnlyReplica
            | VNodeState::ResigningLeader => false,
        }
}

fn is_preferred(preference: &NodePreference, state: VNodeState) -> bool {
    match preference {
        NodePreference::Leader => state == VNodeState::Leader,
        NodePreference::Follower => state == VNodeState::Follower,
        NodePreference::ReadOnlyReplica => state == VNodeState::ReadOnlyReplica,
        NodePreference::Random => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::gossip::EndPoint;

    fn member(port: u32, state: VNodeState, is_alive: bool) -> MemberInfo {
        let http_end_point = Some(EndPoint {
            address: "h".to_owned(),
            port,
        });
        MemberInfo {
            state: state.into(),
            is_alive,
            http_end_point,
            ..MemberInfo::default()
        }
    }

    fn port(endpoint: Option<Endpoint>) -> Option<u32> {
        endpoint.map(|it| it.port)
    }

    #[test]
    fn the_preferred_node_is_taken_unless_it_just_failed_or_is_dead() {
        let cluster = |leader_alive| {
            [
                member(1, VNodeState::Follower, true),
                member(2, VNodeState::Leader, leader_alive),
                member(3, VNodeState::ReadOnlyReplica, true),
                member(4, VNodeState::Unknown, true),
            ]
        };
        let leader = Endpoint {
            host: "h".to_owned(),
            port: 2,
        };
        assert_eq!(
            port(best(&cluster(true), &NodePreference::Leader, None)),
            Some(2)
        );
        assert_eq!(
            port(best(&cluster(true), &NodePreference::ReadOnlyReplica, None)),
            Some(3)
        );
        assert_eq!(
            port(best(&cluster(true), &NodePreference::Leader, Some(&leader))),
            Some(1)
        );
        assert_eq!(
            port(best(&cluster(false), &NodePreference::Leader, None)),
            Some(1)
        );
        assert_eq!(
            port(best(
                &[member(2, VNodeState::Leader, true)],
                &NodePreference::Leader,
                Some(&leader)
            )),
            Some(2)
        );
        assert_eq!(
            port(best(
                &[member(4, VNodeState::Unknown, true)],
                &NodePreference::Leader,
                None
            )),
            None
        );
    }
}
