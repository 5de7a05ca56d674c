//! `timeline_blocks`: of so many rows of the timeline at a time, what they are found by, and which
//! of them by what.
//!
//! An index over all rows would be written to all over its length with each event. A block is
//! written once, when its last row is there, behind what was written before. Rows that are in no
//! block yet are few enough to be looked at one by one. So an event costs the same whether there
//! are a thousand before it or ten million, and a search asks each block a question that takes
//! microseconds.

use crate::form::Form;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params, types::Type};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// How many rows a block has; the first one has one less, since rows are counted from 1.
pub(crate) const ROWS: i64 = 4_096;

/// The columns that rows are found by, those first that few rows have in common.
pub(crate) const FIELDS: [&str; 9] = [
    "command_id",
    "peering_id",
    "ticket",
    "network_id",
    "account",
    "actor_name",
    PART,
    "event_type",
    PROBLEM,
];

pub(crate) const PART: &str = "part";

/// Found by whether there is one: its value here is an empty text.
pub(crate) const PROBLEM: &str = "problem";

/// How many bytes there are with a bit for each row.
const BITS: usize = ROWS as usize / 8;

/// Writes the blocks whose last row is among these, which were added.
pub(crate) fn write(
    connection: &Connection,
    form: &Form,
    added: RangeInclusive<i64>,
) -> rusqlite::Result<()> {
    if form.has("timeline_blocks") {
        for block in added.start() / ROWS..(added.end() + 1) / ROWS {
            write_one(connection, block)?;
        }
    }
    Ok(())
}

