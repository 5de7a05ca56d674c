//! Arguments that several commands take: how they are written, and what they mean.

use super::CliError;
use crate::api::v1::{self, PeeringState};
use chrono::{DateTime, TimeDelta, Utc};
use clap::{
    ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use humantime_serde::re::humantime;
use prost_types::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where KurrentDB listens for clients.
const KURRENTDB: u32 = 2113;

/// One end of a peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Side {
    /// The private network.
    Local,
    /// The peer.
    Remote,
}

impl Side {
    /// The side that the API names.
    pub(super) fn of(side: v1::Side) -> Self {
        match side {
            v1::Side::Remote => Self::Remote,
            v1::Side::Local | v1::Side::Unspecified => Self::Local,
        }
    }
}

impl From<Side> for v1::Side {
    fn from(side: Side) -> Self {
        match side {
            Side::Local => Self::Local,
            Side::Remote => Self::Remote,
        }
    }
}

/// Whether something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    /// Switch it on.
    On,
    /// Switch it off.
    Off,
}

/// An option of one side's half of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LinkOption {
    /// AWS: the side's names resolve to private addresses on the other side.
    DnsResolution,
    /// GCP: tell the other side the custom routes.
    ExportCustomRoutes,
    /// GCP: take the custom routes that the other side exports.
    ImportCustomRoutes,
    /// GCP: exchange IPv6 ranges as well; both sides need it.
    DualStack,
    /// Azure: take packets that did not begin in the other network.
    ForwardedTraffic,
    /// Azure: lend the gateway to the other side.
    GatewayTransit,
    /// Azure: use the other side's gateway, which gateway-transit lends.
    RemoteGateways,
    /// Azure: follow the other network when its ranges change.
    AddressSpaceSync,
    /// Azure: open the half; it is made closed, and opens once the firewall denies the other side.
    VirtualNetworkAccess,
    /// AWS, between regions: send traffic over several paths at once, at extra cost; both sides
    /// need it.
    MultipathResilience,
}

impl LinkOption {
    /// The option that the API names.
    pub(super) fn of(option: v1::LinkOption) -> Option<Self> {
        let is_it = |it: &&Self| v1::LinkOption::from(**it) == option;
        Self::value_variants().iter().find(is_it).copied()
    }
}

impl From<LinkOption> for v1::LinkOption {
    fn from(option: LinkOption) -> Self {
        match option {
            LinkOption::DnsResolution => Self::DnsResolution,
            LinkOption::ExportCustomRoutes => Self::ExportCustomRoutes,
            LinkOption::ImportCustomRoutes => Self::ImportCustomRoutes,
            LinkOption::DualStack => Self::DualStack,
            LinkOption::ForwardedTraffic => Self::ForwardedTraffic,
            LinkOption::GatewayTransit => Self::GatewayTransit,
            LinkOption::RemoteGateways => Self::RemoteGateways,
            LinkOption::AddressSpaceSync => Self::AddressSpaceSync,
            LinkOption::VirtualNetworkAccess => Self::VirtualNetworkAccess,
            LinkOption::MultipathResilience => Self::MultipathResilience,
        }
    }
}

/// An option that is on, and whose half it is of, like `local:gateway-transit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct SideOption {
    pub(super) side: Side,
    pub(super) option: LinkOption,
}

impl FromStr for SideOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((side, option)) = text.split_once(':') else {
            return Err("it is SIDE:OPTION, like local:gateway-transit".to_owned());
        };
        Ok(Self {
            side: <Side as ValueEnum>::from_str(side, false)?,
            option: <LinkOption as ValueEnum>::from_str(option, false)?,
        })
    }
}

impl TryFrom<String> for SideOption {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<SideOption> for String {
    fn from(it: SideOption) -> Self {
        it.to_string()
    }
}

impl fmt::Display for SideOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = self.side.to_possible_value();
        let option = self.option.to_possible_value();
        let name = |it: &Option<PossibleValue>| {
            it.as_ref()
                .map(|it| it.get_name().to_owned())
                .unwrap_or_default()
        };
        write!(f, "{}:{}", name(&side), name(&option))
    }
}

