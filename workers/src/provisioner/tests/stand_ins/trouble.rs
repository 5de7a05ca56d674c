//! One side that does not answer, or may not be changed.

use super::{Life, azure::Azure, world::Change};
use domain::{
    Side,
    network::{BlockCause, Leftover},
};

in_every_world!(
    a_side_that_does_not_answer_is_named_and_the_link_is_made_once_it_does,
    a_side_that_refuses_holds_up_the_removal_and_what_is_left_is_taken_once_it_does_not,
    a_side_whose_half_may_not_be_made_blocks_and_goes_on_by_itself_once_it_may,
    a_network_that_may_not_be_looked_at_is_named,
);

/// At Google Cloud what nothing admits is denied: no group has to be given.
#[tokio::test]
async fn where_the_engine_was_given_no_group_to_write_into_both_halves_stay_closed_and_a_person_is_told()
 {
    let world = Azure::start().await.unguarded();
    let mut life = Life::in_world(std::sync::Arc::new(world));
    life.blocks(BlockCause::OptionPrecondition, Side::Local)
        .await;
    let blocked = life.log.peering().blocked.unwrap();
    assert!(
        blocked.message.contains("security_groups"),
        "{}",
        blocked.message
    );
    for side in Side::BOTH {
        let halves = life.world.halves(side);
        assert!(halves.iter().all(|it| it.on.is_empty()), "{halves:?}");
    }
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("removed");
}

async fn a_side_that_does_not_answer_is_named_and_the_link_is_made_once_it_does(mut life: Life) {
    life.world.wire().cut(&life.world.word(Side::Remote));
    life.blocks(BlockCause::EndpointUnreachable, Side::Remote)
        .await;
    assert_eq!(
        life.names_on(Side::Local),
        [""; 0],
        "nothing is begun that cannot end"
    );
    life.world.wire().is_mended();
    life.converges().await;
    life.is_joined_once("mended");
}

async fn a_side_that_refuses_holds_up_the_removal_and_what_is_left_is_taken_once_it_does_not(
    mut life: Life,
) {
    life.converges().await;
    life.world.deny(Side::Remote, Change::RemoveHalf);
    life.removes();
    life.blocks(BlockCause::PermissionDenied, Side::Remote)
        .await;
    assert_eq!(life.log.peering().life.as_str(), "removing");
    assert_eq!(life.names_on(Side::Remote), [life.name()]);
    life.world.permit(Side::Remote);
    life.ends_as("removed").await;
    life.is_clean("removed");
    assert_eq!(life.log.peering().leftovers(), [] as [Leftover; 0]);
}

async fn a_side_whose_half_may_not_be_made_blocks_and_goes_on_by_itself_once_it_may(
    mut life: Life,
) {
    for side in Side::BOTH {
        life.world.deny(side, Change::MakeHalf);
        life.blocks(BlockCause::PermissionDenied, side).await;
        assert_eq!(life.names_on(side), [""; 0]);
        life.world.permit(side);
        life.until("unblocked", |it| it.blocked.is_none()).await;
        if side == Side::Local {
            life.removes();
            life.ends_as("removed").await;
            life = Life::in_world(std::sync::Arc::clone(&life.world));
        }
    }
    life.converges().await;
}

async fn a_network_that_may_not_be_looked_at_is_named(mut life: Life) {
    for side in Side::BOTH {
        life.world.deny(side, Change::Look);
        life.blocks(BlockCause::PermissionDenied, side).await;
        life.world.permit(side);
    }
    life.converges().await;
    life.is_joined_once("may be looked at");
}
