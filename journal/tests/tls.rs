//! Both connections, the crate's and the followers', over TLS.
#![allow(clippy::unwrap_used)]

mod support;

use peerage_journal::{ExecuteError, Followed, Journal, JournalError, Signal};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use std::{fs, sync::Arc};
use support::{Server, caller, network_of, now, register, settings};
use tempfile::TempDir;
use testkit::wait::soon;
use tokio_rustls::TlsAcceptor;

/// A server for 127.0.0.1, and a folder that holds the certificate to trust as `ca.pem` and another
/// one as `other.pem`.
fn server() -> (Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.path().join("ca.pem"), cert.pem()).unwrap();
    fs::write(
        folder.path().join("other.pem"),
        generate_simple_self_signed(["127.0.0.1".to_owned()])
            .unwrap()
            .cert
            .pem(),
    )
    .unwrap();
    let key = PrivateKeyDer::from_pem_slice(signing_key.serialize_pem().as_bytes()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    (
        Server::with_tls(TlsAcceptor::from(Arc::new(config))),
        folder,
    )
}

fn journal(server: &Server, tls: &str) -> Journal {
    let string = format!(
        "kurrentdb://127.0.0.1:{}?discoveryInterval=0&{tls}",
        server.port()
    );
    Journal::open(settings(&string)).unwrap()
}

async fn works(journal: &Journal) {
    soon(
        journal
            .networks()
            .execute(network_of(1), &register("orders"), &caller(1), now()),
    )
    .await
    .unwrap();
    let mut follower = journal.follow(None, Followed::Networks);
    let signal = soon(follower.next()).await.unwrap();
    assert!(
        matches!(&signal, Signal::Event(event) if event.network_id == Some(network_of(1))),
        "{signal:?}"
    );
}

#[tokio::test]
async fn a_server_whose_certificate_is_trusted_is_used() {
    let (server, folder) = server();
    works(&journal(
        &server,
        &format!("tlsCAFile={}", folder.path().join("ca.pem").display()),
    ))
    .await;
}

#[tokio::test]
async fn a_server_is_used_unverified_only_when_asked_for() {
    let (server, _folder) = server();
    works(&journal(&server, "tlsVerifyCert=false")).await;
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_trusted_is_not_used() {
    let (server, folder) = server();
    let journal = journal(
        &server,
        &format!("tlsCAFile={}", folder.path().join("other.pem").display()),
    );
    let mut follower = journal.follow(None, Followed::Networks);
    let refused = soon(journal.networks().execute(
        network_of(1),
        &register("orders"),
        &caller(1),
        now(),
    ))
    .await;
    assert!(
        matches!(
            refused,
            Err(ExecuteError::Journal(JournalError::Unavailable { .. }))
        ),
        "{refused:?}"
    );
    assert_eq!(server.shared.log().subscriptions, []);
    tokio::select! {
        biased;
        signal = follower.next() => panic!("{signal:?}"),
        () = std::future::ready(()) => {}
    }
}
