//! Two files compared row by row, in the order of their keys: both are read once from front to end,
//! and no more than a row of each is held.

use super::{ColumnDifference, Comparison, Differs, RowDifference};
use rusqlite::{Connection, Params, Row, Rows, types::ValueRef};
use std::cmp::Ordering;
use tokio_util::sync::CancellationToken;

/// How many differences are told one by one.
const MOST: usize = 100;
/// Of how many columns of a row.
const COLUMNS: usize = 8;
/// How much of a value is told, and how much of that stands before what differs.
const EXCERPT: usize = 80;
const BEFORE: usize = 24;

/// After how many rows it is looked whether anybody still wants to know.
const LOOK: u64 = 1024;

/// The tables that every form has, with the columns of their keys; of those that both files have.
fn tables(of: &Connection) -> rusqlite::Result<Vec<(String, Vec<String>)>> {
    let mut select = of.prepare(
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name NOT IN ('checkpoint', 'build') AND t.name NOT LIKE 'sqlite_%' AND c.pk > 0
         ORDER BY t.name, c.pk",
    )?;
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (table, column): (String, String) = (row.get(0)?, row.get(1)?);
        match tables.last_mut() {
            Some((last, key)) if *last == table => key.push(column),
            Some(_) | None => tables.push((table, vec![column])),
        }
    }
    Ok(tables)
}

/// Compares every row of read models of the same form; `None` if that was given up.
pub(crate) fn files(
    served: &Connection,
    built: &Connection,
    given_up: &CancellationToken,
) -> rusqlite::Result<Option<Comparison>> {
    let mut comparison = Comparison::default();
    for (table, key) in tables(built)? {
        let begins = key.join(", ");
        // Rows of the timeline were added in the order of their keys: so each is read where it
        // stands, and not looked up.
        let order = if table == "timeline" {
            "rowid"
        } else {
            &begins
        };
        let sql = format!("SELECT {begins}, * FROM {table} ORDER BY {order}");
        let (mut one, mut other) = (served.prepare(&sql)?, built.prepare(&sql)?);
        let of = Of {
            table: &table,
            key: &key,
        };
        let columns = columns(&other);
        let goes_on = comparison.merge(of, &columns, one.query([])?, other.query([])?, given_up)?;
        if !goes_on {
            return Ok(None);
        }
    }
    Ok(Some(comparison))
}

fn columns(of: &rusqlite::Statement<'_>) -> Vec<String> {
    let names = of.column_names().into_iter();
    names.map(str::to_owned).collect()
}

/// What rows are of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of<'a> {
    pub(crate) table: &'a str,
    /// The columns of the key, which rows begin with and are ordered by.
    pub(crate) key: &'a [String],
}

impl Comparison {
    /// Compares what one question gives of one file, with these and with those values.
    pub(crate) fn question(
        &mut self,
        rows: &Connection,
        of: Of<'_>,
        sql: &str,
        served: impl Params,
        built: impl Params,
    ) -> rusqlite::Result<()> {
        let (mut one, mut other) = (rows.prepare(sql)?, rows.prepare(sql)?);
        let names = columns(&one);
        let never = CancellationToken::new();
        let rows = (one.query(served)?, other.query(built)?);
        self.merge(of, &names, rows.0, rows.1, &never).map(drop)
    }

    /// `false` if it was given up.
    fn merge(
        &mut self,
        of: Of<'_>,
        names: &[String],
        mut served: Rows<'_>,
        mut built: Rows<'_>,
        given_up: &CancellationToken,
    ) -> rusqlite::Result<bool> {
        let (mut one, mut other) = (served.next()?, built.next()?);
        loop {
            self.rows += 1;
            if self.rows.is_multiple_of(LOOK) && given_up.is_cancelled() {
                return Ok(false);
            }
            match (one, other) {
                (None, None) => {
                    self.rows -= 1;
                    return Ok(true);
                }
                (Some(row), None) => {
                    self.differ(of, row, Differs::Extra)?;
                    one = served.next()?;
                }
                (None, Some(row)) => {
                    self.differ(of, row, Differs::Missing)?;
                    other = built.next()?;
                }
                (Some(left), Some(right)) => match order(left, right, of.key.len())? {
                    Ordering::Less => {
                        self.differ(of, left, Differs::Extra)?;
                        one = served.next()?;
                    }
                    Ordering::Greater => {
                        self.differ(of, right, Differs::Missing)?;
                        other = built.next()?;
                    }
                    Ordering::Equal => {
                        let found = different(left, right, of.key.len(), names)?;
                        if !found.is_empty() {
                            self.differ(of, left, Differs::In(found))?;
                        }
                        (one, other) = (served.next()?, built.next()?);
                    }
                },
            }
        }
    }

