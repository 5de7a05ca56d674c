//! How far each follower of the log is behind it, in events and in seconds.
//!
//! Nobody's own word is taken for it: what stands in the log behind the place that a follower has
//! taken in is counted when it is asked for. So one whose connection hangs, or that is stopped, is
//! behind by what it does not see. Counting costs the store a read of what is counted; therefore it
//! has a bound, and whoever asks again at once is told the same.
//!
//! A connector knows how far it is behind while it reads with the others, and says so itself; for
//! one that reads alone, after a stop or a long pause, it is counted here.

use super::{Services, access::KnownPolicies, projection_service::Which, time::duration, v1};
use chrono::{DateTime, Utc};
use domain::text::ConnectorId;
use futures::{StreamExt as _, stream};
use journal::{Behind, Followed, Journal, Position};
use projections::Rebuild;
use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};

/// The most events that are counted for one follower.
const MOST: u64 = 1_000;

/// How long all of it may take. Whoever is not counted by then has no figure.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long an answer holds.
const FRESH: Duration = Duration::from_secs(2);

/// How many are counted at a time.
const AT_A_TIME: usize = 4;

/// What follows the log for the engine itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Follower {
    /// What can be looked up.
    ReadModels,
    /// What proves the log.
    AuditTree,
    /// Read models that are built anew beside those that serve.
    ReadModelsRebuild,
    /// The same of the audit's tree.
    AuditTreeRebuild,
    /// What makes the clouds match.
    Provisioner,
    /// What reads the log for the connectors that run here.
    Deliveries,
    /// Which connectors there are.
    Connectors,
    /// Which commands wait for approval.
    Approvals,
    /// Which policies of access are in force where.
    Policies,
    /// Which streams the event store does not keep whole.
    Retention,
}

impl Follower {
    const ALL: [Self; 10] = [
        Self::ReadModels,
        Self::AuditTree,
        Self::ReadModelsRebuild,
        Self::AuditTreeRebuild,
        Self::Provisioner,
        Self::Deliveries,
        Self::Connectors,
        Self::Approvals,
        Self::Policies,
        Self::Retention,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::ReadModels => "read-models",
            Self::AuditTree => "audit-tree",
            Self::ReadModelsRebuild => "read-models-rebuild",
            Self::AuditTreeRebuild => "audit-tree-rebuild",
            Self::Provisioner => "provisioner",
            Self::Deliveries => "deliveries",
            Self::Connectors => "connectors",
            Self::Approvals => "approvals",
            Self::Policies => "policies",
            Self::Retention => "retention",
        }
    }

    fn followed(self) -> Followed {
        match self {
            Self::ReadModels | Self::ReadModelsRebuild => Followed::Audited,
            Self::AuditTree | Self::AuditTreeRebuild => projections::AuditTree::followed(),
            Self::Provisioner => Followed::Networks,
            Self::Deliveries => Followed::Deliverable,
            Self::Connectors => Followed::Connectors,
            Self::Approvals => Followed::Approvals,
            Self::Policies => KnownPolicies::followed(),
            Self::Retention => Followed::Retention,
        }
    }

    /// Up to where it has followed the log; nothing where it does not follow it here, or not yet.
    fn position(self, services: &Services) -> Option<Position> {
        match self {
            Self::ReadModels => Some(Which::ReadModels.position(services)),
            Self::AuditTree => Some(Which::AuditTree.position(services)),
            Self::ReadModelsRebuild => being_built(Which::ReadModels.last_rebuild(services)?),
            Self::AuditTreeRebuild => being_built(Which::AuditTree.last_rebuild(services)?),
            Self::Provisioner => services.progress.report().followed,
            Self::Deliveries => services.connectors.runtime.read_up_to(),
            Self::Connectors | Self::Approvals | Self::Policies | Self::Retention => {
                let remembered = services.journal.remembered();
                let mine = remembered.into_iter().find(|it| it.0 == self.followed());
                mine.map(|it| it.1)
            }
        }
    }
}

/// How far the followers were behind when that was counted last. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Followers(Arc<Mutex<Option<(Instant, Lags)>>>);

/// How far the followers are behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Lags {
    pub(super) followers: BTreeMap<Follower, Behind>,
    /// The same of connectors that do not know it themselves.
    pub(super) connectors: BTreeMap<ConnectorId, u64>,
}

impl Followers {
    /// How far they are behind. However many ask, the log is read once in so long.
    pub(super) async fn lags(&self, services: &Services) -> Lags {
        let mut last = self.0.lock().await;
        if let Some((at, lags)) = &*last
            && at.elapsed() < FRESH
        {
            return lags.clone();
        }
        let lags = Lags::of(services).await;
        *last = Some((Instant::now(), lags.clone()));
        lags
    }
}

impl Lags {
    async fn of(services: &Services) -> Self {
        let (journal, until) = (&services.journal, Instant::now() + PATIENCE);
        let Ok(Ok(end)) = timeout_at(until, journal.end()).await else {
            return Self::default();
        };
        let count = async |position: Position, followed: Followed| {
            if end.is_none_or(|it| it <= position) {
                return Some(Behind::default());
            }
            let counted = behind(journal, position, &followed);
            timeout_at(until, counted).await.ok().flatten()
        };
        let followers = stream::iter(Follower::ALL).map(async |it| {
            let behind = count(it.position(services)?, it.followed()).await?;
            Some((it, behind))
        });
        let runs = services.connectors.runtime.statuses().all();
        let unknown = runs.into_iter().filter(|(_, it)| it.behind.is_none());
        let connectors = stream::iter(unknown).map(async |(id, live)| {
            let behind = count(live.position?, Followed::Deliverable).await?;
            Some((id, behind.events))
        });
        let followers = followers.buffer_unordered(AT_A_TIME);
        let connectors = connectors.buffer_unordered(AT_A_TIME);
        let (followers, connectors): (Vec<_>, Vec<_>) =
            futures::join!(followers.collect(), connectors.collect());
        Self {
            followers: followers.into_iter().flatten().collect(),
            connectors: connectors.into_iter().flatten().collect(),
        }
    }

