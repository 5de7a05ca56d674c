//! Following the log: one typed sequence of events, checkpoints and caught-up, that does not end.
//!
//! The crate's own subscription cannot be used: a server that shuts down in good order ends its
//! streams without a status, the crate takes that for an empty message, asks again at once, and
//! never returns. Here such an end is a break. A task of our own reads into a bounded buffer, and
//! after any break resumes behind the last thing it put there, so nothing is lost and nothing comes
//! twice.
//!
//! Read next: `feed` (the task), `session` (one subscription on one node). `behind` says how much
//! there is behind a place, without following on.

mod behind;
mod feed;
mod outlet;
mod session;

use crate::{
    FollowError, JournalSettings, Position, Recorded, codec::network_of, parked::Parked,
    transport::Transport, wire::METADATA,
};
pub use behind::Behind;
use domain::{
    access::{DENIALS_STREAM, POLICY_STREAM},
    approval,
    text::ConnectorId,
};
use feed::Feed;
use std::{borrow::Cow, fmt, sync::Arc};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// What is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// Every network's stream.
    Networks,
    /// Every connector's stream.
    Connectors,
    /// Every request for approval.
    Approvals,
    /// What may be delivered elsewhere: every network's stream, every connector's, and every
    /// request for approval.
    Deliverable,
    /// What is audited: that, and what is on record of access.
    Audited,
    /// What the store was told to keep of our streams, and that one was deleted.
    Retention,
    /// One stream.
    Stream(String),
    /// Every stream whose name begins with one of these.
    Named(Cow<'static, [&'static str]>),
}

/// What the names of the streams begin with that are about access.
const ACCESS_CATEGORY: &str = "access";

impl Followed {
    /// Whether this stream is followed. Beside ours a store may have others with such names.
    pub(crate) fn has(&self, stream: &str) -> bool {
        let is_network = || network_of(stream).is_some();
        let is_connector = || ConnectorId::of_stream(stream).is_some();
        let is_approval = || approval::of_stream(stream).is_some();
        let is_access = || [POLICY_STREAM, DENIALS_STREAM].contains(&stream);
        match self {
            Self::Networks => is_network(),
            Self::Connectors => is_connector(),
            Self::Approvals => is_approval(),
            Self::Deliverable => is_network() || is_connector() || is_approval(),
            Self::Audited => is_network() || is_connector() || is_approval() || is_access(),
            Self::Retention => Self::Audited.has(stream.strip_prefix(METADATA).unwrap_or(stream)),
            Self::Stream(one) => stream == *one,
            Self::Named(prefixes) => prefixes.iter().any(|it| stream.starts_with(it)),
        }
    }

    /// Whether what the store writes for itself is followed, and nothing else.
    fn is_of_the_store(&self) -> bool {
        matches!(self, Self::Retention)
    }
}

impl fmt::Display for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Networks => f.write_str("all networks"),
            Self::Connectors => f.write_str("all connectors"),
            Self::Approvals => f.write_str("all requests for approval"),
            Self::Deliverable => f.write_str("all networks, connectors and requests for approval"),
            Self::Audited => f.write_str("all that is audited"),
            Self::Retention => f.write_str("what is kept of our streams"),
            Self::Stream(stream) => write!(f, "stream {stream}"),
            Self::Named(prefixes) => write!(f, "streams {}", prefixes.join(", ")),
        }
    }
}

/// What a follower has to say.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all signals are events; a box for each would cost more than it saves"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// One that this version can read.
    Event(Recorded),
    /// Everything up to here was looked at; following may resume from here.
    Checkpoint(Position),
    /// Following was broken off, and goes on from where it was. Meanwhile the log may have become
    /// another one.
    Resumed,
    /// There was nothing more at some moment. Comes again after every break, and whenever it is
    /// true again.
    CaughtUp,
}

/// A place in the log that moves on. Dropping it stops following.
#[derive(Debug)]
pub struct Follower {
    signals: mpsc::Receiver<Result<Signal, FollowError>>,
    followed: Followed,
    _task: AbortOnDropHandle<()>,
}

impl Follower {
    pub(crate) fn start(
        transport: Arc<Transport>,
        parked: Arc<Parked>,
        settings: &JournalSettings,
        from: Option<Position>,
        followed: Followed,
    ) -> Self {
        let (sender, signals) = mpsc::channel(settings.follow_buffer.max(1));
        let feed = Feed::new(transport, parked, settings, from, followed.clone(), sender);
        Self {
            signals,
            followed,
            _task: AbortOnDropHandle::new(tokio::spawn(feed.run())),
        }
    }

    /// The next signal, as soon as there is one. Safe to cancel. The first error is also the last
    /// signal.
    pub async fn next(&mut self) -> Result<Signal, FollowError> {
        let ended = || FollowError::Ended {
            followed: self.followed.to_string(),
        };
        self.signals.recv().await.unwrap_or_else(|| Err(ended()))
    }
}
