//! What keeps the other side out in front of subnets, where that was asked for: made, changed with
//! what is admitted, kept, and taken away again, and never anybody else's entry.

use super::{crashes::stopped_everywhere, *};
use cloud::{AccessListView, LetsIn, Operation, Source, Traffic, lets_in};
use domain::{
    network::{
        BlockCause, CheckDrift, DenyWithLists, DriftPolicy, FreezeNetwork, InboundRule, Leftover,
        Policy, RestrictFirewall, SetPolicy, StopDenying,
    },
    text::{AccessList, Subnet},
};
use ipnet::IpNet;

pub(super) fn subnet(name: &str) -> Subnet {
    name.parse().unwrap()
}

impl Life {
    /// An active link over which nothing is admitted.
    pub(super) async fn closed() -> Self {
        let mut life = Self::active().await;
        life.admits(&[]);
        life.settles().await;
        life
    }

    /// And a subnet at home with a list of its own that allows everything.
    pub(super) async fn with_a_subnet() -> Self {
        let life = Self::closed().await;
        life.fenced("subnet-a", &[("everything from 0.0.0.0/0", true)]);
        life
    }

    /// Somebody gives the subnet a list of its own; their entries have numbers from 100 up.
    pub(super) fn fenced(&self, name: &str, entries: &[(&str, bool)]) -> AccessList {
        let (home, hands) = (self.network(Side::Local), self.cloud.out_of_band());
        let is_new = !hands
            .lists(&home)
            .iter()
            .any(|it| it.subnets.contains(&subnet(name)));
        if is_new {
            hands.add_subnet(&home, &subnet(name), None);
        }
        hands.fence(&home, &[subnet(name)], &[]);
        let list = self.list(name).list.unwrap();
        for ((text, allow), number) in entries.iter().zip(100..) {
            hands.enter(&home, &list, number, (text, *allow));
        }
        list
    }

    /// The list in front of the subnet.
    pub(super) fn list(&self, name: &str) -> AccessListView {
        let lists = self.cloud.out_of_band().lists(&self.network(Side::Local));
        let before = |it: &AccessListView| it.subnets.contains(&subnet(name));
        lists.into_iter().find(before).unwrap()
    }

    /// Our entries in a list, each with its number.
    pub(super) fn denials(&self, list: &AccessListView) -> Vec<(u32, String)> {
        let own = self.log.peering().own_denials(Side::Local);
        let own = own
            .into_iter()
            .filter(|it| list.list.as_ref() == Some(&it.list));
        let shown = own.filter(|it| {
            let number = u32::from(it.number);
            let traffic = cloud::denied_traffic(&it.denies);
            let mut entries = list.entries.iter();
            entries.any(|entry| {
                (entry.priority, entry.allow, &entry.traffic) == (number, false, &traffic)
            })
        });
        let mut all: Vec<_> = shown
            .map(|it| (it.number.into(), it.denies.to_string()))
            .collect();
        all.sort();
        all
    }

    pub(super) fn denies(&self, subnets: &[&str]) {
        self.says(DenyWithLists {
            peering_id: self.log.peering().id,
            side: Side::Local,
            subnets: subnets.iter().map(|it| subnet(it)).collect(),
        });
    }

    pub(super) fn stops_denying(&self) {
        self.says(StopDenying {
            peering_id: self.log.peering().id,
            side: Side::Local,
        });
    }

    pub(super) fn admits(&self, ports: &[u16]) {
        self.says(RestrictFirewall {
            peering_id: self.log.peering().id,
            side: Side::Local,
            admit: ports
                .iter()
                .map(|port| InboundRule {
                    source: range(CLIENTS).into(),
                    port: *port,
                    target: None,
                })
                .collect(),
            tenure: Default::default(),
        });
    }

    /// Whether the list lets the peer in, to this TCP port.
    pub(super) fn lets_in(&self, list: &AccessListView, port: u16) -> bool {
        let from: Vec<IpNet> = vec![CLIENTS.parse().unwrap()];
        let traffic = Traffic {
            source: Source::Ranges(from.clone()),
            target: None,
            protocol: Some("tcp".to_owned()),
            ports: Some((port, port)),
        };
        lets_in(&list.entries, &traffic, &from) == LetsIn::Yes
    }

