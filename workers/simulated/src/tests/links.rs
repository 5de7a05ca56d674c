//! Links through their states, and what each side is told.
use super::*;
use ipnet::IpNet;

#[tokio::test(start_paused = true)]
async fn a_link_goes_through_its_states_with_time() {
    let cloud = with(SimulatedSettings {
        initiating: secs(2),
        provisioning: secs(3),
        ..SimulatedSettings::instant(1)
    });
    let link = cloud.create_link(&spec()).await.unwrap();
    assert_eq!(state(&cloud).await, LinkState::Initiating);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(state(&cloud).await, LinkState::Pending);
    cloud.accept_link(&other().network.at, &link).await.unwrap();
    assert_eq!(state(&cloud).await, LinkState::Provisioning);
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(state(&cloud).await, LinkState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_new_thing_comes_into_sight_late_and_stays() {
    let cloud = with(late());
    cloud.create_link(&spec()).await.unwrap();
    assert_eq!(shown(&cloud, &one()).await, []);
    tokio::time::advance(Duration::from_secs(5)).await;
    let mut counts = Vec::new();
    for _ in 0..4 {
        counts.push(shown(&cloud, &one()).await.len());
    }
    assert_eq!(counts, [0, 0, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn the_accepters_ranges_are_told_only_after_it_accepted() {
    let cloud = instant();
    let link = cloud.create_link(&spec()).await.unwrap();
    assert_eq!(
        shown(&cloud, &other()).await[0].second.ranges,
        Vec::<IpNet>::new()
    );
    cloud.accept_link(&other().network.at, &link).await.unwrap();
    assert_eq!(
        shown(&cloud, &other()).await[0].second.ranges,
        other().ranges
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_request_gives_the_first_link_or_another_one() {
    let cloud = instant();
    assert_eq!(
        cloud.create_link(&spec()).await.unwrap(),
        cloud.create_link(&spec()).await.unwrap()
    );
    let cloud = with(SimulatedSettings {
        second_request: SecondRequest::AnotherLink,
        ..SimulatedSettings::instant(1)
    });
    assert_ne!(
        cloud.create_link(&spec()).await.unwrap(),
        cloud.create_link(&spec()).await.unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn what_could_never_work_fails_after_a_while_with_a_reason() {
    let nowhere = LinkEnd {
        network: network("333333333333", "us-east-1", "vpc-0ccccccc"),
        ..other()
    };
    let cloud = instant();
    // The overlap is with a secondary range.
    cloud
        .out_of_band()
        .widen(&other().network, "10.1.128.0/17".parse().unwrap());
    for accepter in [other(), nowhere] {
        let (requester, at) = (one(), one().network.at);
        let spec = LinkSpec {
            owner: owner(),
            first: requester,
            second: accepter.clone(),
            link: None,
        };
        cloud.create_link(&spec).await.unwrap();
        let views = cloud.links(&at, &id(&accepter)).await.unwrap();
        assert_eq!(
            (views[0].state.clone(), views[0].message.is_some()),
            (LinkState::Failed, true)
        );
        assert_eq!(
            cloud
                .links(&accepter.network.at, &id(&accepter))
                .await
                .unwrap(),
            [],
            "its accepter never hears of it"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unaccepted_link_expires_by_the_told_clock() {
    let cloud = instant();
    cloud.create_link(&spec()).await.unwrap();
    assert!(shown(&cloud, &one()).await[0].expires_at.is_some());
    tokio::time::advance(Duration::from_secs(168 * 3600)).await;
    assert_eq!(state(&cloud).await, LinkState::Expired);
}

#[tokio::test(start_paused = true)]
async fn a_network_does_one_operation_at_a_time() {
    let cloud = with(SimulatedSettings {
        busy: secs(9),
        ..SimulatedSettings::instant(1)
    });
    let link = cloud.create_link(&spec()).await.unwrap();
    let at = other().network.at;
    assert_eq!(
        kind(cloud.accept_link(&at, &link).await),
        Some(CloudErrorKind::Busy)
    );
    tokio::time::advance(Duration::from_secs(9)).await;
    cloud.accept_link(&at, &link).await.unwrap();
    let set = async || {
        kind(
            cloud
                .set_option(
                    &other().network,
                    &link,
                    LinkRole::Second,
                    LinkOption::DnsResolution,
                    true.into(),
                )
                .await,
        )
    };
    assert_eq!(set().await, Some(CloudErrorKind::Busy));
    tokio::time::advance(Duration::from_secs(9)).await;
    assert_eq!(set().await, None);
    assert_eq!(
        kind(cloud.delete_link(&at, &link).await),
        Some(CloudErrorKind::Busy)
    );
    tokio::time::advance(Duration::from_secs(9)).await;
    cloud
        .out_of_band()
        .occupy(&one().network, Duration::from_secs(2));
    assert_eq!(
        kind(cloud.delete_link(&at, &link).await),
        Some(CloudErrorKind::Busy),
        "the other end is busy too"
    );
    tokio::time::advance(Duration::from_secs(2)).await;
    cloud.delete_link(&at, &link).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_call_changed_about_a_link_is_read_late() {
    let cloud = with(late());
    let link = cloud.create_link(&spec()).await.unwrap();
    tokio::time::advance(VISIBLE).await;
    let read = async |at: &LinkEnd| {
        let view = shown(&cloud, at).await.remove(0);
        (
            view.state,
            view.owner,
            view.second.option(LinkOption::DnsResolution),
        )
    };
    let seen = async |at: &LinkEnd, before: (LinkState, _, _), after: (LinkState, _, _)| {
        assert_eq!(read(at).await, before);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(
            [read(at).await, read(at).await, read(at).await],
            [before.clone(), before, after]
        );
    };
    for _ in 0..3 {
        shown(&cloud, &one()).await;
        shown(&cloud, &other()).await;
    }
    let at = other().network.at;
    cloud.accept_link(&at, &link).await.unwrap();
    seen(
        &other(),
        (LinkState::Pending, None, None),
        (LinkState::Active, None, Some(false)),
    )
    .await;
    assert_eq!(
        kind(cloud.accept_link(&at, &link).await),
        Some(CloudErrorKind::WrongState)
    );
    cloud.tag_link(&at, &link, owner()).await.unwrap();
    seen(
        &other(),
        (LinkState::Active, None, Some(false)),
        (LinkState::Active, Some(owner()), Some(false)),
    )
    .await;
    cloud
        .set_option(
            &other().network,
            &link,
            LinkRole::Second,
            LinkOption::DnsResolution,
            true.into(),
        )
        .await
        .unwrap();
    let tagged = (LinkState::Active, Some(owner()), Some(false));
    seen(
        &other(),
        tagged,
        (LinkState::Active, Some(owner()), Some(true)),
    )
    .await;
    cloud.delete_link(&at, &link).await.unwrap();
    seen(
        &other(),
        (LinkState::Active, Some(owner()), Some(true)),
        (LinkState::Deleted, Some(owner()), None),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_over_is_shown_for_a_while_and_then_never_was() {
    let hours = |n: u64| Duration::from_secs(n * 3600);
    // The state, who ended it, and for how many hours the requester and the accepter see it.
    let cases = [
        (LinkState::Rejected, None, 48, 2),
        (LinkState::Expired, None, 48, 48),
        (LinkState::Failed, None, 2, 0),
        (LinkState::Deleted, Some(LinkRole::First), 2, 48),
        (LinkState::Deleted, Some(LinkRole::Second), 48, 2),
    ];
    for (over, by, requester, accepter) in cases {
        let cloud = instant();
        let link = active(&cloud).await;
        match by {
            Some(by) => cloud.out_of_band().delete(&link, by),
            None => cloud.out_of_band().turn(&link, over.clone()),
        }
        for (end, told) in [(one(), requester), (other(), accepter)] {
            assert_eq!(
                shown(&cloud, &end).await.len(),
                usize::from(told > 0),
                "{over:?} {by:?}"
            );
        }
        for (passed, at_the_end) in [
            (hours(2), [requester > 2, accepter > 2]),
            (hours(46), [false, false]),
        ] {
            tokio::time::advance(passed - Duration::from_secs(1)).await;
            tokio::time::advance(Duration::from_secs(1)).await;
            let counts = [
                shown(&cloud, &one()).await.len(),
                shown(&cloud, &other()).await.len(),
            ];
            assert_eq!(
                counts,
                at_the_end.map(usize::from),
                "{over:?} {by:?} after {passed:?}"
            );
        }
        let gone = cloud.delete_link(&one().network.at, &link).await;
        assert_eq!(kind(gone), Some(CloudErrorKind::NotFound));
        assert!(cloud.world().links.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_over_or_under_way_cannot_be_deleted_and_only_its_requester_withdraws_a_request() {
    let deleted = async |state: LinkState, by: &LinkEnd| {
        let cloud = instant();
        let link = cloud
            .out_of_band()
            .join(&one(), &other(), state, Some(owner()));
        kind(cloud.delete_link(&by.network.at, &link).await)
    };
    use LinkState as State;
    let wrong = [
        State::Initiating,
        State::Provisioning,
        State::Rejected,
        State::Expired,
        State::Failed,
        State::Deleting,
        State::Deleted,
    ];
    for state in wrong {
        assert_eq!(
            deleted(state.clone(), &one()).await,
            Some(CloudErrorKind::WrongState),
            "{state:?}"
        );
    }
    assert_eq!(
        deleted(State::Pending, &other()).await,
        Some(CloudErrorKind::WrongState)
    );
    for (state, by) in [
        (State::Pending, one()),
        (State::Active, one()),
        (State::Active, other()),
    ] {
        assert_eq!(deleted(state, &by).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_between_regions_is_deleted_after_a_while_and_one_within_a_region_at_once() {
    let cloud = with(SimulatedSettings {
        deleting: secs(4),
        ..SimulatedSettings::instant(1)
    });
    let link = active(&cloud).await;
    cloud.delete_link(&other().network.at, &link).await.unwrap();
    assert_eq!(state(&cloud).await, LinkState::Deleting);
    tokio::time::advance(Duration::from_secs(4)).await;
    assert_eq!(state(&cloud).await, LinkState::Deleted);
    let near = end(
        network("222222222222", "eu-west-1", "vpc-0cccccccc"),
        "10.3.0.0/16",
    );
    let link = cloud
        .out_of_band()
        .join(&one(), &near, LinkState::Active, None);
    cloud.delete_link(&near.network.at, &link).await.unwrap();
    assert_eq!(
        cloud.links(&near.network.at, &id(&near)).await.unwrap()[0].state,
        LinkState::Deleted
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_deletion_the_pair_can_be_joined_anew() {
    let cloud = instant();
    let first = active(&cloud).await;
    cloud.delete_link(&one().network.at, &first).await.unwrap();
    let second = active(&cloud).await;
    assert_ne!(first, second);
    let states: Vec<_> = shown(&cloud, &one())
        .await
        .into_iter()
        .map(|view| view.state)
        .collect();
    assert_eq!(states.len(), 2);
    assert!(states.contains(&LinkState::Deleted) && states.contains(&LinkState::Active));
}

#[tokio::test(start_paused = true)]
async fn options_are_for_active_links_for_the_own_side_and_for_networks_with_dns() {
    let cloud = instant();
    let link = cloud.create_link(&spec()).await.unwrap();
    let set = async |at: &LinkEnd, end, enabled: bool| {
        kind(
            cloud
                .set_option(
                    &at.network,
                    &link,
                    end,
                    LinkOption::DnsResolution,
                    enabled.into(),
                )
                .await,
        )
    };
    assert_eq!(
        set(&one(), LinkRole::First, true).await,
        Some(CloudErrorKind::WrongState),
        "not active yet"
    );
    cloud.accept_link(&other().network.at, &link).await.unwrap();
    assert_eq!(
        set(&one(), LinkRole::Second, true).await,
        Some(CloudErrorKind::WrongState),
        "the other side's"
    );
    cloud.out_of_band().set_dns(
        &other().network,
        DnsSupport {
            resolution: true,
            hostnames: false,
        },
    );
    assert_eq!(
        set(&one(), LinkRole::First, true).await,
        Some(CloudErrorKind::Precondition)
    );
    assert_eq!(
        set(&one(), LinkRole::First, false).await,
        None,
        "to switch it off needs nothing"
    );
    cloud.out_of_band().set_dns(
        &other().network,
        DnsSupport {
            resolution: true,
            hostnames: true,
        },
    );
    assert_eq!(set(&one(), LinkRole::First, true).await, None);
    let view = shown(&cloud, &one()).await.remove(0);
    assert_eq!(
        (
            view.first.option(LinkOption::DnsResolution),
            view.second.option(LinkOption::DnsResolution)
        ),
        (Some(true), None)
    );
    cloud
        .out_of_band()
        .flip(&link, LinkRole::First, LinkOption::DnsResolution, false);
    assert_eq!(
        shown(&cloud, &one()).await[0]
            .first
            .option(LinkOption::DnsResolution),
        Some(false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_tag_is_put_back_and_each_side_has_its_own() {
    let cloud = instant();
    let link = active(&cloud).await;
    let owners = async || {
        [
            shown(&cloud, &one()).await[0].owner,
            shown(&cloud, &other()).await[0].owner,
        ]
    };
    cloud
        .tag_link(
            &other().network.at,
            &link,
            Owner::before_networks(PeeringId(Uuid::from_u128(9))),
        )
        .await
        .unwrap();
    cloud.out_of_band().tag(&link, LinkRole::First, None);
    assert_eq!(
        owners().await,
        [
            None,
            Some(Owner::before_networks(PeeringId(Uuid::from_u128(9))))
        ]
    );
    cloud
        .tag_link(&one().network.at, &link, owner())
        .await
        .unwrap();
    assert_eq!(owners().await[0], Some(owner()));
}

#[tokio::test(start_paused = true)]
async fn links_and_open_requests_are_limited_on_both_ends() {
    let third = |n: u8| {
        end(
            network("333333333333", "eu-west-1", &format!("vpc-0000000{n}")),
            &format!("10.{}.0.0/16", 100 + n),
        )
    };
    let cloud = with(SimulatedSettings {
        live_links: 2,
        pending_links: 1,
        ..SimulatedSettings::instant(1)
    });
    assert_eq!(
        (
            cloud.limits(&one().network.at, Default::default()).links,
            cloud
                .limits(&one().network.at, Default::default())
                .pending_links
        ),
        (2, 1)
    );
    let asked = async |requester: LinkEnd, accepter: LinkEnd| {
        let made = cloud
            .create_link(&LinkSpec {
                owner: owner(),
                first: requester,
                second: accepter,
                link: None,
            })
            .await;
        made.map_err(|error| error.code.unwrap().into_string())
    };
    (0..4).for_each(|n| {
        cloud
            .out_of_band()
            .build(&third(n).network, &third(n).ranges, &[])
    });
    let first = asked(one(), third(0)).await.unwrap();
    assert_eq!(
        asked(one(), third(1)).await,
        Err("OutstandingVpcPeeringConnectionLimitExceeded".to_owned())
    );
    cloud
        .accept_link(&third(0).network.at, &first)
        .await
        .unwrap();
    cloud
        .out_of_band()
        .join(&one(), &third(1), LinkState::Active, None);
    assert_eq!(
        asked(one(), third(2)).await,
        Err("VpcPeeringConnectionsPerVpcLimitExceeded".to_owned())
    );
    let incoming = asked(third(3), one()).await.unwrap();
    let full = cloud.accept_link(&one().network.at, &incoming).await;
    assert_eq!(
        kind(full),
        Some(CloudErrorKind::Quota),
        "the accepter has two already"
    );
    let at = one().network.at;
    assert!(!cloud.tells_quotas(&at), "nothing is set");
    let more = domain::SeenQuotas {
        links: Some(3),
        ..domain::SeenQuotas::default()
    };
    cloud.out_of_band().set_quotas(&at, more);
    assert_eq!(
        cloud.quotas(&at, &one().network.network).await.unwrap(),
        more
    );
    cloud.accept_link(&at, &incoming).await.unwrap();
}

/// What happens is seen after five seconds, and not by the first two reads after that.
pub(super) fn late() -> SimulatedSettings {
    SimulatedSettings {
        visibility: secs(5),
        stale_reads: 2..=2,
        ..SimulatedSettings::instant(1)
    }
}
