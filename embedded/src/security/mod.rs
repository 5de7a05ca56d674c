//! Users, and who may do what. A node without users lets everyone do everything, unless it has an
//! owner: then it is closed to everyone else.
//!
//! [`access`] is the rules as pure functions; [`users`] keeps users in streams and checks
//! passwords; [`Guard`] is what the services ask.

mod access;
mod identity;
mod owner;
mod passwords;
mod users;

use thiserror::Error;

pub(crate) use access::Action;
pub(crate) use identity::{Credentials, Identity};
pub(crate) use owner::Owner;
pub(crate) use passwords::Busy;
pub(crate) use users::{User, UserChange, UserError, Users};

use crate::{
    model::StreamName,
    read::{ReadError, Reader},
};

/// A call is not let through.
#[derive(Debug, Clone, Error)]
pub(crate) enum Denied {
    #[error("the caller may not do this")]
    Access,
    #[error("the rules cannot be read")]
    Read(#[source] ReadError),
}

/// Lets calls through, or not.
#[derive(Clone)]
pub(crate) struct Guard {
    reader: Reader,
    callers: Callers,
}

/// Who is let in.
#[derive(Clone)]
pub(crate) enum Callers {
    /// Everyone: the node is not secured.
    Everyone,
    /// Users, and strangers as far as the rules of streams let them.
    Users(Users),
    /// One caller, and nobody else.
    Owner(Owner),
}

impl Guard {
    pub(crate) fn new(reader: Reader, callers: Callers) -> Self {
        Self { reader, callers }
    }

    pub(crate) fn users(&self) -> Option<&Users> {
        match &self.callers {
            Callers::Users(users) => Some(users),
            Callers::Everyone | Callers::Owner(_) => None,
        }
    }

    /// Whether nobody is asked who they are.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.callers, Callers::Everyone)
    }

    /// Who calls. None: the credentials are wrong.
    pub(crate) async fn identify(
        &self,
        credentials: Credentials,
    ) -> Result<Option<Identity>, Busy> {
        Ok(match (&self.callers, credentials) {
            (Callers::Everyone, _) => Some(Identity::Unrestricted),
            (Callers::Users(_), Credentials::None) => Some(Identity::Anonymous),
            (Callers::Users(users), Credentials::Password { login, password }) => {
                users.authenticate(login, password).await?
            }
            (Callers::Owner(_), Credentials::None) => None,
            (Callers::Owner(owner), Credentials::Password { login, password }) => owner
                .is(&login, &password)
                .then_some(Identity::Unrestricted),
        })
    }

    /// Whether the caller may do this to a stream, or to `$all`.
    pub(crate) async fn stream(
        &self,
        who: &Identity,
        action: Action,
        stream: &StreamName,
    ) -> Result<(), Denied> {
        if who.is_unrestricted() {
            return Ok(());
        }
        let (stream, action) = match stream.described_stream() {
            Some(described) => (described, action.on_metadata()),
            None => (stream.clone(), action),
        };
        let acl = self.reader.acl(&stream).await.map_err(Denied::Read)?;
        if access::may(who, action, &stream, acl.as_ref()) {
            Ok(())
        } else {
            Err(Denied::Access)
        }
    }

    /// Whether the caller may manage persistent subscriptions or the node.
    pub(crate) fn operate(&self, who: &Identity) -> Result<(), Denied> {
        if who.is_operator() {
            Ok(())
        } else {
            Err(Denied::Access)
        }
    }

    /// Whether the caller may manage users.
    pub(crate) fn administer(&self, who: &Identity) -> Result<(), Denied> {
        if who.is_unrestricted() {
            Ok(())
        } else {
            Err(Denied::Access)
        }
    }

    /// Whether the caller is known at all.
    pub(crate) fn known(&self, who: &Identity) -> Result<(), Denied> {
        if *who == Identity::Anonymous {
            Err(Denied::Access)
        } else {
            Ok(())
        }
    }
}
