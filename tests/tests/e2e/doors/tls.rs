//! TLS and sockets: where the API may listen, and how the command line gets there.

use super::{rights, with};
use peerage_tests::{
    engine::{Finished, Launch, ask, run},
    pki::{Pki, fingerprint, shown_by},
    wait,
};
use std::os::unix::fs::PermissionsExt as _;

const REGISTER: &[&str] = &[
    "network",
    "register",
    "--name",
    "orders",
    "--region",
    "eu-west-1",
    "--account",
    "111122223333",
    "--vpc",
    "vpc-0a1b2c3d",
    "--range",
    "10.20.0.0/16",
];

#[tokio::test]
async fn the_command_line_reaches_an_engine_over_tls_and_is_told_why_where_it_does_not() {
    let (pki, data) = (Pki::new(), tempfile::tempdir().unwrap());
    pki.server();
    pki.authority("other");
    let launch = Launch::new(data.path()).own_store().with(&[
        "--tls-cert",
        &pki.text("server.crt"),
        "--tls-key",
        &pki.text("server.key"),
    ]);
    let engine = launch.start_guarded().await;
    let secure = format!("https://localhost:{}", launch.port());
    let ca = pki.text("ca.crt");

    let _ = ask(&secure, &[REGISTER, &["--ca", &ca]].concat())
        .await
        .done();
    let variables = [("PEERAGE_CLIENT__CA", &*ca), ("PEERAGE_SERVER", &*secure)];
    let listed = with(&variables, &["network", "list"]).await.done();
    assert!(listed.contains("orders"), "{listed}");
    let file = pki.path("client.toml");
    std::fs::write(&file, format!("[client]\nca = {ca:?}\n")).unwrap();
    let file = file.display().to_string();
    let variables = [("PEERAGE_CONFIG", &*file), ("PEERAGE_SERVER", &*secure)];
    let listed = with(&variables, &["network", "list"]).await.done();
    assert!(listed.contains("orders"), "{listed}");

    // Each with its own cause.
    let other = pki.text("other.crt");
    for (server, ca, cause) in [
        (&secure, &other, "certificate"),
        (
            &format!("http://127.0.0.1:{}", launch.port()),
            &ca,
            "https://",
        ),
        (&"https://127.0.0.1:1".to_owned(), &ca, "refused"),
    ] {
        let told = ask(server, &["network", "list", "--ca", ca]).await;
        assert_eq!(told.code, Some(1), "{told:?}");
        let told = told.stderr.to_lowercase();
        assert!(told.contains(cause), "{server}: {told}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_never_is() {
    let (pki, data) = (Pki::new(), tempfile::tempdir().unwrap());
    pki.server();
    let launch = Launch::new(data.path()).own_store().with(&[
        "--tls-cert",
        &pki.text("server.crt"),
        "--tls-key",
        &pki.text("server.key"),
    ]);
    let engine = launch.start_guarded().await;
    let shown = || shown_by(launch.port(), &pki.path("."));
    let first = fingerprint(&pki.path("server.crt")).unwrap();
    assert_eq!(shown().as_ref(), Some(&first));

    let key = std::fs::read(pki.path("server.key")).unwrap();
    std::fs::write(pki.path("server.key"), "no key").unwrap();
    wait::holds("the broken pair is told", || {
        engine
            .process
            .output()
            .contains("the old ones stay in force")
    })
    .await;
    assert_eq!(shown().as_ref(), Some(&first));
    std::fs::write(pki.path("server.key"), key).unwrap();

    pki.renew_server();
    let second = fingerprint(&pki.path("server.crt")).unwrap();
    assert_ne!(first, second);
    wait::holds("the new certificate is shown", || {
        shown().as_ref() == Some(&second)
    })
    .await;
    let output = engine.process.output();
    assert!(!output.contains("PRIVATE KEY"), "{output}");
    engine.stop().await;
}

#[tokio::test]
async fn other_machines_are_not_listened_for_without_tls_and_authentication() {
    let (pki, data) = (Pki::new(), tempfile::tempdir().unwrap());
    pki.server();
    let (crt, key) = (pki.text("server.crt"), pki.text("server.key"));
    let far = "0.0.0.0:0";
    for extra in [vec![], vec!["--tls-cert", &*crt, "--tls-key", &*key]] {
        let launch = Launch::new(data.path())
            .own_store()
            .listening(far)
            .with(&extra);
        let refused = peerage_tests::engine::finish(launch.command()).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        for said in ["--tls-cert", "--client-ca", "--insecure", "loopback"] {
            assert!(refused.stderr.contains(said), "{said}: {refused:?}");
        }
    }
    let far = format!("0.0.0.0:{}", peerage_tests::ports::free());
    let launch = Launch::new(data.path())
        .own_store()
        .listening(&far)
        .with(&["--insecure"]);
    let engine = launch.start_guarded().await;
    let server = format!("http://127.0.0.1:{}", far.rsplit(':').next().unwrap());
    let info = ask(&server, &["server", "info"]).await.done();
    for told in [info, engine.process.output()] {
        assert!(
            told.contains("anybody who reaches it may command it"),
            "{told}"
        );
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_unix_socket_is_for_its_owner_and_is_replaced_only_when_nobody_listens() {
    let data = tempfile::tempdir().unwrap();
    let socket = data.path().join("api.sock");
    let listen = format!("unix://{}", socket.display());
    let launch = Launch::new(data.path()).own_store().listening(&listen);
    let mut engine = launch.start_guarded().await;
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let _ = ask(&listen, REGISTER).await.done();
    assert!(
        ask(&listen, &["network", "list"])
            .await
            .done()
            .contains("orders")
    );

    let elsewhere = tempfile::tempdir().unwrap();
    let second = Launch::new(elsewhere.path()).own_store().listening(&listen);
    let refused = peerage_tests::engine::finish(second.command()).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.stderr.contains("another process listens there"),
        "{refused:?}"
    );

    // A crash leaves the socket behind, and the next start takes its place.
    engine.process.kill();
    assert!(socket.exists());
    let launch = launch.set("api.socket_mode", "\"0660\"");
    let engine = launch.start_guarded().await;
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert!(
        ask(&listen, &["network", "list"])
            .await
            .done()
            .contains("orders")
    );
    engine.stop().await;
    assert!(!socket.exists(), "it takes its socket with it");

    let wide = run(&["serve", "--set", "api.socket_mode=\"0666\""]).await;
    assert_eq!(wide.code, Some(2));
    assert!(wide.stderr.contains("api.socket_mode"), "{wide:?}");
}

#[tokio::test]
async fn a_key_or_a_token_that_others_may_read_is_refused_with_what_to_do() {
    let (pki, data) = (Pki::new(), tempfile::tempdir().unwrap());
    pki.server();
    rights(&pki.path("server.key"), 0o644);
    let (crt, key) = (pki.text("server.crt"), pki.text("server.key"));
    let told = |finished: Finished, code| {
        assert_eq!(finished.code, Some(code), "{finished:?}");
        let remedy = format!("chmod 600 {key}");
        assert!(finished.stderr.contains(&remedy), "{finished:?}");
    };
    let folder = data.path().display().to_string();
    let serve = ["serve", "--data-dir", &folder, "--listen", "127.0.0.1:0"];
    let tls = ["--tls-cert", &crt, "--tls-key", &key];
    told(run(&[&serve[..], &tls].concat()).await, 2);
    let list = ["network", "list", "--server", "https://127.0.0.1:1"];
    let shown = ["--cert", &crt, "--key", &key];
    told(run(&[&list[..], &shown].concat()).await, 2);
    let token = ["--token-file", &key];
    told(run(&[&list[..], &token].concat()).await, 1);
}
