//! Commands that wait for approval.

use super::{
    facts,
    network::{at, stood_in},
    short,
    table::{
        Column::{Whole, Wrapped},
        table,
    },
    when, word,
};
use crate::api::v1;

/// Those that wait, a line each.
pub(in crate::cli) fn approvals(all: &[v1::Approval]) -> String {
    if all.is_empty() {
        return "no command waits for approval".to_owned();
    }
    let short = short(all.iter().map(|it| it.approval_id.as_str()));
    let rows = all.iter().map(|it| {
        [
            short(&it.approval_id),
            stood_in(word(it.state()), it.cloud.as_ref()),
            format!("{}/{}", it.project, it.network_name),
            it.command_name.clone(),
            openings(&it.openings),
            who(it.requester.as_ref()),
            count(it),
            when(it.expires_at.as_ref()),
        ]
    });
    let columns = [
        Whole("id"),
        Whole("state"),
        Whole("network"),
        Whole("command"),
        Wrapped("opens"),
        Wrapped("asked by"),
        Whole("approvals"),
        Whole("expires"),
    ];
    table(columns, rows)
}

/// One of them with everything.
pub(in crate::cli) fn approval(it: &v1::Approval) -> String {
    let given = it.approvals.iter();
    let given = given.map(|it| {
        let by = who(it.by.as_ref());
        format!("{by}, {}", when(it.given_at.as_ref()))
    });
    let plan = it.plan.iter().map(|it| match it.sentence.as_str() {
        "" => it.name.clone(),
        sentence => sentence.to_owned(),
    });
    facts([
        ("request", it.approval_id.clone()),
        ("state", word(it.state())),
        (
            "network",
            format!("{}/{} ({})", it.project, it.network_name, it.network_id),
        ),
        (
            "cloud",
            it.cloud.as_ref().map(|it| at(Some(it))).unwrap_or_default(),
        ),
        ("peer's account", it.peer_account.clone()),
        ("command", it.command_name.clone()),
        ("opens", openings(&it.openings)),
        ("would do", plan.collect::<Vec<_>>().join("\n")),
        ("plan", it.plan_hash.clone()),
        ("by now", today(it.today.as_ref())),
        ("asked by", who(it.requester.as_ref())),
        ("why", it.reason.clone()),
        ("ticket", it.ticket.clone()),
        ("approvals", count(it)),
        ("approved by", given.collect::<Vec<_>>().join("\n")),
        ("may approve", it.approvers.join("\n")),
        (
            "rejected by",
            it.rejected_by
                .as_ref()
                .map(|it| who(Some(it)))
                .unwrap_or_default(),
        ),
        ("because", it.rejection.clone()),
        ("refused", refused(it)),
        ("did", it.event_types.join(", ")),
        ("asked at", when(it.requested_at.as_ref())),
        ("expires", when(it.expires_at.as_ref())),
    ])
}

fn refused(it: &v1::Approval) -> String {
    if it.refusal.is_empty() {
        return String::new();
    }
    format!("{} [{}]", it.refusal_message, it.refusal)
}

fn today(it: Option<&v1::ApprovalToday>) -> String {
    let Some(it) = it else {
        return String::new();
    };
    if !it.refusal_message.is_empty() {
        return format!("it would be refused: {}", it.refusal_message);
    }
    match (it.plan_changed, it.network_changed) {
        (true, _) => "the plan is another one; it is shown anew when somebody approves",
        (false, true) => "the network has changed since; the plan has not",
        (false, false) => "nothing has changed since",
    }
    .to_owned()
}

/// What is opened, in words.
pub(in crate::cli) fn openings(all: &[i32]) -> String {
    let named = all.iter().filter_map(|it| v1::Opening::try_from(*it).ok());
    let named: Vec<_> = named.map(word).collect();
    // What is named says more than that it opens anything at all.
    let telling: Vec<_> = named
        .iter()
        .filter(|it| *it != "anything")
        .cloned()
        .collect();
    if telling.is_empty() { named } else { telling }.join(", ")
}

fn count(it: &v1::Approval) -> String {
    format!("{} of {}", it.approvals.len(), it.approvals_needed)
}

fn who(it: Option<&v1::AccessSubject>) -> String {
    let it = it.cloned().unwrap_or_default();
    format!("{} ({} of {})", it.subject, it.method, it.issuer)
}
