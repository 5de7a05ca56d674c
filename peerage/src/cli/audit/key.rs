//! `peerage audit key`: what a log, or a witness, signs with. Keys are made here and nowhere else.

use crate::{
    cli::{CliError, terminal},
    note_keys::{self, NoteKeysError},
};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use tree::{Purpose, SigningKeys};

#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Make a key file with one new key, and print the public key.
    New(New),
    /// Print the public keys of a key file: what others verify with.
    Show(OfFile),
    /// Add a new key to a key file. Everything is signed with both until the old one is retired.
    Rotate(OfFile),
    /// Take a key from a key file: nothing is signed with it any more.
    Retire(Retire),
}

/// Copy it to every server that answers for the log, and name it there as audit.key_file. Nobody
/// who can write the data should be able to read it.
#[derive(Debug, Args)]
pub(super) struct New {
    /// The file to make, like /etc/peerage/audit.key.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Whose key it is: the log's name, which its checkpoints carry for ever, or the witness's,
    /// like example.com/peerage.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it signs: a log's checkpoints, or as a witness those of others, like log.
    #[arg(long = "for", value_name = "PURPOSE", default_value = "log")]
    purpose: For,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum For {
    /// The checkpoints of a log.
    Log,
    /// Cosignatures of a witness.
    Witness,
}

#[derive(Debug, Args)]
pub(super) struct OfFile {
    /// The key file, like /etc/peerage/audit.key.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Retire {
    /// The key file, like /etc/peerage/audit.key.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The key's id: the eight characters between the `+` of its public key, like 530d903a.
    #[arg(long, value_name = "ID")]
    id: String,
}

impl Key {
    pub(super) fn run(self) -> Result<(), CliError> {
        let keys = match self {
            Self::New(new) => {
                let purpose = match new.purpose {
                    For::Log => Purpose::Log,
                    For::Witness => Purpose::Witness,
                };
                note_keys::create(&new.out, &new.name, purpose)
            }
            Self::Show(of) => note_keys::load_any(&of.file),
            Self::Rotate(of) => note_keys::rotate(&of.file),
            Self::Retire(it) => note_keys::retire(&it.file, &it.id),
        };
        terminal::answer(&public(&keys.map_err(refused)?))
    }
}

fn public(keys: &SigningKeys) -> String {
    let keys = keys.keys().iter().map(|it| it.public().to_string());
    keys.collect::<Vec<_>>().join("\n")
}

/// A file that is not there, or is there already, is a wrong call.
pub(in crate::cli) fn refused(error: NoteKeysError) -> CliError {
    CliError::usage(domain::error_chain(&error))
}
