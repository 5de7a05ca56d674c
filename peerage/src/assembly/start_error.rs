//! Why an engine does not start, or ends.

use super::*;

/// Why an engine could not be started, or stopped by itself.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("cannot use the data directory {}", .dir.display())]
    DataDirectory {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is an event store, not an engine's data directory, which has its store in `events`: name the folder around it, or move it there", .dir.display())]
    DataDirectoryIsStore { dir: PathBuf },
    #[error("the data directory {} is in use by another process; stop that one, or name another directory with --data-dir", .dir.display())]
    DataDirectoryInUse { dir: PathBuf },
    #[error("cannot listen on {address}; name another with --listen")]
    Listen {
        address: Listen,
        #[source]
        source: io::Error,
    },
    #[error(
        "{address} is reached by other machines, and {missing} missing: name a certificate (--tls-cert, --tls-key) and who may \
         call (--client-ca, or [access] in the configuration), listen on loopback or a Unix socket, or say --insecure"
    )]
    Insecure {
        address: Listen,
        missing: &'static str,
    },
    #[error("cannot use what the configuration says of access")]
    Issuers(#[source] doors::SettingsError),
    #[error("cannot use the policy of access")]
    Policy(#[source] api::PolicyError),
    #[error("cannot put the policy of access on record")]
    PolicyRecord(#[source] journal::JournalError),
    #[error("the API's key {0}")]
    LooseSecret(String),
    #[error("cannot use the API's TLS files")]
    Tls(#[source] gateway::TlsError),
    #[error("cannot start the embedded store")]
    Embedded(#[source] embedded::StartError),
    #[error("cannot open the event store")]
    Journal(#[source] journal::OpenError),
    #[error("the event store at {store} did not answer within {after:?}")]
    StoreSilent {
        store: String,
        after: Duration,
        #[source]
        source: journal::JournalError,
    },
    #[error("the event store at {store} is out of reach, and no waiting mends that")]
    StoreOutOfReach {
        store: String,
        #[source]
        source: journal::Unreachable,
    },
    #[error(
        "the event store at {store} denies access: the user or the password in the connection string is wrong, or may not read streams"
    )]
    StoreDenies {
        store: String,
        #[source]
        source: journal::JournalError,
    },
    #[error(
        "the event store at {store} does not let its user read $all, which the engine follows; {GRANT}"
    )]
    StoreRights {
        store: String,
        #[source]
        source: journal::JournalError,
    },
    #[error("cannot use the key file {}", .path.display())]
    Keys {
        path: PathBuf,
        #[source]
        source: secrets::KeyFileError,
    },
    #[error(transparent)]
    Evidence(#[from] evidence::EvidenceError),
    #[error("cannot open the delivery log")]
    Deliveries(#[source] ::connectors::DeliveryLogError),
    #[error("cannot open the read models")]
    Projections(#[source] ::projections::OpenError),
    #[error("cannot work on the clouds that are configured")]
    Clouds(#[source] CloudsError),
    #[error("cannot keep folded states")]
    States(#[source] ::projections::StatesError),
    #[error("cannot describe the API")]
    Reflection(#[source] tonic_reflection::server::Error),
    #[error("cannot describe the API in JSON")]
    Descriptors(#[source] prost_reflect::DescriptorError),
    #[error("{part} ended")]
    Ended {
        part: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StartError {
    /// Whether the event store is there, and cannot be used as it is configured: waiting would mend
    /// nothing.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(
            self,
            Self::StoreOutOfReach { .. } | Self::StoreDenies { .. } | Self::StoreRights { .. }
        )
    }

    /// Whether the caller asked for something that cannot be: another directory, port or string
    /// would do.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::DataDirectory { .. }
            | Self::DataDirectoryInUse { .. }
            | Self::DataDirectoryIsStore { .. }
            | Self::Listen { .. }
            | Self::Insecure { .. }
            | Self::LooseSecret(_)
            | Self::Tls(_)
            | Self::Issuers(_)
            | Self::Policy(_)
            | Self::Keys { .. }
            | Self::Journal(_) => true,
            Self::Clouds(error) => error.is_usage(),
            Self::Evidence(error) => error.is_usage(),
            Self::Embedded(error) => {
                matches!(
                    error,
                    embedded::StartError::DirectoryInUse { .. }
                        | embedded::StartError::AddressInUse { .. }
                )
            }
            Self::StoreSilent { .. }
            | Self::StoreOutOfReach { .. }
            | Self::StoreDenies { .. }
            | Self::StoreRights { .. }
            | Self::Projections(_)
            | Self::States(_)
            | Self::Deliveries(_)
            | Self::PolicyRecord(_)
            | Self::Reflection(_)
            | Self::Descriptors(_)
            | Self::Ended { .. } => false,
        }
    }
}

/// What gives the user of the connection string all the rights that it needs.
const GRANT: &str = "let an administrator add the group of that user to the metadata of $all, like {\"$acl\":{\"$r\":[\"$admins\",\"GROUP\"]}} (docs/store-rights.md)";
