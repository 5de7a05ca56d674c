//! What known callers may do, and what is on record of it.

use super::{bearer, bindings, guarded, issuers, network, token_file, with};
use crate::support::{
    SOON,
    api::Api,
    http::{Version, send},
};
use domain::{
    NetworkId, PeeringId, Provider, Region,
    network::{Network, NetworkCommand, OrphanFound, OrphanThing},
};
use http_body_util::BodyExt as _;
use journal::{Journal, JournalSettings};
use peerage::api::v1::{
    WatchEvents, WatchNetworksRequest, WatchPeeringsRequest, watch_networks_response,
    watch_peerings_request,
};
use peerage_tests::{
    engine::{Engine, Finished, Launch},
    http,
    node::NodePlace,
    oidc::Issuer,
    pki::Pki,
    ports, wait,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::time::timeout;
use tonic::Code;

const REQUEST: &[&str] = &[
    "peering",
    "request",
    "--region",
    "us-east-1",
    "--vpc",
    "vpc-0d4c3b2a",
    "--range",
    "10.30.0.0/16",
];

/// Runs the command line as somebody.
async fn as_of(engine: &Engine, token: &str, arguments: &[&str]) -> Finished {
    let server = engine.server();
    with(
        &[("PEERAGE_TOKEN", token), ("PEERAGE_SERVER", &server)],
        arguments,
    )
    .await
}

fn as_bearer<T>(token: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let value = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

/// What a watch of networks, or of this one, tells up to its first bookmark: their names, and of
/// how many there are events.
async fn watched(
    engine: &Engine,
    token: &str,
    network: &str,
) -> Result<(Vec<String>, usize), Code> {
    use watch_networks_response::Update;
    let mut networks = Api::connect(&engine.server()).await.networks;
    let request = WatchNetworksRequest {
        network_id: network.to_owned(),
        events: WatchEvents::All.into(),
        ..Default::default()
    };
    let watch = networks.watch_networks(as_bearer(token, request)).await;
    let mut watch = watch.map_err(|status| status.code())?.into_inner();
    let (mut names, mut events) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let next = timeout(SOON, watch.message()).await.expect("a message");
        let next = next.map_err(|status| status.code())?;
        match next.and_then(|it| it.update).expect("something is said") {
            Update::Network(it) => drop(names.insert(it.name)),
            Update::Event(it) => drop(events.insert(it.network_id)),
            Update::Bookmark(it) => {
                // It proves the log by what its caller sees, and by nothing else.
                let known = it.known_event.map(|it| it.stream.replace("network-", ""));
                assert!(
                    known.map_or(events.is_empty(), |it| events.contains(&it)),
                    "{events:?}"
                );
                return Ok((names.into_iter().collect(), events.len()));
            }
        }
    }
}

#[tokio::test]
async fn a_role_reaches_its_project_and_its_accounts_and_lists_show_nothing_else() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let store = ports::free();
    let bound = bindings(&[
        ("admin", &issuer.url(), "root", ""),
        (
            "operator",
            &issuer.url(),
            "ada",
            r#"projects=["payments"],peer_accounts=["444455556666"]"#,
        ),
        (
            "viewer",
            &issuer.url(),
            "vic",
            r#"networks=["search/index"]"#,
        ),
        ("admin", &issuer.url(), "pat", r#"projects=["payments"]"#),
    ]);
    let launch = Launch::new(data.path())
        .own_store()
        .set("access.issuers", &issuers(&[&issuer.url()]))
        .set("access.bindings", &bound)
        .set("store.embedded_listen", &format!("127.0.0.1:{store}"))
        .set("store.embedded_open", "true");
    let engine = launch.start_guarded().await;
    let token = async |name: &str| issuer.token("good", json!({ "sub": name })).await;
    let (root, ada, vic) = (token("root").await, token("ada").await, token("vic").await);
    let run = async |token: &str, arguments: &[&str]| as_of(&engine, token, arguments).await;
    let refused = async |token: &str, arguments: &[&str]| {
        let finished = run(token, arguments).await;
        assert_eq!(finished.code, Some(1), "{arguments:?}: {finished:?}");
        assert!(
            finished.stderr.contains("[ACCESS_DENIED]"),
            "{arguments:?}: {finished:?}"
        );
    };
    // Who registers does so in what is theirs.
    let pat = token("pat").await;
    refused(&pat, &network("index", "search")).await;
    let _ = run(&pat, &network("orders", "payments")).await.done();
    let _ = run(&root, &network("index", "search")).await.done();

    // Lists, single reads and watches.
    for (token, shown) in [
        (&root, vec!["index", "orders"]),
        (&ada, vec!["orders"]),
        (&vic, vec!["index"]),
    ] {
        let listed = run(token, &["network", "list", "--output", "json"])
            .await
            .json();
        let mut names: Vec<_> = listed
            .as_array()
            .unwrap_or_else(|| panic!("{listed}"))
            .iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, shown);
        let events = run(token, &["audit", "--output", "json"]).await.done();
        assert_eq!(
            events.contains("payments"),
            shown.contains(&"orders"),
            "{events}"
        );
    }
    let id = |listed: Value| listed[0]["networkId"].as_str().unwrap().to_owned();
    let orders = id(run(&ada, &["network", "list", "--output", "json"])
        .await
        .json());
    let index = id(run(&vic, &["network", "list", "--output", "json"])
        .await
        .json());
    let _ = run(&ada, &["network", "show", &orders]).await.done();
    refused(&ada, &["network", "show", &index]).await;
    refused(&vic, &["network", "show", &orders]).await;
    let unknown = "00000000-0000-0000-0000-000000000001";
    refused(&vic, &["network", "show", unknown]).await;
    refused(&vic, &["peering", "show", unknown]).await;
    for (token, shown) in [
        (&root, vec!["index", "orders"]),
        (&ada, vec!["orders"]),
        (&vic, vec!["index"]),
    ] {
        let (names, events) = watched(&engine, token, "").await.unwrap();
        assert_eq!(names, shown);
        assert_eq!(events, shown.len(), "events of each and of no other");
    }
    for (token, one) in [(&ada, &index), (&vic, &orders)] {
        let denied = watched(&engine, token, one).await.unwrap_err();
        assert_eq!(denied, Code::PermissionDenied);
    }
    let (names, _) = watched(&engine, &ada, &orders).await.unwrap();
    assert_eq!(names, ["orders"]);
    let mut peerings = Api::connect(&engine.server()).await.peerings;
    let watch = WatchPeeringsRequest {
        scope: Some(watch_peerings_request::Scope::PeeringId(unknown.to_owned())),
        ..Default::default()
    };
    let denied = peerings.watch_peerings(as_bearer(&vic, watch)).await;
    assert_eq!(denied.unwrap_err().code(), Code::PermissionDenied);

    // Commands.
    let request = |network: &str, account: &str| {
        let more = ["--network", network, "--account", account].map(str::to_owned);
        REQUEST
            .iter()
            .map(|it| (*it).to_owned())
            .chain(more)
            .collect::<Vec<_>>()
    };
    let words = |it: &[String]| it.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    let ask = async |token: &str, network: &str, account: &str| {
        let made = words(&request(network, account));
        run(token, &made.lines().collect::<Vec<_>>()).await
    };
    let _ = ask(&ada, &orders, "444455556666").await.done();
    for (token, network, account) in [
        (&ada, &orders, "777788889999"),
        (&ada, &index, "444455556666"),
        (&vic, &index, "444455556666"),
    ] {
        let finished = ask(token, network, account).await;
        assert!(finished.stderr.contains("[ACCESS_DENIED]"), "{finished:?}");
    }
    refused(&ada, &["network", "policy", &orders, "--drift", "report"]).await;
    refused(&ada, &["freeze", "--all", "--reason", "x"]).await;
    refused(&ada, &network("more", "payments")).await;
    let _ = run(&root, &["freeze", "--all", "--reason", "x"])
        .await
        .done();

    // What was denied is on record, once each.
    for _ in 0..3 {
        refused(&vic, &["network", "show", unknown]).await;
    }
    let log = format!("kurrentdb://127.0.0.1:{store}?tls=false");
    let log = Journal::open(JournalSettings::new(&log)).unwrap();
    let recorded = wait::until("the denials are on record", SOON, async || {
        let kept = log.records("access-denials").await.ok()?;
        (kept.len() >= 8).then_some(kept)
    })
    .await;
    let of = |it: &journal::Kept| serde_json::from_slice::<Value>(&it.data).unwrap();
    let same = recorded
        .iter()
        .map(of)
        .filter(|it| it["subject"]["subject"] == "vic" && it["network_id"] == unknown);
    assert_eq!(same.count(), 1, "the same is on record once");
    let last = recorded.last().unwrap();
    let actor = &last.metadata.as_ref().unwrap().actor;
    assert_eq!(actor.method.as_ref().unwrap().as_str(), "token");
    engine.stop().await;
}

