//! The engine's own firewall rules: by exact name, and with their owner in the description.
//!
//! A rule's name is unique in its project, so that there cannot be two. Rules have no tags; the
//! description has the owner's instead, set in the same call. A rule of such a name without it is
//! somebody else's.

use crate::{
    Asked,
    compute::{
        Compute, ComputeError,
        model::{Firewall, Protocol},
    },
    malformed,
    owned::{POLICIES, Part, described, is_member, owner_of, part_of_name, rule_name, tagged},
    posture::{Entry, entries, entry_id},
};
use cloud::{CloudError, CloudErrorKind, FirewallPart, Owner, group_name};
use domain::{
    network::InboundRule,
    text::{CloudNetwork, FirewallGroup, FirewallRule},
};
use serde_json::json;

/// Why no group is attached to an interface.
pub(crate) const NOT_ATTACHED: &str =
    "firewall rules of Google Cloud are their network's and aimed at addresses";

/// The priority that the group's own rule has. It is not enforced; if somebody enforces it, it
/// stands behind every other rule.
const LAST: u32 = 65535;

/// Makes the rule that holds the group's name.
pub(crate) async fn create_group(
    compute: &Compute,
    asked: &Asked<'_>,
    network: &CloudNetwork,
    owner: Owner,
) -> Result<FirewallGroup, CloudError> {
    let name = group_name(owner.peering);
    let rule = Firewall {
        name: name.clone(),
        description: described("Holds the name of a peering's rules; not enforced.", owner),
        network: asked.network(network).to_string(),
        priority: LAST,
        direction: "INGRESS".to_owned(),
        source_ranges: vec!["0.0.0.0/0".to_owned()],
        denied: vec![Protocol {
            protocol: "all".to_owned(),
            ports: Vec::new(),
        }],
        disabled: true,
        ..Firewall::default()
    };
    insert(compute, asked, &rule).await?;
    asked.name("firewall group", &name)
}

/// Deletes the group's rules and then the one that holds its name. What a failure leaves, a repeat
/// finds.
pub(crate) async fn delete_group(
    compute: &Compute,
    asked: &Asked<'_>,
    group: &FirewallGroup,
) -> Result<(), CloudError> {
    let name = engines(asked, group)?;
    let found = compute.firewalls(asked.project()).await;
    let found = found.map_err(|error| asked.failed(error))?;
    let members: Vec<_> = found
        .iter()
        .filter(|it| is_member(&it.name, name))
        .collect();
    let anchor = found.iter().find(|it| it.name == name);
    if anchor.is_none() && members.is_empty() {
        let gone = asked.error(CloudErrorKind::NotFound);
        return Err(gone.message(format!("`{name}` is not there")));
    }
    let theirs = members.iter().find(|it| owner_of(it).is_none());
    if let Some(theirs) = theirs {
        let message = format!(
            "`{}` is not the engine's, and would go with `{name}`",
            theirs.name
        );
        return Err(asked.error(CloudErrorKind::InUse).message(message));
    }
    let of_it = async {
        let mut begun = Vec::new();
        for member in members {
            match compute.delete_firewall(asked.project(), &member.name).await {
                Ok(operation) => begun.push(operation),
                Err(error) if error.is_absence() => {}
                Err(error) => return Err(error),
            }
        }
        for operation in begun {
            compute.finish(DELETE, asked.project(), operation).await?;
        }
        if anchor.is_some() {
            let operation = compute.delete_firewall(asked.project(), name).await?;
            compute.finish(DELETE, asked.project(), operation).await?;
        }
        Ok::<_, ComputeError>(())
    };
    of_it.await.map_err(|error| asked.failed(error))
}

