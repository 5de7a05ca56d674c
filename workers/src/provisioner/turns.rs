//! Turns: where a cloud changes one link of a network at a time, so does the engine, whichever
//! private networks the links are for.
//!
//! A change takes both ends at once, or neither: whoever does not get them looks again later, and
//! asks the cloud for nothing. A change that has only begun keeps them until the cloud says that it
//! has ended. What another engine or a person has begun is not known here: there the cloud's own
//! answer, busy, says the same.

use super::apply::Action;
use cloud::{AccountRegion, Cloud, CloudErrorKind, LinkForm, NetworkRef, OperationState};
use domain::{
    BySide, Provider,
    text::{Account, CloudNetwork, CloudOperation},
};
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// A network, wherever and as whomever it is entered.
type Network = (Provider, Account, CloudNetwork);

fn key(network: &NetworkRef) -> Network {
    let at = &network.at;
    (at.provider, at.account.clone(), network.network.clone())
}

/// Who has a network.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holder {
    /// A call that has not been answered yet.
    Call,
    /// An operation that had not ended when it was last heard of.
    Operation(AccountRegion, CloudOperation),
}

/// Whose turn it is at each network; one for all private networks of the process.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<BTreeMap<Network, Holder>>);

/// Both ends of a link, for one change.
#[derive(Debug)]
pub(super) struct Turn<'t> {
    turns: &'t Turns,
    ends: [Network; 2],
    operation: Option<Holder>,
}

/// Another change is under way at one of the ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotNow;

impl Turns {
    /// The turn for this action, where it takes one.
    pub(super) async fn take(
        &self,
        cloud: &dyn Cloud,
        ends: &BySide<NetworkRef>,
        action: &Action,
    ) -> Result<Option<Turn<'_>>, NotNow> {
        if !takes_one(action, LinkForm::of(ends.local.at.provider)) {
            return Ok(None);
        }
        let ends = [key(&ends.local), key(&ends.remote)];
        loop {
            let (at, operation) = match self.try_take(&ends) {
                Ok(turn) => return Ok(Some(turn)),
                Err(Holder::Call) => return Err(NotNow),
                Err(Holder::Operation(at, operation)) => (at, operation),
            };
            match cloud.operation(&at, &operation).await {
                Ok(OperationState::Running) => return Err(NotNow),
                Ok(OperationState::Done | OperationState::Failed { .. }) => {}
                // One that the cloud has forgotten is over.
                Err(error) if error.kind == CloudErrorKind::NotFound => {}
                Err(_) => return Err(NotNow),
            }
            self.release(&Holder::Operation(at, operation));
        }
    }

    fn try_take(&self, ends: &[Network; 2]) -> Result<Turn<'_>, Holder> {
        let mut held = self.0.lock();
        if let Some(holder) = ends.iter().find_map(|end| held.get(end)) {
            return Err(holder.clone());
        }
        for end in ends {
            held.insert(end.clone(), Holder::Call);
        }
        Ok(Turn {
            turns: self,
            ends: ends.clone(),
            operation: None,
        })
    }

    fn release(&self, holder: &Holder) {
        self.0.lock().retain(|_, it| it != holder);
    }
}

impl Turn<'_> {
    /// The change has begun: both ends are kept until the operation is known to have ended.
    pub(super) fn keep(mut self, at: AccountRegion, operation: CloudOperation) {
        self.operation = Some(Holder::Operation(at, operation));
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut held = self.turns.0.lock();
        for end in &self.ends {
            match &self.operation {
                Some(operation) => held.insert(end.clone(), operation.clone()),
                None => held.remove(end),
            };
        }
    }
}

/// Whether the action changes a link where that is done one at a time.
fn takes_one(action: &Action, form: LinkForm) -> bool {
    match action {
        Action::CreateLink { .. }
        | Action::AcceptLink { .. }
        | Action::DeleteLink { .. }
        | Action::SetOption { .. } => form.is_two_objects(),
        Action::TagLink { .. }
        | Action::InstallRoute { .. }
        | Action::RemoveRoute { .. }
        | Action::CreateGroup { .. }
        | Action::DeleteGroup { .. }
        | Action::AuthorizeRule { .. }
        | Action::RevokeRule { .. }
        | Action::TagFirewall { .. }
        | Action::AttachGroup { .. }
        | Action::DetachGroup { .. }
        | Action::MakeDenial { .. }
        | Action::RemoveDenial { .. } => false,
    }
}

/// The operation of the call that this action is.
pub(super) fn operation_of(action: &Action) -> cloud::Operation {
    match action {
        Action::CreateLink { .. } => cloud::Operation::CreateLink,
        Action::AcceptLink { .. } => cloud::Operation::AcceptLink,
        Action::DeleteLink { .. } => cloud::Operation::DeleteLink,
        Action::TagLink { .. } => cloud::Operation::TagLink,
        Action::SetOption { .. } => cloud::Operation::SetOption,
        Action::InstallRoute { .. } => cloud::Operation::InstallRoute,
        Action::RemoveRoute { .. } => cloud::Operation::RemoveRoute,
        Action::CreateGroup { .. } => cloud::Operation::CreateGroup,
        Action::DeleteGroup { .. } => cloud::Operation::DeleteGroup,
        Action::AuthorizeRule { .. } => cloud::Operation::AuthorizeRule,
        Action::RevokeRule { .. } => cloud::Operation::RevokeRule,
        Action::TagFirewall { .. } => cloud::Operation::TagFirewall,
        Action::AttachGroup { .. } => cloud::Operation::AttachGroup,
        Action::DetachGroup { .. } => cloud::Operation::DetachGroup,
        Action::MakeDenial { .. } => cloud::Operation::MakeDenial,
        Action::RemoveDenial { .. } => cloud::Operation::RemoveDenial,
    }
}
