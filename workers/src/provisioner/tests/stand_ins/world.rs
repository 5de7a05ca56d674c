//! What people do at a stand-in, and what can be seen there.

use cloud::Cloud;
use domain::{
    Provider, Side,
    network::{LinkOption, Peer},
};
use std::{collections::BTreeSet, fmt, sync::Arc};
use testkit::wire::Wire;

/// A kind of call that can be denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Reading the network, with which everything begins.
    Look,
    MakeHalf,
    RemoveHalf,
    MakeRule,
}

/// A half as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Half {
    pub(super) name: String,
    /// What is switched on.
    pub(super) on: BTreeSet<LinkOption>,
}

/// A stand-in of a provider, with the two networks of the tests' peering and one more.
pub(super) trait World: Send + Sync + fmt::Debug {
    fn provider(&self) -> Provider;

    /// The cloud to a process that has just begun.
    fn cloud(&self) -> Arc<dyn Cloud>;

    /// What is between the two.
    fn wire(&self) -> &Wire;

    /// What stands in the path of every request about this side.
    fn word(&self, side: Side) -> String;

    /// The halves of this side's network.
    fn halves(&self, side: Side) -> Vec<Half>;

    /// This side's people make a half that leads to the other side.
    fn join(&self, side: Side, name: &str);

    /// They remove it.
    fn part(&self, side: Side, name: &str);

    /// They switch something on their half.
    fn switch(&self, side: Side, name: &str, option: LinkOption, on: bool);

    /// The names of this side's firewall rules, but for the provider's own.
    fn rules(&self, side: Side) -> BTreeSet<String>;

    /// This side's people admit a port from a range.
    fn admit(&self, side: Side, name: &str, from: &str, port: u16);

    /// They remove a rule.
    fn drop_rule(&self, side: Side, name: &str);

    /// This side's network has a range more.
    fn widen(&self, side: Side, range: &str);

    /// This side's network has a gateway, where networks have some.
    fn set_gateway(&self, side: Side);

    /// A third network, which another engine may join to the private one.
    fn third(&self) -> Peer;

    /// One more network than those, by a number: four of them are in one account, with what stands
    /// before their machines.
    fn further(&self, number: usize) -> Peer;

    /// What was read since the last time, each by all that tells it apart from other reads; without
    /// what is asked about operations.
    fn read(&self) -> Vec<String>;

    /// From now on the engine may not do that on this side.
    fn deny(&self, side: Side, change: Change);

    /// It may do everything again.
    fn permit(&self, side: Side);

    /// The next operation that makes a half here ends with an error that says nothing.
    fn gives_up(&self, side: Side);

    /// From now on the engine may do on both sides what this printed role says, and nothing else.
    fn permits_only(&self, printed: &str);

    /// What was asked of the stand-in since the last time, with the method and what it was about,
    /// as far as it was about this side.
    fn took(&self) -> Vec<(Side, String)>;

    /// What would let the other side's network into this one now, and is none of what the engine
    /// was told to admit; nothing while no link leads there.
    fn lets_in(&self, side: Side) -> Vec<String>;
}

/// Whether a rule of this name admits what the engine was told to admit.
pub(super) fn is_admission(name: &str) -> bool {
    is_the_engines(name) && name.len() > "peerage-".len() + 36
}

/// Whether a rule has a name that the engine gives.
pub(super) fn is_the_engines(name: &str) -> bool {
    let rest = name.strip_prefix("peerage-");
    rest.is_some_and(|it| {
        it.get(..36)
            .is_some_and(|it| it.parse::<uuid::Uuid>().is_ok())
    })
}

/// Whether two ranges share an address.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    let parsed = (one.parse::<ipnet::IpNet>(), other.parse::<ipnet::IpNet>());
    let (Ok(one), Ok(other)) = parsed else {
        return false;
    };
    one.contains(&other) || other.contains(&one)
}
