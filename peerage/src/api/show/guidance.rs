//! What is good to know of a peering, and what its owners have to do.

use crate::api::v1;
use cloud::instructions::{Instruction, JSON, SH, TEXT};
use domain::{
    Advisory,
    advisory::{
        ATTACH_GROUP, CROSS_REGION, CROSS_ZONE, DENIED_WITH_LISTS, EDGE_ROUTING, IDLE_TABLE,
        INGRESS_NOT_AIMED, INTER_REGION_LIMITS, IPV6, MULTIPATH, NON_TRANSITIVE, OPEN_BY_DEFAULT,
        PRIVATE_NAMES, PUBLIC_RANGE, QUOTA_HEADROOM, ROUTES_EXCHANGED,
    },
};

pub(in crate::api) fn advisory(it: Advisory) -> v1::Advisory {
    v1::Advisory {
        code: advisory_code(it.code).into(),
        message: it.message,
    }
}

fn advisory_code(code: &str) -> v1::AdvisoryCode {
    use v1::AdvisoryCode as Code;
    match code {
        CROSS_REGION => Code::CrossRegion,
        INTER_REGION_LIMITS => Code::InterRegionLimits,
        PRIVATE_NAMES => Code::PrivateNames,
        CROSS_ZONE => Code::CrossZone,
        NON_TRANSITIVE => Code::NonTransitive,
        EDGE_ROUTING => Code::EdgeRouting,
        OPEN_BY_DEFAULT => Code::OpenByDefault,
        QUOTA_HEADROOM => Code::QuotaHeadroom,
        PUBLIC_RANGE => Code::PublicRange,
        ATTACH_GROUP => Code::AttachGroup,
        IPV6 => Code::Ipv6,
        IDLE_TABLE => Code::IdleTable,
        ROUTES_EXCHANGED => Code::RoutesExchanged,
        INGRESS_NOT_AIMED => Code::IngressNotAimed,
        MULTIPATH => Code::Multipath,
        DENIED_WITH_LISTS => Code::DeniedWithLists,
        _ => Code::Unspecified,
    }
}

pub(in crate::api) fn instruction(it: Instruction) -> v1::Instruction {
    v1::Instruction {
        title: it.title,
        language: language(it.language).into(),
        body: it.body,
    }
}

fn language(language: &str) -> v1::InstructionLanguage {
    use v1::InstructionLanguage as Language;
    match language {
        SH => Language::Shell,
        JSON => Language::Json,
        TEXT => Language::Text,
        _ => Language::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_advisory_and_every_language_has_a_value_of_its_own() {
        let codes: std::collections::BTreeSet<_> = domain::advisory::CODES
            .iter()
            .map(|it| advisory_code(it) as i32)
            .collect();
        assert_eq!(codes.len(), domain::advisory::CODES.len());
        assert!(!codes.contains(&0));
        for it in [SH, JSON, TEXT] {
            assert_ne!(language(it), v1::InstructionLanguage::Unspecified);
        }
    }
}
