//! A whole life at each cloud where a link is two halves, as somebody at a terminal sees it: from
//! the request, with options of that cloud's links, to the end.

use crate::support::SOON;
use peerage_tests::engine::{Engine, Launch};
use peerage_tests::wait;
use serde_json::Value;
use tempfile::TempDir;

const ORDERS: &str = "/subscriptions/7c9e6679-7425-40de-944b-e07fc1f90ae7/resourceGroups/orders/providers/Microsoft.Network/virtualNetworks/orders";
const BILLING: &str = "/subscriptions/6fa459ea-ee8a-4ca4-894e-db77e160355e/resourceGroups/billing/providers/Microsoft.Network/virtualNetworks/billing";

const AWS: [[&str; 4]; 2] = [
    ["aws", "111122223333", "eu-west-1", "vpc-0a1b2c3d4e5f60718"],
    ["aws", "444455556666", "us-east-1", "vpc-0d4c3b2a1d4c3b2a1"],
];
const GCP: [[&str; 4]; 2] = [
    ["gcp", "orders-prod", "europe-west1", "orders"],
    ["gcp", "billing-prod", "us-central1", "billing"],
];
const AZURE: [[&str; 4]; 2] = [
    [
        "azure",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "westeurope",
        ORDERS,
    ],
    [
        "azure",
        "1b4e28ba-2fa1-41d2-883f-0016d3cca427",
        "northeurope",
        BILLING,
    ],
];

