//! Where a call goes, and what it shows there to be let in.

use std::fmt;

/// The account and region that a call is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// Twelve digits.
    pub account: String,
    /// For instance `eu-west-1`.
    pub region: String,
    /// What is shown when the account's role is assumed for this call. What the settings say of the
    /// account comes first.
    pub external_id: Option<ExternalId>,
}

impl Scope {
    /// This account in this region, entered without an external id.
    pub fn new(account: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            region: region.into(),
            external_id: None,
        }
    }

    /// The same place, entered with this external id: each tenant has one of his own.
    pub fn with_external_id(self, external_id: impl Into<ExternalId>) -> Self {
        Self {
            external_id: Some(external_id.into()),
            ..self
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// What an account's trust policy demands of us, so that nobody can make us act for him in
/// another's account. It is not printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId(String);

impl ExternalId {
    /// The id, which is no secret and no proof of anything by itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ExternalId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for ExternalId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalId").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_is_never_printed() {
        let at = Scope::new("111111111111", "eu-west-1").with_external_id("hidden");
        assert!(!format!("{at} {at:?}").contains("hidden"));
    }
}
