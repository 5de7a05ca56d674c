//! Links: asked for, accepted, tagged, given options, ended; and what each end is told of it.

use crate::OneObject as _;
use crate::stage::{ANOTHER, OURS, Stage, kind, range, spec};
use cloud::{CloudErrorKind, LinkRole, LinkState, LinkView, NetworkRef};
use domain::{network::LinkOption, text::Link};
use std::{collections::BTreeSet, slice};

const WRONG_STATE: Option<CloudErrorKind> = Some(CloudErrorKind::WrongState);
const NOT_FOUND: Option<CloudErrorKind> = Some(CloudErrorKind::NotFound);

fn is_over_or_going(state: &LinkState) -> bool {
    matches!(state, LinkState::Deleting | LinkState::Deleted)
}

pub(crate) async fn a_link_is_shown_to_both_ends_with_its_two_ends(stage: Stage) {
    let link = stage.pending().await;
    for end in [&stage.local, &stage.remote] {
        let view = stage.shown(end, &link, LinkState::Pending).await;
        assert_eq!(view.first.network, stage.local);
        assert_eq!(view.second.network, stage.remote);
    }
    assert_eq!(stage.links(&stage.neighbour).await, [], "a third network");
    let others = spec(ANOTHER, &stage.neighbour, &stage.remote);
    let others = stage.cloud.create_link(&others).await.unwrap();
    stage
        .shown(&stage.remote, &others, LinkState::Pending)
        .await;
    assert_eq!(
        stage.links(&stage.remote).await.len(),
        2,
        "the peer has two"
    );
    let ours = stage.links(&stage.local).await;
    assert_eq!(ours.len(), 1, "and each of the others its own: {ours:?}");
    let asked = slice::from_ref(&stage.local.network);
    let elsewhere = stage.cloud.links(&stage.elsewhere(), asked).await;
    assert_eq!(elsewhere.unwrap(), [], "in another region of the account");
}

/// Clouds differ: the first link's id, or another link. Either way, what was answered is shown, and
/// nothing else.
pub(crate) async fn a_second_request_makes_no_link_that_is_not_shown(stage: Stage) {
    let first = stage.pending().await;
    let second = stage.cloud.create_link(&stage.spec(OURS)).await.unwrap();
    stage.shown(&stage.local, &second, LinkState::Pending).await;
    assert_shown(&stage, &[&first, &second]).await;
}

/// Clouds differ: some answer with the link that is there, which is another's, and others make a
/// second one. What is answered is never another's.
pub(crate) async fn a_request_is_never_answered_with_a_link_of_another(stage: Stage) {
    let first = stage.pending().await;
    match stage.cloud.create_link(&stage.spec(ANOTHER)).await {
        Ok(second) => {
            let view = stage.shown(&stage.local, &second, LinkState::Pending).await;
            assert_eq!(view.owner, Some(ANOTHER), "{view:?}");
            assert_shown(&stage, &[&first, &second]).await;
        }
        Err(error) => {
            assert_eq!(error.kind, CloudErrorKind::AlreadyThere, "{error}");
            assert_shown(&stage, &[&first]).await;
        }
    }
    let view = stage.shown(&stage.local, &first, LinkState::Pending).await;
    assert_eq!(view.owner, Some(OURS), "the first keeps its owner");
    // Without a tag it may be anybody's: that is for reads to tell.
    let untagged = spec(OURS, &stage.neighbour, &stage.remote);
    let theirs = stage.world.link(&stage.neighbour, &stage.remote).await;
    let answered = stage.cloud.create_link(&untagged).await;
    let kinds = [CloudErrorKind::Ambiguous, CloudErrorKind::AlreadyThere];
    let is_never_theirs = match &answered {
        Ok(link) => *link != theirs,
        Err(error) => kinds.contains(&error.kind),
    };
    assert!(is_never_theirs, "{answered:?} for {theirs}");
}

async fn assert_shown(stage: &Stage, answered: &[&Link]) {
    let read = async || {
        let shown = stage.links(&stage.local).await;
        shown.into_iter().map(|it| it.link).collect::<BTreeSet<_>>()
    };
    let answered: BTreeSet<_> = answered.iter().map(|it| (*it).clone()).collect();
    let right = |shown: &BTreeSet<_>| *shown == answered;
    stage.until("what was answered", read, right).await;
}

