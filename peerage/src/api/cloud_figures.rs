//! Calls to clouds: how many there were and what they took, by operation and outcome.

use cloud::{CALL_TIMES, CallOutcome, CallTimes, Operation};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter},
    registry::Registry,
};
use std::{collections::BTreeMap, fmt};

/// The labels of one series; both are words of closed sets.
type Labels = [(&'static str, &'static str); 2];

/// Puts the calls among the figures.
pub(super) fn register(it: &mut Registry, calls: &BTreeMap<(Operation, CallOutcome), CallTimes>) {
    it.register_collector(Box::new(CloudCalls(calls.clone())));
}

#[derive(Debug)]
struct CloudCalls(BTreeMap<(Operation, CallOutcome), CallTimes>);

impl CloudCalls {
    fn series(&self) -> impl Iterator<Item = (Labels, &CallTimes)> {
        let labels = |(operation, outcome): &(Operation, CallOutcome)| {
            [("operation", operation.as_str()), ("outcome", *outcome)]
        };
        self.0.iter().map(move |(key, times)| (labels(key), times))
    }
}

impl Collector for CloudCalls {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut counts = encoder.encode_descriptor(
            "peerage_cloud_calls",
            "Calls to clouds, by operation and outcome.",
            None,
            MetricType::Counter,
        )?;
        for (labels, times) in self.series() {
            let count = ConstCounter::new(times.count);
            count.encode(counts.encode_family(&labels)?)?;
        }
        let mut seconds = encoder.encode_descriptor(
            "peerage_cloud_call_seconds",
            "What calls to clouds took, in seconds, by operation and outcome; each try by itself, without the wait for its turn.",
            None,
            MetricType::Histogram,
        )?;
        for (labels, times) in self.series() {
            let within: u64 = times.within.iter().sum();
            let mut buckets = Vec::with_capacity(CALL_TIMES.len() + 1);
            for (bound, count) in CALL_TIMES.into_iter().zip(times.within) {
                let seconds = std::time::Duration::from_millis(bound).as_secs_f64();
                buckets.push((seconds, count));
            }
            buckets.push((f64::INFINITY, times.count - within));
            let mut series = seconds.encode_family(&labels)?;
            series.encode_histogram::<NoLabelSet>(
                times.took.as_secs_f64(),
                times.count,
                &buckets,
                None,
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;
    use std::time::Duration;

    #[test]
    fn calls_to_clouds_are_counted_and_timed_by_operation_and_outcome() {
        let mut ok = CallTimes {
            count: 4,
            took: Duration::from_millis(30_080),
            ..CallTimes::default()
        };
        // Three within 25 ms, and one that took half a minute.
        ok.within[1] = 3;
        let throttled = CallTimes {
            count: 1,
            took: Duration::from_millis(10),
            within: std::array::from_fn(|n| u64::from(n == 0)),
        };
        let calls = BTreeMap::from([
            ((Operation::Links, "ok"), ok),
            ((Operation::InstallRoute, "throttled"), throttled),
        ]);
        let (mut registry, mut text) = (Registry::default(), String::new());
        register(&mut registry, &calls);
        encode(&mut text, &registry).unwrap();
        for line in [
            "# TYPE peerage_cloud_calls counter",
            r#"peerage_cloud_calls_total{operation="links",outcome="ok"} 4"#,
            r#"peerage_cloud_calls_total{operation="install_route",outcome="throttled"} 1"#,
            "# TYPE peerage_cloud_call_seconds histogram",
            r#"peerage_cloud_call_seconds_sum{operation="links",outcome="ok"} 30.08"#,
            r#"peerage_cloud_call_seconds_count{operation="links",outcome="ok"} 4"#,
            r#"peerage_cloud_call_seconds_bucket{le="0.01",operation="links",outcome="ok"} 0"#,
            r#"peerage_cloud_call_seconds_bucket{le="0.025",operation="links",outcome="ok"} 3"#,
            r#"peerage_cloud_call_seconds_bucket{le="20.0",operation="links",outcome="ok"} 3"#,
            r#"peerage_cloud_call_seconds_bucket{le="+Inf",operation="links",outcome="ok"} 4"#,
            r#"peerage_cloud_call_seconds_bucket{le="0.01",operation="install_route",outcome="throttled"} 1"#,
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
    }
}
