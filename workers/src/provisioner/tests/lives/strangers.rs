//! Rules that somebody else has put into the engine's own group, when the group is to go: they are
//! named, and the group stays while they are in it, unless the policy wants them gone.

use super::{HOUR, Life, holds::abandon, is_clean, remove};
use crate::provisioner::{
    memories::Memories,
    settings::ProvisionerSettings,
    testing::{Fuse, peering_id},
};
use cloud::group_name;
use domain::{
    Side,
    network::{BlockCause, ExposurePolicy, Leftover, Policy, SetPolicy},
    text::{FirewallGroup, FirewallRule},
};

const THEIRS: &str = "tcp 443 from 192.168.0.0/16";
const EXPOSING: &str = "tcp 22 from 10.0.0.0/8";

impl Life {
    /// An active peering, and somebody's rule in the engine's group of this side.
    async fn with_a_strangers_rule(side: Side, text: &str) -> (Self, FirewallGroup, FirewallRule) {
        let life = Self::active().await;
        let group = life.log.peering().firewall.get(side).group.clone().unwrap();
        let by_hand = life.cloud.out_of_band();
        let rule = by_hand.admit(&life.network(side), &group, text).unwrap();
        (life, group, rule)
    }

    /// The rules in this group; `None` if it is not there.
    fn rules_in(&self, group: &FirewallGroup) -> Option<Vec<FirewallRule>> {
        let world = self.cloud.world();
        let mut groups = world.networks.values().flat_map(|it| &it.groups);
        let found = groups.find(|it| it.id == *group)?;
        Some(found.rules.iter().map(|it| it.id.clone()).collect())
    }

