//! What is asked about a group: its name, its origin, its settings.

use protocol::{
    persistent_subscriptions::{
        CreateReq, DeleteReq, GetInfoReq, ListReq, ReplayParkedReq, UpdateReq,
        create_req::{
            self,
            all_options::{AllOption, FilterOption, FilterOptions, filter_options},
            stream_options::RevisionOption,
        },
        delete_req, get_info_req, list_req, replay_parked_req, update_req,
    },
    shared::StreamIdentifier,
};
use tonic::Status;

use super::refused;
use crate::{
    grpc::convert::{bounded, read_stream},
    model::{Position, StreamName},
    persistent::{ALL, FilterSpec, GroupConfig, GroupName, Origin, Settings, Strategy},
    read::{AllStart, StreamStart},
};

const TICKS_PER_MS: i64 = 10_000;

pub(super) fn create(request: CreateReq) -> Result<GroupConfig, Status> {
    let options = request.options.ok_or_else(no_options)?;
    let (source, origin) = match options.stream_option {
        Some(create_req::options::StreamOption::Stream(stream)) => {
            let start = match stream.revision_option {
                Some(RevisionOption::Start(())) => StreamStart::Start,
                Some(RevisionOption::End(())) => StreamStart::End,
                Some(RevisionOption::Revision(number)) => StreamStart::at(number),
                None => return Err(no_start()),
            };
            (
                read_stream(stream.stream_identifier)?,
                Origin::Stream(start),
            )
        }
        Some(create_req::options::StreamOption::All(all)) => {
            let start = match all.all_option {
                Some(AllOption::Start(())) => AllStart::Start,
                Some(AllOption::End(())) => AllStart::End,
                Some(AllOption::Position(at)) => all_start(at.commit_position, at.prepare_position),
                None => return Err(no_start()),
            };
            (
                StreamName::new(ALL),
                Origin::All {
                    start,
                    filter: filter(all.filter_option)?,
                },
            )
        }
        // Before there were groups on $all, the stream was named beside the settings.
        None => {
            let revision = options
                .settings
                .as_ref()
                .map_or(0, |settings| settings.revision);
            (
                read_stream(options.stream_identifier)?,
                Origin::Stream(StreamStart::at(revision)),
            )
        }
    };
    bounded("A group's name", &options.group_name)?;
    let name = GroupName {
        source,
        group: options.group_name,
    };
    let settings = settings(&name, options.settings.unwrap_or_default())?;
    if let Origin::All {
        filter: Some(filter),
        ..
    } = &origin
    {
        filter
            .compile()
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
    }
    Ok(GroupConfig {
        name,
        origin,
        settings,
    })
}

/// An update cannot change a filter: the group keeps none.
pub(super) fn update(request: UpdateReq) -> Result<GroupConfig, Status> {
    let options = request.options.ok_or_else(no_options)?;
    let stream_option = match options.stream_option {
        Some(update_req::options::StreamOption::Stream(stream)) => Some(
            create_req::options::StreamOption::Stream(create_req::StreamOptions {
                stream_identifier: stream.stream_identifier,
                revision_option: stream.revision_option.map(|option| match option {
                    update_req::stream_options::RevisionOption::Revision(number) => {
                        RevisionOption::Revision(number)
                    }
                    update_req::stream_options::RevisionOption::Start(()) => {
                        RevisionOption::Start(())
                    }
                    update_req::stream_options::RevisionOption::End(()) => RevisionOption::End(()),
                }),
            }),
        ),
        Some(update_req::options::StreamOption::All(all)) => Some(
            create_req::options::StreamOption::All(create_req::AllOptions {
                all_option: all.all_option.map(|option| match option {
                    update_req::all_options::AllOption::Position(at) => {
                        AllOption::Position(create_req::Position {
                            commit_position: at.commit_position,
                            prepare_position: at.prepare_position,
                        })
                    }
                    update_req::all_options::AllOption::Start(()) => AllOption::Start(()),
                    update_req::all_options::AllOption::End(()) => AllOption::End(()),
                }),
                filter_option: None,
            }),
        ),
        None => None,
    };
    create(CreateReq {
        options: Some(create_req::Options {
            stream_identifier: options.stream_identifier,
            group_name: options.group_name,
            settings: options.settings.map(update_settings),
            stream_option,
        }),
    })
}

