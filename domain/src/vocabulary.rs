//! Which event types a version of the program can read, as a number that grows with each that adds
//! some: so a server can tell what another one would not understand, and write none of that while
//! the other one lives.

use crate::{
    network::{DriftKind, LinkOption, NetworkEvent},
    range::{Family, Range},
};

/// What this version reads.
pub const VOCABULARY: u32 = 6;

/// What a version reads that says nothing of it.
pub const FIRST_VOCABULARY: u32 = 1;

/// The event types that were added later, and with which vocabulary.
const ADDED: [(&str, u32); 6] = [
    ("BuiltInConnectorStopped", 2),
    ("BuiltInConnectorStarted", 2),
    ("NetworkIpv6RangesSet", IPV6_VOCABULARY),
    // That a network was replaced is told in an older type, and only once one of these was.
    ("NetworkImmutableIdSeen", 5),
    ("PeerImmutableIdSeen", 5),
    ("NetworkQuotasSeen", 6),
];

/// What reads IPv6 ranges in event types that are older.
const IPV6_VOCABULARY: u32 = 3;

/// What reads a group as a source that is admitted.
const GROUP_VOCABULARY: u32 = 4;

/// What reads multipath resilience as an option of a link.
const MULTIPATH_VOCABULARY: u32 = 6;

/// The vocabulary that reads this event type.
pub fn reads(event_type: &str) -> u32 {
    let added = ADDED.iter().find(|(name, _)| *name == event_type);
    added.map_or(FIRST_VOCABULARY, |(_, vocabulary)| *vocabulary)
}

/// The vocabulary that reads this event: that of its type, of the ranges with which IPv6 comes into
/// a network, of the sources that a firewall admits, and of the options that are set on a link or
/// found there. All that names a part of them comes later.
pub fn needed(event: &NetworkEvent) -> u32 {
    let is_of_ipv6 = |range: &Range| range.family() == Family::Ipv6;
    let is_ipv6 = if let NetworkEvent::NetworkRegistered(it) = event {
        !it.ipv6_ranges.is_empty()
    } else if let NetworkEvent::PeeringRequested(it) = event {
        it.peer.ranges.iter().any(is_of_ipv6)
    } else if let NetworkEvent::PeeringAdopted(it) = event {
        it.peer.ranges.iter().any(is_of_ipv6)
    } else if let NetworkEvent::PeerRangesAdded(it) = event {
        it.ranges.iter().any(is_of_ipv6)
    } else {
        false
    };
    let admits_a_group = if let NetworkEvent::FirewallRestricted(it) = event {
        it.admit.iter().any(|rule| rule.source.group().is_some())
    } else {
        false
    };
    let is_multipath = |option: LinkOption| option == LinkOption::MultipathResilience;
    let names_multipath = if let NetworkEvent::LinkOptionSet(it) = event {
        is_multipath(it.option)
    } else if let NetworkEvent::PeeringSurveyed(it) = event {
        it.options.iter().any(|it| is_multipath(it.option))
    } else if let NetworkEvent::DriftDetected(it) = event {
        matches!(it.finding, DriftKind::LinkOptionFlipped { option, .. } if is_multipath(option))
    } else {
        false
    };
    let said = [
        (names_multipath, MULTIPATH_VOCABULARY),
        (is_ipv6, IPV6_VOCABULARY),
        (admits_a_group, GROUP_VOCABULARY),
    ];
    let said = said.into_iter().filter(|(is_said, _)| *is_said);
    said.fold(reads(event.name()), |least, (_, it)| least.max(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::AccessEvent,
        approval::ApprovalEvent,
        connector::{ConnectorEvent, built_in::BuiltInEvent, parked::ParkedEvent},
        network::{DriftDetected, FoundOption, LinkOptionSet, PeeringSurveyed, tests::samples},
    };

    /// Every event type with the vocabulary that reads it: a new one is a new line, and a new
    /// vocabulary unless this one was never released.
    #[test]
    fn each_event_type_is_of_a_vocabulary_and_the_last_of_them_is_what_this_version_reads() {
        let all = NetworkEvent::NAMES.iter().chain(&ConnectorEvent::NAMES);
        let all = all.chain(&BuiltInEvent::NAMES).chain(&ParkedEvent::NAMES);
        let all = all.chain(&ApprovalEvent::NAMES).chain(&AccessEvent::NAMES);
        let mut names: Vec<_> = all.copied().collect();
        names.sort_unstable();
        let lines = names.iter().map(|it| format!("{} {it}\n", reads(it)));
        crate::golden::same("vocabulary.txt", &lines.collect::<String>());
        for (name, vocabulary) in ADDED {
            assert!(names.contains(&name), "{name}");
            assert!((FIRST_VOCABULARY + 1..=VOCABULARY).contains(&vocabulary));
        }
        let added = ADDED
            .iter()
            .map(|(_, it)| *it)
            .chain([GROUP_VOCABULARY, MULTIPATH_VOCABULARY]);
        assert_eq!(added.max(), Some(VOCABULARY));
    }
    /// Each event that brings IPv6 into a network is of a type that older servers read, and what it
    /// says is not.
    #[test]
    fn what_brings_ipv6_into_a_network_needs_the_vocabulary_that_reads_it() {
        for dual_stack in [false, true] {
            let expected = if dual_stack { 3 } else { FIRST_VOCABULARY };
            for event in samples::bringing_ranges(dual_stack) {
                assert_eq!(needed(&event), expected, "{}", event.name());
            }
        }
    }

    /// What first names the option, of types that older servers read.
    #[test]
    fn what_first_names_multipath_resilience_needs_the_vocabulary_that_reads_it() {
        let peering_id = samples::peering_id(1);
        let side = crate::side::Side::Local;
        for option in LinkOption::ALL {
            let expected = match option {
                LinkOption::MultipathResilience => 6,
                LinkOption::DnsResolution
                | LinkOption::ExportCustomRoutes
                | LinkOption::ImportCustomRoutes
                | LinkOption::DualStack
                | LinkOption::ForwardedTraffic
                | LinkOption::GatewayTransit
                | LinkOption::RemoteGateways
                | LinkOption::AddressSpaceSync
                | LinkOption::VirtualNetworkAccess => FIRST_VOCABULARY,
            };
            let set = LinkOptionSet {
                peering_id,
                side,
                option,
                enabled: true,
            };
            let surveyed = PeeringSurveyed {
                peering_id,
                routes: Vec::new(),
                names: Vec::new(),
                options: vec![FoundOption { side, option }],
            };
            let drifted = DriftDetected {
                peering_id,
                finding: DriftKind::option_flipped(side, option),
                detected_at: chrono::DateTime::UNIX_EPOCH,
            };
            let all: [NetworkEvent; 3] = [set.into(), surveyed.into(), drifted.into()];
            for event in all {
                assert_eq!(needed(&event), expected, "{event:?}");
            }
        }
    }
}
