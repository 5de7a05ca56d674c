//! A running group: follows its source, hands out events, keeps what has to outlast it.

use std::{collections::HashMap, time::Duration};

use futures::StreamExt as _;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, Interval, MissedTickBehavior, interval},
};
use uuid::Uuid;

use super::{
    delivery::{ConsumerId, Cursor, Delivery, NackAction, Parked},
    figures::{Caller, ConsumerInfo, Count, GroupInfo, Measurements},
    held::{Held, Weight},
    kept::{self, Replaying},
    settings::{GroupConfig, Origin},
};
use crate::{
    engine::WriterHandle,
    log::Direction,
    model::{Expected, NewEvent, Position, STREAM_METADATA, StreamName},
    read::{
        AllStart, AllSubscription, Bounds, Checkpoints, Links, Message, Messages, ReadError,
        Reader, Resolved, StreamRead, StreamStart, StreamSubscription,
    },
};

/// How often time limits are looked at.
const TICK: Duration = Duration::from_secs(1);

/// An event handed to a consumer.
#[derive(Debug, Clone)]
pub(crate) struct Pushed {
    pub(crate) event: Resolved,
    pub(crate) retries: u32,
    /// Until the consumer takes it, it counts.
    _weight: Weight,
}

/// The group let its consumers go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dropped;

/// What can be asked of a running group.
pub(super) enum Ask {
    Connect {
        consumer: NewConsumer,
        reply: oneshot::Sender<bool>,
    },
    Disconnect(ConsumerId),
    Ack(Vec<Uuid>),
    Nack {
        events: Vec<Uuid>,
        action: NackAction,
        reason: String,
    },
    Info(oneshot::Sender<GroupInfo>),
    Replay {
        stop_at: Option<u64>,
        reply: oneshot::Sender<()>,
    },
    Stop,
}

pub(super) struct NewConsumer {
    pub(super) id: ConsumerId,
    pub(super) capacity: usize,
    pub(super) caller: Caller,
    pub(super) events: mpsc::UnboundedSender<Result<Pushed, Dropped>>,
}

struct Connected {
    consumer: NewConsumer,
    handed_out: Count,
}

pub(super) struct Group {
    config: GroupConfig,
    reader: Reader,
    writer: WriterHandle,
    asks: mpsc::Receiver<Ask>,
    delivery: Delivery,
    consumers: HashMap<ConsumerId, Connected>,
    /// In the order they connected.
    order: Vec<ConsumerId>,
    is_live: bool,
    /// Told once the group has caught up, or has read all it may hold.
    ready: Option<oneshot::Sender<()>>,
    last_read: Option<Cursor>,
    checkpoint: Option<Cursor>,
    since_checkpoint: u32,
    checkpoint_at: Instant,
    handed_out: Count,
    /// Events that came once the group had caught up.
    live: u64,
    measurements: Measurements,
    /// The parked events that are still to be handed out again.
    replaying: Option<Replaying>,
}

impl Group {
    pub(super) fn new(
        config: GroupConfig,
        reader: Reader,
        writer: WriterHandle,
        asks: mpsc::Receiver<Ask>,
        ready: oneshot::Sender<()>,
        held: Held,
    ) -> Self {
        Self {
            delivery: Delivery::new(&config.settings, held),
            config,
            reader,
            writer,
            asks,
            consumers: HashMap::new(),
            order: Vec::new(),
            is_live: false,
            ready: Some(ready),
            last_read: None,
            checkpoint: None,
            since_checkpoint: 0,
            checkpoint_at: Instant::now(),
            handed_out: Count::default(),
            live: 0,
            measurements: Measurements::begin(),
            replaying: None,
        }
    }

    /// Runs until it is told to stop, or the store does.
    pub(super) async fn run(mut self) {
        let Ok(mut source) = self.source().await else {
            return;
        };
        let mut tick: Interval = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let buffer = usize::try_from(self.config.settings.history_buffer_size)
            .unwrap_or(usize::MAX)
            .max(1);
        let mut source_open = true;
        loop {
            self.replay_on().await;
            self.hand_out();
            let reads_on = self.delivery.waiting() < buffer && self.delivery.has_room_for_more();
            if (self.is_live || !source_open || !reads_on)
                && let Some(ready) = self.ready.take()
            {
                // Nobody may be waiting for it.
                let _ = ready.send(());
            }
            tokio::select! {
                ask = self.asks.recv() => match ask {
                    None | Some(Ask::Stop) => break,
                    Some(ask) => self.answer(ask).await,
                },
                message = source.next(), if source_open && reads_on => {
                    source_open = self.take(message);
                }
                _ = tick.tick() => {
                    let late = self.delivery.expire(Instant::now());
                    self.park(late).await;
                }
            }
            self.keep_checkpoint().await;
        }
        self.save_checkpoint().await;
        for connected in self.consumers.into_values() {
            // A consumer that has gone need not be told.
            let _ = connected.consumer.events.send(Err(Dropped));
        }
    }

