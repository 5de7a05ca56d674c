//! `firewalls`, `firewall_rules` and `ingress`: what each side's firewall must admit, what was
//! declared one by one, and what has been seen of it.

use super::{At, Projection, drift};
use crate::rows::{text, time, to_json};
use domain::{
    PeeringId, Side,
    network::{
        ConnectorIngressAllowed, FirewallEnforced, FirewallRestricted, FirewallRuleAuthorized,
        FirewallRuleRevoked, InboundRule, NetworkEvent,
    },
    text::FirewallGroup,
};
use rusqlite::params;
use std::collections::BTreeSet;

pub(super) struct Firewall;

impl Projection for Firewall {
    const TABLES: &'static str = "
CREATE TABLE firewalls (
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    side TEXT NOT NULL,
    admit TEXT NOT NULL, -- JSON list in the rules' own order, each rule once
    firewall_group TEXT,
    enforced_at TEXT, -- NULL unless the group was seen to hold exactly what is admitted
    restricted_at TEXT NOT NULL,
    PRIMARY KEY (peering_id, network_id, side)
) WITHOUT ROWID;
CREATE TABLE firewall_rules (
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    side TEXT NOT NULL,
    source TEXT NOT NULL,
    port INTEGER NOT NULL,
    rule_id TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (peering_id, network_id, side, source, port)
) WITHOUT ROWID;
CREATE TABLE ingress (
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    ingress_id TEXT NOT NULL,
    target TEXT NOT NULL, -- where the target is, within the peer's ranges
    source TEXT NOT NULL, -- what the peer's firewall admits for it
    port INTEGER NOT NULL,
    reason TEXT NOT NULL,
    allowed_at TEXT NOT NULL,
    expires_at TEXT,
    PRIMARY KEY (peering_id, network_id, ingress_id)
) WITHOUT ROWID;
";

    fn apply(at: &At<'_>, event: &NetworkEvent) -> rusqlite::Result<()> {
        match event {
            NetworkEvent::PeeringRequested(it) => begun(at, it.peering_id),
            NetworkEvent::PeeringAdopted(it) => begun(at, it.peering_id),
            NetworkEvent::FirewallRestricted(it) => restricted(at, it),
            NetworkEvent::ConnectorIngressAllowed(it) => ingress_allowed(at, it),
            NetworkEvent::ConnectorIngressRevoked(it) => {
                ingress_revoked(at, it.peering_id, &it.ingress_id.to_string())
            }
            NetworkEvent::FirewallGroupCreated(it) => hold(at, it.peering_id, it.side, &it.group),
            NetworkEvent::FirewallGroupRemoved(it) => forget_group(at, it.peering_id, it.side),
            NetworkEvent::FirewallRuleAuthorized(it) => authorized(at, it),
            NetworkEvent::FirewallRuleRevoked(it) => revoked(at, it),
            NetworkEvent::FirewallEnforced(it) => enforced(at, it),
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::NetworkPolicySet(_)
            | NetworkEvent::DriftCheckRequested(_)
            | NetworkEvent::NetworkRetired(_)
            | NetworkEvent::RouteAccepted(_)
            | NetworkEvent::RouteWithdrawn(_)
            | NetworkEvent::DnsResolutionSet(_)
            | NetworkEvent::PeeringRemovalRequested(_)
            | NetworkEvent::PeeringAbandoned(_)
            | NetworkEvent::PeeringInitiationStarted(_)
            | NetworkEvent::PeeringInitiationRefused(_)
            | NetworkEvent::PeeringInitiated(_)
            | NetworkEvent::PeeringExpiryNear(_)
            | NetworkEvent::PeeringAccepted(_)
            | NetworkEvent::PeeringActivated(_)
            | NetworkEvent::PeeringRejected(_)
            | NetworkEvent::PeeringExpired(_)
            | NetworkEvent::PeeringRenewed(_)
            | NetworkEvent::PeeringFailed(_)
            | NetworkEvent::PeeringDeadlinePassed(_)
            | NetworkEvent::PeeringSurveyed(_)
            | NetworkEvent::LinkRemoved(_)
            | NetworkEvent::PeeringRemoved(_)
            | NetworkEvent::RouteInstalled(_)
            | NetworkEvent::RouteRemoved(_)
            | NetworkEvent::RouteConflicted(_)
            | NetworkEvent::FirewallExposed(_)
            | NetworkEvent::ExposureCleared(_)
            | NetworkEvent::DnsResolutionApplied(_)
            | NetworkEvent::DriftDetected(_)
            | NetworkEvent::DriftRepaired(_)
            | NetworkEvent::DriftAdopted(_)
            | NetworkEvent::ProvisioningBlocked(_)
            | NetworkEvent::ProvisioningUnblocked(_) => Ok(()),
        }
    }
}

/// A peering begins with both sides closed, and nothing seen of either.
fn begun(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    for side in Side::BOTH {
        let (network, peering) = at.key(peering);
        at.execute(
            "INSERT INTO firewalls VALUES (?1, ?2, ?3, '[]', NULL, NULL, ?4)",
            params![network, peering, side.as_str(), at.created()],
        )?;
    }
    Ok(())
}

/// The remote side admits what was declared one by one, and nothing beside that.
fn restricted(at: &At<'_>, it: &FirewallRestricted) -> rusqlite::Result<()> {
    match it.side {
        Side::Local => {
            drift::forget_firewall(at, it.peering_id, Side::Local)?;
            admit(
                at,
                it.peering_id,
                Side::Local,
                &it.admit.iter().copied().collect(),
            )
        }
        Side::Remote => admit_ingress(at, it.peering_id),
    }
}

