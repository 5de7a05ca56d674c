//! Who can reach an address, by the log and by the cloud: an engine works on a simulated cloud in
//! which commands and other people's hands change things at random, and what `who_can_reach` says
//! is held against every packet tried on the cloud as it is.
//!
//! The log tells of the last observation. So each change is followed by a look, and the two have
//! to agree once that is on record.

use crate::BOUND;
use audit::{Drop, Past, Told, Unknown, Until, Verdict, who_can_reach};
use chrono::Utc;
use cloud::{AccountRegion, Cloud, Direction, LinkState, NetworkRef, RouteTarget, Source};
use domain::{
    CommandId, Ids, NetworkId, PeeringId, Provider, Range, Region, Side,
    network::{
        AcceptRoute, AllowConnectorIngress, AttachFirewall, AttachTo, CheckDrift, DenyWithLists,
        InboundRule, IngressSource, Network, NetworkCommand, Peer, RegisterNetwork, Registered,
        RequestPeering, RestrictFirewall, RevokeConnectorIngress, Setup, SetupRoute, StopDenying,
        Terms, WithdrawRoute,
    },
    text::{AccessList, FirewallGroup, FirewallRule, Subnet},
};
use embedded::EmbeddedNode;
use fastrand::Rng;
use ipnet::IpNet;
use journal::{Caller, FollowError, Journal, JournalSettings, Position};
use projections::FoldedStates;
use simulated::{OutOfBand, SimulatedCloud, SimulatedSettings};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::{Provisioner, ProvisionerSettings};

/// The private network, and two peers.
const RANGES: [&str; 3] = ["10.20.0.0/16", "10.30.0.0/16", "10.31.0.0/16"];
const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];
/// Machines in each of them, by the last two bytes of their addresses.
const HOSTS: [(u8, u8); 3] = [(1, 5), (1, 200), (200, 9)];
/// One that may be denied while the other side may be called, and one that answers come to.
const PORTS: [u16; 2] = [443, 5432];
/// The subnets of each, by the third byte of their addresses.
const SUBNETS: [(&str, u8); 2] = [("subnet-a", 1), ("subnet-b", 200)];
const STEPS: usize = 60;

fn text<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn place(n: usize) -> NetworkRef {
    NetworkRef {
        at: AccountRegion {
            provider: Provider::Aws,
            account: text(ACCOUNTS[n]),
            region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
            external_id: None,
        },
        network: text(&format!("vpc-{n:017x}")),
    }
}

fn host(n: usize, (third, last): (u8, u8)) -> Ipv4Addr {
    let range: IpNet = text(RANGES[n]);
    let IpAddr::V4(first) = range.network() else {
        panic!("{range}")
    };
    let [one, two, ..] = first.octets();
    Ipv4Addr::new(one, two, third, last)
}

/// The list in front of a subnet.
fn list_of(people: &OutOfBand, n: usize, subnet: &Subnet) -> AccessList {
    let lists = people.lists(&place(n)).into_iter();
    let mut before = lists.filter(|it| it.subnets.contains(subnet));
    before.next().and_then(|it| it.list).unwrap()
}

/// An engine, its log and its cloud.
struct Scene {
    node: EmbeddedNode,
    journal: Journal,
    cloud: SimulatedCloud,
    people: OutOfBand,
    stop: CancellationToken,
    running: JoinHandle<Result<(), FollowError>>,
    commands: u128,
    network: NetworkId,
    peerings: [PeeringId; 2],
    /// Somebody's group in each network.
    theirs: Vec<FirewallGroup>,
    slipped_in: Vec<(usize, FirewallRule)>,
    /// Somebody's entry with the least number, in a list of a network.
    comes_first: Option<(usize, AccessList)>,
    _folder: TempDir,
}

const DENIED: Verdict = Verdict::Unreachable(Drop::Denied);

