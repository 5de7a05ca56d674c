//! Orphans at a simulated cloud: found by the passes that are made anyway, told once, and removed
//! when somebody asks.
#![allow(clippy::unwrap_used)]

use super::{
    find::{find, news},
    sides,
};
use crate::provisioner::{
    seen::{Seen, Shows},
    testing::{Log, peering_id},
};
use chrono::{DateTime, Utc};
use cloud::{
    GroupView, LinkState, LinkView, Owner, RouteState, RouteTableView, RouteTarget, RouteView,
    RuleView, Source, Traffic, group_name,
};
use domain::{
    NetworkId, PeeringId,
    network::{
        ExposedBy, Leftover, NetworkCommand, Orphan, OrphanEnd, OrphanThing, Outcome,
        PeeringRemoved, Registered, RemovePeering,
    },
};
use std::time::Duration;
use uuid::Uuid;

const WINDOW: Duration = Duration::from_secs(300);

/// A network whose one peering was removed before it had a link.
fn removed() -> Registered {
    let log = Log::with_a_peering();
    log.execute(
        &RemovePeering {
            peering_id: peering_id(),
            reason: "no longer needed".parse().unwrap(),
        }
        .into(),
    )
    .unwrap();
    let removed = PeeringRemoved {
        peering_id: peering_id(),
        left_behind: Vec::<Leftover>::new(),
    };
    log.execute(&NetworkCommand::Record(Outcome::Removed(removed)))
        .unwrap();
    log.network()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn link(owner: Owner, state: LinkState) -> LinkView {
    let log = Log::with_a_peering();
    let spec = sides::link(&log.network(), &log.peering());
    LinkView {
        link: "pcx-1".parse().unwrap(),
        first: spec.first,
        second: spec.second,
        state,
        message: None,
        expires_at: None,
        owner: Some(owner),
    }
}

fn links(network: &Registered, view: &LinkView, seen_at: DateTime<Utc>) -> Vec<OrphanThing> {
    let (place, of) = (sides::local(network), [network.cloud_network.clone()]);
    let shown = [view.clone()];
    let seen = Seen {
        at: &place,
        of: &of,
        seen_at,
        shows: Shows::Links(&shown),
    };
    let found = find(network, &seen, WINDOW);
    found.into_values().map(|it| it.thing).collect()
}

#[test]
fn a_link_whose_peering_has_ended_is_an_orphan_once_no_read_could_still_show_its_past() {
    let network = removed();
    let view = link(Owner::new(network.id, peering_id()), LinkState::Active);
    assert_eq!(links(&network, &view, at(299)), []);
    assert_eq!(links(&network, &view, at(300)).len(), 1);
}

#[test]
fn a_link_of_a_live_peering_is_none() {
    let log = Log::with_a_peering();
    let network = log.network();
    let view = link(Owner::new(network.id, peering_id()), LinkState::Active);
    assert_eq!(links(&network, &view, at(3600)), []);
}

#[test]
fn whose_peering_is_unknown_counts_only_if_the_tag_names_this_network() {
    let network = removed();
    let unknown = PeeringId(Uuid::from_u128(99));
    let judged = |owner| links(&network, &link(owner, LinkState::Active), at(3600)).len();
    assert_eq!(judged(Owner::new(network.id, unknown)), 1);
    assert_eq!(
        judged(Owner::before_networks(unknown)),
        0,
        "any installation's"
    );
    assert_eq!(
        judged(Owner::before_networks(peering_id())),
        1,
        "on record here"
    );
    let theirs = NetworkId(Uuid::from_u128(0xbad));
    assert_eq!(judged(Owner::new(theirs, unknown)), 0);
    assert_eq!(judged(Owner::new(theirs, peering_id())), 0);
}

#[test]
fn a_link_that_is_over_or_on_its_way_is_none() {
    let network = removed();
    for state in [
        LinkState::Deleting,
        LinkState::Deleted,
        LinkState::Failed,
        LinkState::Rejected,
        LinkState::Expired,
    ] {
        let view = link(Owner::new(network.id, peering_id()), state);
        assert_eq!(links(&network, &view, at(3600)), []);
    }
}

#[test]
fn a_link_with_the_tag_that_the_private_network_did_not_ask_for_is_a_copy() {
    let network = removed();
    let owner = Owner::new(network.id, peering_id());
    let own = link(owner, LinkState::Active);
    let theirs = LinkView {
        first: own.second.clone(),
        second: own.first.clone(),
        ..own.clone()
    };
    for (view, is_copy) in [(own, false), (theirs, true)] {
        let (place, of, shown) = (
            sides::local(&network),
            [network.cloud_network.clone()],
            [view],
        );
        let seen = Seen {
            at: &place,
            of: &of,
            seen_at: at(3600),
            shows: Shows::Links(&shown),
        };
        let found: Vec<_> = find(&network, &seen, WINDOW).into_values().collect();
        let copies: Vec<_> = found.iter().map(|it| it.is_copy).collect();
        assert_eq!(copies, [is_copy], "{shown:#?}");
    }
}

#[test]
fn a_group_of_another_name_with_the_tag_is_a_copy() {
    let network = removed();
    let owner = Owner::new(network.id, peering_id());
    for (name, is_copy) in [(group_name(peering_id()), false), ("web".to_owned(), true)] {
        let group = GroupView {
            network: network.cloud_network.clone(),
            group: "sg-1".parse().unwrap(),
            name,
            belongs_to: String::new(),
            owner: Some(owner),
            rules: Vec::new(),
        };
        let (place, of, shown) = (
            sides::local(&network),
            [network.cloud_network.clone()],
            [group],
        );
        let seen = Seen {
            at: &place,
            of: &of,
            seen_at: at(3600),
            shows: Shows::Groups(&shown),
        };
        let found: Vec<_> = find(&network, &seen, WINDOW).into_values().collect();
        assert_eq!(
            found.iter().map(|it| it.is_copy).collect::<Vec<_>>(),
            [is_copy]
        );
    }
}

#[test]
fn a_read_of_other_networks_or_of_another_kind_clears_nothing() {
    let mut network = removed();
    let owner = Owner::new(network.id, peering_id());
    let (place, of) = (sides::local(&network), [network.cloud_network.clone()]);
    let shown = [link(owner, LinkState::Active)];
    let read = |of: &[_], shown: &[LinkView], network: &Registered| {
        let seen = Seen {
            at: &place,
            of,
            seen_at: at(7200),
            shows: Shows::Links(shown),
        };
        news(network, &[seen], WINDOW)
    };
    let found = find(
        &network,
        &Seen {
            at: &place,
            of: &of,
            seen_at: at(3600),
            shows: Shows::Links(&shown),
        },
        WINDOW,
    );
    for (id, it) in found {
        let orphan = Orphan {
            peering_id: it.peering_id,
            account: it.account,
            region: it.region,
            cloud_network: it.cloud_network,
            thing: it.thing,
            is_copy: it.is_copy,
            since: at(3600),
            removal: None,
        };
        network.orphans.insert(id, orphan);
    }
    assert_eq!(read(&["vpc-other".parse().unwrap()], &[], &network), []);
    assert_eq!(read(&of, &[], &network).len(), 1, "it is gone");
    let groups = Seen {
        at: &place,
        of: &of,
        seen_at: at(7200),
        shows: Shows::Groups(&[]),
    };
    assert_eq!(news(&network, &[groups], WINDOW), []);
}

#[test]
fn a_route_of_an_ended_peering_that_was_never_on_record_as_left_is_somebody_elses() {
    let network = removed();
    let table = table("rtb-1", "10.50.0.0/16", "pcx-1");
    let (place, of, shown) = (
        sides::local(&network),
        [network.cloud_network.clone()],
        [table],
    );
    let seen = Seen {
        at: &place,
        of: &of,
        seen_at: at(3600),
        shows: Shows::Tables(&shown),
    };
    assert!(find(&network, &seen, WINDOW).is_empty());
}

/// What becomes of this orphan once a read shows all this, and none of it as an orphan.
fn end_of(thing: OrphanThing, shows: Shows<'_>) -> OrphanEnd {
    let mut network = removed();
    let (place, of) = (sides::local(&network), [network.cloud_network.clone()]);
    let orphan = Orphan {
        peering_id: peering_id(),
        account: place.account.clone(),
        region: place.region.clone(),
        cloud_network: network.cloud_network.clone(),
        is_copy: false,
        since: at(3600),
        removal: None,
        thing: thing.clone(),
    };
    network.orphans.insert(thing.id().unwrap(), orphan);
    let seen = Seen {
        at: &place,
        of: &of,
        seen_at: at(7200),
        shows,
    };
    match &news(&network, &[seen], WINDOW)[..] {
        [Outcome::OrphanCleared(it)] => it.end,
        other => panic!("{other:#?}"),
    }
}

/// A group of somebody's, with one rule.
fn group(id: &str, rule_id: &str) -> GroupView {
    let admits = Traffic {
        source: Source::Ranges(Vec::new()),
        protocol: None,
        ports: None,
        target: None,
    };
    let rule = RuleView {
        id: rule_id.parse().unwrap(),
        rule: None,
        admits,
        text: "theirs".to_owned(),
        owner: None,
        what: ExposedBy::Rule,
    };
    GroupView {
        network: removed().cloud_network,
        group: id.parse().unwrap(),
        name: "web".to_owned(),
        belongs_to: String::new(),
        owner: None,
        rules: vec![rule],
    }
}

/// A table of somebody's, with one route over a link.
fn table(id: &str, destination: &str, link: &str) -> RouteTableView {
    let route = RouteView {
        destination: destination.parse().unwrap(),
        target: RouteTarget::Link(link.parse().unwrap()),
        state: RouteState::Active,
    };
    RouteTableView {
        network: removed().cloud_network,
        table: id.parse().unwrap(),
        main: true,
        subnets: Vec::new(),
        routes: vec![route],
        others: Vec::new(),
    }
}

#[test]
fn what_is_an_orphan_no_more_is_claimed_if_it_is_there_and_gone_whatever_else_is() {
    let (claimed, gone) = (OrphanEnd::Claimed, OrphanEnd::Gone);
    let a_group = || OrphanThing::FirewallGroup {
        group: "sg-1".parse().unwrap(),
    };
    let a_rule = || OrphanThing::FirewallRule {
        group: "sg-1".parse().unwrap(),
        rule_id: "sgr-1".parse().unwrap(),
    };
    for (one, other, thing, end) in [
        (("sg-2", "sgr-2"), ("sg-1", "sgr-2"), a_group(), claimed),
        (("sg-2", "sgr-1"), ("sg-3", "sgr-2"), a_group(), gone),
        (("sg-2", "sgr-2"), ("sg-1", "sgr-1"), a_rule(), claimed),
        (("sg-1", "sgr-2"), ("sg-2", "sgr-1"), a_rule(), gone),
    ] {
        let shown = [one, other].map(|(id, rule)| group(id, rule));
        assert_eq!(end_of(thing, Shows::Groups(&shown)), end, "{shown:#?}");
    }
    let (here, there) = ("10.50.0.0/16", "10.51.0.0/16");
    let a_route = OrphanThing::Route {
        route_table: "rtb-1".parse().unwrap(),
        destination: here.parse().unwrap(),
        link: "pcx-1".parse().unwrap(),
    };
    for (one, other, end) in [
        (("rtb-2", there, "pcx-1"), ("rtb-1", here, "pcx-1"), claimed),
        (("rtb-2", here, "pcx-1"), ("rtb-1", there, "pcx-1"), gone),
        (("rtb-2", here, "pcx-1"), ("rtb-1", here, "pcx-2"), gone),
    ] {
        let shown = [one, other].map(|(id, to, over)| table(id, to, over));
        let came_to = end_of(a_route.clone(), Shows::Tables(&shown));
        assert_eq!(came_to, end, "{shown:#?}");
    }
}
