//! Who is let in: the ways to authenticate, the policy in force, and what is put on record of both.

use super::{Engine, StartError, clock};
use crate::{
    api::{self, ClockOf, Doors, InForce, Recorder, Services, Ways},
    config::Config,
};
use domain::{access::Policy, text::ActorName};
use doors::{Tokens, Users};
use gateway::Listen;
use journal::Journal;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::watch;

/// How often the file of a policy is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What this server is called on record: its machine, and where it listens.
pub(super) fn host(address: &Listen) -> ActorName {
    let named = format!("{} {address}", machine());
    named.parse().unwrap_or_else(|_| unnamed())
}

fn machine() -> String {
    let named = std::env::var("HOSTNAME").ok();
    let named = named.or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let named = named.map(|it| it.trim().to_owned());
    named
        .filter(|it| !it.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

#[expect(clippy::expect_used, reason = "a name of letters is one")]
fn unnamed() -> ActorName {
    "localhost".parse().expect("a name")
}

impl Engine {
    /// Starts what follows requests for approval and policies of access, and what carries out those
    /// that are granted.
    pub(super) fn approve(&mut self, services: &Services) {
        let (followed, stopping) = (services.clone(), self.stopping.clone());
        self.parts.spawn(async move {
            let ended = followed.waiting.run(&followed.journal, stopping).await;
            (
                "what follows requests for approval",
                ended.map_err(Into::into),
            )
        });
        let (known, stopping) = (services.clone(), self.stopping.clone());
        self.parts.spawn(async move {
            let ended = known.policies.run(&known.journal, stopping).await;
            (
                "what follows the policies of access",
                ended.map_err(Into::into),
            )
        });
        let (services, stopping) = (services.clone(), self.stopping.clone());
        self.parts.spawn(async move {
            api::carry_out_approved(services, stopping).await;
            ("what carries out approved commands", Ok(()))
        });
    }
}

/// The doors as they are configured; what else is risky. The policy is on record before anybody is
/// judged by it.
pub(super) async fn open(
    engine: &mut Engine,
    config: &Config,
    journal: &Journal,
    host: &ActorName,
) -> Result<(Doors, Vec<String>), StartError> {
    if !config.authenticates() {
        return Ok((Doors::open(), Vec::new()));
    }
    let access = &config.access;
    let tokens = Tokens::new(access.issuers.clone()).map_err(StartError::Issuers)?;
    let file = (!access.policy.as_os_str().is_empty()).then(|| access.policy.clone());
    let in_force = match &file {
        Some(file) => InForce::read(file).map_err(StartError::Policy)?,
        None => InForce::of(Policy {
            bindings: access.bindings.clone(),
            approvals: access.approvals.clone(),
        }),
    };
    if in_force.policy.bindings.is_empty() {
        tracing::warn!("no role is bound to anybody, so nobody may do anything: see [access]");
    }
    let issuers = tokens.issuers();
    let others = api::enforce(journal, host, &issuers, &in_force, clock()()).await;
    let others = others.map_err(StartError::PolicyRecord)?;
    let is_recorded = others.is_some();
    let others = others.unwrap_or_default();
    api::tell(&in_force, &others);
    let risks = others.iter().map(|it| {
        format!(
            "{} was last heard of with another policy of access ({})",
            it.host, it.hash
        )
    });
    let risks = risks.collect();

    let (sender, policy) = watch::channel(Arc::new(in_force));
    let (recorder, denied) = Recorder::new();
    let ways = Ways {
        tokens,
        certificates: !config.api.tls.client_ca.as_os_str().is_empty(),
        sockets: access.sockets.then(|| {
            let machine = machine().parse().unwrap_or_else(|_| unnamed());
            (machine, Users::of_file(Path::new("/etc/passwd")))
        }),
        clock: ClockOf(clock()),
    };
    if let Some(file) = file {
        let stopping = engine.stopping.clone();
        engine.parts.spawn(async move {
            api::follow_policy(file, LOOK, sender, stopping).await;
            ("what follows the policy of access", Ok(()))
        });
    }
    let (log, known, stopping) = (
        journal.clone(),
        (host.clone(), issuers),
        engine.stopping.clone(),
    );
    let followed = policy.clone();
    engine.parts.spawn(async move {
        api::record_policies(log, known, followed, is_recorded, clock(), stopping).await;
        ("what puts policies of access on record", Ok(()))
    });
    let (log, stopping) = (journal.clone(), engine.stopping.clone());
    engine.parts.spawn(async move {
        api::record_denials(log, denied, clock(), stopping).await;
        ("what puts denials on record", Ok(()))
    });
    Ok((Doors::closed(ways, policy, recorder), risks))
}
