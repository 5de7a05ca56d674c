//! Which groups there are, as one event of a system stream says it.

use serde::{Deserialize, Serialize};

use super::settings::{ALL, FilterSpec, GroupConfig, GroupName, Origin, Settings};
use crate::{
    model::{Position, StreamName},
    read::{AllStart, StreamStart},
};

pub(super) const CONFIG_STREAM: &str = "$persistentSubscriptionConfig";
pub(super) const CONFIG_EVENT: &str = "$PersistentConfig";
const VERSION: &str = "2";

#[derive(Serialize, Deserialize)]
struct Written {
    version: String,
    entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    stream: String,
    group: String,
    start: Begin,
    filter: Option<FilterSpec>,
    settings: Settings,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Begin {
    Start,
    End,
    Revision(u64),
    Position { commit: u64, prepare: u64 },
}

/// The data of the event that says these groups exist.
pub(super) fn write<'a>(
    groups: impl Iterator<Item = &'a GroupConfig>,
) -> serde_json::Result<Vec<u8>> {
    let written = Written {
        version: VERSION.to_owned(),
        entries: groups.map(entry).collect(),
    };
    serde_json::to_vec(&written)
}

pub(super) fn read(data: &[u8]) -> serde_json::Result<Vec<GroupConfig>> {
    let written: Written = serde_json::from_slice(data)?;
    Ok(written.entries.into_iter().map(config).collect())
}

fn entry(config: &GroupConfig) -> Entry {
    let (start, filter) = match &config.origin {
        Origin::Stream(StreamStart::Start) => (Begin::Start, None),
        Origin::Stream(StreamStart::End) => (Begin::End, None),
        Origin::Stream(StreamStart::Revision(number)) => (Begin::Revision(*number), None),
        Origin::All {
            start: AllStart::Start,
            filter,
        } => (Begin::Start, filter.clone()),
        Origin::All {
            start: AllStart::End,
            filter,
        } => (Begin::End, filter.clone()),
        Origin::All {
            start: AllStart::Position { commit, prepare },
            filter,
        } => (
            Begin::Position {
                commit: commit.get(),
                prepare: prepare.get(),
            },
            filter.clone(),
        ),
    };
    Entry {
        stream: config.name.source.to_string(),
        group: config.name.group.clone(),
        start,
        filter,
        settings: config.settings.clone(),
    }
}

fn config(entry: Entry) -> GroupConfig {
    let origin = if entry.stream == ALL {
        let start = match entry.start {
            Begin::Start => AllStart::Start,
            Begin::End => AllStart::End,
            Begin::Revision(position) => all_position(position, position),
            Begin::Position { commit, prepare } => all_position(commit, prepare),
        };
        Origin::All {
            start,
            filter: entry.filter,
        }
    } else {
        Origin::Stream(match entry.start {
            Begin::Start => StreamStart::Start,
            Begin::End => StreamStart::End,
            Begin::Revision(number) | Begin::Position { commit: number, .. } => {
                StreamStart::Revision(number)
            }
        })
    };
    GroupConfig {
        name: GroupName {
            source: StreamName::new(&entry.stream),
            group: entry.group,
        },
        origin,
        settings: entry.settings,
    }
}

fn all_position(commit: u64, prepare: u64) -> AllStart {
    AllStart::Position {
        commit: Position::new(commit),
        prepare: Position::new(prepare),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persistent::Strategy;

    #[test]
    fn every_group_reads_back_as_it_was_written() {
        let settings = Settings {
            resolve_links: true,
            extra_statistics: false,
            message_timeout_ms: 30_000,
            max_retry_count: 10,
            checkpoint_after_ms: 2000,
            min_checkpoint_count: 10,
            max_checkpoint_count: 1000,
            max_subscriber_count: 0,
            live_buffer_size: 500,
            read_batch_size: 20,
            history_buffer_size: 500,
            strategy: Strategy::Pinned,
        };
        let filter = FilterSpec {
            by_event_type: true,
            regex: "^a".to_owned(),
            prefixes: vec!["b".to_owned()],
            checkpoint_interval: 32,
        };
        let origins = [
            ("s", Origin::Stream(StreamStart::Start)),
            ("s", Origin::Stream(StreamStart::End)),
            ("s", Origin::Stream(StreamStart::Revision(3))),
            (
                ALL,
                Origin::All {
                    start: AllStart::End,
                    filter: Some(filter),
                },
            ),
            (
                ALL,
                Origin::All {
                    start: all_position(70, 70),
                    filter: None,
                },
            ),
        ];
        let groups: Vec<_> = origins
            .into_iter()
            .map(|(source, origin)| GroupConfig {
                name: GroupName {
                    source: StreamName::new(source),
                    group: "g".to_owned(),
                },
                origin,
                settings: settings.clone(),
            })
            .collect();
        assert_eq!(read(&write(groups.iter()).unwrap()).unwrap(), groups);
    }
}