    /// The same for whoever asks the server.
    pub(super) fn shown(&self, now: DateTime<Utc>) -> Vec<v1::FollowerLag> {
        let shown = self.followers.iter().map(|(it, behind)| v1::FollowerLag {
            follower: it.as_str().to_owned(),
            events: behind.events,
            lag: Some(duration(since(behind, now))),
        });
        shown.collect()
    }

    pub(super) fn register(&self, now: DateTime<Utc>, it: &mut Registry) {
        let events = Family::<Vec<(&str, &str)>, Gauge>::default();
        it.register(
            "peerage_follower_lag_events",
            "Events of the streams that a follower of the log follows, behind the last place that it has taken in, counted up to 1000: then there are so many or more",
            events.clone(),
        );
        let seconds = Family::<Vec<(&str, &str)>, Gauge<f64, AtomicU64>>::default();
        it.register(
            "peerage_follower_lag_seconds",
            "How long ago the first of these events was written; 0 where there is none",
            seconds.clone(),
        );
        for (follower, behind) in &self.followers {
            let labels = vec![("follower", follower.as_str())];
            let many = i64::try_from(behind.events).unwrap_or(i64::MAX);
            events.get_or_create(&labels).set(many);
            let age = since(behind, now);
            seconds.get_or_create(&labels).set(age.as_secs_f64());
        }
    }
}

/// How long ago what is behind was written. The store's clock may be ahead.
fn since(behind: &Behind, now: DateTime<Utc>) -> Duration {
    let age = behind.oldest.and_then(|it| (now - it).to_std().ok());
    age.unwrap_or_default()
}

/// Up to where it is built; nothing once it has ended.
fn being_built(it: Rebuild) -> Option<Position> {
    it.stage.is_under_way().then_some(it.position)
}

/// What stands behind this position, if that can be told: a log that is another one has no such
/// place.
async fn behind(journal: &Journal, position: Position, followed: &Followed) -> Option<Behind> {
    let counted = journal.behind(Some(position), followed, MOST).await;
    counted
        .inspect_err(|error| {
            let error = domain::error_chain(error);
            tracing::debug!(%followed, %error, "what is behind cannot be counted for now");
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use projections::Stage;
    use prometheus_client::encoding::text::encode;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_355_600, 0).unwrap()
    }

    fn told(followers: impl IntoIterator<Item = (Follower, Behind)>) -> String {
        let lags = Lags {
            followers: followers.into_iter().collect(),
            ..Lags::default()
        };
        let (mut registry, mut text) = (Registry::default(), String::new());
        lags.register(now(), &mut registry);
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn every_follower_has_its_lag_in_events_and_in_seconds_under_a_name_of_its_own() {
        let oldest = Some(now() - Duration::from_millis(2_500));
        let behind = |events| Behind { events, oldest };
        let all = Follower::ALL.into_iter().zip(1..);
        let text = told(all.clone().map(|(it, many)| (it, behind(many))));
        let mut names = std::collections::BTreeSet::new();
        for (follower, many) in all {
            let of = format!("{{follower=\"{}\"}}", follower.as_str());
            assert!(names.insert(of.clone()), "{of}");
            for line in [
                format!("peerage_follower_lag_events{of} {many}"),
                format!("peerage_follower_lag_seconds{of} 2.5"),
            ] {
                assert!(text.lines().any(|it| it == line), "{line}: {text}");
            }
        }
    }

    #[test]
    fn what_is_built_anew_is_behind_while_it_is_built_and_has_no_figure_afterwards() {
        let at = |stage| {
            being_built(Rebuild {
                asked_at: Some(now()),
                stage,
                is_resumed: false,
                position: Position::START,
                end: Position::START,
                events: 0,
                events_per_second: 0.0,
                left: None,
                cause: String::new(),
                comparison: None,
            })
        };
        for stage in [
            Stage::Asked,
            Stage::Building,
            Stage::Comparing,
            Stage::Cancelling,
        ] {
            assert_eq!(at(stage), Some(Position::START), "{stage:?}");
        }
        for stage in [
            Stage::Switched,
            Stage::Cancelled,
            Stage::Failed,
            Stage::Refused,
        ] {
            assert_eq!(at(stage), None, "{stage:?}");
        }
    }

    #[test]
    fn who_is_at_the_end_is_behind_by_nothing_and_who_cannot_be_counted_has_no_figure() {
        let text = told([(Follower::AuditTree, Behind::default())]);
        for line in [
            "peerage_follower_lag_events{follower=\"audit-tree\"} 0",
            "peerage_follower_lag_seconds{follower=\"audit-tree\"} 0.0",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
        assert!(!text.contains("read-models"), "{text}");
    }

    #[test]
    fn an_event_that_the_stores_clock_writes_ahead_of_ours_is_no_time_ago() {
        let oldest = Some(now() + Duration::from_secs(9));
        let text = told([(Follower::Provisioner, Behind { events: 1, oldest })]);
        let line = "peerage_follower_lag_seconds{follower=\"provisioner\"} 0.0";
        assert!(text.lines().any(|it| it == line), "{text}");
    }
}