/// What came of all packets.
#[derive(Clone, Debug, Default)]
struct Found {
    /// How many get through.
    reached: usize,
    /// To how many targets a denial lets none through.
    denied: usize,
    /// Of how many the log says that it cannot tell what a denial does.
    untold: usize,
    /// What the log says of each packet, in their order.
    said: Vec<Said>,
    /// The last event that it says so by.
    at: Option<Position>,
}

/// What the log says of one packet: whether it gets there, and who else's does.
type Said = (Option<Verdict>, BTreeSet<Range>);

/// What the log of this place says of a packet to one end of a peering.
fn said(past: &Past, peering: PeeringId, side: Side, target: Ipv4Addr, port: u16) -> Said {
    let ways = who_can_reach(past, target.into(), Some(port));
    let mut ways = ways.into_iter();
    let way = ways.find(|it| it.peering == peering && it.side == side);
    match way {
        Some(it) if it.verdict == Verdict::Reachable => (Some(it.verdict), it.sources),
        Some(it) => (Some(it.verdict), BTreeSet::new()),
        None => (None, BTreeSet::new()),
    }
}

/// Each packet that is tried: the peering, where it comes from and goes to, and the side it is for.
fn packets() -> impl Iterator<Item = (usize, [usize; 2], Side, Ipv4Addr, u16)> {
    (1..3).flat_map(|n| {
        let ends = [([n, 0], Side::Local), ([0, n], Side::Remote)];
        ends.into_iter().flat_map(move |(ends, side)| {
            let hosts = HOSTS.into_iter().map(move |it| host(ends[1], it));
            hosts.flat_map(move |target| PORTS.map(|port| (n, ends, side, target, port)))
        })
    })
}

impl Scene {
    async fn start(seed: u64) -> Self {
        let folder = TempDir::new().unwrap();
        let node = EmbeddedNode::builder().data_dir(folder.path()).start();
        let node = node.await.unwrap();
        let journal = JournalSettings::new(node.connection_string());
        let journal = Journal::open(journal).unwrap();
        let clock = Arc::new(Utc::now);
        let cloud = SimulatedCloud::new(SimulatedSettings::instant(seed), clock.clone());
        let people = cloud.out_of_band();
        let theirs = (0..3).map(|n| {
            let subnets = SUBNETS.map(|(name, _)| text(name));
            people.build(&place(n), &[text(RANGES[n])], &subnets);
            for (subnet, (_, third)) in subnets.iter().zip(SUBNETS) {
                let range = format!("{}/24", host(n, (third, 0)));
                people.place_subnet(&place(n), subnet, Some(text(&range)));
                people.fence(&place(n), std::slice::from_ref(subnet), &[]);
                let list = list_of(&people, n, subnet);
                people.enter(&place(n), &list, 100, ("everything from 0.0.0.0/0", true));
            }
            let group = people.group(&place(n), "somebody's", &[]).unwrap();
            let tags = [("app", "kurrentdb")];
            let attached = std::slice::from_ref(&group);
            people.interface(&place(n), attached, &tags).unwrap();
            group
        });
        let theirs = theirs.collect();
        let stop = CancellationToken::new();
        let settings = ProvisionerSettings {
            visibility_window: Duration::from_millis(50),
            settle_window: Duration::from_millis(50),
            repair_pause: Duration::ZERO,
            first_poll: Duration::from_millis(10),
            longest_poll: Duration::from_millis(50),
            first_backoff: Duration::from_millis(10),
            longest_backoff: Duration::from_millis(50),
            ..ProvisionerSettings::default()
        };
        let engine = Arc::new(cloud.clone());
        let provisioner = Provisioner::new(journal.clone(), engine, clock, settings, stop.clone());
        let mut scene = Self {
            node,
            journal,
            cloud,
            people,
            stop,
            running: tokio::spawn(provisioner.run()),
            commands: 0,
            network: NetworkId(Uuid::nil()),
            peerings: [PeeringId(Uuid::nil()); 2],
            theirs,
            slipped_in: Vec::new(),
            comes_first: None,
            _folder: folder,
        };
        scene.set().await;
        scene
    }

