//! Who is known by a token: judged by a provider that is not ours, and by an issuer that also makes
//! what none should.

use super::{bearer, bindings, guarded, issuers, network, whoami, with};
use crate::support::http::{Head, Version, ask};
use peerage::api::POOL;
use peerage_tests::{
    engine::{Launch, serves},
    oidc::{Issuer, Provider},
    wait,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn a_provider_that_is_not_ours_is_believed_and_its_subject_is_the_actor() {
    let (provider, data) = (Provider::start().await, tempfile::tempdir().unwrap());
    let bound = bindings(&[("admin", &provider.url(), "ada", "")]);
    let engine = guarded(data.path(), &issuers(&[&provider.url()]), &bound).await;
    let token = provider.login("peerage", "ada");
    let server = engine.server();
    let variables = [("PEERAGE_TOKEN", &*token), ("PEERAGE_SERVER", &*server)];

    let told = with(&variables, &["whoami", "--output", "json"])
        .await
        .json();
    assert_eq!(told["subject"]["subject"], "ada");
    assert_eq!(told["subject"]["issuer"], provider.url());
    assert_eq!(told["bindings"][0]["role"], "admin");
    let register = [&network("orders", "payments")[..], &["--actor", "mallory"]].concat();
    let _ = with(&variables, &register).await.done();
    let events = with(&variables, &["audit", "--output", "json"])
        .await
        .json();
    let actor = &events[0]["actor"];
    for (field, told) in [
        ("subject", "ada"),
        ("method", "token"),
        ("issuer", &provider.url()),
        ("claimed", "mallory"),
    ] {
        assert_eq!(actor[field], told, "{events}");
    }

    let other = provider.login("another-client", "ada");
    let (status, reason) = whoami(&engine.server(), &other).await;
    assert_eq!(
        (status, &*reason),
        (401, "UNAUTHENTICATED"),
        "another audience"
    );
    let nobody = provider.login("peerage", "eve");
    let variables = [("PEERAGE_TOKEN", &*nobody), ("PEERAGE_SERVER", &*server)];
    let listed = with(&variables, &["network", "list"]).await;
    assert!(listed.stderr.contains("[ACCESS_DENIED]"), "{listed:?}");
    let output = engine.process.output();
    let signature = |it: &str| it.rsplit('.').next().unwrap().to_owned();
    for token in [&token, &other, &nobody] {
        assert!(
            !output.contains(&signature(token)),
            "no token is in the log"
        );
    }
    engine.stop().await;
}

#[tokio::test]
async fn what_no_good_issuer_makes_opens_nothing() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let bound = bindings(&[("admin", &issuer.url(), "ada", "")]);
    let engine = guarded(data.path(), &issuers(&[&issuer.url()]), &bound).await;
    let server = engine.server();
    let good = issuer.token("good", json!({})).await;
    assert_eq!(whoami(&server, &good).await.0, 200);

    let now = chrono::Utc::now().timestamp();
    let none = Value::Null;
    for (how, claims) in [
        ("none", json!({})),
        ("hmac", json!({})),
        ("foreign", json!({})),
        ("unknown", json!({})),
        ("crit", json!({})),
        ("good", json!({ "aud": "another" })),
        ("good", json!({ "aud": none })),
        ("good", json!({ "iss": "https://another.example" })),
        ("good", json!({ "iss": format!("{}/", issuer.url()) })),
        ("good", json!({ "exp": now - 1000 })),
        ("good", json!({ "exp": none })),
        ("good", json!({ "exp": "tomorrow" })),
        ("good", json!({ "nbf": now + 1000 })),
        ("good", json!({ "sub": none })),
        ("good", json!({ "sub": "" })),
        ("good", json!({ "sub": "a\u{202e}da" })),
        ("good", json!({ "sub": "a".repeat(300) })),
        ("good", json!({ "sub": 7 })),
    ] {
        let token = issuer.token(how, claims.clone()).await;
        let (status, reason) = whoami(&server, &token).await;
        assert_eq!(
            (status, &*reason),
            (401, "UNAUTHENTICATED"),
            "{how} {claims}"
        );
    }
    let (head, rest) = good.split_once('.').unwrap();
    for token in [
        "",
        "x",
        "a.b.c",
        "....",
        &good[..good.len() - 4],
        &format!("{head}.{head}.{rest}"),
        &"a".repeat(60_000),
        &format!("{good}\u{e9}"),
    ] {
        let head = Head::json("/peerage.v1.AccessService/WhoAmI")
            .with("authorization", &format!("Bearer {token}"));
        let answer = ask(&server, Version::Http1, &head, "{}").await;
        assert_ne!(answer.status, 200, "{token}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn who_is_not_known_gets_no_further_in_any_protocol_and_health_alone_is_open() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let bound = bindings(&[("admin", &issuer.url(), "ada", "")]);
    let engine = guarded(data.path(), &issuers(&[&issuer.url()]), &bound).await;
    let server = engine.server();
    let good = issuer.token("good", json!({})).await;
    for version in Version::ALL {
        let head = Head::json("/peerage.v1.NetworkService/ListNetworks");
        let answer = ask(&server, version, &head, "{}").await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.reason(), "UNAUTHENTICATED");
        for wrong in ["Basic YWRhOmFkYQ==", "Bearer", "bearer ", &good] {
            let head = head.clone().with("authorization", wrong);
            assert_eq!(
                ask(&server, version, &head, "{}").await.status,
                401,
                "{wrong}"
            );
        }
        // Who shows something else is told so, and not taken for somebody who shows nothing.
        let basic = head.clone().with("authorization", "Basic YWRhOmFkYQ==");
        let told = ask(&server, version, &basic, "{}").await.json().to_string();
        assert!(told.contains("no bearer token"), "{told}");
        let twice = head
            .clone()
            .with("authorization", &format!("Bearer {good}"))
            .with("authorization", &format!("Bearer {good}"));
        assert_eq!(ask(&server, version, &twice, "{}").await.status, 401);
    }
    let told = engine.cli(&["network", "list"]).await;
    assert!(told.stderr.contains("[UNAUTHENTICATED]"), "{told:?}");
    let told = engine.cli(&network("orders", "payments")).await;
    assert!(told.stderr.contains("[UNAUTHENTICATED]"), "{told:?}");
    let web = Head::new("POST", "/peerage.v1.NetworkService/ListNetworks")
        .with("content-type", "application/grpc-web+proto");
    let answer = ask(&server, Version::Http1, &web, vec![0; 5]).await;
    assert_eq!(answer.header("grpc-status"), "16", "{answer:?}");
    serves(server.clone()).await.expect("probes are answered");

    let variables = [("PEERAGE_TOKEN", &*good), ("PEERAGE_SERVER", &*server)];
    let counted = with(&variables, &["server", "info", "--output", "json"]).await;
    let counted = counted.json();
    let unknown: u64 = counted["unauthenticatedCalls"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(unknown >= 10, "{counted}");
    engine.stop().await;
}

#[tokio::test]
async fn keys_are_followed_and_neither_a_storm_nor_an_outage_locks_anybody_out() {
    let (mut issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let bound = bindings(&[("admin", &issuer.url(), "ada", "")]);
    let engine = guarded(data.path(), &issuers(&[&issuer.url()]), &bound).await;
    let server = engine.server();
    let first = issuer.token("good", json!({})).await;
    assert_eq!(whoami(&server, &first).await.0, 200);
    assert_eq!(issuer.asked().await, 1);

    issuer.rotate().await;
    let second = issuer.token("good", json!({})).await;
    assert_eq!(
        whoami(&server, &second).await.0,
        200,
        "the new key is found"
    );
    let replaced = issuer.token("old", json!({ "jti": "another" })).await;
    assert_eq!(
        whoami(&server, &replaced).await.0,
        401,
        "the key is published no more"
    );

    // Hundreds of keys that nobody has, from many callers at once.
    let mut storm = tokio::task::JoinSet::new();
    for number in 0..60 {
        let token = issuer
            .token("unknown", json!({ "jti": format!("key-{number}") }))
            .await;
        let server = server.clone();
        storm.spawn(async move { whoami(&server, &token).await.0 });
    }
    while let Some(status) = storm.join_next().await {
        assert_eq!(status.unwrap(), 401);
    }
    assert!(issuer.asked().await <= 6, "{}", issuer.asked().await);

    issuer.mode("down").await;
    let third = issuer.token("good", json!({ "jti": "third" })).await;
    assert_eq!(whoami(&server, &third).await.0, 200, "its key is known");
    let fourth = issuer.token("good", json!({ "jti": "fourth" })).await;
    issuer.kill();
    assert_eq!(whoami(&server, &fourth).await.0, 200, "its key is known");
    engine.stop().await;
}

#[tokio::test]
async fn an_issuer_that_answers_too_much_too_late_or_from_elsewhere_is_not_believed() {
    for mode in ["huge", "redirect", "down", "slow"] {
        let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
        let bound = bindings(&[("admin", &issuer.url(), "ada", "")]);
        let engine = guarded(data.path(), &issuers(&[&issuer.url()]), &bound).await;
        let token = issuer.token("good", json!({})).await;
        issuer.mode(mode).await;
        let began = std::time::Instant::now();
        let (status, reason) = whoami(&engine.server(), &token).await;
        assert_eq!((status, &*reason), (503, "ISSUER_UNAVAILABLE"), "{mode}");
        assert!(began.elapsed() < Duration::from_secs(20), "{mode}");
        issuer.mode("good").await;
        wait::until("the issuer is believed again", wait::SOON, async || {
            (whoami(&engine.server(), &token).await.0 == 200).then_some(())
        })
        .await;
        engine.stop().await;
    }
}

#[tokio::test]
async fn equal_names_at_two_issuers_are_two_people() {
    let data = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Issuer::start().await, Issuer::start().await);
    let bound = bindings(&[("admin", &ours.url(), "ada", "")]);
    let both = issuers(&[&ours.url(), &theirs.url()]);
    let engine = guarded(data.path(), &both, &bound).await;
    let call = async |token: &str| {
        let head = bearer("/peerage.v1.NetworkService/ListNetworks", token);
        ask(&engine.server(), Version::Http2, &head, "{}").await
    };
    assert_eq!(call(&ours.token("good", json!({})).await).await.status, 200);
    let answer = call(&theirs.token("good", json!({})).await).await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.reason()),
        (403, "ACCESS_DENIED")
    );
    let claims = json!({ "iss": ours.url() });
    let answer = call(&theirs.token("good", claims).await).await;
    assert_eq!(answer.status, 401, "signed by the other one");
    engine.stop().await;
}

