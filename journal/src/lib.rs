//! The doorway to KurrentDB: typed load, append and follow over the `kurrentdb` crate and a
//! connection string.
//!
//! Everything that is known of the store's behaviour lives here, and callers see none of it: a load
//! counts only when it was whole, an append whose answer was lost is repeated until it is known, a
//! client that is dead is replaced, every call has a local deadline, and a [`Follower`] outlives
//! restarts, freezes and moves of the server.
//!
//! One call is not the crate's: its catch-up subscription never returns after an ordinary restart
//! of a server, so [`follow`] has one of its own. What it does not know: the outside of the log. It
//! reads no clock and no environment; time and ids are arguments.
//!
//! ```no_run
//! use domain::{NetworkId, network::NetworkCommand};
//! use peerage_journal::{Caller, Followed, Journal, JournalSettings, Signal};
//!
//! # type Anything = Box<dyn std::error::Error>;
//! async fn carry_out(id: NetworkId, command: NetworkCommand, caller: Caller, clock: peerage_journal::Clock) -> Result<(), Anything> {
//!     let journal = Journal::open(JournalSettings::new("kurrentdb://127.0.0.1:2113?tls=false"))?;
//!     let executed = journal.networks().execute(id, &command, &caller, clock()).await?;
//!     println!("now at revision {:?}", executed.revision);
//!
//!     let mut follower = journal.follow(None, Followed::Networks);
//!     while let Signal::Event(event) = follower.next().await? {
//!         println!("{} {} {:?}", event.position, event.stream, event.body);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Read first: [`Networks`] (commands), then [`Follower`] (events).

mod calls;
mod codec;
mod deadline;
mod error;
pub mod follow;
mod journal;
mod keeper;
mod metadata;
pub mod networks;
mod parked;
mod position;
mod recorded;
mod retry;
mod settings;
mod transport;

pub use codec::{Encoded, SCHEMA_VERSION, decode, encode};
pub use error::{ExecuteError, FollowError, JournalError};
pub use follow::{Followed, Follower, Signal};
pub use journal::Journal;
pub use metadata::Metadata;
pub use networks::{Caller, Executed, Loaded, Networks, Undecodable};
pub use position::{Position, PositionError};
pub use recorded::{Body, Recorded};
pub use settings::{JournalSettings, OpenError};

use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Where the time comes from: passed in by the binary, so that nothing in here reads it.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