/// Makes a test of each of these scenarios at each provider that the simulated cloud plays.
macro_rules! at_every_provider {
    ($($at:ident in $module:ident),+: $scenarios:tt) => {
        $(at_every_provider!(@ $at $module $scenarios);)+
    };
    (@ $at:ident $module:ident [$($scenario:ident),+ $(,)?]) => {
        mod $module {
            $(#[tokio::test] async fn $scenario() { super::$scenario(super::$at).await; })+
        }
    };
}

at_every_provider!(AWS in at_aws, GCP in at_gcp, AZURE in at_azure: [
    a_quarantine_closes_what_is_open_through_a_crash_and_keeps_the_link_until_it_is_lifted,
    a_frozen_network_opens_nothing_and_closes_all_the_same,
    a_request_that_nobody_accepted_can_be_taken_back,
    a_network_is_registered_once_and_joined_once_whoever_has_its_ends_on_record,
    an_engine_killed_in_the_middle_of_a_removal_leaves_nothing_in_the_end,
]);

fn place([provider, account, region, network]: [&'static str; 4]) -> [&'static str; 8] {
    [
        "--provider",
        provider,
        "--account",
        account,
        "--region",
        region,
        "--cloud-network",
        network,
    ]
}

/// Registers a network under this name.
fn register(name: &'static str, range: &'static str, at: [&'static str; 4]) -> Vec<&'static str> {
    let register = ["network", "register", "--name", name, "--range", range];
    [&register[..], &place(at)].concat()
}

/// One peering with routes, a client and these options, in place.
async fn in_place(engine: &Engine, at: [[&'static str; 4]; 2], options: &[&str]) -> String {
    engine
        .json(&register("orders", "10.20.0.0/16", at[0]))
        .await;
    let what = [
        "peering",
        "request",
        "--network",
        "orders",
        "--range",
        "10.30.0.0/16",
        "--local-route",
        "10.30.0.0/16",
        "--remote-route",
        "10.20.0.0/16",
        "--admit",
        "10.30.0.0/16",
    ];
    let options: Vec<&str> = options.iter().flat_map(|it| ["--option", it]).collect();
    let request = [&what[..], &place(at[1]), &options].concat();
    let peering = engine.json(&request).await["peeringId"].clone();
    let peering = peering.as_str().unwrap().to_owned();
    let _ = engine.cli(&["peering", "watch", &peering]).await.done();
    peering
}

async fn peering(engine: &Engine, id: &str) -> Value {
    engine.json(&["peering", "show", id]).await["peering"].clone()
}

async fn event_types(engine: &Engine) -> Vec<String> {
    let events = engine.json(&["audit", "--network", "orders"]).await;
    let types = events.as_array().unwrap().iter();
    types
        .map(|it| it["type"].as_str().unwrap().to_owned())
        .collect()
}

/// Removes it, and says that nothing is left.
async fn ends(engine: &Engine, id: &str) {
    let remove = ["peering", "remove", id, "--reason", "no longer needed"];
    let _ = engine.cli(&remove).await.done();
    let ended = peering(engine, id).await;
    assert_eq!(ended["state"], "PEERING_STATE_REMOVED", "{ended}");
    assert_eq!(
        ended["leftovers"].as_array().map(Vec::len),
        Some(0),
        "{ended}"
    );
    let types = event_types(engine).await;
    let removed = |what: &str| types.iter().filter(|it| *it == what).count();
    let is_gone = removed("HalfRemoved") == 2 || removed("LinkRemoved") == 1;
    assert!(is_gone, "all of the link is seen gone: {types:?}");
}

#[tokio::test]
async fn a_life_at_gcp_exchanges_routes_says_so_and_ends_with_both_halves_gone() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).own_store().start().await;
    let options = ["local:import-custom-routes", "remote:export-custom-routes"];
    let id = in_place(&engine, GCP, &options).await;
    let shown = engine.cli(&["peering", "show", &id]).await.done();
    for told in [
        "local side: import custom routes",
        "remote side: export custom routes",
        "exchange the routes",
        "exchanged",
    ] {
        assert!(shown.contains(told), "{told}:\n{shown}");
    }
    let types = event_types(&engine).await;
    assert!(!types.iter().any(|it| it == "RouteInstalled"), "{types:?}");
    assert!(types.iter().any(|it| it == "RoutesEnforced"), "{types:?}");

    let accept = [
        "route",
        "accept",
        &id,
        "--side",
        "local",
        "--destination",
        "10.30.4.0/24",
    ];
    let accepted = engine.json(&accept).await;
    let note = &accepted["advisories"][0]["code"];
    assert_eq!(note, "ADVISORY_CODE_ROUTES_EXCHANGED", "{accepted}");

    let wrong = [
        "peering",
        "option",
        &id,
        "--side",
        "local",
        "gateway-transit",
        "on",
    ];
    let wrong = engine.cli(&wrong).await;
    assert!(
        wrong.stderr.contains("[LINK_OPTION_UNSUPPORTED]"),
        "{wrong:?}"
    );
    let off = [
        "peering",
        "option",
        &id,
        "--side",
        "remote",
        "export-custom-routes",
        "off",
    ];
    let _ = engine.cli(&off).await.done();
    let _ = engine.cli(&["peering", "watch", &id]).await.done();
    let options = peering(&engine, &id).await["options"].clone();
    let is_on = |it: &&Value| it["enabled"] == true;
    let on: Vec<_> = options.as_array().unwrap().iter().filter(is_on).collect();
    assert_eq!(on.len(), 1, "{options}");
    assert_eq!(on[0]["option"], "LINK_OPTION_IMPORT_CUSTOM_ROUTES");
    ends(&engine, &id).await;
    engine.stop().await;
}

#[tokio::test]
async fn a_life_at_azure_borrows_no_gateway_that_is_not_there_and_says_what_is_missing() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).own_store().start().await;
    let options = ["remote:gateway-transit", "local:forwarded-traffic"];
    let id = in_place(&engine, AZURE, &options).await;
    let borrow = |switch| {
        let id = id.as_str();
        [
            "peering",
            "option",
            id,
            "--side",
            "local",
            "remote-gateways",
            switch,
        ]
    };
    let _ = engine.cli(&borrow("on")).await.done();
    let cause = || async {
        let block = peering(&engine, &id).await["block"].clone();
        block["cause"].as_str().map(str::to_owned)
    };
    let cause = wait::until("the block that says what is missing", SOON, cause).await;
    assert_eq!(cause, "BLOCK_CAUSE_OPTION_PRECONDITION");
    let lend = [
        "peering",
        "option",
        &id,
        "--side",
        "remote",
        "gateway-transit",
        "off",
    ];
    let needed = engine.cli(&lend).await;
    assert!(needed.stderr.contains("[LINK_OPTION_NEEDED]"), "{needed:?}");

    let _ = engine.cli(&borrow("off")).await.done();
    let _ = engine.cli(&["peering", "watch", &id]).await.done();
    let shown = engine.cli(&["peering", "show", &id]).await.done();
    // Lines are broken where they are full.
    let words: Vec<_> = shown.split_whitespace().collect();
    let shown = words.join(" ");
    assert!(shown.contains("remote side: gateway transit"), "{shown}");
    assert!(!shown.contains("side: remote gateways"), "{shown}");
    ends(&engine, &id).await;
    engine.stop().await;
}

/// A link stays when its peering is given up. It is discovered then, and adopted by the file that
/// is printed; whoever lets go of it again is told that it stands.
async fn is_discovered_and_adopted_by_the_file_that_is_printed(at: [[&'static str; 4]; 2]) {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).own_store().start().await;
    let first = in_place(&engine, at, &[]).await;
    let found = engine.json(&["discover", "orders"]).await;
    assert_eq!(found[0]["peeringId"], first.as_str(), "{found:#}");
    assert_ne!(found[0]["adoptable"], true, "{found:#}");
    let reason = ["--reason", "handed over", "--yes"];
    let abandon = [&["peering", "abandon", &*first][..], &reason].concat();
    let _ = engine.cli(&abandon).await.done();

    let found = engine.json(&["discover", "orders"]).await;
    let one = &found[0];
    assert_eq!(
        (&one["adoptable"], &one["state"], &one["cloud"]["mode"]),
        (
            &true.into(),
            &"LINK_STATE_ACTIVE".into(),
            &"CLOUD_MODE_SIMULATED".into()
        ),
        "{found:#}"
    );
    assert_eq!(one["peer"]["cloudNetwork"], at[1][3], "{found:#}");
    let file = engine.cli(&["discover", "orders", "--as-file"]).await;
    let path = data.path().join("adopt.toml");
    std::fs::write(&path, file.done()).unwrap();
    let path = path.display().to_string();
    let applied = engine.json(&["apply", "--file", &path, "--yes"]).await;
    let adopted = applied["changes"][0]["peeringId"].clone();
    let adopted = adopted.as_str().unwrap_or_else(|| panic!("{applied:#}"));
    let _ = engine.cli(&["peering", "watch", adopted]).await.done();
    let shown = peering(&engine, adopted).await;
    assert_eq!(
        (&shown["state"], &shown["origin"]),
        (&"PEERING_STATE_ACTIVE".into(), &"ORIGIN_ADOPTED".into()),
        "{shown:#}"
    );

    let remove = ["peering", "remove", adopted, "--reason", "no longer needed"];
    let _ = engine.cli(&remove).await.done();
    let over = peering(&engine, adopted).await;
    assert_eq!(over["state"], "PEERING_STATE_ABANDONED", "{over:#}");
    assert!(
        !over["leftovers"].as_array().unwrap().is_empty(),
        "{over:#}"
    );
    let told = engine.cli(&["audit", "log", "--network", "orders"]).await;
    let sentences = told.done();
    assert!(sentences.contains("(simulated)"), "{sentences}");
    engine.stop().await;
}

#[tokio::test]
async fn what_stands_at_gcp_is_discovered_and_adopted_by_the_file_that_is_printed() {
    is_discovered_and_adopted_by_the_file_that_is_printed(GCP).await;
}

#[tokio::test]
async fn what_stands_at_azure_is_discovered_and_adopted_by_the_file_that_is_printed() {
    is_discovered_and_adopted_by_the_file_that_is_printed(AZURE).await;
}

/// A peering that is on record and in place as it was asked for.
async fn is_in_place(engine: &Engine, id: &str) -> Value {
    let _ = engine.cli(&["peering", "watch", id]).await.done();
    let shown = peering(engine, id).await;
    assert_eq!(shown["state"], "PEERING_STATE_ACTIVE", "{shown:#}");
    assert_eq!(shown["converged"], true, "{shown:#}");
    shown
}

async fn a_quarantine_closes_what_is_open_through_a_crash_and_keeps_the_link_until_it_is_lifted(
    at: [[&'static str; 4]; 2],
) {
    let data = TempDir::new().unwrap();
    let launch = Launch::new(data.path()).own_store();
    let mut engine = launch.start().await;
    let id = in_place(&engine, at, &[]).await;
    let before = is_in_place(&engine, &id).await;
    let account = ["--account", at[1][1]];
    let why = ["--reason", "a key was lost"];
    let impose = [&["quarantine"][..], &account, &why].concat();
    engine.json(&impose).await;
    engine.process.kill();
    let engine = launch.start().await;
    let closed = || async {
        let shown = peering(&engine, &id).await;
        let routes = shown["routes"].as_array()?.iter();
        let is_gone = routes
            .flat_map(|it| it["installedIn"].as_array())
            .all(Vec::is_empty);
        let types = event_types(&engine).await;
        let is_closed = types.iter().any(|it| it == "FirewallRuleRevoked");
        (is_closed && is_gone).then_some(shown)
    };
    let closed = wait::until("a peering that is closed", SOON, closed).await;
    assert_eq!(closed["link"], before["link"], "{closed:#}");
    assert_eq!(closed["quarantines"].as_array().map(Vec::len), Some(1));

    let lift = [&["quarantine", "lift"][..], &account].concat();
    engine.json(&lift).await;
    let opened = is_in_place(&engine, &id).await;
    assert_eq!(opened["link"], before["link"], "{opened:#}");
    ends(&engine, &id).await;
    engine.stop().await;
}

async fn a_frozen_network_opens_nothing_and_closes_all_the_same(at: [[&'static str; 4]; 2]) {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).own_store().start().await;
    let id = in_place(&engine, at, &[]).await;
    let freeze = ["freeze", "--network", "orders", "--reason", "a change"];
    engine.json(&freeze).await;
    let admit = |range| {
        [
            "firewall", "restrict", &id, "--side", "local", "--admit", range,
        ]
    };
    engine.json(&admit("10.30.4.0/24")).await;
    let count = async |wanted: &str| {
        let types = event_types(&engine).await;
        types.iter().filter(|it| *it == wanted).count()
    };
    let authorized = count("FirewallRuleAuthorized").await;
    let revoked = || async { (count("FirewallRuleRevoked").await > 0).then_some(()) };
    wait::until("what was admitted to be closed", SOON, revoked).await;
    assert_eq!(count("FirewallRuleAuthorized").await, authorized);
    engine.json(&["thaw", "--network", "orders"]).await;
    is_in_place(&engine, &id).await;
    assert_eq!(count("FirewallRuleAuthorized").await, authorized + 1);
    ends(&engine, &id).await;
    engine.stop().await;
}

async fn a_request_that_nobody_accepted_can_be_taken_back(at: [[&'static str; 4]; 2]) {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).own_store().start().await;
    engine
        .json(&register("orders", "10.20.0.0/16", at[0]))
        .await;
    let what = [
        "peering",
        "request",
        "--network",
        "orders",
        "--range",
        "10.30.0.0/16",
    ];
    let request = [&what[..], &place(at[1]), &["--consent", "owner"]].concat();
    let id = engine.json(&request).await["peeringId"].clone();
    let id = id.as_str().unwrap();
    let waits = || async {
        let shown = peering(&engine, id).await;
        (shown["state"] == "PEERING_STATE_AWAITING_ACCEPTANCE").then_some(())
    };
    wait::until("a link that waits for the peer's owner", SOON, waits).await;
    let remove = [
        "peering",
        "remove",
        id,
        "--reason",
        "asked the wrong network",
    ];
    let _ = engine.cli(&remove).await.done();
    let ended = peering(&engine, id).await;
    assert_eq!(ended["state"], "PEERING_STATE_REMOVED", "{ended:#}");
    assert_eq!(ended["leftovers"].as_array().map(Vec::len), Some(0));
    let retire = ["network", "retire", "orders", "--reason", "moved"];
    engine.json(&retire).await;
    engine.stop().await;
}

async fn a_network_is_registered_once_and_joined_once_whoever_has_its_ends_on_record(
    at: [[&'static str; 4]; 2],
) {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).own_store().start().await;
    let id = in_place(&engine, at, &[]).await;
    let is_refused = async |command: &[&str], reason: &str| {
        let refused = engine.cli(command).await;
        let reason = format!("[{reason}]");
        assert!(refused.stderr.contains(&reason), "{refused:?}");
    };
    let again = register("again", "10.20.0.0/16", at[0]);
    is_refused(&again, "NETWORK_ALREADY_REGISTERED").await;
    engine
        .json(&register("billing", "10.30.0.0/16", at[1]))
        .await;
    let back = ["--network", "billing", "--range", "10.20.0.0/16"];
    let back = [&back[..], &place(at[0])].concat();
    let request = [&["peering", "request"][..], &back].concat();
    is_refused(&request, "PEER_LINKED_ELSEWHERE").await;
    ends(&engine, &id).await;
    engine.json(&request).await;
    engine.stop().await;
}

async fn an_engine_killed_in_the_middle_of_a_removal_leaves_nothing_in_the_end(
    at: [[&'static str; 4]; 2],
) {
    let data = TempDir::new().unwrap();
    let launch = Launch::new(data.path()).own_store();
    let mut engine = launch.start().await;
    let id = in_place(&engine, at, &[]).await;
    let remove = ["peering", "remove", &id, "--reason", "no longer needed"];
    engine.json(&[&remove[..], &["--no-wait"]].concat()).await;
    let begun = || async {
        let types = event_types(&engine).await;
        let asked = types
            .iter()
            .rposition(|it| it == "PeeringRemovalRequested")?;
        (types.len() > asked + 1).then_some(())
    };
    wait::until("a removal that has begun", SOON, begun).await;
    engine.process.kill();
    let engine = launch.start().await;
    let over = || async {
        let shown = peering(&engine, &id).await;
        (shown["state"] == "PEERING_STATE_REMOVED").then_some(shown)
    };
    let over = wait::until("the end of the removal", SOON, over).await;
    assert_eq!(
        over["leftovers"].as_array().map(Vec::len),
        Some(0),
        "{over:#}"
    );
    let types = event_types(&engine).await;
    let removed = types.iter().filter(|it| *it == "PeeringRemoved").count();
    assert_eq!(removed, 1, "{types:?}");
    engine.stop().await;
}
