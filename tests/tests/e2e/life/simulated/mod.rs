//! People at the simulated cloud, in this process. The judge is the same as everywhere: it is shown
//! the world in the form of a dump.

mod dump;

use super::people::People;
use cloud::{DnsSupport, LinkEnd, LinkRole, LinkState, NetworkRef, RouteTarget};
use domain::{Provider, Region, network::LinkOption};
use dump::shown;
use ipnet::IpNet;
use peerage_tests::oracle::{Expected, Network, Oracle, Place, Wanted};
use serde_json::Value;
use simulated::SimulatedGroup;
use simulated::{SimulatedCloud, SimulatedSettings};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long an acceptance takes that somebody gives by hand.
const ACCEPTING: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Simulated {
    pub(super) cloud: SimulatedCloud,
    judge: Arc<Oracle>,
    made: AtomicUsize,
}

/// All the annoyances of a bad day, each shorter than the patience that tests give the engine.
pub(super) fn bad_day(seed: u64) -> SimulatedSettings {
    let millis = |from, to| Duration::from_millis(from)..=Duration::from_millis(to);
    SimulatedSettings {
        latency: millis(1, 20),
        visibility: millis(0, 400),
        stale_reads: 0..=1,
        initiating: millis(50, 250),
        provisioning: millis(50, 400),
        deleting: millis(50, 400),
        busy: millis(0, 150),
        throttled: 0.05,
        lost_requests: 0.03,
        lost_answers: 0.08,
        ..SimulatedSettings::stormy(seed)
    }
}

impl Simulated {
    pub(super) fn new(cloud: SimulatedCloud, judge: Arc<Oracle>) -> Self {
        Self {
            cloud,
            judge,
            made: AtomicUsize::new(1),
        }
    }

    fn id(&self, prefix: &str) -> String {
        format!(
            "{prefix}-0{:016x}",
            self.made.fetch_add(1, Ordering::Relaxed)
        )
    }

    /// A network of two subnets: one uses the main table, the other one of its own. As at AWS, its
    /// machines have no names.
    fn build(&self, wanted: &Wanted) -> Network {
        let (by_hand, vpc, subnets) = (
            self.cloud.out_of_band(),
            self.id("vpc"),
            [self.id("subnet"), self.id("subnet")],
        );
        let network = NetworkRef {
            at: place(&wanted.place),
            network: id(&vpc),
        };
        by_hand.build(&network, &[range(&wanted.cidr)], &[]);
        for (number, subnet) in (1..).zip(&subnets) {
            by_hand.add_subnet(
                &network,
                &id(subnet),
                Some(&format!("{}-az{number}", wanted.place.region)),
            );
        }
        let extra = by_hand
            .add_table(&network, &[id(&subnets[1])])
            .expect("a network");
        by_hand.set_dns(
            &network,
            DnsSupport {
                resolution: true,
                hostnames: false,
            },
        );
        let main_route_table = self.cloud.world().networks[&network.to_string()].tables[0]
            .id
            .to_string();
        let (place, cidr) = (wanted.place.clone(), wanted.cidr.clone());
        Network {
            place,
            cidr,
            vpc,
            subnets: subnets.to_vec(),
            main_route_table,
            extra_route_table: extra.to_string(),
        }
    }

    /// What is seen of this group.
    fn group(&self, network: &Network, group: &str) -> SimulatedGroup {
        let world = self.cloud.world();
        let groups = &world.networks[&reference(network).to_string()].groups;
        groups
            .iter()
            .find(|it| it.id.as_str() == group)
            .unwrap_or_else(|| panic!("{group} in {groups:#?}"))
            .clone()
    }

    /// Which end of the link is here.
    fn role(&self, at: &Place, link: &str) -> LinkRole {
        let world = self.cloud.world();
        let link = world
            .links
            .get(&id(link))
            .unwrap_or_else(|| panic!("{link} in {:#?}", world.links));
        if link.second.network.at.is_same(&place(at)) {
            LinkRole::Second
        } else {
            LinkRole::First
        }
    }
}

impl People for Simulated {
    fn prepare(&self, networks: &[Wanted]) -> BTreeMap<String, Network> {
        networks
            .iter()
            .map(|wanted| (wanted.name.clone(), self.build(wanted)))
            .collect()
    }

    fn dump(&self, places: &[Place]) -> Value {
        let world = self.cloud.world();
        places.iter().map(|it| shown(&world, &place(it))).collect()
    }

    fn judge(&self, places: &[Place], expected: &Expected) -> Result<(), String> {
        self.judge
            .judge(&self.dump(places), &dump::without_names(expected))
    }

