//! The world as a whole: losses, seeds, and the file that keeps it.
use super::*;

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_the_deed_done_and_a_lost_request_does_not() {
    let cloud = with(SimulatedSettings {
        lost_answers: 1.0,
        ..SimulatedSettings::instant(1)
    });
    assert_eq!(
        cloud.create_link(&spec()).await.unwrap_err().kind,
        CloudErrorKind::Ambiguous
    );
    assert_eq!(cloud.world().links.len(), 1);
    let cloud = with(SimulatedSettings {
        lost_requests: 1.0,
        ..SimulatedSettings::instant(1)
    });
    assert!(cloud.create_link(&spec()).await.is_err());
    let cloud_throttled = with(SimulatedSettings {
        throttled: 1.0,
        ..SimulatedSettings::instant(1)
    });
    let error = cloud_throttled.create_link(&spec()).await.unwrap_err();
    assert!(error.definitely_not_applied() && error.worth_a_retry());
    assert_eq!(
        (
            cloud.world().links.len(),
            cloud_throttled.world().links.len()
        ),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_and_calls_give_the_same_world() {
    let run = async |seed| {
        let cloud = with(SimulatedSettings::stormy(seed));
        for _ in 0..5 {
            let _ = cloud.create_link(&spec()).await;
            let _ = cloud.links(&one().network.at, &id(&other())).await;
        }
        serde_json::to_string(&cloud.world().links.keys().collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(run(4).await, run(4).await);
    assert_ne!(run(4).await, run(5).await);
}

#[tokio::test(start_paused = true)]
async fn a_kept_world_comes_back_and_no_id_is_given_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.json");
    let clock = clock();
    let open =
        || SimulatedCloud::kept_in(&path, SimulatedSettings::calm(1), Arc::clone(&clock)).unwrap();
    let first = open();
    let link = first.create_link(&spec()).await.unwrap();
    let world = first.world();
    drop(first);
    let second = open();
    assert_eq!(second.world(), world);
    assert_ne!(second.create_link(&reversed()).await.unwrap(), link);
    std::fs::write(&path, "no world").unwrap();
    let broken = SimulatedCloud::kept_in(&path, SimulatedSettings::calm(1), Arc::clone(&clock));
    assert!(matches!(broken, Err(PersistenceError::Form { .. })));
}

/// What the version before this one kept.
const KEPT: &str = r#"{"networks":{"vpc-0aaaaaaaaaaaaaaaa (aws/111111111111/eu-west-1)":{"network":{"place":{"provider":"aws",
"account":"111111111111","region":"eu-west-1"},"network":"vpc-0aaaaaaaaaaaaaaaa"},"ranges":["10.1.0.0/16"],"tables":[{"id":"rtb-1",
"subnets":[],"routes":[{"destination":"10.1.0.0/16","target":"Local","shown":{"from":"-262143-01-01T00:00:00Z","missed_by":0}}]}],
"groups":[{"id":"sg-1","name":"peerage-1","owner":null,"rules":[{"id":"sgr-1","rule":{"source":"10.2.0.0/16","port":2113},
"text":"tcp 2113 from 10.2.0.0/16","owner":null,"shown":{"from":"2026-09-21T14:13:20Z","missed_by":0}}],
"shown":{"from":"2026-09-21T14:13:20Z","missed_by":0}}],"busy_until":"-262143-01-01T00:00:00Z"}},"links":{"pcx-1":{"id":"pcx-1",
"requester":{"network":{"place":{"provider":"aws","account":"111111111111","region":"eu-west-1"},"network":"vpc-0aaaaaaaaaaaaaaaa"},
"ranges":["10.1.0.0/16"]},"accepter":{"network":{"place":{"provider":"aws","account":"222222222222","region":"us-east-1"},
"network":"vpc-0bbbbbbbbbbbbbbbb"},"ranges":["10.2.0.0/16"]},"state":"Active","message":null,"expires_at":"2026-09-28T14:13:20Z",
"owner":"00000000-0000-0000-0000-000000000005","turns":null,"shown_to_requester":{"from":"2026-09-21T14:13:20Z","missed_by":0},
"shown_to_accepter":{"from":"2026-09-21T14:13:20Z","missed_by":0}}},"chance":7}"#;

#[tokio::test(start_paused = true)]
async fn a_world_that_an_older_version_kept_is_as_good_as_ever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.json");
    std::fs::write(&path, KEPT).unwrap();
    let cloud = SimulatedCloud::kept_in(&path, SimulatedSettings::instant(1), clock()).unwrap();
    let view = shown(&cloud, &one()).await.remove(0);
    assert_eq!(
        (
            view.state,
            view.owner,
            view.first.option(LinkOption::DnsResolution)
        ),
        (LinkState::Active, Some(owner()), Some(false))
    );
    let group = cloud
        .firewall_groups(&one().network.at, &id(&one()))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(group.rules[0].admits.ports, Some((2113, 2113)));
    let support = cloud.dns_support(&one().network).await.unwrap();
    assert!(support.resolution && support.hostnames);
    cloud
        .delete_link(&one().network.at, &view.link)
        .await
        .unwrap();
}
