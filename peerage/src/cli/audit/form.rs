//! In which form an exported event is written.

use crate::cli::CliError;
use audit::Entry;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tree::{ExportHeader, Leaf, LeafRecord};

/// The form of a file of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    /// A line of JSON for each event, as it is stored: what `peerage audit verify` reads.
    Jsonl,
    /// A row for each event, for people's tables.
    Csv,
    /// A line of JSON for each event: API Activity of OCSF.
    Ocsf,
}

impl Form {
    /// What stands before the first event: of what is verified, what the log signed.
    pub(super) fn begin(self, to: &mut Vec<u8>, signed: Option<&str>) -> Result<(), CliError> {
        match self {
            Self::Jsonl => line(to, &ExportHeader::new(signed.map(str::to_owned))),
            Self::Csv => {
                row(to, &Entry::COLUMNS);
                Ok(())
            }
            Self::Ocsf => Ok(()),
        }
    }

    /// One event, which is the one of this number of all that is audited.
    pub(super) fn write(self, to: &mut Vec<u8>, index: u64, it: &Entry) -> Result<(), CliError> {
        match self {
            Self::Jsonl => {
                let leaf = Leaf {
                    stream: it.stream.clone(),
                    revision: it.revision,
                    id: it.id,
                    event_type: it.event_type.clone(),
                    data: it.data.clone(),
                    metadata: Leaf::metadata_of(&it.stream, &it.metadata, it.created),
                };
                line(to, &LeafRecord::of(index, leaf))
            }
            Self::Csv => {
                row(to, &it.row());
                Ok(())
            }
            Self::Ocsf => line(to, &it.ocsf()),
        }
    }
}

fn line(to: &mut Vec<u8>, value: &impl Serialize) -> Result<(), CliError> {
    serde_json::to_writer(&mut *to, value).map_err(CliError::failed)?;
    to.push(b'\n');
    Ok(())
}

/// A row of RFC 4180: each cell in quotes, and the quotes in it twice.
fn row(to: &mut Vec<u8>, cells: &[impl AsRef<str>]) {
    let quoted = cells
        .iter()
        .map(|it| format!("\"{}\"", it.as_ref().replace('"', "\"\"")));
    to.extend_from_slice(quoted.collect::<Vec<_>>().join(",").as_bytes());
    to.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_commas_quotes_and_line_breaks_in_their_cells() {
        let mut text = Vec::new();
        row(&mut text, &["a", "b,c", "d \"e\"", "f\ng"]);
        assert_eq!(text, b"\"a\",\"b,c\",\"d \"\"e\"\"\",\"f\ng\"\r\n");
    }
}
