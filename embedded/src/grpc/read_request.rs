//! What a `Streams/Read` asks for: one of four kinds of read, or a combination that makes no sense.

use std::sync::Arc;

use protocol::streams::{
    ReadReq,
    read_req::{
        Options,
        options::{
            AllOptions, CountOption, FilterOption, FilterOptions, ReadDirection, StreamOption,
            StreamOptions, all_options::AllOption, filter_options, stream_options::RevisionOption,
            uuid_option,
        },
    },
};
use tonic::Status;

use super::convert::{IdForm, read_stream};
use crate::{
    log::Direction,
    model::{Position, StreamName},
    read::{
        AllRead, AllStart, AllSubscription, Bounds, Checkpoints, Filter, Links, StreamRead,
        StreamStart, StreamSubscription, Subject,
    },
};

/// The window a filter has if it names no maximum.
const DEFAULT_WINDOW: u32 = 32;

/// A read, and how its answer is to be written.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) read: Read,
    pub(super) ids: IdForm,
}

#[derive(Debug)]
pub(super) enum Read {
    Stream(StreamRead),
    All(AllRead),
    SubscribeToStream(StreamSubscription),
    SubscribeToAll(AllSubscription),
}

impl Read {
    /// The stream that is read, or `$all`.
    pub(super) fn source(&self) -> StreamName {
        match self {
            Self::Stream(read) => read.stream.clone(),
            Self::SubscribeToStream(asked) => asked.stream.clone(),
            Self::All(_) | Self::SubscribeToAll(_) => StreamName::new("$all"),
        }
    }
}

pub(super) fn read_request(request: ReadReq) -> Result<Asked, Status> {
    let options = request
        .options
        .ok_or_else(|| Status::invalid_argument("The request has no options."))?;
    let ids = match options.uuid_option.and_then(|option| option.content) {
        Some(uuid_option::Content::Structured(())) => IdForm::Structured,
        Some(uuid_option::Content::String(())) => IdForm::Text,
        None => {
            return Err(Status::invalid_argument(
                "The request must say how ids are written.",
            ));
        }
    };
    let read = read_kind(options)?;
    Ok(Asked { read, ids })
}

fn read_kind(options: Options) -> Result<Read, Status> {
    let combination = combination(&options);
    let direction = match options.read_direction() {
        ReadDirection::Forwards => Direction::Forwards,
        ReadDirection::Backwards => Direction::Backwards,
    };
    let links = if options.resolve_links {
        Links::Resolved
    } else {
        Links::Kept
    };
    let bounds = match options.control_option {
        Some(control) if control.compatibility >= 1 => Bounds::Told,
        Some(_) | None => Bounds::Untold,
    };
    use {CountOption as Count, FilterOption as Filters, StreamOption as Of};
    let of = options.stream_option.ok_or_else(|| invalid(&combination))?;
    let count = options.count_option.ok_or_else(|| invalid(&combination))?;
    let filter = options.filter_option.ok_or_else(|| invalid(&combination))?;
    match (of, count, direction, filter) {
        (Of::Stream(stream), Count::Count(count), direction, Filters::NoFilter(())) => {
            let (stream, start) = read_start(stream)?;
            check_count(start, direction, count)?;
            Ok(Read::Stream(StreamRead {
                stream,
                start,
                direction,
                count,
                links,
                bounds,
            }))
        }
        (
            Of::Stream(stream),
            Count::Subscription(_),
            Direction::Forwards,
            Filters::NoFilter(()),
        ) => {
            let (stream, start) = read_start(stream)?;
            Ok(Read::SubscribeToStream(StreamSubscription {
                stream,
                start,
                links,
            }))
        }
        (Of::All(all), Count::Count(count), direction, filter) => Ok(Read::All(AllRead {
            start: read_all_start(all)?,
            direction,
            count,
            links,
            filter: read_filter(filter)?.map(|(filter, _)| filter),
        })),
        (Of::All(all), Count::Subscription(_), Direction::Forwards, filter) => {
            Ok(Read::SubscribeToAll(AllSubscription {
                start: read_all_start(all)?,
                links,
                filter: read_filter(filter)?,
            }))
        }
        _ => Err(invalid(&combination)),
    }
}