    /// Two peerings, with a route each way and nobody admitted.
    async fn set(&mut self) {
        let own = place(0);
        let register = RegisterNetwork {
            project: text("payments"),
            name: text("orders"),
            provider: Provider::Aws,
            region: own.at.region,
            account: own.at.account,
            cloud_network: own.network,
            range: text(RANGES[0]),
            ipv6_ranges: Vec::new(),
            subnets: Vec::new(),
        };
        self.network = Ids::of(self.next()).network();
        self.commands -= 1;
        self.says(register).await;
        for (n, range) in RANGES.iter().enumerate().skip(1) {
            let there = place(n);
            let peer = Peer {
                provider: Provider::Aws,
                account: there.at.account,
                region: there.at.region,
                cloud_network: there.network,
                ranges: vec![text(range)],
                subnets: Vec::new(),
            };
            let route = |side, to| SetupRoute {
                side,
                destination: text(to),
            };
            let setup = Setup {
                routes: vec![route(Side::Local, range), route(Side::Remote, RANGES[0])],
                ..Setup::default()
            };
            let terms = Terms::default();
            let by = self.says(RequestPeering { peer, terms, setup }).await;
            self.peerings[n - 1] = Ids::of(by).peering(self.network);
            for side in Side::BOTH {
                let to = AttachTo::Tag {
                    key: text("app"),
                    value: text("kurrentdb"),
                    followed: true,
                };
                let peering_id = self.peerings[n - 1];
                self.says(AttachFirewall {
                    peering_id,
                    side,
                    to,
                })
                .await;
            }
        }
    }

    /// One subnet of the private network keeps out what somebody lets in from both peers.
    async fn begins_denying(&mut self) -> Vec<String> {
        for (n, peering_id) in (1..).zip(self.peerings) {
            self.says(DenyWithLists {
                peering_id,
                side: Side::Local,
                subnets: BTreeSet::from([text(SUBNETS[0].0)]),
            })
            .await;
            let rule = format!("tcp {} from {}", PORTS[0], RANGES[n]);
            let id = self.people.admit(&place(0), &self.theirs[0], &rule);
            self.slipped_in.push((0, id.unwrap()));
        }
        vec!["deny what somebody lets in".to_owned()]
    }

    fn next(&mut self) -> CommandId {
        self.commands += 1;
        CommandId(Uuid::from_u128(self.commands))
    }

    /// Gives a command; one that does not fit what is on record is refused, and that is well.
    async fn says(&mut self, command: impl Into<NetworkCommand>) -> CommandId {
        let command_id = self.next();
        let caller = Caller::new(command_id, text("somebody"));
        let networks = self.journal.networks();
        let (command, now) = (command.into(), Utc::now());
        let _ = networks.execute(self.network, &command, &caller, now).await;
        command_id
    }

    async fn registered(&self) -> Registered {
        let loaded = self.journal.networks().load(self.network).await.unwrap();
        let Network::Registered(network) = &loaded.network else {
            panic!("no network")
        };
        Registered::clone(network)
    }

