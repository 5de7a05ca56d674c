//! Quotas of the service `vpc` in the port's words.

use crate::ec2::VpcQuota;
use domain::SeenQuotas;

/// What is told of those that the engine goes by (AWS: VPC quotas, 2026).
pub(crate) fn quotas(all: &[VpcQuota]) -> SeenQuotas {
    let told = |code: &str| {
        let found = all.iter().find(|it| it.code == code)?;
        whole(found.value)
    };
    SeenQuotas {
        links: told("L-7E9ECCDB"),
        pending_links: told("L-DC9F7029"),
        routes: told("L-93826ACB"),
        rules: told("L-0EA8095F"),
        groups_of_interface: told("L-2AFB9258"),
    }
}

/// A number of things. What is none, or more than there can be of anything, is not believed.
fn whole(value: f64) -> Option<u32> {
    let is_one = value.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&value);
    // Within these bounds the conversion is exact.
    is_one.then_some(value as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: &str, value: f64) -> VpcQuota {
        VpcQuota {
            code: code.to_owned(),
            value,
        }
    }

    #[test]
    fn each_quota_is_told_by_its_code_and_one_that_is_not_told_is_unknown() {
        let all = [
            told("L-F678F1CE", 5.0),
            told("L-7E9ECCDB", 125.0),
            told("L-DC9F7029", 30.0),
            told("L-93826ACB", 1000.0),
            told("L-0EA8095F", 100.0),
        ];
        let expected = SeenQuotas {
            links: Some(125),
            pending_links: Some(30),
            routes: Some(1000),
            rules: Some(100),
            groups_of_interface: None,
        };
        assert_eq!(quotas(&all), expected);
        assert_eq!(
            quotas(&[told("L-2AFB9258", 16.0)]).groups_of_interface,
            Some(16)
        );
        assert_eq!(quotas(&[]), SeenQuotas::default());
    }

    #[test]
    fn a_value_that_is_no_number_of_things_is_not_believed() {
        for value in [0.0, -1.0, 0.5, f64::NAN, f64::INFINITY, 1e12] {
            assert_eq!(quotas(&[told("L-7E9ECCDB", value)]).links, None, "{value}");
        }
    }
}
