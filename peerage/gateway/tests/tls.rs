//! TLS on a real port: what is spoken over it, who is believed, and what becomes of it when its
//! files change.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

use peerage_gateway::{
    ClientCertificates, Gateway, Limits, Listen, Listener, Peer, Stop, Tls, TlsFiles, serve,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{convert::Infallible, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use testkit::wait;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, SupportedProtocolVersion,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
        version::{TLS12, TLS13},
    },
};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

struct Leaf {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

fn leaf(authority: &Authority, name: &str) -> Leaf {
    leaf_until(authority, name, 2090)
}

fn leaf_until(authority: &Authority, name: &str, year: i32) -> Leaf {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(year, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    Leaf { certificate, key }
}

struct Stand {
    folder: TempDir,
    authority: Authority,
    clients: Authority,
    address: SocketAddr,
    draining: CancellationToken,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.draining.cancel();
    }
}

/// A gateway that answers with the name of the kind of peer that it sees.
fn telling() -> Gateway {
    let service = tower::service_fn(|request: http::Request<Body>| async move {
        let told = match request.extensions().get::<Peer>() {
            Some(Peer::Plain { .. }) => "plain",
            Some(Peer::Secure {
                certificate: None, ..
            }) => "secure",
            Some(Peer::Secure { .. }) => "certified",
            Some(Peer::Socket { .. }) => "socket",
            None => "unknown",
        };
        Ok::<_, Infallible>(tonic::Status::not_found(told).into_http())
    });
    support::over(service, support::access())
}

async fn start(wanted: Option<ClientCertificates>) -> Stand {
    let folder = tempfile::tempdir().unwrap();
    let (authority, clients) = (authority("servers"), authority("clients"));
    write(folder.path(), &leaf(&authority, "localhost"));
    std::fs::write(folder.path().join("clients.crt"), clients.pem()).unwrap();
    let files = TlsFiles {
        certificate: folder.path().join("tls.crt"),
        key: folder.path().join("tls.key"),
        client_authorities: wanted.map(|it| (folder.path().join("clients.crt"), it)),
    };
    let tls = Tls::load(files).await.unwrap();
    let listen: Listen = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(&listen, 0o600, Some(tls.clone()))
        .await
        .unwrap();
    let Listen::Tcp(address) = listener.address().unwrap() else {
        panic!("no TCP")
    };
    let draining = CancellationToken::new();
    let stop = Stop {
        draining: draining.clone(),
        ..Stop::default()
    };
    tokio::spawn(serve(listener, telling(), Limits::default(), stop));
    let cancel = draining.clone();
    tokio::spawn(async move { tls.follow(Duration::from_millis(20), cancel).await });
    Stand {
        folder,
        authority,
        clients,
        address,
        draining,
    }
}

fn write(folder: &Path, leaf: &Leaf) {
    std::fs::write(folder.join("tls.crt"), leaf.certificate.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), leaf.key.serialize_pem()).unwrap();
}

struct Client<'a> {
    shows: Option<&'a Leaf>,
    version: &'static SupportedProtocolVersion,
    alpn: &'static str,
}

const PLAIN: Client<'_> = Client {
    shows: None,
    version: &TLS13,
    alpn: "http/1.1",
};

/// What the server is told to be, the certificate it showed, and the protocol agreed on.
#[derive(Debug, PartialEq)]
struct Seen {
    told: String,
    certificate: CertificateDer<'static>,
    alpn: Option<Vec<u8>>,
}

impl Stand {
    async fn call(&self, client: &Client<'_>) -> std::io::Result<Seen> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[client.version])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match client.shows {
            None => builder.with_no_client_auth(),
            Some(leaf) => {
                let key = PrivatePkcs8KeyDer::from(leaf.key.serialize_der());
                let chain = vec![leaf.certificate.der().clone()];
                builder
                    .with_client_auth_cert(chain, PrivateKeyDer::Pkcs8(key))
                    .unwrap()
            }
        };
        config.alpn_protocols = vec![client.alpn.as_bytes().to_vec()];
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await?;
        let certificate = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
        let alpn = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        let call = "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                    Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        stream.write_all(call.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let told = ["plain", "secure", "certified", "socket"]
            .into_iter()
            .find(|it| answer.contains(it));
        Ok(Seen {
            told: told.unwrap_or_default().to_owned(),
            certificate: certificate.into_owned(),
            alpn,
        })
    }
}