fn write_one(connection: &Connection, block: i64) -> rusqlite::Result<()> {
    let columns = FIELDS.map(|field| match field {
        PROBLEM => "CASE WHEN problem IS NOT NULL THEN '' END",
        field => field,
    });
    let mut select = connection.prepare_cached(&format!(
        "SELECT rowid, {} FROM timeline WHERE rowid BETWEEN ?1 AND ?2",
        columns.join(", ")
    ))?;
    let rows = rows(block);
    let mut read = select.query([rows.start(), rows.end()])?;
    let mut found = FIELDS.map(|_| BTreeMap::<String, Vec<u16>>::new());
    while let Some(row) = read.next()? {
        let at: i64 = row.get(0)?;
        // Less than the number of rows of a block.
        let at = (at - block * ROWS) as u16;
        for (column, found) in found.iter_mut().enumerate() {
            let Some(value) = row.get_ref(column + 1)?.as_str_or_null()? else {
                continue;
            };
            match found.get_mut(value) {
                Some(rows) => rows.push(at),
                None => drop(found.insert(value.to_owned(), vec![at])),
            }
        }
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO timeline_blocks (block, field, value, found) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut fields: Vec<_> = FIELDS.into_iter().zip(found).collect();
    // In the order in which they stand in the file.
    fields.sort_unstable_by_key(|(field, _)| *field);
    for (field, found) in fields {
        for (value, rows) in found {
            insert.execute(params![block, field, value, written(&rows)])?;
        }
    }
    Ok(())
}

/// The rows of a block.
fn rows(block: i64) -> RangeInclusive<i64> {
    block * ROWS..=block * ROWS + ROWS - 1
}

/// Two bytes for each row, or a bit for each that there is where that is no longer.
fn written(rows: &[u16]) -> Vec<u8> {
    if rows.len() * 2 < BITS {
        return rows.iter().flat_map(|it| it.to_le_bytes()).collect();
    }
    let mut bits = vec![0; BITS];
    for row in rows {
        bits[usize::from(row / 8)] |= 1 << (row % 8);
    }
    bits
}

/// The first row that is in no block.
pub(crate) fn end(connection: &Connection) -> rusqlite::Result<i64> {
    // A file of another form may have none.
    let is_there = "SELECT 1 FROM sqlite_schema WHERE name = 'timeline_blocks'";
    let mut is_there = connection.prepare_cached(is_there)?;
    if !is_there.exists([])? {
        return Ok(0);
    }
    let mut last = connection.prepare_cached("SELECT max(block) FROM timeline_blocks")?;
    let last: Option<i64> = last.query_row([], |row| row.get(0))?;
    Ok(last.map_or(0, |it| (it + 1) * ROWS))
}

/// What is wanted of a row: in this column one of these values.
pub(crate) type Wanted = (&'static str, Vec<String>);

/// Finds rows by what is wanted of them.
pub(crate) struct Finder<'a> {
    select: CachedStatement<'a>,
    wanted: &'a [Wanted],
}

impl<'a> Finder<'a> {
    pub(crate) fn new(connection: &'a Connection, wanted: &'a [Wanted]) -> rusqlite::Result<Self> {
        Ok(Self {
            select: connection.prepare_cached(FIND)?,
            wanted,
        })
    }

    /// The rows of this block that have all that is wanted, in order.
    pub(crate) fn find(&mut self, block: i64) -> rusqlite::Result<Vec<i64>> {
        let mut found: Option<[u8; BITS]> = None;
        for (field, values) in self.wanted {
            let mut one_of = [0; BITS];
            for value in values {
                let read = |row: &rusqlite::Row<'_>| add(row.get_ref(0)?.as_blob()?, &mut one_of);
                self.select
                    .query_row(params![block, field, value], read)
                    .optional()?;
            }
            if let Some(found) = &found {
                one_of
                    .iter_mut()
                    .zip(found)
                    .for_each(|(it, and)| *it &= and);
            }
            if one_of.iter().all(|it| *it == 0) {
                return Ok(Vec::new());
            }
            found = Some(one_of);
        }
        let found = found.unwrap_or([0; BITS]);
        let of_byte = |(at, byte): (usize, u8)| {
            let bits = (0..8).filter(move |bit| byte & (1 << bit) != 0);
            bits.map(move |bit| block * ROWS + at as i64 * 8 + bit)
        };
        Ok(found.into_iter().enumerate().flat_map(of_byte).collect())
    }
}

pub(crate) const FIND: &str =
    "SELECT found FROM timeline_blocks WHERE block = ?1 AND field = ?2 AND value = ?3";

/// Adds the rows that were written so.
fn add(written: &[u8], to: &mut [u8; BITS]) -> rusqlite::Result<()> {
    if written.len() == BITS {
        to.iter_mut().zip(written).for_each(|(it, or)| *it |= or);
        return Ok(());
    }
    let (rows, []) = written.as_chunks::<2>() else {
        return Err(damaged());
    };
    for row in rows {
        let row = u16::from_le_bytes(*row);
        let byte = to.get_mut(usize::from(row / 8)).ok_or_else(damaged)?;
        *byte |= 1 << (row % 8);
    }
    Ok(())
}

fn damaged() -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, "no rows of a block".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &[u8]) -> rusqlite::Result<Vec<u16>> {
        let mut bits = [0; BITS];
        add(written, &mut bits)?;
        let is_in = |it: &u16| bits[usize::from(it / 8)] & (1 << (it % 8)) != 0;
        Ok((0..ROWS as u16).filter(is_in).collect())
    }

    #[test]
    fn however_many_rows_there_are_they_are_read_as_they_were_written_and_take_no_more_than_a_bit_each()
     {
        for step in [1, 2, 15, 16, 17, 700] {
            for first in [0, 1, 4_095] {
                let rows: Vec<u16> = (first..ROWS as u16).step_by(step).collect();
                let written = written(&rows);
                assert!(written.len() <= BITS && written.len() <= rows.len() * 2);
                assert_eq!(read(&written).expect("rows"), rows);
            }
        }
    }

    #[test]
    fn what_cannot_have_been_written_is_damage() {
        for damaged in [&[1][..], &[0, 0, 7], &[0, 16], &[255, 255]] {
            assert!(read(damaged).is_err(), "{damaged:?}");
        }
        assert!(read(&[0; BITS + 2]).is_ok_and(|it| it == [0]));
    }
}
