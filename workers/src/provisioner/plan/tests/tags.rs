//! What a tag says, and what it does not.

use super::*;
use cloud::Owner;
use domain::NetworkId;
use uuid::Uuid;

/// What another installation puts on what it makes for a peering of the same id.
fn anothers() -> Owner {
    Owner::new(NetworkId(Uuid::from_u128(0xbad)), peering_id())
}

/// What was put on things before the tag named the network.
fn old() -> Owner {
    Owner::before_networks(peering_id())
}

fn tagged(view: LinkView, owner: Owner) -> LinkView {
    LinkView {
        owner: Some(owner),
        ..view
    }
}

#[test]
fn an_open_attempts_link_with_a_tag_from_before_it_named_the_network_is_ours() {
    let log = after(&[started(1)]);
    let seen = sees(&[tagged(ours(LinkState::Pending), old())]);
    assert_eq!(steps(&planned(&log, &seen, 1))[0], "Initiated");
}

#[test]
fn a_link_that_names_another_installation_is_never_an_attempts() {
    let log = after(&[started(1)]);
    let seen = sees(&[tagged(ours(LinkState::Pending), anothers())]);
    let plan = planned(&log, &seen, 1);
    expect(&plan, &["Blocked:conflict:local"], Next::Blocked);
}

#[test]
fn a_group_that_was_to_be_made_is_ours_by_its_name_and_tag_unless_that_names_another_installation()
{
    let log = active();
    begin(&log, Side::Local, vec![Thing::Group]);
    for (owner, is_ours) in [(owner(), true), (old(), true), (anothers(), false)] {
        let group = GroupView {
            owner: Some(owner),
            ..group(&[])
        };
        let plan = local_only(&planned(&log, &inside(&[our_route()], &[group]), 1));
        let taken = steps(&plan).contains(&"FirewallGroupCreated".to_owned());
        assert_eq!(taken, is_ours, "{owner}: {:?}", steps(&plan));
    }
}

#[test]
fn what_is_on_record_and_has_the_old_tag_is_not_tagged_again() {
    let log = with_group();
    let mut seen = inside(
        &[our_route()],
        &[GroupView {
            owner: Some(old()),
            ..group(&[rule(Some(old()))])
        }],
    );
    seen.links.local = Some(vec![tagged(ours(LinkState::Active), old())]);
    let plan = planned(&log, &seen, 1);
    let all = steps(&plan);
    let tags = |it: &&String| it.contains("tag") || it.contains("Drift");
    assert_eq!(all.iter().filter(tags).count(), 0, "{all:?}");
}
