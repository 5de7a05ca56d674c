//! What a subscription allows in a region, as Resource Manager tells beside what is used of it.

use crate::{
    arm::{Arm, model::Usage},
    refusals::Asked,
};
use cloud::{CloudError, CloudErrorKind};
use domain::{SeenQuotas, text::CloudNetwork};

/// Asks for the subscription that this network is in.
pub(crate) async fn told(
    arm: &Arm,
    asked: &Asked<'_>,
    of: &CloudNetwork,
) -> Result<SeenQuotas, CloudError> {
    let id = asked.vnet(of)?;
    let path = format!(
        "/subscriptions/{}/providers/Microsoft.Network/locations/{}/usages",
        id.subscription(),
        asked.at.region
    );
    let all = arm.list::<Usage>(asked.by(), &path).await;
    let told = quotas(&all.map_err(|error| asked.failed(error))?);
    if told == SeenQuotas::default() {
        // An emulator may have no usages, and then answers with none or as of a path that it lacks.
        let error = asked.error(CloudErrorKind::Unsupported);
        return Err(error.message("no quota is told there"));
    }
    Ok(told)
}

/// What is told of those that the engine goes by. Azure has the names in its published examples of
/// `Usages_List`; it compares names without regard to case.
fn quotas(all: &[Usage]) -> SeenQuotas {
    let told = |name: &str| {
        let found = all
            .iter()
            .find(|it| it.name.value.eq_ignore_ascii_case(name))?;
        // What is none, or more than there can be of anything, is not believed.
        u32::try_from(found.limit).ok().filter(|it| *it > 0)
    };
    SeenQuotas {
        links: told("PeeringsPerVirtualNetwork"),
        routes: told("RoutesPerRouteTable"),
        rules: told("SecurityRulesPerNetworkSecurityGroup"),
        ..SeenQuotas::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usages(all: &[(&str, i64)]) -> Vec<Usage> {
        let one = |(name, limit): &(&str, i64)| {
            serde_json::json!({
                "currentValue": 0, "id": "/u", "limit": limit, "unit": "Count",
                "name": {"localizedValue": "Words", "value": name},
            })
        };
        let all: Vec<_> = all.iter().map(one).collect();
        serde_json::from_value(all.into()).unwrap()
    }

    #[test]
    fn each_quota_is_told_by_its_name_and_one_that_is_not_told_is_unknown() {
        let all = usages(&[
            ("VirtualNetworks", 1000),
            ("peeringsPerVirtualNetwork", 1000),
            ("SecurityRulesPerNetworkSecurityGroup", 200),
            ("SecurityRuleAddressesOrPortsPerNetworkSecurityGroup", 4000),
            ("RoutesPerRouteTable", 400),
        ]);
        let expected = SeenQuotas {
            links: Some(1000),
            routes: Some(400),
            rules: Some(200),
            ..SeenQuotas::default()
        };
        assert_eq!(quotas(&all), expected);
        let others = usages(&[("RouteTables", 200)]);
        assert_eq!(quotas(&others), SeenQuotas::default());
    }

    #[test]
    fn a_limit_that_is_no_number_of_things_is_not_believed() {
        for limit in [0, -1, i64::MAX] {
            let all = usages(&[("RoutesPerRouteTable", limit)]);
            assert_eq!(quotas(&all), SeenQuotas::default(), "{limit}");
        }
    }
}
