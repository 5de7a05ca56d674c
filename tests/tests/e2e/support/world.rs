//! A cloud with networks in it, and what should stand there once they are peered.

use super::api::{self, Command};
use peerage::api::v1::{Peer, Provider};
use peerage_tests::moto::Moto;
use peerage_tests::oracle::{
    End, Expected, Network, Oracle, Peering, Place, Route, RouteTable, Rule, SecurityGroup, Wanted,
};
use std::collections::BTreeMap;
use std::ops::Range;
use uuid::Uuid;

pub(crate) const LOCAL_RANGE: &str = "10.20.0.0/16";
pub(crate) const REMOTE_RANGE: &str = "10.30.0.0/16";

/// An emulator and its judge.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) moto: Moto,
    pub(crate) oracle: Oracle,
}

/// Two networks in two accounts and two regions.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) local: Network,
    pub(crate) remote: Network,
}

impl World {
    pub(crate) async fn new() -> Self {
        let moto = Moto::start().await;
        let oracle = Oracle::new(moto.endpoint());
        Self { moto, oracle }
    }

    /// One pair.
    pub(crate) fn pair(&self) -> Pair {
        self.pairs(1).remove(0)
    }

    /// Pairs that share no account, so that each can be judged alone.
    pub(crate) fn pairs(&self, count: usize) -> Vec<Pair> {
        pairs(|networks| self.oracle.prepare(networks), 0..count)
    }

    /// Judges a pair: the one peering in place on both sides, and nothing else.
    pub(crate) fn judge(&self, pair: &Pair, owner: &str) {
        let judged = self.oracle.check(&pair.places(), &pair.expected(owner));
        judged.unwrap_or_else(|wrong| panic!("the cloud is not as it should be:\n{wrong}"));
    }
}

/// Pairs of networks, each in two accounts of its own that carry its number.
pub(crate) fn pairs(
    prepare: impl FnOnce(&[Wanted]) -> BTreeMap<String, Network>,
    numbers: Range<usize>,
) -> Vec<Pair> {
    let wanted = |side: &str, region: &str, cidr: &str, number: usize| Wanted {
        name: format!("{side}-{number}"),
        place: Place {
            account: format!(
                "{}{number:06}",
                if side == "local" { "111111" } else { "222222" }
            ),
            region: region.to_owned(),
        },
        cidr: cidr.to_owned(),
    };
    let all: Vec<_> = numbers
        .clone()
        .flat_map(|number| {
            [
                wanted("local", "eu-west-1", LOCAL_RANGE, number),
                wanted("remote", "us-east-1", REMOTE_RANGE, number),
            ]
        })
        .collect();
    let mut made = prepare(&all);
    let mut take = |name: String| made.remove(&name).unwrap();
    numbers
        .map(|number| Pair {
            local: take(format!("local-{number}")),
            remote: take(format!("remote-{number}")),
        })
        .collect()
}

impl Pair {
    pub(crate) fn places(&self) -> [Place; 2] {
        [self.local.place.clone(), self.remote.place.clone()]
    }

    /// The commands of a whole peering, each with an id of its own, the ids of the others derived
    /// as the API derives them: so they can be sent again, to another process, at any time. The
    /// clusters live in the second subnet, which has a route table of its own; the clients use the
    /// main one.
    pub(crate) fn commands(&self) -> Story {
        let register_id = Uuid::new_v4();
        let request_id = Uuid::new_v4();
        let identity = domain::network::Identity {
            provider: domain::Provider::Aws,
            account: self.local.place.account.parse().unwrap(),
            cloud_network: self.local.vpc.parse().unwrap(),
        };
        let network = identity.network_id(0);
        let peering_id = domain::Ids::of(domain::CommandId(request_id))
            .peering(network)
            .to_string();
        let network_id = network.to_string();
        let mut register = api::register();
        register.context.as_mut().unwrap().command_id = register_id.to_string();
        register.account = self.local.place.account.clone();
        register.region = self.local.place.region.clone();
        register.cloud_network = self.local.vpc.clone();
        register.range = self.local.cidr.clone();
        register.subnets = vec![self.local.subnets[1].clone()];
        let mut request = api::request(&network_id, 30);
        request.context.as_mut().unwrap().command_id = request_id.to_string();
        request.peering.as_mut().unwrap().peer = Some(Peer {
            provider: Provider::Aws.into(),
            account: self.remote.place.account.clone(),
            region: self.remote.place.region.clone(),
            cloud_network: self.remote.vpc.clone(),
            ranges: vec![self.remote.cidr.clone()],
            subnets: Vec::new(),
        });
        let commands = vec![
            Command::Register(register),
            Command::Request(request),
            Command::Accept(api::accept(
                &network_id,
                &peering_id,
                "local",
                &self.remote.cidr,
            )),
            Command::Accept(api::accept(
                &network_id,
                &peering_id,
                "remote",
                &self.local.cidr,
            )),
            Command::Restrict(api::restrict(
                &network_id,
                &peering_id,
                &[(&self.remote.cidr, 2113)],
            )),
        ];
        Story {
            network_id,
            peering_id,
            commands,
        }
    }

    /// What commands should come to whose peering makes things with this tag.
    pub(crate) fn expected(&self, owner: &str) -> Expected {
        let tags = BTreeMap::from([
            ("peerage:peering".to_owned(), owner.to_owned()),
            ("Name".to_owned(), "*".to_owned()),
        ]);
        let table = |id: &String, destination: &[&String]| RouteTable {
            id: id.clone(),
            routes: destination
                .iter()
                .map(|it| Route {
                    destination: (*it).clone(),
                    peering: owner.to_owned(),
                })
                .collect(),
        };
        let group = |network: &Network, ingress: Vec<Rule>| SecurityGroup {
            peering: owner.to_owned(),
            end: end(network),
            ingress,
            egress: None,
            tags: Some(tags.clone()),
        };
        let clients = Rule {
            protocol: "tcp".to_owned(),
            from: 2113,
            to: 2113,
            source: self.remote.cidr.clone(),
            tags: Some(tags.clone()),
        };
        Expected {
            peerings: vec![Peering {
                peering: owner.to_owned(),
                requester: end(&self.local),
                accepter: end(&self.remote),
                state: "active".to_owned(),
                tags: Some(tags.clone()),
            }],
            route_tables: vec![
                table(&self.local.main_route_table, &[]),
                table(&self.local.extra_route_table, &[&self.remote.cidr]),
                table(&self.remote.main_route_table, &[&self.local.cidr]),
                table(&self.remote.extra_route_table, &[]),
            ],
            security_groups: vec![
                group(&self.local, vec![clients]),
                group(&self.remote, Vec::new()),
            ],
            given_security_groups: Vec::new(),
            denials: Vec::new(),
        }
    }
}

/// The commands of one peering, with the ids that will come of them.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) network_id: String,
    pub(crate) peering_id: String,
    pub(crate) commands: Vec<Command>,
}

impl Story {
    /// What the engine puts on everything that it makes for this peering.
    pub(crate) fn owner(&self) -> String {
        format!("{}/{}", self.network_id, self.peering_id)
    }
}

fn end(network: &Network) -> End {
    End {
        place: network.place.clone(),
        vpc: network.vpc.clone(),
    }
}
