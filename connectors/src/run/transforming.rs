//! Records on their way through the transform: changed, left out, or what stops the connector.
//!
//! A record is transformed once before its first attempt, so that every attempt sends the same.
//! Of several records that one task delivers, a process is asked about all at once; each is dealt
//! with in its turn, and one that was not answered is asked about by itself.
//!
//! What a function throws at is wrong with the record, and sets it aside. A process that hung or
//! ended in the middle may have been killed by somebody else: the record is tried once more.

use super::{
    delivery::{Delivery, End, Told},
    turns::Waiting,
};
use crate::{
    sink::{Attempt, Item, Outcome},
    sinks::outgoing::transformable,
};
use domain::connector::{Failure, FailureCode, OnExhaustion, Transformer};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;
use transform::{Host, HostError, Source, Verdict};

/// How many records of one connector are transformed at a time: what hangs holds no more of the
/// processes that all have in common.
const AT_A_TIME: usize = 2;

/// How often a record is given to a process that ends or is killed over it.
const TRIES: u32 = 2;

/// After so many processes in a row that hung or ended, the connector fails.
const MOST_BROKEN: u32 = 6;

/// The pause while no process can be started.
const PAUSE: Duration = Duration::from_secs(5);

/// What changes the records of one connector.
#[derive(Clone, Debug)]
pub(crate) struct Transform {
    host: Host,
    source: Source,
    slots: Arc<Semaphore>,
    /// How many processes in a row hung or ended.
    broken: Arc<AtomicU32>,
}

impl Transform {
    pub(crate) fn new(host: Host, wanted: &Transformer) -> Self {
        Self {
            host,
            source: Source::new(&wanted.function),
            slots: Arc::new(Semaphore::new(AT_A_TIME)),
            broken: Arc::default(),
        }
    }

    /// Whether it can be used; why not, in words.
    pub(crate) async fn check(&self) -> Result<(), String> {
        let checked = self.host.check(&self.source).await;
        let checked = checked.map_err(|error| words(&error))?;
        checked.map_err(|cause| format!("the transform cannot be used: {cause}"))
    }

    /// What becomes of one record.
    pub(crate) async fn of(&self, record: &transform::Record) -> Result<Verdict, String> {
        let verdict = self.host.transform(&self.source, record).await;
        verdict.map_err(|error| words(&error))
    }