    fn differ(&mut self, of: Of<'_>, row: &Row<'_>, differs: Differs) -> rusqlite::Result<()> {
        self.differences += 1;
        if self.first.len() >= MOST {
            return Ok(());
        }
        let value = |(at, name): (usize, &String)| {
            let value = told(row.get_ref(at)?);
            Ok(format!("{name}={}", excerpt(&value, 0)))
        };
        let key = of.key.iter().enumerate().map(value);
        let key = key.collect::<rusqlite::Result<Vec<_>>>()?.join(", ");
        self.first.push(RowDifference {
            table: of.table.to_owned(),
            key,
            differs,
        });
        Ok(())
    }
}

/// The columns that differ, of those behind the key.
fn different(
    served: &Row<'_>,
    built: &Row<'_>,
    key: usize,
    names: &[String],
) -> rusqlite::Result<Vec<ColumnDifference>> {
    let mut found = Vec::new();
    for (at, name) in names.iter().enumerate().skip(key) {
        let (one, other) = (served.get_ref(at)?, built.get_ref(at)?);
        if one != other && found.len() < COLUMNS {
            let (one, other) = (told(one), told(other));
            let pairs = one.chars().zip(other.chars());
            let same = pairs.take_while(|(one, other)| one == other).count();
            found.push(ColumnDifference {
                column: name.clone(),
                served: excerpt(&one, same),
                built: excerpt(&other, same),
            });
        }
    }
    Ok(found)
}

/// The order that SQLite gives them.
fn order(one: &Row<'_>, other: &Row<'_>, key: usize) -> rusqlite::Result<Ordering> {
    for at in 0..key {
        let found = by_value(one.get_ref(at)?, other.get_ref(at)?);
        if found != Ordering::Equal {
            return Ok(found);
        }
    }
    Ok(Ordering::Equal)
}

fn by_value(one: ValueRef<'_>, other: ValueRef<'_>) -> Ordering {
    use ValueRef::{Blob, Integer, Null, Real, Text};
    let number = |it: ValueRef<'_>| match it {
        Integer(it) => Some(it as f64),
        Real(it) => Some(it),
        Null | Text(_) | Blob(_) => None,
    };
    let class = |it: ValueRef<'_>| match it {
        Null => 0,
        Integer(_) | Real(_) => 1,
        Text(_) => 2,
        Blob(_) => 3,
    };
    let bytes = |it| match it {
        Text(it) | Blob(it) => Some(it),
        Null | Integer(_) | Real(_) => None,
    };
    if let (Integer(one), Integer(other)) = (one, other) {
        return one.cmp(&other);
    }
    let classes = class(one).cmp(&class(other));
    let numbers = number(one).zip(number(other));
    let numbers = numbers.map_or(Ordering::Equal, |(one, other)| one.total_cmp(&other));
    classes.then(numbers).then(bytes(one).cmp(&bytes(other)))
}

fn told(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(it) => it.to_string(),
        ValueRef::Real(it) => it.to_string(),
        ValueRef::Text(it) => String::from_utf8_lossy(it).into_owned(),
        ValueRef::Blob(it) => match std::str::from_utf8(it) {
            Ok(text) => text.to_owned(),
            Err(_) => it.iter().map(|it| format!("{it:02x}")).collect(),
        },
    }
}