impl From<SideOption> for v1::LinkOptionSpec {
    fn from(it: SideOption) -> Self {
        Self {
            side: v1::Side::from(it.side).into(),
            option: v1::LinkOption::from(it.option).into(),
        }
    }
}

/// A cloud provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Provider {
    /// Amazon Web Services.
    #[default]
    Aws,
    /// Google Cloud.
    Gcp,
    /// Microsoft Azure.
    Azure,
}

impl Provider {
    /// The provider that the API names.
    pub(super) fn of(provider: v1::Provider) -> Self {
        match provider {
            v1::Provider::Gcp => Self::Gcp,
            v1::Provider::Azure => Self::Azure,
            v1::Provider::Aws | v1::Provider::Unspecified => Self::Aws,
        }
    }
}

impl From<Provider> for v1::Provider {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Aws => Self::Aws,
            Provider::Gcp => Self::Gcp,
            Provider::Azure => Self::Azure,
        }
    }
}

impl Provider {
    /// The region that was given, where a network of this provider is in one: then it has to be.
    pub(super) fn region(self, given: Option<&str>) -> Result<String, CliError> {
        let given = given.unwrap_or_default();
        let (of, like) = match self {
            Self::Gcp => return Ok(given.to_owned()),
            Self::Aws => ("AWS", "eu-west-1"),
            Self::Azure => ("Azure", "westeurope"),
        };
        if given.is_empty() {
            let text = format!(
                "--region REGION is missing: a network of {of} is in a region, like {like}"
            );
            return Err(CliError::usage(text));
        }
        Ok(given.to_owned())
    }
}

/// A time to come: as such (RFC 3339), or by how far off it is, like 72h.
pub(super) fn time_to_come(text: &str) -> Result<DateTime<Utc>, String> {
    time(text, |now, span| now.checked_add_signed(span))
        .ok_or("write a duration like 72h or 30d, or a time like 2026-03-01T09:00:00Z".to_owned())
}

/// A time gone by: as such (RFC 3339), or by how long ago it was, like 24h.
pub(super) fn time_gone(text: &str) -> Result<DateTime<Utc>, String> {
    time(text, |now, span| now.checked_sub_signed(span)).ok_or(
        "write how long ago, like 24h or 30d, or a time like 2026-03-01T09:00:00Z".to_owned(),
    )
}

fn time(
    text: &str,
    from_now: impl Fn(DateTime<Utc>, TimeDelta) -> Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let span = TimeDelta::from_std(humantime::parse_duration(text).ok()?).ok()?;
    from_now(Utc::now(), span)
}

/// A time as the API takes it, to the second.
pub(super) fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: 0,
    }
}

/// A source of the peer's, and the port that it may reach: 10.30.0.0/16, 10.30.0.0/16:5432, or a
/// group, 210987654321/sg-0e1f2a3b4c5d6e7f8. The colons of IPv6 stand before its prefix.
pub(super) fn admitted(text: &str) -> Result<v1::InboundRule, String> {
    let behind = text.find('/').unwrap_or_default();
    let port = text.get(behind..).and_then(|it| it.rfind(':'));
    let parts = port.and_then(|at| text.get(..behind + at).zip(text.get(behind + at + 1..)));
    let (source, port) = match parts {
        None => (text, Ok(KURRENTDB)),
        Some((range, port)) => (range, port.parse::<u16>().map(u32::from)),
    };
    match port {
        Ok(port) if !source.is_empty() => Ok(v1::InboundRule {
            source: source.to_owned(),
            port,
            ..Default::default()
        }),
        Ok(_) | Err(_) => Err("write SOURCE or SOURCE:PORT, like 10.30.0.0/16:2113".to_owned()),
    }
}

