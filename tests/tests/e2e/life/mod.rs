//! The whole life of a peering, from outside: the program and its command line on emulated clouds, judged by the oracle.
//!
//! A scenario is written once and runs in several worlds ([`ground::World`]): on the bare emulator, which takes almost everything; on
//! the strict EC2, where a forgotten step is refused and nothing is there at once; and behind a wire that throttles and loses the
//! answers to changes. What only the strict world can show, and what its log of calls can count, stand in files of their own.

/// Makes a test of each of these scenarios in each world; in shared ones, unless it is said how theirs are made.
macro_rules! in_every_world {
    ($made:ident: $($scenario:ident),+ $(,)?) => {
        mod on_the_emulator {
            use crate::life::ground::{Ground, World};
            $(#[tokio::test] async fn $scenario() { super::$scenario(Ground::$made(World::Bare).await).await; })+
        }
        mod on_the_strict_cloud {
            use crate::life::ground::{Ground, World};
            $(#[tokio::test] async fn $scenario() { super::$scenario(Ground::$made(World::Strict).await).await; })+
        }
        mod behind_a_faulty_wire {
            use crate::life::ground::{Ground, World};
            $(#[tokio::test] async fn $scenario() { super::$scenario(Ground::$made(World::Faulty).await).await; })+
        }
        mod on_the_simulated_cloud {
            use crate::life::ground::{Ground, World};
            $(#[tokio::test] async fn $scenario() { super::$scenario(Ground::$made(World::Simulated).await).await; })+
        }
    };
    ($($scenario:ident),+ $(,)?) => { in_every_world!(of: $($scenario),+); };
}

mod adoption;
mod consent;
mod cost;
mod emulated;
mod end;
mod exposure;
mod ground;
mod host;
mod names;
mod peering;
mod people;
mod preflight;
mod quota;
mod routes;
mod simulated;
mod strict_only;
mod upkeep;
