//! What a life costs in requests, by the stand-ins' own count. Why each is made says the table of
//! `workers/README.md`.

use super::{Life, Quality, Which};
use domain::{
    Side,
    network::{Peering, RequestPeering, Setup, SetupRoute, Terms},
};
use std::collections::BTreeMap;

type Counts = BTreeMap<String, usize>;

/// Requests about one side: the changes, how many of each; the reads, how many of each at most.
/// How often everything is looked at while something comes into being is as long as that takes.
struct Bounds {
    changes: &'static [(&'static str, usize)],
    reads: Option<&'static [(&'static str, usize)]>,
}

/// What is asked about operations that were begun is as much as they take.
const POLLS: [&str; 2] = ["globalOperations.get", "GET operations"];

impl Bounds {
    fn hold(&self, took: &Counts, when: &str) {
        let is_change = |what: &str| {
            let of_google = ["insert", "Peering", "delete", "update", "patch"];
            // What network managers have in force is asked for as a change is.
            let of_azure = ["PUT", "DELETE", "PATCH", "POST"];
            of_google.iter().any(|it| what.ends_with(it))
                || of_azure.iter().any(|it| what.starts_with(it))
        };
        let (changes, reads): (Counts, Counts) = took
            .clone()
            .into_iter()
            .filter(|(what, _)| !POLLS.contains(&&**what))
            .partition(|(what, _)| is_change(what));
        let wanted = self
            .changes
            .iter()
            .map(|(what, n)| ((*what).to_owned(), *n));
        assert_eq!(changes, wanted.collect(), "{when}");
        for (what, n) in reads {
            let Some(bounds) = self.reads else { return };
            let most = bounds.iter().find(|it| it.0 == what).map(|it| it.1);
            assert!(Some(n) <= most, "{when}: {n} of {what}, {most:?} at most");
        }
    }
}

impl Life {
    /// What was asked since the last time, about each side.
    fn took(&self) -> [Counts; 2] {
        let taken = self.world.took();
        Side::BOTH.map(|side| {
            let mut counts = Counts::new();
            for (_, what) in taken.iter().filter(|it| it.0 == side) {
                *counts.entry(what.clone()).or_default() += 1;
            }
            counts
        })
    }
}

/// One read of each kind of each network, whatever was asked for.
fn look(which: Which) -> Bounds {
    Bounds {
        changes: &[],
        reads: Some(match which {
            // A network is read once for itself and for its links; rules are the network's own and
            // those of policies, which come in two calls.
            Which::Google => &[
                ("networks.get", 1),
                ("networks.listPeeringRoutes", 1),
                ("firewalls.list", 1),
                ("networks.getEffectiveFirewalls", 1),
                ("regionNetworkFirewallPolicies.getEffectiveFirewalls", 1),
                ("subnetworks.aggregatedList", 1),
            ],
            // The network, its links, its groups and what they deny are all told by the network,
            // the last two by its groups as well: one answer serves them all.
            Which::Azure => &[("GET virtualNetworks", 1), ("GET networkSecurityGroups", 1)],
            // Both groups, and once for both what stands where.
            Which::AzureAtInterfaces => &[
                ("GET virtualNetworks", 1),
                ("GET networkSecurityGroups", 2),
                ("GET networkInterfaces", 1),
            ],
        }),
    }
}

async fn a_life(which: Which, to_active: [Bounds; 2], to_removed: [Bounds; 2]) {
    let mut life = Life::at(which, Quality::Good).await;
    life.took();
    life.converges().await;
    for (bounds, took) in to_active.iter().zip(life.took()) {
        bounds.hold(&took, "to active");
        let told = ["quotaInfos.list", "GET usages"];
        let told = told.iter().filter_map(|it| took.get(*it)).sum::<usize>();
        assert_eq!(told, 1, "what the account allows, once in a process");
    }
    assert_eq!(life.count("NetworkQuotasSeen"), 2, "of each side");
    for _ in 0..3 {
        life.looks_again().await;
        for took in life.took() {
            look(which).hold(&took, "a look");
        }
    }
    life.removes();
    life.ends_as("removed").await;
    for (bounds, took) in to_removed.iter().zip(life.took()) {
        bounds.hold(&took, "to removed");
    }
}