    /// Follows the source from the checkpoint, or from where the group was told to begin.
    async fn source(&mut self) -> Result<Messages, ReadError> {
        self.checkpoint = self.load_checkpoint().await?;
        let links = if self.config.settings.resolve_links {
            Links::Resolved
        } else {
            Links::Kept
        };
        match &self.config.origin {
            Origin::Stream(start) => {
                let start = match (self.checkpoint, *start) {
                    (Some(number), _) => StreamStart::Revision(number),
                    (None, StreamStart::Revision(0)) => StreamStart::Start,
                    (None, StreamStart::Revision(number)) => StreamStart::Revision(number - 1),
                    (None, start) => start,
                };
                let stream = self.config.name.source.clone();
                self.reader
                    .subscribe_stream(StreamSubscription {
                        stream,
                        start,
                        links,
                    })
                    .await
            }
            Origin::All { start, filter } => {
                let start = match self.checkpoint.map(Position::new) {
                    Some(position) => AllStart::Position {
                        commit: position,
                        prepare: position,
                    },
                    None => inclusive(*start),
                };
                let filter = filter.as_ref().and_then(|spec| {
                    let filter = spec.compile().ok()?;
                    Some((
                        filter.into(),
                        Checkpoints {
                            interval: spec.checkpoint_interval.max(1),
                        },
                    ))
                });
                Ok(self.reader.subscribe_all(AllSubscription {
                    start,
                    links,
                    filter,
                }))
            }
        }
    }

    /// Takes a message of the source. Whether more can come.
    fn take(&mut self, message: Option<Result<Message, ReadError>>) -> bool {
        match message {
            Some(Ok(Message::Event(event))) => {
                if let Some(cursor) = self.cursor(&event) {
                    self.last_read = Some(cursor);
                    self.live += u64::from(self.is_live);
                    self.delivery.read(event, cursor);
                }
            }
            Some(Ok(Message::CaughtUp { .. })) => self.is_live = true,
            Some(Ok(_)) => {}
            // A deleted stream, or the end of the store: consumers keep what they have.
            Some(Err(_)) | None => return false,
        }
        true
    }

    fn cursor(&self, event: &Resolved) -> Option<Cursor> {
        let read = event.link.as_ref().or(event.event.as_ref())?;
        Some(match self.config.origin {
            Origin::Stream(_) => read.number,
            Origin::All { .. } => read.position.get(),
        })
    }

    fn hand_out(&mut self) {
        for (id, item) in self.delivery.deliver(Instant::now()) {
            self.handed_out.add_one();
            if let Some(connected) = self.consumers.get_mut(&id) {
                connected.handed_out.add_one();
                // A consumer that has gone is disconnected in a moment, and its events come again.
                let _ = connected.consumer.events.send(Ok(Pushed {
                    event: item.event,
                    retries: item.retries,
                    _weight: item.weight,
                }));
            }
        }
    }

