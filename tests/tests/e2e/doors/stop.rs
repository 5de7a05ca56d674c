//! How an engine ends that is told to: how soon, and what becomes of calls that are in flight.

use crate::support::api::Api;
use peerage::api::v1::GetServerInfoRequest;
use peerage_tests::engine::Launch;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tonic::Code;

/// Every wait's bound here.
const WITHIN: Duration = Duration::from_secs(30);

/// How soon a process is gone that nobody asks for anything. Where other tests run it is late for
/// their sake, and may be so by what is still far from `api.drain`.
fn soon() -> Duration {
    let is_alone = std::env::var("RUST_TEST_THREADS").is_ok_and(|it| it == "1");
    Duration::from_secs(if is_alone { 1 } else { 5 })
}

/// Asks what the engine is, once the log is where it is to be.
async fn info(api: &Api, min_position: &str) -> Result<(), tonic::Status> {
    let request = GetServerInfoRequest {
        min_position: min_position.to_owned(),
    };
    let asked = api.server.clone().get_server_info(request).await;
    asked.map(drop)
}

#[tokio::test]
async fn with_no_call_in_flight_the_process_is_gone_within_a_second_however_long_calls_may_take() {
    let folder = TempDir::new().unwrap();
    let launch = Launch::new(folder.path()).own_store();
    let mut engine = launch.set("api.drain", "60s").start().await;
    // Somebody stays connected.
    let api = Api::connect(&engine.server()).await;
    info(&api, "").await.unwrap();
    let began = Instant::now();
    engine.process.signal("TERM");
    let ended = engine.process.finished(WITHIN).await;
    let took = began.elapsed();
    println!("gone after {took:?}");
    assert_eq!(ended.code(), Some(0), "{}", engine.process.output());
    assert!(took < soon(), "{took:?}");
    drop(api);
}

#[tokio::test]
async fn a_call_in_flight_has_the_time_for_it_and_is_told_of_the_end_then_and_the_exit_code_tells()
{
    let folder = TempDir::new().unwrap();
    let launch = Launch::new(folder.path()).own_store();
    let launch = launch.set("api.drain", "2s");
    let mut engine = launch.set("api.command_deadline", "60s").start().await;
    let api = Api::connect(&engine.server()).await;
    info(&api, "").await.unwrap();
    // A place that the log never has: it waits as long as a command may take.
    let calling = info(&api, "900000000000/900000000000");
    tokio::pin!(calling);
    assert!(futures::poll!(calling.as_mut()).is_pending());
    // What goes over the same connection behind it is answered: the engine has it.
    info(&api, "").await.unwrap();
    let began = Instant::now();
    engine.process.signal("TERM");
    let told = tokio::time::timeout(WITHIN, calling).await.expect("told");
    let told = told.unwrap_err();
    let waited = began.elapsed();
    assert_eq!(told.code(), Code::Unavailable, "{told:?}");
    assert!(waited >= Duration::from_millis(1_900), "{waited:?}");
    let ended = engine.process.finished(WITHIN).await;
    let printed = engine.process.output();
    assert_eq!(ended.code(), Some(1), "{printed}");
    assert!(
        printed.contains("not everything was done within api.drain"),
        "{printed}"
    );
}