/// The states of a peering, by their names.
const STATES: [(&str, PeeringState); 12] = [
    ("requested", PeeringState::Requested),
    ("initiating", PeeringState::Initiating),
    ("awaiting_acceptance", PeeringState::AwaitingAcceptance),
    ("provisioning", PeeringState::Provisioning),
    ("active", PeeringState::Active),
    ("removing", PeeringState::Removing),
    ("abandoning", PeeringState::Abandoning),
    ("rejected", PeeringState::Rejected),
    ("expired", PeeringState::Expired),
    ("failed", PeeringState::Failed),
    ("removed", PeeringState::Removed),
    ("abandoned", PeeringState::Abandoned),
];

/// The state of a peering, by its name.
pub(super) fn peering_state() -> impl TypedValueParser<Value = PeeringState> {
    PossibleValuesParser::new(STATES.map(|(name, _)| name)).map(|text| {
        let named = STATES.into_iter().find(|(name, _)| *name == text);
        named.map(|(_, state)| state).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, Command};

    #[test]
    fn a_time_is_a_time_or_a_span() {
        let at = time_to_come("2026-03-01T09:00:00+01:00").unwrap();
        assert_eq!(
            timestamp(at),
            Timestamp {
                seconds: 1_772_352_000,
                nanos: 0
            }
        );
        assert!(time_to_come("72h").unwrap() > Utc::now() + TimeDelta::hours(71));
        assert!(time_gone("2d").unwrap() < Utc::now() - TimeDelta::hours(47));
        for wrong in ["", "soon", "2026-03-01", "-1h"] {
            assert!(time_to_come(wrong).unwrap_err().contains("72h"), "{wrong}");
            assert!(time_gone(wrong).unwrap_err().contains("24h"), "{wrong}");
        }
    }

    #[test]
    fn what_is_admitted_is_a_range_and_a_port_that_may_be_left_out() {
        let rule = |source: &str, port| {
            Ok(v1::InboundRule {
                source: source.to_owned(),
                port,
                ..Default::default()
            })
        };
        assert_eq!(admitted("10.30.0.0/16"), rule("10.30.0.0/16", 2113));
        assert_eq!(admitted("10.30.0.0/16:80"), rule("10.30.0.0/16", 80));
        assert_eq!(admitted("fd00:30::/56"), rule("fd00:30::/56", 2113));
        assert_eq!(admitted("fd00:30::/56:80"), rule("fd00:30::/56", 80));
        let group = "210987654321/sg-0e1f2a3b4c5d6e7f8";
        assert_eq!(admitted(group), rule(group, 2113));
        assert_eq!(admitted(&format!("{group}:80")), rule(group, 80));
        for wrong in [
            "10.30.0.0/16:",
            "10.30.0.0/16:x",
            "fd00:30::/56:",
            "10.30.0.0/16:70000",
            ":80",
        ] {
            assert!(
                admitted(wrong).unwrap_err().contains("SOURCE:PORT"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_state_is_named_as_the_api_names_it() {
        let command = Command::new("x").arg(Arg::new("state").value_parser(peering_state()));
        let state = |text: &str| {
            let matches = command.clone().try_get_matches_from(["x", text]);
            matches.map(|it| it.get_one::<PeeringState>("state").copied())
        };
        assert_eq!(state("active").unwrap(), Some(PeeringState::Active));
        assert_eq!(
            state("awaiting_acceptance").unwrap(),
            Some(PeeringState::AwaitingAcceptance)
        );
        assert_eq!(state("abandoned").unwrap(), Some(PeeringState::Abandoned));
        assert!(state("unspecified").is_err() && state("nonsense").is_err());
        for number in 1.. {
            let Ok(known) = PeeringState::try_from(number) else {
                break;
            };
            let word = crate::cli::output::word(known).replace(' ', "_");
            assert_eq!(state(&word).unwrap(), Some(known));
        }
    }
}
