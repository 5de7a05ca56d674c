//! What the owner of the peer does of his own accord: ends a link, or will have none.

use super::peering::Life;
use super::worlds::RunningWorld;
use std::sync::Arc;

in_every_world!(
    a_link_that_the_peer_ends_is_found_and_named_and_not_made_again,
    a_request_that_the_peers_owner_rejects_is_over_and_another_can_be_made,
);

async fn a_link_that_the_peer_ends_is_found_and_named_and_not_made_again(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    let (link, before) = (life.converged().await.link, life.history().await.len());
    life.people().delete_link(&life.pair.remote.place, &link);
    life.checks().await;
    life.is_blocked("link_ended").await;
    assert_eq!(
        life.told("DriftDetected", 1).await[0]["finding"]["kind"],
        "link_ended"
    );
    if let Some(changes) = life.running.changes(&life.pair).await {
        assert_eq!(
            changes
                .iter()
                .filter(|it| it.action == "CreateVpcPeeringConnection")
                .count(),
            1,
            "{changes:#?}"
        );
    }
    let types = life.types(before).await;
    assert!(
        !types.contains(&"PeeringInitiationStarted".to_owned()),
        "{types:?}"
    );
    life.says(&[
        "peering",
        "remove",
        &life.peering,
        "--reason",
        "the peer left",
    ])
    .await;
    life.judge_clean();
    life.ends().await;
}

async fn a_request_that_the_peers_owner_rejects_is_over_and_another_can_be_made(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::registered(running).await;
    life.asks(&["--consent", "owner"]).await;
    let waiting = life.lives("awaiting_acceptance").await;
    let place = life.pair.remote.place.clone();
    life.shows(&place, &waiting.link, "pending-acceptance")
        .await;
    life.people().reject_link(&place, &waiting.link);
    life.lives("rejected").await;
    life.asks(&[]).await;
    life.agrees().await;
    assert_ne!(life.converged().await.link, waiting.link);
    life.ends().await;
}
