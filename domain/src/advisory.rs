//! Things that are true of a link and that its owner should know before they hurt.
//!
//! Advisories follow from the two places alone; they never refuse anything.

use crate::{network::Peering, network::Registered};
use serde::Serialize;

/// One thing to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advisory {
    /// A stable code, for programs.
    pub code: &'static str,
    /// The same for people: what it means and what it may cost.
    pub message: String,
}

/// Another region costs more and takes longer (AWS: from about 0.02 USD per GB between regions, 0.01 USD per GB each way between
/// zones of one region; list prices, estimate of 2026).
pub const CROSS_REGION: &str = "CROSS_REGION";
/// A peering joins two networks and no third.
pub const NON_TRANSITIVE: &str = "NON_TRANSITIVE";
/// The provider's quota of links is nearly used up.
pub const QUOTA_HEADROOM: &str = "QUOTA_HEADROOM";

/// What the owner of this network should know about this peering.
pub fn advisories(network: &Registered, peering: &Peering) -> Vec<Advisory> {
    let live = network.live_peerings().count();
    let mut advisories = for_places(network.region.as_str(), peering.peer.region.as_str());
    if live * 5 > crate::network::LIVE_PEERINGS * 4 {
        advisories.push(Advisory {
            code: QUOTA_HEADROOM,
            message: format!("{live} of {} possible live peerings of this network are in use", crate::network::LIVE_PEERINGS),
        });
    }
    advisories
}

/// What follows from the two regions of a link.
pub fn for_places(local: &str, remote: &str) -> Vec<Advisory> {
    let cross_region = (local != remote).then(|| Advisory {
        code: CROSS_REGION,
        message: format!(
            "{local} and {remote} are different regions: round trips take tens of milliseconds and traffic costs from about \
             0.02 USD per GB (estimate, list price, 2026)"
        ),
    });
    cross_region.into_iter().chain([non_transitive()]).collect()
}

fn non_transitive() -> Advisory {
    Advisory {
        code: NON_TRANSITIVE,
        message: "a peering is not transitive: networks, VPNs and gateways behind the peer do not reach the private network".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_link_between_regions_is_called_cross_region() {
        let codes = |local, remote| for_places(local, remote).into_iter().map(|it| it.code).collect::<Vec<_>>();
        assert_eq!(codes("eu-west-1", "eu-west-1"), [NON_TRANSITIVE]);
        assert_eq!(codes("eu-west-1", "us-east-1"), [CROSS_REGION, NON_TRANSITIVE]);
    }
}
