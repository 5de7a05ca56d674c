//! When the certificates end that the store's nodes present.
//!
//! It is asked by a handshake of its own, so that a certificate that was renewed, or replaced by
//! one that is over, is seen although connections last for weeks. The handshake believes whoever
//! answers, for it is about the date alone, and nothing is sent over it: not even who calls.

use crate::transport::AnyCertificate;
use chrono::{DateTime, Utc};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use x509_parser::parse_x509_certificate;

/// How long a node may take for the handshake.
const PATIENCE: Duration = Duration::from_secs(5);

/// A node, by its host and port.
pub(crate) type Node = (String, u16);

/// When the first of these nodes' certificates ends; `None` if none of them shows one.
pub(crate) async fn first_end(nodes: Vec<Node>) -> Option<DateTime<Utc>> {
    let asked = nodes.into_iter().map(|(host, port)| async move {
        timeout(PATIENCE, ends(&host, port)).await.ok().flatten()
    });
    let ends = futures_of(asked).await;
    ends.into_iter().flatten().min()
}

/// All of these, side by side.
async fn futures_of<T: Send + 'static>(
    all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: tokio::task::JoinSet<T> = all.collect();
    tasks.join_all().await
}

async fn ends(host: &str, port: u16) -> Option<DateTime<Utc>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .ok()?;
    let mut config = config
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config
        .dangerous()
        .set_certificate_verifier(Arc::new(AnyCertificate(provider)));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let host = host.trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let tcp = TcpStream::connect((host, port)).await.ok()?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, tcp);
    let connected = connected.await.ok()?;
    let presented = connected.get_ref().1.peer_certificates()?.first()?;
    let (_, certificate) = parse_x509_certificate(presented).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    DateTime::from_timestamp(seconds, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    };
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    /// A node that presents a certificate that ends in this year, and asks for one if wanted.
    async fn node(year: i32) -> Node {
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 6, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a key that fits");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            while let Ok((connection, _)) = listener.accept().await {
                let _ = acceptor.accept(connection).await;
            }
        });
        ("127.0.0.1".to_owned(), port)
    }

    fn june(year: i32) -> Option<DateTime<Utc>> {
        format!("{year}-06-01T00:00:00Z").parse().ok()
    }

    #[tokio::test]
    async fn the_first_end_of_the_nodes_certificates_is_told_over_or_not() {
        assert_eq!(first_end(vec![node(2090).await]).await, june(2090));
        // Nobody would connect to that one any more, which is when it matters.
        assert_eq!(first_end(vec![node(2001).await]).await, june(2001));
        let several = vec![node(2080).await, node(2070).await, node(2090).await];
        assert_eq!(first_end(several).await, june(2070));
    }

    #[tokio::test]
    async fn a_node_that_is_away_or_speaks_no_tls_says_nothing() {
        let plain = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = plain.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((connection, _)) = plain.accept().await {
                drop(connection);
            }
        });
        let away = ("127.0.0.1".to_owned(), 1);
        let plain = ("127.0.0.1".to_owned(), port);
        assert_eq!(first_end(vec![away.clone(), plain.clone()]).await, None);
        let among = vec![away, node(2090).await, plain];
        assert_eq!(first_end(among).await, june(2090));
    }
}
