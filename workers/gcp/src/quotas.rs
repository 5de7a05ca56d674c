//! What a project allows, as the Cloud Quotas API tells.
//!
//! The API is one of its own, which a project may not have enabled: then it is refused like
//! without the permission. Quotas of a peering group are not told as they hold: what holds is made
//! of the numbers of all networks of the group ("Effective limits for per-peering group quotas").

use crate::{
    Asked,
    compute::{Compute, model::ProjectQuota},
};
use cloud::{CloudError, CloudErrorKind};
use domain::SeenQuotas;

/// Asks for the project.
pub(crate) async fn told(compute: &Compute, asked: &Asked<'_>) -> Result<SeenQuotas, CloudError> {
    let all = compute.quotas(asked.project()).await;
    let all = all.map_err(|error| {
        // Something that has no such list, as it says, or says nothing that is understood.
        if let CloudErrorKind::NotFound = error.kind {
            asked.unsupported("quotas are not told there")
        } else {
            asked.failed(error)
        }
    })?;
    let told = quotas(&all.unwrap_or_default());
    if told == SeenQuotas::default() {
        return Err(asked.unsupported("no quota is told there"));
    }
    Ok(told)
}

/// What is told of those that the engine goes by ("VPC quotas", 2026). The rules of a network's
/// firewall are counted in its project.
fn quotas(all: &[ProjectQuota]) -> SeenQuotas {
    SeenQuotas {
        links: least(all, "compute.googleapis.com/peerings_per_network"),
        rules: least(all, "compute.googleapis.com/firewalls"),
        ..SeenQuotas::default()
    }
}

/// The least number that any network has of it, where some have others than all. What is none, or
/// without end, is not believed.
fn least(all: &[ProjectQuota], metric: &str) -> Option<u32> {
    let found = all.iter().filter(|it| it.metric == metric);
    let numbers = found.flat_map(|it| &it.dimensions_infos);
    let numbers = numbers.filter_map(|it| it.details.value.parse().ok());
    numbers.filter(|it| *it > 0).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(metric: &str, values: &[&str]) -> ProjectQuota {
        let dimensions: Vec<_> = values
            .iter()
            .map(|it| serde_json::json!({ "details": { "value": it }, "applicableLocations": ["global"] }))
            .collect();
        serde_json::from_value(serde_json::json!({
            "quotaId": "Q", "metric": metric, "isPrecise": true, "dimensionsInfos": dimensions,
        }))
        .unwrap()
    }

    #[test]
    fn each_quota_is_told_by_its_metric_and_one_that_is_not_told_is_unknown() {
        let all = [
            info("compute.googleapis.com/networks", &["15"]),
            info("compute.googleapis.com/peerings_per_network", &["60", "25"]),
            info("compute.googleapis.com/firewalls", &["300"]),
        ];
        let expected = SeenQuotas {
            links: Some(25),
            rules: Some(300),
            ..SeenQuotas::default()
        };
        assert_eq!(quotas(&all), expected);
        assert_eq!(quotas(&all[..1]), SeenQuotas::default());
    }

    #[test]
    fn a_value_that_is_no_number_of_things_is_not_believed() {
        for value in ["", "0", "-1", "many", "99999999999"] {
            let all = [info("compute.googleapis.com/firewalls", &[value])];
            assert_eq!(quotas(&all), SeenQuotas::default(), "{value}");
        }
    }
}
