//! How events are found in the timeline: a page costs what is on it, not what is in the log.
//!
//! Rows stand in the log's order. Places and times become rows from which and up to which is read
//! ([`times`](crate::times)); what else is asked for is found block by block
//! ([`blocks`](crate::blocks)), and in the rows that are in none yet by looking at each. Ranges
//! lead through a table of their own.

use super::{
    Select, number,
    timeline::{Legible, Order, Part, TimelineEntry, TimelineQuery, read},
};
use crate::{
    Page, PageRequest, Projections, QueryError,
    blocks::{self, Finder, PART, PROBLEM, Wanted},
    page::Filling,
    ranges::{self, Key},
    rows::{position, time},
    times,
};
use domain::Range;
use journal::Position;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::Value};
use std::{collections::BTreeSet, ops::RangeInclusive};

/// How many rows that name a range are read at first where not all of them are wanted.
const NAMING: usize = 128;
const MOST_NAMING: usize = 32_768;

/// How many rows that were found are read at once at most.
const MOST_FOUND: usize = 4_096;

/// After how many rows of one range that come too late the next range is looked for.
const TOO_LATE: usize = 16;

impl Projections {
    /// Events in the order of the log, or against it.
    pub async fn timeline(
        &self,
        query: &TimelineQuery,
        request: &PageRequest,
    ) -> Result<Page<TimelineEntry>, QueryError> {
        let question = ("read timeline", query);
        let after = request.after(&question).ok_or(QueryError::PageToken)?;
        let (limit, wanted) = (request.limit(), query.clone());
        self.page(question.0, question, request, move |connection, _| {
            fill(connection, &wanted, after, limit)
        })
        .await
    }
}

/// Fills a page with what is asked for, behind this place.
fn fill(
    connection: &Connection,
    query: &TimelineQuery,
    after: Option<Position>,
    limit: usize,
) -> rusqlite::Result<Filling<Position, TimelineEntry>> {
    let within = bounds(connection, query, after)?;
    let (since, until) = (query.since.as_ref(), query.until.as_ref());
    let (since, until) = (since.map(time), until.map(time));
    let mut stretches = times::stretches(connection, &within, since.as_deref(), until.as_deref())?;
    if query.order == Order::NewestFirst {
        stretches.reverse();
    }
    let conditions = Conditions::of(query);
    // What is asked for only by place and time is read as it stands.
    let end = match conditions.wanted.as_slice() {
        [] => 0,
        _ => blocks::end(connection)?,
    };
    let mut filling = Filling::new(limit);
    for stretch in &stretches {
        let goes_on = match query.range {
            Some(range) => conditions.naming(connection, range, stretch, &mut filling)?,
            None => conditions.through(connection, stretch, end, &mut filling)?,
        };
        if !goes_on {
            break;
        }
    }
    Ok(filling)
}

/// The rows between the places that are asked for.
fn bounds(
    connection: &Connection,
    query: &TimelineQuery,
    after: Option<Position>,
) -> rusqlite::Result<RangeInclusive<i64>> {
    let (mut from, mut to) = (1, i64::MAX);
    let last = |sign: &str, at: Position| {
        let sql = format!(
            "SELECT rowid FROM timeline WHERE (commit_position, prepare_position) {sign} (?1, ?2)
             ORDER BY commit_position DESC, prepare_position DESC LIMIT 1"
        );
        let mut select = connection.prepare_cached(&sql)?;
        let values = [number(at.commit), number(at.prepare)];
        let found: Option<i64> = select.query_row(values, |row| row.get(0)).optional()?;
        Ok::<_, rusqlite::Error>(found.unwrap_or(0))
    };
    let beyond = [query.after, after].into_iter().flatten();
    let (oldest, newest): (Vec<_>, Vec<_>) = match query.order {
        Order::OldestFirst => (beyond.chain(query.from).collect(), Vec::new()),
        Order::NewestFirst => (query.from.into_iter().collect(), beyond.collect()),
    };
    for at in oldest {
        from = from.max(last("<=", at)? + 1);
    }
    for at in newest {
        to = to.min(last("<", at)?);
    }
    if let Some(at) = query.to {
        to = to.min(last("<=", at)?);
    }
    Ok(from..=to)
}