pub(super) fn delete(request: DeleteReq) -> Result<GroupName, Status> {
    let options = request.options.ok_or_else(no_options)?;
    match options.stream_option {
        Some(delete_req::options::StreamOption::StreamIdentifier(stream)) => {
            named(Some(stream), options.group_name)
        }
        Some(delete_req::options::StreamOption::All(())) => Ok(on_all(options.group_name)),
        None => Err(no_source()),
    }
}

pub(super) fn get_info(request: GetInfoReq) -> Result<GroupName, Status> {
    let options = request.options.ok_or_else(no_options)?;
    match options.stream_option {
        Some(get_info_req::options::StreamOption::StreamIdentifier(stream)) => {
            named(Some(stream), options.group_name)
        }
        Some(get_info_req::options::StreamOption::All(())) => Ok(on_all(options.group_name)),
        None => Err(no_source()),
    }
}

pub(super) fn replay_parked(request: ReplayParkedReq) -> Result<(GroupName, Option<u64>), Status> {
    use replay_parked_req::options::{StopAtOption, StreamOption};
    let options = request.options.ok_or_else(no_options)?;
    let name = match options.stream_option {
        Some(StreamOption::StreamIdentifier(stream)) => named(Some(stream), options.group_name)?,
        Some(StreamOption::All(())) => on_all(options.group_name),
        None => return Err(no_source()),
    };
    let stop_at = match options.stop_at_option {
        Some(StopAtOption::StopAt(count)) => Some(u64::try_from(count).map_err(|_| {
            Status::invalid_argument("The number to stop at must not be negative.")
        })?),
        Some(StopAtOption::NoLimit(())) | None => None,
    };
    Ok((name, stop_at))
}

/// The source whose groups are listed; none: all groups.
pub(super) fn list(request: ListReq) -> Result<Option<StreamName>, Status> {
    use list_req::{options::ListOption, stream_option::StreamOption};
    let options = request.options.ok_or_else(no_options)?;
    match options.list_option {
        Some(ListOption::ListAllSubscriptions(())) => Ok(None),
        Some(ListOption::ListForStream(source)) => match source.stream_option {
            Some(StreamOption::Stream(stream)) => Ok(Some(read_stream(Some(stream))?)),
            Some(StreamOption::All(())) => Ok(Some(StreamName::new(ALL))),
            None => Err(no_source()),
        },
        None => Err(Status::invalid_argument(
            "The request must say which groups to list.",
        )),
    }
}

pub(super) fn named(stream: Option<StreamIdentifier>, group: String) -> Result<GroupName, Status> {
    Ok(GroupName {
        source: read_stream(stream)?,
        group,
    })
}

pub(super) fn on_all(group: String) -> GroupName {
    GroupName {
        source: StreamName::new(ALL),
        group,
    }
}

pub(super) fn no_options() -> Status {
    Status::invalid_argument("The request has no options.")
}

pub(super) fn no_source() -> Status {
    Status::invalid_argument("The request must name a stream or $all.")
}

fn no_start() -> Status {
    Status::invalid_argument("The request must say where the group begins.")
}

fn all_start(commit: u64, prepare: u64) -> AllStart {
    match (commit, prepare) {
        (u64::MAX, u64::MAX) => AllStart::End,
        _ => AllStart::Position {
            commit: Position::new(commit),
            prepare: Position::new(prepare),
        },
    }
}

fn filter(option: Option<FilterOption>) -> Result<Option<FilterSpec>, Status> {
    let options: FilterOptions = match option {
        Some(FilterOption::Filter(options)) => options,
        Some(FilterOption::NoFilter(())) | None => return Ok(None),
    };
    let window = match options.window {
        Some(filter_options::Window::Max(max)) => max,
        Some(filter_options::Window::Count(())) | None => 32,
    };
    let (by_event_type, expression) = match options.filter {
        Some(filter_options::Filter::EventType(expression)) => (true, expression),
        Some(filter_options::Filter::StreamIdentifier(expression)) => (false, expression),
        None => {
            return Err(Status::invalid_argument(
                "The filter must say what it looks at.",
            ));
        }
    };
    Ok(Some(FilterSpec {
        by_event_type,
        regex: expression.regex,
        prefixes: expression.prefix,
        checkpoint_interval: u64::from(window) * u64::from(options.checkpoint_interval_multiplier),
    }))
}

