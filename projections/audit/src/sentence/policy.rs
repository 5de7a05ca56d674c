//! A network's policy in a sentence.

use domain::network::Policy;

pub(super) fn policy(policy: &Policy) -> String {
    let exposure = match &policy.exposure {
        domain::network::ExposurePolicy::Report => "report",
        domain::network::ExposurePolicy::Enforce { .. } => "enforce",
        domain::network::ExposurePolicy::Block => "block",
    };
    let needed = [("a reason", &policy.reason), ("a ticket", &policy.ticket)];
    let needed = needed
        .into_iter()
        .filter(|(_, it)| it.as_ref().is_some_and(|it| it.required));
    let needed = needed.map(|(name, _)| name);
    let ends = &policy.tenure;
    let asked = [
        ("an owner", ends.owner_required),
        (
            "an end",
            ends.longest_peering.or(ends.longest_admission).is_some(),
        ),
    ];
    let asked = asked
        .into_iter()
        .filter(|(_, it)| *it)
        .map(|(name, _)| name);
    let needed: Vec<_> = needed.chain(asked).collect();
    let needed = if needed.is_empty() {
        String::new()
    } else {
        format!("; commands need {}", needed.join(" and "))
    };
    format!(
        "set the policy: drift {}, exposures {exposure}{needed}",
        policy.drift.as_str()
    )
}
