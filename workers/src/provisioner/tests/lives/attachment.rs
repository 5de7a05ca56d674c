//! What groups are attached to: looked at, told when it matters, and done where that was asked for.

use super::*;
use cloud::Operation;
use domain::{
    network::{
        AttachFirewall, AttachTo, BlockCause, CheckDrift, DetachFirewall, DriftPolicy, LeftAlone,
        Policy, SetPolicy,
    },
    text::{FirewallGroup, Interface},
};

fn tagged(followed: bool) -> AttachTo {
    AttachTo::Tag {
        key: "app".parse().unwrap(),
        value: "kurrentdb".parse().unwrap(),
        followed,
    }
}

fn these(interfaces: &[&Interface]) -> AttachTo {
    AttachTo::Interfaces {
        interfaces: interfaces.iter().map(|it| (*it).clone()).collect(),
    }
}

impl Life {
    /// The engine's group at home.
    fn own_group(&self) -> FirewallGroup {
        self.log.peering().firewall.local.group.clone().unwrap()
    }

    /// A machine at home with a group of its own, and with this tag.
    fn machine(&self, app: &str) -> (Interface, FirewallGroup) {
        let (home, hands) = (self.network(Side::Local), self.cloud.out_of_band());
        let number = self.cloud.world().networks[&home.to_string()].groups.len();
        let theirs = hands
            .group(&home, &format!("machine-{number}"), &[])
            .unwrap();
        let groups = std::slice::from_ref(&theirs);
        let made = hands.interface(&home, groups, &[("app", app)]).unwrap();
        (made, theirs)
    }

    fn groups_of(&self, interface: &Interface) -> Vec<FirewallGroup> {
        let world = self.cloud.world();
        let home = &world.networks[&self.network(Side::Local).to_string()];
        let found = home.interfaces.iter().find(|it| it.id == *interface);
        found.unwrap().groups.iter().cloned().collect()
    }

    fn is_attached(&self, interface: &Interface) -> bool {
        self.groups_of(interface).contains(&self.own_group())
    }

    fn attach(&self, to: AttachTo) {
        let peering_id = self.log.peering().id;
        self.says(AttachFirewall {
            peering_id,
            side: Side::Local,
            to,
        });
    }

    fn detach(&self) {
        let peering_id = self.log.peering().id;
        self.says(DetachFirewall {
            peering_id,
            side: Side::Local,
        });
    }

    fn attach_by_hand(&self, interface: &Interface) {
        let (home, group) = (self.network(Side::Local), self.own_group());
        self.cloud
            .out_of_band()
            .alter_interface(&home, interface, |it| {
                it.groups.insert(group);
            });
    }

    fn detach_by_hand(&self, interface: &Interface) {
        let (home, group) = (self.network(Side::Local), self.own_group());
        self.cloud
            .out_of_band()
            .alter_interface(&home, interface, |it| {
                it.groups.remove(&group);
            });
    }