/// The body is promised and never comes.
#[tokio::test]
async fn who_is_not_known_is_turned_away_by_the_head_and_holds_no_place_while_a_body_is_awaited() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let engine = guarded(data.path(), &issuers(&[&issuer.url()]), "[]").await;
    let address = engine.server().replace("http://", "");
    for token in ["", "Authorization: Bearer nothing\r\n"] {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /peerage.v1.NetworkService/ListNetworks HTTP/1.1\r\nHost: {address}\r\n{token}\
             Content-Type: application/json\r\nContent-Length: 4000000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut said = [0; 12];
        let told = tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut said));
        told.await
            .expect("told at once, not after the body's time")
            .unwrap();
        assert_eq!(&said, b"HTTP/1.1 401", "{}", String::from_utf8_lossy(&said));
    }
    engine.stop().await;
}

#[tokio::test]
async fn every_watch_ends_with_the_credential_that_it_was_opened_with() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let bound = bindings(&[("viewer", &issuer.url(), "ada", "")]);
    let engine = guarded(data.path(), &issuers(&[&issuer.url()]), &bound).await;
    let ends = chrono::Utc::now().timestamp() + 4;
    let token = issuer.token("good", json!({ "exp": ends })).await;
    let services = POOL.services();
    let streams: Vec<_> = services
        .flat_map(|it| it.methods().collect::<Vec<_>>())
        .filter(|it| it.is_server_streaming())
        .map(|it| format!("/{}/{}", it.parent_service().full_name(), it.name()))
        .collect();
    assert_eq!(streams.len(), 3, "{streams:?}");
    let watched = streams.iter().map(async |path| {
        let head = bearer(path, &token);
        let answer = ask(&engine.server(), Version::Http1, &head, "{}").await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(
            last["error"]["details"][0]["reason"], "CREDENTIAL_EXPIRED",
            "{path}: {text}"
        );
        assert!(chrono::Utc::now().timestamp() >= ends, "{path}");
    });
    futures::future::join_all(watched).await;
    assert_eq!(whoami(&engine.server(), &token).await.0, 401);
    engine.stop().await;
}

