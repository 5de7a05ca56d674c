//! Random operations against a node and against the model: every answer is one the model allows,
//! and the store holds what the model holds. A failure is shrunk to the fewest operations that show
//! it.

use crate::chance::{length, runner};
use crate::model::{Appended, Deleted, Direction, Metadata, Model, Read, Removed, Visibility};
use crate::operations::{Expected, Operation, TYPES, operation};
use embedded::EmbeddedNode;
use kurrentdb::{
    AppendToStreamOptions, Client, CurrentRevision, DeleteStreamOptions, Error, EventData,
    Position, ReadAllOptions, ReadEvent, ReadStream, ReadStreamOptions, ResolvedEvent,
    StreamPosition, StreamState, SubscriptionFilter, TombstoneStreamOptions,
};
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};
use std::fmt::Debug;
use tempfile::TempDir;
use uuid::Uuid;

#[test]
fn a_node_in_memory_answers_as_the_model_does() {
    play("in memory", length("PEERAGE_TEST_CASES", 48), || None);
}

#[test]
fn a_node_on_disk_answers_as_the_model_does_also_after_restarts() {
    play("on disk", length("PEERAGE_TEST_CASES", 24), || {
        Some(TempDir::new().unwrap())
    });
}

fn play(name: &str, cases: u32, folder: impl Fn() -> Option<TempDir>) {
    let mut runner = runner(name, cases);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let played = runner.run(
        &proptest::collection::vec(operation(), 1..60),
        |operations| {
            let played = runtime.block_on(async {
                let mut trial = Trial::begin(folder()).await;
                for (place, operation) in operations.iter().enumerate() {
                    trial
                        .step(operation)
                        .await
                        .map_err(|wrong| format!("operation {place} {operation:?}: {wrong}"))?;
                }
                let last = trial.compare_log().await;
                trial.node.shutdown().await;
                last
            });
            played.map_err(TestCaseError::fail)
        },
    );
    if let Err(failure) = played {
        panic!("{name}, with the seed above: {failure}");
    }
}

/// A node, the model of it, and where its events are.
struct Trial {
    node: EmbeddedNode,
    client: Client,
    folder: Option<TempDir>,
    model: Model,
    /// Of the events in the model's log, in the same order, as far as they are known.
    positions: Vec<Position>,
}

type Judged = Result<(), String>;

fn name(stream: usize) -> String {
    format!("stream-{stream}")
}

fn id(stream: usize, number: u8) -> Uuid {
    Uuid::from_u64_pair(1 + stream as u64, 1 + u64::from(number))
}

fn event_type(number: u8) -> &'static str {
    TYPES[usize::from(number) % TYPES.len()]
}

fn same<T: PartialEq + Debug>(what: &str, came: &T, wanted: &T) -> Judged {
    if came == wanted {
        Ok(())
    } else {
        Err(format!("{what}: {came:?} came, {wanted:?} was wanted"))
    }
}

async fn started(folder: Option<&TempDir>) -> (EmbeddedNode, Client) {
    let builder = match folder {
        Some(folder) => EmbeddedNode::builder().data_dir(folder.path()),
        None => EmbeddedNode::builder().in_memory(),
    };
    let node = builder.start().await.unwrap();
    let client = Client::new(node.connection_string().parse().unwrap()).unwrap();
    (node, client)
}

impl Trial {
    async fn begin(folder: Option<TempDir>) -> Self {
        let (node, client) = started(folder.as_ref()).await;
        Self {
            node,
            client,
            folder,
            model: Model::default(),
            positions: Vec::new(),
        }
    }

    async fn step(&mut self, operation: &Operation) -> Judged {
        match operation {
            Operation::Append {
                stream,
                expected,
                ids,
            } => {
                self.append(*stream, *expected, ids).await?;
                self.compare_stream(*stream).await
            }
            Operation::Delete { stream, expected } => {
                self.delete(*stream, *expected).await?;
                self.compare_stream(*stream).await
            }
            Operation::Tombstone { stream, expected } => {
                self.tombstone(*stream, *expected).await?;
                self.compare_stream(*stream).await
            }
            Operation::SetMetadata { stream, metadata } => {
                self.set_metadata(*stream, *metadata).await?;
                self.compare_stream(*stream).await
            }
            Operation::Read {
                stream,
                direction,
                from,
                count,
            } => self.read(*stream, *direction, *from, *count).await,
            Operation::ReadAll {
                direction,
                at,
                count,
                of_type,
            } => self.read_all(*direction, *at, *count, *of_type).await,
            Operation::Restart => self.restart().await,
        }
    }

