//! What a command costs over gRPC, against a bare append to the same store.
//!
//! Each command goes to a network of its own, each append to a stream of its own, from this process
//! and its one thread; the event that is appended is the one that the command writes, byte for
//! byte. Between them are calls that do nothing: a command is one of those and an append at least.
//! All take turns in one run, with 1, 16 and 128 in flight, on:
//!
//! - the store inside `serve`;
//! - a `peerage node` of its own behind a plain relay, which acknowledges late, as an ordinary
//!   server does;
//! - whatever `PEERAGE_TEST_STORE` names.
//!
//! `cargo bench -p peerage-tests --bench commands -- [SECONDS] [--doors] [--profile IN_FLIGHT]` (of
//! each turn; 2 by default). With `--doors` the turns are of two engines instead: one that anybody
//! may command, and one whose callers bear tokens. With `--profile` there is one turn of commands
//! alone on each stand, and the process to look at meanwhile is named.

mod bare;
mod doors;
mod load;
mod stand;

use load::{Load, Turn};
use peerage_tests::process;
use stand::Stand;
use std::time::Duration;

/// How often each side has its turn.
const TURNS: usize = 3;

/// What is asked of the quotients: how many in flight, commands per append, and how many times as
/// long the slowest of a hundred may take.
const WANTED: [(usize, f64, Option<f64>); 3] =
    [(1, 0.7, Some(2.0)), (16, 0.6, None), (128, 0.6, None)];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let seconds = std::env::args().skip(1).find_map(|it| it.parse().ok());
    let each = Duration::from_secs_f64(seconds.unwrap_or(2.0));
    if std::env::args().any(|it| it == "--doors") {
        return doors::compare(each).await;
    }
    let profiled = std::env::args().skip_while(|it| it != "--profile").nth(1);
    let profiled = profiled.map(|it| it.parse().expect("how many in flight"));
    let mut missed = Vec::new();
    for stand in [
        Some(Stand::inside().await),
        Some(Stand::behind_relay().await),
        Stand::named().await,
    ]
    .into_iter()
    .flatten()
    {
        match profiled {
            Some(in_flight) => profile(stand, in_flight, each).await,
            None => missed.extend(compare(stand, each).await),
        }
    }
    assert!(missed.is_empty(), "too slow: {missed:#?}");
}

/// One turn of commands, for whoever looks at the processes meanwhile.
async fn profile(stand: Stand, in_flight: usize, each: Duration) {
    let load = Load::prepared(&stand, in_flight).await;
    println!("{}: process {}", stand.name, stand.engine_id());
    let turn = load.commands(&stand, in_flight, each).await;
    println!("{:.0}/s", turn.rate());
    for (process, time) in &turn.processor {
        println!("{:.3} ms: {process}", ms(*time) / turn.count() as f64);
    }
    stand.stop().await;
}

/// Both loads on one stand; what did not reach what is wanted.
async fn compare(stand: Stand, each: Duration) -> Vec<String> {
    let load = Load::prepared(&stand, 128).await;
    println!("\n{}", stand.name);
    println!(
        "{:>9}  {:>21}  {:>23}  {:>23}  {:>9}",
        "in flight",
        "rate of append/command",
        "median of each, ms",
        "99th of a hundred, ms",
        "quotient"
    );
    let mut missed = Vec::new();
    for (in_flight, least, longest) in WANTED {
        let (mut appends, mut commands) = (Turn::default(), Turn::default());
        let mut nothings = Turn::default();
        for _ in 0..TURNS {
            appends.add(load.appends(&stand, in_flight, each).await);
            nothings.add(load.nothings(&stand, in_flight, each / 4).await);
            commands.add(load.commands(&stand, in_flight, each).await);
        }
        let quotient = commands.rate() / appends.rate();
        let slowest = commands.at(0.99).as_secs_f64() / appends.at(0.99).as_secs_f64();
        println!(
            "{in_flight:>9}  {:>10.0} {:>10.0}/s  {:>11.2} {:>11.2}  {:>11.2} {:>11.2}  {quotient:>9.2}",
            appends.rate(),
            commands.rate(),
            ms(appends.at(0.5)),
            ms(commands.at(0.5)),
            ms(appends.at(0.99)),
            ms(commands.at(0.99)),
        );
        for (process, append) in &appends.processor {
            let command = commands.processor.get(process).copied().unwrap_or_default();
            let nothing = nothings.processor.get(process).copied().unwrap_or_default();
            println!(
                "{:>9}  processor time of an append {:>6.3} ms, of a command {:>6.3} ms, of a call that does nothing {:>6.3} ms: {process}",
                "",
                ms(*append) / appends.count() as f64,
                ms(command) / commands.count() as f64,
                ms(nothing) / nothings.count() as f64,
            );
        }
        let name = format!("{}, {in_flight} in flight", stand.name);
        if quotient < least {
            missed.push(format!(
                "{name}: {quotient:.2} commands per append, wanted {least}"
            ));
        }
        if longest.is_some_and(|longest| slowest > longest) {
            missed.push(format!(
                "{name}: the 99th of a hundred takes {slowest:.1} times as long"
            ));
        }
    }
    stand.stop().await;
    missed
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Processor time of this process so far.
fn own_processor_time() -> Duration {
    process::processor_time("self")
}
