//! The strict EC2 on trial: every rule with its proof, and what tests use to steer it.
#![allow(clippy::unwrap_used)]

use peerage_tests::moto::Moto;
use peerage_tests::oracle::{Network, Oracle, Place, Wanted};
use peerage_tests::process::Running;
use peerage_tests::strict::Strict;
use peerage_tests::{venv, workspace};
use serde_json::{Value, json};
use std::time::Duration;

const LEFT: &str = "111111111111";
const RIGHT: &str = "222222222222";

/// Two networks of two accounts behind a strict proxy.
struct World {
    oracle: Oracle,
    strict: Strict,
    moto: Moto,
    left: Network,
    right: Network,
}

impl World {
    async fn build() -> Self {
        let moto = Moto::start().await;
        let strict = Strict::start(&moto).await;
        let oracle = Oracle::new(strict.endpoint());
        let wanted = |name: &str, account: &str, cidr: &str| Wanted {
            name: name.to_owned(),
            place: Place {
                account: account.to_owned(),
                region: "eu-west-1".to_owned(),
            },
            cidr: cidr.to_owned(),
        };
        let mut made = oracle.prepare(&[
            wanted("left", LEFT, "10.10.0.0/16"),
            wanted("right", RIGHT, "10.20.0.0/16"),
        ]);
        let (left, right) = (made.remove("left").unwrap(), made.remove("right").unwrap());
        Self {
            oracle,
            strict,
            moto,
            left,
            right,
        }
    }

    fn ask(&self) -> String {
        let request =
            json!({"VpcId": self.left.vpc, "PeerVpcId": self.right.vpc, "PeerOwnerId": RIGHT});
        let made = self
            .oracle
            .act(&self.left.place, "create_vpc_peering_connection", &request);
        made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn states(&self) -> Vec<String> {
        self.strict
            .peerings()
            .await
            .into_iter()
            .map(|peering| peering.state)
            .collect()
    }
}

#[tokio::test]
async fn every_rule_has_a_proof_that_fails_without_it() {
    let moto = Moto::start().await;
    let strict = Strict::start(&moto).await;
    let mut command = venv::command("python");
    command
        .arg(workspace::root().join("tests/strict/prove.py"))
        .args(["--endpoint", &strict.endpoint()]);
    let mut proofs = Running::start("prove.py", &mut command);
    let status = proofs.finished(Duration::from_secs(900)).await;
    assert!(status.success(), "{}", proofs.output());
}

#[tokio::test]
async fn time_reads_and_rules_are_told() {
    let world = World::build().await;
    let name = world.ask();
    assert_eq!(world.states().await, ["initiating-request"]);
    world.strict.advance(Duration::from_secs(600)).await;
    assert_eq!(world.states().await, ["pending-acceptance"]);
    world.strict.advance(Duration::from_secs(168 * 3600)).await;
    assert_eq!(world.states().await, ["expired"]);

    world.strict.at_once().await;
    let second = world.ask();
    assert_ne!(second, name);
    let accept = json!({"VpcPeeringConnectionId": second});
    world
        .oracle
        .act(&world.right.place, "accept_vpc_peering_connection", &accept);
    assert_eq!(world.states().await, ["expired", "active"]);
    assert_eq!(world.ask(), second);
    world.strict.turn_off("same-pair").await;
    assert_ne!(world.ask(), second);
    world.strict.turn_on("same-pair").await;
    world.strict.reset().await;
    assert_eq!(world.states().await, Vec::<String>::new());
}

#[tokio::test]
async fn calls_are_counted_and_denied_by_account() {
    let world = World::build().await;
    world.strict.forget_calls().await;
    world.strict.deny(RIGHT, "CreateRouteTable").await;
    let list = |network: &Network| {
        world.oracle.act(
            &network.place,
            "describe_vpcs",
            &json!({"VpcIds": [network.vpc]}),
        )
    };
    assert_eq!(
        list(&world.left)["Vpcs"][0]["VpcId"],
        Value::from(world.left.vpc.clone())
    );
    list(&world.right);
    assert_eq!(world.strict.counts().await["DescribeVpcs"], 2);
    let calls = world.strict.calls().await;
    let accounts: Vec<_> = calls
        .iter()
        .filter(|call| call.action == "DescribeVpcs")
        .map(|call| call.account.as_deref())
        .collect();
    assert_eq!(accounts, [Some(LEFT), Some(RIGHT)]);
    let last = calls.last().unwrap();
    assert_eq!(
        (last.outcome.as_str(), last.status, last.dry_run),
        ("ok", 200, false)
    );
    assert_eq!(last.parameters["VpcId.1"], world.right.vpc);

    let table = json!({"VpcId": world.right.vpc});
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world
            .oracle
            .act(&world.right.place, "create_route_table", &table);
    }));
    assert!(refused.is_err(), "a denied call was made");
    assert_eq!(
        world.strict.calls().await.last().unwrap().outcome,
        "UnauthorizedOperation"
    );
    world.strict.permit(RIGHT, "CreateRouteTable").await;
    world
        .oracle
        .act(&world.right.place, "create_route_table", &table);
}

#[tokio::test]
async fn no_answer_of_the_emulator_is_no_answer() {
    let mut world = World::build().await;
    world.moto.kill();
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world
            .oracle
            .act(&world.left.place, "describe_vpcs", &json!({}));
    }));
    assert!(refused.is_err(), "an answer out of nowhere");
    let last = world.strict.calls().await.pop().unwrap();
    assert_eq!((last.outcome.as_str(), last.status), ("no answer", 0));
}

#[tokio::test]
async fn it_ends_when_asked() {
    let moto = Moto::start().await;
    let strict = Strict::start(&moto).await;
    assert_eq!(strict.stop().await.code(), Some(0));
}
