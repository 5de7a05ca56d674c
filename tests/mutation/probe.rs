//! What a mutated copy of the source asks at each place that can be changed: whether this is the
//! change of this run. One is chosen by `MUTANT`; `MUTANT_HITS` names a file that gets the number
//! of each change that would have made a difference here. Copied into each room, never built in
//! place.

use std::{
    fs::OpenOptions,
    io::Write as _,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

static CHOSEN: LazyLock<Option<usize>> =
    LazyLock::new(|| std::env::var("MUTANT").ok()?.parse().ok());
static HITS: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("MUTANT_HITS").ok());
static SEEN: [AtomicBool; 20_000] = [const { AtomicBool::new(false) }; 20_000];

fn hit(number: usize) {
    if let Some(path) = HITS.as_ref()
        && !SEEN[number].swap(true, Ordering::Relaxed)
        && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path)
    {
        let _ = file.write_all(format!("{number}\n").as_bytes());
    }
}

/// Whether this change is made.
pub(crate) fn on(number: usize) -> bool {
    hit(number);
    *CHOSEN == Some(number)
}

/// Whether this change is not made.
pub(crate) fn off(number: usize) -> bool {
    !on(number)
}

/// The value, or true under the first change, or false under the second.
pub(crate) fn either(number: usize, value: bool) -> bool {
    hit(if value { number + 1 } else { number });
    match *CHOSEN {
        Some(chosen) if chosen == number => true,
        Some(chosen) if chosen == number + 1 => false,
        _ => value,
    }
}

/// The value, or its contrary.
pub(crate) fn flip(number: usize, value: bool) -> bool {
    on(number) ^ value
}

/// The value, or nothing.
pub(crate) fn none<T>(number: usize, value: Option<T>) -> Option<T> {
    if value.is_some() && on(number) {
        None
    } else {
        value
    }
}

/// The first, or the second.
pub(crate) fn pick<T>(number: usize, first: T, second: T) -> T {
    if on(number) { second } else { first }
}

/// The items, or none of them.
pub(crate) fn less<I: IntoIterator>(number: usize, items: I) -> impl Iterator<Item = I::Item> {
    items.into_iter().filter(move |_| off(number))
}
