//! Whom the engine trusts at the other end, and the certificate it shows.

use super::ClientCertificate;
use crate::{
    dial::Transport,
    wrong::{Problem, Wrong},
};
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore,
    client::WantsClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use secrecy::ExposeSecret as _;
use std::sync::Arc;

/// Which authorities are trusted.
#[derive(Clone, Copy)]
pub(super) enum Trust<'a> {
    /// Those of the machine.
    Machine,
    /// These alone, PEM.
    These(&'a str),
    /// None: nothing is sent over TLS.
    Nobody,
}

/// The configuration of TLS; of what is wrong, the transport's own comes back.
pub(super) fn config(
    trust: Trust<'_>,
    certificate: Option<&ClientCertificate>,
    transport: &Transport,
    wrong: &mut Vec<Wrong>,
) -> ClientConfig {
    let roots = match trust {
        Trust::Machine => transport.authorities(),
        Trust::These(pem) => roots(pem),
        Trust::Nobody => Ok(Arc::new(RootCertStore::empty())),
    };
    let roots = roots.unwrap_or_else(|problem| {
        wrong.push(Wrong::of("authorities", problem));
        Arc::new(RootCertStore::empty())
    });
    let builder = transport.tls().with_root_certificates(roots);
    match certificate {
        None => builder.with_no_client_auth(),
        Some(certificate) => match identity(builder, certificate) {
            Ok(config) => config,
            Err((field, problem)) => {
                wrong.push(Wrong::of(field, problem));
                transport
                    .tls()
                    .with_root_certificates(RootCertStore::empty())
                    .with_no_client_auth()
            }
        },
    }
}

fn identity(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    certificate: &ClientCertificate,
) -> Result<ClientConfig, (&'static str, Problem)> {
    let chain = certificates(&certificate.chain)
        .ok_or(("client_certificate:chain", Problem::Certificate))?;
    let key = PrivateKeyDer::from_pem_slice(certificate.key.expose_secret().as_bytes());
    let wrong_key = ("client_certificate:key", Problem::PrivateKey);
    let key = key.map_err(|_| wrong_key.clone())?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|_| wrong_key)
}

fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    all.ok().filter(|all| !all.is_empty())
}

fn roots(pem: &str) -> Result<Arc<RootCertStore>, Problem> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem).ok_or(Problem::Certificate)? {
        roots.add(certificate).map_err(|_| Problem::Certificate)?;
    }
    Ok(Arc::new(roots))
}