    async fn checked(&mut self) {
        tokio::time::advance(Duration::from_secs(60)).await;
        self.says(CheckDrift {});
        self.settles().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_nobody_has_attached_is_known_to_be_attached_to_nothing() {
    let mut life = Life::active().await;
    let count = |life: &Life| life.log.peering().firewall.local.attachment.count();
    assert_eq!(count(&life), Some(0), "told with the first look");
    let (machine, _) = life.machine("kurrentdb");
    life.attach_by_hand(&machine);
    life.checked().await;
    assert_eq!(count(&life), Some(1));
    assert_eq!(life.count("FirewallAttachmentSeen"), 1);
    life.checked().await;
    assert_eq!(life.count("FirewallAttachmentSeen"), 1, "told once");
    life.detach_by_hand(&machine);
    life.checked().await;
    assert_eq!(count(&life), Some(0));
    assert_eq!(
        life.count("FirewallGroupAttached"),
        0,
        "and none of it ours"
    );
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_may_not_read_interfaces_works_on_and_says_that_it_cannot_tell() {
    let mut life = Life::active().await;
    let home = life.network(Side::Local).at.account;
    life.cloud
        .out_of_band()
        .deny_call(&home, Operation::Interfaces);
    life.checked().await;
    let peering = life.log.peering();
    assert_eq!(peering.firewall.local.attachment.count(), None);
    assert!(peering.is_converged() && peering.blocked.is_none());
    let (machine, _) = life.machine("kurrentdb");
    life.attach(these(&[&machine]));
    life.blocks(BlockCause::PermissionDenied, Side::Local).await;
    life.cloud.out_of_band().allow(&home);
    life.settles().await;
    assert!(life.is_attached(&machine));
}

#[tokio::test(start_paused = true)]
async fn what_carries_the_tag_is_attached_and_keeps_its_other_groups() {
    let mut life = Life::active().await;
    let (one, theirs) = life.machine("kurrentdb");
    let (other, _) = life.machine("web");
    life.attach(tagged(false));
    life.settles().await;
    let mut wanted = vec![theirs, life.own_group()];
    wanted.sort();
    assert_eq!(life.groups_of(&one), wanted);
    assert!(!life.is_attached(&other));
    let (late, _) = life.machine("kurrentdb");
    life.checked().await;
    assert!(!life.is_attached(&late), "chosen once");
    life.attach(tagged(true));
    life.settles().await;
    assert!(life.is_attached(&late) && life.is_attached(&one));
    let (later, _) = life.machine("kurrentdb");
    let home = life.network(Side::Local);
    let hands = life.cloud.out_of_band();
    hands.alter_interface(&home, &one, |it| it.tags.clear());
    life.checked().await;
    assert!(
        life.is_attached(&later) && !life.is_attached(&one),
        "followed"
    );
    life.detach();
    life.settles().await;
    assert!(!life.is_attached(&late) && !life.is_attached(&later));
    assert_eq!(life.log.peering().firewall.local.attachment.made.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_attached_is_not_the_engines_to_detach() {
    let mut life = Life::active().await;
    let (machine, _) = life.machine("kurrentdb");
    life.attach_by_hand(&machine);
    life.attach(tagged(true));
    life.settles().await;
    assert_eq!(life.count("FirewallGroupAttached"), 0);
    life.detach();
    life.settles().await;
    assert!(life.is_attached(&machine));
    let group = life.own_group();
    life.says(remove());
    life.blocks(BlockCause::InUse, Side::Local).await;
    let blocked = life.log.peering().blocked.unwrap();
    let names = |id: &str| blocked.message.contains(id) && blocked.remedy[0].contains(id);
    assert!(
        names(machine.as_str()) && names(group.as_str()),
        "{blocked:?}"
    );
    life.detach_by_hand(&machine);
    life.settles().await;
    is_clean(&life.cloud.world(), "nobody uses it any more");
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_another_group_that_names_ours_is_named_when_the_group_is_to_go() {
    let mut life = Life::active().await;
    let (home, group) = (life.network(Side::Local), life.own_group());
    let hands = life.cloud.out_of_band();
    let rule = format!("tcp 443 from {group}");
    let user = hands.group(&home, "web", &[rule.as_str()]).unwrap();
    hands.use_group(&home, &group);
    life.says(remove());
    life.blocks(BlockCause::InUse, Side::Local).await;
    let blocked = life.log.peering().blocked.unwrap();
    assert!(blocked.message.contains(user.as_str()), "{blocked:?}");
    let rules = life.cloud.world().networks[&home.to_string()]
        .groups
        .clone();
    let id = &rules.iter().find(|it| it.id == user).unwrap().rules[0].id;
    assert!(blocked.remedy[0].contains(id.as_str()), "{blocked:?}");
    life.cloud.out_of_band().drop_rule(&home, id);
    life.cloud.out_of_band().leave_group(&home, &group);
    life.settles().await;
    assert!(!life.log.peering().life.is_live());
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_names_our_group_is_named_also_where_interfaces_may_not_be_read() {
    let mut life = Life::active().await;
    let (home, group) = (life.network(Side::Local), life.own_group());
    let hands = life.cloud.out_of_band();
    hands.deny_call(&home.at.account, Operation::Interfaces);
    let rule = format!("tcp 443 from {group}");
    let user = hands.group(&home, "web", &[rule.as_str()]).unwrap();
    hands.use_group(&home, &group);
    life.says(remove());
    life.blocks(BlockCause::InUse, Side::Local).await;
    let blocked = life.log.peering().blocked.unwrap();
    for named in [user.as_str(), "web", group.as_str()] {
        assert!(blocked.message.contains(named), "{blocked:?}");
    }
    hands.drop_group(&home, &user);
    hands.leave_group(&home, &group);
    life.settles().await;
    is_clean(&life.cloud.world(), "nobody uses it any more");
}

#[tokio::test(start_paused = true)]
async fn a_removal_detaches_what_the_engine_attached_and_nothing_else_of_the_machine() {
    let mut life = Life::active().await;
    let (machine, theirs) = life.machine("kurrentdb");
    life.attach(tagged(true));
    life.settles().await;
    assert!(life.is_attached(&machine));
    life.says(remove());
    life.settles().await;
    assert_eq!(life.groups_of(&machine), [theirs]);
    assert!(!life.log.peering().life.is_live());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_attached_is_told_and_not_touched_and_the_others_are() {
    let mut life = Life::active().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    let (managed, full, plain) = (
        life.machine("kurrentdb").0,
        life.machine("kurrentdb").0,
        life.machine("kurrentdb").0,
    );
    let rds = Some("amazon-rds".to_owned());
    hands.alter_interface(&home, &managed, |it| it.managed_by = rds);
    hands.alter_interface(&home, &full, |it| {
        it.groups
            .extend((1..5).map(|n| format!("sg-{n}").parse().unwrap()))
    });
    let nowhere: Interface = "eni-0nowhere".parse().unwrap();
    let before = (life.groups_of(&managed), life.groups_of(&full));
    life.attach(these(&[&managed, &full, &plain, &nowhere]));
    life.settles().await;
    assert!(life.is_attached(&plain));
    assert_eq!((life.groups_of(&managed), life.groups_of(&full)), before);
    let wanted = life.log.peering().firewall.local.attachment.wanted.clone();
    let left_alone = wanted.unwrap().left_alone;
    let by = "amazon-rds".to_owned();
    assert_eq!(left_alone[&managed], LeftAlone::Managed { by });
    assert_eq!(left_alone[&full], LeftAlone::NoRoom { most: 5 });
    assert_eq!(left_alone[&nowhere], LeftAlone::NotThere);
    assert!(life.log.peering().blocked.is_none());
    let told = life.count("FirewallAttachmentChosen");
    life.checked().await;
    assert_eq!(life.count("FirewallAttachmentChosen"), told);
}

#[tokio::test(start_paused = true)]
async fn an_interface_that_goes_is_on_record_as_detached_and_is_no_drift() {
    let mut life = Life::active().await;
    let (machine, _) = life.machine("kurrentdb");
    life.attach(tagged(true));
    life.settles().await;
    let home = life.network(Side::Local);
    life.cloud.out_of_band().drop_interface(&home, &machine);
    life.checked().await;
    let peering = life.log.peering();
    assert_eq!(peering.firewall.local.attachment.made.len(), 0);
    assert_eq!(life.count("FirewallGroupDetached"), 1);
    assert!(peering.drift.is_empty() && peering.is_converged());
}

#[tokio::test(start_paused = true)]
async fn who_detaches_it_by_hand_is_met_as_the_policy_says() {
    for (policy, attached) in [(DriftPolicy::Repair, true), (DriftPolicy::Report, false)] {
        let mut life = Life::active().await;
        let (machine, theirs) = life.machine("kurrentdb");
        life.attach(tagged(true));
        life.says(SetPolicy {
            policy: Policy {
                drift: policy,
                ..Policy::default()
            },
        });
        life.settles().await;
        life.detach_by_hand(&machine);
        life.checked().await;
        assert_eq!(life.is_attached(&machine), attached, "{policy:?}");
        assert!(life.groups_of(&machine).contains(&theirs));
        assert_eq!(life.count("DriftDetected"), 1, "{policy:?}");
        assert_eq!(life.log.peering().drift.is_empty(), attached);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_group_of_an_interface_is_not_taken_from_it() {
    let mut life = Life::active().await;
    let (machine, theirs) = life.machine("kurrentdb");
    life.attach(tagged(true));
    life.settles().await;
    let home = life.network(Side::Local);
    let hands = life.cloud.out_of_band();
    hands.alter_interface(&home, &machine, |it| {
        it.groups.remove(&theirs);
    });
    life.detach();
    life.blocks(BlockCause::InUse, Side::Local).await;
    assert!(life.is_attached(&machine));
    let hands = life.cloud.out_of_band();
    hands.alter_interface(&home, &machine, |it| {
        it.groups.insert(theirs);
    });
    life.settles().await;
    assert!(!life.is_attached(&machine));
}

/// An active peering with a machine that carries the tag, and what its groups were.
async fn with_a_machine() -> (Life, Interface, FirewallGroup) {
    let life = Life::active().await;
    let (machine, theirs) = life.machine("kurrentdb");
    (life, machine, theirs)
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_attaching_attaches_once_and_is_the_engines_to_detach() {
    super::crashes::stopped_everywhere(
        async || with_a_machine().await.0,
        |life| life.attach(tagged(true)),
        |life, when| {
            let peering = life.log.peering();
            let made = &peering.firewall.local.attachment.made;
            assert_eq!(made.len(), 1, "{when}");
            let machine = made.keys().next().unwrap();
            assert!(life.is_attached(machine), "{when}");
            assert_eq!(life.groups_of(machine).len(), 2, "{when}");
            assert_eq!(life.count("FirewallGroupAttached"), 1, "{when}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_detaching_leaves_the_machine_its_own_groups() {
    super::crashes::stopped_everywhere(
        async || {
            let (mut life, _, _) = with_a_machine().await;
            life.attach(tagged(true));
            life.settles().await;
            life
        },
        |life| life.detach(),
        |life, when| {
            let world = life.cloud.world();
            let home = &world.networks[&life.network(Side::Local).to_string()];
            assert_eq!(home.interfaces[0].groups.len(), 1, "{when}");
            assert!(!life.is_attached(&home.interfaces[0].id), "{when}");
            assert_eq!(life.count("FirewallGroupDetached"), 1, "{when}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_before_a_removal_leaves_nothing_attached() {
    for step in 0..40 {
        let (mut life, machine, theirs) = with_a_machine().await;
        life.attach(tagged(true));
        let stopped = life
            .run(crate::provisioner::testing::Fuse::at(step), LONG)
            .await;
        life.memories = Default::default();
        let attached = usize::from(life.is_attached(&machine));
        life.says(remove());
        life.settles().await;
        assert_eq!(life.groups_of(&machine), [theirs], "stopped at step {step}");
        assert!(!life.log.peering().life.is_live());
        // What was done before the crash is on record, as done and as undone.
        let told = ["FirewallGroupAttached", "FirewallGroupDetached"].map(|it| life.count(it));
        assert_eq!(told, [attached; 2], "stopped at step {step}");
        if stopped.is_some() {
            return assert!(step > 3, "only {step} steps");
        }
    }
}

/// A life that stopped when it had put on record that it attaches its group, and no more.
async fn about_to_attach() -> (Life, Interface, FirewallGroup) {
    for step in 0..40 {
        let (mut life, machine, theirs) = with_a_machine().await;
        life.attach(tagged(true));
        let fuse = crate::provisioner::testing::Fuse::at(step);
        life.run(fuse, LONG).await;
        life.memories = Default::default();
        let intents = life.log.peering().intents;
        if intents.local.iter().count() > 0 && !life.is_attached(&machine) {
            return (life, machine, theirs);
        }
    }
    panic!("nothing is on record before it is attached");
}

#[tokio::test(start_paused = true)]
async fn what_was_about_to_be_attached_is_waited_for_before_it_is_said_not_to_be_there() {
    for shows_late in [false, true] {
        let (mut life, machine, theirs) = about_to_attach().await;
        life.detach();
        life.look_for(Duration::from_secs(60)).await;
        assert_eq!(life.count("InstallationEnded"), 0, "it may still show");
        if shows_late {
            life.attach_by_hand(&machine);
        }
        life.settles().await;
        let told = [
            "FirewallGroupAttached",
            "FirewallGroupDetached",
            "InstallationEnded",
        ];
        let told = told.map(|it| life.count(it));
        let wanted = if shows_late { [1, 1, 0] } else { [0, 0, 1] };
        assert_eq!(told, wanted, "shows late: {shows_late}");
        assert_eq!(life.groups_of(&machine), [theirs]);
        assert_eq!(life.log.peering().intents.local.iter().count(), 0);
    }
}
