//! Files of proofs and checkpoints: read with a bound, written whole, and never over another.

use crate::cli::{CliError, terminal};
use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _, Write as _},
    path::Path,
};
use tree::SignedCheckpoint;

/// The largest checkpoint that is read.
const LARGEST: u64 = 256 * 1024;

/// What a small file says.
pub(super) fn text(path: &Path) -> Result<String, CliError> {
    let failed = |error| CliError::usage(format!("{} cannot be read: {error}", path.display()));
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LARGEST)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(text)
}

/// The checkpoint in a file, or the newer one of a proof of growth.
pub(super) fn checkpoint(path: &Path) -> Result<SignedCheckpoint, CliError> {
    let text = text(path)?;
    let found = if tree::GrowthProof::is_like(&text) {
        tree::GrowthProof::parse(&text)
            .map(|it| it.checkpoint)
            .map_err(|error| domain::error_chain(&error))
    } else {
        SignedCheckpoint::parse(&text).map_err(|error| domain::error_chain(&error))
    };
    found.map_err(|error| CliError::usage(format!("{} is no checkpoint: {error}", path.display())))
}

/// Writes a text to a file and says so, or shows it.
pub(super) fn put(
    path: Option<&Path>,
    text: &str,
    said: &str,
    show: impl FnOnce() -> Result<(), CliError>,
) -> Result<(), CliError> {
    let Some(path) = path else {
        return show();
    };
    let failed = |error: std::io::Error| {
        let shown = path.display();
        if error.kind() == ErrorKind::AlreadyExists {
            return CliError::usage(format!("--out {shown} is there already"));
        }
        CliError::usage(format!("--out {shown} cannot be written: {error}"))
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    terminal::answer(&format!("{}: {said}", path.display()))
}
