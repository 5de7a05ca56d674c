//! One story, and every answer that the read models give about it, as one document.

use super::*;
use crate::{
    DriftFilter, ExposureFilter, NetworkFilter, PageRequest, PeeringFilter, TimelineQuery,
};
use serde_json::json;

#[tokio::test]
async fn the_story_reads_as_it_is_written_down() {
    let told = told(&written(&story()).await).await;
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/story.json");
    #[expect(
        clippy::disallowed_methods,
        reason = "a golden file is made anew on request"
    )]
    let is_made_anew = std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some();
    if is_made_anew {
        std::fs::write(golden, told.clone() + "\n").unwrap();
    }
    let wanted = std::fs::read_to_string(golden).unwrap();
    let difference = wanted
        .lines()
        .zip(told.lines())
        .enumerate()
        .find(|(_, (wanted, came))| wanted != came);
    assert_eq!(
        difference, None,
        "if the change is meant, run this test once with PEERAGE_UPDATE_GOLDEN=1"
    );
    assert_eq!(wanted.lines().count(), told.lines().count());
}

async fn told(projections: &Projections) -> String {
    let everything = PageRequest::default();
    let networks = projections
        .list_networks(&NetworkFilter::default(), &everything)
        .await
        .unwrap();
    let peerings = projections
        .list_peerings(&PeeringFilter::default(), &everything)
        .await
        .unwrap();
    let exposures = projections
        .list_exposures(&ExposureFilter::default(), &everything)
        .await
        .unwrap();
    let drift = projections
        .list_drift(&DriftFilter::default(), &everything)
        .await
        .unwrap();
    let timeline = projections
        .timeline(&TimelineQuery::default(), &everything)
        .await
        .unwrap();
    let all = json!({
        "networks": networks, "peerings": peerings, "exposures": exposures, "drift": drift, "timeline": timeline,
    });
    serde_json::to_string_pretty(&all).unwrap()
}