/// What a row must hold.
struct Conditions<'a> {
    query: &'a TimelineQuery,
    /// What it can be found by.
    wanted: Vec<Wanted>,
}

/// Which rows are read.
enum Which<'a> {
    /// Those of a stretch, each looked at for everything.
    Stretch(&'a RangeInclusive<i64>),
    /// These, looked at for everything.
    These(&'a [i64]),
    /// These, which have what they are found by.
    Found(&'a [i64]),
}

impl<'a> Conditions<'a> {
    fn of(query: &'a TimelineQuery) -> Self {
        let id = |it: &dyn ToString| it.to_string();
        let columns = [
            ("command_id", query.command.as_ref().map(|it| id(it))),
            ("peering_id", query.peering.as_ref().map(|it| id(it))),
            ("ticket", query.ticket.clone()),
            ("network_id", query.network.as_ref().map(|it| id(it))),
            ("account", query.account.clone()),
            ("actor_name", query.actor.clone()),
        ];
        let parts = query.wanted_parts();
        let parts = match parts.contains(&Part::Networks) {
            true => Vec::new(),
            false => parts.into_iter().map(|it| it.as_str().to_owned()).collect(),
        };
        let problem = (query.of == Legible::Undecodable).then(String::new);
        let columns = columns.into_iter().chain([(PROBLEM, problem)]);
        let mut wanted: Vec<Wanted> = columns
            .filter_map(|(name, value)| Some((name, vec![value?])))
            .collect();
        let lists = [("event_type", query.event_types.clone()), (PART, parts)];
        wanted.extend(lists.into_iter().filter(|(_, it)| !it.is_empty()));
        Self { query, wanted }
    }

    /// What a row that was not found by it is looked at for.
    fn each(&self, mut select: Select) -> Select {
        for (name, values) in &self.wanted {
            select = match *name {
                // As it is written, the index of unreadable events does not serve it.
                PROBLEM => select.and("+problem IS NOT NULL", []),
                name => select.and_one_of(name, values),
            };
        }
        select
    }

    /// What every row is looked at for.
    fn rest(&self, mut select: Select) -> Select {
        let parts = self.query.wanted_parts();
        let has_networks = parts.contains(&Part::Networks);
        if has_networks && parts.len() < Part::ALL.len() {
            let others = parts.iter().filter(|it| **it != Part::Networks);
            let others = others.map(|it| Value::Text(it.as_str().to_owned()));
            let others: Vec<_> = others.collect();
            let places = vec!["?"; others.len()].join(", ");
            let of = format!("(network_id IS NOT NULL OR part IN ({places}))");
            let of = if others.is_empty() {
                "network_id IS NOT NULL"
            } else {
                &of
            };
            select = select.and(of, others);
        }
        select
            .and_maybe("time >= ?", self.query.since.as_ref().map(time))
            .and_maybe("time < ?", self.query.until.as_ref().map(time))
    }

    /// The rows, in order.
    fn select(&self, which: &Which<'_>) -> Select {
        let all = Select::from("SELECT * FROM timeline");
        let all = match which {
            Which::Stretch(stretch) => {
                let (from, to) = (*stretch.start(), *stretch.end());
                let within = [Value::Integer(from), Value::Integer(to)];
                self.each(all.and("rowid BETWEEN ? AND ?", within))
            }
            Which::These(rows) => self.each(one_of(all, rows)),
            Which::Found(rows) => one_of(all, rows),
        };
        self.rest(all).ordered_by(match self.query.order {
            Order::OldestFirst => "rowid",
            Order::NewestFirst => "rowid DESC",
        })
    }

    /// Reads rows of a stretch until the page is full; `false` if it is. Those before `end` are
    /// found block by block.
    fn through(
        &self,
        connection: &Connection,
        stretch: &RangeInclusive<i64>,
        end: i64,
        filling: &mut Filling<Position, TimelineEntry>,
    ) -> rusqlite::Result<bool> {
        let (first, last) = (*stretch.start(), *stretch.end());
        let in_blocks = first..=last.min(end - 1);
        let others = first.max(end)..=last;
        let each = |filling: &mut _| {
            Ok::<_, rusqlite::Error>(
                others.is_empty() || self.read(connection, &Which::Stretch(&others), filling)?,
            )
        };
        match self.query.order {
            Order::OldestFirst => {
                Ok(self.found(connection, &in_blocks, filling)? && each(filling)?)
            }
            Order::NewestFirst => {
                Ok(each(filling)? && self.found(connection, &in_blocks, filling)?)
            }
        }
    }

    /// The same of rows that are in blocks.
    fn found(
        &self,
        connection: &Connection,
        within: &RangeInclusive<i64>,
        filling: &mut Filling<Position, TimelineEntry>,
    ) -> rusqlite::Result<bool> {
        if within.is_empty() {
            return Ok(true);
        }
        let mut finder = Finder::new(connection, &self.wanted)?;
        let mut blocks = within.start() / blocks::ROWS..=within.end() / blocks::ROWS;
        // One more than there is room for: whether there is more is told too. More each time, since
        // what is found may be of another time than is asked for.
        let (mut found, mut most) = (Vec::new(), filling.room() + 1);
        loop {
            let block = match self.query.order {
                Order::OldestFirst => blocks.next(),
                Order::NewestFirst => blocks.next_back(),
            };
            if let Some(block) = block {
                let rows = finder.find(block)?.into_iter();
                found.extend(rows.filter(|it| within.contains(it)));
            }
            if found.len() >= most || (block.is_none() && !found.is_empty()) {
                if !self.read(connection, &Which::Found(&found), filling)? {
                    return Ok(false);
                }
                found.clear();
                most = (most * 4).min(MOST_FOUND);
            }
            if block.is_none() {
                return Ok(true);
            }
        }
    }

    /// Reads rows until the page is full; `false` if it is.
    fn read(
        &self,
        connection: &Connection,
        which: &Which<'_>,
        filling: &mut Filling<Position, TimelineEntry>,
    ) -> rusqlite::Result<bool> {
        // One more than there is room for: whether there is more is told too.
        let most = filling.room() + 1;
        let select = self.select(which);
        let sql = format!("{} LIMIT {most}", select.sql);
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(select.values))?;
        while let Some(row) = rows.next()? {
            let (item, bytes) = read(row)?;
            if filling.add(position(row)?, item, bytes).is_break() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The same of rows that name a range: some at first, and more while the page has room.
    fn naming(
        &self,
        connection: &Connection,
        range: Range,
        stretch: &RangeInclusive<i64>,
        filling: &mut Filling<Position, TimelineEntry>,
    ) -> rusqlite::Result<bool> {
        let (mut left, mut most) = (stretch.clone(), NAMING);
        loop {
            let order = self.query.order;
            let found = naming(connection, range, &left, order, most)?;
            let found: Vec<_> = found.into_iter().collect();
            if !self.read(connection, &Which::These(&found), filling)? {
                return Ok(false);
            }
            let (Some(first), Some(last)) = (found.first(), found.last()) else {
                return Ok(true);
            };
            if found.len() < most {
                return Ok(true);
            }
            left = match order {
                Order::OldestFirst => last + 1..=*left.end(),
                Order::NewestFirst => *left.start()..=first - 1,
            };
            most = (most * 4).min(MOST_NAMING);
        }
    }
}

fn one_of(select: Select, rows: &[i64]) -> Select {
    let list = rows.iter().map(ToString::to_string).collect::<Vec<_>>();
    let list = format!("[{}]", list.join(","));
    select.and(
        "rowid IN (SELECT value FROM json_each(?))",
        [Value::Text(list)],
    )
}

/// Which rows in this stretch name a range that is a part of this one, or that this one is a part
/// of: so many at most, the first in this order.
///
/// Ranges of CIDR form meet only where one is a part of the other: those within, by their first
/// address, and those around, of which there are few. Of each range rows are read only as far as
/// they may still be among the first.
fn naming(
    connection: &Connection,
    range: Range,
    within: &RangeInclusive<i64>,
    order: Order,
    most: usize,
) -> rusqlite::Result<BTreeSet<i64>> {
    let mut found = First {
        rows: BTreeSet::new(),
        order,
        most,
    };
    let (direction, sign) = match order {
        Order::OldestFirst => ("", ">"),
        Order::NewestFirst => ("DESC", "<"),
    };
    let (first, last) = ranges::bounds(range.net());
    let mut select = connection.prepare_cached(&format!(
        "SELECT event FROM timeline_ranges_named
         WHERE lowest = ?1 AND highest = ?2 AND event BETWEEN ?3 AND ?4 ORDER BY event {direction}"
    ))?;
    for (around, to) in ranges::around(range).filter(|(it, _)| *it < first) {
        let mut rows = select.query(params![around, to, within.start(), within.end()])?;
        while let Some(row) = rows.next()?
            && found.add(row.get(0)?)
        {}
    }
    let mut select = connection.prepare_cached(&format!(
        "SELECT lowest, highest, event FROM timeline_ranges_named
         WHERE lowest BETWEEN ?1 AND ?2 AND (lowest, highest) {sign} (?3, ?4)
         AND event BETWEEN ?5 AND ?6
         ORDER BY lowest {direction}, highest {direction}, event {direction}"
    ))?;
    let mut beyond = match order {
        Order::OldestFirst => (first.clone(), Key::least()),
        Order::NewestFirst => (last.clone(), Key::greatest()),
    };
    loop {
        let values = params![
            first,
            last,
            beyond.0,
            beyond.1,
            within.start(),
            within.end()
        ];
        let (mut rows, mut too_late) = (select.query(values)?, 0);
        loop {
            let Some(row) = rows.next()? else {
                return Ok(found.rows);
            };
            let of = (row.get(0)?, row.get(1)?);
            if of != beyond {
                (beyond, too_late) = (of, 0);
            }
            if !found.add(row.get(2)?) {
                too_late += 1;
            }
            if too_late > TOO_LATE {
                break;
            }
        }
    }
}

/// The first rows in an order, so many at most.
struct First {
    rows: BTreeSet<i64>,
    order: Order,
    most: usize,
}

impl First {
    /// `false` if it comes too late, as whatever comes after it does.
    fn add(&mut self, row: i64) -> bool {
        let last = match self.order {
            Order::OldestFirst => self.rows.last(),
            Order::NewestFirst => self.rows.first(),
        };
        let last = last.copied();
        if let Some(last) = last.filter(|_| self.rows.len() >= self.most) {
            let is_before = match self.order {
                Order::OldestFirst => row < last,
                Order::NewestFirst => row > last,
            };
            if !is_before {
                return false;
            }
            if self.rows.insert(row) {
                self.rows.remove(&last);
            }
            return true;
        }
        self.rows.insert(row);
        true
    }
}

/// How SQLite would find the first of these rows: those of blocks, and the others.
#[cfg(test)]
pub(crate) fn plan(
    connection: &Connection,
    query: &TimelineQuery,
) -> rusqlite::Result<Vec<String>> {
    let within = bounds(connection, query, None)?;
    let conditions = Conditions::of(query);
    let all = match query.range {
        Some(_) => vec![Which::These(&[1])],
        None => vec![Which::Found(&[1]), Which::Stretch(&within)],
    };
    let mut found = Vec::new();
    let mut explain = |sql: &str, values: Vec<Value>| {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let steps = explain.query_map(params_from_iter(values), |row| row.get("detail"))?;
        for step in steps {
            found.push(step?);
        }
        Ok::<_, rusqlite::Error>(())
    };
    for which in all {
        let select = conditions.select(&which);
        explain(&format!("{} LIMIT 10", select.sql), select.values)?;
    }
    explain(blocks::FIND, vec![Value::Null, Value::Null, Value::Null])?;
    Ok(found)
}