    /// One change, by a command or by somebody's hand.
    async fn step(&mut self, rng: &mut Rng) -> String {
        let n = rng.usize(1..3);
        let (peering_id, side) = (self.peerings[n - 1], Side::BOTH[rng.usize(0..2)]);
        let port = PORTS[rng.usize(0..2)];
        let part = |of: usize, rng: &mut Rng| {
            let (third, last) = HOSTS[rng.usize(0..3)];
            let host = host(of, (third, last));
            let [one, two, ..] = host.octets();
            vec![
                RANGES[of].to_owned(),
                format!("{one}.{two}.{third}.0/24"),
                format!("{host}/32"),
            ]
            .swap_remove(rng.usize(0..3))
        };
        let sends_to = match side {
            Side::Local => n,
            Side::Remote => 0,
        };
        let at = match side {
            Side::Local => 0,
            Side::Remote => n,
        };
        let subnet: Subnet = text(SUBNETS[rng.usize(0..2)].0);
        match rng.u8(0..20) {
            9 | 10 | 14 | 15 => {
                let mut subnets = BTreeSet::from([subnet]);
                if rng.bool() {
                    subnets.extend(SUBNETS.map(|(name, _)| text(name)));
                }
                let told = format!("deny before {subnets:?} at {side:?} of {n}");
                self.says(DenyWithLists {
                    peering_id,
                    side,
                    subnets,
                })
                .await;
                told
            }
            11 => {
                self.says(StopDenying { peering_id, side }).await;
                format!("stop denying at {side:?} of {n}")
            }
            12 => {
                let list = list_of(&self.people, at, &subnet);
                let network = self.registered().await;
                let made = &network.peerings()[&peering_id]
                    .firewall
                    .get(side)
                    .denials
                    .made;
                let here = made.iter().filter(|it| it.list == list);
                let Some(entry) = rng.choice(here.cloned().collect::<Vec<_>>()) else {
                    return "nothing".to_owned();
                };
                self.people.remove_entry(&place(at), &list, entry.number);
                format!("somebody takes entry {} of {n} out at {at}", entry.number)
            }
            // One at a time: while it stands the engine tells no more than that it cannot tell.
            13 => match self.comes_first.take() {
                Some((at, list)) => {
                    self.people.remove_entry(&place(at), &list, 1);
                    format!("somebody takes their entry out at {at}")
                }
                None => {
                    let list = list_of(&self.people, at, &subnet);
                    let from = RANGES[if at == 0 { n } else { 0 }];
                    let entry = format!("tcp {port} from {from}");
                    self.people.enter(&place(at), &list, 1, (&entry, true));
                    self.comes_first = Some((at, list));
                    format!("somebody lets {entry} through first at {at}")
                }
            },
            0 | 1 => {
                let admitted = (0..rng.usize(0..3)).map(|_| InboundRule {
                    source: text(&part(n, rng)),
                    port: PORTS[rng.usize(0..2)],
                    target: None,
                });
                let admit: Vec<_> = admitted.collect();
                let told = format!("admit {admit:?} at {n}");
                let side = Side::Local;
                let tenure = Default::default();
                self.says(RestrictFirewall {
                    peering_id,
                    side,
                    admit,
                    tenure,
                })
                .await;
                told
            }
            2 => {
                let destination = text(&part(sends_to, rng));
                self.says(AcceptRoute {
                    peering_id,
                    side,
                    destination,
                })
                .await;
                format!("accept {destination} at {side:?} of {n}")
            }
            3 => {
                let destination = text(&part(sends_to, rng));
                self.says(WithdrawRoute {
                    peering_id,
                    side,
                    destination,
                })
                .await;
                format!("withdraw {destination} at {side:?} of {n}")
            }
            4 => {
                let (target, from) = (text(&part(n, rng)), text(&part(0, rng)));
                self.says(AllowConnectorIngress {
                    peering_id,
                    target,
                    port,
                    reason: text("a test"),
                    expires_at: None,
                    from: Some(IngressSource::Ranges(
                        BTreeSet::from([from]).into_iter().collect(),
                    )),
                    no_expiry: true,
                })
                .await;
                format!("ingress from {from} to {target}:{port} of {n}")
            }
            5 => {
                let network = self.registered().await;
                let ingress = network.peerings()[&peering_id].ingress.keys().copied();
                let ingress: Vec<_> = ingress.collect();
                let Some(ingress_id) = rng.choice(ingress) else {
                    return "nothing".to_owned();
                };
                self.says(RevokeConnectorIngress {
                    peering_id,
                    ingress_id,
                })
                .await;
                format!("revoke an ingress of {n}")
            }
            6 | 7 | 16..=19 => {
                let at = if side == Side::Local { 0 } else { n };
                let from = part(if at == 0 { n } else { 0 }, rng);
                let rule = format!("tcp {port} from {from}");
                let id = self.people.admit(&place(at), &self.theirs[at], &rule);
                self.slipped_in.push((at, id.unwrap()));
                format!("somebody's {rule} at {at}")
            }
            _ => {
                if self.slipped_in.is_empty() {
                    return "nothing".to_owned();
                }
                let one = rng.usize(0..self.slipped_in.len());
                let (at, id) = self.slipped_in.swap_remove(one);
                self.people.drop_rule(&place(at), &id);
                format!("somebody takes a rule at {at} away")
            }
        }
    }

