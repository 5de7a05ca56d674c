//! What a provider's firewall can do: what it can only allow, what it can only deny, and at what
//! its rules are aimed. Decisions, plans and answers respect it, and no other place tells the
//! firewall of one provider from that of another.

use super::Provider;

/// What the firewall of a provider can do, as far as the engine has rules there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirewallAbilities {
    /// What a rule can say.
    pub rules: Verdicts,
    /// What a rule of the engine's admits traffic to.
    pub aim: Aim,
    /// What a rule can name as its source.
    pub sources: Sources,
    /// What the engine's entries say in the lists in front of subnets; `None` where it keeps none.
    pub lists: Option<Verdicts>,
    /// What happens to traffic of the other network that no rule speaks of.
    pub unspoken: Unspoken,
}

/// What can be said of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdicts {
    /// That it comes in; what is kept out is what nobody admits.
    OnlyAllow,
    /// That it does not; of the engine's entries none admits anything.
    OnlyDeny,
    /// Both.
    AllowAndDeny,
}

/// What a rule of the engine's admits traffic to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// To whatever its group is attached to: two rules for one port and source are one rule, and
    /// none can be closed for one target alone.
    Attachment,
    /// To the addresses that the rule names.
    Addresses,
}

/// What a rule can name as its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// Ranges.
    Ranges,
    /// Ranges, and groups of the peer's within the region.
    RangesAndGroups,
}

/// What happens to traffic of the other network that no rule speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unspoken {
    /// It is kept out.
    KeptOut,
    /// It comes in: that nothing denies it is an exposure.
    LetIn,
}

impl Provider {
    /// What its firewall can do.
    ///
    /// | | AWS | GCP | Azure |
    /// | --- | --- | --- | --- |
    /// | rules | a security group only allows | allow and deny | allow and deny |
    /// | aim | whatever has the group | addresses | addresses |
    /// | sources | ranges, and groups within a region | ranges | ranges |
    /// | lists before subnets | network ACLs: the engine only denies | none | none |
    /// | no rule speaks | kept out | kept out (implied deny) | let in (AllowVnetInBound) |
    pub const fn firewall(self) -> FirewallAbilities {
        match self {
            Self::Aws => FirewallAbilities {
                rules: Verdicts::OnlyAllow,
                aim: Aim::Attachment,
                sources: Sources::RangesAndGroups,
                lists: Some(Verdicts::OnlyDeny),
                unspoken: Unspoken::KeptOut,
            },
            Self::Gcp => FirewallAbilities {
                rules: Verdicts::AllowAndDeny,
                aim: Aim::Addresses,
                sources: Sources::Ranges,
                lists: None,
                unspoken: Unspoken::KeptOut,
            },
            Self::Azure => FirewallAbilities {
                rules: Verdicts::AllowAndDeny,
                aim: Aim::Addresses,
                sources: Sources::Ranges,
                lists: None,
                unspoken: Unspoken::LetIn,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_attached_somewhere_cannot_be_aimed_and_where_rules_only_allow_lists_deny() {
        for provider in Provider::ALL {
            let can = provider.firewall();
            let only_allows = can.rules == Verdicts::OnlyAllow;
            assert_eq!(only_allows, can.lists.is_some(), "{provider}");
            assert_eq!(only_allows, can.aim == Aim::Attachment, "{provider}");
            let lets_in = can.unspoken == Unspoken::LetIn;
            assert!(
                !lets_in || can.rules == Verdicts::AllowAndDeny,
                "{provider}"
            );
        }
    }
}
