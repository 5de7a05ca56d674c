//! A network that its owner shares with the account on record: it is there, and another's.

use super::Life;
use crate::provisioner::testing::peering_id;
use cloud::{AccountRegion, NetworkRef};
use domain::{Side, network::BlockCause};

/// Whoever really owns it.
const OWNER: &str = "333333333333";

#[tokio::test(start_paused = true)]
async fn a_network_that_another_account_shares_is_shown_with_its_real_owner() {
    for side in Side::BOTH {
        let mut life = Life::asked_for();
        let on_record = life.network(side);
        let theirs = NetworkRef {
            at: AccountRegion {
                account: OWNER.parse().unwrap(),
                external_id: None,
                ..on_record.at.clone()
            },
            ..on_record.clone()
        };
        let ranges = life.cloud.world().networks[&on_record.to_string()]
            .ranges
            .clone();
        let by_hand = life.cloud.out_of_band();
        by_hand.raze(&on_record);
        by_hand.build(&theirs, &ranges, &[]);
        by_hand.share(&theirs, &on_record.at.account);
        life.blocks(BlockCause::NotFound, side).await;
        let blocked = life.log.peering().blocked.unwrap();
        for named in [
            OWNER,
            on_record.at.account.as_str(),
            on_record.network.as_str(),
        ] {
            assert!(blocked.message.contains(named), "{}", blocked.message);
        }
        assert!(!blocked.message.contains("is not there"));
        let remedy = match side {
            Side::Local => "register",
            Side::Remote => "request a peering",
        };
        assert!(
            blocked.remedy[0].contains(remedy) && blocked.remedy[0].contains(OWNER),
            "{:?}",
            blocked.remedy
        );
        assert!(life.cloud.world().links.is_empty(), "nothing is asked for");
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_of_another_account_that_is_not_shared_is_not_there() {
    let mut life = Life::asked_for();
    let on_record = life.network(Side::Remote);
    let by_hand = life.cloud.out_of_band();
    by_hand.raze(&on_record);
    life.blocks(BlockCause::NotFound, Side::Remote).await;
    let blocked = life.log.peering().blocked.unwrap();
    assert!(blocked.message.contains("is not there"), "{blocked:?}");
    assert_eq!(blocked.side, Side::Remote);
    assert_eq!(life.log.peering().id, peering_id());
}
