//! TLS: whom the engine trusts, and whom it shows a certificate.

use super::receiver::{Receiver, Reply};
use super::{endpoint, keys, message, now, secret, to};
use peerage_webhook::{Attempt, ClientCertificate, Fault, Outcome, Settings, send};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

struct Authority {
    pem: String,
    der: rustls::pki_types::CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    Authority {
        pem: certificate.pem(),
        der: certificate.der().clone(),
        issuer: Issuer::new(params, key),
    }
}

/// A receiver with a certificate for this name, which asks clients for one of that authority.
async fn receiver(authority: &Authority, name: &str, clients: Option<&Authority>) -> Receiver {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = builder
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Receiver::with(Some(TlsAcceptor::from(Arc::new(config))), |_| {
        Reply::whole(200, "", "")
    })
    .await
}

async fn sent(port: u16, trusted: &Authority, identity: Option<ClientCertificate>) -> Attempt {
    let settings = Settings {
        plain_http: false,
        authorities: Some(trusted.pem.clone()),
        client_certificate: identity,
        ..to(&format!("https://127.0.0.1:{}/", port))
    };
    send(&endpoint(settings), &keys(), &message(), now()).await
}

fn is_tls(attempt: &Attempt) -> bool {
    attempt.outcome == Outcome::Transient { retry_after: None }
        && matches!(attempt.fault, Some(Fault::Tls(_)))
}

#[tokio::test]
async fn a_receiver_is_trusted_by_its_authority_and_its_name() {
    let (authority, other) = (authority(), authority());
    let trusted = receiver(&authority, "127.0.0.1", None).await;
    let delivered = sent(trusted.port, &authority, None).await;
    assert_eq!(
        delivered.outcome,
        Outcome::Delivered,
        "{:?}",
        delivered.fault
    );
    let refused = sent(trusted.port, &other, None).await;
    assert!(is_tls(&refused), "{refused:?}");
    let misnamed = receiver(&authority, "hooks.example.com", None).await;
    let refused = sent(misnamed.port, &authority, None).await;
    assert!(is_tls(&refused), "{refused:?}");
    assert_eq!((trusted.seen().len(), misnamed.seen().len()), (1, 0));
}

#[tokio::test]
async fn a_receiver_that_wants_a_certificate_gets_the_engines() {
    let (authority, clients) = (authority(), authority());
    let receiver = receiver(&authority, "127.0.0.1", Some(&clients)).await;
    let key = KeyPair::generate().unwrap();
    let chain = CertificateParams::new(vec!["engine".to_owned()])
        .unwrap()
        .signed_by(&key, &clients.issuer)
        .unwrap();
    let identity = ClientCertificate {
        chain: chain.pem(),
        key: secret(&key.serialize_pem()),
    };
    let delivered = sent(receiver.port, &authority, Some(identity)).await;
    assert_eq!(
        delivered.outcome,
        Outcome::Delivered,
        "{:?}",
        delivered.fault
    );
    let refused = sent(receiver.port, &authority, None).await;
    assert!(is_tls(&refused), "{refused:?}");
    assert_eq!(receiver.seen().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_speaks_no_tls_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let greeting = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"220 mail.example.com ESMTP\r\n")
            .await
            .unwrap();
        stream
    });
    let refused = sent(port, &authority(), None).await;
    assert!(is_tls(&refused), "{refused:?}");
    greeting.await.unwrap();
}
