//! Groups and rules: made once, removed once, and told apart by their owner.

use crate::OneObject as _;
use crate::stage::{ANOTHER, OURS, Stage, kind, range, rule};
use cloud::{
    CloudErrorKind, FirewallPart, GroupView, InterfaceView, LinkState, NetworkRef, Source,
    group_name,
};
use domain::{
    network::{Denial, Denied, InboundRule},
    text::FirewallGroup,
};

const GONE: Option<CloudErrorKind> = Some(CloudErrorKind::NotFound);
const THERE: Option<CloudErrorKind> = Some(CloudErrorKind::AlreadyThere);

pub(crate) async fn a_group_is_made_once_and_admits_nothing(stage: Stage) {
    let group = stage.cloud.create_group(&stage.local, OURS).await.unwrap();
    let again = stage.cloud.create_group(&stage.local, OURS).await;
    assert_eq!(kind(again), THERE, "the name is taken");
    let view = stage.shown_group(&group).await;
    assert_eq!(view.name, group_name(OURS.peering));
    assert_eq!(view.owner, Some(OURS));
    assert_eq!(view.network, stage.local.network);
    assert_eq!(view.rules, []);
    assert!(
        view.belongs_to.contains(stage.local.at.account.as_str()),
        "{view:?}"
    );
    let beside = stage.cloud.create_group(&stage.neighbour, OURS).await;
    assert_eq!(kind(beside), None, "each network has its own names");
    let ours = stage.groups(&stage.local).await;
    let ours = ours.iter().filter(|it| it.owner == Some(OURS));
    assert_eq!(ours.count(), 1);
}

pub(crate) async fn a_rule_is_added_once_and_revoked_once(stage: Stage) {
    let (at, group) = (&stage.local.at, stage.made_group().await);
    let add = async || {
        stage
            .cloud
            .authorize_rule(at, &group, rule(2113), OURS)
            .await
    };
    let id = add().await.unwrap();
    assert_eq!(kind(add().await), THERE, "a repeat");
    let view = stage
        .group_as(&group, "with its rule", |it| it.rules.len() == 1)
        .await;
    let shown = &view.rules[0];
    assert_eq!(
        (&shown.id, shown.rule, shown.owner),
        (&id, Some(rule(2113)), Some(OURS))
    );
    assert_eq!(shown.text, "tcp 2113 from 10.20.0.0/16");
    assert_eq!(shown.admits.ports, Some((2113, 2113)));
    let elsewhere = stage
        .cloud
        .authorize_rule(&stage.remote.at, &group, rule(1), OURS)
        .await;
    assert_eq!(kind(elsewhere), GONE, "a group of another account");
    let revoke = async || kind(stage.cloud.revoke_rule(at, &group, &id).await);
    assert_eq!(revoke().await, None);
    assert_eq!(revoke().await, GONE, "a repeat");
    stage
        .group_as(&group, "without the rule", |it| it.rules.is_empty())
        .await;
}

pub(crate) async fn rules_of_both_families_stand_side_by_side(stage: Stage) {
    let (at, group) = (&stage.local.at, stage.made_group().await);
    let of_ipv6 = InboundRule {
        source: range("fd00:20::/56").into(),
        ..rule(2113)
    };
    let add = async |it| stage.cloud.authorize_rule(at, &group, it, OURS).await;
    add(rule(2113)).await.unwrap();
    let id = add(of_ipv6).await.unwrap();
    assert_eq!(kind(add(of_ipv6).await), THERE, "a repeat");
    let view = stage
        .group_as(&group, "with its rules", |it| it.rules.len() == 2)
        .await;
    let shown = view.rules.iter().find(|it| it.id == id).unwrap();
    assert_eq!((shown.rule, shown.owner), (Some(of_ipv6), Some(OURS)));
    assert_eq!(shown.text, "tcp 2113 from fd00:20::/56");
    let revoked = stage.cloud.revoke_rule(at, &group, &id).await;
    assert_eq!(kind(revoked), None);
    let view = stage
        .group_as(&group, "with one rule", |it| it.rules.len() == 1)
        .await;
    assert_eq!(view.rules[0].rule, Some(rule(2113)));
}

