//! Who may do what to a stream.

use super::identity::{ADMINS, Identity};
use crate::model::{Acl, StreamName};

/// The role that every user has.
const EVERYONE: &str = "$all";

/// What a caller wants of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Read,
    Write,
    Delete,
    ReadMetadata,
    WriteMetadata,
}

impl Action {
    /// The same, wanted of the stream's metadata.
    pub(super) fn on_metadata(self) -> Self {
        match self {
            Self::Read | Self::ReadMetadata => Self::ReadMetadata,
            Self::Write | Self::Delete | Self::WriteMetadata => Self::WriteMetadata,
        }
    }

    fn roles(self, acl: &Acl) -> Option<&[String]> {
        match self {
            Self::Read => acl.read.as_deref(),
            Self::Write => acl.write.as_deref(),
            Self::Delete => acl.delete.as_deref(),
            Self::ReadMetadata => acl.read_metadata.as_deref(),
            Self::WriteMetadata => acl.write_metadata.as_deref(),
        }
    }
}

/// By default users may do everything to streams of their own making and nothing to the system's,
/// `$all` included. Nobody does anything without saying who they are.
pub(super) fn may(who: &Identity, action: Action, stream: &StreamName, acl: Option<&Acl>) -> bool {
    if who.is_unrestricted() {
        return true;
    }
    if *who == Identity::Anonymous {
        return false;
    }
    let default = if stream.as_str().starts_with('$') {
        ADMINS
    } else {
        EVERYONE
    };
    let permits = |role: &str| role == EVERYONE || who.has_role(role);
    match acl.and_then(|acl| action.roles(acl)) {
        Some(roles) => roles.iter().any(|role| permits(role)),
        None => permits(default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(login: &str, groups: &[&str]) -> Identity {
        Identity::User {
            login: login.to_owned(),
            groups: groups.iter().map(ToString::to_string).collect(),
        }
    }

    fn acl(read: &[&str]) -> Acl {
        Acl {
            read: Some(read.iter().map(ToString::to_string).collect()),
            ..Acl::default()
        }
    }

    fn reads(who: &Identity, stream: &str, acl: Option<&Acl>) -> bool {
        may(who, Action::Read, &StreamName::new(stream), acl)
    }

    #[test]
    fn users_share_streams_that_say_nothing() {
        assert!(reads(&user("a", &[]), "order-1", None));
        assert!(!reads(&Identity::Anonymous, "order-1", None));
        assert!(reads(&Identity::Unrestricted, "order-1", None));
    }

    #[test]
    fn system_streams_and_all_are_for_admins() {
        for stream in ["$settings", "$users", "$all"] {
            assert!(!reads(&user("a", &[]), stream, None), "{stream}");
            assert!(!reads(&user("ops", &["$ops"]), stream, None), "{stream}");
            assert!(
                reads(&user("admin", &["$admins"]), stream, None),
                "{stream}"
            );
        }
    }

    #[test]
    fn a_list_names_users_or_groups_or_everyone() {
        assert!(reads(&user("a", &[]), "s", Some(&acl(&["a"]))));
        assert!(reads(&user("b", &["team"]), "s", Some(&acl(&["team"]))));
        assert!(reads(&user("b", &[]), "$s", Some(&acl(&["$all"]))));
        assert!(!reads(&user("b", &[]), "s", Some(&acl(&["a"]))));
        assert!(!reads(&user("b", &[]), "s", Some(&acl(&[]))));
        assert!(reads(&user("root", &["$admins"]), "s", Some(&acl(&[]))));
    }

    #[test]
    fn what_a_list_does_not_mention_stays_as_it_is_by_default() {
        assert!(may(
            &user("b", &[]),
            Action::Write,
            &StreamName::new("s"),
            Some(&acl(&["a"]))
        ));
    }
}
