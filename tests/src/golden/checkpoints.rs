//! The checkpoints of a filtered subscription while it catches up. A server may place them as it
//! likes, under these rules.
//!
//! - They never go back and never repeat.
//! - Whatever matches up to one has been delivered before it.
//! - None covers more than was considered: an event written later lies above every earlier
//!   checkpoint.
//! - At least one comes per window × multiplier considered events, give or take a page.
//! - What was considered is covered before `caught_up`, by the last checkpoint or by the start
//!   itself.
//!
//! Positions compare as the pair (commit, prepare). After `caught_up` the recorded checkpoints are
//! exact and none of this applies.

use crate::golden::matching::Difference;
use serde_json::Value;

/// How many events a server may look at in one go.
const PAGE: u64 = 32;
/// The window of a filter that does not say one.
const DEFAULT_WINDOW: u64 = 32;

/// A position in the log: commit, prepare.
pub type Pair = (u64, u64);

/// What a catch-up began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatchUp {
    /// Everything up to here was not asked for.
    pub start: Pair,
    /// The records above the start that were in the log when the subscription was opened,
    /// ascending.
    pub log: Vec<u64>,
    /// Window × multiplier.
    pub stride: u64,
}

impl CatchUp {
    /// Judges the messages up to and including `caught_up`, and answers the checkpoints among them.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn judge(&self, came: &[Value]) -> Result<Vec<Pair>, Difference> {
        let mut checkpoints: Vec<Pair> = Vec::new();
        let mut covered = self.start;
        for (place, message) in came.iter().enumerate() {
            let broken = |wanted: String, came: String| {
                Err(Difference {
                    at: format!("messages[{place}]"),
                    wanted,
                    came,
                })
            };
            if let Some(checkpoint) = message.get("checkpoint") {
                let pair = position(checkpoint);
                if pair < covered || checkpoints.last() == Some(&pair) {
                    return broken(
                        format!("a checkpoint above {covered:?}"),
                        format!("{pair:?}"),
                    );
                }
                let considered = self.between(covered, pair);
                if considered > self.stride + PAGE {
                    let wanted = format!(
                        "a checkpoint per {} considered events, give or take {PAGE}",
                        self.stride
                    );
                    return broken(wanted, format!("one after {considered}: {pair:?}"));
                }
                checkpoints.push(pair);
                covered = pair;
            } else if let Some(event) = message.get("event") {
                let delivered = delivered(event);
                if delivered <= covered && !checkpoints.is_empty() {
                    return broken(
                        format!("no event at or below the checkpoint {covered:?}"),
                        format!("{delivered:?}"),
                    );
                }
            } else if message.get("caught_up").is_some() {
                let left = self.between(covered, (u64::MAX, u64::MAX));
                if left > 0 {
                    let wanted = format!(
                        "all considered events covered before caught_up, the last is at {:?}",
                        self.log.last()
                    );
                    return broken(wanted, format!("covered up to {covered:?}, {left} left"));
                }
            }
        }
        Ok(checkpoints)
    }

    /// How many records of the log lie above one position and not above another.
    fn between(&self, above: Pair, up_to: Pair) -> u64 {
        let within = self
            .log
            .iter()
            .filter(|record| (**record, **record) > above && (**record, **record) <= up_to);
        within.count() as u64
    }
}

/// Checks that nothing written later lies at or below a checkpoint: it would be lost to whoever
/// resumes from there.
///
/// # Errors
/// The first checkpoint that covers the future.
pub fn covers_no_future(checkpoints: &[Pair], written_later: &[u64]) -> Result<(), Difference> {
    for checkpoint in checkpoints {
        if let Some(lost) = written_later
            .iter()
            .find(|record| (**record, **record) <= *checkpoint)
        {
            let wanted = format!("no checkpoint at or above {lost}, which was written after it");
            return Err(Difference {
                at: "a checkpoint before caught_up".to_owned(),
                wanted,
                came: format!("{checkpoint:?}"),
            });
        }
    }
    Ok(())
}

/// Window × multiplier of a recorded filter.
#[must_use]
pub fn stride(filter: &Value) -> u64 {
    let window = filter
        .get("max")
        .and_then(Value::as_u64)
        .unwrap_or(DEFAULT_WINDOW);
    window
        * filter
            .get("checkpointIntervalMultiplier")
            .and_then(Value::as_u64)
            .unwrap_or(1)
}

/// The pair that a message shows.
#[must_use]
pub fn position(message: &Value) -> Pair {
    (
        number(message, "commit_position"),
        number(message, "prepare_position"),
    )
}

