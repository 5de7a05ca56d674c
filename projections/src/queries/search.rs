//! How events are found in the timeline: a page costs what is on it, not what is in the log.
//!
//! Rows stand in the log's order, and every index gives them in it. Places and times become rows
//! from which and up to which is read ([`times`](crate::times)); of what else is asked for, the
//! rarest leads, and each row that it leads to is looked at for the rest. Ranges lead through a
//! table of their own.

use super::{
    Select, number,
    timeline::{Legible, Order, Part, TimelineEntry, TimelineQuery, read},
};
use crate::{
    Page, PageRequest, Projections, QueryError,
    page::Filling,
    ranges,
    rows::{position, time},
    times,
};
use domain::Range;
use journal::Position;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::Value};
use std::{collections::BTreeSet, ops::RangeInclusive};

/// Up to how many rows it is looked which of several conditions is the rarest.
const COUNTED: usize = 512;

/// How many rows that name a range are read at first where not all of them are wanted.
const NAMING: usize = 128;
const MOST_NAMING: usize = 32_768;

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
    let mut conditions = Conditions::of(query);
    conditions.choose(connection, &within)?;
    let mut filling = Filling::new(limit);
    for stretch in &stretches {
        let goes_on = match query.range {
            Some(range) => conditions.naming(connection, range, stretch, &mut filling)?,
            None => conditions.read(connection, stretch, None, &mut filling)?,
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
    columns: Vec<(&'static str, Value)>,
    /// Columns that may have one of several values.
    lists: Vec<(&'static str, Vec<String>)>,
    /// Which of them leads to rows.
    leads: Option<Leads>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Leads {
    Column(usize),
    List(usize),
    Problems,
}

impl<'a> Conditions<'a> {
    fn of(query: &'a TimelineQuery) -> Self {
        let given = |it: Option<String>| it.map(Value::Text);
        let id = |it: &dyn ToString| it.to_string();
        let columns = [
            ("command_id", given(query.command.as_ref().map(|it| id(it)))),
            ("peering_id", given(query.peering.as_ref().map(|it| id(it)))),
            ("ticket", given(query.ticket.clone())),
            ("network_id", given(query.network.as_ref().map(|it| id(it)))),
            ("account", given(query.account.clone())),
            ("actor_name", given(query.actor.clone())),
        ];
        let columns = columns.into_iter();
        let parts = query.wanted_parts();
        let parts = match parts.contains(&Part::Networks) {
            true => Vec::new(),
            false => parts.into_iter().map(|it| it.as_str().to_owned()).collect(),
        };
        let lists = [("event_type", query.event_types.clone()), ("part", parts)];
        Self {
            query,
            columns: columns
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
            lists: lists.into_iter().filter(|(_, it)| !it.is_empty()).collect(),
            leads: None,
        }
    }

    /// Lets the rarest condition lead, as far as it is worth the while to know; a range leads by
    /// itself.
    fn choose(
        &mut self,
        connection: &Connection,
        within: &RangeInclusive<i64>,
    ) -> rusqlite::Result<()> {
        if self.query.range.is_some() {
            return Ok(());
        }
        let mut all: Vec<_> = (0..self.columns.len()).map(Leads::Column).collect();
        all.extend((0..self.lists.len()).map(Leads::List));
        if self.query.of == Legible::Undecodable {
            all.push(Leads::Problems);
        }
        if let [_] | [] = all.as_slice() {
            self.leads = all.first().copied();
            return Ok(());
        }
        let mut rarest = COUNTED + 1;
        for leads in all {
            let select = self.leading(Select::from("SELECT 1 FROM timeline"), leads);
            let select = rows(select, within);
            let sql = format!("SELECT count(*) FROM ({} LIMIT {COUNTED})", select.sql);
            let mut count = connection.prepare_cached(&sql)?;
            let count = count.query_row(params_from_iter(select.values), |row| row.get(0))?;
            if count < rarest {
                (rarest, self.leads) = (count, Some(leads));
            }
        }
        Ok(())
    }

    fn leading(&self, select: Select, leads: Leads) -> Select {
        match leads {
            Leads::Column(at) => {
                let (name, value) = &self.columns[at];
                select.and(&format!("{name} = ?"), [value.clone()])
            }
            Leads::List(at) => {
                let (name, values) = &self.lists[at];
                select.and_one_of(name, values)
            }
            Leads::Problems => select.and("(problem IS NULL) = 0 AND problem IS NOT NULL", []),
        }
    }

    /// All that does not lead. What has a sign before it does not tempt SQLite to another way.
    fn rest(&self, mut select: Select) -> Select {
        for (at, (name, value)) in self.columns.iter().enumerate() {
            if self.leads != Some(Leads::Column(at)) {
                select = select.and(&format!("+{name} = ?"), [value.clone()]);
            }
        }
        for (at, (name, values)) in self.lists.iter().enumerate() {
            if self.leads != Some(Leads::List(at)) {
                select = select.and_one_of(&format!("+{name}"), values);
            }
        }
        let parts = self.query.wanted_parts();
        let has_networks = parts.contains(&Part::Networks);
        if has_networks && parts.len() < Part::ALL.len() {
            let others = parts.iter().filter(|it| **it != Part::Networks);
            let others = others.map(|it| Value::Text(it.as_str().to_owned()));
            let others: Vec<_> = others.collect();
            let places = vec!["?"; others.len()].join(", ");
            let of = format!("(+network_id IS NOT NULL OR +part IN ({places}))");
            let of = if others.is_empty() {
                "+network_id IS NOT NULL"
            } else {
                &of
            };
            select = select.and(of, others);
        }
        if self.query.of == Legible::Undecodable && self.leads != Some(Leads::Problems) {
            select = select.and("+problem IS NOT NULL", []);
        }
        select
            .and_maybe("time >= ?", self.query.since.as_ref().map(time))
            .and_maybe("time < ?", self.query.until.as_ref().map(time))
    }

    /// The rows in this stretch, in order; `one_of` says which of them.
    fn select(&self, stretch: &RangeInclusive<i64>, one_of: Option<&[i64]>, most: usize) -> Select {
        let order = match self.query.order {
            Order::OldestFirst => "rowid",
            Order::NewestFirst => "rowid DESC",
        };
        let all = Select::from("SELECT * FROM timeline");
        if let Some(Leads::List(at)) = self.leads
            && let (name, values) = &self.lists[at]
            && values.len() > 1
        {
            // Each value gives its rows in order, and as many as are wanted at most.
            let of_value = |it: &String| {
                let of = Select::from("SELECT rowid FROM timeline");
                let of = of.and(&format!("{name} = ?"), [Value::Text(it.clone())]);
                rows(self.rest(of), stretch).ordered_by(order)
            };
            let each: Vec<_> = values.iter().map(of_value).collect();
            let sql = each
                .iter()
                .map(|it| format!("SELECT rowid FROM ({} LIMIT {most})", it.sql));
            let sql = sql.collect::<Vec<_>>().join(" UNION ALL ");
            let values = each.into_iter().flat_map(|it| it.values);
            return all
                .and(&format!("rowid IN ({sql})"), values)
                .ordered_by(order);
        }
        let all = match self.leads {
            Some(leads) => self.leading(all, leads),
            None => all,
        };
        let all = match one_of {
            Some(rows) => {
                let list = rows.iter().map(ToString::to_string).collect::<Vec<_>>();
                let list = format!("[{}]", list.join(","));
                all.and(
                    "rowid IN (SELECT value FROM json_each(?))",
                    [Value::Text(list)],
                )
            }
            None => rows(all, stretch),
        };
        self.rest(all).ordered_by(order)
    }

    /// Reads rows until the page is full; `false` if it is.
    fn read(
        &self,
        connection: &Connection,
        stretch: &RangeInclusive<i64>,
        one_of: Option<&[i64]>,
        filling: &mut Filling<Position, TimelineEntry>,
    ) -> rusqlite::Result<bool> {
        // One more than there is room for: whether there is more is told too.
        let most = filling.room() + 1;
        let select = self.select(stretch, one_of, most);
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
            if !self.read(connection, stretch, Some(&found), filling)? {
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

fn rows(select: Select, within: &RangeInclusive<i64>) -> Select {
    let (from, to) = (*within.start(), *within.end());
    select.and(
        "rowid BETWEEN ? AND ?",
        [Value::Integer(from), Value::Integer(to)],
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
         WHERE first = ?1 AND last = ?2 AND event BETWEEN ?3 AND ?4 ORDER BY event {direction}"
    ))?;
    for (around, to) in ranges::around(range).filter(|(it, _)| *it < first) {
        let mut rows = select.query(params![around, to, within.start(), within.end()])?;
        while let Some(row) = rows.next()?
            && found.add(row.get(0)?)
        {}
    }
    let mut select = connection.prepare_cached(&format!(
        "SELECT first, last, event FROM timeline_ranges_named
         WHERE first BETWEEN ?1 AND ?2 AND (first, last) {sign} (?3, ?4) AND event BETWEEN ?5 AND ?6
         ORDER BY first {direction}, last {direction}, event {direction}"
    ))?;
    let mut beyond: (i64, i64) = match order {
        Order::OldestFirst => (first.into(), -1),
        Order::NewestFirst => (last.into(), i64::MAX),
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

/// How SQLite would find the first of these rows.
#[cfg(test)]
pub(crate) fn plan(
    connection: &Connection,
    query: &TimelineQuery,
) -> rusqlite::Result<Vec<String>> {
    let within = bounds(connection, query, None)?;
    let mut conditions = Conditions::of(query);
    conditions.choose(connection, &within)?;
    let select = conditions.select(&within, query.range.map(|_| [1].as_slice()), 10);
    let sql = format!("EXPLAIN QUERY PLAN {} LIMIT 10", select.sql);
    let mut explain = connection.prepare(&sql)?;
    let steps = explain.query_map(params_from_iter(select.values), |row| row.get("detail"))?;
    steps.collect()
}
