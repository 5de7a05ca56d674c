//! Links: made, found, accepted, tagged, given options, deleted; and rehearsed only where that is
//! safe.

use crate::{OURS, STRANGERS, Scene, kind};
use cloud::{AccountRegion, Cloud, CloudErrorKind, LinkRole, LinkState, Rehearsal, Rehearsed};
use domain::text::Link;

#[tokio::test]
async fn a_link_is_made_found_among_strangers_and_accepted_by_its_accepter() {
    let scene = Scene::set().await;
    let Scene {
        cloud,
        ours,
        theirs,
        stranger,
        ..
    } = &scene;
    for at in [&ours.at, &theirs.at] {
        assert_eq!(cloud.identity(at).await.unwrap(), at.account);
    }
    let strangers = cloud
        .create_link(&scene.spec(STRANGERS, stranger))
        .await
        .unwrap();
    let link = cloud.create_link(&scene.spec(OURS, ours)).await.unwrap();

    let found = cloud.links(&ours.at, &scene.asked()).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0].link, found[0].owner, &found[0].state),
        (&link, Some(OURS), &LinkState::Pending)
    );
    assert_eq!(
        (&found[0].requester.network, &found[0].accepter.network),
        (ours, theirs)
    );
    let at_the_peer = cloud
        .links(&theirs.at, std::slice::from_ref(&theirs.network))
        .await
        .unwrap();
    let mut links: Vec<_> = at_the_peer.iter().map(|found| &found.link).collect();
    links.sort();
    let mut both = [&link, &strangers];
    both.sort();
    assert_eq!(
        links, both,
        "the peer has two requests, and is told of both"
    );

    assert_eq!(
        kind(cloud.accept_link(&ours.at, &link).await),
        Some(CloudErrorKind::WrongState)
    );
    cloud.accept_link(&theirs.at, &link).await.unwrap();
    assert_eq!(
        kind(cloud.accept_link(&theirs.at, &link).await),
        Some(CloudErrorKind::WrongState)
    );
    assert_eq!(
        cloud.links(&ours.at, &scene.asked()).await.unwrap()[0].state,
        LinkState::Active
    );
    let unknown: Link = "pcx-00000000000000000".parse().unwrap();
    assert_eq!(
        kind(cloud.accept_link(&theirs.at, &unknown).await),
        Some(CloudErrorKind::NotFound)
    );
}

#[tokio::test]
async fn a_link_gets_its_tag_back_its_options_and_its_end() {
    let scene = Scene::set().await;
    let Scene {
        cloud,
        ours,
        theirs,
        ..
    } = &scene;
    let link = cloud
        .create_link(&scene.spec(STRANGERS, ours))
        .await
        .unwrap();
    cloud.accept_link(&theirs.at, &link).await.unwrap();
    let shown = async || {
        cloud
            .links(&ours.at, &scene.asked())
            .await
            .unwrap()
            .remove(0)
    };
    assert_eq!(shown().await.owner, Some(STRANGERS));
    cloud.tag_link(&ours.at, &link, OURS).await.unwrap();
    cloud.tag_link(&ours.at, &link, OURS).await.unwrap();
    assert_eq!(shown().await.owner, Some(OURS));

    let dns = async || {
        let link = shown().await;
        (link.requester.dns_resolution, link.accepter.dns_resolution)
    };
    assert_eq!(dns().await, (Some(false), Some(false)));
    cloud
        .set_dns_resolution(&ours.at, &link, LinkRole::Requester, true)
        .await
        .unwrap();
    assert_eq!(dns().await, (Some(true), Some(false)));
    cloud
        .set_dns_resolution(&theirs.at, &link, LinkRole::Accepter, true)
        .await
        .unwrap();
    cloud
        .set_dns_resolution(&ours.at, &link, LinkRole::Requester, false)
        .await
        .unwrap();
    assert_eq!(dns().await, (Some(false), Some(true)));

    cloud.delete_link(&theirs.at, &link).await.unwrap();
    assert_eq!(shown().await.state, LinkState::Deleted);
    let unknown: Link = "pcx-00000000000000000".parse().unwrap();
    assert_eq!(
        kind(cloud.delete_link(&ours.at, &unknown).await),
        Some(CloudErrorKind::NotFound)
    );
    assert_eq!(
        kind(cloud.tag_link(&ours.at, &unknown, OURS).await),
        Some(CloudErrorKind::NotFound)
    );
}

#[tokio::test]
async fn nothing_is_rehearsed_at_an_endpoint_that_would_perform_it() {
    let scene = Scene::set().await;
    let Scene {
        cloud,
        ours,
        theirs,
        ..
    } = &scene;
    let link = cloud
        .create_link(&scene.spec(STRANGERS, &scene.stranger))
        .await
        .unwrap();
    let rehearsals = [
        Rehearsal::CreateLink(scene.spec(OURS, ours)),
        Rehearsal::AcceptLink {
            at: theirs.at.clone(),
            link,
        },
        Rehearsal::CreateGroup {
            network: ours.clone(),
            peering: OURS,
        },
    ];
    for rehearsal in rehearsals {
        assert_eq!(
            cloud.rehearse(&rehearsal).await.unwrap(),
            Rehearsed::NotAvailable
        );
    }
    assert_eq!(cloud.links(&ours.at, &scene.asked()).await.unwrap(), []);
    let waiting = cloud
        .links(&theirs.at, std::slice::from_ref(&theirs.network))
        .await
        .unwrap();
    assert_eq!(
        waiting.iter().map(|found| &found.state).collect::<Vec<_>>(),
        [&LinkState::Pending]
    );
}

#[tokio::test]
async fn whatever_is_shown_to_enter_an_account_it_is_the_same_account() {
    let scene = Scene::set().await;
    let at = AccountRegion {
        external_id: Some("tenant-7".parse().unwrap()),
        ..scene.ours.at.clone()
    };
    assert_eq!(scene.cloud.identity(&at).await.unwrap(), at.account);
    let link = scene
        .cloud
        .create_link(&scene.spec(OURS, &scene.ours))
        .await
        .unwrap();
    let found = scene
        .cloud
        .links(&at, &scene.asked())
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (found.link, found.requester.network),
        (link, scene.ours.clone())
    );
}
