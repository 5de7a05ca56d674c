//! Whether the log, and what is made of it, has come as far as is asked.

use super::{
    Services, parse,
    problem::{Problem, Reason},
};
use audit::Until;
use journal::Position;

pub(super) fn behind(position: Position) -> Problem {
    let text = format!("the read models have not reached {position} yet; try again");
    Problem::new(Reason::ReadModelBehind, text).with("min_position", position)
}

/// Refuses an answer from a log that has not come that far.
pub(super) async fn is_reached(
    services: &Services,
    min_position: Option<Position>,
) -> Result<(), Problem> {
    is_within(services, "", Until::End, min_position).await
}

/// Refuses what the log does not have yet; `prefix` is what the names of a place's fields begin
/// with.
pub(super) async fn is_within(
    services: &Services,
    prefix: &str,
    until: Until,
    min_position: Option<Position>,
) -> Result<(), Problem> {
    let end = services.journal.end().await;
    let end = end.map_err(|error| Problem::from(&error))?;
    let end = end.unwrap_or(Position::START);
    if let Some(wanted) = min_position.filter(|it| *it > end) {
        return Err(behind(wanted));
    }
    match until {
        Until::Position(position) if position > end => {
            let text = format!("lies beyond the log, which ends at {end}");
            Err(Problem::field(format!("{prefix}position"), text))
        }
        Until::Time(time) if time > (services.clock)() => {
            let text = "lies in the future: nothing is on record of it";
            Err(Problem::field(format!("{prefix}time"), text))
        }
        Until::End | Until::Position(_) | Until::Time(_) => Ok(()),
    }
}

/// Refuses a part of the log behind its end. What the read models hold is known to be there; the
/// store is asked about the rest alone.
pub(super) async fn has(services: &Services, asked: &parse::Events) -> Result<(), Problem> {
    let known = *services.projections.position().borrow();
    let places = [("after_", asked.from), ("until_", asked.to)];
    let unknown = places.into_iter().filter_map(|(prefix, place)| {
        let place = place.filter(|it| *it > known)?;
        Some((prefix, Until::Position(place)))
    });
    for (prefix, place) in unknown {
        is_within(services, prefix, place, None).await?;
    }
    Ok(())
}
