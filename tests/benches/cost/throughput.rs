//! How many peerings an engine brings into being in a second, and what each costs it, when the
//! cloud costs nothing.

use crate::report::{Report, Row};
use crate::scene::{Scene, simulated};
use crate::story::Story;
use peerage_tests::process::processor_time;
use std::time::Duration;
use workers::ProvisionerSettings;

pub(crate) async fn measure(networks: usize, report: &mut Report) {
    let stories: Vec<_> = (0..networks)
        .map(|number| Story::made_up(number, 1))
        .collect();
    let scene = Scene::set(simulated(&stories), &stories).await;
    let (own, store) = (processor_time("self"), scene.node.cpu());
    let running = scene.start();
    let finished = scene.until_in_place(&running).await;
    let (own, store) = (processor_time("self") - own, scene.node.cpu() - store);
    scene.until_quiet().await;
    running.stop().await;
    let calls = scene.cloud.total();
    let inside = scene.cloud.inside();
    scene.node.stop().await;
    let each = |time: Duration| time.as_secs_f64() * 1_000.0 / networks as f64;
    let parallel = ProvisionerSettings::default().parallel_networks;
    report.section(format!("{networks} networks with one peering each, {parallel} at a time, a cloud without delay or limits"));
    report.row(Row::amount(
        "all links active",
        finished.active.as_secs_f64(),
        "s",
        "",
    ));
    report.row(Row::amount(
        "everything in place",
        finished.in_place.as_secs_f64(),
        "s",
        "routes, groups and rules too",
    ));
    report.row(Row::amount(
        "peerings",
        networks as f64 / finished.in_place.as_secs_f64(),
        "/s",
        "",
    ));
    report.row(Row::amount(
        "calls of a peering",
        calls as f64 / networks as f64,
        "",
        "",
    ));
    report.row(Row::amount(
        "processor time of a peering",
        each(own),
        "ms",
        "this process: engine, cloud, and who watches it",
    ));
    report.row(Row::amount(
        "  in the simulated cloud",
        each(inside),
        "ms",
        "wall time inside its calls, waiting for each other included",
    ));
    report.row(Row::amount(
        "  of the event store",
        each(store),
        "ms",
        "another process, every append flushed",
    ));
}
