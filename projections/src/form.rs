//! The form of a file: its tables, and the fold that its rows are of.
//!
//! A file of another form serves on until one of this form has been built beside it. It is followed
//! on as well, in the columns that it has: one that it lacks is not written, and a question that
//! needs it is told that the new rows are being built. So a column that comes to mean something
//! else gets another name.

use crate::schema::{READS, TABLES};
use domain::network::FOLD_VERSION;
use rusqlite::{Connection, Params};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::OnceLock,
};

/// The number of this version's form: another one means other tables, or rows of another fold.
pub(crate) fn number() -> i32 {
    number_for(TABLES, FOLD_VERSION)
}

/// FNV-1a: any function would do that gives another number for other tables, or another fold.
pub(crate) fn number_for(tables: [&str; 3], fold: &str) -> i32 {
    let of = tables.into_iter().chain([fold]);
    let hash = of
        .flat_map(|it| it.bytes())
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
    i32::from_be_bytes((hash >> 1).to_be_bytes())
}

/// The number of the form that the file has.
pub(crate) fn number_of(connection: &Connection) -> rusqlite::Result<i32> {
    connection
        .prepare_cached("PRAGMA user_version")?
        .query_row([], |row| row.get(0))
}

/// Makes this form's tables, without a row but the checkpoint's.
pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    for tables in TABLES {
        connection.execute_batch(tables)?;
    }
    connection.execute("INSERT INTO checkpoint VALUES (1, 0, 0)", [])?;
    connection.pragma_update(None, "user_version", number())
}

/// How rows are put into the tables that a file has.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// A table that a file does not have is not written.
    inserts: HashMap<String, Insert>,
}

#[derive(Clone, Debug)]
struct Insert {
    /// Adds a row.
    add: String,
    /// Adds a row, or changes the one that there is.
    put: String,
}

/// What says which row it is, and stays as it was first written: the indexes over it are not
/// touched when the row changes.
const KEPT: [&str; 4] = [
    "network_id",
    "peering_id",
    "commit_position",
    "prepare_position",
];

impl Form {
    /// The form of this file, which is to be read in the transaction that writes to it.
    pub(crate) fn of(connection: &Connection) -> rusqlite::Result<Cow<'static, Self>> {
        if number_of(connection)? == number() {
            this().map(Cow::Borrowed)
        } else {
            Self::between(&ours()?, &columns(connection)?).map(Cow::Owned)
        }
    }

    /// How these columns' values get into those.
    fn between(ours: &Tables, theirs: &Tables) -> rusqlite::Result<Self> {
        let insert = |(table, ours): (&String, &Vec<Column>)| {
            let theirs: HashSet<_> = theirs.get(table)?.iter().map(|it| &it.name).collect();
            let all: Vec<_> = ours.iter().map(|it| it.name.as_str()).collect();
            let known = ours.iter().filter(|it| theirs.contains(&it.name));
            let known: Vec<_> = known.map(|it| it.name.as_str()).collect();
            let changed = known.iter().filter(|it| !KEPT.contains(it));
            let changed: Vec<_> = changed.map(|it| format!("{it} = excluded.{it}")).collect();
            let update = if changed.is_empty() {
                "ON CONFLICT DO NOTHING".to_owned()
            } else {
                format!("ON CONFLICT DO UPDATE SET {}", changed.join(", "))
            };
            let (all, known) = (all.join(", "), known.join(", "));
            let values = (1..=ours.len()).map(|at| format!("?{at}"));
            let values = values.collect::<Vec<_>>().join(", ");
            let values = if all == known {
                format!("{table} ({all}) VALUES ({values})")
            } else {
                format!(
                    "{table} ({known}) SELECT {known} FROM \
                     (WITH given ({all}) AS (VALUES ({values})) SELECT * FROM given) WHERE true"
                )
            };
            let add = format!("INSERT INTO {values}");
            let put = format!("{add} {update}");
            Some((table.clone(), Insert { add, put }))
        };
        Ok(Self {
            inserts: ours.iter().filter_map(insert).collect(),
        })
    }

    /// Whether the file has this table.
    pub(crate) fn has(&self, table: &str) -> bool {
        self.inserts.contains_key(table)
    }

    /// Adds a row: the values of all columns of this version's table, in their order.
    pub(crate) fn add(
        &self,
        connection: &Connection,
        table: &str,
        values: impl Params,
    ) -> rusqlite::Result<()> {
        match self.inserts.get(table) {
            Some(it) => insert(connection, &it.add, values),
            None => Ok(()),
        }
    }

    /// The same, or changes the row that there is.
    pub(crate) fn put(
        &self,
        connection: &Connection,
        table: &str,
        values: impl Params,
    ) -> rusqlite::Result<()> {
        match self.inserts.get(table) {
            Some(it) => insert(connection, &it.put, values),
            None => Ok(()),
        }
    }
}

