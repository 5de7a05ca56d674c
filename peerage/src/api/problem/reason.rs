//! The reasons of the API's own why a call has no answer: each with its code, and what it means.

use tonic::Code;

/// The reasons of the API's own; a refusal's are the domain's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    InvalidFields,
    CommandIdReused,
    WrongExpectedRevision,
    Contended,
    EventStoreUnavailable,
    EventStoreDeniesAccess,
    EventStoreRejected,
    HistoryUnreadable,
    NotEncodable,
    DirectoryBuilding,
    ReadModelsBuilding,
    ReadModelBehind,
    ReadModelFailed,
    WatchLimit,
    PlanLimit,
    Stopping,
    Unauthenticated,
    CredentialExpired,
    IssuerUnavailable,
    AccessDenied,
    AccessChanged,
    PolicyUnknown,
    NetworkElsewhere,
    CloudCallFailed,
    ConnectorUnusable,
    OlderServer,
    RecordNotParked,
    DeliveryLogFailed,
    ApprovalPending,
    ApprovalOver,
    AuditKeyMissing,
    EventNotCovered,
    HistoryChanged,
    ProjectionUnknown,
    RebuildUnderWay,
    RebuildNotCancellable,
    AnotherLog,
    ReadLimit,
}

impl Reason {
    pub const ALL: [Self; 38] = [
        Self::InvalidFields,
        Self::CommandIdReused,
        Self::WrongExpectedRevision,
        Self::Contended,
        Self::EventStoreUnavailable,
        Self::EventStoreDeniesAccess,
        Self::EventStoreRejected,
        Self::HistoryUnreadable,
        Self::NotEncodable,
        Self::DirectoryBuilding,
        Self::ReadModelsBuilding,
        Self::ReadModelBehind,
        Self::ReadModelFailed,
        Self::WatchLimit,
        Self::PlanLimit,
        Self::Stopping,
        Self::Unauthenticated,
        Self::CredentialExpired,
        Self::IssuerUnavailable,
        Self::AccessDenied,
        Self::AccessChanged,
        Self::PolicyUnknown,
        Self::NetworkElsewhere,
        Self::CloudCallFailed,
        Self::ConnectorUnusable,
        Self::OlderServer,
        Self::RecordNotParked,
        Self::DeliveryLogFailed,
        Self::ApprovalPending,
        Self::ApprovalOver,
        Self::AuditKeyMissing,
        Self::EventNotCovered,
        Self::HistoryChanged,
        Self::ProjectionUnknown,
        Self::RebuildUnderWay,
        Self::RebuildNotCancellable,
        Self::AnotherLog,
        Self::ReadLimit,
    ];