    /// Where a packet to the host of one network may come from, of the hosts of another: as the
    /// cloud is now.
    async fn senders(&self, from: usize, to: usize, target: Ipv4Addr, port: u16) -> Vec<Ipv4Addr> {
        let (source, there) = (place(from), place(to));
        let of = |it: &NetworkRef| [it.network.clone()];
        let links = self.cloud.links(&source.at, &of(&source)).await.unwrap();
        let link = links.into_iter().find(|it| {
            let joins = it.end(&source).is_some() && it.end(&there).is_some();
            joins && it.state == LinkState::Active
        });
        let Some(link) = link.map(|it| it.link) else {
            return Vec::new();
        };
        let leads = async |at: &NetworkRef, to: Ipv4Addr| {
            let tables = self.cloud.route_tables(&at.at, &of(at)).await.unwrap();
            tables.iter().any(|table| {
                let fits = table
                    .routes
                    .iter()
                    .filter(|it| it.destination.contains(&IpAddr::V4(to)));
                let longest = fits.max_by_key(|it| it.destination.prefix_len());
                longest.is_some_and(|it| it.target == RouteTarget::Link(link.clone()))
            })
        };
        let groups = self
            .cloud
            .firewall_groups(&there.at, &of(&there))
            .await
            .unwrap();
        let interfaces = self.cloud.interfaces(&there.at, &of(&there)).await.unwrap();
        let attached: BTreeSet<_> = interfaces.iter().flat_map(|it| &it.groups).collect();
        let rules: Vec<_> = groups
            .iter()
            .filter(|it| attached.contains(&it.group))
            .flat_map(|it| &it.rules)
            .collect();
        let admits = |sender: Ipv4Addr| {
            rules.iter().any(|it| {
                let Source::Ranges(ranges) = &it.admits.source else {
                    return false;
                };
                let ports = it.admits.ports.unwrap_or((0, u16::MAX));
                let targets = it.admits.target.as_ref();
                ranges.iter().any(|it| it.contains(&IpAddr::V4(sender)))
                    && (ports.0..=ports.1).contains(&port)
                    && targets
                        .is_none_or(|all| all.iter().any(|it| it.contains(&IpAddr::V4(target))))
            })
        };
        let subnet = SUBNETS
            .iter()
            .find(|(_, third)| target.octets()[2] == *third);
        let subnet: Subnet = text(subnet.unwrap().0);
        let lists = self
            .cloud
            .access_lists(&there.at, &of(&there))
            .await
            .unwrap();
        let guard = lists
            .iter()
            .find(|it| it.subnets.contains(&subnet))
            .unwrap();
        let lets_through = |sender: Ipv4Addr| {
            let inbound = guard
                .entries
                .iter()
                .filter(|it| it.direction == Direction::Inbound);
            let first = inbound.filter(|it| {
                let traffic = &it.traffic;
                let Source::Ranges(ranges) = &traffic.source else {
                    return false;
                };
                traffic.protocol.as_ref().is_none_or(|it| it == "tcp")
                    && traffic
                        .ports
                        .is_none_or(|(first, last)| (first..=last).contains(&port))
                    && ranges.iter().any(|it| it.contains(&IpAddr::V4(sender)))
            });
            first
                .min_by_key(|it| it.priority)
                .is_some_and(|it| it.allow)
        };
        let mut senders = Vec::new();
        for sender in HOSTS.map(|it| host(from, it)) {
            if !lets_through(sender) {
                continue;
            }
            if admits(sender) && leads(&source, target).await && leads(&there, sender).await {
                senders.push(sender);
            }
        }
        senders
    }

