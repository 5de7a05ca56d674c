//! Who makes a call, and what they may: in the extensions of every request that reaches a service.

use super::{Doors, InForce};
use crate::api::problem::{Problem, Reason};
use chrono::{DateTime, Utc};
use domain::{
    Actor, NetworkId,
    access::{
        Binding, Denial, Identity, Method, Peers, Reach, Role, Target, denials::Denied, judge,
    },
    text::Account,
};
use doors::Authenticated;
use http::Extensions;
use std::sync::Arc;
use tokio::sync::watch;

/// Who makes a call.
#[derive(Clone, Debug)]
pub struct Caller(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// Nobody is asked who they are.
    Anybody,
    /// Nobody: a call that came past the doors.
    Nobody,
    Known(Arc<Known>),
}

#[derive(Debug)]
struct Known {
    authenticated: Authenticated,
    bindings: Vec<Binding>,
    method: Option<Method>,
    doors: Doors,
    policy: watch::Receiver<Arc<InForce>>,
}

impl Caller {
    pub(super) fn anybody() -> Self {
        Self(Kind::Anybody)
    }

    pub(super) fn known(
        authenticated: Authenticated,
        method: Option<Method>,
        doors: Doors,
        mut policy: watch::Receiver<Arc<InForce>>,
    ) -> Self {
        let in_force = Arc::clone(&policy.borrow_and_update());
        Self(Kind::Known(Arc::new(Known {
            bindings: in_force.policy.of(&authenticated.identity),
            authenticated,
            method,
            doors,
            policy,
        })))
    }

    /// Who makes the call with these extensions. One that nobody looked at is nobody's.
    pub fn of(extensions: &Extensions) -> Self {
        let caller = extensions.get::<Self>().cloned();
        caller.unwrap_or(Self(Kind::Nobody))
    }

    /// Who it is, if anybody was asked.
    pub fn identity(&self) -> Option<&Identity> {
        match &self.0 {
            Kind::Anybody | Kind::Nobody => None,
            Kind::Known(known) => Some(&known.authenticated.identity),
        }
    }

    /// The method that they call, if they are known and it is one of the API.
    pub fn method(&self) -> Option<Method> {
        match &self.0 {
            Kind::Anybody | Kind::Nobody => None,
            Kind::Known(known) => known.method,
        }
    }

    /// When the credential ends.
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        match &self.0 {
            Kind::Anybody | Kind::Nobody => None,
            Kind::Known(known) => known.authenticated.expires,
        }
    }

    /// What is bound to the caller.
    pub fn bindings(&self) -> &[Binding] {
        match &self.0 {
            Kind::Anybody | Kind::Nobody => &[],
            Kind::Known(known) => &known.bindings,
        }
    }

    /// The actor of what the caller does. What is claimed stays a claim.
    pub fn actor(&self, said: Actor) -> Actor {
        match self.identity() {
            Some(identity) => identity.actor(said.claimed),
            None => said,
        }
    }

    /// Whether the caller may do everything that this method can do, everywhere.
    pub fn is_unbounded(&self) -> bool {
        let everything = Target {
            reach: Reach::Everything,
            peers: Peers::All,
        };
        self.judged(everything).is_ok()
    }

    /// Whether the caller may ask what others may do: an admin of everything may.
    pub(in crate::api) fn may_ask_of_others(&self) -> Result<(), Problem> {
        let may = match &self.0 {
            Kind::Anybody => true,
            Kind::Nobody => false,
            Kind::Known(known) => {
                let mut own = known.bindings.iter();
                own.any(|it| it.role == Role::Admin && it.is_everywhere())
            }
        };
        if may {
            Ok(())
        } else {
            Err(self.deny(Denial::Role, None, None))
        }
    }

    /// Whether the call may be made at all; what it is about is judged later.
    pub(super) fn may_call(&self) -> Result<(), Problem> {
        let Kind::Known(known) = &self.0 else {
            return Ok(());
        };
        if known.method.is_some_and(Method::is_about_oneself) {
            return Ok(());
        }
        let nothing = Target {
            reach: Reach::Nothing,
            peers: Peers::None,
        };
        match known.method {
            Some(_) => self.judge(nothing, None),
            // Reflection, and what there is not: for those who have any business here.
            None if known.bindings.is_empty() => Err(denied(Denial::NoRole)),
            None => Ok(()),
        }
    }

    /// Whether the caller may call this on that. Where not, that is put on record.
    pub(in crate::api) fn judge(
        &self,
        target: Target<'_>,
        network: Option<NetworkId>,
    ) -> Result<(), Problem> {
        let Err(denial) = self.judged(target) else {
            return Ok(());
        };
        Err(self.deny(denial, network, account(target.peers)))
    }

    fn deny(
        &self,
        denial: Denial,
        network_id: Option<NetworkId>,
        peer_account: Option<Account>,
    ) -> Problem {
        if let Kind::Known(known) = &self.0
            && let Some(method) = known.method
        {
            known.doors.note(Denied {
                subject: known.authenticated.identity.subject.clone(),
                method,
                denial,
                network_id,
                peer_account,
            });
        }
        denied(denial)
    }

    /// The same, and nothing is put on record: for what only does not show.
    pub fn sees(&self, target: Target<'_>) -> bool {
        self.judged(target).is_ok()
    }

    fn judged(&self, target: Target<'_>) -> Result<(), Denial> {
        match &self.0 {
            Kind::Anybody => Ok(()),
            Kind::Nobody => Err(Denial::NoRole),
            Kind::Known(known) => {
                let method = known.method.ok_or(Denial::Role)?;
                judge(&known.bindings, method, target).map(|_| ())
            }
        }
    }

    /// Returns when what the caller was let in by holds no more, with what that is told as.
    pub(in crate::api) async fn ended(&self) -> Problem {
        let Kind::Known(known) = &self.0 else {
            return std::future::pending().await;
        };
        let expiry = async {
            match known.authenticated.expires {
                Some(at) => {
                    let left = (at - Utc::now()).to_std().unwrap_or_default();
                    tokio::time::sleep(left).await;
                }
                None => std::future::pending().await,
            }
        };
        let mut policy = known.policy.clone();
        tokio::select! {
            () = expiry => Problem::new(
                Reason::CredentialExpired,
                "the credential has expired; call again with a new one",
            ),
            Ok(()) = policy.changed() => Problem::new(
                Reason::AccessChanged,
                "another policy of access is in force; call again",
            ),
        }
    }
}

fn account(peers: Peers<'_>) -> Option<Account> {
    match peers {
        Peers::Account(account) => Some(account.clone()),
        Peers::None | Peers::All => None,
    }
}

fn denied(denial: Denial) -> Problem {
    Problem::new(Reason::AccessDenied, denial.as_str())
}
