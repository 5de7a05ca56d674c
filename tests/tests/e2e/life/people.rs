//! What people do to a cloud behind the engine's back, and what they see of it: all that a scenario
//! asks of a world.

use peerage_tests::oracle::{Expected, Network, Place, Wanted};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// People with hands in every account. What they do is done when a method returns; it panics where
/// the cloud refuses them.
pub(super) trait People: fmt::Debug + Send + Sync {
    /// Makes networks, and answers them by name.
    fn prepare(&self, networks: &[Wanted]) -> BTreeMap<String, Network>;

    /// What exists in each of these places, in the form of the oracle's dump.
    fn dump(&self, places: &[Place]) -> Value;

    /// Compares what exists in these places with what should; otherwise one line per difference.
    fn judge(&self, places: &[Place], expected: &Expected) -> Result<(), String>;

    /// Asks for a link, and answers its id.
    fn ask_for_link(&self, requester: &Network, accepter: &Network) -> String;

    /// Accepts it, which takes a while where it does at the real cloud.
    fn accept_link(&self, accepter: &Place, link: &str);

    fn reject_link(&self, accepter: &Place, link: &str);

    /// Deletes a link that is in place.
    fn delete_link(&self, by: &Place, link: &str);

    fn route_over(&self, network: &Network, table: &str, destination: &str, link: &str);

    /// A route to something that is no link, and the id of that.
    fn route_elsewhere(&self, network: &Network, table: &str, destination: &str) -> String;

    fn delete_route(&self, network: &Network, table: &str, destination: &str);

    /// One more range.
    fn widen(&self, network: &Network, range: &str);

    /// A block of IPv6 that the cloud gives; answers it.
    fn widen_to_ipv6(&self, network: &Network) -> String;

    /// One range less.
    fn narrow(&self, network: &Network, range: &str);

    /// Opens TCP ports to ranges, in a group of this name; answers its id.
    fn open(&self, network: &Network, name: &str, admit: &[(u16, &str)]) -> String;

    /// Opens a TCP port of the group to a list of ranges, which the rule names.
    fn open_to_list(&self, network: &Network, group: &str, port: u16, ranges: &[&str]);

    /// The TCP ports that the group admits, in order.
    fn ports(&self, network: &Network, group: &str) -> Vec<u16>;

    /// Takes all rules out of the group, and answers how many.
    fn close(&self, network: &Network, group: &str) -> usize;

    /// Puts the tag on the group that says whose it is.
    fn tag(&self, network: &Network, group: &str, owner: &str);

    /// Takes the tag off the group that says whose it is.
    fn untag(&self, network: &Network, group: &str);

    /// Gives names to the machines of a network.
    fn give_names(&self, network: &Network);

    /// Whether the accepter's end lets its names resolve, as the accepter sees it.
    fn resolves(&self, accepter: &Network, link: &str) -> bool;
}
