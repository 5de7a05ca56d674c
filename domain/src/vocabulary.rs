//! Which event types a version of the program can read, as a number that grows with each that adds
//! some: so a server can tell what another one would not understand, and write none of that while
//! the other one lives.

/// What this version reads.
pub const VOCABULARY: u32 = 2;

/// What a version reads that says nothing of it.
pub const FIRST_VOCABULARY: u32 = 1;

/// The event types that were added later, and with which vocabulary.
const ADDED: [(&str, u32); 2] = [
    ("BuiltInConnectorStopped", 2),
    ("BuiltInConnectorStarted", 2),
];

/// The vocabulary that reads this event type.
pub fn reads(event_type: &str) -> u32 {
    let added = ADDED.iter().find(|(name, _)| *name == event_type);
    added.map_or(FIRST_VOCABULARY, |(_, vocabulary)| *vocabulary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::AccessEvent,
        approval::ApprovalEvent,
        connector::{ConnectorEvent, built_in::BuiltInEvent, parked::ParkedEvent},
        network::NetworkEvent,
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
        assert!(ADDED.iter().any(|(_, it)| *it == VOCABULARY));
    }
}
