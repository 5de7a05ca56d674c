//! What the newest committed history folds to, in facts, beside it in `folded.json`. That of the
//! release before is held against what that release itself showed.

use crate::{facts, folder_of, rehearsal, seconds};
use domain::{
    NetworkId,
    network::{Network, Registered, evolve},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs};
use tempfile::TempDir;

const RELEASE: &str = "0.2";

fn network(it: &Registered) -> Value {
    let peerings = it.connections.peerings.iter();
    let peerings: BTreeMap<_, _> = peerings
        .map(|(id, it)| {
            let peer = json!({
                "account": it.peer.account, "cloud_network": it.peer.cloud_network,
                "ranges": it.peer.ranges,
            });
            (id.to_string(), json!({ "peer": peer, "facts": facts(it) }))
        })
        .collect();
    let quarantines = it.quarantines.values();
    json!({
        "name": it.name, "project": it.project, "provider": it.provider.as_str(),
        "account": it.account, "region": it.region, "cloud_network": it.cloud_network,
        "range": it.range, "ipv6_ranges": it.ipv6_ranges, "subnets": it.subnets, "nodes": it.nodes,
        "cloud": it.cloud, "generation": it.generation,
        "registered_at": seconds(it.registered_at),
        "drift": it.policy.drift,
        "frozen": it.frozen.as_ref().map(|it| it.reason.to_string()),
        "quarantines": quarantines.map(|it| it.reason.to_string()).collect::<Vec<_>>(),
        "orphans": it.orphans.len(),
        "retired": it.retired.as_ref().map(|it| it.reason.to_string()),
        "peerings": peerings,
    })
}

#[tokio::test]
async fn a_committed_history_folds_to_what_stands_beside_it() {
    let folder = TempDir::new().unwrap();
    let all = rehearsal::networks(&rehearsal::lines(RELEASE, &folder).await);
    let folded: BTreeMap<NetworkId, Value> = all
        .iter()
        .map(|(id, said)| {
            let each = said.iter().flat_map(|it| {
                let events = it.events.iter();
                events.map(|event| (event, it.at))
            });
            let state = each.fold(Network::default(), |state, (event, at)| {
                evolve(state, event, at)
            });
            let folded = match &state {
                Network::Unregistered => json!("unregistered"),
                Network::Registered(it) | Network::Retired(it) => network(it),
                Network::Marked(_) => json!("marked"),
            };
            (*id, folded)
        })
        .collect();
    let peerings = folded.values().filter_map(|it| it["peerings"].as_object());
    let peerings: usize = peerings.map(serde_json::Map::len).sum();
    assert!(folded.len() > 3 && peerings > 3, "{peerings} peerings");
    let expected = folder_of(RELEASE).join("folded.json");
    let made = format!("{}\n", serde_json::to_string_pretty(&folded).unwrap());
    if std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some() {
        fs::write(&expected, &made).unwrap();
    }
    assert_eq!(fs::read_to_string(&expected).unwrap_or_default(), made);
}
