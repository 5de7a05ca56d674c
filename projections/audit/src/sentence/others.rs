//! What happened to connectors, to access, and to what waited for approval.

use super::{
    fit, sentence, unreadable,
    words::{count, list, until},
};
use domain::{
    access::{AccessEvent, Subject},
    approval::ApprovalEvent,
    connector::{
        ConnectorEvent, LogPosition, Settings, Sink, StartFrom, built_in::BuiltInEvent,
        parked::ParkedEvent,
    },
};
use journal::Body;

/// Any event of the log as a sentence, from its type, the version of its form and its data: of a
/// network, a connector, access or an approval.
pub fn sentence_of(event_type: &str, version: u32, data: &[u8]) -> String {
    if let Body::Event(event) = journal::decode(event_type, version, data) {
        return sentence(&event);
    }
    let tagged = || {
        let data: serde_json::Value = serde_json::from_slice(data).ok()?;
        Some(serde_json::json!({ "type": event_type, "data": data }))
    };
    if ConnectorEvent::NAMES.contains(&event_type)
        && let Some(event) = tagged().and_then(|it| serde_json::from_value(it).ok())
    {
        return connector_sentence(&event);
    }
    if BuiltInEvent::NAMES.contains(&event_type)
        && let Some(event) = tagged().and_then(|it| serde_json::from_value(it).ok())
    {
        return built_in_sentence(&event);
    }
    if ParkedEvent::NAMES.contains(&event_type)
        && let Some(event) = tagged().and_then(|it| serde_json::from_value(it).ok())
    {
        return parked_sentence(&event);
    }
    if AccessEvent::NAMES.contains(&event_type)
        && let Some(event) = tagged().and_then(|it| serde_json::from_value(it).ok())
    {
        return access_sentence(&event);
    }
    if ApprovalEvent::NAMES.contains(&event_type)
        && let Some(event) = tagged().and_then(|it| serde_json::from_value(it).ok())
    {
        return approval_sentence(&event);
    }
    unreadable(event_type)
}

/// An event of a request for approval as a sentence.
pub fn approval_sentence(event: &ApprovalEvent) -> String {
    fit(&match event {
        ApprovalEvent::ApprovalRequested(it) => format!(
            "asked for {} of {} in {}/{}, until {}",
            count(usize::from(it.approvals), "approval", "approvals"),
            it.command_name,
            it.project,
            it.network,
            until(it.expires_at)
        ),
        ApprovalEvent::ApprovalGiven(it) => format!("{} approved the command", named(&it.by)),
        ApprovalEvent::ApprovalGranted(it) => {
            format!(
                "enough people approved the command: {}",
                list(it.by.iter().map(named))
            )
        }
        ApprovalEvent::ApprovalPlanChanged(it) => format!(
            "the command comes to something else by now, and waits again: {}",
            list(it.shown.event_types())
        ),
        ApprovalEvent::ApprovalExecutionStarted(it) => {
            format!("{} carries the approved command out", it.host)
        }
        ApprovalEvent::ApprovalCarriedOut(it) => {
            format!(
                "carried the approved command out: {}",
                list(&it.event_types)
            )
        }
        ApprovalEvent::ApprovalRefused(it) => {
            format!(
                "refused the approved command ({}): {}",
                it.refusal, it.message
            )
        }
        ApprovalEvent::ApprovalRejected(it) => format!("{} rejected the command", named(&it.by)),
        ApprovalEvent::ApprovalWithdrawn {} => {
            "took the command back before it was approved".to_owned()
        }
        ApprovalEvent::ApprovalExpired {} => {
            "too few people approved the command in time".to_owned()
        }
    })
}

fn named(subject: &Subject) -> &str {
    subject.subject.as_str()
}

/// An event of one of the engine's own connectors as a sentence.
fn built_in_sentence(event: &BuiltInEvent) -> String {
    let at = |host: &Option<String>| match host {
        Some(host) => format!("the engine's own connector at {host}"),
        None => "the engine's own connector".to_owned(),
    };
    fit(&match event {
        BuiltInEvent::BuiltInConnectorStopped(it) => {
            format!("stopped {}, until {}", at(&it.host), until(it.until))
        }
        BuiltInEvent::BuiltInConnectorStarted(it) => {
            format!("ended the stop of {}", at(&it.host))
        }
    })
}

