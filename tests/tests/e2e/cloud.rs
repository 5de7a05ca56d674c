//! Trouble with the cloud: it is shown with its cause, nothing is lost, and it goes on by itself
//! once it is over.

use crate::support::api::{Api, assert_valid, is_blocked_by};
use crate::support::world::{Pair, Story, World};
use peerage::api::v1::{PeeringState, Side};
use peerage_tests::engine::{Engine, Launch};
use peerage_tests::forwarder::Door;
use peerage_tests::microburst::Microburst;
use serde_json::json;
use tempfile::TempDir;

/// An engine on this endpoint that has been asked for one peering.
async fn asked(pair: &Pair, endpoint: &str) -> (Engine, Api, Story, TempDir) {
    let (data, story) = (TempDir::new().unwrap(), pair.commands());
    let engine = Launch::new(data.path()).aws(endpoint).start().await;
    let api = Api::connect(&engine.server()).await;
    for command in &story.commands {
        api.done(command).await;
    }
    (engine, api, story, data)
}

async fn blocked(api: &Api, story: &Story, cause: &str) -> peerage::api::v1::Peering {
    let peering = api
        .peering_when(
            &format!("a peering blocked by {cause}"),
            &story.peering_id,
            |it| is_blocked_by(it, cause),
        )
        .await;
    let told = peering.block.clone().unwrap();
    assert!(
        !told.message.is_empty() && !told.remedy.is_empty(),
        "it says what to do: {told:?}"
    );
    peering
}