/// Where a delivered event lies in the log: its own record or that of the link to it.
fn delivered(event: &Value) -> Pair {
    event
        .get("link")
        .or_else(|| event.get("event"))
        .map(position)
        .unwrap_or_default()
}

fn number(message: &Value, field: &str) -> u64 {
    message
        .get(field)
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}

/// What is left of messages without their checkpoints.
#[must_use]
pub fn without_checkpoints(messages: &[Value]) -> Vec<Value> {
    messages
        .iter()
        .filter(|message| message.get("checkpoint").is_none())
        .cloned()
        .collect()
}

/// The number of messages up to and including `caught_up`, if it is among them.
#[must_use]
pub fn until_caught_up(messages: &[Value]) -> Option<usize> {
    messages
        .iter()
        .position(|message| message.get("caught_up").is_some())
        .map(|place| place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn catch_up() -> CatchUp {
        CatchUp {
            start: (10, 10),
            log: vec![20, 30, 40],
            stride: 1,
        }
    }

    fn event(at: u64) -> Value {
        json!({"event": {"event": {"commit_position": at.to_string(), "prepare_position": at.to_string()}}})
    }

    fn checkpoint(commit: u64, prepare: u64) -> Value {
        json!({"checkpoint": {"commit_position": commit.to_string(), "prepare_position": prepare.to_string()}})
    }

    fn caught_up() -> Value {
        json!({"caught_up": {}})
    }

    fn broken(came: &[Value]) -> String {
        catch_up().judge(came).unwrap_err().wanted
    }

    #[test]
    fn the_reference_and_sparser_servers_pass() {
        let reference = [
            checkpoint(10, 10),
            event(20),
            checkpoint(20, 20),
            checkpoint(40, 40),
            checkpoint(50, 0),
            caught_up(),
        ];
        assert_eq!(catch_up().judge(&reference).unwrap().len(), 4);
        assert_eq!(
            catch_up()
                .judge(&[event(20), event(40), checkpoint(40, 40), caught_up()])
                .unwrap(),
            [(40, 40)]
        );
    }

    #[test]
    fn a_catch_up_with_nothing_to_consider_needs_no_checkpoint() {
        let idle = CatchUp {
            log: Vec::new(),
            ..catch_up()
        };
        assert_eq!(idle.judge(&[caught_up()]).unwrap(), []);
    }

    #[test]
    fn going_back_and_repeating_is_wrong() {
        assert!(broken(&[checkpoint(30, 30), checkpoint(20, 20)]).contains("above (30, 30)"));
        assert!(broken(&[checkpoint(30, 30), checkpoint(30, 30)]).contains("above (30, 30)"));
        assert!(broken(&[checkpoint(5, 5)]).contains("above (10, 10)"));
    }

    #[test]
    fn a_checkpoint_before_what_it_covers_is_wrong() {
        assert!(broken(&[checkpoint(20, 20), event(20)]).contains("no event at or below"));
        assert!(
            catch_up()
                .judge(&[
                    checkpoint(20, 0),
                    event(20),
                    checkpoint(40, 40),
                    caught_up()
                ])
                .is_ok()
        );
    }

    #[test]
    fn being_caught_up_with_events_uncovered_is_wrong() {
        assert!(broken(&[event(20), caught_up()]).contains("all considered events covered"));
        assert!(
            broken(&[event(20), checkpoint(40, 0), caught_up()])
                .contains("all considered events covered")
        );
    }

    #[test]
    fn too_few_checkpoints_are_wrong() {
        let long = CatchUp {
            start: (0, 0),
            log: (1..=100).collect(),
            stride: 6,
        };
        assert!(
            long.judge(&[checkpoint(50, 50), checkpoint(100, 100), caught_up()])
                .unwrap_err()
                .wanted
                .contains("per 6")
        );
        assert!(
            long.judge(&[
                checkpoint(38, 38),
                checkpoint(76, 76),
                checkpoint(100, 100),
                caught_up()
            ])
            .is_ok()
        );
    }

    #[test]
    fn a_checkpoint_that_covers_the_future_is_wrong() {
        assert_eq!(covers_no_future(&[(40, 40), (50, 0)], &[50, 60]), Ok(()));
        assert!(covers_no_future(&[(50, 50)], &[50]).is_err());
    }

    #[test]
    fn the_stride_is_window_times_multiplier() {
        assert_eq!(
            stride(&json!({"max": 2, "checkpointIntervalMultiplier": 3})),
            6
        );
        assert_eq!(
            stride(&json!({"count": {}, "checkpointIntervalMultiplier": 1})),
            32
        );
    }
}
