//! How the program ends, and why a command was not done.

use super::terminal;
use crate::config::ConfigErrors;

/// How the program ends, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: done.
    Done,
    /// 1: refused, or failed.
    Failed,
    /// 2: the call itself is wrong: an argument, the configuration, a directory or port in use.
    Usage,
    /// 3: nothing was done yet, since the command waits for approval.
    Waiting,
    /// 4: the event store is out of reach in a way that no waiting mends: its certificate, the
    /// password, a right.
    OutOfReach,
    /// 141, as of a program that a closed pipe ends: the reader left before what was waited for
    /// came.
    Closed,
}

impl ExitStatus {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Waiting => 3,
            Self::OutOfReach => 4,
            Self::Closed => 141,
        }
    }
}

/// Why a command did not do what was asked, in words for the person who asked.
#[derive(Debug)]
pub struct CliError {
    pub(super) status: ExitStatus,
    /// What is wrong, a line for each thing.
    pub(super) text: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
    /// The stable reason of a refusal of the engine's.
    pub(super) reason: Option<String>,
}

impl CliError {
    pub fn failed(text: impl ToString) -> Self {
        Self {
            status: ExitStatus::Failed,
            text: text.to_string(),
            hint: None,
            reason: None,
        }
    }

    pub fn usage(text: impl ToString) -> Self {
        Self {
            status: ExitStatus::Usage,
            ..Self::failed(text)
        }
    }

    /// What is asked is there, and no waiting makes it answer.
    pub fn out_of_reach(text: impl ToString) -> Self {
        Self {
            status: ExitStatus::OutOfReach,
            ..Self::failed(text)
        }
    }

    /// The command waits for approval, which was told already.
    pub(super) fn waiting() -> Self {
        Self {
            status: ExitStatus::Waiting,
            ..Self::failed("")
        }
    }

    /// The reader of the output has left: there is nobody to tell.
    pub(super) fn closed() -> Self {
        Self {
            status: ExitStatus::Closed,
            ..Self::failed("")
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.status == ExitStatus::Closed
    }

    /// The same, of an engine that refused for this reason.
    pub(super) fn because(self, reason: String) -> Self {
        let reason = Some(reason);
        Self { reason, ..self }
    }

    /// The same, with what to do about it.
    pub(super) fn with_hint(self, hint: Option<impl ToString>) -> Self {
        Self {
            hint: hint.map(|it| it.to_string()).or(self.hint),
            ..self
        }
    }

    /// Tells it on standard error, and says how the program ends.
    pub fn report(&self) -> ExitStatus {
        self.text
            .lines()
            .for_each(|line| terminal::note(&format!("error: {line}")));
        self.hint
            .iter()
            .for_each(|hint| terminal::note(&format!("hint: {hint}")));
        self.status
    }
}

impl From<ConfigErrors> for CliError {
    fn from(errors: ConfigErrors) -> Self {
        Self::usage(errors)
    }
}
