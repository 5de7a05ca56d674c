//! The API's enums and the domain's: which value of one means which of the other.
//!
//! Every pair is an exhaustive match, so that a new value of the domain does not compile until the
//! API has a word for it.

use super::v1;
use domain::{
    Provider, Side,
    network::{
        AcceptedBy, AtEnd, BlockCause, Consent, DriftPolicy, ExposedBy, LifeName, LinkOption,
        Opening,
    },
};

/// An enum of the API whose values, the unspecified one apart, mean a value of the domain.
pub(super) trait Word: Copy + TryFrom<i32> + 'static {
    type Meaning: Copy;
    /// Every value but the unspecified one.
    const ALL: &'static [Self];

    /// What it means; `None` for the unspecified one.
    fn meaning(self) -> Option<Self::Meaning>;

    /// The word for this.
    fn of(meaning: Self::Meaning) -> Self;

    fn name(&self) -> &'static str;
}

macro_rules! words {
    ($($word:ident = $meaning:ident { $($name:ident),+ $(,)? })+) => {$(
        impl Word for v1::$word {
            type Meaning = $meaning;
            const ALL: &'static [Self] = &[$(Self::$name),+];

            fn meaning(self) -> Option<$meaning> {
                match self {
                    Self::Unspecified => None,
                    $(Self::$name => Some($meaning::$name),)+
                }
            }

            fn of(meaning: $meaning) -> Self {
                match meaning {
                    $($meaning::$name => Self::$name,)+
                }
            }

            fn name(&self) -> &'static str {
                self.as_str_name()
            }
        }
    )+};
}

words! {
    Side = Side { Local, Remote }
    Provider = Provider { Aws, Gcp, Azure }
    Consent = Consent { Delegated, Owner }
    DriftPolicy = DriftPolicy { Repair, Report, Adopt }
    ExposedBy = ExposedBy { Rule, Default }
    AtEnd = AtEnd { Remove, Report }
    Opening = Opening { ConnectorIngress, NewPeerAccount, Adoption, Anything }
    AcceptedBy = AcceptedBy { Engine, Owner, EngineOrOwner }
    PeeringState = LifeName {
        Requested,
        Initiating,
        AwaitingAcceptance,
        Provisioning,
        Active,
        Removing,
        Abandoning,
        Rejected,
        Expired,
        Failed,
        Removed,
        Abandoned,
    }
    LinkOption = LinkOption {
        DnsResolution,
        ExportCustomRoutes,
        ImportCustomRoutes,
        DualStack,
        ForwardedTraffic,
        GatewayTransit,
        RemoteGateways,
        AddressSpaceSync,
        VirtualNetworkAccess,
        MultipathResilience,
    }
    BlockCause = BlockCause {
        EndpointUnreachable,
        CredentialsRefused,
        PermissionDenied,
        WrongAccount,
        QuotaExceeded,
        NotFound,
        Conflict,
        RangeOverlap,
        RangeMismatch,
        DnsPrecondition,
        OptionPrecondition,
        RepairUndone,
        InUse,
        LinkEnded,
        Unexpected,
    }
}

/// The number on the wire of what this means.
pub(super) fn number<W: Word + Into<i32>>(meaning: W::Meaning) -> i32 {
    W::of(meaning).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<W: Word + std::fmt::Debug + PartialEq>() {
        for word in W::ALL {
            assert_eq!(word.meaning().map(W::of), Some(*word));
        }
        assert!(W::try_from(0).is_ok_and(|it| it.meaning().is_none()));
    }

    #[test]
    fn every_word_means_one_thing_and_nothing_is_unspecified() {
        there_and_back::<v1::Side>();
        there_and_back::<v1::Provider>();
        there_and_back::<v1::Consent>();
        there_and_back::<v1::DriftPolicy>();
        there_and_back::<v1::AtEnd>();
        there_and_back::<v1::ExposedBy>();
        there_and_back::<v1::AcceptedBy>();
        there_and_back::<v1::PeeringState>();
        there_and_back::<v1::BlockCause>();
        there_and_back::<v1::LinkOption>();
    }
}
