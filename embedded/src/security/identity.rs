//! Who calls.

use base64::{Engine as _, prelude::BASE64_STANDARD};

pub(crate) const ADMINS: &str = "$admins";
pub(crate) const OPS: &str = "$ops";

/// Who a caller has been found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Anyone, on a node without users.
    Unrestricted,
    Anonymous,
    User {
        login: String,
        groups: Vec<String>,
    },
}

/// What a caller shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    None,
    Password { login: String, password: String },
}

/// An `authorization` header that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl Credentials {
    /// Reads an `authorization` header. A scheme that is not known counts as none.
    pub(crate) fn read(header: Option<&[u8]>) -> Result<Self, Unreadable> {
        let Some(header) = header else {
            return Ok(Self::None);
        };
        let text = std::str::from_utf8(header).map_err(|_| Unreadable)?;
        let Some((scheme, pair)) = text.split_once(' ') else {
            return Ok(Self::None);
        };
        if !scheme.eq_ignore_ascii_case("basic") {
            return Ok(Self::None);
        }
        let pair = BASE64_STANDARD
            .decode(pair.trim())
            .map_err(|_| Unreadable)?;
        let pair = String::from_utf8(pair).map_err(|_| Unreadable)?;
        let (login, password) = pair.split_once(':').ok_or(Unreadable)?;
        Ok(Self::Password {
            login: login.to_owned(),
            password: password.to_owned(),
        })
    }
}

impl Identity {
    pub(crate) fn login(&self) -> Option<&str> {
        match self {
            Self::User { login, .. } => Some(login),
            Self::Unrestricted | Self::Anonymous => None,
        }
    }

    /// Whether no rule applies to the caller.
    pub(super) fn is_unrestricted(&self) -> bool {
        match self {
            Self::Unrestricted => true,
            Self::Anonymous => false,
            Self::User { .. } => self.has_role(ADMINS),
        }
    }

    pub(super) fn is_operator(&self) -> bool {
        self.is_unrestricted() || self.has_role(OPS)
    }

    /// Whether the caller bears this name or is in the group of this name.
    pub(super) fn has_role(&self, role: &str) -> bool {
        match self {
            Self::User { login, groups } => {
                login == role || groups.iter().any(|group| group == role)
            }
            Self::Unrestricted | Self::Anonymous => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Result<Credentials, Unreadable> {
        Credentials::read(Some(header.as_bytes()))
    }

    #[test]
    fn a_basic_header_names_a_user_and_a_password() {
        let admin = Credentials::Password {
            login: "admin".to_owned(),
            password: "changeit".to_owned(),
        };
        assert_eq!(read("Basic YWRtaW46Y2hhbmdlaXQ="), Ok(admin));
        assert_eq!(read("Basic %%%"), Err(Unreadable));
        assert_eq!(read("Bearer abc"), Ok(Credentials::None));
        assert_eq!(Credentials::read(None), Ok(Credentials::None));
    }
}