/// Makes a rule of the group.
pub(crate) async fn authorize(
    compute: &Compute,
    asked: &Asked<'_>,
    group: &FirewallGroup,
    rule: InboundRule,
    owner: Owner,
    priority: u16,
) -> Result<FirewallRule, CloudError> {
    let name = rule_name(engines(asked, group)?, rule);
    let anchor = compute.firewall(asked.project(), group.as_str()).await;
    let anchor = anchor.map_err(|error| asked.failed(error))?;
    let target = rule.target.iter().map(ToString::to_string);
    let made = Firewall {
        name: name.clone(),
        description: described("Admits what a peering's posture says.", owner),
        network: anchor.network,
        priority: priority.into(),
        direction: "INGRESS".to_owned(),
        source_ranges: vec![rule.source.to_string()],
        destination_ranges: target.collect(),
        allowed: vec![Protocol {
            protocol: "tcp".to_owned(),
            ports: vec![rule.port.to_string()],
        }],
        ..Firewall::default()
    };
    insert(compute, asked, &made).await?;
    asked.name("firewall rule", &name)
}

/// Takes back what one entry of a rule admits: the rule itself, where it has no other.
pub(crate) async fn revoke(
    compute: &Compute,
    asked: &Asked<'_>,
    group: &FirewallGroup,
    rule: &FirewallRule,
) -> Result<(), CloudError> {
    let id = rule.as_str();
    let name = id.split('/').next().unwrap_or(id);
    let is_its = name == group.as_str() || is_member(name, group.as_str());
    if name == POLICIES || group.as_str().starts_with(POLICIES) {
        let why = "a rule of a firewall policy is its organisation's or another network's too";
        return Err(asked.unsupported(why));
    }
    let gone = || {
        asked
            .error(CloudErrorKind::NotFound)
            .message(format!("`{id}` is not there"))
    };
    if !is_its {
        return Err(gone());
    }
    let found = compute.firewall(asked.project(), name).await;
    let found = found.map_err(|error| asked.failed(error))?;
    let all = entries(&found.allowed);
    let (meant, left): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|it| entry_id(name, it, all.len()) == id);
    if meant.is_empty() {
        return Err(gone());
    }
    let change = async {
        if left.is_empty() {
            let begun = compute.delete_firewall(asked.project(), name).await?;
            return compute.finish(DELETE, asked.project(), begun).await;
        }
        let left: Vec<_> = left.into_iter().map(Entry::protocol).collect();
        let patch = json!({ "allowed": left });
        let begun = compute
            .patch_firewall(asked.project(), name, &patch)
            .await?;
        compute.finish(PATCH, asked.project(), begun).await
    };
    change.await.map_err(|error| asked.failed(error))
}

/// Puts the owner in the description of a group or a rule, beside what people wrote there.
pub(crate) async fn tag(
    compute: &Compute,
    asked: &Asked<'_>,
    part: &FirewallPart,
    owner: Owner,
) -> Result<(), CloudError> {
    let name = part.id().split('/').next().unwrap_or_default();
    let change = async {
        let found = compute.firewall(asked.project(), name).await?;
        let words = found.description.split_whitespace();
        let others: Vec<_> = words.filter(|it| tagged(it).is_none()).collect();
        let patch = json!({ "description": described(&others.join(" "), owner) });
        let begun = compute
            .patch_firewall(asked.project(), name, &patch)
            .await?;
        compute.finish(PATCH, asked.project(), begun).await
    };
    change.await.map_err(|error| asked.failed(error))
}

const DELETE: &str = "firewalls.delete";
const PATCH: &str = "firewalls.patch";

async fn insert(compute: &Compute, asked: &Asked<'_>, rule: &Firewall) -> Result<(), CloudError> {
    let made = async {
        let begun = compute.insert_firewall(asked.project(), rule).await?;
        compute
            .finish("firewalls.insert", asked.project(), begun)
            .await
    };
    made.await.map_err(|error| asked.failed(error))
}

/// The name of a group that the engine makes; rules of others' groups are theirs to make.
fn engines<'g>(asked: &Asked<'_>, group: &'g FirewallGroup) -> Result<&'g str, CloudError> {
    match part_of_name(group.as_str()) {
        Some(Part::Group(_)) => Ok(group.as_str()),
        Some(Part::Rule(_)) | None => Err(malformed(
            asked,
            format!("`{group}` is no group of the engine's"),
        )),
    }
}