#[tokio::test]
async fn tls_1_2_and_later_is_spoken_with_both_http_versions_agreed_on_by_alpn() {
    let stand = start(None).await;
    for version in [&TLS12, &TLS13] {
        let seen = stand.call(&Client { version, ..PLAIN }).await.unwrap();
        assert_eq!(
            (seen.told.as_str(), seen.alpn.unwrap().as_slice()),
            ("secure", &b"http/1.1"[..])
        );
    }
    let connecting = stand
        .call(&Client {
            alpn: "h3",
            ..PLAIN
        })
        .await;
    assert!(connecting.is_err(), "no protocol in common");
    // Over h2 this client's HTTP/1.1 is no answer, but the agreement shows in the handshake.
    let agreed = stand
        .call(&Client {
            alpn: "h2",
            ..PLAIN
        })
        .await
        .unwrap();
    assert_eq!(agreed.alpn.unwrap(), b"h2");

    let mut plain = TcpStream::connect(stand.address).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(
        !answer.starts_with(b"HTTP"),
        "plain text gets no answer over TLS"
    );
}

#[tokio::test]
async fn a_client_is_known_by_a_certificate_of_a_trusted_authority_alone() {
    let stand = start(Some(ClientCertificates::Optional)).await;
    assert_eq!(stand.call(&PLAIN).await.unwrap().told, "secure");
    let own = leaf(&stand.clients, "deploy");
    let shown = Client {
        shows: Some(&own),
        ..PLAIN
    };
    assert_eq!(stand.call(&shown).await.unwrap().told, "certified");

    let foreign = leaf(&authority("clients"), "deploy");
    let expired = leaf_until(&stand.clients, "deploy", 2020);
    for wrong in [&foreign, &expired, &leaf(&stand.authority, "deploy")] {
        let shown = Client {
            shows: Some(wrong),
            ..PLAIN
        };
        assert!(
            stand.call(&shown).await.is_err(),
            "another authority's, or expired"
        );
    }

    let strict = start(Some(ClientCertificates::Required)).await;
    assert!(
        strict.call(&PLAIN).await.is_err(),
        "none, though one is required"
    );
    let own = leaf(&strict.clients, "deploy");
    let shown = Client {
        shows: Some(&own),
        ..PLAIN
    };
    assert_eq!(strict.call(&shown).await.unwrap().told, "certified");
}

#[tokio::test]
async fn new_files_are_taken_without_a_restart_and_broken_ones_leave_the_old_in_force() {
    let stand = start(None).await;
    let shown = async || stand.call(&PLAIN).await.unwrap().certificate;
    let until = async |what: &str, leaf: &Leaf| {
        wait::until(what, wait::SOON, async || {
            (shown().await == *leaf.certificate.der()).then_some(())
        })
        .await;
    };
    let first = shown().await;

    // A certificate without its key, rubbish, an expired pair, and nothing at all.
    let second = leaf(&stand.authority, "localhost");
    let certificate = stand.folder.path().join("tls.crt");
    let key = stand.folder.path().join("tls.key");
    let old = (
        std::fs::read(&certificate).unwrap(),
        std::fs::read(&key).unwrap(),
    );
    let expired = leaf_until(&stand.authority, "localhost", 2020);
    for broken in ["half", "rubbish", "expired", "missing"] {
        match broken {
            "half" => std::fs::write(&certificate, second.certificate.pem()).unwrap(),
            "rubbish" => std::fs::write(&certificate, "rubbish").unwrap(),
            "expired" => write(stand.folder.path(), &expired),
            _ => std::fs::remove_file(&key).unwrap(),
        }
        wait::elapse(Duration::from_millis(150)).await;
        assert_eq!(shown().await, first, "{broken}");
        std::fs::write(&certificate, &old.0).unwrap();
        std::fs::write(&key, &old.1).unwrap();
    }

    write(stand.folder.path(), &second);
    until("the second certificate", &second).await;
    let third = leaf(&stand.authority, "localhost");
    write(stand.folder.path(), &third);
    until("the third certificate", &third).await;
}

#[tokio::test]
async fn a_client_authority_that_is_taken_away_is_believed_no_more() {
    let stand = start(Some(ClientCertificates::Required)).await;
    let own = leaf(&stand.clients, "deploy");
    let shown = Client {
        shows: Some(&own),
        ..PLAIN
    };
    stand.call(&shown).await.unwrap();
    let other = authority("others");
    std::fs::write(stand.folder.path().join("clients.crt"), other.pem()).unwrap();
    wait::until(
        "the old authority's client is refused",
        wait::SOON,
        async || stand.call(&shown).await.is_err().then_some(()),
    )
    .await;
    let new = leaf(&other, "deploy");
    stand
        .call(&Client {
            shows: Some(&new),
            ..PLAIN
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_is_refused_at_the_start_with_the_file_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles {
        certificate: folder.path().join("tls.crt"),
        key: folder.path().join("tls.key"),
        client_authorities: None,
    };
    let refused = async || Tls::load(files.clone()).await.unwrap_err().to_string();
    assert!(refused().await.contains("tls.crt"), "it is not there");
    let authority = authority("servers");
    write(folder.path(), &leaf(&authority, "localhost"));
    let other = leaf(&authority, "localhost");
    std::fs::write(&files.key, other.key.serialize_pem()).unwrap();
    assert!(refused().await.contains("cannot be used together"));
}