#[tokio::test]
async fn at_google_cloud_each_change_is_asked_for_once_and_a_look_reads_each_thing_once() {
    let of = |changes| Bounds {
        changes,
        reads: None,
    };
    let made: [&[_]; 2] = [
        &[("firewalls.insert", 2), ("networks.addPeering", 1)],
        &[("firewalls.insert", 1), ("networks.addPeering", 1)],
    ];
    let gone: [&[_]; 2] = [
        &[("firewalls.delete", 2), ("networks.removePeering", 1)],
        &[("firewalls.delete", 1), ("networks.removePeering", 1)],
    ];
    a_life(Which::Google, made.map(of), gone.map(of)).await;
}

#[tokio::test]
async fn at_azure_each_change_is_asked_for_once_and_a_look_reads_each_thing_once() {
    let of = |changes| Bounds {
        changes,
        reads: None,
    };
    // A half is made closed and opened later: two changes of it.
    let made: [&[_]; 2] = [
        &[
            ("POST virtualNetworks", 1),
            ("PUT securityRules", 2),
            ("PUT virtualNetworkPeerings", 2),
        ],
        &[
            ("POST virtualNetworks", 1),
            ("PUT securityRules", 1),
            ("PUT virtualNetworkPeerings", 2),
        ],
    ];
    let gone: [&[_]; 2] = [
        &[
            ("DELETE securityRules", 2),
            ("DELETE virtualNetworkPeerings", 1),
        ],
        &[
            ("DELETE securityRules", 1),
            ("DELETE virtualNetworkPeerings", 1),
        ],
    ];
    a_life(Which::Azure, made.map(of), gone.map(of)).await;
}

#[tokio::test]
async fn at_azure_interfaces_are_listed_where_nothing_of_the_engines_stands_before_their_subnet() {
    let of = |changes| Bounds {
        changes,
        reads: None,
    };
    // The same, into each of two groups.
    let made: [&[_]; 2] = [
        &[
            ("POST virtualNetworks", 1),
            ("PUT securityRules", 4),
            ("PUT virtualNetworkPeerings", 2),
        ],
        &[
            ("POST virtualNetworks", 1),
            ("PUT securityRules", 2),
            ("PUT virtualNetworkPeerings", 2),
        ],
    ];
    let gone: [&[_]; 2] = [
        &[
            ("DELETE securityRules", 4),
            ("DELETE virtualNetworkPeerings", 1),
        ],
        &[
            ("DELETE securityRules", 2),
            ("DELETE virtualNetworkPeerings", 1),
        ],
    ];
    a_life(Which::AzureAtInterfaces, made.map(of), gone.map(of)).await;
}

/// How many peerings the private network has beside the first.
const CROWD: usize = 15;

/// Whatever is shared is read once: a network of many peerings, an account of many networks, and
/// what stands before the machines of several. A peering more costs the reads of its own network.
#[tokio::test]
async fn a_look_at_many_peerings_reads_nothing_twice_and_of_an_account_what_one_peering_takes() {
    // Of each peer's network: at Google Cloud itself, its routes, its rules in two calls, and the
    // routes of the private network's half; at Azure itself. Once: the private network, and of each
    // of the six accounts its subnets and rules, or its group.
    for (which, of_each, shared) in [(Which::Google, 5, 3 + 2 * 6), (Which::Azure, 1, 1 + 6)] {
        let mut life = Life::at(which, Quality::Good).await;
        for number in 0..CROWD {
            let peer = life.world.further(number);
            let route = |side, destination| SetupRoute { side, destination };
            let range = peer.ranges[0];
            let own = *life.log.network().range;
            life.says(RequestPeering {
                peer,
                terms: Terms::default(),
                setup: Setup {
                    routes: vec![route(Side::Local, range), route(Side::Remote, own)],
                    ..Setup::default()
                },
            });
        }
        let log = life.log.clone();
        let all = move |_: &Peering| {
            let network = log.network();
            let live: Vec<_> = network.live_peerings().collect();
            live.len() == CROWD + 1 && live.iter().all(|it| it.is_converged())
        };
        life.until("all in place", all.clone()).await;
        life.restarts();
        life.until("all looked at", all.clone()).await;
        for _ in 0..3 {
            life.world.read();
            life.memories = Default::default();
            life.until("a look", all.clone()).await;
            let read = life.world.read();
            let mut times = BTreeMap::<&String, usize>::new();
            read.iter()
                .for_each(|it| *times.entry(it).or_default() += 1);
            let twice: Vec<_> = times.iter().filter(|(_, n)| **n > 1).collect();
            assert!(twice.is_empty(), "{which:?}: {twice:#?}");
            let most = of_each * (CROWD + 1) + shared;
            assert!(
                read.len() <= most,
                "{which:?}: {} of {most}: {read:#?}",
                read.len()
            );
        }
    }
}