/// The part of a value around what differs, without anything that a terminal would obey.
fn excerpt(text: &str, at: usize) -> String {
    let clean = |it: char| if it.is_control() { ' ' } else { it };
    let from = at.saturating_sub(BEFORE);
    let mut shown: String = text.chars().skip(from).take(EXCERPT).map(clean).collect();
    if from > 0 {
        shown.insert(0, '…');
    }
    if text.chars().nth(from + EXCERPT).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(rows: &str) -> Connection {
        let file = Connection::open_in_memory().expect("a database");
        let tables =
            "CREATE TABLE things (a TEXT NOT NULL, b INTEGER NOT NULL, c TEXT, PRIMARY KEY (b, a));
            CREATE TABLE checkpoint (only INTEGER PRIMARY KEY);
            CREATE TABLE build (asked TEXT);";
        file.execute_batch(tables).expect("tables");
        file.execute_batch(rows).expect("rows");
        file
    }

    fn compared(served: &str, built: &str) -> Comparison {
        let never = CancellationToken::new();
        let found = files(&file(served), &file(built), &never);
        found.expect("a comparison").expect("not given up")
    }

    fn put(a: &str, b: i64, c: &str) -> String {
        format!("INSERT INTO things VALUES ('{a}', {b}, {c});")
    }

    #[test]
    fn what_is_the_same_in_any_order_of_writing_has_no_difference() {
        let (x, y) = (put("x", 1, "NULL"), put("x", 2, "'said'"));
        let found = compared(&(x.clone() + &y), &(y + &x));
        assert_eq!((found.rows, found.differences), (2, 0));
    }

    #[test]
    fn the_checkpoint_and_what_says_that_it_is_built_are_not_compared() {
        let row = "INSERT INTO checkpoint VALUES (1); INSERT INTO build VALUES ('now');";
        assert_eq!(compared(row, ""), Comparison::default());
    }

    #[test]
    fn rows_are_missing_or_left_over_wherever_they_stand() {
        for (served, built) in [("1 2", "2 3"), ("1", "3"), ("1 2 4", "2 3 4")] {
            let rows = |of: &str| {
                of.split(' ')
                    .map(|b| put("x", b.parse().expect("a number"), "'c'"))
                    .collect::<String>()
            };
            let found = compared(&rows(served), &rows(built));
            let told: Vec<_> = found
                .first
                .iter()
                .map(|it| (it.key.as_str(), &it.differs))
                .collect();
            assert_eq!(
                told,
                [
                    ("b=1, a=x", &Differs::Extra),
                    ("b=3, a=x", &Differs::Missing)
                ],
                "{served}"
            );
            assert_eq!(found.differences, 2);
        }
    }

    #[test]
    fn a_column_that_differs_is_told_around_the_place() {
        let (mut one, mut other) = ("z".repeat(500), "z".repeat(500));
        one.replace_range(300..301, "1");
        other.replace_range(300..301, "\u{1b}");
        let found = compared(
            &put("x", 7, &format!("'{one}'")),
            &put("x", 7, &format!("'{other}'")),
        );
        let Differs::In(columns) = &found.first[0].differs else {
            panic!("{found:?}");
        };
        assert_eq!(columns.len(), 1);
        assert_eq!(columns[0].column, "c");
        assert_eq!(
            columns[0].served,
            format!("…{}1{}…", "z".repeat(24), "z".repeat(55))
        );
        assert_eq!(
            columns[0].built,
            format!("…{} {}…", "z".repeat(24), "z".repeat(55))
        );
    }

    #[test]
    fn a_text_and_a_number_of_the_same_digits_differ() {
        let found = compared(&put("x", 7, "NULL"), &put("x", 7, "'NULL'"));
        assert_eq!(found.differences, 1);
    }

    #[test]
    fn all_differences_are_counted_and_some_are_told() {
        let rows: String = (0..250).map(|b| put("x", b, "NULL")).collect();
        let found = compared(&rows, "");
        assert_eq!(
            (found.differences, found.rows, found.first.len()),
            (250, 250, MOST)
        );
    }

    #[test]
    fn nobody_waits_for_a_comparison_that_was_given_up() {
        let rows: String = (0..1_500).map(|b| put("x", b, "NULL")).collect();
        let given_up = CancellationToken::new();
        given_up.cancel();
        let found = files(&file(&rows), &file(&rows), &given_up);
        assert_eq!(found.expect("no damage"), None);
    }

    #[test]
    fn values_are_ordered_as_sqlite_orders_them() {
        let values = [
            ValueRef::Null,
            ValueRef::Integer(-3),
            ValueRef::Real(0.5),
            ValueRef::Integer(1),
            ValueRef::Integer(i64::MAX),
            ValueRef::Text(b"A"),
            ValueRef::Text(b"a"),
            ValueRef::Text(b"aa"),
            ValueRef::Blob(b""),
        ];
        for (one, left) in values.iter().enumerate() {
            for (other, right) in values.iter().enumerate() {
                assert_eq!(
                    by_value(*left, *right),
                    one.cmp(&other),
                    "{left:?} {right:?}"
                );
            }
        }
    }
}