    async fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Connect { consumer, reply } => {
                let limit = usize::try_from(self.config.settings.max_subscriber_count).unwrap_or(0);
                let admitted = limit == 0 || self.consumers.len() < limit;
                if reply.send(admitted).is_ok() && admitted {
                    self.delivery.connect(consumer.id, consumer.capacity);
                    self.order.push(consumer.id);
                    let handed_out = Count::default();
                    let connected = Connected {
                        consumer,
                        handed_out,
                    };
                    self.consumers.insert(connected.consumer.id, connected);
                }
            }
            Ask::Disconnect(id) => {
                self.consumers.remove(&id);
                self.order.retain(|other| *other != id);
                let given_up = self.delivery.disconnect(id);
                self.park(given_up).await;
            }
            Ask::Ack(events) => {
                let now = Instant::now();
                for event in events {
                    self.since_checkpoint += 1;
                    self.delivery.time(event, now);
                    self.delivery.ack(event);
                }
            }
            Ask::Nack {
                events,
                action,
                reason,
            } => {
                let now = Instant::now();
                let nacked = events.into_iter().filter_map(|event| {
                    self.delivery.time(event, now);
                    self.delivery.nack(event, action, &reason)
                });
                let nacked = nacked.collect();
                self.since_checkpoint += 1;
                self.park(nacked).await;
            }
            Ask::Info(reply) => {
                let parked = self
                    .reader
                    .visible_len(&self.config.name.parked_stream())
                    .await;
                let _ = reply.send(self.info(parked.unwrap_or(0)));
            }
            Ask::Replay { stop_at, reply } => {
                self.replay(stop_at).await;
                let _ = reply.send(());
            }
            Ask::Stop => {}
        }
    }

    async fn park(&mut self, given_up: Vec<Parked>) {
        let now = self.reader.now();
        let events: Vec<NewEvent> = given_up
            .iter()
            .filter_map(|parked| kept::parked(self.reader.new_id(), parked, now))
            .collect();
        if !events.is_empty() {
            self.append(self.config.name.parked_stream(), events).await;
        }
    }

    /// Queues the parked events again, those that are parked now and as many as there is room for;
    /// the others follow as room is made.
    async fn replay(&mut self, stop_at: Option<u64>) {
        let newest = self.reader.newest(&self.config.name.parked_stream()).await;
        let Ok(Some(newest)) = newest else { return };
        self.replaying = Some(Replaying {
            last: newest.number,
            left: stop_at.unwrap_or(u64::MAX),
        });
        self.replay_on().await;
    }

    /// Goes on with a replay, and takes what is queued off the parked stream.
    async fn replay_on(&mut self) {
        if !self.delivery.has_much_room_for_more() {
            return;
        }
        let Some(Replaying { last, mut left }) = self.replaying.take() else {
            return;
        };
        let stream = self.config.name.parked_stream();
        let read = StreamRead {
            stream: stream.clone(),
            start: StreamStart::Start,
            direction: Direction::Forwards,
            count: left,
            links: Links::Resolved,
            bounds: Bounds::Untold,
        };
        let Ok(mut parked) = self.reader.read_stream(read).await else {
            return;
        };
        let (mut queued, mut is_over) = (None, true);
        while let Some(Ok(message)) = parked.next().await {
            let Message::Event(event) = message else {
                continue;
            };
            let read = event.link.as_ref().or(event.event.as_ref());
            let number = read.map_or(0, |record| record.number);
            if number > last {
                break;
            }
            if !self.delivery.has_room_for_more() {
                is_over = false;
                break;
            }
            queued = Some(number);
            left = left.saturating_sub(1);
            self.delivery.replay(event);
        }
        if let Some(queued) = queued {
            let event = NewEvent {
                id: self.reader.new_id(),
                event_type: STREAM_METADATA.into(),
                is_json: true,
                data: format!("{{\"$tb\":{}}}", queued + 1).into(),
                metadata: bytes::Bytes::new(),
            };
            let is_off = self.append(stream.metadata_stream(), vec![event]).await;
            if is_off && !is_over {
                self.replaying = Some(Replaying { last, left });
            }
        }
    }

    async fn load_checkpoint(&self) -> Result<Option<Cursor>, ReadError> {
        let newest = self
            .reader
            .newest(&self.config.name.checkpoint_stream())
            .await?;
        Ok(newest.and_then(|record| kept::read_checkpoint(&record.data())))
    }

    /// Writes the checkpoint when enough is done since the last one, or enough time has passed.
    async fn keep_checkpoint(&mut self) {
        let settings = &self.config.settings;
        let after = Duration::from_millis(settings.checkpoint_after_ms.into());
        let enough = self.since_checkpoint >= settings.max_checkpoint_count.max(1);
        let due = self.since_checkpoint >= settings.min_checkpoint_count.max(1)
            && self.checkpoint_at.elapsed() >= after;
        if enough || due {
            self.save_checkpoint().await;
        }
    }

    async fn save_checkpoint(&mut self) {
        self.since_checkpoint = 0;
        self.checkpoint_at = Instant::now();
        let settled = self.delivery.settled();
        let Some(cursor) = settled.filter(|_| settled > self.checkpoint) else {
            return;
        };
        let event = kept::checkpoint(self.reader.new_id(), &self.config.name, cursor);
        if self
            .append(self.config.name.checkpoint_stream(), vec![event])
            .await
        {
            self.checkpoint = Some(cursor);
        }
    }

    async fn append(&self, stream: StreamName, events: Vec<NewEvent>) -> bool {
        let written = self.writer.append(stream, Expected::Any, events).await;
        if let Err(error) = &written {
            tracing::warn!(%error, group = %self.config.name, "a persistent subscription could not keep its state");
        }
        written.is_ok()
    }

    fn info(&mut self, parked: u64) -> GroupInfo {
        let (name, after) = (&self.config.name, self.measurements.next());
        let mut consumers = Vec::new();
        for id in &self.order {
            let Some(connected) = self.consumers.get_mut(id) else {
                continue;
            };
            let (in_flight, free) = self.delivery.in_flight_of(*id);
            consumers.push(ConsumerInfo {
                caller: connected.consumer.caller.clone(),
                handed_out: connected.handed_out.measure(after),
                took: self.delivery.took(*id),
                in_flight,
                free,
            });
        }
        GroupInfo {
            config: self.config.clone(),
            is_live: self.is_live,
            last_checkpoint: self
                .checkpoint
                .map(|cursor| kept::cursor_text(name, cursor)),
            last_known: self.last_read.map(|cursor| kept::cursor_text(name, cursor)),
            handed_out: self.handed_out.measure(after),
            waiting: self.delivery.waiting(),
            live: self.live.min(self.config.settings.live_buffer_size.into()),
            retrying: self.delivery.retrying(),
            in_flight: self.delivery.in_flight(),
            parked,
            consumers,
        }
    }
}

/// A group begins with the event at its start; a subscription after it.
fn inclusive(start: AllStart) -> AllStart {
    match start {
        AllStart::Position { commit, .. } => AllStart::Position {
            commit,
            prepare: Position::START,
        },
        AllStart::Start | AllStart::End => start,
    }
}
