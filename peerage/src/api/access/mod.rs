//! Who calls, and what they may: in front of every service, whatever the protocol.
//!
//! [`Doors`] know the ways to authenticate and the policy in force. [`Guarded`] stands before the
//! services: it finds out who calls, and whether any role of theirs may call this at all; then the
//! service judges by what the call is about ([`Caller::judge`]). Once a way to authenticate is
//! configured, who is not known gets no further, on loopback as elsewhere; health alone stays open.

mod caller;
mod layer;
mod policy;
mod record;

pub use caller::Caller;
pub use layer::Guarded;
pub(crate) use policy::follow as follow_policy;
pub use policy::{InForce, PolicyError};
pub(super) use record::policies as recorded_policies;
pub use record::{KnownPolicies, Recorder};
pub(crate) use record::{denials as record_denials, enforce, follow as record_policies, tell};

use super::problem::{Problem, Reason};
use chrono::{DateTime, Utc};
use domain::{
    access::{Method, Policy},
    text::ActorName,
};
use doors::{Authenticated, TokenError, Tokens, Users, certificate, socket};
use gateway::Peer;
use http::{HeaderMap, header};
use journal::Clock;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::watch;

/// How callers are known, and what is in force for them. Clones share everything.
#[derive(Clone, Debug)]
pub struct Doors(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ways: Option<Ways>,
    policy: watch::Receiver<Arc<InForce>>,
    recorder: Recorder,
    unknown: AtomicU64,
    denied: AtomicU64,
}

/// The ways to authenticate.
#[derive(Debug)]
pub struct Ways {
    /// By bearer tokens.
    pub tokens: Tokens,
    /// By client certificates.
    pub certificates: bool,
    /// By the user at the other end of a Unix socket.
    pub sockets: Option<(ActorName, Users)>,
    /// What time it is.
    pub clock: ClockOf,
}

/// A clock that can be shown.
#[derive(Clone)]
pub struct ClockOf(pub Clock);

impl std::fmt::Debug for ClockOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a clock")
    }
}

/// Why somebody is not known.
#[derive(Debug)]
enum Unknown {
    Missing,
    Wrong(String),
    Later(String),
}

impl Doors {
    /// Open: nobody is asked who they are.
    pub fn open() -> Self {
        let (_, policy) = watch::channel(Arc::new(InForce::of(Policy::default())));
        Self::of(None, policy, Recorder::none())
    }

    /// Closed to all who are not known in one of these ways.
    pub fn closed(ways: Ways, policy: watch::Receiver<Arc<InForce>>, recorder: Recorder) -> Self {
        Self::of(Some(ways), policy, recorder)
    }

    fn of(ways: Option<Ways>, policy: watch::Receiver<Arc<InForce>>, recorder: Recorder) -> Self {
        Self(Arc::new(Inner {
            ways,
            policy,
            recorder,
            unknown: AtomicU64::new(0),
            denied: AtomicU64::new(0),
        }))
    }

    /// Whether anybody is asked who they are.
    pub fn is_open(&self) -> bool {
        self.0.ways.is_none()
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<InForce> {
        Arc::clone(&self.0.policy.borrow())
    }

    /// How many calls of unknown callers were turned away, and how many of known ones were denied.
    pub fn turned_away(&self) -> (u64, u64) {
        let read = |it: &AtomicU64| it.load(Ordering::Relaxed);
        (read(&self.0.unknown), read(&self.0.denied))
    }

    /// Who makes this call, if they may make it at all.
    async fn admit(
        &self,
        path: &str,
        headers: &HeaderMap,
        peer: Option<&Peer>,
    ) -> Result<Caller, Problem> {
        let Some(ways) = &self.0.ways else {
            return Ok(Caller::anybody());
        };
        let known = ways.know(headers, peer).await;
        let known = known.map_err(|unknown| {
            self.0.unknown.fetch_add(1, Ordering::Relaxed);
            problem(unknown)
        })?;
        let method = Method::at(path);
        let caller = Caller::known(known, method, self.clone(), self.0.policy.clone());
        caller.may_call()?;
        Ok(caller)
    }

    /// Notes that somebody who is known was denied something.
    fn note(&self, denied: domain::access::denials::Denied) {
        self.0.denied.fetch_add(1, Ordering::Relaxed);
        self.0.recorder.note(denied);
    }
}

impl Ways {
    /// By what the caller sends on purpose first, then by what the connection proves.
    async fn know(
        &self,
        headers: &HeaderMap,
        peer: Option<&Peer>,
    ) -> Result<Authenticated, Unknown> {
        let now = (self.clock.0)();
        if let Some(token) = bearer(headers)? {
            let known = self.tokens.authenticate(token, now).await;
            return known.map_err(|error| {
                let text = format!("the token: {error}");
                if error == TokenError::Unreachable {
                    Unknown::Later(text)
                } else {
                    Unknown::Wrong(text)
                }
            });
        }
        match peer {
            Some(Peer::Secure {
                certificate: Some(shown),
                ..
            }) if self.certificates => {
                let known = certificate(shown).map_err(|it| Unknown::Wrong(it.to_string()))?;
                in_time(known, now)
            }
            Some(Peer::Socket { uid }) => match &self.sockets {
                Some((machine, users)) => socket(*uid, machine, users).ok_or(Unknown::Missing),
                None => Err(Unknown::Missing),
            },
            Some(Peer::Plain { .. } | Peer::Secure { .. }) | None => Err(Unknown::Missing),
        }
    }
}

/// A connection outlives the certificate that it was opened with.
fn in_time(known: Authenticated, now: DateTime<Utc>) -> Result<Authenticated, Unknown> {
    if known.expires.is_some_and(|it| it <= now) {
        return Err(Unknown::Wrong("the certificate has expired".to_owned()));
    }
    Ok(known)
}

/// The one bearer token of a call, if there is any.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Unknown> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = all.next() else {
        return Ok(None);
    };
    let wrong = |why: &str| Unknown::Wrong(why.to_owned());
    if all.next().is_some() {
        return Err(wrong("there are several `authorization` headers"));
    }
    let text = first
        .to_str()
        .map_err(|_| wrong("`authorization` is no text"))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        Some(_) | None => Err(wrong("`authorization` holds no bearer token")),
    }
}

fn problem(unknown: Unknown) -> Problem {
    match unknown {
        Unknown::Missing => Problem::new(
            Reason::Unauthenticated,
            "it is not known who calls: send a bearer token, or show a certificate",
        ),
        Unknown::Wrong(why) => Problem::new(Reason::Unauthenticated, why),
        Unknown::Later(why) => Problem::new(Reason::IssuerUnavailable, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use domain::access::{Identity, Proof, Subject};

    #[test]
    fn a_certificate_that_is_over_makes_nobody_known_though_its_connection_lasts() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let name = |text: &str| text.parse::<ActorName>().expect("a name");
        let shown = |expires| Authenticated {
            identity: Identity {
                subject: Subject {
                    method: Proof::Mtls,
                    issuer: name("CN=clients"),
                    subject: name("deploy"),
                },
                also: Vec::new(),
                groups: Vec::new(),
            },
            expires,
        };
        let second = TimeDelta::seconds(1);
        for (expires, is_known) in [
            (Some(now + second), true),
            (Some(now), false),
            (Some(now - second), false),
            (None, true),
        ] {
            let found = in_time(shown(expires), now);
            assert_eq!(found.is_ok(), is_known, "{expires:?}");
        }
    }
}
