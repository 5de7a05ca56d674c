//! Figures of the engine for Prometheus. Labels are of closed sets: names of states, causes,
//! operations and outcomes, never of networks or people.

use super::{
    CommandFigures, Services, cloud_figures, followers::Lags, process_figures::Process,
    projection_service::Which,
};
use chrono::{DateTime, Utc};
use domain::connector::built_in::BuiltIn;
use journal::{Figures as History, Position};
use projections::{Counts, RebuildCounts};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{collections::BTreeMap, fmt, sync::atomic::AtomicU64};
use workers::provisioner::ProgressReport;

/// What ends an exposition, and stands once.
const END: &str = "# EOF\n";

/// Everything that this server has figures of, in Prometheus' text.
pub(super) fn joined(mut first: String, second: &str) -> String {
    if let Some(length) = first.strip_suffix(END).map(str::len) {
        first.truncate(length);
    }
    first + second
}

type Labelled<M> = Family<Vec<(&'static str, String)>, M>;

/// What the figures are of, at one moment.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) counts: Option<Counts>,
    pub(super) progress: ProgressReport,
    pub(super) history: History,
    pub(super) is_caught_up: bool,
    pub(super) behind_since: Option<DateTime<Utc>>,
    pub(super) lags: Lags,
    pub(super) position: Position,
    pub(super) turned_away: (u64, u64),
    /// Servers that are there and judge by another policy of access.
    pub(super) differing: u64,
    pub(super) commands: CommandFigures,
    /// Commands that wait for approvals, and those that are granted and not carried out yet.
    pub(super) approvals: (u64, u64),
    /// Whether each projection is being built anew, and what that came to before.
    pub(super) rebuilds: [(&'static str, bool, RebuildCounts); 2],
    /// When the certificates end that the API shows and that the event store presents, in seconds
    /// since 1970.
    pub(super) certificates: [(&'static str, Option<i64>); 2],
    /// For how many seconds more each of the engine's own connectors is stopped; 0: it runs.
    pub(super) stopped: Vec<(BuiltIn, u64)>,
    /// Streams that the event store does not keep whole, by what they hold.
    pub(super) limited: BTreeMap<&'static str, u64>,
    /// Networks that were found to have lost events.
    pub(super) holes: u64,
    pub(super) process: Process,
    pub(super) now: DateTime<Utc>,
}

impl Seen {
    pub(super) async fn of(services: &Services, lags: Lags) -> Self {
        Self {
            // Read models of an older form cannot be counted until they are built again.
            counts: services.projections.counts().await.ok(),
            process: Process::of(services).await,
            progress: services.progress.report(),
            history: services.journal.networks().settled_figures().await,
            is_caught_up: *services.projections.caught_up().borrow(),
            behind_since: services.lag.behind_since(),
            lags,
            position: *services.projections.position().borrow(),
            turned_away: services.doors.turned_away(),
            differing: differing(services),
            commands: services.commands.clone(),
            approvals: services.waiting.counts(),
            rebuilds: Which::ALL.map(|it| {
                let last = it.last_rebuild(services);
                let is_under_way = last.is_some_and(|it| it.stage.is_under_way());
                (it.as_str(), is_under_way, it.rebuild_counts(services))
            }),
            certificates: [
                (
                    "api",
                    services.server.tls.as_ref().and_then(|it| it.expires_at()),
                ),
                (
                    "store",
                    services.store_certificate.ends().map(|it| it.timestamp()),
                ),
            ],
            stopped: stopped(services),
            limited: services.limited_streams(),
            holes: services.journal.networks().holes().len() as u64,
            now: (services.clock)(),
        }
    }

    /// The figures, in Prometheus' text.
    pub(super) fn exposition(&self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        self.engine(&mut registry);
        if let Some(counts) = &self.counts {
            things(counts, &mut registry);
        }
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }

    fn engine(&self, it: &mut Registry) {
        let lag: Gauge<f64, AtomicU64> = Gauge::default();
        let since = self.behind_since.filter(|_| !self.is_caught_up);
        let behind = since.and_then(|since| (self.now - since).to_std().ok());
        lag.set(behind.unwrap_or_default().as_secs_f64());
        it.register(
            "peerage_read_models_lag_seconds",
            "For how long the read models have not been at the end of the log",
            lag,
        );
        gauge(
            it,
            "peerage_read_models_whole",
            "1 where the read models hold the whole log, else 0",
            u64::from(self.is_caught_up),
        );
        gauge(
            it,
            "peerage_read_models_position",
            "The commit position of the log that the read models include",
            self.position.commit,
        );
        self.lags.register(self.now, it);
        let progress = &self.progress;
        counter(
            it,
            "peerage_provisioner_passes",
            "Passes over a network that came to their end",
            progress.passes,
        );
        counter(
            it,
            "peerage_provisioner_failed_passes",
            "Passes that the event store made impossible",
            progress.failed_passes,
        );
        gauge(
            it,
            "peerage_provisioner_networks_in_progress",
            "Networks that are being worked on",
            progress.in_progress,
        );
        gauge(
            it,
            "peerage_provisioner_queue",
            "Networks that are due for a pass, which has not begun",
            progress.waiting,
        );
        let oldest: Gauge<f64, AtomicU64> = Gauge::default();
        oldest.set(progress.longest_wait.as_secs_f64());
        it.register(
            "peerage_provisioner_queue_oldest_seconds",
            "For how long the one has been due that waits longest",
            oldest,
        );
        cloud_figures::register(it, &progress.calls);
        self.process.register(it);
        let away = Labelled::<Counter>::default();
        it.register(
            "peerage_api_turned_away",
            "Calls that were turned away: of unknown callers, or denied to known ones",
            away.clone(),
        );
        for (why, count) in [
            ("unknown", self.turned_away.0),
            ("denied", self.turned_away.1),
        ] {
            let labels = vec![("why", why.to_owned())];
            away.get_or_create(&labels).inc_by(count);
        }
        gauge(
            it,
            "peerage_access_policies_differing",
            "Servers on the same event store that are there and judge by another policy of access than this one",
            self.differing,
        );
        self.commands.register(it);
        let approvals = Labelled::<Gauge>::default();
        it.register(
            "peerage_approvals",
            "Commands that wait for approvals, or have them and are not carried out yet, by state",
            approvals.clone(),
        );
        let (pending, granted) = self.approvals;
        for (state, count) in [("pending", pending), ("granted", granted)] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let labels = vec![("state", state.to_owned())];
            approvals.get_or_create(&labels).set(count);
        }
        self.rebuilds(it);
        let stopped = Labelled::<Gauge>::default();
        it.register(
            "peerage_connector_stopped_seconds",
            "For how long one of the engine's own connectors is still stopped by command at this server; 0 where it runs",
            stopped.clone(),
        );
        for (which, seconds) in &self.stopped {
            let labels = vec![("connector", which.to_string())];
            let seconds = i64::try_from(*seconds).unwrap_or(i64::MAX);
            stopped.get_or_create(&labels).set(seconds);
        }
        let ends = Labelled::<Gauge>::default();
        it.register(
            "peerage_certificate_expires_timestamp_seconds",
            "When the certificate ends that the API shows, and the first that the event store's nodes present, where there is TLS",
            ends.clone(),
        );
        for (of, seconds) in self.certificates {
            if let Some(seconds) = seconds {
                let labels = vec![("of", of.to_owned())];
                ends.get_or_create(&labels).set(seconds);
            }
        }
        by(
            it,
            "peerage_streams_limited",
            "Streams that must be whole and of which the event store is told to drop events, by what they hold",
            "of",
            self.limited.iter(),
        );
        gauge(
            it,
            "peerage_networks_with_lost_events",
            "Networks that were found to have lost events; nothing is opened in them",
            self.holes,
        );
        let history = &self.history;
        gauge(
            it,
            "peerage_memory_networks",
            "Folded networks that are kept in memory",
            history.cached_networks,
        );
        gauge(
            it,
            "peerage_memory_networks_bytes",
            "What they take, roughly",
            history.cached_bytes,
        );
        gauge(
            it,
            "peerage_snapshots_wrong",
            "Snapshots that differ from the log; nothing is opened in such a network",
            history.snapshots_wrong,
        );
    }
}

impl Seen {
    fn rebuilds(&self, it: &mut Registry) {
        let under_way = Labelled::<Gauge>::default();
        it.register(
            "peerage_projection_rebuild_under_way",
            "1 where a projection is being built anew beside the one that serves, else 0",
            under_way.clone(),
        );
        let ended = Labelled::<Counter>::default();
        it.register(
            "peerage_projection_rebuilds",
            "Rebuilds of projections that came to their end, by outcome",
            ended.clone(),
        );
        let differences = Labelled::<Counter>::default();
        it.register(
            "peerage_projection_rebuild_differences",
            "Rows of projections that were found not to be what the log makes of them",
            differences.clone(),
        );
        for (projection, is_under_way, counts) in self.rebuilds {
            let label = || ("projection", projection.to_owned());
            let gauge = under_way.get_or_create(&vec![label()]).clone();
            gauge.set(i64::from(is_under_way));
            for (outcome, count) in [
                ("switched", counts.switched),
                ("cancelled", counts.cancelled),
                ("failed", counts.failed),
                ("refused", counts.refused),
            ] {
                let labels = vec![label(), ("outcome", outcome.to_owned())];
                ended.get_or_create(&labels).inc_by(count);
            }
            let counter = differences.get_or_create(&vec![label()]).clone();
            counter.inc_by(counts.differences);
        }
    }
}

/// One that was last heard of with another policy and is gone is no alarm.
fn differing(services: &Services) -> u64 {
    let (doors, servers) = (&services.doors, &services.connectors.servers);
    let there = servers.as_ref().map(|it| it.others()).unwrap_or_default();
    if doors.is_open() {
        return 0;
    }
    let others = services
        .policies
        .others(&services.server.host, &doors.policy().hash);
    let differing = others.iter().filter(|it| there.contains(it.host.as_str()));
    differing.count() as u64
}

/// A stop that is nearly over is one still.
fn stopped(services: &Services) -> Vec<(BuiltIn, u64)> {
    let each = BuiltIn::ALL.into_iter().map(|which| {
        let stop = services.stop_of(which);
        let left = stop.and_then(|it| it.left((services.clock)()));
        let seconds = left.map_or(0, |it| it.num_milliseconds().unsigned_abs().div_ceil(1_000));
        (which, seconds)
    });
    each.collect()
}

/// What the networks have.
fn things(counts: &Counts, it: &mut Registry) {
    gauge(
        it,
        "peerage_networks",
        "Networks that are not retired",
        counts.networks,
    );
    by(
        it,
        "peerage_peerings",
        "Peerings that have not ended, by state",
        "state",
        counts.peerings.iter(),
    );
    by(
        it,
        "peerage_peerings_blocked",
        "Peerings that wait for a person, by cause",
        "cause",
        counts.blocked.iter(),
    );
    gauge(
        it,
        "peerage_peerings_unconverged",
        "Peerings that are not as they should be yet",
        counts.unconverged,
    );
    gauge(
        it,
        "peerage_exposures",
        "Rules of others that let the other side in",
        counts.exposures,
    );
    gauge(
        it,
        "peerage_drift",
        "Differences between the cloud and the record that stand open",
        counts.drift,
    );
    gauge(
        it,
        "peerage_networks_unreadable",
        "Networks with events that cannot be read; nothing is opened in them",
        counts.unreadable,
    );
    gauge(
        it,
        "peerage_orphans",
        "Things at the clouds that no live peering accounts for",
        counts.orphans,
    );
}

fn gauge(it: &mut Registry, name: &str, help: &str, value: u64) {
    let gauge: Gauge = Gauge::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    it.register(name, help, gauge);
}

fn counter(it: &mut Registry, name: &str, help: &str, value: u64) {
    let counter: Counter = Counter::default();
    counter.inc_by(value);
    it.register(name, help, counter);
}

fn by<'a>(
    it: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    values: impl Iterator<Item = (&'a (impl ToString + 'a), &'a u64)>,
) {
    let family = Labelled::<Gauge>::default();
    it.register(name, help, family.clone());
    for (key, value) in values {
        let labels = vec![(label, key.to_string())];
        let value = i64::try_from(*value).unwrap_or(i64::MAX);
        family.get_or_create(&labels).set(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_expositions_become_one_that_ends_once() {
        let joined = joined("a 1\n# EOF\n".to_owned(), "b 2\n# EOF\n");
        assert_eq!(joined, "a 1\nb 2\n# EOF\n");
    }
}
