//! Why a transfer did not come to its end.

use std::path::PathBuf;

/// What was written until then is good in every case: the same call goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The settings of the client cannot be used, or its TLS files cannot be read.
    #[error("{0}")]
    Settings(String),
    /// The store did not answer, however often it was asked.
    #[error("{what}: {store} does not answer: {problem}")]
    Silent {
        /// What was asked.
        what: String,
        /// The store, without a password.
        store: String,
        /// What came instead of the last answer.
        problem: String,
    },
    /// The store answered that it will not.
    #[error("{store}: {what}: {why}")]
    Refused {
        /// The store, without a password.
        store: String,
        /// What was asked.
        what: String,
        /// In its own words.
        why: String,
    },
    /// The caller may not do this.
    #[error(
        "{store}: {what}: access is denied: put a user who may do this into the connection string, as admin:PASSWORD@"
    )]
    Denied {
        /// The store, without a password.
        store: String,
        /// What was asked.
        what: String,
    },
    /// A line of an export cannot be read, or does not fit to what the store has.
    #[error("{source_name} line {line}: {problem}")]
    Line {
        /// What is read.
        source_name: String,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The events cannot be written.
    #[error("the export cannot be written: {0}")]
    Output(#[source] std::io::Error),
    /// There is a file already, and it was not said that the export goes on there.
    #[error("{path} is there already", path = path.display())]
    FileExists {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be opened or read.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
}
