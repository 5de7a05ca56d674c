//! Which event types a version of the program can read, as a number that grows with each that adds
//! some: so a server can tell what another one would not understand, and write none of that while
//! the other one lives.

use crate::{
    network::NetworkEvent,
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

/// The vocabulary that reads this event type.
pub fn reads(event_type: &str) -> u32 {
    let added = ADDED.iter().find(|(name, _)| *name == event_type);
    added.map_or(FIRST_VOCABULARY, |(_, vocabulary)| *vocabulary)
}

/// The vocabulary that reads this event: that of its type, of the ranges with which IPv6 comes into
/// a network, and of the sources that a firewall admits. All that names a part of them comes later.
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
    let said = [
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
        network::tests::samples,
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
        let added = ADDED.iter().map(|(_, it)| *it).chain([GROUP_VOCABULARY]);
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
}
