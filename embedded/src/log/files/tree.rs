//! A tree: `current` names its version file and that file's checksum, the version file names the
//! tables and theirs.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

use super::{Depth, Problem, Survey};

const CURRENT: &str = "current";
const TABLES: &str = "tables";
/// Number of the version, its checksum, kind of checksum.
const CURRENT_BYTES: usize = 8 + 16 + 1;
const CHUNK: usize = 1 << 20;
/// A node that runs writes new versions while it is looked at.
const ATTEMPTS: usize = 3;

/// A table as the version file names it.
struct Named {
    file: PathBuf,
    checksum: u128,
}

/// Whether there are tables in the folder of a tree, named by it or not.
pub(super) fn has_tables(tree: &Path) -> bool {
    fs::read_dir(tree.join(TABLES)).is_ok_and(|mut entries| entries.next().is_some())
}

pub(super) fn check(
    tree: &Path,
    depth: Depth,
    survey: &mut Survey,
    told: &mut dyn FnMut(&Survey),
) -> io::Result<()> {
    for attempt in 1.. {
        let (before, found) = (fs::read(tree.join(CURRENT)).ok(), survey.faults.len());
        look(tree, depth, survey, told)?;
        let has_moved = fs::read(tree.join(CURRENT)).ok() != before;
        if survey.faults.len() == found || !has_moved || attempt == ATTEMPTS {
            break;
        }
        survey.faults.truncate(found);
    }
    Ok(())
}

fn look(
    tree: &Path,
    depth: Depth,
    survey: &mut Survey,
    told: &mut dyn FnMut(&Survey),
) -> io::Result<()> {
    let current = tree.join(CURRENT);
    let named = match fs::read(&current) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A tree that was never finished has nothing in it yet.
            if survey.is_begun || has_tables(tree) {
                survey.fault(current, Problem::Missing);
            }
            return Ok(());
        }
        Err(error) => {
            survey.fault(current, Problem::Closed(error.to_string()));
            return Ok(());
        }
    };
    survey.read(named.len() as u64);
    let Some((number, checksum)) = version_named(&named) else {
        survey.fault(current, Problem::Unreadable);
        return Ok(());
    };
    let version = tree.join(format!("v{number}"));
    let content = match fs::read(&version) {
        Ok(content) => content,
        Err(error) => {
            survey.fault(version, missing_or_closed(&error));
            return Ok(());
        }
    };
    survey.read(content.len() as u64);
    if xxh3_128(&content) != checksum {
        survey.fault(version, Problem::Checksum);
        return Ok(());
    }
    match tables(tree, &version) {
        Some(tables) => tables.iter().for_each(|table| {
            check_table(table, depth, survey);
            told(survey);
        }),
        None => survey.fault(version, Problem::Unreadable),
    }
    Ok(())
}

fn check_table(table: &Named, depth: Depth, survey: &mut Survey) {
    let checked = match depth {
        Depth::AtOpen => fs::metadata(&table.file).map(|_| (table.checksum, 0)),
        Depth::Whole => checksum_of(&table.file),
    };
    match checked {
        Ok((checksum, bytes)) => {
            survey.read(bytes);
            if checksum != table.checksum {
                survey.fault(table.file.clone(), Problem::Checksum);
            }
        }
        Err(error) => survey.fault(table.file.clone(), missing_or_closed(&error)),
    }
}

fn missing_or_closed(error: &io::Error) -> Problem {
    if error.kind() == io::ErrorKind::NotFound {
        Problem::Missing
    } else {
        Problem::Closed(error.to_string())
    }
}

fn version_named(current: &[u8]) -> Option<(u64, u128)> {
    let current: &[u8; CURRENT_BYTES] = current.try_into().ok()?;
    let (number, rest) = current.split_first_chunk()?;
    let checksum = rest.first_chunk()?;
    (current[CURRENT_BYTES - 1] == 0)
        .then_some((u64::from_le_bytes(*number), u128::from_le_bytes(*checksum)))
}

/// The tables that a version file names: levels of runs of tables.
fn tables(tree: &Path, version: &Path) -> Option<Vec<Named>> {
    let archive = sfa::Reader::new(version).ok()?;
    let mut section = archive
        .toc()
        .section(TABLES.as_bytes())?
        .buf_reader(version)
        .ok()?;
    let mut tables = Vec::new();
    for _level in 0..number::<1>(&mut section)? {
        for _run in 0..number::<1>(&mut section)? {
            for _table in 0..number::<4>(&mut section)? {
                let id = number::<8>(&mut section)?;
                let _kind_of_checksum = number::<1>(&mut section)?;
                let mut checksum = [0; 16];
                section.read_exact(&mut checksum).ok()?;
                let _sequence = number::<8>(&mut section)?;
                tables.push(Named {
                    file: tree.join(TABLES).join(id.to_string()),
                    checksum: u128::from_le_bytes(checksum),
                });
            }
        }
    }
    Some(tables)
}

/// A little-endian number of so many bytes.
fn number<const N: usize>(from: &mut impl Read) -> Option<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes[..N]).ok()?;
    Some(u64::from_le_bytes(bytes))
}

fn checksum_of(file: &Path) -> io::Result<(u128, u64)> {
    let (mut file, mut hasher, mut bytes) = (File::open(file)?, Xxh3Default::new(), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok((hasher.digest128(), bytes)),
            read => {
                hasher.update(&chunk[..read]);
                bytes += read as u64;
            }
        }
    }
}
