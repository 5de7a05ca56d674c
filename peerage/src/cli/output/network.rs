//! Networks for people.

use super::{
    cause, short,
    table::{
        Column::{Whole, Wrapped},
        facts, table,
    },
    time::when,
    word,
};
use crate::api::v1::{
    AccountQuotas, AtEnd, Cloud, CloudMode, HistoryFault, HistoryFaultKind, Hold, Network,
    NetworkState, Policy, Quarantine, Quota, QuotaSource, Requirement, policy::Exposure,
    quarantine_scope::Scope,
};
use crate::cli::subnets::told;
use humantime_serde::re::humantime;
use std::time::Duration;

/// Which subnets use a link, where that is not the main route table's.
pub(super) fn chosen(subnets: &[String]) -> String {
    if subnets.is_empty() {
        String::new()
    } else {
        told(subnets)
    }
}

/// One network, and what the engine may do in it.
pub(in crate::cli) fn network(it: &Network) -> String {
    let policy = it.policy.clone().unwrap_or_default();
    facts([
        ("network", it.network_id.clone()),
        ("name", format!("{}/{}", it.project, it.name)),
        ("state", state(it)),
        (
            "cloud network",
            format!("{} in {}", it.cloud_network, place(it)),
        ),
        ("account", it.account.clone()),
        ("cloud", at(it.cloud.as_ref())),
        ("immutable id", it.immutable_id.clone()),
        ("REPLACED", replaced(&it.replaced_by)),
        ("LEFT ALONE", it.left_alone.clone()),
        ("HISTORY", fault(it.history_fault.as_ref())),
        ("frozen", it.frozen.as_ref().map(hold).unwrap_or_default()),
        (
            "quarantine",
            it.quarantines
                .iter()
                .map(quarantine)
                .collect::<Vec<_>>()
                .join("; "),
        ),
        ("range", it.range.clone()),
        ("ipv6 ranges", it.ipv6_ranges.join(", ")),
        ("subnets", chosen(&it.subnets)),
        ("nodes", it.nodes.join(", ")),
        ("quotas", quotas(&it.quotas)),
        ("drift", word(policy.drift())),
        ("exposures", exposures(&policy)),
        ("commands carry", required(&policy)),
        ("owners and ends", tenure(&policy)),
        ("peerings", peerings(it)),
        ("last check", when(it.drift_check_at.as_ref())),
        ("registered", when(it.registered_at.as_ref())),
        ("revision", it.revision.to_string()),
    ])
}

/// What each account allows, and where that comes from.
fn quotas(all: &[AccountQuotas]) -> String {
    let account = |it: &AccountQuotas| {
        let quotas = it.quotas.iter().map(quota).collect::<Vec<_>>();
        format!("{} in {}: {}", it.account, it.region, quotas.join(", "))
    };
    all.iter().map(account).collect::<Vec<_>>().join("; ")
}

fn quota(it: &Quota) -> String {
    let source = match it.source() {
        QuotaSource::Unspecified | QuotaSource::BuiltIn => "built in".to_owned(),
        QuotaSource::Seen => format!("seen {}", when(it.seen_at.as_ref())),
        QuotaSource::Configured => "configured".to_owned(),
    };
    format!("{} {} ({source})", it.most, word(it.kind()))
}

/// That another network has its name.
fn replaced(by: &str) -> String {
    if by.is_empty() {
        String::new()
    } else {
        format!("another network has its name, with the immutable id {by}: nothing is opened")
    }
}

pub(in crate::cli) fn networks(networks: &[Network]) -> String {
    let short = short(networks.iter().map(|it| it.network_id.as_str()));
    let rows = networks.iter().map(|it| {
        [
            short(&it.network_id),
            format!("{}/{}", it.project, it.name),
            place(it),
            it.account.clone(),
            it.range.clone(),
            match it.state() {
                NetworkState::Retired => "retired".to_owned(),
                NetworkState::Registered | NetworkState::Unspecified => {
                    let told = peerings(it);
                    let held = state(it).split_once(", ").map(|(_, held)| held.to_owned());
                    held.map_or(told.clone(), |held| format!("{told}, {held}"))
                }
            },
        ]
    });
    table(
        [
            Whole("network"),
            Wrapped("name"),
            Wrapped("cloud"),
            Wrapped("account"),
            Whole("range"),
            Wrapped("peerings"),
        ],
        rows,
    )
}

/// What a network is after a change, on one line.
pub(in crate::cli) fn network_update(it: &Network) -> String {
    let name = format!("{}/{}", it.project, it.name);
    super::table::one_line(&format!(
        "{:>20}  {name}  {}; {}",
        "now",
        state(it),
        peerings(it)
    ))
}

/// What is asked of owners and ends, and what happens at the end of a peering, where that is not
/// the usual.
fn tenure(policy: &Policy) -> String {
    let it = policy.tenure.unwrap_or_default();
    let most = |what: &str, seconds: u64| {
        let span = Duration::from_secs(seconds);
        (seconds > 0).then(|| format!("{what} end within {}", humantime::format_duration(span)))
    };
    let told = [
        it.owner_required
            .then(|| "peerings have an owner".to_owned()),
        most("peerings", it.longest_peering_seconds),
        most("admitted sources", it.longest_admission_seconds),
        (it.at_end() == AtEnd::Report).then(|| "the end of a peering is only reported".to_owned()),
    ];
    told.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What is wrong with a history, and what to do.
pub(super) fn fault(it: Option<&HistoryFault>) -> String {
    it.map(|it| format!("{}: {}", cause(&it.message), it.remedy.join("; ")))
        .unwrap_or_default()
}

/// The same in a few words.
pub(super) fn faulty(it: Option<&HistoryFault>) -> Option<&'static str> {
    it.map(|it| match it.kind() {
        HistoryFaultKind::AtRisk => "history at risk",
        HistoryFaultKind::Unreadable | HistoryFaultKind::Unspecified => {
            "blocked: history unreadable"
        }
    })
}