    /// Whether anything of the peering still carries traffic.
    fn is_open(&self) -> bool {
        let world = self.cloud.world();
        let routes = Side::BOTH.map(|side| self.routes(side).len());
        world.links.values().any(|it| it.state.is_live()) || routes != [0, 0]
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_with_a_strangers_rule_stays_and_the_rule_is_named_until_it_is_gone() {
    for side in Side::BOTH {
        let (mut life, group, rule) = Life::with_a_strangers_rule(side, THEIRS).await;
        life.says(remove());
        life.blocks(BlockCause::Conflict, side).await;
        let blocked = life.log.peering().blocked.unwrap();
        for named in [group.as_str(), rule.as_str(), THEIRS] {
            assert!(blocked.message.contains(named), "{}", blocked.message);
        }
        assert!(
            blocked.remedy.iter().any(|it| it.contains("abandon")),
            "{:?}",
            blocked.remedy
        );
        assert_eq!(life.rules_in(&group).as_deref(), Some(&[rule.clone()][..]));
        assert!(!life.is_open(), "it holds up nothing but its own group");
        let removed = life.count("FirewallGroupRemoved");
        assert_eq!(removed, 1, "that of the other side is gone");
        assert_eq!(life.log.peering().life.as_str(), "removing");
        life.cloud
            .out_of_band()
            .drop_rule(&life.network(side), &rule);
        life.settles().await;
        assert_eq!(life.log.peering().life.as_str(), "removed");
        is_clean(&life.cloud.world(), "without the rule");
    }
}

#[tokio::test(start_paused = true)]
async fn a_strangers_rule_that_the_policy_wants_gone_goes_and_the_group_with_it() {
    let (mut life, group, rule) = Life::with_a_strangers_rule(Side::Remote, EXPOSING).await;
    tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
    life.look_for(std::time::Duration::from_secs(60)).await;
    assert_eq!(life.count("FirewallExposed"), 1, "named before it goes");
    life.says(remove());
    life.blocks(BlockCause::Conflict, Side::Remote).await;
    assert_eq!(life.rules_in(&group), Some(vec![rule]));
    life.says(SetPolicy {
        policy: Policy {
            exposure: ExposurePolicy::Enforce {
                groups: [group.clone()].into(),
            },
            ..Policy::default()
        },
    });
    life.settles().await;
    assert_eq!(life.rules_in(&group), None);
    is_clean(&life.cloud.world(), "as the policy wants");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_cleaned_up_stays_with_a_strangers_rule_and_both_are_left_behind_by_name() {
    let (mut life, group, rule) = Life::with_a_strangers_rule(Side::Local, THEIRS).await;
    life.says(abandon(Some(Side::Local)));
    life.look_for(HOUR).await;
    let peering = life.log.peering();
    assert_eq!(peering.life.as_str(), "abandoned");
    let side = Side::Local;
    let of_this_side: Vec<_> = peering
        .leftovers()
        .into_iter()
        .filter(|it| format!("{it:?}").contains("Local"))
        .collect();
    assert_eq!(
        of_this_side,
        [
            Leftover::FirewallGroup {
                side,
                group: group.clone()
            },
            Leftover::FirewallRule {
                side,
                rule_id: rule.clone()
            }
        ]
    );
    assert_eq!(life.rules_in(&group), Some(vec![rule]));
    assert!(life.routes(Side::Local).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_removal_never_takes_a_strangers_rule_with_the_group() {
    for step in 0.. {
        let (mut life, group, rule) = Life::with_a_strangers_rule(Side::Local, THEIRS).await;
        life.says(remove());
        let stopped = life.run(Fuse::at(step), HOUR).await.is_none();
        let when = format!("stopped at step {step}");
        assert_eq!(
            life.rules_in(&group).map(|it| it.contains(&rule)),
            Some(true),
            "{when}"
        );
        life.memories = Memories::default();
        life.look_for(HOUR).await;
        assert_eq!(life.rules_in(&group), Some(vec![rule.clone()]), "{when}");
        assert!(!life.is_open(), "{when}");
        let cause = life.log.peering().blocked.map(|it| it.cause);
        assert_eq!(cause, Some(BlockCause::Conflict), "{when}");
        life.cloud
            .out_of_band()
            .drop_rule(&life.network(Side::Local), &rule);
        life.memories = Memories::default();
        life.settles().await;
        is_clean(&life.cloud.world(), &when);
        assert_eq!(life.count("PeeringRemoved"), 1, "{when}");
        if !stopped {
            assert!(step > 6, "only {step} steps");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_has_the_engines_name_is_named_with_its_id_and_left_alone_until_it_goes() {
    for side in Side::BOTH {
        let mut life = Life::asked_for();
        let (network, name) = (life.network(side), group_name(peering_id()));
        let by_hand = life.cloud.out_of_band();
        let theirs = by_hand.group(&network, &name, &[THEIRS]).unwrap();
        life.blocks(BlockCause::Conflict, side).await;
        let blocked = life.log.peering().blocked.unwrap();
        for named in [theirs.as_str(), &name] {
            assert!(blocked.message.contains(named), "{}", blocked.message);
            assert!(blocked.remedy[0].contains(named), "{:?}", blocked.remedy);
        }
        assert_eq!(life.rules_in(&theirs).map(|it| it.len()), Some(1));
        assert_eq!(life.count("FirewallGroupCreated"), 1, "the other side's");
        by_hand.drop_group(&network, &theirs);
        life.settles().await;
        assert!(life.log.peering().is_converged());
        let ours = life.log.peering().firewall.get(side).group.clone();
        assert_ne!(ours, Some(theirs));
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_does_not_take_a_group_that_has_only_the_engines_name() {
    let mut life = Life::asked_for();
    let (network, name) = (life.network(Side::Local), group_name(peering_id()));
    let by_hand = life.cloud.out_of_band();
    let theirs = by_hand.group(&network, &name, &[THEIRS]).unwrap();
    life.blocks(BlockCause::Conflict, Side::Local).await;
    life.says(remove());
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "removed");
    assert_eq!(life.rules_in(&theirs).map(|it| it.len()), Some(1));
}
