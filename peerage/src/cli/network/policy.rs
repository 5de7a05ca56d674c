//! `peerage network policy`: what the engine may do by itself, and what commands must carry.

use super::Subject;
use crate::{
    api::v1::{self, DriftPolicy, policy::Exposure},
    cli::CliError,
};
use clap::{ArgGroup, Args, ValueEnum};
use humantime_serde::re::humantime;
use serde::{Deserialize, Serialize};
use std::{str::FromStr, time::Duration};

/// How drift is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnDrift {
    /// Restore the desired state.
    Repair,
    /// Record the drift and leave it.
    Report,
    /// Accept what was found as the desired state.
    Adopt,
}

/// How exposures are handled: other owners' rules that admit the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnExposure {
    /// Record the exposure and leave it.
    Report,
    /// Revoke it where it is in one of the named groups.
    Enforce,
    /// Close the routes into the peer while it stands.
    Block,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SetPolicy {
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// What is to change of a policy. What is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[command(group = ArgGroup::new("change").multiple(true).required(true))]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct PolicyArgs {
    /// How to handle drift: what differs from the desired state.
    #[arg(long, group = "change", value_name = "HOW")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drift: Option<OnDrift>,
    /// How to handle exposures: other owners' rules that admit the other side.
    #[arg(long, group = "change", value_name = "HOW")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exposure: Option<OnExposure>,
    /// A firewall group whose owner agreed to `enforce`, like sg-0a1b2c3d; again for more.
    #[arg(long = "group", value_name = "GROUP", requires = "exposure")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    /// Require a reason of commands, which the whole of this regular expression must match, if
    /// there is one, like '.{10,}'.
    #[arg(
        long, group = "change", value_name = "PATTERN", num_args = 0..=1, require_equals = true, default_missing_value = ""
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    require_reason: Option<String>,
    /// Require no reason any longer.
    #[arg(long, group = "change", conflicts_with = "require_reason")]
    #[serde(skip)]
    no_require_reason: bool,
    /// Require a ticket of commands, which the whole of this regular expression must match, if
    /// there is one, like 'OPS-[0-9]+'.
    #[arg(
        long, group = "change", value_name = "PATTERN", num_args = 0..=1, require_equals = true, default_missing_value = ""
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    require_ticket: Option<String>,
    /// Require no ticket any longer.
    #[arg(long, group = "change", conflicts_with = "require_ticket")]
    #[serde(skip)]
    no_require_ticket: bool,
    /// Require an owner of every peering that is requested or adopted.
    #[arg(long, group = "change")]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    require_owner: bool,
    /// Require no owner any longer.
    #[arg(long, group = "change", conflicts_with = "require_owner")]
    #[serde(skip)]
    no_require_owner: bool,
    /// Require an end of every peering, at most so long from the command, like 90d; `none` for no
    /// maximum.
    #[arg(long, group = "change", value_name = "DURATION|none")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    longest_peering: Option<Longest>,
    /// The same of every source that is admitted, and of connector ingress, like 24h.
    #[arg(long, group = "change", value_name = "DURATION|none")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    longest_admission: Option<Longest>,
    /// What happens at the end of a peering. What is admitted is closed at its end in any case.
    #[arg(long, group = "change", value_name = "WHAT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_end: Option<AtEnd>,
}

/// What happens at the end of a peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AtEnd {
    /// Remove it.
    Remove,
    /// Record that it has come, and leave the peering.
    Report,
}

/// A maximum in seconds; none is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Longest(u64);

impl FromStr for Longest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(0));
        }
        let span = humantime::parse_duration(text).ok().map(|it| it.as_secs());
        let span = span.filter(|it| *it > 0);
        span.map(Self)
            .ok_or_else(|| "write a duration like 24h or 90d, or none".to_owned())
    }
}

impl TryFrom<String> for Longest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Longest> for String {
    fn from(it: Longest) -> Self {
        match it.0 {
            0 => "none".to_owned(),
            seconds => humantime::format_duration(Duration::from_secs(seconds))
                .to_string()
                .replace(' ', ""),
        }
    }
}

impl SetPolicy {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (mut servers, network_id) = self.subject.open().await?;
        let get = v1::GetNetworkRequest {
            network_id: network_id.clone(),
            ..Default::default()
        };
        let network = servers.read(get).await?.network.unwrap_or_default();
        let policy = self.policy.changed(network.policy.unwrap_or_default());
        let message = v1::SetPolicyRequest {
            network_id,
            policy: Some(policy),
            ..Default::default()
        };
        self.subject.send(&mut servers, message).await
    }
}