    pub(super) async fn looked_at(&mut self) {
        tokio::time::advance(Duration::from_secs(60)).await;
        self.says(CheckDrift {});
        self.settles().await;
    }

    pub(super) fn is_kept(&self) -> bool {
        let peering = self.log.peering();
        peering.firewall.local.denials.enforced.is_some() && peering.is_converged()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_admitted_is_denied_before_the_subnets_that_were_named_and_nowhere_else() {
    let mut life = Life::with_a_subnet().await;
    life.fenced("subnet-b", &[("everything from 0.0.0.0/0", true)]);
    life.admits(&[2113]);
    life.settles().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    assert!(life.is_kept(), "{:#?}", life.log.peering());
    let (list, other) = (life.list("subnet-a"), life.list("subnet-b"));
    assert_eq!(
        life.denials(&list),
        [
            (1, format!("tcp 0 to 2112 from {CLIENTS}")),
            (2, format!("tcp 2114 to 65535 from {CLIENTS}")),
            (3, format!("udp 0 to 65535 from {CLIENTS}")),
        ]
    );
    assert_eq!((list.entries.len(), other.entries.len()), (4, 1));
    assert!(life.lets_in(&list, 2113) && !life.lets_in(&list, 2112) && !life.lets_in(&list, 40000));
    assert!(life.lets_in(&other, 22));
    assert_eq!(life.count("DenialMade"), 3);
    let given_up = life.count("InstallationEnded");
    assert_eq!(given_up, 0, "each was planned under a number of its own");
    life.looked_at().await;
    assert_eq!(
        (life.count("DenialMade"), life.count("DenialEnforced")),
        (3, 1),
        "told once"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_list_keeps_out_is_no_exposure_and_is_one_again_when_denying_stops() {
    let mut life = Life::with_a_subnet().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    hands
        .group(&home, "legacy", &["tcp 22 from 10.0.0.0/8"])
        .unwrap();
    life.looked_at().await;
    let exposures = |life: &Life| life.log.peering().firewall.local.exposures.len();
    assert_eq!(exposures(&life), 1);
    life.denies(&["subnet-a"]);
    life.settles().await;
    life.looked_at().await;
    assert_eq!(exposures(&life), 1, "other subnets have other lists");
    let all = hands.lists(&home).into_iter().flat_map(|it| it.subnets);
    let all: Vec<_> = all.map(|it| it.to_string()).collect();
    life.denies(&all.iter().map(String::as_str).collect::<Vec<_>>());
    life.settles().await;
    life.looked_at().await;
    assert!(life.is_kept());
    assert_eq!(exposures(&life), 0);
    life.stops_denying();
    life.settles().await;
    life.looked_at().await;
    assert_eq!(exposures(&life), 1);
    assert_eq!(life.list("subnet-a").entries.len(), 1);
    assert_eq!(life.count("DenialRemoved"), life.count("DenialMade"));
}

#[tokio::test(start_paused = true)]
async fn the_entries_follow_what_is_admitted_and_none_goes_before_what_takes_its_place() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    life.admits(&[2113]);
    life.settles().await;
    assert!(life.is_kept());
    let list = life.list("subnet-a");
    assert!(life.lets_in(&list, 2113) && !life.lets_in(&list, 2114));
    life.admits(&[2113, 8080]);
    life.settles().await;
    let list = life.list("subnet-a");
    assert!(life.lets_in(&list, 2113) && life.lets_in(&list, 8080) && !life.lets_in(&list, 22));
    // While the new ones cannot be made, the old ones stay.
    let account = life.network(Side::Local).at.account;
    let hands = life.cloud.out_of_band();
    hands.deny_call(&account, Operation::MakeDenial);
    life.admits(&[8080]);
    life.blocks(BlockCause::PermissionDenied, Side::Local).await;
    let list = life.list("subnet-a");
    assert!(!life.lets_in(&list, 22) && !life.lets_in(&list, 8081));
    hands.allow(&account);
    life.settles().await;
    let list = life.list("subnet-a");
    assert!(life.is_kept() && !life.lets_in(&list, 2113) && life.lets_in(&list, 8080));
    assert_eq!(list.entries.len(), 4, "and none of before is left");
}

#[tokio::test(start_paused = true)]
async fn answers_to_connections_that_this_side_may_open_come_in() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    assert!(!life.lets_in(&life.list("subnet-a"), 40000));
    life.says(ingress(&life, None));
    life.settles().await;
    let list = life.list("subnet-a");
    assert!(life.lets_in(&list, 40000) && life.lets_in(&list, 1024) && !life.lets_in(&list, 1023));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_takes_out_is_put_back_and_a_number_that_they_take_stays_theirs() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    let list = life.list("subnet-a").list.unwrap();
    hands.remove_entry(&home, &list, 1);
    life.looked_at().await;
    assert_eq!(life.count("DriftDetected"), 1);
    assert_eq!(life.denials(&life.list("subnet-a"))[0].0, 1);
    assert!(life.is_kept());
    let theirs = ("tcp 22 from 192.168.0.0/16", true);
    hands.enter(&home, &list, 1, theirs);
    life.looked_at().await;
    let shown = life.list("subnet-a");
    assert_eq!(life.denials(&shown)[0].0, 2, "under another number");
    let first = shown.entries.iter().find(|it| it.priority == 1).unwrap();
    assert!(first.allow, "theirs stays");
    assert!(life.is_kept());
    life.stops_denying();
    life.settles().await;
    assert_eq!(
        life.list("subnet-a").entries.len(),
        2,
        "and stays after all"
    );
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_taken_before_ours_is_made_is_left_and_another_one_is_used() {
    let mut life = Life::with_a_subnet().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    let list = life.list("subnet-a").list.unwrap();
    life.denies(&["subnet-a"]);
    // Right after the intent is on record, and before the call.
    let before = life.log.events().len();
    let step = stopped_after_intent(&mut life).await;
    assert!(step > 0 && life.log.events().len() > before);
    hands.enter(&home, &list, 1, ("tcp 22 from 192.168.0.0/16", false));
    life.memories = Memories::default();
    life.settles().await;
    let shown = life.list("subnet-a");
    assert_eq!(life.denials(&shown)[0].0, 2);
    assert!(life.is_kept());
    assert_eq!(
        life.count("InstallationEnded"),
        1,
        "the number was given up"
    );
    let first = shown.entries.iter().find(|it| it.priority == 1).unwrap();
    assert_eq!(
        first.traffic.source,
        Source::Ranges(vec!["192.168.0.0/16".parse().unwrap()])
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_about_to_be_made_is_given_up_only_once_it_would_show() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    stopped_after_intent(&mut life).await;
    life.stops_denying();
    life.run(Fuse::never(), Duration::from_secs(2)).await;
    assert_eq!(life.count("InstallationEnded"), 0, "it may still come");
    life.settles().await;
    assert_eq!(life.count("InstallationEnded"), 1);
    assert!(life.log.peering().own_denials(Side::Local).is_empty());
}

/// It says the very thing that ours would, and the opposite.
#[tokio::test(start_paused = true)]
async fn an_entry_that_allows_what_ours_was_to_deny_is_never_taken_for_it() {
    let mut life = Life::with_a_subnet().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    let list = life.list("subnet-a").list.unwrap();
    life.denies(&["subnet-a"]);
    stopped_after_intent(&mut life).await;
    let ours = life.log.peering().own_denials(Side::Local);
    let ours = ours.into_iter().next().unwrap();
    hands.enter(&home, &list, ours.number, (&ours.denies.to_string(), true));
    life.memories = Memories::default();
    life.blocks(BlockCause::Conflict, Side::Local).await;
    assert!(!life.is_kept());
    let shown = life.list("subnet-a");
    let numbers: Vec<_> = life.denials(&shown).into_iter().map(|it| it.0).collect();
    assert!(!numbers.is_empty() && !numbers.contains(&ours.number.into()));
    life.says(remove());
    life.settles().await;
    let left = life.list("subnet-a").entries;
    let is_theirs = |it: &cloud::AccessEntry| it.priority == u32::from(ours.number) && it.allow;
    assert!(left.iter().any(is_theirs), "{left:?}");
}

/// Stops at each step until the first intent to deny is on record and the entry is not there.
async fn stopped_after_intent(life: &mut Life) -> usize {
    for step in 0..64 {
        life.run(Fuse::at(step), LONG).await;
        life.memories = Memories::default();
        let own = life.log.peering().own_denials(Side::Local);
        if !own.is_empty() {
            assert!(life.denials(&life.list("subnet-a")).is_empty());
            return step;
        }
    }
    panic!("no intent")
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_somebody_elses_that_comes_first_is_told_and_left() {
    let mut life = Life::closed().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    let list = life.fenced("subnet-a", &[]);
    hands.enter(&home, &list, 1, ("tcp 22 from 10.0.0.0/8", true));
    life.denies(&["subnet-a"]);
    life.blocks(BlockCause::Conflict, Side::Local).await;
    let message = life.log.peering().blocked.unwrap().message;
    assert!(message.contains("a number below 2"), "{message}");
    assert!(!life.is_kept());
    assert_eq!(life.list("subnet-a").entries.len(), 2);
    hands.remove_entry(&home, &list, 1);
    life.looked_at().await;
    assert!(life.is_kept());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_full_or_guards_others_too_or_has_no_number_left_is_left_as_it_is() {
    let mut life = Life::closed().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    let list = life.fenced("subnet-a", &[]);
    for number in 0..20 {
        hands.enter(
            &home,
            &list,
            200 + number,
            ("tcp 22 from 192.168.0.0/16", false),
        );
    }
    life.denies(&["subnet-a"]);
    life.blocks(BlockCause::QuotaExceeded, Side::Local).await;
    let message = life.log.peering().blocked.unwrap().message;
    assert!(
        message.contains("20 inbound entries of 20, and 1 more"),
        "{message}"
    );
    assert_eq!(life.list("subnet-a").entries.len(), 20);
    hands.remove_entry(&home, &list, 200);
    life.looked_at().await;
    assert!(life.is_kept());
    // One list before two subnets, of which one was named.
    hands.add_subnet(&home, &subnet("subnet-b"), None);
    hands.fence(&home, &[subnet("subnet-a"), subnet("subnet-b")], &[]);
    life.looked_at_until(BlockCause::Conflict).await;
    let message = life.log.peering().blocked.unwrap().message;
    assert!(message.contains("stands before subnet-b too"), "{message}");
    assert!(life.list("subnet-a").entries.is_empty());
    life.denies(&["subnet-a", "subnet-b"]);
    life.settles().await;
    assert!(life.is_kept());
    // One that is not there.
    life.denies(&["subnet-c"]);
    life.blocks(BlockCause::NotFound, Side::Local).await;
}

impl Life {
    pub(super) async fn looked_at_until(&mut self, cause: BlockCause) {
        tokio::time::advance(Duration::from_secs(60)).await;
        self.says(CheckDrift {});
        self.blocks(cause, Side::Local).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_subnet_that_gets_another_list_is_denied_there_and_no_longer_in_the_old_one() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    let old = life.list("subnet-a").list.unwrap();
    let new = life.fenced("subnet-a", &[("everything from 0.0.0.0/0", true)]);
    assert_ne!(old, new);
    life.looked_at().await;
    assert!(life.is_kept());
    assert!(!life.lets_in(&life.list("subnet-a"), 22));
    let lists = life.cloud.out_of_band().lists(&life.network(Side::Local));
    let old = lists
        .iter()
        .find(|it| it.list.as_ref() == Some(&old))
        .unwrap();
    assert_eq!(old.entries.len(), 1, "theirs alone");
    assert_eq!(life.log.peering().own_denials(Side::Local).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_removal_takes_the_entries_back_after_the_link_and_leaves_everybody_elses() {
    let mut life = Life::with_a_subnet().await;
    life.admits(&[2113]);
    life.denies(&["subnet-a"]);
    life.settles().await;
    life.says(remove());
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "removed");
    assert_eq!(life.list("subnet-a").entries.len(), 1);
    let names: Vec<_> = life.log.events().iter().map(|it| it.name()).collect();
    let at = |name| names.iter().position(|it| *it == name).unwrap();
    assert!(at("LinkRemoved") < at("DenialRemoved"));
}

#[tokio::test(start_paused = true)]
async fn a_removal_is_not_held_up_by_a_freeze_and_denying_does_not_stop_in_one() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    life.says(FreezeNetwork {
        reason: "held".parse().unwrap(),
        everywhere: false,
    });
    life.stops_denying();
    life.settles().await;
    assert!(
        !life.lets_in(&life.list("subnet-a"), 22),
        "a freeze opens nothing"
    );
    life.says(remove());
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "removed");
    assert_eq!(life.list("subnet-a").entries.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_stands_when_a_peering_is_given_up_is_named() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    let own = life.log.peering().own_denials(Side::Local);
    life.says(domain::network::AbandonPeering {
        peering_id: life.log.peering().id,
        reason: "left".parse().unwrap(),
        clean: None,
    });
    life.settles().await;
    let left = life.log.peering().leftovers();
    for denial in own {
        let side = Side::Local;
        assert!(
            left.contains(&Leftover::Denial { side, denial }),
            "{left:?}"
        );
    }
    assert_eq!(life.list("subnet-a").entries.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_side_that_is_cleaned_up_when_a_peering_is_given_up_loses_its_entries() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    life.says(domain::network::AbandonPeering {
        peering_id: life.log.peering().id,
        reason: "left".parse().unwrap(),
        clean: Some(Side::Local),
    });
    life.settles().await;
    assert_eq!(life.list("subnet-a").entries.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn drift_that_is_only_reported_is_left_and_drift_that_is_accepted_is_how_it_should_be() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    let list = life.list("subnet-a").list.unwrap();
    let policy = |drift| SetPolicy {
        policy: Policy {
            drift,
            ..Policy::default()
        },
    };
    life.says(policy(DriftPolicy::Report));
    hands.remove_entry(&home, &list, 1);
    life.looked_at().await;
    assert_eq!(life.list("subnet-a").entries.len(), 1);
    assert!(!life.log.peering().is_converged());
    life.says(policy(DriftPolicy::Adopt));
    life.settles().await;
    assert_eq!(life.list("subnet-a").entries.len(), 1);
    assert!(life.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn where_the_lists_may_not_be_read_nothing_is_called_gone_and_a_person_is_told() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    let account = life.network(Side::Local).at.account;
    let hands = life.cloud.out_of_band();
    hands.deny_call(&account, Operation::AccessLists);
    life.looked_at_until(BlockCause::PermissionDenied).await;
    life.stops_denying();
    life.blocks(BlockCause::PermissionDenied, Side::Local).await;
    assert_eq!(life.count("DenialRemoved"), 0);
    assert_eq!(life.log.peering().own_denials(Side::Local).len(), 1);
    hands.allow(&account);
    life.settles().await;
    assert_eq!(life.list("subnet-a").entries.len(), 1);
    assert_eq!(life.count("DenialRemoved"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_denying_leaves_each_entry_once() {
    stopped_everywhere(
        async || {
            let mut life = Life::with_a_subnet().await;
            life.admits(&[2113]);
            life.settles().await;
            life
        },
        |life| life.denies(&["subnet-a"]),
        |life, when| {
            let list = life.list("subnet-a");
            assert_eq!(life.denials(&list).len(), 3, "{when}");
            assert_eq!(list.entries.len(), 4, "{when}");
            assert!(life.is_kept(), "{when}");
            assert_eq!(life.count("DenialMade"), 3, "{when}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_change_or_the_end_of_denying_leaves_what_was_asked_for() {
    let denying = async || {
        let mut life = Life::with_a_subnet().await;
        life.admits(&[2113]);
        life.denies(&["subnet-a"]);
        life.settles().await;
        life
    };
    stopped_everywhere(
        denying,
        |life| life.admits(&[8080]),
        |life, when| {
            let list = life.list("subnet-a");
            assert_eq!(list.entries.len(), 4, "{when}");
            assert!(life.is_kept(), "{when}");
            assert!(
                life.lets_in(&list, 8080) && !life.lets_in(&list, 2113),
                "{when}"
            );
        },
    )
    .await;
    stopped_everywhere(
        denying,
        |life| life.stops_denying(),
        |life, when| {
            assert_eq!(life.list("subnet-a").entries.len(), 1, "{when}");
            assert!(life.log.peering().is_converged(), "{when}");
        },
    )
    .await;
    stopped_everywhere(
        denying,
        |life| life.says(remove()),
        |life, when| {
            assert_eq!(life.list("subnet-a").entries.len(), 1, "{when}");
            assert_eq!(life.log.peering().life.as_str(), "removed", "{when}");
        },
    )
    .await;
}
