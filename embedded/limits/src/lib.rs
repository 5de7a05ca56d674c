//! What callers may hold of a server: connections, calls, bytes of requests and of answers, and
//! time.
//!
//! The problem: whoever reaches a port can open connections and say nothing, promise large messages
//! and never end them, or ask for much and read none of it. The approach: a [`Shared`] for each
//! server, a [`Load`] for each connection and a [`Call`] for each request, which count what is
//! held; [`Weighed`] and [`Counted`] are the bodies that tell them, and [`arrived`] and
//! [`converse`] are a connection with its deadlines.
//!
//! Nothing waits for room: what is beyond a limit is an [`Excess`], and the server says so in its
//! own protocol's words. This crate knows no protocol but gRPC's framing and which frames of
//! HTTP/2 carry nothing, and no server.

#![warn(missing_docs)]

mod answer;
mod connection;
mod frames;
mod listener;
mod load;
mod request;
#[cfg(test)]
mod tests;

pub use answer::Counted;
pub use connection::{Ended, Opened, Terms, arrived, converse};
pub use listener::is_lost;
pub use load::{ARRIVAL, Call, Excess, Held, Limits, Load, Shared, WaitFor};
pub use request::{Framing, Pace, Weighed};