pub(crate) async fn a_link_is_accepted_once_and_by_its_accepter(stage: Stage) {
    let link = stage.pending().await;
    let accept = async |at| kind(stage.cloud.accept_link(at, &link).await);
    assert_eq!(accept(&stage.local.at).await, WRONG_STATE, "its requester");
    assert_eq!(accept(&stage.remote.at).await, None);
    assert_eq!(accept(&stage.remote.at).await, WRONG_STATE, "a repeat");
    for end in [&stage.local, &stage.remote] {
        stage.shown(end, &link, LinkState::Active).await;
    }
    assert_eq!(accept(&stage.remote.at).await, WRONG_STATE, "much later");
    let unknown = "pcx-00000000000000000".parse().unwrap();
    assert_eq!(
        kind(stage.cloud.accept_link(&stage.remote.at, &unknown).await),
        NOT_FOUND
    );
}

pub(crate) async fn a_link_in_the_other_direction_is_a_conflict_at_acceptance(stage: Stage) {
    stage.active().await;
    let reversed = spec(ANOTHER, &stage.remote, &stage.local);
    let second = stage.cloud.create_link(&reversed).await.unwrap();
    stage.shown(&stage.local, &second, LinkState::Pending).await;
    assert_eq!(
        kind(stage.cloud.accept_link(&stage.local.at, &second).await),
        Some(CloudErrorKind::Conflict)
    );
}

pub(crate) async fn a_request_that_can_never_work_fails_with_a_reason(stage: Stage) {
    let overlapping = stage
        .world
        .network(&stage.remote.at, range("10.10.128.0/17"))
        .await;
    let never = spec(OURS, &stage.local, &overlapping);
    let link = stage.cloud.create_link(&never).await.unwrap();
    let view = stage.shown(&stage.local, &link, LinkState::Failed).await;
    assert!(view.message.is_some_and(|it| !it.is_empty()));
    assert_eq!(
        kind(stage.cloud.delete_link(&stage.local.at, &link).await),
        WRONG_STATE,
        "what failed is over"
    );
}

pub(crate) async fn a_link_is_deleted_once_by_either_side(stage: Stage) {
    for by in [&stage.local, &stage.remote] {
        let link = stage.active().await;
        let delete = async || kind(stage.cloud.delete_link(&by.at, &link).await);
        assert_eq!(delete().await, None, "{by}");
        let again = delete().await;
        assert!(
            again == WRONG_STATE || again == NOT_FOUND,
            "a repeat: {again:?}"
        );
        let read = async || {
            let mut found = stage.links(by).await;
            found.retain(|it| it.link == link);
            found
        };
        let over = |found: &Vec<LinkView>| found.iter().all(|it| !it.state.is_live());
        let left = stage.until("the end of the link", read, over).await;
        assert!(left.iter().all(|it| is_over_or_going(&it.state)));
    }
    let unknown = "pcx-00000000000000000".parse().unwrap();
    assert_eq!(
        kind(stage.cloud.delete_link(&stage.local.at, &unknown).await),
        NOT_FOUND
    );
}

pub(crate) async fn a_request_that_waits_is_taken_back_by_its_requester_alone(stage: Stage) {
    let link = stage.pending().await;
    let delete = async |at| kind(stage.cloud.delete_link(at, &link).await);
    assert_eq!(delete(&stage.remote.at).await, WRONG_STATE);
    stage.shown(&stage.remote, &link, LinkState::Pending).await;
    assert_eq!(delete(&stage.local.at).await, None);
    let read = async || stage.links(&stage.local).await;
    let over = |found: &Vec<LinkView>| found.iter().all(|it| !it.state.is_live());
    stage.until("the end of the request", read, over).await;
}

pub(crate) async fn an_owner_tag_is_seen_where_it_was_put_and_putting_it_again_does_no_harm(
    stage: Stage,
) {
    let link = stage.pending().await;
    let owner = async |end| stage.shown(end, &link, LinkState::Pending).await.owner;
    assert_eq!(owner(&stage.local).await, Some(OURS), "set in the request");
    assert_eq!(owner(&stage.remote).await, None, "in one account alone");
    for end in [&stage.remote, &stage.local] {
        for _ in 0..2 {
            let tagged = stage.cloud.tag_link(&end.at, &link, ANOTHER).await;
            assert_eq!(kind(tagged), None);
        }
        let read = async || owner(end).await;
        let right = |owner: &Option<_>| *owner == Some(ANOTHER);
        stage.until("the tag", read, right).await;
    }
    let unknown = "pcx-00000000000000000".parse().unwrap();
    let tagged = stage.cloud.tag_link(&stage.local.at, &unknown, OURS).await;
    assert_eq!(kind(tagged), NOT_FOUND);
}