impl PolicyArgs {
    /// All of a policy.
    pub(in crate::cli) fn of(policy: &v1::Policy) -> Self {
        let pattern = |it: &Option<v1::Requirement>| {
            let required = it.as_ref().filter(|it| it.required);
            required.map(|it| it.pattern.clone())
        };
        let tenure = policy.tenure.unwrap_or_default();
        let most = |seconds: u64| (seconds > 0).then_some(Longest(seconds));
        let (exposure, groups) = match &policy.exposure {
            None => (None, Vec::new()),
            Some(Exposure::ReportExposures(_)) => (Some(OnExposure::Report), Vec::new()),
            Some(Exposure::BlockExposures(_)) => (Some(OnExposure::Block), Vec::new()),
            Some(Exposure::EnforceExposures(it)) => (Some(OnExposure::Enforce), it.groups.clone()),
        };
        Self {
            drift: match policy.drift() {
                DriftPolicy::Unspecified => None,
                DriftPolicy::Repair => Some(OnDrift::Repair),
                DriftPolicy::Report => Some(OnDrift::Report),
                DriftPolicy::Adopt => Some(OnDrift::Adopt),
            },
            exposure,
            groups,
            require_reason: pattern(&policy.reason),
            require_ticket: pattern(&policy.ticket),
            require_owner: tenure.owner_required,
            longest_peering: most(tenure.longest_peering_seconds),
            longest_admission: most(tenure.longest_admission_seconds),
            at_end: (tenure.at_end() == v1::AtEnd::Report).then_some(AtEnd::Report),
            ..Self::default()
        }
    }

    /// The policy with what is named changed.
    pub(in crate::cli) fn changed(&self, mut policy: v1::Policy) -> v1::Policy {
        if let Some(drift) = self.drift {
            policy.set_drift(match drift {
                OnDrift::Repair => DriftPolicy::Repair,
                OnDrift::Report => DriftPolicy::Report,
                OnDrift::Adopt => DriftPolicy::Adopt,
            });
        }
        if let Some(exposure) = self.exposure {
            policy.exposure = Some(match exposure {
                OnExposure::Report => Exposure::ReportExposures(v1::ReportExposures {}),
                OnExposure::Block => Exposure::BlockExposures(v1::BlockExposures {}),
                OnExposure::Enforce => {
                    let groups = self.groups.clone();
                    Exposure::EnforceExposures(v1::EnforceExposures { groups })
                }
            });
        }
        let required = |pattern: &String| v1::Requirement {
            required: true,
            pattern: pattern.clone(),
        };
        if self.no_require_reason || self.require_reason.is_some() {
            policy.reason = self.require_reason.as_ref().map(required);
        }
        if self.no_require_ticket || self.require_ticket.is_some() {
            policy.ticket = self.require_ticket.as_ref().map(required);
        }
        let before = policy.tenure.unwrap_or_default();
        let after = self.tenure(before);
        if after != before {
            policy.tenure = Some(after);
        }
        policy
    }

    fn tenure(&self, mut tenure: v1::TenurePolicy) -> v1::TenurePolicy {
        if self.require_owner || self.no_require_owner {
            tenure.owner_required = self.require_owner;
        }
        if let Some(Longest(seconds)) = self.longest_peering {
            tenure.longest_peering_seconds = seconds;
        }
        if let Some(Longest(seconds)) = self.longest_admission {
            tenure.longest_admission_seconds = seconds;
        }
        if let Some(at_end) = self.at_end {
            tenure.set_at_end(match at_end {
                AtEnd::Remove => v1::AtEnd::Remove,
                AtEnd::Report => v1::AtEnd::Report,
            });
        }
        tenure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        policy: SetPolicy,
    }

    fn changed(arguments: &[&str], before: v1::Policy) -> v1::Policy {
        let line = Line::try_parse_from([&["policy", "orders"], arguments].concat()).unwrap();
        line.policy.policy.changed(before)
    }

    #[test]
    fn what_is_not_named_stays() {
        let reason = Some(v1::Requirement {
            required: true,
            pattern: String::new(),
        });
        let before = v1::Policy {
            reason: reason.clone(),
            ..v1::Policy::default()
        };
        let after = changed(&["--drift", "adopt", "--require-ticket=OPS-[0-9]+"], before);
        assert_eq!(
            (after.drift(), &after.reason),
            (DriftPolicy::Adopt, &reason)
        );
        assert_eq!(after.ticket.as_ref().unwrap().pattern, "OPS-[0-9]+");
        let after = changed(&["--no-require-reason"], after);
        assert_eq!((after.drift(), after.reason), (DriftPolicy::Adopt, None));
        assert!(after.ticket.is_some());
    }

    #[test]
    fn owners_and_ends_are_asked_for_and_no_longer() {
        let asked = [
            "--require-owner",
            "--longest-peering",
            "90d",
            "--at-end",
            "report",
        ];
        let after = changed(&asked, v1::Policy::default());
        let tenure = after.tenure.unwrap();
        assert!(tenure.owner_required);
        assert_eq!(tenure.longest_peering_seconds, 90 * 86_400);
        assert_eq!(tenure.at_end(), v1::AtEnd::Report);
        let written = PolicyArgs::of(&after);
        assert_eq!(written.changed(v1::Policy::default()).tenure, after.tenure);
        let no_more = ["--no-require-owner", "--longest-peering", "none"];
        let tenure = changed(&no_more, after).tenure.unwrap();
        assert_eq!(
            (tenure.owner_required, tenure.longest_peering_seconds),
            (false, 0)
        );
        assert_eq!(tenure.at_end(), v1::AtEnd::Report);
        assert!(Line::try_parse_from(["policy", "orders", "--longest-peering", "0s"]).is_err());
    }

    #[test]
    fn a_pattern_may_be_left_out_and_a_change_may_not() {
        let after = changed(&["--require-reason"], v1::Policy::default());
        let required = v1::Requirement {
            required: true,
            pattern: String::new(),
        };
        assert_eq!(after.reason, Some(required));
        assert!(Line::try_parse_from(["policy", "orders"]).is_err());
    }
}