    /// What the log says otherwise than the cloud does; nothing, if they agree.
    async fn differs(&self, found: &mut Found) -> Option<String> {
        let mut told = Told::default();
        let walked = audit::walk(&self.journal, self.network, |event| {
            told.take(event, Until::End)
        });
        walked.await.unwrap();
        let past = told.past;
        *found = Found {
            at: past.last.map(|it| it.position),
            ..Found::default()
        };
        for (n, [from, to], side, target, port) in packets() {
            let senders = self.senders(from, to, target, port).await;
            let (told, sources) = said(&past, self.peerings[n - 1], side, target, port);
            found.said.push((told, sources.clone()));
            // While the engine cannot keep what it is to deny, that is all it tells.
            let perhaps = Verdict::Undetermined(Unknown::PerhapsDenied);
            let network = past.registered().unwrap();
            let peering = &network.peerings()[&self.peerings[n - 1]];
            if told == Some(perhaps) && peering.blocked.is_some() {
                found.untold += 1;
                continue;
            }
            found.denied += usize::from(told == Some(DENIED));
            let is_named = |it: &Ipv4Addr| {
                let it = IpAddr::from(*it);
                sources.iter().any(|range| range.net().contains(&it))
            };
            let is_told = told == Some(Verdict::Reachable);
            if is_told == senders.is_empty() || !senders.iter().all(is_named) {
                return Some(format!(
                    "{senders:?} reach {target}:{port} over peering {n}, and the log says {told:?} from {sources:?}"
                ));
            }
            found.reached += senders.len();
        }
        None
    }

    /// Has the engine look, until the log says what the cloud does.
    async fn agrees(&mut self, after: &[String]) -> Found {
        self.says(CheckDrift {}).await;
        let mut found = Found::default();
        let agreed = tokio::time::timeout(BOUND, async {
            let mut looks = tokio::time::interval(Duration::from_millis(50));
            loop {
                looks.tick().await;
                if self.differs(&mut found).await.is_none() {
                    return;
                }
            }
        });
        if agreed.await.is_err() {
            let differs = self.differs(&mut found).await;
            panic!("{differs:?} after {after:#?}");
        }
        found
    }

    /// What the log of an earlier place says of each packet, asked for as the audit is asked.
    async fn said_at(&self, states: &FoldedStates, at: Position) -> Vec<Said> {
        let told = states.at(&self.journal, self.network, Until::Position(at));
        let past = told.await.unwrap().past;
        assert_eq!(past.last.map(|it| it.position), Some(at));
        let of = |(n, _, side, target, port): (usize, _, _, _, _)| {
            said(&past, self.peerings[n - 1], side, target, port)
        };
        packets().map(of).collect()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        self.node.shutdown().await;
    }
}

#[tokio::test]
async fn who_can_reach_an_address_is_whose_packets_get_there_at_the_cloud_as_it_was_seen_last() {
    let mut all = Found::default();
    for seed in [1, 2] {
        let mut rng = Rng::with_seed(seed);
        let mut scene = Scene::start(seed).await;
        let (mut done, mut most) = (scene.begins_denying().await, 0);
        let mut then = Vec::new();
        for _ in 0..STEPS {
            done.push(scene.step(&mut rng).await);
            let found = scene.agrees(&done).await;
            most = most.max(found.reached);
            all.denied += found.denied;
            all.untold += found.untold;
            then.push((found.at.unwrap(), found.said));
        }
        // What agreed with the cloud as it was then is what is told of that place ever after.
        let states = FoldedStates::in_memory().unwrap();
        rng.shuffle(&mut then);
        for (at, said) in &then {
            assert_eq!(scene.said_at(&states, *at).await, *said, "at {at}");
        }
        let now = &then.iter().max_by_key(|it| it.0).unwrap().1;
        let differ = then.iter().filter(|it| it.1 != *now);
        assert!(differ.count() > STEPS / 2, "it was hardly ever otherwise");
        assert!(most > 20, "hardly anything got through: {most}");
        scene.stop().await;
    }
    assert!(all.denied > 100, "hardly anything was denied: {all:?}");
    assert!(
        all.untold < all.denied * 2,
        "most of it was not told: {all:?}"
    );
}