pub(crate) async fn a_rule_names_a_group_of_a_network_that_an_active_link_leads_to_and_no_other(
    stage: Stage,
) {
    // Across regions no group can be named: this peer is in the private network's own.
    let (near, link) = stage.near_peer().await;
    let (at, group) = (&stage.local.at, stage.made_group().await);
    let clients = stage.world.group(&near, "clients", rule(443)).await;
    let beside = stage.world.group(&stage.neighbour, "beside", rule(443));
    let far = stage.world.group(&stage.remote, "far", rule(443));
    let of = |network: &NetworkRef, group: &FirewallGroup| InboundRule {
        source: format!("{}/{group}", network.at.account).parse().unwrap(),
        ..rule(2113)
    };
    let add = async |it| stage.cloud.authorize_rule(at, &group, it, OURS).await;
    let of_clients = of(&near, &clients);
    for (why, wanted) in [
        ("the link is not active", of_clients),
        ("no link", of(&stage.neighbour, &beside.await)),
        ("another region", of(&stage.remote, &far.await)),
        ("another account", of(&stage.local, &clients)),
    ] {
        let refused = add(wanted).await.map_err(|it| it.kind);
        assert_eq!(refused, Err(CloudErrorKind::NotFound), "{why}");
    }
    stage.cloud.accept_link(&near.at, &link).await.unwrap();
    for end in [&stage.local, &near] {
        stage.shown(end, &link, LinkState::Active).await;
    }
    let id = add(of_clients).await.unwrap();
    assert_eq!(kind(add(of_clients).await), THERE, "a repeat");
    let view = stage
        .group_as(&group, "with its rule", |it| it.rules.len() == 1)
        .await;
    let shown = &view.rules[0];
    assert_eq!(
        (&shown.id, shown.rule, shown.owner),
        (&id, Some(of_clients), Some(OURS))
    );
    let named = Source::Group {
        group: clients.to_string(),
        network: Some(near.network.clone()),
    };
    assert_eq!(shown.admits.source, named);
    let revoked = stage.cloud.revoke_rule(at, &group, &id).await;
    assert_eq!(kind(revoked), None);
    stage
        .group_as(&group, "without the rule", |it| it.rules.is_empty())
        .await;
}

pub(crate) async fn a_group_is_deleted_once_and_not_while_it_is_used(stage: Stage) {
    let (at, group) = (&stage.local.at, stage.made_group().await);
    let delete = async |group: &FirewallGroup| kind(stage.cloud.delete_group(at, group).await);
    assert_eq!(delete(&group).await, None);
    assert_eq!(delete(&group).await, GONE, "a repeat");
    let read = async || stage.groups(&stage.local).await;
    let gone = |found: &Vec<GroupView>| found.iter().all(|it| it.group != group);
    stage.until("no group", read, gone).await;

    let used = stage.made_group().await;
    assert_ne!(used, group, "an id is given once");
    stage.world.use_group(&stage.local, &used).await;
    assert_eq!(delete(&used).await, Some(CloudErrorKind::InUse));
    stage.shown_group(&used).await;
}

pub(crate) async fn owner_tags_of_groups_and_rules_are_put_back(stage: Stage) {
    let (at, group) = (&stage.local.at, stage.made_group().await);
    let added = stage.cloud.authorize_rule(at, &group, rule(2113), OURS);
    let id = added.await.unwrap();
    stage
        .group_as(&group, "with its rule", |it| it.rules.len() == 1)
        .await;
    let of_rule = FirewallPart::Rule {
        group: group.clone(),
        rule: id,
    };
    let of_group = FirewallPart::Group(group.clone());
    for (part, group_owner) in [(&of_rule, OURS), (&of_group, ANOTHER)] {
        for _ in 0..2 {
            let tagged = stage.cloud.tag_firewall(at, part, ANOTHER).await;
            assert_eq!(kind(tagged), None);
        }
        let right =
            |it: &GroupView| it.owner == Some(group_owner) && it.rules[0].owner == Some(ANOTHER);
        stage.group_as(&group, "with its tags", right).await;
    }
}

pub(crate) async fn what_others_made_is_shown_and_is_nobody_of_ours(stage: Stage) {
    let group = stage.world.group(&stage.local, "web", rule(443)).await;
    let view = stage.shown_group(&group).await;
    assert_eq!((view.name.as_str(), view.owner), ("web", None));
    assert_eq!(view.rules.len(), 1, "{view:?}");
    assert_eq!(
        (view.rules[0].rule, view.rules[0].owner),
        (Some(rule(443)), None)
    );
    let (at, cloud) = (&stage.local.at, &stage.cloud);
    let same = cloud.authorize_rule(at, &group, rule(443), OURS).await;
    assert_eq!(kind(same), THERE, "somebody else's, of the same content");
    let view = stage.shown_group(&group).await;
    assert_eq!(view.rules[0].owner, None, "and it stays theirs");
}

pub(crate) async fn one_rule_too_many_is_a_quota(stage: Stage) {
    let (at, group) = (&stage.local.at, stage.made_group().await);
    let most = u16::try_from(stage.cloud.limits(at, Default::default()).rules).unwrap();
    for port in 1..=most {
        let added = stage.cloud.authorize_rule(at, &group, rule(port), OURS);
        assert_eq!(kind(added.await), None, "rule {port} of {most}");
    }
    let over = stage.cloud.authorize_rule(at, &group, rule(most + 1), OURS);
    assert_eq!(kind(over.await), Some(CloudErrorKind::Quota));
}

