//! What network managers (AVNM) have in force at a network and a peering should be known to meet:
//! peerings that they remove or keep to themselves, and ranges that they let overlap.
//!
//! Unconfirmed: no recording has a network manager. The call and its answer are those of the
//! service's published description, and what of it a description does not say is not concluded.

use crate::{
    arm::{
        Arm, As, Failure,
        model::{Managed, Manager},
    },
    refusals::Asked,
};
use cloud::{CloudError, NetworkRef};

/// What is to be known, each with what a person does about it; nothing where no manager has
/// anything in force, or where the engine may not ask.
pub(crate) async fn findings(
    arm: &Arm,
    asked: &Asked<'_>,
    network: &NetworkRef,
) -> Result<Vec<String>, CloudError> {
    let vnet = asked.vnet(&network.network)?;
    let managed = match arm.managed(As::of(asked.tenant()), &vnet).await {
        // A role of an older engine does not have that action, and another cloud may not have this
        // version of the interface. It only tells something: it holds nothing up.
        Err(error) if error.is_refusal && is_final(error.failure) => return Ok(Vec::new()),
        managed => managed.map_err(|error| asked.failed(error))?,
    };
    Ok(managed.iter().flat_map(of).collect())
}

/// Whether asking again would be refused again.
fn is_final(failure: Failure) -> bool {
    matches!(
        failure,
        Failure::Denied | Failure::NotFound | Failure::Malformed | Failure::Unexpected
    )
}

fn of(configuration: &Managed) -> Vec<String> {
    let id = &configuration.id;
    let Manager {
        delete_existing_peering,
        connectivity_capabilities: more,
    } = &configuration.properties;
    let is = |value: &Option<String>, word: &str| {
        let value = value.as_deref();
        value.is_some_and(|it| it.eq_ignore_ascii_case(word))
    };
    let mut found = Vec::new();
    if is(delete_existing_peering, "True") {
        found.push(format!(
            "network manager configuration {id} removes the peerings that it finds each time it is deployed \
             (deleteExistingPeering): deploy it without, or take the network out of its groups"
        ));
    }
    if is(&more.peering_enforcement, "Enforced") {
        found.push(format!(
            "network manager configuration {id} keeps its own peerings to itself (peeringEnforcement): one that it \
             made cannot be adopted, changed or removed from here; its owner does that there"
        ));
    }
    if is(&more.connected_group_address_overlap, "Allowed") {
        found.push(format!(
            "network manager configuration {id} lets ranges of its networks overlap (connectedGroupAddressOverlap): \
             what reaches an address that two of them have is not sure; peer ranges that no other member has"
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(properties: serde_json::Value) -> Managed {
        let whole = serde_json::json!({"id": "/managers/one", "properties": properties});
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn each_thing_that_a_manager_keeps_to_itself_is_told_and_what_it_does_not_say_is_not() {
        let enforced = serde_json::json!({
            "connectivityTopology": "Mesh", "deleteExistingPeering": "True", "isGlobal": "False",
            "connectivityCapabilities": {
                "connectedGroupPrivateEndpointsScale": "Standard",
                "connectedGroupAddressOverlap": "Allowed", "peeringEnforcement": "enforced",
            },
        });
        let found = of(&configuration(enforced));
        let words = [
            "deleteExistingPeering",
            "peeringEnforcement",
            "connectedGroupAddressOverlap",
        ];
        assert_eq!(found.len(), words.len());
        for (line, word) in found.iter().zip(words) {
            assert!(
                line.contains(word) && line.contains("/managers/one"),
                "{line}"
            );
        }
        let mild = serde_json::json!({
            "deleteExistingPeering": "False",
            "connectivityCapabilities": {
                "connectedGroupAddressOverlap": "Disallowed", "peeringEnforcement": "Unenforced",
            },
        });
        assert_eq!(of(&configuration(mild)), [""; 0]);
        let older = serde_json::json!({"connectivityTopology": "HubAndSpoke"});
        assert_eq!(of(&configuration(older)), [""; 0]);
        assert_eq!(of(&Managed::default()), [""; 0]);
    }
}
