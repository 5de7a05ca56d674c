//! Name resolution over a link, and what it needs.

use super::peering::Life;
use super::worlds::RunningWorld;
use peerage::api::v1::Side;
use std::sync::Arc;

in_every_world!(
    names_resolve_over_the_link_once_both_networks_can_and_no_longer_when_it_is_removed
);

impl Life {
    /// Whether the peer's end of the link lets its names resolve.
    fn resolves(&self, link: &str) -> bool {
        self.people().resolves(&self.pair.remote, link)
    }
}

async fn names_resolve_over_the_link_once_both_networks_can_and_no_longer_when_it_is_removed(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    life.says(&["peering", "dns", &life.peering, "--side", "remote", "on"])
        .await;
    let peering = life.is_blocked("dns_precondition").await;
    let blocked = peering.block.unwrap();
    let remedy = blocked.remedy.join("\n");
    assert!(
        remedy.contains("aws ec2 modify-vpc-attribute") && remedy.contains("enable-dns-hostnames"),
        "{blocked:?}"
    );
    assert!(!life.resolves(&peering.link));
    if let Some(changes) = life.running.changes(&life.pair).await {
        assert!(
            changes
                .iter()
                .all(|it| it.action != "ModifyVpcPeeringConnectionOptions"),
            "the precondition is looked at, not tried"
        );
    }
    life.people().give_names(&life.pair.local);
    life.people().give_names(&life.pair.remote);
    let peering = life.converged().await;
    assert_eq!(peering.block, None);
    let dns: Vec<_> = peering
        .dns
        .iter()
        .filter(|it| it.enabled)
        .map(|it| (it.side(), it.requested))
        .collect();
    assert_eq!(dns, [(Side::Remote, true)]);
    assert!(life.resolves(&peering.link));
    life.judge(&life.expected());

    life.says(&[
        "peering",
        "remove",
        &life.peering,
        "--reason",
        "no longer needed",
    ])
    .await;
    life.judge_clean();
    let types = life.types(0).await;
    let (set_back, link) = (
        super::peering::last(&types, "LinkOptionApplied"),
        super::peering::first(&types, "LinkRemoved"),
    );
    assert!(set_back < link, "{types:?}");
    life.ends().await;
}
