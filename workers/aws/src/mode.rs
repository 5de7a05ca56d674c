//! What answers at an endpoint: AWS, or something that speaks its API.

use domain::{CloudMode, text::Endpoint};

/// The domains under which AWS answers, those of its partitions too.
const AWS_DOMAINS: [&str; 5] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "api.amazonwebservices.com.cn",
];

/// What answers at this endpoint: AWS, also by an interface endpoint of its own, or an emulator.
pub fn mode_at(endpoint: &str) -> CloudMode {
    let host = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let is_under = |domain: &&str| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if AWS_DOMAINS.iter().any(is_under) {
        return CloudMode::Real;
    }
    let graphic = endpoint.chars().filter(char::is_ascii_graphic);
    let told: String = graphic.take(Endpoint::MOST).collect();
    match told.parse() {
        Ok(endpoint) => CloudMode::Emulator { endpoint },
        // Nothing is left of it: no address was given, and the SDK goes to AWS.
        Err(_) => CloudMode::Real,
    }
}