#[tokio::test]
async fn a_plan_is_made_for_whom_the_peering_itself_could_be_asked_for_and_for_nobody_else() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let own = r#"projects=["payments"],peer_accounts=["444455556666"]"#;
    let bound = bindings(&[
        ("admin", &issuer.url(), "root", ""),
        ("operator", &issuer.url(), "ada", own),
        ("approver", &issuer.url(), "max", r#"projects=["payments"]"#),
        ("viewer", &issuer.url(), "vic", r#"projects=["payments"]"#),
    ]);
    let engine = guarded(data.path(), &issuers(&[&issuer.url()]), &bound).await;
    let token = async |name: &str| issuer.token("good", json!({ "sub": name })).await;
    let root = token("root").await;
    let json = async |arguments: &[&str]| {
        let arguments = [arguments, &["--output", "json"]].concat();
        as_of(&engine, &root, &arguments).await.json()
    };
    let made = json(&network("orders", "payments")).await;
    let orders = made["networkId"].as_str().unwrap();
    let made = json(&network("index", "search")).await;
    let index = made["networkId"].as_str().unwrap();
    let theirs = ["--network", orders, "--account", "777788889999"];
    let asked = json(&[REQUEST, &theirs].concat()).await;
    let peering = asked["peeringId"].as_str().unwrap();
    let plan = |network, account| {
        let whom = ["--network", network, "--account", account];
        [&["peering", "plan"], &REQUEST[2..], &whom].concat()
    };
    let on_record = vec!["peering", "plan", peering];
    let link = ["--link", "pcx-0a1b2c3d4e5f60718"];
    let adopts = [&plan(orders, "777788889999")[..], &link].concat();
    for (name, arguments, may) in [
        ("ada", plan(orders, "444455556666"), true),
        ("ada", plan(orders, "777788889999"), false),
        ("ada", plan(index, "444455556666"), false),
        ("ada", on_record.clone(), false),
        ("ada", adopts, false),
        ("max", plan(orders, "777788889999"), true),
        ("max", on_record.clone(), true),
        ("max", plan(index, "777788889999"), false),
        ("vic", on_record.clone(), false),
        ("vic", plan(orders, "777788889999"), false),
        ("root", on_record, true),
    ] {
        let told = as_of(&engine, &token(name).await, &arguments).await;
        let is_denied = told.stderr.contains("[ACCESS_DENIED]");
        assert_eq!(is_denied, !may, "{name}: {arguments:?}: {told:?}");
    }
    // What the cloud shows at a network is asked for as a plan is.
    for (name, network, status) in [
        ("ada", orders, 200),
        ("ada", index, 403),
        ("max", orders, 200),
        ("max", index, 403),
        ("vic", orders, 403),
    ] {
        let path = "/peerage.v1.NetworkService/DiscoverLinks";
        let head = bearer(path, &token(name).await);
        let body = json!({ "networkId": network }).to_string();
        let answer = send(&engine.server(), Version::Http1, &head, body).await;
        assert_eq!(answer.status().as_u16(), status, "{name} {network}");
    }
    engine.stop().await;
}

/// What a pass would have put on record: a group with this peering's tag.
async fn an_orphan(log: &Journal, network: NetworkId, peering: PeeringId, group: &str) {
    let found = OrphanFound {
        network_id: network,
        peering_id: peering,
        account: "111122223333".parse().unwrap(),
        region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
        cloud_network: "vpc-0a1b2c3d".parse().unwrap(),
        thing: OrphanThing::FirewallGroup {
            group: group.parse().unwrap(),
        },
        is_copy: false,
    };
    let id = domain::CommandId(uuid::Uuid::new_v4());
    let by = journal::Caller::new(id, "provisioner".parse().unwrap());
    let command = NetworkCommand::Record(found.into());
    let networks = log.networks();
    let done = networks.execute(network, &command, &by, chrono::Utc::now());
    assert!(!done.await.unwrap().events.is_empty());
}

#[tokio::test]
async fn orphans_are_listed_to_who_looks_and_removed_by_who_operates_there() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let store = ports::free();
    let own = r#"projects=["payments"],peer_accounts=["444455556666"]"#;
    let bound = bindings(&[
        ("admin", &issuer.url(), "root", ""),
        ("operator", &issuer.url(), "ada", own),
        ("viewer", &issuer.url(), "vic", r#"projects=["payments"]"#),
        ("approver", &issuer.url(), "max", r#"projects=["search"]"#),
    ]);
    let launch = Launch::new(data.path())
        .own_store()
        .set("access.issuers", &issuers(&[&issuer.url()]))
        .set("access.bindings", &bound)
        .set("store.embedded_listen", &format!("127.0.0.1:{store}"))
        .set("store.embedded_open", "true");
    let engine = launch.start_guarded().await;
    let token = async |name: &str| issuer.token("good", json!({ "sub": name })).await;
    let (root, ada, vic, max) = (
        token("root").await,
        token("ada").await,
        token("vic").await,
        token("max").await,
    );
    let json = async |token: &str, arguments: &[&str]| {
        let arguments = [arguments, &["--output", "json"]].concat();
        as_of(&engine, token, &arguments).await.json()
    };
    let made = json(&root, &network("orders", "payments")).await;
    let orders = made["networkId"].as_str().unwrap();
    let _ = json(&root, &network("index", "search")).await;
    let peer = ["--network", orders, "--account", "444455556666"];
    let asked = json(&root, &[REQUEST, &peer].concat()).await;
    let peering = asked["peeringId"].as_str().unwrap();
    let remove = ["peering", "remove", peering, "--reason", "x", "--no-wait"];
    let _ = json(&root, &remove).await;
    let log = format!("kurrentdb://127.0.0.1:{store}?tls=false");
    let log = Journal::open(JournalSettings::new(&log)).unwrap();
    let (orders_id, peering): (NetworkId, PeeringId) =
        (orders.parse().unwrap(), peering.parse().unwrap());
    wait::until("the peering is over", SOON, async || {
        let loaded = log.networks().load(orders_id).await.unwrap();
        let Network::Registered(network) = &loaded.network else {
            return None;
        };
        (!network.peerings()[&peering].life.is_live()).then_some(())
    })
    .await;
    an_orphan(&log, orders_id, peering, "sg-0aaa").await;
    let unknown = PeeringId(uuid::Uuid::new_v4());
    an_orphan(&log, orders_id, unknown, "sg-0bbb").await;

    let list = ["orphans", "list", "--output", "json"];
    wait::until("both orphans are listed", SOON, async || {
        let listed = as_of(&engine, &vic, &list).await.json();
        (listed.as_array().unwrap().len() == 2).then_some(())
    })
    .await;
    assert_eq!(json(&max, &["orphans", "list"]).await, json!([]));
    let remove = |orphan| {
        let network = ["--network", orders, "--reason", "it was left over"];
        [&["orphans", "remove", orphan][..], &network].concat()
    };
    let run = async |token: &str, orphan| as_of(&engine, token, &remove(orphan)).await;
    for (token, orphan) in [
        (&vic, "sg-0aaa"),
        (&max, "sg-0aaa"),
        // It was made for a peer that nobody knows: who is bound to peers may not judge that.
        (&ada, "sg-0bbb"),
    ] {
        let refused = run(token, orphan).await;
        assert!(refused.stderr.contains("[ACCESS_DENIED]"), "{refused:?}");
    }
    let _ = run(&ada, "sg-0aaa").await.done();
    let _ = run(&root, "sg-0bbb").await.done();
    engine.stop().await;
}

#[tokio::test]
async fn a_policy_that_changes_while_the_store_is_away_is_on_record_once_it_is_back() {
    let issuer = Issuer::start().await;
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let place = NodePlace::new(folders[0].path());
    let mut node = place.start().await;
    let file = folders[1].path().join("policy.toml");
    let bound = |subject: &str| {
        let url = issuer.url();
        let text = format!(
            "[[bindings]]\nrole = \"admin\"\nmethod = \"token\"\nissuer = {url:?}\nsubject = {subject:?}\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    bound("root");
    let engine = Launch::new(folders[1].path())
        .store(&place.connection_string())
        .set("access.issuers", &issuers(&[&issuer.url()]))
        .set(
            "access.policy",
            &format!("{:?}", file.display().to_string()),
        )
        .set("api.command_deadline", "1s")
        .start_guarded()
        .await;
    node.kill();
    let _ = node.finished(SOON).await;
    bound("ada");
    wait::until("it could not be put on record", SOON, async || {
        let told = engine.process.output();
        told.contains("could not be put on record yet")
            .then_some(())
    })
    .await;
    let _node = place.start().await;
    let log = Journal::open(JournalSettings::new(place.connection_string())).unwrap();
    wait::until("the new policy is on record", SOON, async || {
        let kept = log.records("access-policy").await.ok()?;
        let told = String::from_utf8_lossy(&kept.last()?.data).into_owned();
        (kept.len() == 2 && told.contains("ada")).then_some(())
    })
    .await;
    engine.stop().await;
}

#[tokio::test]
async fn a_policy_is_followed_and_on_record_and_who_was_allowed_to_then_has_an_answer() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let file = data.path().join("policy.toml");
    let binding = |role: &str, subject: &str| {
        format!(
            "[[bindings]]\nrole = {role:?}\nmethod = \"token\"\nissuer = {:?}\nsubject = {subject:?}\n",
            issuer.url()
        )
    };
    let root = binding("admin", "root");
    std::fs::write(&file, &root).unwrap();
    let launch = Launch::new(data.path())
        .own_store()
        .set("access.issuers", &issuers(&[&issuer.url()]))
        .set(
            "access.policy",
            &format!("{:?}", file.display().to_string()),
        );
    let engine = launch.start_guarded().await;
    let token = async |name: &str| issuer.token("good", json!({ "sub": name })).await;
    let (root_token, ada) = (token("root").await, token("ada").await);
    let list = async || as_of(&engine, &ada, &["network", "list"]).await;
    assert_eq!(list().await.code, Some(1));
    let url = issuer.url();
    let explain = async |more: &[&str]| {
        let mut asked = vec!["access", "explain", "--subject", "ada", "--issuer", &*url];
        asked.extend(["--method", "ListNetworks", "--output", "json"]);
        asked.extend(more);
        as_of(&engine, &root_token, &asked).await.json()
    };
    assert_ne!(explain(&[]).await["verdicts"][0]["allowed"], true);
    // Times are asked for to the second.
    let then = (chrono::Utc::now() + chrono::TimeDelta::seconds(1)).to_rfc3339();
    wait::elapse(std::time::Duration::from_secs(2)).await;

    std::fs::write(&file, format!("{root}{}", binding("viewer", "ada"))).unwrap();
    wait::until("the new policy is in force", SOON, async || {
        (list().await.code == Some(0)).then_some(())
    })
    .await;
    assert_eq!(explain(&[]).await["verdicts"][0]["allowed"], true);
    let earlier = wait::until("the new policy is on record", SOON, async || {
        let told = explain(&["--at", &chrono::Utc::now().to_rfc3339()]).await;
        (told["verdicts"][0]["allowed"] == true).then_some(explain(&["--at", &then]).await)
    })
    .await;
    assert_ne!(earlier["verdicts"][0]["allowed"], true, "{earlier}");
    let own = as_of(
        &engine,
        &ada,
        &["access", "explain", "--method", "SetPolicy"],
    )
    .await
    .done();
    assert!(own.contains("no role of the caller may call this"), "{own}");
    let others = [
        "access",
        "explain",
        "--subject",
        "root",
        "--issuer",
        &issuer.url(),
    ];
    assert!(
        as_of(&engine, &ada, &others)
            .await
            .stderr
            .contains("[ACCESS_DENIED]")
    );

    // A watch is judged again.
    let head = bearer("/peerage.v1.NetworkService/WatchNetworks", &ada);
    let watch = send(&engine.server(), Version::Http1, &head, "{}").await;
    assert_eq!(watch.status(), 200);
    std::fs::write(&file, format!("{root}{}", binding("viewer", "vic"))).unwrap();
    let body = tokio::time::timeout(SOON, watch.into_body().collect());
    let body = body.await.expect("the watch ends").unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    assert!(
        text.lines().last().unwrap().contains("ACCESS_CHANGED"),
        "{text}"
    );
    assert!(list().await.stderr.contains("[ACCESS_DENIED]"));

    std::fs::write(&file, "[[bindings]]\nrole = \"god\"\n").unwrap();
    wait::holds("the broken policy is told", || {
        engine
            .process
            .output()
            .contains("the new policy of access is refused")
    })
    .await;
    assert!(
        list().await.stderr.contains("[ACCESS_DENIED]"),
        "the old one stays"
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_client_certificate_and_the_user_of_a_socket_are_known() {
    let (pki, data) = (Pki::new(), tempfile::tempdir().unwrap());
    pki.server();
    pki.authority("clients");
    pki.leaf(
        "clients",
        "deploy",
        "URI:spiffe://example.org/deploy,DNS:deploy",
        "clientAuth",
    );
    pki.leaf("clients", "other", "DNS:other", "clientAuth");
    let bound = r#"[{role="admin",method="mtls",issuer="O=Tests, CN=clients",subject="spiffe://example.org/deploy"}]"#;
    let port = ports::free();
    let launch = Launch::new(data.path())
        .own_store()
        .listening(&format!("0.0.0.0:{port}"))
        .with(&[
            "--tls-cert",
            &pki.text("server.crt"),
            "--tls-key",
            &pki.text("server.key"),
        ])
        .with(&["--client-ca", &pki.text("clients.crt")])
        .set("access.bindings", bound);
    let engine = launch.start_guarded().await;
    let server = format!("https://127.0.0.1:{port}");
    let shown = async |name: Option<&str>, arguments: &[&str]| {
        let ca = pki.text("ca.crt");
        let mut all = arguments.to_vec();
        let (crt, key);
        if let Some(name) = name {
            (crt, key) = (
                pki.text(&format!("{name}.crt")),
                pki.text(&format!("{name}.key")),
            );
            all.extend(["--cert", &crt, "--key", &key]);
        }
        with(
            &[("PEERAGE_SERVER", &server), ("PEERAGE_CLIENT__CA", &ca)],
            &all,
        )
        .await
    };
    let known = shown(Some("deploy"), &["whoami"]).await.done();
    assert!(
        known.contains("spiffe://example.org/deploy") && known.contains("admin"),
        "{known}"
    );
    let _ = shown(Some("deploy"), &network("orders", "payments"))
        .await
        .done();
    let other = shown(Some("other"), &["network", "list"]).await;
    assert!(other.stderr.contains("[ACCESS_DENIED]"), "{other:?}");
    let nobody = shown(None, &["network", "list"]).await;
    assert!(nobody.stderr.contains("[UNAUTHENTICATED]"), "{nobody:?}");
    engine.stop().await;

    let data = tempfile::tempdir().unwrap();
    let listen = format!("unix://{}", data.path().join("api.sock").display());
    let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(data.path()).unwrap());
    let bound = format!(r#"[{{role="viewer",method="socket",subject="uid:{uid}"}}]"#);
    let launch = Launch::new(data.path())
        .own_store()
        .listening(&listen)
        .set("access.sockets", "true")
        .set("access.bindings", &bound);
    let engine = launch.start_guarded().await;
    let run = async |arguments: &[&str]| with(&[("PEERAGE_SERVER", &listen)], arguments).await;
    assert!(run(&["whoami"]).await.done().contains("socket"));
    let _ = run(&["network", "list"]).await.done();
    let denied = run(&network("orders", "payments")).await;
    assert!(denied.stderr.contains("[ACCESS_DENIED]"), "{denied:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_token_comes_from_a_file_or_a_command_too() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let bound = bindings(&[("viewer", &issuer.url(), "ada", "")]);
    let engine = guarded(data.path(), &issuers(&[&issuer.url()]), &bound).await;
    let server = engine.server();
    let file = token_file(data.path(), &issuer.token("good", json!({})).await);
    let run = async |arguments: &[&str]| with(&[("PEERAGE_SERVER", &server)], arguments).await;
    let _ = run(&["network", "list", "--token-file", &file])
        .await
        .done();
    let command = format!("cat {file}");
    let _ = run(&["network", "list", "--token-command", &command])
        .await
        .done();
    let failed = run(&["network", "list", "--token-command", "false"]).await;
    assert!(failed.stderr.contains("token command"), "{failed:?}");
    engine.stop().await;
}

#[tokio::test]
async fn servers_that_judge_by_different_policies_are_told() {
    let issuer = Issuer::start().await;
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let place = NodePlace::new(folders[0].path());
    let _node = place.start().await;
    let store = place.connection_string();
    let scraped = [ports::free(), ports::free()];
    let launch = |at: usize, role: &str| {
        Launch::new(folders[at].path())
            .store(&store)
            .set("access.issuers", &issuers(&[&issuer.url()]))
            .set(
                "access.bindings",
                &bindings(&[(role, &issuer.url(), "ada", "")]),
            )
            .set("probes.listen", &format!("127.0.0.1:{}", scraped[at - 1]))
    };
    let differing = async |port: u16, many: u8| {
        let line = format!("\npeerage_access_policies_differing {many}\n");
        wait::until(&line, SOON, async || {
            let (_, text) = http::ask(port, "GET", "/metrics", "").await?;
            text.contains(&line).then_some(())
        })
        .await;
    };
    let first = launch(1, "viewer").start_guarded().await;
    differing(scraped[0], 0).await;
    let second = launch(2, "admin").start_guarded().await;
    // Whoever is asked: the one that was there before is told as well.
    for port in scraped {
        differing(port, 1).await;
    }
    let told = "with another policy of access";
    second.process.prints(told).await;
    assert!(!first.process.output().contains(told));
    let token = issuer.token("good", json!({})).await;
    let info = as_of(&second, &token, &["server", "info"]).await.done();
    assert!(info.contains(told), "{info}");
    let log = Journal::open(JournalSettings::new(&store)).unwrap();
    let kept = log.records("access-policy").await.unwrap();
    let types: Vec<_> = kept.iter().map(|it| it.event_type.as_str()).collect();
    let [enforced, differed] = ["AccessPolicyEnforced", "AccessPoliciesDiffered"];
    assert_eq!(types, [enforced, enforced, differed]);
    second.stop().await;
    // One that is gone judges nobody any more.
    differing(scraped[0], 0).await;
    first.stop().await;
}

#[tokio::test]
async fn the_audit_tells_and_proves_to_each_what_is_theirs_and_the_whole_log_to_who_may_see_all() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let bound = bindings(&[
        ("admin", &issuer.url(), "root", ""),
        (
            "viewer",
            &issuer.url(),
            "vic",
            r#"networks=["search/index"]"#,
        ),
    ]);
    let key = data.path().join("audit.key").display().to_string();
    let made = [
        "audit",
        "key",
        "new",
        "--name",
        "log.example",
        "--out",
        &key,
    ];
    let _ = with(&[], &made).await.done();
    let launch = Launch::new(&data.path().join("data"))
        .own_store()
        .set("access.issuers", &issuers(&[&issuer.url()]))
        .set("access.bindings", &bound)
        .set("audit.key_file", &key);
    let engine = launch.start_guarded().await;
    let token = async |name: &str| issuer.token("good", json!({ "sub": name })).await;
    let (root, vic) = (token("root").await, token("vic").await);
    let run = async |token: &str, arguments: &[&str]| as_of(&engine, token, arguments).await;
    let mut peerings = Vec::new();
    for (name, project, range, vpc) in [
        ("orders", "payments", "10.30.0.0/16", "vpc-0d4c3b2a"),
        ("index", "search", "10.31.0.0/16", "vpc-0d4c3b2b"),
    ] {
        let _ = run(&root, &network(name, project)).await.done();
        let request = [
            "peering",
            "request",
            "--network",
            name,
            "--region",
            "us-east-1",
            "--account",
            "444455556666",
            "--vpc",
            vpc,
            "--range",
            range,
            "--output",
            "json",
        ];
        let asked = run(&root, &request).await.json();
        peerings.push(asked["peeringId"].as_str().unwrap().to_owned());
    }
    let events = run(
        &root,
        &["audit", "--type", "NetworkRegistered", "--output", "json"],
    )
    .await;
    let events = events.json();
    let of = |name: &str| {
        let all = events.as_array().unwrap();
        let found = all.iter().find(|it| it["networkName"] == name).unwrap();
        ["eventId", "position"].map(|it| found[it].as_str().unwrap().to_owned())
    };
    let ([theirs, theirs_at], [own, own_at]) = (of("payments/orders"), of("search/index"));

    // What is no network's is shown to nobody who may not look at everything.
    let log = ["audit", "log", "--output", "json"];
    let (all, own_alone) = (run(&root, &log).await.json(), run(&vic, &log).await.json());
    let has = |it: &Value, of: &str| it["stream"].as_str().unwrap().starts_with(of);
    let all = all.as_array().unwrap();
    assert!(all.iter().any(|it| has(it, "access-")), "{all:#?}");
    let own_alone = own_alone.as_array().unwrap();
    assert!(!own_alone.is_empty());
    for event in own_alone {
        assert_eq!(event["networkName"], "search/index", "{event}");
    }

    let export = data.path().join("log.jsonl").display().to_string();
    let whole = ["audit", "export", "--format", "jsonl", "--out", &export];
    for denied in [
        &whole[..],
        &["audit", "prove", &theirs],
        &["audit", "explain", &theirs_at],
        &["audit", "explain", &peerings[0]],
        &["audit", "review", "--network", "payments/orders"],
        &["audit", "review", "confirm", &peerings[1]],
    ] {
        let finished = run(&vic, denied).await;
        assert_eq!(finished.code, Some(1), "{denied:?}: {finished:?}");
        let is_denied = finished.stderr.contains("[ACCESS_DENIED]")
            || finished.stderr.contains("no network is known")
            || finished.stderr.contains("no peering is known");
        assert!(is_denied, "{denied:?}: {finished:?}");
        assert!(!finished.stdout.contains("payments"), "{finished:?}");
    }
    // What is not on record at all is denied in the same words: nobody learns which is which.
    const NOTHING: &str = "00000000-0000-4000-8000-000000000000";
    for (there, not) in [
        (
            &["audit", "prove", &theirs][..],
            &["audit", "prove", NOTHING][..],
        ),
        (
            &["audit", "explain", &theirs],
            &["audit", "explain", NOTHING],
        ),
        (
            &["audit", "explain", &peerings[0]],
            &["audit", "explain", NOTHING],
        ),
        (
            &["audit", "explain", &theirs_at],
            &["audit", "explain", "1/1"],
        ),
    ] {
        let (there, not) = (run(&vic, there).await, run(&vic, not).await);
        assert_eq!((there.code, &there.stderr), (not.code, &not.stderr));
    }
    assert!(!std::path::Path::new(&export).exists(), "nothing was begun");
    let leaves = r#"{"first":"0","most":10}"#;
    for (token, status) in [(&vic, 403), (&root, 200)] {
        let head = bearer("/peerage.v1.AuditService/ReadLeaves", token);
        let answer = send(&engine.server(), Version::Http1, &head, leaves).await;
        assert_eq!(answer.status().as_u16(), status);
    }
    for shown in [
        &["audit", "prove", &own][..],
        &["audit", "explain", &own_at],
        &["audit", "explain", &peerings[1]],
    ] {
        let _ = run(&vic, shown).await.done();
    }
    let open = run(&vic, &["audit", "review", "--output", "json"])
        .await
        .json();
    let seen: Vec<_> = open
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["peeringId"])
        .collect();
    assert!(
        seen.iter().all(|it| **it == peerings[1].as_str()),
        "{open:#}"
    );
    assert!(!seen.is_empty(), "{open:#}");
    let _ = run(&root, &whole).await.done();
    engine.stop().await;
}
