//! What goes on beside the calls: the parts that keep what answers show up to date.

use super::Engine;
use crate::api::Services;

impl Engine {
    /// Starts what wakes watches, what notes how far behind the read models are, and what looks at
    /// the store's certificate and at what it is told to keep.
    pub(super) fn attend(&mut self, services: &Services) {
        let (watched, stopping) = (services.clone(), self.stopping.clone());
        self.parts.spawn(async move {
            watched.hub.run(&watched.projections, stopping).await;
            ("what wakes watches", Ok(()))
        });
        let (known, stopping) = (services.clone(), self.stopping.clone());
        self.parts.spawn(async move {
            known.forget_what_is_gone(stopping).await;
            ("what forgets events that are gone from the log", Ok(()))
        });
        let (followed, stopping) = (services.clone(), self.stopping.clone());
        self.parts.spawn(async move {
            let (projections, clock) = (&followed.projections, &followed.clock);
            followed.lag.run(projections, clock, stopping).await;
            ("what notes the read models' lag", Ok(()))
        });
        let (looked, stopping) = (services.clone(), self.stopping.clone());
        self.parts.spawn(async move {
            let seen = stopping.clone();
            let look = looked.store_certificate.run(&looked.journal, seen);
            stopping.run_until_cancelled(look).await;
            ("what looks at the store's certificate", Ok(()))
        });
        let (kept, stopping) = (services.clone(), self.stopping.clone());
        self.parts.spawn(async move {
            let ended = kept.retention.run(&kept.journal, stopping).await;
            (
                "what looks at how much the store keeps",
                ended.map_err(Into::into),
            )
        });
    }
}
