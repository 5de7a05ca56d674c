//! TLS: the certificate and key that the API shows, the authorities whose clients it believes, and
//! how all of it is replaced while the process runs.
//!
//! The files are looked at again and again. New ones are taken as a whole or not at all: a key that
//! is not the certificate's, a certificate that cannot be read or has expired is told, and the old
//! ones stay. Two files cannot be replaced in one step, so what does not fit together is told only
//! when it still does not at the next look. Connections that are there keep what they were opened
//! with.

use parking_lot::RwLock;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, RootCertStore, ServerConfig,
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{
            CertificateDer, PrivateKeyDer, UnixTime,
            pem::{self, PemObject as _},
        },
        server::{VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier},
    },
};
use tokio_util::sync::CancellationToken;

/// Whether a connection without a client's certificate is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// A client may show one, or prove in another way who it is.
    Optional,
    /// No handshake succeeds without one.
    Required,
}

/// The files that TLS is made of, all PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate and what links it to its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose certificates clients may show. `None`: no client is asked for one.
    pub client_authorities: Option<(PathBuf, ClientCertificates)>,
}

/// Files that cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is no PEM, or lacks what it should hold.
    #[error("{} holds no {what} in PEM", .path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why, where that is known.
        #[source]
        source: Option<pem::Error>,
    },
    /// The certificate and the key do not fit together, or are of no use.
    #[error("the certificate {} and the key {} cannot be used together", .certificate.display(), .key.display())]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The authorities cannot be used.
    #[error("the client authorities in {} cannot be used", .path.display())]
    Authorities {
        /// Where they are.
        path: PathBuf,
        /// Why.
        #[source]
        source: Option<VerifierBuilderError>,
    },
}

/// What the files hold.
#[derive(Clone, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authorities: Option<Vec<u8>>,
}

/// TLS that follows its files. Clones share everything.
#[derive(Clone)]
pub struct Tls {
    files: Arc<TlsFiles>,
    current: Arc<RwLock<Current>>,
}

struct Current {
    contents: Contents,
    config: Arc<ServerConfig>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    pub async fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let contents = read(&files).await?;
        let config = config(&files, &contents)?;
        Ok(Self {
            files: Arc::new(files),
            current: Arc::new(RwLock::new(Current { contents, config })),
        })
    }

    /// When the certificate that is shown now ends, in seconds since 1970.
    pub fn expires_at(&self) -> Option<i64> {
        let current = self.current.read();
        let shown = CertificateDer::pem_slice_iter(&current.contents.certificate).next()?;
        let shown = shown.ok()?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&shown).ok()?;
        Some(parsed.validity().not_after.timestamp())
    }

    /// Accepts connections with what is in force now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().config))
    }

    /// Looks at the files every so often and takes what is new, until cancelled.
    pub async fn follow(&self, every: Duration, cancel: CancellationToken) {
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = Seen::default();
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                () = cancel.cancelled() => return,
            }
            self.look(&mut seen).await;
        }
    }

    async fn look(&self, seen: &mut Seen) {
        let taken = match read(&self.files).await {
            Ok(contents) if contents == self.current.read().contents => {
                *seen = Seen::default();
                return;
            }
            Ok(contents) => match config(&self.files, &contents) {
                Ok(config) => {
                    *self.current.write() = Current { contents, config };
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        match taken {
            Ok(()) => {
                *seen = Seen::default();
                tracing::info!(certificate = %self.files.certificate.display(), "new TLS files are in force");
            }
            Err(error) => seen.tell(&error),
        }
    }
}

/// What was wrong at the last looks.
#[derive(Debug, Default)]
struct Seen {
    problem: Option<String>,
    told: bool,
}

impl Seen {
    /// Tells a problem once, when it is still there at the second look.
    fn tell(&mut self, error: &TlsError) {
        let text = chain(error);
        if self.problem.as_ref() != Some(&text) {
            (self.problem, self.told) = (Some(text), false);
        } else if !self.told {
            self.told = true;
            tracing::error!(
                error = text,
                "the new TLS files are refused; the old ones stay in force"
            );
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

async fn read(files: &TlsFiles) -> Result<Contents, TlsError> {
    let file = async |path: &PathBuf| {
        let read = tokio::fs::read(path).await;
        read.map_err(|source| TlsError::File {
            path: path.clone(),
            source,
        })
    };
    Ok(Contents {
        certificate: file(&files.certificate).await?,
        key: file(&files.key).await?,
        authorities: match &files.client_authorities {
            Some((path, _)) => Some(file(path).await?),
            None => None,
        },
    })
}

fn config(files: &TlsFiles, contents: &Contents) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain = certificates(&files.certificate, &contents.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|source| TlsError::Pem {
        path: files.key.clone(),
        what: "private key",
        source: Some(source),
    })?;
    let pair = |source| TlsError::Pair {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source,
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(pair)?;
    let builder = match (&files.client_authorities, &contents.authorities) {
        (Some((path, wanted)), Some(pem)) => {
            builder.with_client_cert_verifier(verifier(path, pem, *wanted, provider)?)
        }
        _ => builder.with_no_client_auth(),
    };
    in_force(&chain[0], UnixTime::now()).map_err(pair)?;
    let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A certificate that has expired is of no use to anybody.
fn in_force(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), rustls::Error> {
    let expired = crate::expiry::not_after(certificate)
        .is_some_and(|not_after| not_after < i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    if expired {
        return Err(rustls::CertificateError::Expired.into());
    }
    Ok(())
}

fn verifier(
    path: &Path,
    pem: &[u8],
    wanted: ClientCertificates,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(path, pem)? {
        roots.add(authority).map_err(|_| TlsError::Authorities {
            path: path.to_owned(),
            source: None,
        })?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match wanted {
        ClientCertificates::Optional => builder.allow_unauthenticated(),
        ClientCertificates::Required => builder,
    };
    builder.build().map_err(|source| TlsError::Authorities {
        path: path.to_owned(),
        source: Some(source),
    })
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |source| TlsError::Pem {
        path: path.to_owned(),
        what: "certificate",
        source,
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|source| wrong(Some(source)))?;
    if chain.is_empty() {
        return Err(wrong(None));
    }
    Ok(chain)
}
