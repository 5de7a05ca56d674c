//! A part of the log that is small enough to be known whole, kept in memory: followed from its
//! start, and read anew where it may be another log.

use crate::{FollowError, Followed, Journal, Position, Recorded, Signal};
use tokio_util::sync::CancellationToken;

/// What is known of a part of the log.
pub trait Memory: Sync {
    /// One more event; it may come again.
    fn apply(&self, recorded: &Recorded);

    /// All that the log holds was applied.
    fn is_whole(&self);

    /// What is known may be of another log.
    fn forget(&self);
}

impl Journal {
    /// Follows a part of the log into what is known of it, until stopped. An error means that it
    /// can never be followed.
    pub async fn remember(
        &self,
        followed: Followed,
        memory: &impl Memory,
        stop: CancellationToken,
    ) -> Result<(), FollowError> {
        let mut follower = self.follow(None, followed.clone());
        self.note_remembered(&followed, Position::START);
        loop {
            let signal = tokio::select! {
                signal = follower.next() => signal,
                () = stop.cancelled() => return Ok(()),
            };
            let may_be_another = match signal {
                Ok(Signal::Event(recorded)) => {
                    memory.apply(&recorded);
                    self.note_remembered(&followed, recorded.position);
                    false
                }
                Ok(Signal::CaughtUp) => {
                    memory.is_whole();
                    false
                }
                Ok(Signal::Checkpoint(position)) => {
                    self.note_remembered(&followed, position);
                    false
                }
                Ok(Signal::Resumed) => true,
                Err(error) if error.is_of_another_log() => true,
                Err(error) => return Err(error),
            };
            if may_be_another {
                memory.forget();
                self.note_remembered(&followed, Position::START);
                follower = self.follow(None, followed.clone());
            }
        }
    }
}