#[tokio::test]
async fn an_issuer_is_asked_over_https_unless_it_is_on_this_machine_and_that_was_said() {
    let data = tempfile::tempdir().unwrap();
    for issuer in [
        r#"[{url="http://127.0.0.1:9",audiences=["peerage"]}]"#,
        r#"[{url="http://idp.example.com",audiences=["peerage"],allow_http_on_loopback=true}]"#,
        r#"[{url="https://idp.example.com",audiences=[]}]"#,
        r#"[{url="https://idp.example.com",audiences=["a"],algorithms=["HS256"]}]"#,
        r#"[{url="https://idp.example.com",audiences=["a"],algorithms=["none"]}]"#,
    ] {
        let launch = Launch::new(data.path())
            .own_store()
            .set("access.issuers", issuer);
        let refused = peerage_tests::engine::finish(launch.command()).await;
        assert_eq!(refused.code, Some(2), "{issuer}: {refused:?}");
    }
}

#[tokio::test]
async fn an_issuers_clock_may_differ_by_what_was_said_and_only_the_algorithms_that_were_may_sign() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let bound = bindings(&[("admin", &issuer.url(), "ada", "")]);
    let believed = |more: &str| {
        let url = issuer.url();
        format!(r#"[{{url="{url}",audiences=["peerage"],allow_http_on_loopback=true,{more}}}]"#)
    };
    let engine = guarded(data.path(), &believed("clock_skew_seconds=120"), &bound).await;
    let now = chrono::Utc::now().timestamp();
    for (claims, status) in [
        (json!({ "exp": now - 30 }), 200),
        (json!({ "exp": now - 130 }), 401),
        (json!({ "nbf": now + 60 }), 200),
        (json!({ "nbf": now + 300 }), 401),
    ] {
        let token = issuer.token("good", claims.clone()).await;
        let found = whoami(&engine.server(), &token).await.0;
        assert_eq!(found, status, "{claims}");
    }
    engine.stop().await;

    // It signs with RS256.
    let token = issuer.token("good", json!({})).await;
    for (algorithms, status) in [(r#"["ES256","PS256"]"#, 401), (r#"["RS256"]"#, 200)] {
        let believed = believed(&format!("algorithms={algorithms}"));
        let engine = guarded(data.path(), &believed, &bound).await;
        let found = whoami(&engine.server(), &token).await.0;
        assert_eq!(found, status, "{algorithms}");
        engine.stop().await;
    }
}
