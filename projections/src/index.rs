//! What can be looked for across networks: columns and rows derived from folded states, here and
//! nowhere else.

use chrono::{DateTime, Utc};
use domain::{
    Side,
    network::{BlockCause, DriftKind, Exposed, LifeName, Peering, Registered},
};

/// The columns of a network's row.
#[derive(Debug)]
pub(crate) struct NetworkIndex<'a> {
    pub(crate) name: &'a str,
    pub(crate) project: &'a str,
    pub(crate) account: &'a str,
    pub(crate) provider: &'static str,
    pub(crate) retired: bool,
    pub(crate) orphans: usize,
}

impl<'a> NetworkIndex<'a> {
    pub(crate) fn of(network: &'a Registered) -> Self {
        Self {
            name: network.name.as_str(),
            project: network.project.as_str(),
            account: network.account.as_str(),
            provider: network.provider.as_str(),
            retired: network.retired.is_some(),
            orphans: network.orphans.len(),
        }
    }
}

/// The columns of a peering's row, and the rows of its exposures and its drift.
#[derive(Debug)]
pub(crate) struct PeeringIndex<'a> {
    pub(crate) life: LifeName,
    pub(crate) live: bool,
    pub(crate) converged: bool,
    pub(crate) blocked: Option<BlockCause>,
    pub(crate) account: &'a str,
    /// What differs from the desired state, and since when.
    pub(crate) drift: Vec<(&'a DriftKind, &'a DateTime<Utc>)>,
    /// Nobody looks at what an ended peering was exposed to.
    pub(crate) exposures: Vec<(Side, &'a Exposed)>,
}

impl<'a> PeeringIndex<'a> {
    pub(crate) fn of(peering: &'a Peering) -> Self {
        let live = peering.life.is_live();
        let exposures = peering.firewall.iter().flat_map(|(side, firewall)| {
            firewall
                .exposures
                .values()
                .map(move |exposed| (side, exposed))
        });
        Self {
            life: peering.life.name(),
            live,
            converged: peering.is_converged(),
            blocked: peering.blocked.as_ref().map(|it| it.cause),
            account: peering.peer.account.as_str(),
            drift: peering.drift.iter().collect(),
            exposures: exposures.filter(|_| live).collect(),
        }
    }
}
