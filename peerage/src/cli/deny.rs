//! `peerage firewall deny` and `stop-denying`: entries that deny, in the lists in front of subnets.

use super::{CliError, args::Side, peering::Subject, terminal};
use crate::api::v1;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

/// What it breaks, told before anything is asked for.
const WHAT_IT_BREAKS: &str = "\
Entries in the network ACLs in front of these subnets will deny what comes from the other side's ranges. They
deny by address alone, over whatever path a packet comes, and remember no connection:
- where nothing is admitted in either direction, everything from there is denied: answers to connections that
  these subnets open to it, ping, and the ICMP messages by which a path tells its largest packet
- otherwise UDP and all TCP ports but the admitted ones are denied; ICMP and other protocols stay with the
  security groups, and so do TCP ports from 1024 up where these subnets may open connections over the link,
  since answers come to those
- each entry counts towards the quota of its list, and has a number below those of entries that allow
Nothing that a list lets through today is opened by it, and nobody else's entry is changed.";

/// What denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DenyWith {
    /// Entries in the network ACLs in front of the subnets (AWS).
    NetworkAcl,
}

#[derive(Debug, Args)]
pub(super) struct Deny {
    #[command(flatten)]
    subject: Subject,
    /// The side whose subnets they are.
    #[arg(long, default_value = "local", value_name = "SIDE")]
    side: Side,
    /// What denies, like network-acl.
    #[arg(long, value_name = "WHAT")]
    deny_with: DenyWith,
    /// A subnet, like subnet-0a1b2c3d4e5f60718; again for more. All subnets of a list are named, or
    /// it is left as it is.
    #[arg(long = "subnet", value_name = "SUBNET", required = true)]
    subnets: Vec<String>,
    /// Go on without being told what it breaks, and without being asked.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct StopDenying {
    #[command(flatten)]
    subject: Subject,
    /// The side whose subnets they are.
    #[arg(long, default_value = "local", value_name = "SIDE")]
    side: Side,
}

impl DenyWith {
    /// Tells what such denials break.
    pub(super) fn note_what_it_breaks(self) {
        match self {
            Self::NetworkAcl => terminal::note(WHAT_IT_BREAKS),
        }
    }
}

impl Deny {
    pub(super) async fn run(self) -> Result<(), CliError> {
        if !self.yes {
            self.deny_with.note_what_it_breaks();
            terminal::confirm("Deny there?")?;
        }
        let command = |peering_id| v1::DenyWithListsRequest {
            peering_id,
            side: v1::Side::from(self.side).into(),
            subnets: self.subnets,
            ..Default::default()
        };
        self.subject.send(command).await
    }
}

impl StopDenying {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let command = |peering_id| v1::StopDenyingRequest {
            peering_id,
            side: v1::Side::from(self.side).into(),
            ..Default::default()
        };
        self.subject.send(command).await
    }
}
