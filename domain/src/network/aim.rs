//! At what a provider's firewall rules are aimed: a capability that decisions, plans and answers
//! respect.

use crate::place::Provider;

/// What a rule of the engine's admits traffic to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// To whatever its group is attached to: two rules for one port and source are one rule, and
    /// none can be closed for one target alone.
    Attachment,
    /// To the addresses that the rule names.
    Addresses,
}

impl Aim {
    /// How it is at this provider. A security group of AWS has no destination; an ingress rule of
    /// GCP and of Azure has.
    pub const fn of(provider: Provider) -> Self {
        match provider {
            Provider::Aws => Self::Attachment,
            Provider::Gcp | Provider::Azure => Self::Addresses,
        }
    }
}