pub(crate) async fn a_group_is_attached_once_and_detached_once_and_the_others_stay(stage: Stage) {
    let (at, group) = (&stage.local.at, stage.made_group().await);
    let interface = stage.world.interface(&stage.local, false).await;
    let before = stage.interface_as(&interface, "at all", |_| true).await;
    assert_eq!(before.network, stage.local.network);
    assert_eq!((before.groups.len(), before.managed_by), (1, None));
    let attach = async || kind(stage.cloud.attach_group(at, &interface, &group).await);
    assert_eq!(attach().await, None);
    assert_eq!(attach().await, THERE, "a repeat");
    let mut both = before.groups.clone();
    both.insert(group.clone());
    let is_so = |it: &InterfaceView| it.groups == both;
    stage.interface_as(&interface, "with both", is_so).await;
    let used = kind(stage.cloud.delete_group(at, &group).await);
    assert_eq!(used, Some(CloudErrorKind::InUse));
    let detach = async || kind(stage.cloud.detach_group(at, &interface, &group).await);
    assert_eq!(detach().await, None);
    assert_eq!(detach().await, GONE, "a repeat");
    let is_so = |it: &InterfaceView| it.groups == before.groups;
    stage.interface_as(&interface, "as before", is_so).await;

    let theirs = before.groups.first().unwrap();
    let last = stage.cloud.detach_group(at, &interface, theirs).await;
    assert_eq!(
        kind(last),
        Some(CloudErrorKind::Precondition),
        "the last one"
    );
    let nowhere = "eni-00000000000000000".parse().unwrap();
    let missing = stage.cloud.attach_group(at, &nowhere, &group).await;
    assert_eq!(kind(missing), GONE, "an interface that is not there");

    let managed = stage.world.interface(&stage.local, true).await;
    let before = stage.interface_as(&managed, "at all", |_| true).await;
    assert!(before.managed_by.is_some(), "{before:?}");
    let refused = stage.cloud.attach_group(at, &managed, &group).await;
    assert_eq!(kind(refused), Some(CloudErrorKind::Precondition));
    let is_so = |it: &InterfaceView| it.groups == before.groups;
    stage.interface_as(&managed, "as before", is_so).await;
}

pub(crate) async fn a_denial_is_of_either_family(stage: Stage) {
    let (at, first) = (&stage.local.at, stage.denial().await);
    let denial = Denial {
        denies: Denied {
            source: range("fd00:20::/56"),
            ..first.denies
        },
        ..first
    };
    let make = async || kind(stage.cloud.make_denial(at, &denial).await);
    let remove = async || kind(stage.cloud.remove_denial(at, &denial).await);
    assert_eq!(make().await, None);
    stage.is_denied(&denial, true).await;
    assert_eq!(make().await, THERE, "a repeat");
    assert_eq!(remove().await, None);
    stage.is_denied(&denial, false).await;
    assert_eq!(remove().await, GONE, "a repeat");
}

/// A number belongs to whoever has it, and only the very entry goes.
pub(crate) async fn a_denial_takes_no_number_that_is_taken_and_only_the_very_entry_is_removed(
    stage: Stage,
) {
    let (at, denial) = (&stage.local.at, stage.denial().await);
    let other = Denial {
        denies: Denied {
            source: range("10.30.0.0/16"),
            ports: None,
        },
        ..denial.clone()
    };
    let make = async |it| kind(stage.cloud.make_denial(at, it).await);
    let remove = async |it| kind(stage.cloud.remove_denial(at, it).await);
    assert_eq!(remove(&denial).await, GONE, "nothing is there yet");
    assert_eq!(make(&denial).await, None);
    stage.is_denied(&denial, true).await;
    assert_eq!(make(&denial).await, THERE, "a repeat");
    assert_eq!(make(&other).await, THERE, "the number is taken");
    assert_eq!(remove(&other).await, GONE, "another entry has the number");
    stage.is_denied(&denial, true).await;
    assert_eq!(remove(&denial).await, None);
    stage.is_denied(&denial, false).await;
    assert_eq!(remove(&denial).await, GONE, "a repeat");
    assert_eq!(
        make(&other).await,
        None,
        "everything, whatever the protocol"
    );
    stage.is_denied(&other, true).await;
    assert_eq!(remove(&other).await, None);
    stage.is_denied(&other, false).await;
    let nowhere = Denial {
        list: "acl-0123456789abcdef0".parse().unwrap(),
        ..denial
    };
    assert_eq!(make(&nowhere).await, GONE, "no such list");
    assert_eq!(remove(&nowhere).await, GONE, "no such list");
}
