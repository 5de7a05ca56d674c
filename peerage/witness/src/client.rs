//! Asking witnesses for cosignatures, as the log does.

use bytes::Bytes;
use futures::future::join_all;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as Http, connect::HttpConnector},
    rt::TokioExecutor,
};
use parking_lot::Mutex;
use rustls::crypto::aws_lc_rs;
use std::{collections::HashMap, io, sync::Arc, time::Duration};
use thiserror::Error;
use tree::{GrowthProof, Hash, Purpose, SignedCheckpoint, TakeOverError, VerifierKey};

/// How long a witness may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer.
const LARGEST: usize = 64 * 1024;

/// Where a witness is, and whose cosignatures are taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessAddress {
    /// What `/add-checkpoint` comes behind, like `https://witness.example`.
    pub url: Uri,
    /// Its key.
    pub key: VerifierKey,
}

/// Why there is no cosignature.
#[derive(Debug, Error)]
pub enum AskError {
    /// No answer.
    #[error("{0} does not answer in time, or not to the end")]
    Silent(Uri),
    /// It saw another history, or another log's.
    #[error("{url} answers with {status}: {said}")]
    Refuses {
        /// Where.
        url: Uri,
        /// The status of its answer.
        status: StatusCode,
        /// What it says.
        said: String,
    },
    /// It has seen more than the log has: the log was put back, or another server is ahead.
    #[error(
        "{url} has seen {seen} events of this log, which has {size}: another server is ahead, or the log was put back"
    )]
    Ahead {
        /// Where.
        url: Uri,
        /// How many it saw.
        seen: u64,
        /// How many there are.
        size: u64,
    },
    /// Its signature is none, or another's.
    #[error("{0} answers with no cosignature of its key")]
    NoSignature(Uri),
    /// Its signature does not hold.
    #[error("{url} answers with a cosignature that does not hold")]
    Forged {
        /// Where.
        url: Uri,
        /// Why.
        #[source]
        source: TakeOverError,
    },
    /// The proof that it needs cannot be made.
    #[error("no proof can be made from what {0} saw last")]
    NoProof(Uri),
}

/// How a witness answered.
#[derive(Debug)]
pub struct Asked {
    /// Whose name its key has.
    pub name: String,
    /// Why it did not cosign, if it did not.
    pub problem: Option<AskError>,
}

/// Asks witnesses.
#[derive(Clone, Debug)]
pub struct Client {
    http: Http<HttpsConnector<HttpConnector>, Full<Bytes>>,
    witnesses: Arc<Vec<WitnessAddress>>,
    /// How far each was, by its key and the log's origin.
    seen: Arc<Mutex<HashMap<(VerifierKeyText, String), u64>>>,
}

type VerifierKeyText = String;

impl Client {
    /// For these witnesses; certificates are believed that the system believes.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(witnesses: Vec<WitnessAddress>) -> io::Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(PATIENCE));
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self {
            http: Http::builder(TokioExecutor::new())
                .pool_max_idle_per_host(1)
                .build(connector),
            witnesses: Arc::new(witnesses),
            seen: Arc::default(),
        })
    }

    /// Them.
    pub fn witnesses(&self) -> &[WitnessAddress] {
        &self.witnesses
    }

    /// Asks all of them to cosign, and adds what they signed. `proof` gives what shows that the
    /// checkpoint follows an older size.
    pub async fn cosign<F: Future<Output = Option<Vec<Hash>>>>(
        &self,
        checkpoint: &mut SignedCheckpoint,
        proof: impl Fn(u64) -> F,
    ) -> Vec<Asked> {
        let asking = self
            .witnesses
            .iter()
            .map(|it| self.ask(it, checkpoint, &proof));
        let answers = join_all(asking).await;
        let mut asked = Vec::new();
        for (witness, lines) in self.witnesses.iter().zip(answers) {
            let problem = lines.and_then(|lines| take(witness, checkpoint, &lines));
            asked.push(Asked {
                name: witness.key.name().to_owned(),
                problem: problem.err(),
            });
        }
        asked
    }

    async fn ask<F: Future<Output = Option<Vec<Hash>>>>(
        &self,
        witness: &WitnessAddress,
        checkpoint: &SignedCheckpoint,
        proof: &impl Fn(u64) -> F,
    ) -> Result<String, AskError> {
        let of = checkpoint.checkpoint();
        let known = (witness.key.to_string(), of.origin.clone());
        let mut old = self.seen.lock().get(&known).copied().unwrap_or_default();
        let url = || witness.url.clone();
        let target = witness.url.to_string();
        let target = format!("{}/add-checkpoint", target.trim_end_matches('/'));
        let target: Uri = target.parse().map_err(|_| AskError::Silent(url()))?;
        // Another server may have been there meanwhile; once told, the size is right.
        for _ in 0..3 {
            if old > of.size {
                let (seen, size) = (old, of.size);
                self.seen.lock().remove(&known);
                return Err(AskError::Ahead {
                    url: url(),
                    seen,
                    size,
                });
            }
            let hashes = proof(old).await.ok_or_else(|| AskError::NoProof(url()))?;
            let request = GrowthProof {
                old,
                hashes,
                checkpoint: checkpoint.clone(),
            };
            let (status, said) = self.post(&target, request.to_string()).await?;
            if status == StatusCode::OK {
                self.seen.lock().insert(known, of.size);
                return Ok(said);
            }
            let seen = said.trim().parse().ok();
            match (status, seen) {
                (StatusCode::CONFLICT, Some(seen)) if seen != old => old = seen,
                (status, _) => return Err(refusal(&witness.url, status, &said)),
            }
        }
        Err(AskError::Silent(url()))
    }

    /// Posts a checkpoint's note to whoever keeps it.
    ///
    /// # Errors
    /// When it is not taken.
    pub async fn publish(&self, url: &Uri, checkpoint: &SignedCheckpoint) -> Result<(), AskError> {
        let (status, said) = self.post(url, checkpoint.to_string()).await?;
        if status.is_success() {
            return Ok(());
        }
        Err(refusal(url, status, &said))
    }

    async fn post(&self, url: &Uri, body: String) -> Result<(StatusCode, String), AskError> {
        let silent = || AskError::Silent(url.clone());
        let request = Request::post(url.clone())
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| silent())?;
        let answer = async {
            let answer = self.http.request(request).await.map_err(|_| silent())?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LARGEST).collect().await;
            let body = body.map_err(|_| silent())?.to_bytes();
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        };
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer.unwrap_or_else(|_| Err(silent()))
    }
}

fn refusal(url: &Uri, status: StatusCode, said: &str) -> AskError {
    AskError::Refuses {
        url: url.clone(),
        status,
        said: said.trim().chars().take(300).collect(),
    }
}

fn take(
    witness: &WitnessAddress,
    checkpoint: &mut SignedCheckpoint,
    lines: &str,
) -> Result<(), AskError> {
    debug_assert_eq!(witness.key.purpose(), Purpose::Witness);
    let keys = std::slice::from_ref(&witness.key);
    let url = || witness.url.clone();
    match checkpoint.note_mut().take_over(lines, keys) {
        Ok(0) => Err(AskError::NoSignature(url())),
        Ok(_) => Ok(()),
        Err(source) => Err(AskError::Forged { url: url(), source }),
    }
}
