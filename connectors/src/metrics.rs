//! Figures for Prometheus, named as KurrentDB's connectors name theirs, with `peerage_` in place of
//! `kurrent_`.
//!
//! Labels are of closed sets: the connectors that run here, and what kind each is. A connector that
//! leaves takes its series along. Names that the conventions would spell otherwise stay as
//! KurrentDB has them, and are of unknown type.

use crate::{
    catalogue::Listed,
    deliveries::DeliveryLog,
    series::{Of, SinkKind},
    status::Statuses,
};
use chrono::{DateTime, Utc};
use domain::{connector::State, text::ConnectorId};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, text::encode},
    metrics::{MetricType, TypedMetric, counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

/// A connector in a state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct In {
    connector: String,
    kind: SinkKind,
    state: &'static str,
}

/// A number whose name says nothing of its type.
#[derive(Debug, Default)]
struct Number(AtomicI64);

impl TypedMetric for Number {
    const TYPE: MetricType = MetricType::Unknown;
}

impl EncodeMetric for Number {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_gauge(&self.0.load(Ordering::Relaxed))
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl Number {
    fn set(&self, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.0.store(value, Ordering::Relaxed);
    }
}

/// One series of a family that is filled anew.
fn family<M: EncodeMetric + TypedMetric + fmt::Debug + Send + Sync + Default + 'static>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> Family<Of, M> {
    let family = Family::<Of, M>::default();
    registry.register(name, help, family.clone());
    family
}

/// All figures, in the form that Prometheus reads (OpenMetrics 1.0). How far a connector is behind
/// that does not know it itself was counted in the log.
pub fn exposition(
    statuses: &Statuses,
    all: &[Listed],
    log: &DeliveryLog,
    counted: &BTreeMap<ConnectorId, u64>,
    now: DateTime<Utc>,
) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    let it = &mut registry;
    let active = Gauge::<i64>::default();
    it.register(
        "peerage_connector_active_total",
        "How many connectors run in this server",
        active.clone(),
    );
    let written: Family<Of, Number> = family(
        it,
        "peerage_sink_written_total_records",
        "Records that were taken since the connector runs here",
    );
    let errors: Family<Of, Counter> =
        family(it, "peerage_sink_errors", "Attempts to deliver that failed");
    let received: Family<Of, Number> = family(
        it,
        "peerage_messaging_consumer_message_count",
        "Records that were looked at, those that the filter left out included",
    );
    let lag: Family<Of, Gauge> = family(
        it,
        "peerage_messaging_consumer_lag",
        "Records that are not dealt with yet; while the connector reads the log by itself, counted up to 1000: then there are so many or more",
    );
    let behind: Family<Of, Gauge<f64, AtomicU64>> = family(
        it,
        "peerage_connector_lag_seconds",
        "How long ago the oldest record was written that is not dealt with yet; 0 where there is none",
    );
    let filtered: Family<Of, Counter> = family(
        it,
        "peerage_connector_filtered_records",
        "Records that the filter left out",
    );
    let retrying: Family<Of, Gauge> = family(
        it,
        "peerage_connector_retrying",
        "Deliveries that wait for their next attempt",
    );
    let parked: Family<Of, Gauge> = family(
        it,
        "peerage_connector_parked_records",
        "Records that are set aside",
    );
    let term: Family<Of, Gauge> = family(
        it,
        "peerage_connector_lease_term",
        "The term of the lease that the connector runs under; 0 without one",
    );
    let processor: Family<Of, Number> = family(
        it,
        "peerage_messaging_processor_error_count",
        "How often the connector broke off in the last ten minutes",
    );
    let states = Family::<In, Gauge>::default();
    it.register(
        "peerage_connector_state",
        "1 for the state that the connector is in, 0 for the others",
        states.clone(),
    );
    let left_out = Counter::<u64>::default();
    left_out.inc_by(log.left_out());
    it.register(
        "peerage_delivery_log_left_out",
        "Attempts that found no place in this server's delivery log",
        left_out,
    );
    let live = statuses.all();
    active.set(i64::try_from(live.len()).unwrap_or(i64::MAX));
    for listed in all {
        let of = Of::new(&listed.id, SinkKind::of(&listed.defined.settings.sink));
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        parked.get_or_create(&of).set(count(listed.parked));
        processor
            .get_or_create(&of)
            .set(listed.defined.restarts.len() as u64);
        for state in State::NAMES {
            let labels = In {
                connector: of.connector.clone(),
                kind: of.kind,
                state,
            };
            let is_in = state == listed.defined.state.name();
            states.get_or_create(&labels).set(i64::from(is_in));
        }
        let Some(live) = live.get(&listed.id) else {
            continue;
        };
        let counts = &live.counts;
        written.get_or_create(&of).set(counts.delivered);
        errors.get_or_create(&of).inc_by(counts.failed_attempts);
        filtered.get_or_create(&of).inc_by(counts.filtered);
        let dealt_with = counts.delivered + counts.filtered + counts.parked;
        received
            .get_or_create(&of)
            .set(dealt_with + live.in_hand as u64);
        retrying.get_or_create(&of).set(count(live.retrying));
        let known = live.behind.map(|it| it + live.in_hand as u64);
        if let Some(waiting) = known.or_else(|| counted.get(&listed.id).copied()) {
            lag.get_or_create(&of)
                .set(i64::try_from(waiting).unwrap_or(i64::MAX));
        }
        behind
            .get_or_create(&of)
            .set(live.lag(now).unwrap_or_default().as_secs_f64());
        term.get_or_create(&of)
            .set(i64::try_from(live.term).unwrap_or(i64::MAX));
    }
    statuses.times().register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}
