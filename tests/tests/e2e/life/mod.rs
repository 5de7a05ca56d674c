//! The whole life of a peering, from outside: the program and its command line on several clouds,
//! judged by the oracle.
//!
//! A scenario is written once and runs in several worlds ([`worlds::World`]): on the bare emulator,
//! which takes almost everything; on the strict EC2, where a forgotten step is refused and nothing
//! is there at once; behind a wire that throttles and loses the answers to changes; and on the
//! simulated cloud, on a bad day. What only the strict world can show, and what its log of calls
//! can count, stand in files of their own.

/// Makes a test of each of these scenarios in one world.
macro_rules! in_world {
    ($module:ident, $world:ident, $made:ident: $($scenario:ident),+) => {
        mod $module {
            use crate::life::worlds::{RunningWorld, World};
            $(#[tokio::test] async fn $scenario() { super::$scenario(RunningWorld::$made(World::$world).await).await; })+
        }
    };
}

/// The same in each world; in shared ones, unless it is said how theirs are made.
macro_rules! in_every_world {
    ($made:ident: $($scenario:ident),+ $(,)?) => {
        in_world!(on_the_emulator, Bare, $made: $($scenario),+);
        in_world!(on_the_strict_cloud, Strict, $made: $($scenario),+);
        in_world!(behind_a_faulty_wire, Faulty, $made: $($scenario),+);
        in_world!(on_the_simulated_cloud, Simulated, $made: $($scenario),+);
    };
    ($($scenario:ident),+ $(,)?) => { in_every_world!(of: $($scenario),+); };
}

/// The same where permissions can be taken away: the bare emulator knows none, and the faulty wire
/// adds nothing to a refusal.
macro_rules! where_permissions_count {
    ($($scenario:ident),+ $(,)?) => {
        in_world!(on_the_strict_cloud, Strict, of: $($scenario),+);
        in_world!(on_the_simulated_cloud, Simulated, of: $($scenario),+);
    };
}

mod adoption;
mod aws;
mod consent;
mod cost;
mod denial;
mod emulated;
mod end;
mod exposure;
mod hold;
mod host;
mod identity;
mod names;
mod orphans;
mod owner;
mod peering;
mod people;
mod permissions;
mod policy;
mod preflight;
mod quota;
mod routes;
mod simulated;
mod stop;
mod strict_only;
mod upkeep;
mod worlds;