fn insert(connection: &Connection, insert: &str, values: impl Params) -> rusqlite::Result<()> {
    connection.prepare_cached(insert)?.execute(values).map(drop)
}

/// Whether this version can go on writing to a file of another form: it has what is read in order
/// to write, and asks for nothing that this version does not know.
pub(crate) fn can_follow_on(connection: &Connection) -> rusqlite::Result<bool> {
    if READS.iter().any(|read| connection.prepare(read).is_err()) {
        return Ok(false);
    }
    let (ours, theirs) = (ours()?, columns(connection)?);
    Ok(theirs.iter().all(|(table, theirs)| {
        let Some(ours) = ours.get(table).filter(|_| table != "checkpoint") else {
            return true;
        };
        let known: HashSet<_> = ours.iter().map(|it| &it.name).collect();
        let asked_for = theirs.iter().filter(|it| it.is_required);
        asked_for.into_iter().all(|it| known.contains(&it.name))
    }))
}

struct Column {
    name: String,
    /// Whether a row cannot be without a value for it.
    is_required: bool,
}

type Tables = HashMap<String, Vec<Column>>;

fn columns(connection: &Connection) -> rusqlite::Result<Tables> {
    let mut select = connection.prepare(
        "SELECT t.name, c.name, c.\"notnull\" AND c.dflt_value IS NULL
         FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
         ORDER BY t.name, c.cid",
    )?;
    let mut tables = Tables::new();
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        tables.entry(row.get(0)?).or_default().push(Column {
            name: row.get(1)?,
            is_required: row.get(2)?,
        });
    }
    Ok(tables)
}

/// This version's tables, as SQLite understands them.
fn ours() -> rusqlite::Result<Tables> {
    let empty = Connection::open_in_memory()?;
    create(&empty)?;
    columns(&empty)
}

fn this() -> rusqlite::Result<&'static Form> {
    static THIS: OnceLock<Form> = OnceLock::new();
    if let Some(this) = THIS.get() {
        return Ok(this);
    }
    let ours = ours()?;
    let this = Form::between(&ours, &ours)?;
    Ok(THIS.get_or_init(|| this))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::params;

    #[test]
    fn a_row_that_changes_stays_in_its_place() {
        let connection = Connection::open_in_memory().expect("a database");
        create(&connection).expect("tables");
        let form = Form::of(&connection).expect("a form");
        let put = |revision: u64, name: &str| {
            let values = params![
                "n-1", 7, 7, revision, "now", "{}", name, "p", "a", "aws", false, 0
            ];
            form.put(&connection, "networks", values).expect("a row");
            let select = "SELECT rowid, revision, name, commit_position FROM networks";
            let read = |row: &rusqlite::Row<'_>| {
                Ok::<(u64, u64, String, u64), _>((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                ))
            };
            connection.query_row(select, [], read).expect("one row")
        };
        let (place, ..) = put(1, "old");
        assert_eq!(put(2, "new"), (place, 2, "new".to_owned(), 7));
    }
}