pub(crate) async fn an_option_is_set_by_its_own_side_on_an_active_link_whose_networks_meet_it(
    stage: Stage,
) {
    let link = stage.pending().await;
    let set = async |at, end, enabled: bool| {
        kind(
            stage
                .cloud
                .set_option(at, &link, end, LinkOption::DnsResolution, enabled.into())
                .await,
        )
    };
    let (local, remote) = (&stage.local, &stage.remote);
    assert_eq!(
        set(local, LinkRole::First, true).await,
        WRONG_STATE,
        "not active"
    );
    stage.cloud.accept_link(&remote.at, &link).await.unwrap();
    stage.shown(&stage.local, &link, LinkState::Active).await;
    stage.shown(&stage.remote, &link, LinkState::Active).await;
    assert_eq!(
        set(local, LinkRole::Second, true).await,
        WRONG_STATE,
        "the other side's"
    );
    for enabled in [true, true, false, true] {
        assert_eq!(set(local, LinkRole::First, enabled).await, None);
        assert_eq!(set(remote, LinkRole::Second, enabled).await, None);
    }
    for (end, at) in [
        (LinkRole::First, &stage.local),
        (LinkRole::Second, &stage.remote),
    ] {
        let read = async || {
            let view = stage.shown(at, &link, LinkState::Active).await;
            match end {
                LinkRole::First => view.first.option(LinkOption::DnsResolution),
                LinkRole::Second => view.second.option(LinkOption::DnsResolution),
            }
        };
        let on = |it: &Option<bool>| *it == Some(true);
        stage.until("the option", read, on).await;
    }
    stage.world.take_names(&stage.local).await;
    assert_eq!(
        set(local, LinkRole::First, true).await,
        Some(CloudErrorKind::Precondition)
    );
}

pub(crate) async fn several_paths_are_allowed_by_each_side_for_itself_and_between_regions_only(
    stage: Stage,
) {
    let paths = LinkOption::MultipathResilience;
    let link = stage.active().await;
    let ends = [
        (&stage.local, LinkRole::First),
        (&stage.remote, LinkRole::Second),
    ];
    let set = async |at, link, end, enabled: bool| {
        let set = stage.cloud.set_option(at, link, end, paths, enabled.into());
        kind(set.await)
    };
    let shows = async |(at, role): (&NetworkRef, LinkRole), expected: bool| {
        let read = async || {
            let view = stage.shown(at, &link, LinkState::Active).await;
            let end = match role {
                LinkRole::First => view.first,
                LinkRole::Second => view.second,
            };
            (
                end.option(paths),
                end.option(LinkOption::DnsResolution).unwrap_or_default(),
            )
        };
        let right = |it: &(Option<bool>, bool)| *it == (Some(expected), false);
        stage.until("the option, and no other", read, right).await;
    };
    assert_eq!(
        set(&stage.local, &link, LinkRole::Second, true).await,
        WRONG_STATE,
        "the other side's"
    );
    // Names are another option's, and so is what they need.
    stage.world.take_names(&stage.local).await;
    for enabled in [true, false] {
        for (end, asked) in [(0, enabled), (1, enabled)] {
            let (at, role) = ends[end];
            assert_eq!(set(at, &link, role, asked).await, None);
            shows(ends[end], enabled).await;
            // What one side says, the other has not said.
            shows(ends[1 - end], enabled == (end == 1)).await;
        }
    }
    let (near, link) = stage.near_peer().await;
    stage.cloud.accept_link(&near.at, &link).await.unwrap();
    stage.shown(&stage.local, &link, LinkState::Active).await;
    let within = set(&stage.local, &link, LinkRole::First, true).await;
    assert_eq!(
        within,
        Some(CloudErrorKind::InvalidRequest),
        "within a region"
    );
}
