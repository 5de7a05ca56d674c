//! Both connections, the crate's and the followers', over TLS.
#![allow(clippy::unwrap_used)]

mod support;

use peerage_journal::{ExecuteError, Followed, Journal, JournalError, Signal, Unreachable};
use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};
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

/// Why the store is not reached, where no waiting would mend that.
async fn why_not(text: &str) -> Option<Unreachable> {
    soon(Journal::open(settings(text)).unwrap().unreachable()).await
}

/// A server whose certificate is for this name and ends in this year, and the certificate's file.
fn certified(name: &str, year: i32, folder: &TempDir) -> (Server, String) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let file = folder.path().join(format!("{name}-{year}.pem"));
    fs::write(&file, certificate.pem()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let server = Server::with_tls(TlsAcceptor::from(Arc::new(config)));
    (server, file.display().to_string())
}

#[tokio::test]
async fn what_no_waiting_mends_is_told_apart_from_a_store_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let (server, file) = certified("127.0.0.1", 2090, &folder);
    let at = |server: &Server, rest: &str| {
        let port = server.port();
        format!("kurrentdb://127.0.0.1:{port}?discoveryInterval=0&{rest}")
    };
    let node = |server: &Server| format!("127.0.0.1:{}", server.port());
    let trusted = format!("tlsCAFile={file}");
    assert_eq!(why_not(&at(&server, &trusted)).await, None);
    assert_eq!(why_not(&at(&server, "tlsVerifyCert=false")).await, None);
    // The system trusts none of these.
    assert_eq!(
        why_not(&at(&server, "tls=true")).await,
        Some(Unreachable::UnknownIssuer(node(&server)))
    );
    assert_eq!(
        why_not(&at(&server, "tls=false")).await,
        Some(Unreachable::SpeaksTls(node(&server)))
    );
    let (other, file) = certified("db.example.com", 2090, &folder);
    assert_eq!(
        why_not(&at(&other, &format!("tlsCAFile={file}"))).await,
        Some(Unreachable::OtherName(node(&other)))
    );
    let (over, file) = certified("127.0.0.1", 2001, &folder);
    assert_eq!(
        why_not(&at(&over, &format!("tlsCAFile={file}"))).await,
        Some(Unreachable::Expired(node(&over)))
    );
    let mut plain = Server::start();
    assert_eq!(why_not(&plain.connection_string()).await, None);
    assert_eq!(
        why_not(&at(&plain, "tls=true")).await,
        Some(Unreachable::SpeaksNoTls(node(&plain)))
    );
    // One of several that could be reached is enough, and so is one that may be back.
    let both = format!(
        "kurrentdb://127.0.0.1:{},127.0.0.1:{}?tls=true&tlsCAFile={}",
        plain.port(),
        server.port(),
        folder.path().join("127.0.0.1-2090.pem").display()
    );
    assert_eq!(why_not(&both).await, None);
    plain.kill();
    assert_eq!(why_not(&at(&plain, "tls=true")).await, None);
}

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
