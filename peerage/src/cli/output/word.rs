//! The API's enums as words for people.

use crate::api::v1;

/// An enum of the API.
pub(in crate::cli) trait Enum: Copy {
    /// Its name in the API, and that of its zero.
    fn names(self) -> (&'static str, &'static str);
}

macro_rules! enums {
    ($($name:ident)*) => {$(
        impl Enum for v1::$name {
            fn names(self) -> (&'static str, &'static str) {
                (self.as_str_name(), Self::Unspecified.as_str_name())
            }
        }
    )*};
}

enums! {
    AcceptedBy ActionKind AdvisoryCode ApprovalState BlockCause CheckKind CheckOutcome ConnectorState Consent
    DeliveryResult DriftPolicy InstructionLanguage LinkOption LinkState NetworkState Opening OpeningKind Origin OrphanKind PeeringState
    Provider QuotaKind ReachReason Reachability RebuildStage Side StoreKind
}

/// The word for it: `awaiting acceptance` for PEERING_STATE_AWAITING_ACCEPTANCE. What is not set is
/// a dash.
pub(in crate::cli) fn word(value: impl Enum) -> String {
    let (name, zero) = value.names();
    if name == zero {
        return "-".to_owned();
    }
    let prefix = zero.trim_end_matches("UNSPECIFIED");
    name.strip_prefix(prefix)
        .unwrap_or(name)
        .to_lowercase()
        .replace('_', " ")
}
