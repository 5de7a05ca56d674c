//! Why a store is not reached, where no waiting would mend that.
//!
//! A call that fails says little: a certificate that is not trusted, a node that speaks no TLS and
//! a node that is away all end as a connection that did not come about. So it is asked by a
//! handshake of its own, with the same settings. Nothing is sent over it.

use crate::transport::{AnyCertificate, Transport};
use rustls::{
    CertificateError, ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName,
};
use std::{io, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

/// How long a node may take for the handshake.
const PATIENCE: Duration = Duration::from_secs(2);

/// What keeps a node from being reached as it is configured, whoever waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreachable {
    /// The certificate is nobody's who is trusted.
    #[error(
        "the certificate of {0} is signed by no authority that is trusted here; name its authority with tlsCaFile in the connection string"
    )]
    UnknownIssuer(String),
    /// The certificate is another node's.
    #[error(
        "the certificate of {0} is for other names; put a name that it has into the connection string, or have one issued for this name"
    )]
    OtherName(String),
    /// The certificate is over.
    #[error("the certificate of {0} has expired; renew it")]
    Expired(String),
    /// The certificate is good for nothing else.
    #[error("the certificate of {node} is not accepted: {why}")]
    Certificate {
        /// Whose.
        node: String,
        /// Why, in the words of the library that judges it.
        why: String,
    },
    /// TLS is asked for, and there is none.
    #[error("{0} speaks no TLS; put tls=false into the connection string if it is to be so")]
    SpeaksNoTls(String),
    /// TLS is not asked for, and there is nothing else.
    #[error("{0} speaks TLS; leave tls=false out of the connection string")]
    SpeaksTls(String),
}

/// What keeps the nodes that the connection string names from being reached; `None` if nothing of
/// the kind does, or if any of them could be.
pub(crate) async fn why_not(transport: &Transport) -> Option<Unreachable> {
    let mut found = None;
    for endpoint in transport.settings.hosts() {
        let port = u16::try_from(endpoint.port).ok()?;
        let asked = timeout(PATIENCE, ask(transport, &endpoint.host, port)).await;
        found = found.or(Some(asked.ok()??));
    }
    found
}

async fn ask(transport: &Transport, host: &str, port: u16) -> Option<Unreachable> {
    let node = format!("{host}:{port}");
    let host = host.trim_matches(['[', ']']);
    let tcp = TcpStream::connect((host, port)).await.ok()?;
    let name = ServerName::try_from(host.to_owned()).ok()?;
    if !transport.settings.is_secure_mode_enabled() {
        let config = Arc::new(trusting()?);
        let answered = TlsConnector::from(config).connect(name, tcp).await;
        return answered.is_ok().then_some(Unreachable::SpeaksTls(node));
    }
    let config = Arc::new(transport.tls_config().clone());
    let refused = TlsConnector::from(config).connect(name, tcp).await;
    judge(&refused.err()?, node)
}

/// Believes whoever answers, since it is about the answer alone.
fn trusting() -> Option<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let config = config.with_safe_default_protocol_versions().ok()?;
    let mut config = config
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let anybody = Arc::new(AnyCertificate(provider));
    config.dangerous().set_certificate_verifier(anybody);
    Some(config)
}

fn judge(error: &io::Error, node: String) -> Option<Unreachable> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    if matches!(error, rustls::Error::InvalidMessage(_)) {
        return Some(Unreachable::SpeaksNoTls(node));
    }
    let rustls::Error::InvalidCertificate(why) = error else {
        return None;
    };
    use CertificateError as Why;
    Some(if matches!(why, Why::UnknownIssuer) {
        Unreachable::UnknownIssuer(node)
    } else if matches!(
        why,
        Why::NotValidForName | Why::NotValidForNameContext { .. }
    ) {
        Unreachable::OtherName(node)
    } else if matches!(why, Why::Expired | Why::ExpiredContext { .. }) {
        Unreachable::Expired(node)
    } else {
        let why = why.to_string();
        Unreachable::Certificate { node, why }
    })
}