    fn expected(&self, stream: usize, expected: Expected) -> StreamState {
        let count = self.model.count(&name(stream));
        match expected {
            Expected::Said(state) => state,
            Expected::Behind(less) => (count.checked_sub(1 + less))
                .map_or(StreamState::NoStream, StreamState::StreamRevision),
            Expected::Beyond(more) => StreamState::StreamRevision(count + more - 1),
        }
    }

    async fn append(&mut self, stream: usize, expected: Expected, numbers: &[u8]) -> Judged {
        let expected = self.expected(stream, expected);
        let ids: Vec<Uuid> = numbers.iter().map(|number| id(stream, *number)).collect();
        let types: Vec<String> = numbers
            .iter()
            .map(|number| event_type(*number).to_owned())
            .collect();
        let events: Vec<EventData> = numbers
            .iter()
            .map(|number| {
                EventData::binary(event_type(*number), vec![*number].into()).id(id(stream, *number))
            })
            .collect();
        let may = self.model.may_append(&name(stream), expected, &ids);
        let options = AppendToStreamOptions::default().stream_state(expected);
        let (came, position) = match self
            .client
            .append_to_stream(name(stream), &options, events)
            .await
        {
            Ok(written) => (
                None,
                Some((written.next_expected_version, written.position)),
            ),
            Err(Error::WrongExpectedVersion { current, .. }) => {
                (Some(Appended::Wrong(revision(current))), None)
            }
            Err(Error::ResourceDeleted) => (Some(Appended::Deleted), None),
            Err(error) => return Err(format!("with {expected:?}: {error}")),
        };
        match (came, position) {
            (Some(came), _) if may.contains(&came) => Ok(()),
            (None, Some((revision, position))) => {
                self.appended(stream, &may, &types, &ids, revision, position)
                    .await
            }
            (came, _) => Err(format!(
                "with {expected:?}: {came:?} came, one of {may:?} was wanted"
            )),
        }
    }

    /// A success is either new or a repeat; which of them it was, the log tells.
    async fn appended(
        &mut self,
        stream: usize,
        may: &[Appended],
        types: &[String],
        ids: &[Uuid],
        revision: u64,
        at: Position,
    ) -> Judged {
        let nowhere = Position {
            commit: 0,
            prepare: 0,
        };
        let is_new = at != nowhere && self.positions.last().is_none_or(|last| *last < at);
        let came = if is_new {
            may.iter().find(
                |answer| matches!(answer, Appended::Written(last) if last.unwrap_or(0) == revision),
            )
        } else {
            let visibility = if at == nowhere {
                Visibility::Hidden
            } else {
                Visibility::Visible
            };
            may.iter()
                .find(|answer| **answer == Appended::Repeated(revision, visibility))
        };
        match came {
            Some(Appended::Written(_)) => {
                self.model.append(&name(stream), types, ids);
                self.learn_positions().await?;
                let place = self
                    .model
                    .log
                    .iter()
                    .rposition(|event| event.id == ids.last().copied() && event.id.is_some());
                match place {
                    Some(place) if !ids.is_empty() => {
                        same("the position of an append", &at, &self.positions[place])
                    }
                    _ => Ok(()),
                }
            }
            Some(Appended::Repeated(number, Visibility::Visible)) => {
                let place = self
                    .model
                    .log
                    .iter()
                    .position(|event| event.stream == name(stream) && event.number == *number)
                    .unwrap();
                same("the position of a repeat", &at, &self.positions[place])
            }
            Some(_) => Ok(()),
            None => Err(format!(
                "success at {revision} {at} came, one of {may:?} was wanted"
            )),
        }
    }

    async fn delete(&mut self, stream: usize, expected: Expected) -> Judged {
        let expected = self.expected(stream, expected);
        let options = DeleteStreamOptions::default().stream_state(expected);
        let came = self.client.delete_stream(name(stream), &options).await;
        let wanted = self.model.delete(&name(stream), expected);
        self.removed(came, &wanted).await
    }

    async fn tombstone(&mut self, stream: usize, expected: Expected) -> Judged {
        let expected = self.expected(stream, expected);
        let options = TombstoneStreamOptions::default().stream_state(expected);
        let came = self.client.tombstone_stream(name(stream), &options).await;
        let wanted = self.model.tombstone(&name(stream), expected);
        self.removed(came, &wanted).await
    }

