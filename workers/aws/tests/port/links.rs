//! Links: rehearsed only where that is safe, and the same whatever is shown to enter an account.
//! The contract itself is proved on the strict EC2.

use crate::{OURS, STRANGERS, Scene};
use cloud::{AccountRegion, Cloud, LinkState, Rehearsal, Rehearsed};
use conformance::OneObject as _;

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
        Rehearsal::CreateLink(scene.spec(OURS, ours).into()),
        Rehearsal::AcceptLink {
            at: theirs.at.clone(),
            link,
        },
        Rehearsal::CreateGroup {
            network: ours.clone(),
            owner: OURS,
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
        (found.link, found.first.network),
        (link, scene.ours.clone())
    );
}