fn state(it: &Network) -> String {
    match it.state() {
        NetworkState::Retired => {
            format!(
                "retired {}: {}",
                when(it.retired_at.as_ref()),
                cause(&it.retired_reason)
            )
        }
        NetworkState::Registered | NetworkState::Unspecified => {
            let frozen = it.frozen.as_ref().map(|_| ", frozen").unwrap_or_default();
            let held = match it.quarantines.len() {
                0 => String::new(),
                held => format!(", quarantines: {held}"),
            };
            let orphans = match it.orphans {
                0 => String::new(),
                orphans => format!(", orphans: {orphans}"),
            };
            let stand_in = stand_in(it.cloud.as_ref());
            let stand_in = stand_in.map(|it| format!(", {it}")).unwrap_or_default();
            let fault = faulty(it.history_fault.as_ref());
            let fault = fault.map(|it| format!(", {it}")).unwrap_or_default();
            format!(
                "{}{stand_in}{fault}{frozen}{held}{orphans}",
                word(it.state())
            )
        }
    }
}

/// That something stands in for the cloud, for wherever a state is shown: nothing of it is real.
pub(super) fn stand_in(cloud: Option<&Cloud>) -> Option<&'static str> {
    match cloud?.mode() {
        CloudMode::Simulated => Some("simulated"),
        CloudMode::Emulator => Some("emulated"),
        CloudMode::Real | CloudMode::Unspecified => None,
    }
}

/// The text with what stands in for the cloud behind it.
pub(in crate::cli) fn stood_in(text: String, cloud: Option<&Cloud>) -> String {
    match stand_in(cloud) {
        Some(mark) => format!("{text}, {mark}"),
        None => text,
    }
}

/// Which cloud it is, if it is not the provider's own.
pub(super) fn at(cloud: Option<&Cloud>) -> String {
    let Some(cloud) = cloud else {
        return "not on record yet".to_owned();
    };
    match cloud.mode() {
        CloudMode::Simulated => "simulated inside the engine; nothing of it exists".to_owned(),
        CloudMode::Emulator => format!("an emulator at {}", cloud.endpoint),
        CloudMode::Real | CloudMode::Unspecified => String::new(),
    }
}

/// Since when and why something is held.
pub(super) fn hold(it: &Hold) -> String {
    format!("since {}: {}", when(it.since.as_ref()), cause(&it.reason))
}

/// What a quarantine closes, since when and why.
pub(super) fn quarantine(it: &Quarantine) -> String {
    let scope = it.scope.as_ref().and_then(|it| it.scope.as_ref());
    let of = match scope {
        Some(Scope::PeerAccount(account)) => format!("account {account}"),
        Some(Scope::PeerNetwork(network)) => format!("peer {network}"),
        Some(Scope::Everything(_)) | None => "all peerings".to_owned(),
    };
    match &it.hold {
        Some(held) => format!("{of} {}", hold(held)),
        None => of,
    }
}

fn place(it: &Network) -> String {
    format!("{} {}", word(it.provider()), it.region)
}

fn peerings(it: &Network) -> String {
    let told = [
        Some(format!("{} live", it.live_peerings)),
        (it.blocked_peerings > 0).then(|| format!("{} blocked", it.blocked_peerings)),
        (it.exposed_peerings > 0).then(|| format!("{} exposed", it.exposed_peerings)),
    ];
    told.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn exposures(policy: &Policy) -> String {
    match &policy.exposure {
        Some(Exposure::EnforceExposures(enforce)) => {
            format!("enforce in {}", enforce.groups.join(", "))
        }
        Some(Exposure::BlockExposures(_)) => "block routes into the peer".to_owned(),
        Some(Exposure::ReportExposures(_)) | None => "report".to_owned(),
    }
}

fn required(policy: &Policy) -> String {
    let told = [("a reason", &policy.reason), ("a ticket", &policy.ticket)];
    let told = told
        .into_iter()
        .filter_map(|(what, requirement)| demand(what, requirement.as_ref()?));
    told.collect::<Vec<_>>().join(", ")
}

fn demand(what: &str, it: &Requirement) -> Option<String> {
    match (it.required, it.pattern.as_str()) {
        (false, "") => None,
        (true, "") => Some(what.to_owned()),
        (true, pattern) => Some(format!("{what} like /{pattern}/")),
        (false, pattern) => Some(format!("{what} like /{pattern}/, if any")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_tells_what_commands_must_carry() {
        let reason = Requirement {
            required: true,
            pattern: String::new(),
        };
        let ticket = Requirement {
            required: true,
            pattern: "OPS-[0-9]+".to_owned(),
        };
        let policy = Policy {
            reason: Some(reason),
            ticket: Some(ticket),
            ..Policy::default()
        };
        assert_eq!(required(&policy), "a reason, a ticket like /OPS-[0-9]+/");
        assert_eq!(required(&Policy::default()), "");
    }
}
