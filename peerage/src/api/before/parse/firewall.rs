//! Commands about what a side admits from a link.

use super::{Addressed, ENTRIES, Envelope, Fields};
use crate::api::v0 as v1;
use domain::network::{
    AllowConnectorIngress, InboundRule, RestrictFirewall, RevokeConnectorIngress,
};
use tonic::Status;

pub(in crate::api) fn restrict_firewall(
    request: &v1::RestrictFirewallRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let (peering_id, side) = (
        fields.id("peering_id", &request.peering_id),
        fields.take("side", &request.side),
    );
    let admit = inbound_rules(&mut fields, &request.admit);
    let parsed = (|| {
        Some(envelope?.with(RestrictFirewall {
            peering_id: peering_id?,
            side: side?,
            admit: admit?,
        }))
    })();
    fields.finish(parsed)
}

fn inbound_rules(fields: &mut Fields, rules: &[v1::InboundRule]) -> Option<Vec<InboundRule>> {
    if rules.len() > ENTRIES {
        return fields.wrong(
            "admit",
            format!("{} entries; {ENTRIES} at most", rules.len()),
        );
    }
    let parsed: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            let source = fields.take(format!("admit[{index}].source"), &rule.source);
            let port = fields.port(format!("admit[{index}].port"), rule.port);
            Some(InboundRule {
                source: source?,
                port: port?,
            })
        })
        .collect();
    parsed.into_iter().collect()
}

pub(in crate::api) fn allow_connector_ingress(
    request: &v1::AllowConnectorIngressRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let peering_id = fields.id("peering_id", &request.peering_id);
    let (target, port) = (
        fields.take("target", &request.target),
        fields.port("port", request.port),
    );
    let (reason, expires_at) = (
        fields.take("reason", &request.reason),
        fields.time("expires_at", &request.expires_at),
    );
    let parsed = (|| {
        let (peering_id, target, port, reason) = (peering_id?, target?, port?, reason?);
        Some(envelope?.with(AllowConnectorIngress {
            peering_id,
            target,
            port,
            reason,
            expires_at: expires_at?,
        }))
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn revoke_connector_ingress(
    request: &v1::RevokeConnectorIngressRequest,
    traceparent: Option<String>,
) -> Result<Addressed, Status> {
    let mut fields = Fields::default();
    let envelope = Envelope::of(
        &mut fields,
        request.context.as_ref(),
        &request.network_id,
        traceparent,
    );
    let (peering_id, ingress_id) = (
        fields.id("peering_id", &request.peering_id),
        fields.id("ingress_id", &request.ingress_id),
    );
    let parsed = (|| {
        Some(envelope?.with(RevokeConnectorIngress {
            peering_id: peering_id?,
            ingress_id: ingress_id?,
        }))
    })();
    fields.finish(parsed)
}
