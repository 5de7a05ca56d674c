//! What is wrong with a network's history: part of it cannot be read, or the event store is told to
//! drop events of it. Known from the read models, from what was loaded, and from the metadata of
//! our streams; shown wherever a network's or a peering's state is.

use super::{Services, rows, v1};
use domain::NetworkId;
use journal::Limited;
use projections::{NetworkView, PeeringView, Unreadable};
use std::collections::BTreeMap;

/// Where it is told what to do.
const PAGE: &str = "docs/disaster-recovery.md, under \"A history that cannot be read whole\"";

/// What a stream of ours holds, for figures.
const PARTS: [(&str, &str); 5] = [
    ("network-", "networks"),
    ("connector-", "connectors"),
    ("connectorParked-", "connectors"),
    ("approval-", "approvals"),
    ("access-", "access"),
];

impl Services {
    /// What is wrong with the network's history, if anything is.
    pub(super) fn history_fault(
        &self,
        id: NetworkId,
        unreadable: Option<&Unreadable>,
    ) -> Option<v1::HistoryFault> {
        let hole = || self.journal.networks().holes().remove(&id);
        let limited = || {
            self.retention
                .of(id)
                .map(|it| of_limited(&id.stream(), &it))
        };
        unreadable
            .map(of_unreadable)
            .or_else(|| hole().map(of_hole))
            .or_else(limited)
    }

    /// The network as a message, with what is wrong with its history.
    pub(super) fn network_message(&self, view: &NetworkView) -> v1::Network {
        let message = rows::network_message(view);
        let fault = self.history_fault(view.network.id, view.unreadable.as_ref());
        v1::Network {
            blocked_peerings: match is_unreadable(fault.as_ref()) {
                true => message.live_peerings,
                false => message.blocked_peerings,
            },
            history_fault: fault,
            ..message
        }
    }

    /// The peering as a message, with what is wrong with its network's history. What is folded of a
    /// part of it has not converged.
    pub(super) fn peering_message(&self, view: &PeeringView) -> v1::Peering {
        let message = rows::peering_message(view);
        let is_live = view.peering.life.is_live();
        let fault = self.history_fault(view.network.id, view.unreadable.as_ref());
        let fault = fault.filter(|_| is_live);
        v1::Peering {
            converged: message.converged && !is_unreadable(fault.as_ref()),
            history_fault: fault,
            ..message
        }
    }

    /// What is wrong with streams of ours that are no network's.
    pub(super) fn risky_streams(&self) -> Vec<String> {
        let all = self.retention.all().into_iter();
        let others = all.filter(|(stream, _)| NetworkId::from_stream(stream).is_none());
        let told = others.map(|(stream, it)| {
            let fault = of_limited(&stream, &it);
            format!("{}: {}", fault.message, fault.remedy.join("; "))
        });
        told.collect()
    }

    /// How many streams of ours the event store does not keep whole, by what they hold.
    pub(super) fn limited_streams(&self) -> BTreeMap<&'static str, u64> {
        let mut counts: BTreeMap<_, _> = PARTS.iter().map(|(_, part)| (*part, 0)).collect();
        for stream in self.retention.all().keys() {
            let part = PARTS.iter().find(|(begins, _)| stream.starts_with(begins));
            if let Some((_, part)) = part {
                *counts.entry(part).or_default() += 1;
            }
        }
        counts
    }
}

fn is_unreadable(fault: Option<&v1::HistoryFault>) -> bool {
    fault.is_some_and(|it| it.kind() == v1::HistoryFaultKind::Unreadable)
}

fn of_unreadable(it: &Unreadable) -> v1::HistoryFault {
    let (revision, event_type) = (it.revision, &it.event_type);
    v1::HistoryFault {
        kind: v1::HistoryFaultKind::Unreadable.into(),
        message: format!(
            "event {revision} ({event_type}) cannot be read: {}; what is to be closed is closed, and nothing is opened",
            it.problem
        ),
        remedy: vec![
            "if a newer version has written it, run that version".to_owned(),
            format!("otherwise {PAGE}"),
        ],
        revision,
        event_type: event_type.clone(),
    }
}

fn of_hole(missing: u64) -> v1::HistoryFault {
    v1::HistoryFault {
        kind: v1::HistoryFaultKind::Unreadable.into(),
        message: format!(
            "event {missing} is gone; what is to be closed is closed as far as it is known, and nothing is opened"
        ),
        remedy: vec![
            "set the stream's metadata back, if no scavenge has taken the events yet".to_owned(),
            format!("otherwise {PAGE}"),
        ],
        revision: missing,
        event_type: String::new(),
    }
}

fn of_limited(stream: &str, it: &Limited) -> v1::HistoryFault {
    let (limits, since) = (it.told(), it.since.format("%FT%TZ"));
    let kind = match it.is_gone() {
        true => v1::HistoryFaultKind::Unreadable,
        false => v1::HistoryFaultKind::AtRisk,
    };
    let remedy = match it.is_for_good() {
        true => format!("nothing brings it back in this store: {PAGE}"),
        false => format!(
            "set the metadata of {stream} back to what it was, without $maxCount, $maxAge and $tb, before a scavenge takes the events for good"
        ),
    };
    v1::HistoryFault {
        kind: kind.into(),
        message: format!(
            "the event store is told to drop events of {stream}: {limits}, since {since}"
        ),
        remedy: vec![remedy],
        revision: 0,
        event_type: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::{APPROVAL_CATEGORY, CONNECTOR_CATEGORY, NETWORK_CATEGORY, PARKED_CATEGORY};
    use journal::Limit;

    fn limited(limit: Limit) -> Limited {
        Limited {
            limits: vec![limit],
            since: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_hides_events_is_a_risk_and_what_hides_all_of_them_is_unreadable() {
        let of = |limit| of_limited("network-1", &limited(limit));
        let counted = of(Limit::Count(2));
        assert_eq!(counted.kind(), v1::HistoryFaultKind::AtRisk);
        assert!(
            counted
                .message
                .contains("$maxCount 2, since 1970-01-01T00:00:00Z")
        );
        assert!(counted.remedy[0].contains("network-1 back"));
        assert!(!is_unreadable(Some(&counted)));
        let deleted = of(Limit::Deleted);
        assert!(is_unreadable(Some(&deleted)) && deleted.remedy[0].contains("back"));
        let gone = of(Limit::Tombstone);
        assert!(is_unreadable(Some(&gone)) && gone.remedy[0].contains("nothing brings it back"));
    }

    #[test]
    fn every_kind_of_stream_that_is_watched_has_a_name_among_the_figures() {
        let streams = [
            format!("{NETWORK_CATEGORY}-1"),
            format!("{CONNECTOR_CATEGORY}-1"),
            format!("{PARKED_CATEGORY}-1"),
            format!("{APPROVAL_CATEGORY}-1"),
            domain::access::POLICY_STREAM.to_owned(),
            domain::access::DENIALS_STREAM.to_owned(),
        ];
        for stream in streams {
            let part = PARTS.iter().find(|(begins, _)| stream.starts_with(begins));
            assert!(part.is_some(), "{stream}");
        }
    }
}