/// In place, exactly once, the block told and its end too.
async fn assert_recovered(world: &World, pair: &Pair, api: &Api, story: &Story) {
    let peering = api.converged(&story.peering_id).await;
    assert_eq!(peering.block, None);
    world.judge(pair, &story.owner());
    let history = api.history(&story.network_id).await;
    let types: Vec<_> = history.iter().map(|it| it.r#type.as_str()).collect();
    let counted = |event: &str| types.iter().filter(|it| **it == event).count();
    assert!(
        counted("ProvisioningBlocked") >= 1 && counted("ProvisioningUnblocked") >= 1,
        "{types:?}"
    );
    assert_eq!(
        (counted("PeeringInitiated"), counted("PeeringActivated")),
        (1, 1),
        "{types:?}"
    );
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_blocks_the_peering_until_it_can() {
    let world = World::new().await;
    let pair = world.pair();
    let mut door = Door::closed(world.moto.port());
    let (engine, api, story, _data) = asked(&pair, &door.endpoint()).await;
    let peering = blocked(&api, &story, "endpoint_unreachable").await;
    assert_eq!(
        (peering.state(), peering.link.as_str()),
        (PeeringState::Requested, ""),
        "{peering:#?}"
    );
    let shown = engine
        .cli(&["peering", "show", &story.peering_id])
        .await
        .done();
    assert!(shown.contains("blocked: endpoint unreachable"), "{shown}");
    door.open().await;
    assert_recovered(&world, &pair, &api, &story).await;
}

#[tokio::test]
async fn an_endpoint_that_goes_away_in_the_middle_blocks_the_peering_and_it_goes_on_where_it_was() {
    let world = World::new().await;
    let pair = world.pair();
    let faults = Microburst::start(&world.moto.endpoint()).await;
    // Until here and no further: the link waits for its acceptance.
    let denied = json!([{"service": "ec2", "operation": "AcceptVpcPeeringConnection", "error": {"code": "UnauthorizedOperation", "status": 403}}]);
    faults.rules(&denied).await;
    let mut door = Door::closed(port(&faults));
    door.open().await;
    let (_engine, api, story, _data) = asked(&pair, &door.endpoint()).await;
    let peering = blocked(&api, &story, "permission_denied").await;
    assert_eq!(peering.state(), PeeringState::AwaitingAcceptance);
    assert_eq!(
        peering.block.unwrap().side(),
        Side::Remote,
        "its owner has to act"
    );
    door.close();
    blocked(&api, &story, "endpoint_unreachable").await;
    faults.rules(&json!([])).await;
    door.open().await;
    assert_recovered(&world, &pair, &api, &story).await;
}

fn port(faults: &Microburst) -> u16 {
    faults
        .endpoint()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn refused_credentials_block_the_peering_until_they_are_accepted() {
    let world = World::new().await;
    let pair = world.pair();
    let faults = Microburst::start(&world.moto.endpoint()).await;
    faults.rules(&json!([{"service": "sts", "operation": "AssumeRole", "error": {"code": "AccessDenied", "status": 403}}])).await;
    let (_engine, api, story, _data) = asked(&pair, &faults.endpoint()).await;
    let peering = blocked(&api, &story, "credentials_refused").await;
    assert_eq!(peering.state(), PeeringState::Requested);
    faults.rules(&json!([])).await;
    assert_recovered(&world, &pair, &api, &story).await;
}

#[tokio::test]
async fn a_request_for_a_link_whose_answer_is_lost_makes_exactly_one_link() {
    let world = World::new().await;
    let pair = world.pair();
    let faults = Microburst::start(&world.moto.endpoint()).await;
    let lost = json!([{"service": "ec2", "operation": "CreateVpcPeeringConnection", "times": 1, "response": {"abort_frac": 0.3}}]);
    faults.rules(&lost).await;
    let (_engine, api, story, _data) = asked(&pair, &faults.endpoint()).await;
    api.converged(&story.peering_id).await;
    assert_eq!(faults.fired().await, 1, "the fault happened");
    world.judge(&pair, &story.owner());
    let history = api.history(&story.network_id).await;
    assert_valid(&history);
    let attempts = history
        .iter()
        .filter(|it| it.r#type == "PeeringInitiationStarted")
        .count();
    assert_eq!(attempts, 1, "found by reading, not by asking again");
}

#[tokio::test]
async fn lost_answers_to_every_kind_of_change_leave_everything_once() {
    let world = World::new().await;
    let pair = world.pair();
    let faults = Microburst::start(&world.moto.endpoint()).await;
    let changes = [
        "CreateVpcPeeringConnection",
        "AcceptVpcPeeringConnection",
        "CreateRoute",
        "CreateSecurityGroup",
        "AuthorizeSecurityGroupIngress",
    ];
    let lost = changes.map(|it| json!({"service": "ec2", "operation": it, "times": 1, "response": {"abort_frac": 0.3}}));
    faults.rules(&json!(lost)).await;
    let (_engine, api, story, _data) = asked(&pair, &faults.endpoint()).await;
    api.converged(&story.peering_id).await;
    assert_eq!(faults.fired().await, changes.len(), "every fault happened");
    world.judge(&pair, &story.owner());
    assert_valid(&api.history(&story.network_id).await);
}

#[tokio::test]
async fn requests_that_never_arrive_are_made_again() {
    let world = World::new().await;
    let pair = world.pair();
    let faults = Microburst::start(&world.moto.endpoint()).await;
    let reset = [
        "CreateVpcPeeringConnection",
        "CreateRoute",
        "DescribeVpcPeeringConnections",
    ];
    faults
        .rules(&json!(reset.map(
            |it| json!({"service": "ec2", "operation": it, "times": 1, "reset": true})
        )))
        .await;
    let (_engine, api, story, _data) = asked(&pair, &faults.endpoint()).await;
    api.converged(&story.peering_id).await;
    assert_eq!(faults.fired().await, reset.len(), "every fault happened");
    world.judge(&pair, &story.owner());
}

#[tokio::test]
async fn a_throttling_cloud_is_asked_more_slowly_until_all_is_in_place() {
    let world = World::new().await;
    let pair = world.pair();
    let faults = Microburst::start(&world.moto.endpoint()).await;
    let error = json!({"code": "RequestLimitExceeded", "status": 503});
    let throttled = json!([
        {"service": "ec2", "operation": "CreateVpcPeeringConnection", "times": 3, "error": error},
        {"service": "ec2", "sequence": {"fail": 1, "pass": 2}, "times": 20, "error": error},
    ]);
    faults.rules(&throttled).await;
    let (_engine, api, story, _data) = asked(&pair, &faults.endpoint()).await;
    api.converged(&story.peering_id).await;
    assert!(faults.fired().await > 5, "it throttled");
    world.judge(&pair, &story.owner());
    let history = api.history(&story.network_id).await;
    let initiated = history
        .iter()
        .filter(|it| it.r#type == "PeeringInitiated")
        .count();
    assert_eq!(initiated, 1);
}
