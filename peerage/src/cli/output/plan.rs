//! Plans for people.

use super::{
    cause,
    network::at,
    peering::notes,
    table::{
        Column::{Whole, Wrapped},
        table,
    },
    word,
};
use crate::api::v1::{Check, CheckOutcome, PlanPeeringResponse};

/// What was checked, what is known, and what would be done.
pub(in crate::cli) fn plan(plan: &PlanPeeringResponse) -> String {
    // Of a plan that was made before its cloud was told nothing is said of it.
    let cloud = plan.cloud.as_ref().map(|it| at(Some(it)));
    let cloud = cloud.filter(|it| !it.is_empty());
    let mut parts: Vec<_> = cloud.map(|it| format!("cloud: {it}")).into_iter().collect();
    parts.push(format!("preflight\n{}", checks(&plan.checks)));
    let remedies: Vec<_> = plan
        .checks
        .iter()
        .filter(|it| !it.remedy.is_empty())
        .map(remedy)
        .collect();
    parts.extend((!remedies.is_empty()).then(|| remedies.join("\n")));
    parts.extend(notes(&plan.advisories));
    let actions = plan.actions.iter().zip(1..).map(|(it, number)| {
        [
            number.to_string(),
            word(it.side()),
            word(it.kind()),
            it.detail.clone(),
        ]
    });
    parts.push(match plan.actions.is_empty() {
        true => "nothing to do".to_owned(),
        false => format!(
            "what would be done, in this order\n{}",
            table(
                [Whole(""), Whole("side"), Whole("action"), Wrapped("what")],
                actions
            )
        ),
    });
    parts.extend(
        (!plan.waits_for.is_empty()).then(|| format!("then it waits for {}", plan.waits_for)),
    );
    parts.join("\n\n")
}

fn checks(checks: &[Check]) -> String {
    let rows = checks.iter().map(|it| {
        let mark = match it.outcome() {
            CheckOutcome::Passed => "✔ passed".to_owned(),
            CheckOutcome::Failed => "✘ failed".to_owned(),
            CheckOutcome::Noted => "• noted".to_owned(),
            CheckOutcome::Skipped | CheckOutcome::Unspecified => word(it.outcome()),
        };
        [mark, word(it.kind()), word(it.side()), cause(&it.message)]
    });
    table(
        [Whole(""), Whole("check"), Whole("side"), Wrapped("why")],
        rows,
    )
}

fn remedy(it: &Check) -> String {
    let head = format!("to pass `{}`", word(it.kind()));
    std::iter::once(head)
        .chain(it.remedy.iter().map(|line| format!("  {line}")))
        .collect::<Vec<_>>()
        .join("\n")
}
