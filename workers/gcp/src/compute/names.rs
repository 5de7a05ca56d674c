//! Names of things: a full URL of any version, a partial one, or a name alone say the same thing.
//!
//! The service answers with URLs of another host and version than it was asked at, and shows a
//! peer's network under `/compute/beta/` (recorded: gcp-peering-one-half-2026, exchange 12). So
//! what comes before `projects/` says nothing.

use std::fmt;

/// A network: a project's, by name or by number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NetworkName {
    /// The project, by id or by number.
    pub(crate) project: String,
    /// The network, by name or by number.
    pub(crate) network: String,
}

impl NetworkName {
    pub(crate) fn new(project: impl Into<String>, network: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            network: network.into(),
        }
    }

    /// The network that a URL names; a URL without a project is about the project it was found in.
    pub(crate) fn of(url: &str, project: &str) -> Option<Self> {
        let network = after(url, "networks")?;
        let named = after(url, "projects").unwrap_or(project);
        Some(Self::new(named, network))
    }

    /// Whether a part of it is a number, which only the service can turn into a name.
    pub(crate) fn is_by_number(&self) -> bool {
        is_number(&self.project) || is_number(&self.network)
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "projects/{}/global/networks/{}",
            self.project, self.network
        )
    }
}

/// Whether a name is none, but the number that the service keeps the thing under.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What follows a collection's name in a URL.
fn after<'u>(url: &'u str, collection: &str) -> Option<&'u str> {
    let mut parts = url.split('/');
    parts.by_ref().find(|part| *part == collection)?;
    parts.next().filter(|part| !part.is_empty())
}

/// The last part of a URL.
pub(crate) fn last(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// The region that a URL is about.
pub(crate) fn region(url: &str) -> Option<&str> {
    after(url, "regions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_network_is_known_by_every_url_that_there_is_of_it() {
        let wanted = Some(NetworkName::new("project-1", "network-1"));
        for url in [
            "https://www.googleapis.com/compute/v1/projects/project-1/global/networks/network-1",
            "https://www.googleapis.com/compute/beta/projects/project-1/global/networks/network-1",
            "https://compute.googleapis.com/compute/v1/projects/project-1/global/networks/network-1",
            "projects/project-1/global/networks/network-1",
            "global/networks/network-1",
            "http://127.0.0.1:8080/compute/v1/projects/project-1/global/networks/network-1",
        ] {
            assert_eq!(NetworkName::of(url, "project-1"), wanted, "{url}");
        }
        for url in ["", "networks/", "projects/project-1", "global/firewalls/f"] {
            assert_eq!(NetworkName::of(url, "project-1"), None, "{url}");
        }
    }

    #[test]
    fn what_is_named_by_number_is_known_to_be() {
        assert!(NetworkName::new("123456789", "n").is_by_number());
        assert!(NetworkName::new("p", "9114364167955154858").is_by_number());
        assert!(!NetworkName::new("p1", "n2").is_by_number());
        assert!(!is_number(""));
    }

    #[test]
    fn a_url_says_its_region_and_its_last_name() {
        let url =
            "https://www.googleapis.com/compute/v1/projects/p/regions/europe-west1/subnetworks/s";
        assert_eq!(region(url), Some("europe-west1"));
        assert_eq!(last(url), "s");
        assert_eq!(region("projects/p/global/networks/n"), None);
    }
}