    async fn verdict(&self, record: &transform::Record) -> Result<Verdict, HostError> {
        // Closed never: it belongs to this.
        let _slot = self.slots.acquire().await;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.host.transform(&self.source, record).await {
                Ok(verdict) => {
                    self.broken.store(0, Ordering::Relaxed);
                    return Ok(verdict);
                }
                Err(error @ HostError::Start(_)) => return Err(error),
                Err(error @ (HostError::Overrun | HostError::Ended(_))) => {
                    let broken = self.broken.fetch_add(1, Ordering::Relaxed) + 1;
                    if tries >= TRIES || broken >= MOST_BROKEN {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// What becomes of several, as far as that can be said of all at once.
    async fn first(&self, records: &[transform::Record]) -> Vec<Option<Verdict>> {
        let _slot = self.slots.acquire().await;
        // What went wrong shows when each is asked about by itself, and counts then.
        let verdicts = self.host.transform_first(&self.source, records).await;
        verdicts.unwrap_or_default()
    }

    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed) >= MOST_BROKEN
    }
}

fn words(error: &HostError) -> String {
    domain::error_chain(error).to_string()
}

impl Delivery {
    /// Has several records transformed before the first of them is delivered.
    pub(super) async fn look_ahead(&self, waiting: &Waiting) {
        let Some(transform) = self.transform.as_ref().filter(|_| waiting.len() > 1) else {
            return;
        };
        let records: Vec<_> = waiting.iter().map(|(_, it)| transformable(it)).collect();
        let verdicts = transform.first(&records);
        let verdicts = self.draining.run_until_cancelled(verdicts).await;
        let mut ahead = self.ahead.lock();
        for ((_, item), verdict) in waiting.iter().zip(verdicts.unwrap_or_default()) {
            if let Some(verdict) = verdict {
                ahead.insert(place(item), verdict);
            }
        }
    }

    /// Forgets what was said of records that go back to their lane.
    pub(super) fn forget_ahead(&self, waiting: &Waiting) {
        if self.transform.is_some() && !waiting.is_empty() {
            let mut ahead = self.ahead.lock();
            for (_, item) in waiting {
                ahead.remove(&place(item));
            }
        }
    }

    /// The records as they are delivered; or how they ended before that.
    pub(super) async fn transformed(&self, lane: &str, items: Vec<Item>) -> Result<Vec<Item>, End> {
        let Some(transform) = &self.transform else {
            return Ok(items);
        };
        let is_alone = items.len() == 1;
        let mut left = Vec::with_capacity(items.len());
        for mut item in items {
            let verdict = self.verdict(transform, &item).await?;
            match verdict {
                Ok(Verdict::Changed(changed)) => {
                    item.changed = Some(Arc::new(changed));
                    left.push(item);
                }
                Ok(Verdict::Dropped) => self.live.lock().counts.filtered += 1,
                // Those before it in the batch are delivered first, each by itself.
                Ok(Verdict::Cancelled(_) | Verdict::Refused(_)) | Err(_) if !is_alone => {
                    return Err(End::Apart);
                }
                Ok(Verdict::Cancelled(reason)) => {
                    return Err(End::Failed(cancelled(&item, &reason)));
                }
                Ok(Verdict::Refused(cause)) => return Err(self.refused(lane, item, &cause).await),
                Err(error) if transform.is_broken() => {
                    let text = format!("the transform broke {MOST_BROKEN} times in a row: ");
                    let text = text + &words(&error);
                    return Err(End::Failed(Failure::new(FailureCode::Transform, &text)));
                }
                Err(error) => return Err(self.refused(lane, item, &words(&error)).await),
            }
        }
        Ok(left)
    }

    /// What becomes of a record, as soon as there is a process that says so.
    async fn verdict(
        &self,
        transform: &Transform,
        item: &Item,
    ) -> Result<Result<Verdict, HostError>, End> {
        let said = self.ahead.lock().remove(&place(item));
        if let Some(verdict) = said {
            return Ok(Ok(verdict));
        }
        let record = transformable(item);
        loop {
            let verdict = transform.verdict(&record);
            let verdict = self.draining.run_until_cancelled(verdict).await;
            match verdict.ok_or(End::Unfinished)? {
                Err(error @ HostError::Start(_)) => {
                    // Nothing is wrong with the record.
                    let cause = words(&error);
                    let retry_after = None;
                    let outcome = Outcome::EndpointFailed { cause, retry_after };
                    self.note(&self.attempt(outcome), std::slice::from_ref(item));
                    if !self.rest(PAUSE).await {
                        return Err(End::Unfinished);
                    }
                }
                verdict @ (Ok(_) | Err(HostError::Overrun | HostError::Ended(_))) => {
                    return Ok(verdict);
                }
            }
        }
    }

    /// Sets a record aside that the transform did not come to an end with.
    async fn refused(&self, lane: &str, item: Item, cause: &str) -> End {
        let cause = format!("the transform refused it: {cause}");
        let attempt = self.attempt(Outcome::RecordRefused(cause.clone()));
        self.note(&attempt, std::slice::from_ref(&item));
        match self.settings.on_exhaustion {
            OnExhaustion::Stop => End::Failed(Failure::new(FailureCode::Transform, &cause)),
            OnExhaustion::Park | OnExhaustion::Block => {
                let told = Told {
                    attempt: &attempt,
                    attempts: 1,
                    first_tried: attempt.at,
                };
                self.park(lane, &[item], &cause, &told).await
            }
        }
    }

    fn attempt(&self, outcome: Outcome) -> Attempt {
        Attempt {
            at: self.now(),
            took: Duration::ZERO,
            status: None,
            body: String::new(),
            outcome,
        }
    }
}

/// Where a record is: nothing else is there.
fn place(item: &Item) -> (u64, u64) {
    let position = item.recorded.position;
    (position.commit, position.prepare)
}

fn cancelled(item: &Item, reason: &str) -> Failure {
    let (event_type, event) = (item.recorded.event_type(), item.recorded.event_id);
    let text = format!("the transform cancelled it at {event_type} {event}: {reason}");
    Failure::new(FailureCode::Transform, &text)
}
