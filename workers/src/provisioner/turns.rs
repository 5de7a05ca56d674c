//! Turns: where a cloud changes one link of a network at a time, so does the engine, whichever
//! private networks the links are for.
//!
//! A change takes both ends at once, or neither: whoever does not get them looks again later, and
//! asks the cloud for nothing. A change that has only begun keeps them until the cloud says that it
//! has ended. What another engine or a person has begun is not known here: there the cloud's own
//! answer, busy, says the same.

use super::apply::Action;
use cloud::{AccountRegion, Cloud, CloudErrorKind, LinkForm, NetworkRef, OperationState};
use domain::{BySide, NetworkId, network::Identity, text::CloudOperation};
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// A network, wherever and as whomever it is entered, and however it is written: the id that its
/// first registration has, or would have.
type Network = NetworkId;

fn key(network: &NetworkRef) -> Network {
    let identity = Identity {
        provider: network.at.provider,
        account: network.at.account.clone(),
        cloud_network: network.network.clone(),
    };
    identity.network_id(0)
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
            held.insert(*end, Holder::Call);
        }
        Ok(Turn {
            turns: self,
            ends: *ends,
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
                Some(operation) => held.insert(*end, operation.clone()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Provider, Region};

    #[test]
    fn a_network_has_one_turn_however_it_is_written() {
        let vnet = |tenant: &str, name: &str| NetworkRef {
            at: AccountRegion {
                provider: Provider::Azure,
                account: tenant.parse().unwrap(),
                region: Region::of(Provider::Azure, "westeurope").unwrap(),
                external_id: None,
            },
            network: format!("/subscriptions/a/virtualNetworks/{name}")
                .parse()
                .unwrap(),
        };
        let tenant = "8e9b2f0a-3f4d-4d2a-9f0e-5b8a4a0c1d2e";
        let one = vnet(tenant, "orders");
        for same in [
            vnet(tenant, "ORDERS"),
            vnet(&tenant.to_ascii_uppercase(), "orders"),
        ] {
            assert_eq!(key(&one), key(&same));
        }
        assert_ne!(key(&one), key(&vnet(tenant, "orders2")));
        let turns = Turns::default();
        let peer = key(&vnet(tenant, "peer"));
        let taken = turns.try_take(&[key(&one), peer]).unwrap();
        let other = key(&vnet(tenant, "other"));
        let held = turns.try_take(&[key(&vnet(tenant, "ORDERS")), other]);
        assert_eq!(held.unwrap_err(), Holder::Call);
        drop(taken);
        assert!(turns.try_take(&[key(&one), other]).is_ok());
    }
}