fn invalid(combination: &str) -> Status {
    Status::invalid_argument(format!("The combination of ({combination}) is invalid."))
}

fn combination(options: &Options) -> String {
    let of = match options.stream_option {
        Some(StreamOption::Stream(_)) => "Stream",
        Some(StreamOption::All(_)) => "All",
        None => "None",
    };
    let count = match options.count_option {
        Some(CountOption::Count(_)) => "Count",
        Some(CountOption::Subscription(_)) => "Subscription",
        None => "None",
    };
    let filter = match options.filter_option {
        Some(FilterOption::Filter(_)) => "Filter",
        Some(FilterOption::NoFilter(())) => "NoFilter",
        None => "None",
    };
    let direction = options.read_direction().as_str_name();
    format!("{of}, {count}, {direction}, {filter}")
}

fn read_start(options: StreamOptions) -> Result<(StreamName, StreamStart), Status> {
    let start = match options.revision_option {
        Some(RevisionOption::Start(())) => StreamStart::Start,
        Some(RevisionOption::End(())) => StreamStart::End,
        Some(RevisionOption::Revision(number)) => StreamStart::at(number),
        None => {
            return Err(Status::invalid_argument(
                "The request must say where to start.",
            ));
        }
    };
    Ok((read_stream(options.stream_identifier)?, start))
}

/// Two reads that a real server answers with a failure of its own.
fn check_count(start: StreamStart, direction: Direction, count: u64) -> Result<(), Status> {
    if count == 0 {
        return Err(Status::unknown(
            "A stream cannot be read with a count of 0.",
        ));
    }
    if start == StreamStart::End && direction == Direction::Forwards {
        return Err(Status::unknown(
            "A stream cannot be read forwards from its end.",
        ));
    }
    Ok(())
}

fn read_all_start(options: AllOptions) -> Result<AllStart, Status> {
    match options.all_option {
        Some(AllOption::Start(())) => Ok(AllStart::Start),
        Some(AllOption::End(())) => Ok(AllStart::End),
        Some(AllOption::Position(position)) => {
            let commit = Position::new(position.commit_position);
            let prepare = Position::new(position.prepare_position);
            match (commit, prepare) {
                (Position::END, Position::END) => Ok(AllStart::End),
                _ if commit < prepare => Err(Status::invalid_argument(
                    "The commit position cannot be less than the prepare position.",
                )),
                _ => Ok(AllStart::Position { commit, prepare }),
            }
        }
        None => Err(Status::invalid_argument(
            "The request must say where to start.",
        )),
    }
}

fn read_filter(option: FilterOption) -> Result<Option<(Arc<Filter>, Checkpoints)>, Status> {
    match option {
        FilterOption::NoFilter(()) => Ok(None),
        FilterOption::Filter(options) => {
            let checkpoints = checkpoints(&options)?;
            let (subject, expression) = match options.filter {
                Some(filter_options::Filter::StreamIdentifier(it)) => (Subject::Stream, it),
                Some(filter_options::Filter::EventType(it)) => (Subject::EventType, it),
                None => {
                    return Err(Status::invalid_argument(
                        "The filter must say what it looks at.",
                    ));
                }
            };
            let filter = Filter::new(subject, &expression.regex, expression.prefix)
                .map_err(|error| Status::invalid_argument(error.to_string()))?;
            Ok(Some((Arc::new(filter), checkpoints)))
        }
    }
}

fn checkpoints(options: &FilterOptions) -> Result<Checkpoints, Status> {
    let window = match options.window {
        Some(filter_options::Window::Max(max)) => max,
        Some(filter_options::Window::Count(())) => DEFAULT_WINDOW,
        None => return Err(Status::invalid_argument("The filter must have a window.")),
    };
    let interval = u64::from(window) * u64::from(options.checkpoint_interval_multiplier);
    if interval == 0 {
        return Err(Status::invalid_argument(
            "The filter's window and its checkpoint interval multiplier must not be 0.",
        ));
    }
    Ok(Checkpoints { interval })
}
