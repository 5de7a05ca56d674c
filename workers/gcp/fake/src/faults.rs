//! What goes wrong, and how long things take.

use std::time::Duration;

/// How slow and how stale the server is.
#[derive(Clone, Copy, Debug)]
pub struct Temper {
    /// How long a change of a peering takes. Recorded: 6.0 s (gcp-service-networking-2024, 46).
    pub peering: Duration,
    /// How long every other change takes.
    pub other: Duration,
    /// After how many looks at it an operation is over, however little time has passed.
    pub looks: usize,
    /// How many reads of a network still show its peerings as they were before a change.
    pub stale_reads: usize,
    /// How many peerings a network may have. Documented: 25, raised on request.
    pub peerings: usize,
    /// How many firewall rules a project may have.
    pub firewalls: usize,
}

impl Default for Temper {
    fn default() -> Self {
        Self {
            peering: Duration::from_secs(6),
            other: Duration::from_secs(2),
            looks: 2,
            stale_reads: 0,
            peerings: 25,
            firewalls: 1000,
        }
    }
}

impl Temper {
    /// Everything at once.
    pub fn instant() -> Self {
        Self {
            peering: Duration::ZERO,
            other: Duration::ZERO,
            ..Self::default()
        }
    }
}

/// What happens to one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused with this status, reason and message, before anything is done.
    Refused(u16, String, String),
    /// It is answered with this status and a page that is no JSON, before anything is done.
    Page(u16),
    /// It is one too many, and may come again after this many seconds.
    Throttled(u64),
    /// It is carried out, and the connection ends without an answer.
    AnswerLost,
    /// The operation that it begins ends with this code and message, and changes nothing.
    OperationFails(String, String),
}

impl Fault {
    /// A refusal with the status and reason of the service.
    pub fn refused(status: u16, reason: &str, message: &str) -> Self {
        Self::Refused(status, reason.to_owned(), message.to_owned())
    }

    /// An operation that ends badly.
    pub fn operation_fails(code: &str, message: &str) -> Self {
        Self::OperationFails(code.to_owned(), message.to_owned())
    }

    /// Reported with status 400: terraform-provider-google 3026 and 6361.
    pub fn busy() -> Self {
        Self::refused(400, "badRequest", BUSY)
    }
}

/// The words of a network that is at another peering operation.
pub(crate) const BUSY: &str =
    "There is a peering operation in progress on the local or peer network. Try again later.";