fn settings(name: &GroupName, wire: create_req::Settings) -> Result<Settings, Status> {
    use create_req::settings::{CheckpointAfter, MessageTimeout};
    let strategy = match wire.consumer_strategy.as_str() {
        "" => wire.named_consumer_strategy().as_str_name(),
        strategy => strategy,
    };
    let Some(strategy) = Strategy::named(strategy) else {
        return Err(refused(
            name,
            &format!("Consumer strategy {strategy} does not exist."),
        ));
    };
    if wire.read_batch_size >= wire.history_buffer_size {
        return Err(refused(
            name,
            "Specified argument was out of the range of valid values. \
             (Parameter 'ReadBatchSize may not be greater than or equal to BufferSize')",
        ));
    }
    let message_timeout = match wire.message_timeout {
        Some(MessageTimeout::MessageTimeoutMs(ms)) => i64::from(ms),
        Some(MessageTimeout::MessageTimeoutTicks(ticks)) => ticks / TICKS_PER_MS,
        None => 0,
    };
    let checkpoint_after = match wire.checkpoint_after {
        Some(CheckpointAfter::CheckpointAfterMs(ms)) => i64::from(ms),
        Some(CheckpointAfter::CheckpointAfterTicks(ticks)) => ticks / TICKS_PER_MS,
        None => 0,
    };
    Ok(Settings {
        resolve_links: wire.resolve_links,
        extra_statistics: wire.extra_statistics,
        message_timeout_ms: positive(name, message_timeout)?,
        max_retry_count: positive(name, wire.max_retry_count.into())?,
        checkpoint_after_ms: positive(name, checkpoint_after)?,
        min_checkpoint_count: positive(name, wire.min_checkpoint_count.into())?,
        max_checkpoint_count: positive(name, wire.max_checkpoint_count.into())?,
        max_subscriber_count: positive(name, wire.max_subscriber_count.into())?,
        live_buffer_size: positive(name, wire.live_buffer_size.into())?,
        read_batch_size: positive(name, wire.read_batch_size.into())?,
        history_buffer_size: positive(name, wire.history_buffer_size.into())?,
        strategy,
    })
}

fn positive(name: &GroupName, value: i64) -> Result<u32, Status> {
    u32::try_from(value).map_err(|_| {
        refused(
            name,
            "Specified argument was out of the range of valid values.",
        )
    })
}

fn update_settings(wire: update_req::Settings) -> create_req::Settings {
    use create_req::settings::{CheckpointAfter, MessageTimeout};
    use update_req::settings::{CheckpointAfter as NewAfter, MessageTimeout as NewTimeout};
    create_req::Settings {
        resolve_links: wire.resolve_links,
        revision: wire.revision,
        extra_statistics: wire.extra_statistics,
        max_retry_count: wire.max_retry_count,
        min_checkpoint_count: wire.min_checkpoint_count,
        max_checkpoint_count: wire.max_checkpoint_count,
        max_subscriber_count: wire.max_subscriber_count,
        live_buffer_size: wire.live_buffer_size,
        read_batch_size: wire.read_batch_size,
        history_buffer_size: wire.history_buffer_size,
        named_consumer_strategy: wire.named_consumer_strategy,
        consumer_strategy: String::new(),
        message_timeout: wire.message_timeout.map(|timeout| match timeout {
            NewTimeout::MessageTimeoutTicks(ticks) => MessageTimeout::MessageTimeoutTicks(ticks),
            NewTimeout::MessageTimeoutMs(ms) => MessageTimeout::MessageTimeoutMs(ms),
        }),
        checkpoint_after: wire.checkpoint_after.map(|after| match after {
            NewAfter::CheckpointAfterTicks(ticks) => CheckpointAfter::CheckpointAfterTicks(ticks),
            NewAfter::CheckpointAfterMs(ms) => CheckpointAfter::CheckpointAfterMs(ms),
        }),
    }
}