    fn ask_for_link(&self, requester: &Network, accepter: &Network) -> String {
        let end = |it: &Network| LinkEnd::new(reference(it), vec![range(&it.cidr)]);
        self.cloud
            .out_of_band()
            .join(&end(requester), &end(accepter), LinkState::Pending, None)
            .to_string()
    }

    fn accept_link(&self, accepter: &Place, link: &str) {
        assert_eq!(self.role(accepter, link), LinkRole::Second);
        self.cloud
            .out_of_band()
            .turn(&id(link), LinkState::Provisioning);
        self.cloud
            .out_of_band()
            .turn_later(&id(link), ACCEPTING, LinkState::Active);
    }

    fn reject_link(&self, accepter: &Place, link: &str) {
        assert_eq!(self.role(accepter, link), LinkRole::Second);
        self.cloud.out_of_band().reject(&id(link));
    }

    fn delete_link(&self, by: &Place, link: &str) {
        self.cloud
            .out_of_band()
            .delete(&id(link), self.role(by, link));
    }

    fn route_over(&self, network: &Network, table: &str, destination: &str, link: &str) {
        self.cloud.out_of_band().route(
            &reference(network),
            &id(table),
            range(destination),
            RouteTarget::Link(id(link)),
        );
    }

    fn route_elsewhere(&self, network: &Network, table: &str, destination: &str) -> String {
        let gateway = self.id("igw");
        self.cloud.out_of_band().route(
            &reference(network),
            &id(table),
            range(destination),
            RouteTarget::Other(gateway.clone()),
        );
        gateway
    }

    fn delete_route(&self, network: &Network, table: &str, destination: &str) {
        self.cloud
            .out_of_band()
            .unroute(&reference(network), &id(table), range(destination));
    }

    fn widen(&self, network: &Network, more: &str) {
        self.cloud
            .out_of_band()
            .widen(&reference(network), range(more));
    }

    fn widen_to_ipv6(&self, network: &Network) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let given = format!("2600:1f14:{number:x}:3400::/56");
        self.widen(network, &given);
        given
    }

    fn narrow(&self, network: &Network, less: &str) {
        self.cloud
            .out_of_band()
            .narrow(&reference(network), range(less));
    }

    fn open(&self, network: &Network, name: &str, admit: &[(u16, &str)]) -> String {
        let rules: Vec<_> = admit
            .iter()
            .map(|(port, range)| format!("tcp {port} from {range}"))
            .collect();
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        self.cloud
            .out_of_band()
            .group(&reference(network), name, &rules)
            .expect("a network")
            .to_string()
    }

    fn open_to_list(&self, network: &Network, group: &str, port: u16, ranges: &[&str]) {
        self.cloud
            .out_of_band()
            .admit(
                &reference(network),
                &id(group),
                &format!("tcp {port} from {}", ranges.join(",")),
            )
            .expect("a group");
    }

    fn ports(&self, network: &Network, group: &str) -> Vec<u16> {
        let mut ports: Vec<_> = self
            .group(network, group)
            .rules
            .iter()
            .map(dump::first_port)
            .collect();
        ports.sort_unstable();
        ports
    }

    fn close(&self, network: &Network, group: &str) -> usize {
        let rules = self.group(network, group).rules;
        rules.iter().for_each(|rule| {
            self.cloud
                .out_of_band()
                .drop_rule(&reference(network), &rule.id)
        });
        rules.len()
    }

    fn tag(&self, network: &Network, group: &str, owner: &str) {
        self.cloud
            .out_of_band()
            .tag_group(&reference(network), &id(group), Some(id(owner)));
    }

    fn untag(&self, network: &Network, group: &str) {
        self.cloud
            .out_of_band()
            .tag_group(&reference(network), &id(group), None);
    }

    fn give_names(&self, network: &Network) {
        self.cloud.out_of_band().set_dns(
            &reference(network),
            DnsSupport {
                resolution: true,
                hostnames: true,
            },
        );
    }

    fn resolves(&self, accepter: &Network, link: &str) -> bool {
        assert_eq!(self.role(&accepter.place, link), LinkRole::Second);
        self.cloud.world().links[&id(link)]
            .second
            .option(LinkOption::DnsResolution)
            == Some(true)
    }
}

fn reference(network: &Network) -> NetworkRef {
    NetworkRef {
        at: place(&network.place),
        network: id(&network.vpc),
    }
}

fn place(place: &Place) -> cloud::AccountRegion {
    let region = Region::of(Provider::Aws, &place.region).unwrap();
    cloud::AccountRegion {
        provider: Provider::Aws,
        account: id(&place.account),
        region,
        external_id: None,
    }
}

fn range(text: &str) -> IpNet {
    id(text)
}

fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error:?}"))
}
