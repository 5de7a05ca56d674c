//! `timeline_times`: of so many rows of the timeline at a time, the earliest time and the latest.
//!
//! Times go up with the log nearly everywhere, and nowhere for certain: each is that of the machine
//! which decided. So no place can be computed for a time; but where nothing is to be found, it is
//! passed by in whole parts, wherever clocks were wrong.

use crate::form::Form;
use rusqlite::{Connection, params};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// How many rows a part has.
const PART: i64 = 64;

/// The times of rows that a transaction adds.
#[derive(Debug, Default)]
pub(crate) struct Times(BTreeMap<i64, (String, String)>);

impl Times {
    pub(crate) fn add(&mut self, row: i64, time: String) {
        match self.0.get_mut(&(row / PART)) {
            Some((earliest, _)) if time < *earliest => *earliest = time,
            Some((_, latest)) if time > *latest => *latest = time,
            Some(_) => {}
            None => {
                self.0.insert(row / PART, (time.clone(), time));
            }
        }
    }

    pub(crate) fn write(&self, connection: &Connection, form: &Form) -> rusqlite::Result<()> {
        if !form.has("timeline_times") {
            return Ok(());
        }
        let mut put = connection.prepare_cached(
            "INSERT INTO timeline_times VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE
             SET earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)",
        )?;
        for (part, (earliest, latest)) in &self.0 {
            put.execute(params![part, earliest, latest])?;
        }
        Ok(())
    }
}

/// In which of these rows an event may be found whose time is none before `since` and before
/// `until`: as few stretches as there are, in order.
pub(crate) fn stretches(
    connection: &Connection,
    within: &RangeInclusive<i64>,
    since: Option<&str>,
    until: Option<&str>,
) -> rusqlite::Result<Vec<RangeInclusive<i64>>> {
    if within.is_empty() {
        return Ok(Vec::new());
    }
    if since.is_none() && until.is_none() {
        return Ok(vec![within.clone()]);
    }
    let mut select = connection.prepare_cached(
        "SELECT part FROM timeline_times WHERE part BETWEEN ?1 AND ?2
             AND (?3 IS NULL OR latest >= ?3) AND (?4 IS NULL OR earliest < ?4) ORDER BY part",
    )?;
    let (first, last) = (within.start() / PART, within.end() / PART);
    let mut rows = select.query(params![first, last, since, until])?;
    let mut found: Vec<RangeInclusive<i64>> = Vec::new();
    while let Some(row) = rows.next()? {
        let part: i64 = row.get(0)?;
        let from = part.saturating_mul(PART);
        let to = from.saturating_add(PART - 1).min(*within.end());
        match found.last_mut() {
            Some(before) if *before.end() + 1 == from => *before = *before.start()..=to,
            Some(_) | None => found.push(from.max(*within.start())..=to),
        }
    }
    Ok(found)
}
