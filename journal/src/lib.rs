//! The doorway to KurrentDB: typed load, append and follow, from a connection string as the
//! official clients take it.
//!
//! Everything that is known of the store's behaviour lives here, and callers see none of it: a load
//! counts only when it was whole, an append whose answer was lost is repeated until it is known, a
//! node that is dead or no longer leads is left, every call has a local deadline, and a
//! [`Follower`] outlives restarts, freezes and moves of the server.
//!
//! The `kurrentdb` crate keeps the connection string and its types. The calls are this room's own:
//! the crate's appends wait for delayed acknowledgements on a multi-threaded runtime, and its
//! catch-up subscription never returns after an ordinary restart of a server. What this room does
//! not know: the outside of the log. It
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

#![warn(missing_docs)]

mod appends;
mod calls;
mod certificate;
mod checkpoint;
mod client_pool;
mod codec;
mod deadline;
mod document;
mod error;
mod facts;
pub mod follow;
mod journal;
mod memory;
mod metadata;
pub mod networks;
mod nodes;
mod parked;
mod position;
mod reach;
mod recorded;
mod records;
mod retention;
mod retry;
mod settings;
mod transport;
mod wire;

pub use checkpoint::Checkpoint;
pub use codec::{Encoded, SCHEMA_VERSION, current_data, current_type, decode, encode};
pub use domain::Clock;
pub use error::{ExecuteError, FollowError, JournalError};
pub use follow::{Behind, Followed, Follower, Signal};
pub use journal::Journal;
pub use memory::Memory;
pub use metadata::{Fence, Metadata};
pub use networks::{
    Caller, Executed, Figures, Loaded, Networks, Preview, Registration, Undecodable,
};
pub use position::{Position, PositionError};
pub use reach::Unreachable;
pub use recorded::{Body, Recorded, Stored};
pub use records::{Kept, Record};
pub use retention::{Limit, Limited, Retention};
pub use settings::{JournalSettings, OpenError};
