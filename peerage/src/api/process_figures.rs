//! Figures of this process, under the names that every Prometheus client has for them, of the disk
//! that it writes on, and of whether the event store answers it.

use super::Services;
use chrono::{DateTime, Utc};
use journal::Position;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::{Registry, Unit},
};
use rustix::{
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};
use std::{
    path::Path,
    sync::atomic::AtomicU64,
    time::{Duration, Instant},
};

/// How long the event store has to answer a scrape.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is seen at one moment.
#[derive(Debug)]
pub(super) struct Process {
    started_at: DateTime<Utc>,
    cpu: Duration,
    memory: Option<u64>,
    open: Option<usize>,
    most_open: Option<u64>,
    /// Free and all bytes of the data directory's disk.
    disk: Option<(u64, u64)>,
    /// Where the log ends, and after how long that was answered.
    store: Option<(Position, Duration)>,
}

impl Process {
    pub(super) async fn of(services: &Services) -> Self {
        let began = Instant::now();
        let end = tokio::time::timeout(PATIENCE, services.journal.end()).await;
        let end = end.ok().and_then(Result::ok);
        let store = end.map(|it| (it.unwrap_or(Position::START), began.elapsed()));
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let nanoseconds = u32::try_from(cpu.tv_nsec).unwrap_or_default();
        Self {
            started_at: services.server.started_at,
            cpu: Duration::new(cpu.tv_sec.unsigned_abs(), nanoseconds),
            memory: memory(),
            open: std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
            most_open: getrlimit(Resource::Nofile).current,
            disk: services.server.data.as_deref().and_then(space),
            store,
        }
    }

    pub(super) fn register(&self, it: &mut Registry) {
        let cpu: Counter<f64, AtomicU64> = Counter::default();
        cpu.inc_by(self.cpu.as_secs_f64());
        it.register_with_unit(
            "process_cpu",
            "The processor time of this process, in seconds",
            Unit::Seconds,
            cpu,
        );
        let started: Gauge<f64, AtomicU64> = Gauge::default();
        started.set(
            Duration::from_millis(self.started_at.timestamp_millis().unsigned_abs()).as_secs_f64(),
        );
        it.register(
            "process_start_time_seconds",
            "When this process was started, in seconds since 1970",
            started,
        );
        for (name, help, value) in [
            (
                "process_resident_memory_bytes",
                "The memory that this process has",
                self.memory,
            ),
            (
                "process_open_fds",
                "Files and connections that are open",
                self.open.and_then(|it| u64::try_from(it).ok()),
            ),
            ("process_max_fds", "How many may be open", self.most_open),
            (
                "peerage_data_free_bytes",
                "What is free on the disk of the data directory",
                self.disk.map(|it| it.0),
            ),
            (
                "peerage_data_total_bytes",
                "What that disk holds in all",
                self.disk.map(|it| it.1),
            ),
            (
                "peerage_store_up",
                "1 where the event store answers within a second, else 0",
                Some(u64::from(self.store.is_some())),
            ),
            (
                "peerage_store_end_position",
                "The commit position of the log's end; peerage_read_models_position follows it",
                self.store.map(|it| it.0.commit),
            ),
        ] {
            if let Some(value) = value {
                let gauge: Gauge = Gauge::default();
                gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
                it.register(name, help, gauge);
            }
        }
        if let Some((_, took)) = self.store {
            let gauge: Gauge<f64, AtomicU64> = Gauge::default();
            gauge.set(took.as_secs_f64());
            it.register(
                "peerage_store_answer_seconds",
                "How long the event store took to say where the log ends",
                gauge,
            );
        }
    }
}

/// What is free on the disk of a folder, and all of it, in bytes.
pub(super) fn space(data: &Path) -> Option<(u64, u64)> {
    let found = rustix::fs::statvfs(data).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Some((bytes(found.f_bavail), bytes(found.f_blocks)))
}

fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    fn told(process: &Process) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        process.register(&mut registry);
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn what_is_known_of_a_process_is_told_under_the_names_that_others_have_for_it() {
        let process = Process {
            started_at: DateTime::from_timestamp_millis(1_700_000_000_500).unwrap(),
            cpu: Duration::from_millis(1_250),
            memory: Some(4096),
            open: Some(12),
            most_open: Some(1024),
            disk: Some((10, 30)),
            store: Some((
                Position {
                    commit: 77,
                    prepare: 77,
                },
                Duration::from_millis(3),
            )),
        };
        let text = told(&process);
        for line in [
            "process_cpu_seconds_total 1.25",
            "process_start_time_seconds 1700000000.5",
            "process_resident_memory_bytes 4096",
            "process_open_fds 12",
            "process_max_fds 1024",
            "peerage_data_free_bytes 10",
            "peerage_data_total_bytes 30",
            "peerage_store_up 1",
            "peerage_store_end_position 77",
            "peerage_store_answer_seconds 0.003",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
        let away = told(&Process {
            disk: None,
            store: None,
            ..process
        });
        assert!(away.contains("peerage_store_up 0\n"), "{away}");
        for absent in ["store_end_position", "store_answer", "peerage_data"] {
            assert!(!away.contains(absent), "{absent}: {away}");
        }
    }

    #[test]
    fn this_process_has_memory_and_its_disk_has_room() {
        assert!(memory().is_some_and(|it| it > 1 << 20));
        let (free, all) = space(Path::new("/")).unwrap();
        assert!(free <= all && all > 1 << 20, "{free} {all}");
    }
}