    async fn removed(&mut self, came: Result<Option<Position>, Error>, wanted: &Removed) -> Judged {
        let (came, position) = match came {
            Ok(position) => (Removed::Done, position),
            Err(Error::ResourceDeleted) => (Removed::Deleted, None),
            Err(Error::Grpc {
                code: tonic::Code::FailedPrecondition,
                message,
            }) => (Removed::Wrong(actual(&message)), None),
            Err(error) => return Err(error.to_string()),
        };
        same("a removal", &came, wanted)?;
        self.learn_positions().await?;
        if came == Removed::Done {
            same(
                "the position of a removal",
                &position,
                &self.positions.last().copied(),
            )
        } else {
            Ok(())
        }
    }

    async fn set_metadata(&mut self, stream: usize, metadata: Metadata) -> Judged {
        let (of, id) = (name(stream), Uuid::new_v4());
        let event = EventData::json("$metadata", &shown(metadata))
            .unwrap()
            .id(id);
        let written = self
            .client
            .append_to_stream(format!("$${of}"), &AppendToStreamOptions::default(), event)
            .await;
        let wanted = self.model.set_metadata(&of, metadata, id);
        let came = match written {
            Ok(written) => Ok(written.next_expected_version),
            Err(Error::ResourceDeleted) => Err(Deleted),
            Err(error) => return Err(error.to_string()),
        };
        same("the number of metadata", &came, &wanted)?;
        self.learn_positions().await
    }

    async fn read(
        &self,
        stream: usize,
        direction: Direction,
        from: Option<u64>,
        count: usize,
    ) -> Judged {
        let mut options = match from {
            Some(number) => ReadStreamOptions::default().position(StreamPosition::Position(number)),
            None if direction == Direction::Backwards => {
                ReadStreamOptions::default().position(StreamPosition::End)
            }
            None => ReadStreamOptions::default(),
        };
        if direction == Direction::Backwards {
            options = options.backwards();
        }
        let wanted = self.model.read(&name(stream), direction, from, count);
        let (came, events) = came(
            self.client
                .read_stream(name(stream), &options.max_count(count))
                .await,
        )
        .await?;
        same("a read", &came, &wanted)?;
        for event in events {
            let event = event.get_original_event();
            same(
                "an id",
                &event.id,
                &self.model.id(&name(stream), event.revision),
            )?;
        }
        Ok(())
    }

    async fn compare_stream(&self, stream: usize) -> Judged {
        self.read(stream, Direction::Forwards, None, usize::MAX)
            .await?;
        let options = ReadStreamOptions::default()
            .position(StreamPosition::End)
            .max_count(1);
        let (came, events) = came(
            self.client
                .read_stream(format!("$${}", name(stream)), &options)
                .await,
        )
        .await?;
        match self.model.metadata(&name(stream)) {
            Err(Deleted) => same("metadata", &came, &Read::Deleted),
            Ok(None) => same("metadata", &came, &Read::NotFound),
            Ok(Some((number, metadata))) => {
                same("metadata", &came, &Read::Events(vec![number], number))?;
                let data: Value = serde_json::from_slice(&events[0].get_original_event().data)
                    .map_err(|error| error.to_string())?;
                same("metadata", &data, &shown(metadata))
            }
        }
    }

    /// Reads what was written since the last time.
    async fn learn_positions(&mut self) -> Judged {
        let from = self.positions.last().map_or(StreamPosition::Start, |last| {
            StreamPosition::Position(*last)
        });
        let known = usize::from(!self.positions.is_empty());
        let events = all(&self.client, &ReadAllOptions::default().position(from)).await?;
        self.positions.extend(
            events
                .iter()
                .skip(known)
                .map(|event| event.get_original_event().position),
        );
        same(
            "the length of the log",
            &self.positions.len(),
            &self.model.log.len(),
        )
    }

    async fn read_all(
        &self,
        direction: Direction,
        at: u8,
        count: usize,
        of_type: Option<usize>,
    ) -> Judged {
        let place = usize::from(at) * self.positions.len() / 256;
        let Some(position) = self.positions.get(place) else {
            return Ok(());
        };
        let mut options = ReadAllOptions::default()
            .position(StreamPosition::Position(*position))
            .max_count(count);
        if let Some(of_type) = of_type {
            options =
                options.filter(SubscriptionFilter::on_event_type().add_prefix(TYPES[of_type]));
        }
        let matches = |event: &&crate::model::Event| {
            of_type.is_none_or(|of_type| event.event_type.starts_with(TYPES[of_type]))
        };
        let wanted: Vec<_> = match direction {
            Direction::Forwards => self.model.log[place..]
                .iter()
                .filter(matches)
                .take(count)
                .collect(),
            Direction::Backwards => {
                options = options.backwards();
                self.model.log[..place]
                    .iter()
                    .rev()
                    .filter(matches)
                    .take(count)
                    .collect()
            }
        };
        compare(&all(&self.client, &options).await?, &wanted)
    }

