//! Which event store a suite runs against: the embedded node, or a real KurrentDB named by one
//! environment variable.

/// Points every suite at another event store: a connection string,
/// `kurrentdb://host:2113?tls=false` for instance.
pub const VARIABLE: &str = "PEERAGE_TEST_STORE";

/// The event store that the environment names, if it does.
#[must_use]
pub fn from_environment() -> Option<String> {
    std::env::var(VARIABLE)
        .ok()
        .filter(|store| !store.trim().is_empty())
}
