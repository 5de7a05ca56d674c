//! Connector ingress: target ports that are open to the private network.

use super::{firewall::rule, texts};
use crate::api::{time::timestamp, v1};
use domain::network::Peering;

pub(super) fn ingress(peering: &Peering) -> Vec<v1::Ingress> {
    peering
        .ingress
        .iter()
        .map(|(id, it)| v1::Ingress {
            ingress_id: id.to_string(),
            target: it.target.to_string(),
            rule: Some(rule(&it.rule)),
            also: it.also.iter().map(rule).collect(),
            kept_open_by: texts(peering.kept_open_by(*id)),
            reason: it.reason.to_string(),
            allowed_at: Some(timestamp(it.allowed_at)),
            expires_at: it.expires_at.map(timestamp),
        })
        .collect()
}
