//! What is asked for: private networks, each with peers in another account and region.

use cloud::{AccountRegion, NetworkRef};
use domain::network::{
    AcceptRoute, InboundRule, NetworkCommand, Peer, RegisterNetwork, RequestPeering,
    RestrictFirewall, Terms,
};
use domain::text::{Account, CloudNetwork, Subnet};
use domain::{CommandId, Ids, NetworkId, PeeringId, Provider, Range, Region, Side};
use uuid::Uuid;

/// The account and region of all private networks, and of all peers.
pub(crate) const LOCAL: (&str, &str) = ("111111111111", "eu-west-1");
pub(crate) const REMOTE: (&str, &str) = ("222222222222", "us-east-1");

/// The range of every private network.
pub(crate) const PRIVATE: &str = "10.20.0.0/16";

/// The account of a side.
pub(crate) fn account(side: Side) -> Account {
    match side {
        Side::Local => LOCAL.0.parse().unwrap(),
        Side::Remote => REMOTE.0.parse().unwrap(),
    }
}

pub(crate) fn range(text: &str) -> Range {
    text.parse().unwrap()
}

/// The range of the so-manieth peer.
pub(crate) fn peer_range(peer: usize) -> Range {
    range(&format!("10.{}.0.0/16", 100 + peer))
}

pub(crate) fn place((account, region): (&str, &str)) -> AccountRegion {
    let region = Region::of(Provider::Aws, region).unwrap();
    AccountRegion {
        provider: Provider::Aws,
        account: account.parse().unwrap(),
        region,
        external_id: None,
    }
}

/// A private network and its peers, as they are at the cloud.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    number: usize,
    pub(crate) local: NetworkRef,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) peers: Vec<NetworkRef>,
}

impl Story {
    /// With ids that nobody has given: for a cloud that takes any.
    pub(crate) fn made_up(number: usize, peers: usize) -> Self {
        let network = |at, side: &str, index: usize| {
            let network: CloudNetwork = format!("vpc-{side}{number:08x}{index:07x}")
                .parse()
                .unwrap();
            NetworkRef {
                at: place(at),
                network,
            }
        };
        let subnets = ["1", "2"]
            .map(|it| format!("subnet-{number:08x}{it}").parse().unwrap())
            .to_vec();
        Self {
            number,
            local: network(LOCAL, "a", 0),
            subnets,
            peers: (0..peers).map(|it| network(REMOTE, "b", it)).collect(),
        }
    }

    /// Between two networks that there are.
    pub(crate) fn between(number: usize, local: NetworkRef, remote: NetworkRef) -> Self {
        Self {
            number,
            local,
            subnets: Vec::new(),
            peers: vec![remote],
        }
    }

    fn command_id(&self, nth: usize) -> CommandId {
        CommandId(Uuid::from_u128((self.number as u128) << 32 | nth as u128))
    }

    pub(crate) fn network_id(&self) -> NetworkId {
        Ids::of(self.command_id(0)).network()
    }

    /// The id of the peering with this peer.
    pub(crate) fn peering_id(&self, peer: usize) -> PeeringId {
        Ids::of(self.command_id(1 + peer)).peering(self.network_id())
    }

    /// Everything that is asked for: for each peer a route on either side, and its clients admitted
    /// to one port of the private network.
    pub(crate) fn commands(&self) -> Vec<(CommandId, NetworkCommand)> {
        let mut commands = vec![self.register()];
        commands.extend(
            self.peers
                .iter()
                .enumerate()
                .map(|(peer, network)| request(peer, network)),
        );
        for peer in 0..self.peers.len() {
            let (peering_id, theirs) = (self.peering_id(peer), peer_range(peer));
            commands.push(
                AcceptRoute {
                    peering_id,
                    side: Side::Local,
                    destination: theirs,
                }
                .into(),
            );
            commands.push(
                AcceptRoute {
                    peering_id,
                    side: Side::Remote,
                    destination: range(PRIVATE),
                }
                .into(),
            );
            commands.push(
                RestrictFirewall {
                    peering_id,
                    side: Side::Local,
                    admit: vec![self.rule(peer)],
                    tenure: Default::default(),
                }
                .into(),
            );
        }
        commands
            .into_iter()
            .enumerate()
            .map(|(nth, command)| (self.command_id(nth), command))
            .collect()
    }

    /// What the private network admits of a peer.
    pub(crate) fn rule(&self, peer: usize) -> InboundRule {
        InboundRule {
            source: peer_range(peer).into(),
            port: 2113,
            target: None,
        }
    }

    fn register(&self) -> NetworkCommand {
        let register = RegisterNetwork {
            project: "orders".parse().unwrap(),
            name: format!("orders-{}", self.number).parse().unwrap(),
            provider: Provider::Aws,
            region: self.local.at.region.clone(),
            account: self.local.at.account.clone(),
            cloud_network: self.local.network.clone(),
            range: PRIVATE.parse().expect("a range"),
            ipv6_ranges: Vec::new(),
            subnets: self.subnets.clone(),
        };
        register.into()
    }
}

fn request(peer: usize, network: &NetworkRef) -> NetworkCommand {
    let peer = Peer {
        provider: Provider::Aws,
        account: network.at.account.clone(),
        region: network.at.region.clone(),
        cloud_network: network.network.clone(),
        ranges: vec![peer_range(peer)],
        subnets: Vec::new(),
    };
    RequestPeering {
        peer,
        terms: Terms::default(),
        setup: domain::network::Setup::default(),
    }
    .into()
}
