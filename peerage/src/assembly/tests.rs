//! An engine one of whose parts ends by itself.

use super::*;
use testkit::wait::soon;

/// An engine in memory, on free ports.
async fn engine() -> Engine {
    let mut config = Config::default();
    config.api.listen = "127.0.0.1:0".parse().expect("an address");
    let started = Engine::start(&config, Storage::InMemory).await;
    started.expect("an engine that starts")
}

/// What is told of an engine that ended, its causes included.
async fn told(engine: &mut Engine) -> String {
    domain::error_chain(&soon(engine.failed()).await).to_string()
}

#[tokio::test]
async fn whatever_part_ends_panics_or_fails_ends_the_engine_with_the_whole_cause() {
    let mut engine = engine().await;
    let running = engine.parts.len();
    assert!(running >= 10, "{running} parts");
    engine.parts.spawn(async { panic!("a mistake of its own") });
    let text = told(&mut engine).await;
    assert!(text.contains("a mistake of its own"), "{text}");
    engine.parts.spawn(async { ("the sweeper", Ok(())) });
    let text = told(&mut engine).await;
    assert!(
        text.contains("the sweeper") && text.contains("not asked to"),
        "{text}"
    );
    let source = io::Error::other(io::Error::other("the broom is gone"));
    let failed = StartError::StoreSilent {
        store: "a store".to_owned(),
        after: Duration::from_secs(1),
        source: journal::JournalError::Unavailable {
            operation: "sweep",
            source: Box::new(source),
        },
    };
    engine
        .parts
        .spawn(async { ("the sweeper", Err(failed.into())) });
    let text = told(&mut engine).await;
    for wanted in ["the sweeper", "a store", "sweep", "the broom is gone"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert_eq!(engine.parts.len(), running, "the others run");
    assert!(engine.stop(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn a_stop_that_is_not_over_in_time_is_told_from_one_that_is() {
    let mut engine = engine().await;
    let ended = async {
        let () = std::future::pending().await;
        ("what never ends", Ok(()))
    };
    engine.parts.spawn(ended);
    assert!(!engine.stop(Duration::from_millis(300)).await);
}
