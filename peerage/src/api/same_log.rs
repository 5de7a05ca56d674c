//! Whether the log is the one that a caller knows: it may have been put back to an older state
//! between two calls, or be another one.

use super::{
    Services,
    parse::Known,
    problem::{Problem, Reason},
};

/// Refuses what a log says that does not have this event at its place.
pub(super) async fn is_same(services: &Services, known: Option<&Known>) -> Result<(), Problem> {
    let Some(known) = known else {
        return Ok(());
    };
    let (stream, revision) = (&known.stream, known.revision);
    let journal = &services.journal;
    let has = journal.has_event_at(stream, revision, known.event_id, known.position);
    if has.await.map_err(|error| Problem::from(&error))? {
        return Ok(());
    }
    Err(another(&format!(
        "event {revision} of {stream} is not in it at {}",
        known.position
    )))
}

/// The same for what the read models answer. Where the store does not answer, that is still what
/// they were made from: they are made anew only once it does.
pub(super) async fn is_not_another(
    services: &Services,
    known: Option<&Known>,
) -> Result<(), Problem> {
    match is_same(services, known).await {
        Err(problem) if problem.reason() != Reason::AnotherLog.as_str() => Ok(()),
        judged => judged,
    }
}

pub(super) fn another(why: &str) -> Problem {
    let text = format!(
        "this is another log than the one that was read before: {why}; the event store was put back to an older state or is another one, begin anew"
    );
    Problem::new(Reason::AnotherLog, text)
}