    async fn compare_log(&self) -> Judged {
        compare(
            &all(&self.client, &ReadAllOptions::default()).await?,
            &self.model.log.iter().collect::<Vec<_>>(),
        )?;
        let backwards = ReadAllOptions::default().position(StreamPosition::End);
        compare(
            &all(&self.client, &backwards).await?,
            &self.model.log.iter().rev().collect::<Vec<_>>(),
        )
    }

    async fn restart(&mut self) -> Judged {
        if self.folder.is_none() {
            return Ok(());
        }
        // The old node has to be gone before the new one may have the folder.
        let placeholder = EmbeddedNode::builder().in_memory().start().await.unwrap();
        std::mem::replace(&mut self.node, placeholder)
            .shutdown()
            .await;
        let (node, client) = started(self.folder.as_ref()).await;
        std::mem::replace(&mut self.node, node).shutdown().await;
        self.client = client;
        self.model.restart();
        self.compare_log().await
    }
}

fn revision(current: CurrentRevision) -> Option<u64> {
    match current {
        CurrentRevision::Current(number) => Some(number),
        CurrentRevision::NoStream => None,
    }
}

/// The client shows the conflict of a delete as a text only.
fn actual(message: &str) -> Option<u64> {
    message
        .rsplit(' ')
        .next()
        .and_then(|number| number.parse().ok())
}

fn shown(metadata: Metadata) -> Value {
    let mut keys = json!({});
    if let Some(number) = metadata.truncate_before {
        keys["$tb"] = json!(number);
    }
    if let Some(count) = metadata.max_count {
        keys["$maxCount"] = json!(count);
    }
    keys
}

/// What came of a stream read, and its events. Where the first one would be is said in many ways;
/// it is not looked at here.
async fn came(read: Result<ReadStream, Error>) -> Result<(Read, Vec<ResolvedEvent>), String> {
    let mut read = match read {
        Ok(read) => read,
        Err(Error::ResourceDeleted) => return Ok((Read::Deleted, Vec::new())),
        Err(error) => return Err(error.to_string()),
    };
    let (mut events, mut last) = (Vec::new(), None);
    loop {
        match read.next_read_event().await {
            Ok(Some(ReadEvent::Event(event))) => events.push(event),
            Ok(Some(ReadEvent::LastStreamPosition(number))) => last = Some(number),
            Ok(Some(ReadEvent::FirstStreamPosition(_) | ReadEvent::LastAllStreamPosition(_))) => (),
            Ok(None) => break,
            Err(Error::ResourceNotFound) => return Ok((Read::NotFound, events)),
            Err(error) => return Err(error.to_string()),
        }
    }
    let numbers = events
        .iter()
        .map(|event| event.get_original_event().revision)
        .collect();
    Ok((
        Read::Events(numbers, last.ok_or("the last stream position is missing")?),
        events,
    ))
}

async fn all(client: &Client, options: &ReadAllOptions) -> Result<Vec<ResolvedEvent>, String> {
    let mut read = client
        .read_all(options)
        .await
        .map_err(|error| error.to_string())?;
    let mut events = Vec::new();
    while let Some(event) = read.next().await.map_err(|error| error.to_string())? {
        events.push(event);
    }
    Ok(events)
}

fn compare(came: &[ResolvedEvent], wanted: &[&crate::model::Event]) -> Judged {
    let shown = |event: &ResolvedEvent| {
        let event = event.get_original_event();
        (
            event.stream_id().to_owned(),
            event.revision,
            event.event_type.clone(),
        )
    };
    let came_shown: Vec<_> = came.iter().map(shown).collect();
    let wanted_shown: Vec<_> = wanted
        .iter()
        .map(|event| (event.stream.clone(), event.number, event.event_type.clone()))
        .collect();
    same("$all", &came_shown, &wanted_shown)?;
    let other = came.iter().zip(wanted).find(|(came, wanted)| {
        wanted
            .id
            .is_some_and(|id| id != came.get_original_event().id)
    });
    other.map_or(Ok(()), |(came, _)| {
        Err(format!(
            "the id of {} is another",
            came.get_original_event().position
        ))
    })
}