fn admit(
    at: &At<'_>,
    peering: PeeringId,
    side: Side,
    rules: &BTreeSet<InboundRule>,
) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    at.execute(
        "UPDATE firewalls SET admit = ?4, enforced_at = iif(admit = ?4, enforced_at, NULL), restricted_at = ?5
         WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3",
        params![network, peering, side.as_str(), to_json(rules)?, at.created()],
    )
}

fn admit_ingress(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    drift::forget_firewall(at, peering, Side::Remote)?;
    let mut select = at.rows.prepare_cached(
        "SELECT source, port FROM ingress WHERE network_id = ?1 AND peering_id = ?2",
    )?;
    let rules = select.query_map(at.key(peering), |row| {
        Ok(InboundRule {
            source: text(row, "source")?,
            port: row.get("port")?,
        })
    })?;
    admit(
        at,
        peering,
        Side::Remote,
        &rules.collect::<rusqlite::Result<_>>()?,
    )
}

fn ingress_allowed(at: &At<'_>, it: &ConnectorIngressAllowed) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "INSERT OR REPLACE INTO ingress VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            network,
            peering,
            it.ingress_id.to_string(),
            it.target.to_string(),
            it.rule.source.to_string(),
            it.rule.port,
            it.reason.as_str(),
            time(&it.allowed_at),
            it.expires_at.as_ref().map(time),
        ],
    )?;
    admit_ingress(at, it.peering_id)
}

fn ingress_revoked(at: &At<'_>, id: PeeringId, ingress: &str) -> rusqlite::Result<()> {
    let (network, peering) = at.key(id);
    at.execute(
        "DELETE FROM ingress WHERE network_id = ?1 AND peering_id = ?2 AND ingress_id = ?3",
        params![network, peering, ingress],
    )?;
    admit_ingress(at, id)
}

/// Takes this group for the side's own. Another group than before holds none of the rules that were
/// seen in that one.
fn hold(
    at: &At<'_>,
    peering: PeeringId,
    side: Side,
    group: &FirewallGroup,
) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    let key = params![network, peering, side.as_str(), group.as_str()];
    at.execute(
        "DELETE FROM firewall_rules WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3 AND ?4 IS NOT
             (SELECT firewall_group FROM firewalls WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3)",
        key,
    )?;
    at.execute(
        "UPDATE firewalls SET firewall_group = ?4, enforced_at = NULL
         WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3 AND firewall_group IS NOT ?4",
        key,
    )
}

/// The same group is not there, whatever the last look at it said.
pub(super) fn group_missing(
    at: &At<'_>,
    peering: PeeringId,
    side: Side,
    group: &FirewallGroup,
) -> rusqlite::Result<()> {
    let (network, id) = at.key(peering);
    let held = at.exists(
        "SELECT 1 FROM firewalls WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3 AND firewall_group = ?4",
        params![network, id, side.as_str(), group.as_str()],
    )?;
    if held {
        forget_group(at, peering, side)
    } else {
        Ok(())
    }
}

/// The group is gone, and what was in it.
fn forget_group(at: &At<'_>, peering: PeeringId, side: Side) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    let key = params![network, peering, side.as_str()];
    at.execute(
        "DELETE FROM firewall_rules WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3",
        key,
    )?;
    at.execute(
        "UPDATE firewalls SET firewall_group = NULL, enforced_at = NULL WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3",
        key,
    )
}

fn authorized(at: &At<'_>, it: &FirewallRuleAuthorized) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    let InboundRule { source, port } = it.rule;
    at.execute(
        "INSERT OR REPLACE INTO firewall_rules VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            network,
            peering,
            it.side.as_str(),
            source.to_string(),
            port,
            it.rule_id.as_str(),
            at.created()
        ],
    )
}

fn revoked(at: &At<'_>, it: &FirewallRuleRevoked) -> rusqlite::Result<()> {
    forget_rule(at, it.peering_id, it.side, it.rule)
}

/// Without a rule that it must admit, the firewall is no longer what it was seen to be.
pub(super) fn forget_rule(
    at: &At<'_>,
    peering: PeeringId,
    side: Side,
    rule: InboundRule,
) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    let rule = params![
        network,
        peering,
        side.as_str(),
        rule.source.to_string(),
        rule.port
    ];
    at.execute("DELETE FROM firewall_rules WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3 AND source = ?4 AND port = ?5", rule)?;
    at.execute(
        "UPDATE firewalls SET enforced_at = NULL WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3
             AND EXISTS (SELECT 1 FROM json_each(admit) WHERE value ->> 'source' = ?4 AND value ->> 'port' = ?5)",
        rule,
    )
}

fn enforced(at: &At<'_>, it: &FirewallEnforced) -> rusqlite::Result<()> {
    hold(at, it.peering_id, it.side, &it.group)?;
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE firewalls SET enforced_at = iif(admit = ?4, ?5, NULL) WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3",
        params![network, peering, it.side.as_str(), set(&it.admit)?, at.created()],
    )
}

/// Rules as the one text that equal sets of rules have.
fn set(rules: &[InboundRule]) -> rusqlite::Result<String> {
    to_json(&rules.iter().collect::<BTreeSet<_>>())
}
