//! What a life costs in cloud calls, by the log of the strict EC2. The worlds here belong to one
//! test each: all of it is counted.

use super::peering::Life;
use super::worlds::{RunningWorld, World, changes};
use crate::support::SOON;
use crate::support::api::{Api, Command};
use chrono::{DateTime, TimeDelta};
use peerage::api::v1::RouteSpec;
use peerage_tests::oracle::{Network, Place, Wanted};
use peerage_tests::strict::Call;
use peerage_tests::wait;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The most calls that each side may take from the request to an active peering with two route
/// tables: of EC2, rehearsals included, of STS, for the session in which they are made and for
/// whose account that is, and one of Service Quotas, which no other network of the day makes again.
const TO_ACTIVE: usize = 20;

/// How often everything is looked at where that is what is counted.
const INTERVAL: Duration = Duration::from_secs(2);

/// Calls of different looks lie at least so far apart, those of one look do not.
const BETWEEN: TimeDelta = TimeDelta::seconds(1);

/// Nothing is late here, for only the engine's own calls are to be counted, not how often it has to
/// wait.
async fn prompt() -> Arc<RunningWorld> {
    let running = RunningWorld::start(World::Strict).await;
    running.strict().at_once().await;
    Arc::new(running)
}

/// The account that a call is about: that of the caller, or the one that is entered by it.
fn about(call: &Call) -> String {
    let entered = call
        .parameters
        .get("RoleArn")
        .and_then(|arn| arn.split(':').nth(4));
    entered
        .map(str::to_owned)
        .or_else(|| call.account.clone())
        .unwrap_or_default()
}

/// The name of a call, told apart from its rehearsal.
fn name(call: &Call) -> String {
    if call.dry_run {
        format!("{} (dry run)", call.action)
    } else {
        call.action.clone()
    }
}

fn counted<K: Ord>(calls: &[Call], key: impl Fn(&Call) -> K) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    calls
        .iter()
        .for_each(|call| *counts.entry(key(call)).or_default() += 1);
    counts
}

#[tokio::test]
async fn a_peering_with_two_route_tables_on_each_side_takes_at_most_twenty_calls_to_be_active_and_none_afterwards()
 {
    let (running, data) = (prompt().await, TempDir::new().unwrap());
    let pair = running.pair();
    let mut story = pair.commands();
    // In one command: no pass comes between two of them, however busy the machine is.
    let (mut routes, mut admit) = (Vec::new(), Vec::new());
    story.commands.retain(|command| match command {
        Command::Accept(it) => {
            routes.push(RouteSpec {
                side: it.side,
                destination: it.destination.clone(),
            });
            false
        }
        Command::Restrict(it) => {
            admit.clone_from(&it.admit);
            false
        }
        Command::Register(_) | Command::Request(_) => true,
    });
    for command in &mut story.commands {
        match command {
            Command::Register(register) => register.subnets.clone_from(&pair.local.subnets),
            Command::Request(request) => {
                let asked = request.peering.as_mut().unwrap();
                let peer = asked.peer.as_mut().unwrap();
                peer.subnets.clone_from(&pair.remote.subnets);
                asked.routes.clone_from(&routes);
                asked.admit.clone_from(&admit);
            }
            Command::Accept(_) | Command::Restrict(_) => {}
        }
    }
    let engine = running.launch(data.path()).own_store().start().await;
    let api = Api::connect(&engine.server()).await;
    running.strict().forget_calls().await;
    for command in &story.commands {
        api.done(command).await;
    }
    let peering = api.converged(&story.peering_id).await;
    assert!(
        peering.routes.iter().all(|it| it.installed_in.len() == 2),
        "{:#?}",
        peering.routes
    );
    let calls = running.strict().calls().await;
    for (side, place) in [("local", &pair.local.place), ("remote", &pair.remote.place)] {
        let ours: Vec<_> = calls
            .iter()
            .filter(|call| about(call) == place.account)
            .cloned()
            .collect();
        let (counts, written) = (
            counted(&ours, name),
            ours.iter().filter(|it| changes(it)).count(),
        );
        println!(
            "{side} side: {} calls, {written} of them changes",
            ours.len()
        );
        counts
            .iter()
            .for_each(|(name, count)| println!("  {count:>2} {name}"));
        assert!(
            ours.len() <= TO_ACTIVE,
            "{side} side: {} calls: {counts:#?}",
            ours.len()
        );
    }
    running.strict().forget_calls().await;
    wait::elapse(Duration::from_secs(3)).await;
    let idle = running.strict().calls().await;
    assert!(idle.is_empty(), "nothing is due: {idle:#?}");
    engine.stop().await;
}

/// Another network for the private one to be joined with.
fn further(life: &Life, place: &Place, cidr: &str) -> Network {
    let wanted = Wanted {
        name: "further".to_owned(),
        place: place.clone(),
        cidr: cidr.to_owned(),
    };
    life.people().prepare(&[wanted]).remove("further").unwrap()
}

#[tokio::test]
async fn a_look_at_three_peerings_in_place_reads_each_kind_of_thing_once_in_each_place() {
    let interval = format!("{}ms", INTERVAL.as_millis());
    let mut life = Life::with(prompt().await, |launch| {
        launch
            .own_store()
            .set("provisioner.drift_interval", &interval)
    })
    .await;
    let (near, mut far) = (
        life.pair.remote.place.clone(),
        life.pair.remote.place.clone(),
    );
    far.account = "333333000000".to_owned();
    for (place, cidr) in [
        (&near, "10.30.0.0/16"),
        (&near, "10.40.0.0/16"),
        (&far, "10.50.0.0/16"),
    ] {
        // Two peers in one account and region, one in another account.
        life.pair.remote = further(&life, place, cidr);
        life.asks(&[]).await;
        life.agrees().await;
        life.converged().await;
    }
    life.running.strict().forget_calls().await;
    let looks = wait::until(
        "two looks from their beginning to their end",
        SOON,
        || async {
            let looks = looks(life.running.strict().calls().await);
            (looks.len() >= 4).then_some(looks)
        },
    )
    .await;
    // The first may have lost its beginning, and the last is not over.
    for look in &looks[1..looks.len() - 1] {
        let counts = counted(look, |call| (about(call), call.region.clone(), name(call)));
        assert!(
            counts.values().all(|count| *count == 1),
            "each kind once in each place: {counts:#?}"
        );
        assert!(
            look.iter().all(|call| call.action.starts_with("Describe")),
            "nothing but reads: {counts:#?}"
        );
        let places = counted(look, |call| (about(call), call.region.clone()));
        assert_eq!(places.len(), 3, "all three places: {counts:#?}");
        let links = counts
            .iter()
            .filter(|((_, _, name), _)| name == "DescribeVpcPeeringConnections")
            .count();
        assert_eq!(
            links, 1,
            "the links of all three are seen from where they begin: {counts:#?}"
        );
    }
    println!(
        "a look at three peerings in three places: {:#?}",
        counted(&looks[1], |call| format!("{} {}", about(call), name(call)))
    );
    life.ends().await;
}

/// The calls, look by look.
fn looks(calls: Vec<Call>) -> Vec<Vec<Call>> {
    let mut looks: Vec<Vec<Call>> = Vec::new();
    let mut before = None;
    for call in calls {
        let at = DateTime::parse_from_rfc3339(&call.at).unwrap();
        match looks
            .last_mut()
            .filter(|_| before.is_some_and(|before| at - before < BETWEEN))
        {
            Some(look) => look.push(call),
            None => looks.push(vec![call]),
        }
        before = Some(at);
    }
    looks
}
