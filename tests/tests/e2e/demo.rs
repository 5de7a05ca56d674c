//! `demo`: two networks become one, in one process, and the whole of it is printed.

use peerage_tests::engine::{Finished, run};
use peerage_tests::moto::Moto;
use peerage_tests::oracle::{
    End, Expected, Oracle, Peering, Place, Route, RouteTable, Rule, SecurityGroup,
};
use std::collections::BTreeMap;

const OWN_RANGE: &str = "10.20.0.0/16";

/// What a demonstration has to print, whatever the cloud.
fn assert_told(demo: &Finished) {
    assert_eq!(demo.code, Some(0), "{}\n{}", demo.stdout, demo.stderr);
    let text = &demo.stdout;
    let section = |from: &str, to: &str| {
        let (_, rest) = text
            .split_once(from)
            .unwrap_or_else(|| panic!("no {from:?} in:\n{text}"));
        rest.split_once(to)
            .map_or(rest, |(section, _)| section)
            .to_owned()
    };
    let network = section("The network", "Peering, same region");
    assert!(
        network.contains("default/demo") && network.contains(OWN_RANGE),
        "{network}"
    );
    let near = section("Peering, same region", "Peering, cross-region");
    let far = section("Peering, cross-region", "Its history");
    for (peering, range) in [(&near, "10.30.0.0/16"), (&far, "10.40.0.0/16")] {
        assert!(
            peering.contains("active")
                && !peering.contains("in progress")
                && !peering.contains("blocked"),
            "{peering}"
        );
        assert!(!peering.contains("not yet"), "all is in place: {peering}");
        assert!(
            !peering.contains("idle table"),
            "there is no subnet that could miss the routes: {peering}"
        );
        let row = |words: &[&str]| {
            peering
                .lines()
                .any(|line| words.iter().all(|word| line.contains(word)))
        };
        assert!(
            row(&["local", range]) && row(&["remote", OWN_RANGE]),
            "routes on both sides: {peering}"
        );
        assert!(
            row(&["local", &format!("{range} → TCP 2113"), "enforced"]),
            "the clients come in: {peering}"
        );
        assert!(
            row(&["remote", "nothing", "enforced"]),
            "nothing comes in at the peer: {peering}"
        );
        assert!(peering.contains("non transitive"), "{peering}");
    }
    assert!(
        !near.contains("cross region") && far.contains("cross region"),
        "{near}{far}"
    );
    let history = section("Its history", "Done in");
    let counted = |event: &str| history.split_whitespace().filter(|it| *it == event).count();
    assert_eq!(
        (
            counted("NetworkRegistered"),
            counted("PeeringRequested"),
            counted("PeeringActivated")
        ),
        (1, 2, 2),
        "{history}"
    );
    let positions: Vec<u64> = history
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    assert!(
        positions.len() > 20 && positions.is_sorted(),
        "events with their positions: {history}"
    );
}

#[tokio::test]
async fn the_demonstration_on_a_simulated_cloud_shows_everything_it_did() {
    let demo = run(&["demo"]).await;
    assert_told(&demo);
    let wide: Vec<_> = demo
        .stdout
        .lines()
        .filter(|it| it.chars().count() > 100)
        .collect();
    assert!(wide.is_empty(), "wider than 100 columns: {wide:#?}");
}

#[tokio::test]
async fn the_demonstration_on_an_ec2_endpoint_leaves_exactly_its_two_peerings() {
    let moto = Moto::start().await;
    let demo = run(&["demo", "--aws-endpoint", &moto.endpoint()]).await;
    assert_told(&demo);
    let oracle = Oracle::new(moto.endpoint());
    let place = |account: &str, region: &str| Place {
        account: account.to_owned(),
        region: region.to_owned(),
    };
    let places = [
        place("111122223333", "eu-west-1"),
        place("444455556666", "eu-west-1"),
        place("444455556666", "us-east-1"),
    ];
    let main_tables = main_tables(&oracle, &places);
    let own = End {
        place: places[0].clone(),
        vpc: argument(&demo.stdout, "network register", "--vpc", 0),
    };
    let mut expected = Expected::default();
    let mut own_routes = Vec::new();
    for (index, (range, place)) in [("10.30.0.0/16", &places[1]), ("10.40.0.0/16", &places[2])]
        .into_iter()
        .enumerate()
    {
        let peer = End {
            place: place.clone(),
            vpc: argument(&demo.stdout, "peering request", "--vpc", index),
        };
        let network = shown_network(&demo.stdout);
        let peering = format!("{network}/{}", shown_peering(&demo.stdout, index));
        let route = |destination: &str| Route {
            destination: destination.to_owned(),
            peering: peering.clone(),
        };
        own_routes.push(route(range));
        expected.peerings.push(Peering {
            peering: peering.clone(),
            requester: own.clone(),
            accepter: peer.clone(),
            state: "active".to_owned(),
            tags: None,
        });
        expected.route_tables.push(RouteTable {
            id: main_tables[&peer.vpc].clone(),
            routes: vec![route(OWN_RANGE)],
        });
        let clients = Rule {
            protocol: "tcp".to_owned(),
            from: 2113,
            to: 2113,
            source: range.to_owned(),
            tags: None,
        };
        let group = |end: &End, ingress| SecurityGroup {
            peering: peering.clone(),
            end: end.clone(),
            ingress,
            egress: None,
            tags: None,
        };
        expected
            .security_groups
            .extend([group(&own, vec![clients]), group(&peer, Vec::new())]);
    }
    expected.route_tables.push(RouteTable {
        id: main_tables[&own.vpc].clone(),
        routes: own_routes,
    });
    oracle
        .check(&places, &expected)
        .unwrap_or_else(|wrong| panic!("{wrong}\n{}", demo.stdout));
}

/// The word behind `name` in the `index`-th printed command of this kind.
fn argument(printed: &str, command: &str, name: &str, index: usize) -> String {
    let shown = format!("$ peerage {command} ");
    let printed = printed.replace("\\\n", " ");
    let line = printed
        .lines()
        .filter(|line| line.starts_with(&shown))
        .nth(index)
        .unwrap_or_else(|| panic!("{shown} in:\n{printed}"));
    let mut words = line
        .split_whitespace()
        .skip_while(|word| *word != name)
        .skip(1);
    words
        .next()
        .unwrap_or_else(|| panic!("{name} in {line}"))
        .to_owned()
}

/// The id of the `index`-th peering that is shown.
fn shown_peering(printed: &str, index: usize) -> String {
    let shown = printed.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "peering").then(|| words.next()).flatten()
    });
    let mut ids = shown.filter(|it| uuid::Uuid::parse_str(it).is_ok());
    ids.nth(index)
        .unwrap_or_else(|| panic!("peering {index} in:\n{printed}"))
        .to_owned()
}

/// The id of the printed network.
fn shown_network(printed: &str) -> String {
    let words: Vec<_> = printed.split_whitespace().collect();
    let shown = words.windows(2).filter(|it| it[0] == "network");
    let id = shown
        .map(|it| it[1])
        .find(|it| uuid::Uuid::parse_str(it).is_ok());
    id.unwrap_or_else(|| panic!("a network in:\n{printed}"))
        .to_owned()
}

/// The main route table of every network, by the network.
fn main_tables(oracle: &Oracle, places: &[Place]) -> BTreeMap<String, String> {
    let seen = oracle.dump(places);
    let tables = seen
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|world| world["route_tables"].as_array().unwrap());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    tables
        .filter(|table| table["main"] == true)
        .map(|table| (text(&table["vpc"]), text(&table["id"])))
        .collect()
}