/// An event about what a connector set aside as a sentence.
fn parked_sentence(event: &ParkedEvent) -> String {
    fit(&match event {
        ParkedEvent::ConnectorRecordParked(it) => format!(
            "set {} aside after {}: {}",
            it.event_type,
            count(
                usize::try_from(it.attempts).unwrap_or(usize::MAX),
                "attempt",
                "attempts"
            ),
            it.cause
        ),
        ParkedEvent::ConnectorReplayRequested(it) => {
            format!("asked for {} again", records(it.records.len()))
        }
        ParkedEvent::ConnectorRecordReplayed(it) => {
            format!("delivered record {}, which was set aside", it.event_id.0)
        }
        ParkedEvent::ConnectorRecordsDiscarded(it) => {
            format!("gave up {}", records(it.records.len()))
        }
        ParkedEvent::ConnectorParkedClaimed(it) => {
            format!("another server delivers from now on (term {})", it.term)
        }
        ParkedEvent::ConnectorLogReplayRequested(it) => format!(
            "asked for a part of the log again, up to {}: {} records or more",
            place(it.range.until),
            it.records
        ),
        ParkedEvent::ConnectorLogReplayed(it) => {
            let all = if it.is_done { ", and that is all" } else { "" };
            format!("delivered the log again up to {}{all}", place(it.position))
        }
        ParkedEvent::ConnectorLogReplaysEnded {} => {
            "ended what was asked for of the log again".to_owned()
        }
    })
}

fn records(number: usize) -> String {
    count(
        number,
        "record that was set aside",
        "records that were set aside",
    )
}

/// An event of a connector as a sentence.
pub fn connector_sentence(event: &ConnectorEvent) -> String {
    fit(&match event {
        ConnectorEvent::ConnectorCreated(it) => {
            format!(
                "created connector {} to {}",
                it.name,
                settings(&it.settings)
            )
        }
        ConnectorEvent::ConnectorActivating(it) => match it.start_from {
            Some(start) => format!("asked for the connector to run, {}", from(start)),
            None => "asked for the connector to run".to_owned(),
        },
        ConnectorEvent::ConnectorRunning(it) => match it.after {
            Some(after) => format!(
                "the connector runs at {} (term {}), behind {}",
                it.host,
                it.term,
                place(after)
            ),
            None => format!(
                "the connector runs at {} (term {}), from the log's beginning",
                it.host, it.term
            ),
        },
        ConnectorEvent::ConnectorDeactivating {} => "asked for the connector to stop".to_owned(),
        ConnectorEvent::ConnectorStopped {} => "the connector has stopped".to_owned(),
        ConnectorEvent::ConnectorFailed(it) => {
            let code = it.code.as_str().replace('_', " ");
            format!("the connector has failed ({code}): {}", it.message)
        }
        ConnectorEvent::ConnectorRestarted(it) => {
            let code = it.code.as_str().replace('_', " ");
            format!(
                "the connector broke off and begins again ({code}): {}",
                it.message
            )
        }
        ConnectorEvent::ConnectorPaused(it) => match it.status {
            Some(status) => format!("the endpoint refuses everything ({status}): {}", it.cause),
            None => format!("the endpoint refuses everything: {}", it.cause),
        },
        ConnectorEvent::ConnectorRecovered {} => "the endpoint takes records again".to_owned(),
        ConnectorEvent::ConnectorReconfigured(it) => {
            format!(
                "changed the settings: records go to {}",
                settings(&it.settings)
            )
        }
        ConnectorEvent::ConnectorRenamed(it) => format!("renamed the connector to ‘{}’", it.name),
        ConnectorEvent::ConnectorReset(it) => {
            format!("set where the connector begins: {}", from(it.start_from))
        }
        ConnectorEvent::ConnectorDeleted {} => "deleted the connector".to_owned(),
    })
}

/// An event of access as a sentence.
pub fn access_sentence(event: &AccessEvent) -> String {
    fit(&match event {
        AccessEvent::AccessPolicyEnforced(it) => {
            let bindings = count(it.policy.bindings.len(), "binding", "bindings");
            format!("{} enforces an access policy with {bindings}", it.host)
        }
        AccessEvent::AccessPoliciesDiffered(it) => {
            let others = it.others.iter().map(|it| it.host.as_str());
            format!(
                "{} enforces another access policy than {}",
                it.host,
                list(others)
            )
        }
        AccessEvent::AccessDenied(it) => {
            let again = match it.repeated {
                0 => String::new(),
                more => format!(", {more} more before"),
            };
            format!(
                "denied {} to {}: {}{again}",
                it.method,
                it.subject.subject,
                it.denial.as_str()
            )
        }
    })
}

fn settings(settings: &Settings) -> String {
    let changed = match settings.transformer {
        Some(_) => ", changed by a transform",
        None => "",
    };
    format!("{}{changed}", sink(&settings.sink))
}

/// Where records go: without credentials, of which a URL may have some.
fn sink(sink: &Sink) -> String {
    match sink {
        Sink::Webhook(it) => {
            let url = it.url.to_string();
            let bare = url.split(['?', '#']).next().unwrap_or_default();
            bare.to_owned()
        }
        Sink::File(it) => format!("file {}", it.name),
        Sink::Stdout => "the server's standard output".to_owned(),
    }
}

fn from(start: StartFrom) -> String {
    match start {
        StartFrom::Earliest => "from the log's beginning".to_owned(),
        StartFrom::Latest => "from the log's end".to_owned(),
        StartFrom::After(position) => format!("from behind {}", place(position)),
    }
}

fn place(it: LogPosition) -> String {
    format!("{}/{}", it.commit, it.prepare)
}
