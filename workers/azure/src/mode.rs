//! What answers at an endpoint: Azure, or something that speaks its API.

use domain::{CloudMode, text::Endpoint};

/// Where Resource Manager answers in the public cloud and in those of governments and of China.
const HOSTS: [&str; 3] = [
    "management.azure.com",
    "management.chinacloudapi.cn",
    "management.usgovcloudapi.net",
];

/// What answers at this endpoint: Azure, if the name is one of Azure's, or an emulator.
pub fn mode_at(endpoint: &str) -> CloudMode {
    let host = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let is_under = |name: &&str| {
        host.to_ascii_lowercase()
            .strip_suffix(name)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if HOSTS.iter().any(is_under) {
        return CloudMode::Real;
    }
    let graphic = endpoint.chars().filter(char::is_ascii_graphic);
    let told: String = graphic.take(Endpoint::MOST).collect();
    match told.parse() {
        Ok(endpoint) => CloudMode::Emulator { endpoint },
        Err(_) => CloudMode::Real,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azure_answers_under_its_own_names_and_an_emulator_under_every_other() {
        assert_eq!(mode_at(crate::ENDPOINT), CloudMode::Real);
        assert_eq!(
            mode_at("https://westeurope.management.azure.com/"),
            CloudMode::Real
        );
        for other in [
            "http://127.0.0.1:4000",
            "https://management.azure.com.example.org",
        ] {
            let endpoint = other.parse().unwrap();
            assert_eq!(mode_at(other), CloudMode::Emulator { endpoint });
        }
    }
}
