//! Resource ids: the same in any case of their letters, and taken apart by position.

use std::fmt;

/// A resource of `Microsoft.Network` by its id, in the spelling that it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResourceId(String);

/// Whether two ids are one. Resource Manager gives ids back in another case than they were sent.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/')
        .eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// How an id begins: subscription, resource group, provider.
const HEAD: [&str; 7] = [
    "",
    "subscriptions",
    "*",
    "resourceGroups",
    "*",
    "providers",
    "Microsoft.Network",
];

impl ResourceId {
    /// The id, if it is one of this kind, like `virtualNetworks`.
    pub(crate) fn of(kind: &str, text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split('/').collect();
        let head = words.get(..HEAD.len())?;
        let fits = |(word, wanted): (&&str, &&str)| match *wanted {
            "*" => is_name(word),
            wanted => word.eq_ignore_ascii_case(wanted),
        };
        let is_head = head.iter().zip(&HEAD).all(fits);
        let [own, name] = words.get(HEAD.len()..)? else {
            return None;
        };
        let is_it = is_head && own.eq_ignore_ascii_case(kind) && is_name(name);
        is_it.then(|| Self(text.to_owned()))
    }

    /// A VNet.
    pub(crate) fn vnet(text: &str) -> Option<Self> {
        Self::of("virtualNetworks", text)
    }

    /// A resource below this one.
    pub(crate) fn child(&self, kind: &str, name: &str) -> Option<Self> {
        is_name(name).then(|| Self(format!("{}/{kind}/{name}", self.0)))
    }

    /// A half of a link, below its VNet.
    pub(crate) fn half(&self, name: &str) -> Option<Self> {
        self.child("virtualNetworkPeerings", name)
    }

    /// A half by its whole id.
    pub(crate) fn as_half(text: &str) -> Option<Self> {
        let (parent, name) = text.rsplit_once('/')?;
        let (vnet, kind) = parent.rsplit_once('/')?;
        let is_half = kind.eq_ignore_ascii_case("virtualNetworkPeerings");
        Self::vnet(vnet).filter(|_| is_half)?.half(name)
    }

    /// An interface, by the id of an address configuration of its.
    pub(crate) fn interface(text: &str) -> Option<Self> {
        let (interface, _) = rsplit(text, "/ipConfigurations/")?;
        Self::of("networkInterfaces", interface)
    }

    /// The path of all resources of this kind in its resource group.
    pub(crate) fn siblings(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(all, _)| all)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name in it.
    pub(crate) fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn subscription(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    /// Whether it is the same resource as this one.
    pub(crate) fn is(&self, other: &str) -> bool {
        same(&self.0, other)
    }
}

/// What is before and behind a word, in any case of its letters.
fn rsplit<'t>(text: &'t str, word: &str) -> Option<(&'t str, &'t str)> {
    let at = text
        .to_ascii_lowercase()
        .rfind(&word.to_ascii_lowercase())?;
    Some((text.get(..at)?, text.get(at + word.len()..)?))
}

/// What may stand between two slashes of a path; nothing that changes where the path leads.
fn is_name(word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.()".contains(c);
    !word.is_empty() && word != "." && word != ".." && word.chars().all(is_plain)
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VNET: &str =
        "/subscriptions/s-1/resourceGroups/rg(1)/providers/Microsoft.Network/virtualNetworks/hub";

    #[test]
    fn an_id_is_taken_apart_in_any_case_of_its_letters() {
        for text in [VNET.to_owned(), VNET.to_lowercase(), VNET.to_uppercase()] {
            let id = ResourceId::vnet(&text).unwrap();
            assert!(id.is(VNET));
            assert!(same(id.name(), "hub"));
            assert!(same(id.subscription(), "s-1"));
            let half = id.half("peerage-1").unwrap();
            assert_eq!(ResourceId::as_half(half.as_str()), Some(half));
        }
    }

    #[test]
    fn what_is_no_id_of_the_kind_or_would_lead_elsewhere_is_none() {
        for text in [
            "",
            "hub",
            "vpc-0123456789abcdef0",
            &VNET.replace("virtualNetworks", "routeTables"),
            &VNET.replace("Microsoft.Network", "Microsoft.Compute"),
            &VNET.replace("rg(1)", ".."),
            &VNET.replace("rg(1)", "a?b"),
            &VNET.replace("hub", "hub%2f"),
            &format!("{VNET}/subnets/one"),
            &format!("{VNET}/"),
        ] {
            assert_eq!(ResourceId::vnet(text), None, "{text}");
        }
        let vnet = ResourceId::vnet(VNET).unwrap();
        assert_eq!(vnet.half("a/b"), None);
        assert_eq!(ResourceId::as_half(&format!("{VNET}/subnets/one")), None);
    }
}