    pub fn as_str(&self) -> &'static str {
        match self {
            Self::InvalidFields => "INVALID_FIELDS",
            Self::CommandIdReused => "COMMAND_ID_REUSED",
            Self::WrongExpectedRevision => "WRONG_EXPECTED_REVISION",
            Self::Contended => "CONTENDED",
            Self::EventStoreUnavailable => "EVENT_STORE_UNAVAILABLE",
            Self::EventStoreDeniesAccess => "EVENT_STORE_DENIES_ACCESS",
            Self::EventStoreRejected => "EVENT_STORE_REJECTED",
            Self::HistoryUnreadable => "HISTORY_UNREADABLE",
            Self::NotEncodable => "NOT_ENCODABLE",
            Self::DirectoryBuilding => "DIRECTORY_BUILDING",
            Self::ReadModelsBuilding => "READ_MODELS_BUILDING",
            Self::ReadModelBehind => "READ_MODEL_BEHIND",
            Self::ReadModelFailed => "READ_MODEL_FAILED",
            Self::WatchLimit => "WATCH_LIMIT",
            Self::PlanLimit => "PLAN_LIMIT",
            Self::Stopping => "STOPPING",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::CredentialExpired => "CREDENTIAL_EXPIRED",
            Self::IssuerUnavailable => "ISSUER_UNAVAILABLE",
            Self::AccessDenied => "ACCESS_DENIED",
            Self::AccessChanged => "ACCESS_CHANGED",
            Self::PolicyUnknown => "POLICY_UNKNOWN",
            Self::NetworkElsewhere => "NETWORK_ELSEWHERE",
            Self::CloudCallFailed => "CLOUD_CALL_FAILED",
            Self::ConnectorUnusable => "CONNECTOR_UNUSABLE",
            Self::OlderServer => "OLDER_SERVER",
            Self::RecordNotParked => "RECORD_NOT_PARKED",
            Self::DeliveryLogFailed => "DELIVERY_LOG_FAILED",
            Self::ApprovalPending => "APPROVAL_PENDING",
            Self::ApprovalOver => "APPROVAL_OVER",
            Self::AuditKeyMissing => "AUDIT_KEY_MISSING",
            Self::EventNotCovered => "EVENT_NOT_COVERED",
            Self::HistoryChanged => "HISTORY_CHANGED",
            Self::ProjectionUnknown => "PROJECTION_UNKNOWN",
            Self::RebuildUnderWay => "REBUILD_UNDER_WAY",
            Self::RebuildNotCancellable => "REBUILD_NOT_CANCELLABLE",
            Self::AnotherLog => "ANOTHER_LOG",
            Self::ReadLimit => "READ_LIMIT",
        }
    }

    pub fn code(&self) -> Code {
        match self {
            Self::InvalidFields | Self::EventStoreRejected => Code::InvalidArgument,
            Self::CommandIdReused => Code::AlreadyExists,
            Self::WrongExpectedRevision
            | Self::NetworkElsewhere
            | Self::CloudCallFailed
            | Self::ApprovalPending
            | Self::ApprovalOver
            | Self::RebuildUnderWay
            | Self::RebuildNotCancellable
            | Self::AnotherLog => Code::FailedPrecondition,
            Self::Contended => Code::Aborted,
            Self::EventStoreUnavailable
            | Self::EventStoreDeniesAccess
            | Self::DirectoryBuilding
            | Self::ReadModelsBuilding
            | Self::ReadModelBehind
            | Self::IssuerUnavailable
            | Self::AccessChanged
            | Self::Stopping => Code::Unavailable,
            Self::Unauthenticated | Self::CredentialExpired => Code::Unauthenticated,
            Self::AccessDenied => Code::PermissionDenied,
            Self::PolicyUnknown => Code::NotFound,
            Self::HistoryUnreadable | Self::HistoryChanged => Code::DataLoss,
            Self::NotEncodable | Self::ReadModelFailed | Self::DeliveryLogFailed => Code::Internal,
            Self::WatchLimit | Self::PlanLimit | Self::ReadLimit => Code::ResourceExhausted,
            Self::ConnectorUnusable | Self::OlderServer | Self::AuditKeyMissing => {
                Code::FailedPrecondition
            }
            Self::RecordNotParked | Self::EventNotCovered | Self::ProjectionUnknown => {
                Code::NotFound
            }
        }
    }

    /// What it means and what to do, for the catalogue.
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::InvalidFields => {
                "fields of the request are wrong; `BadRequest` names up to ten of them"
            }
            Self::CommandIdReused => {
                "the `command_id` was another command's; give each command a UUID of its own"
            }
            Self::WrongExpectedRevision => {
                "the network has another revision than `expected_revision`; read it and send the command again"
            }
            Self::Contended => "the network changed under the command each time; send it again",
            Self::EventStoreUnavailable => {
                "the event store did not answer; send the same command with the same `command_id` again"
            }
            Self::EventStoreDeniesAccess => {
                "the event store refuses the engine's credentials; an operator must act"
            }
            Self::EventStoreRejected => "the event store refuses what it was asked, for its size",
            Self::HistoryUnreadable => "events of the network cannot be read; an operator must act",
            Self::NotEncodable => "the command could not be written; this is a defect",
            Self::DirectoryBuilding => {
                "the log is still being read, so a peering's network is not known yet; name the network, or try again"
            }
            Self::ReadModelsBuilding => {
                "the read models are still being built; try again, or allow an answer that is catching up"
            }
            Self::ReadModelBehind => {
                "the read models have not reached `min_position` in time; try again"
            }
            Self::ReadModelFailed => "the read models cannot be read; an operator must act",
            Self::PlanLimit => {
                "as many plans as the server makes at once are being made; ask again"
            }
            Self::ReadLimit => {
                "as many questions as the server keeps wait for its read models already; ask again"
            }
            Self::WatchLimit => "too many watches are open on this server; close one",
            Self::Stopping => "the server is stopping; call again, on another server",
            Self::Unauthenticated => {
                "it is not known who calls: send a bearer token that is good, or show a certificate"
            }
            Self::CredentialExpired => {
                "what the caller was let in by has expired; call again with a new one"
            }
            Self::IssuerUnavailable => {
                "the token's issuer does not answer, and its keys are not known yet; try again"
            }
            Self::AccessDenied => {
                "no role of the caller allows this; `AccessService.ExplainAccess` says more"
            }
            Self::AccessChanged => {
                "another policy of access came into force during the watch; watch again after the last bookmark"
            }
            Self::PolicyUnknown => "no policy of access is on record for that time",
            Self::NetworkElsewhere => {
                "the network was made in another cloud than this server's, which is not asked about it"
            }
            Self::CloudCallFailed => {
                "the cloud did not answer, or lets the engine not in; the text has its words"
            }
            Self::ConnectorUnusable => {
                "no connector can be run with these settings at this server; the text says why"
            }
            Self::OlderServer => {
                "a server of an older version uses the same store, and could not read what would be written; stop or upgrade it, and send the command again"
            }
            Self::RecordNotParked => {
                "the record is not set aside; list those that are, it may have been replayed meanwhile"
            }
            Self::ApprovalPending => {
                "in a network of a command to all: it waits there for approval; `approval_id` names the request"
            }
            Self::ApprovalOver => {
                "the command was rejected, withdrawn, refused when it was carried out, or not approved in time; submit it under a new `command_id`"
            }
            Self::AuditKeyMissing => "the server has no key to sign checkpoints with",
            Self::EventNotCovered => "the tree that proves the log holds no such event",
            Self::HistoryChanged => {
                "what the store holds is not what was recorded, or what was signed before; keep the checkpoints, and find out who changed it"
            }
            Self::ProjectionUnknown => "the server that was asked has no such projection",
            Self::RebuildUnderWay => "it is being built anew already; wait for that, or cancel it",
            Self::RebuildNotCancellable => "nothing is being built anew that anybody asked for",
            Self::AnotherLog => {
                "the event store was put back to an older state, or is another one: what was read before is not in it; begin anew"
            }
            Self::DeliveryLogFailed => {
                "what this server kept of its attempts to deliver cannot be read; deliveries go on, an operator must act"
            }
        }
    }
}
