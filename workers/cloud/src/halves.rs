//! A link is two halves, one of each side. What differs from cloud to cloud is whether they are one
//! object or two, who may end what, and in which order the two are made and removed: all of that is
//! here, as a function of the provider.

use super::{About, CloudErrorKind, LinkSpec, LinkState, LinkView, NetworkRef, Owner};
use domain::{
    PeeringId, Provider, Side,
    network::LinkOption,
    text::{CloudOperation, Link},
};
use std::collections::BTreeMap;

/// What links are made of at a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkForm {
    /// One object with two ends: making the first half makes it, making the other accepts it, and
    /// removing either ends both.
    OneObject,
    /// Each side has an object of its own, with a name that is chosen beforehand. Neither knows
    /// more of the other than whether it matches.
    TwoObjects {
        /// The sides in the order in which their halves are made.
        made: [Side; 2],
        /// The sides in the order in which their halves are removed.
        removed: [Side; 2],
    },
}

impl LinkForm {
    /// What links are made of at this provider.
    pub const fn of(provider: Provider) -> Self {
        const LOCAL_FIRST: [Side; 2] = [Side::Local, Side::Remote];
        const REMOTE_FIRST: [Side; 2] = [Side::Remote, Side::Local];
        match provider {
            Provider::Aws => Self::OneObject,
            // Both networks are busy while one side is at it: the one, and when that is done, the
            // other.
            Provider::Gcp => Self::TwoObjects {
                made: LOCAL_FIRST,
                removed: LOCAL_FIRST,
            },
            // A half cannot be made while the other side holds one that has lost its own.
            Provider::Azure => Self::TwoObjects {
                made: LOCAL_FIRST,
                removed: REMOTE_FIRST,
            },
        }
    }

    /// Whether each side has an object of its own.
    pub const fn is_two_objects(self) -> bool {
        matches!(self, Self::TwoObjects { .. })
    }
}

/// To what an option of a half is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Off.
    Off,
    /// On; an option that lets traffic in, only if nothing would come in that nobody declared.
    On,
    /// On, whatever would come in: whoever asked for the peering has accepted that.
    OnThoughOpen,
}

impl Switch {
    /// Whether it is on then.
    pub const fn is_on(self) -> bool {
        match self {
            Self::Off => false,
            Self::On | Self::OnThoughOpen => true,
        }
    }
}

impl From<bool> for Switch {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

/// What the change of a half was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HalfAnswer {
    /// It is done, or was done before: a read will show it, perhaps later.
    Done {
        /// The name of the half.
        link: Link,
    },
    /// It has begun, and can be asked about under this name. What comes of it the operation says.
    Started {
        /// The name of the operation.
        operation: CloudOperation,
    },
}

/// Where an operation is that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// It is under way.
    Running,
    /// It has ended well.
    Done,
    /// It has ended with an error of its own: nothing has changed.
    Failed {
        /// What the error means. [`CloudErrorKind::Busy`]: another operation was under way, and a
        /// new request will do.
        kind: CloudErrorKind,
        /// What the error is about, where its kind leaves that open.
        about: Option<About>,
        /// The provider's words.
        message: String,
    },
}

/// One side's half of a link, as a read shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalfView {
    /// The side whose half it is.
    pub side: Side,
    /// The name of the half, where it is there and has been told.
    pub name: Option<Link>,
    /// Where it is in its life.
    pub state: HalfState,
    /// Whether it has the other network's ranges as they are now; `None` where that is not told.
    pub in_sync: Option<bool>,
    /// Its options, as far as they are told.
    pub options: BTreeMap<LinkOption, bool>,
}

/// Where one side's half of a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HalfState {
    /// It is not there.
    Absent,
    /// It is there and waits: for the cloud, or for the other half.
    Pending,
    /// It is there, and so is the other.
    Connected,
    /// It is there, and the other one is gone that it was connected to.
    Disconnected,
    /// It is being taken down.
    Deleting,
    /// It could never have worked, or its end broke.
    Failed,
}

impl HalfState {
    /// Whether the half is there, in whatever state.
    pub fn stands(self) -> bool {
        match self {
            Self::Pending | Self::Connected | Self::Disconnected | Self::Deleting => true,
            Self::Absent | Self::Failed => false,
        }
    }
}

impl LinkView {
    /// What this view says of the half of this side, at its network; nothing if the link does not
    /// end there, or in words that no rule covers.
    pub fn half(&self, side: Side, at: &NetworkRef) -> Option<HalfView> {
        let (_, end) = self.end(at)?;
        let form = LinkForm::of(end.network.at.provider);
        // A view of two objects is that of the side that was asked: its own end comes first.
        let is_first = self.first.network.is_same(at);
        let state = match (&self.state, is_first) {
            (LinkState::Active, _) => HalfState::Connected,
            (LinkState::Initiating | LinkState::Pending, true) | (LinkState::Provisioning, _) => {
                match form {
                    LinkForm::TwoObjects { .. } if !is_first => HalfState::Absent,
                    LinkForm::OneObject | LinkForm::TwoObjects { .. } => HalfState::Pending,
                }
            }
            (LinkState::Initiating | LinkState::Pending | LinkState::Disconnected, false) => {
                HalfState::Absent
            }
            (LinkState::Disconnected, true) => HalfState::Disconnected,
            (LinkState::Deleting, _) => HalfState::Deleting,
            (LinkState::Failed, _) => HalfState::Failed,
            (LinkState::Rejected | LinkState::Expired | LinkState::Deleted, _) => HalfState::Absent,
            (LinkState::Unknown(_), _) => return None,
        };
        let is_named = state.stands() && (is_first || form == LinkForm::OneObject);
        Some(HalfView {
            side,
            name: is_named.then(|| self.link.clone()),
            state,
            in_sync: end.in_sync,
            options: end.options.clone(),
        })
    }
}

impl LinkSpec {
    /// The network of this side.
    pub fn network(&self, side: Side) -> &NetworkRef {
        match side {
            Side::Local => &self.first.network,
            Side::Remote => &self.second.network,
        }
    }

    /// The other network, seen from this side.
    pub fn other(&self, side: Side) -> &NetworkRef {
        match side {
            Side::Local => self.network(Side::Remote),
            Side::Remote => self.network(Side::Local),
        }
    }
}

/// The name that both halves of a link have where names are chosen beforehand. It says whose they
/// are, as a tag does elsewhere; `turn` counts the links that the peering has had before.
pub fn half_name(peering: PeeringId, turn: usize) -> Option<Link> {
    let name = match turn {
        0 => super::group_name(peering),
        turn => format!("{}-{turn}", super::group_name(peering)),
    };
    name.parse().ok()
}

/// Whose a half of this name is; nobody's of ours if it is no name that the engine gives.
pub fn owner_by_name(name: &Link) -> Option<Owner> {
    const ID: usize = 36;
    let rest = name.as_str().strip_prefix("peerage-")?;
    let (id, turn) = rest.split_at_checked(ID)?;
    let is_turn = |turn: &str| turn.parse::<usize>().is_ok_and(|it| it > 0);
    let is_ours = turn.is_empty() || turn.strip_prefix('-').is_some_and(is_turn);
    let owner: Owner = id.parse().ok()?;
    is_ours.then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountRegion, LinkEnd};
    use domain::Region;
    use uuid::Uuid;

    const PEERING: PeeringId = PeeringId(Uuid::from_u128(7));

    fn network(provider: Provider, name: &str) -> NetworkRef {
        let region = match provider {
            Provider::Aws => "eu-west-1",
            Provider::Gcp => "europe-west1",
            Provider::Azure => "westeurope",
        };
        let at = AccountRegion {
            provider,
            account: format!("account-{name}").parse().unwrap(),
            region: Region::of(provider, region).unwrap(),
            external_id: None,
        };
        let network = name.parse().unwrap();
        NetworkRef { at, network }
    }

    /// The states of the first and the second end of a link that is shown so.
    fn states(provider: Provider, state: LinkState) -> [Option<HalfState>; 2] {
        let ends = [network(provider, "one"), network(provider, "other")];
        let end = |network: &NetworkRef| LinkEnd::new(network.clone(), Vec::new());
        let view = LinkView {
            link: "some-link".parse().unwrap(),
            first: end(&ends[0]),
            second: end(&ends[1]),
            state,
            message: None,
            expires_at: None,
            owner: None,
        };
        let [one, other] =
            [(Side::Local, &ends[0]), (Side::Remote, &ends[1])].map(|(side, end)| {
                let half = view.half(side, end);
                assert!(half.as_ref().is_none_or(|it| it.side == side));
                half.map(|it| it.state)
            });
        [one, other]
    }

    #[test]
    fn a_link_that_waits_has_its_first_half_and_one_in_place_has_both_whatever_it_is_made_of() {
        use HalfState::{Absent, Connected, Deleting, Disconnected, Failed, Pending};
        for provider in Provider::ALL {
            let of = |state| states(provider, state);
            assert_eq!(of(LinkState::Pending), [Some(Pending), Some(Absent)]);
            assert_eq!(of(LinkState::Active), [Some(Connected); 2]);
            assert_eq!(
                of(LinkState::Disconnected),
                [Some(Disconnected), Some(Absent)]
            );
            assert_eq!(of(LinkState::Deleting), [Some(Deleting); 2]);
            assert_eq!(of(LinkState::Deleted), [Some(Absent); 2]);
            assert_eq!(of(LinkState::Failed), [Some(Failed); 2]);
            assert_eq!(of(LinkState::Unknown("odd".to_owned())), [None; 2]);
        }
        let provisioning = |provider| states(provider, LinkState::Provisioning);
        assert_eq!(provisioning(Provider::Aws), [Some(Pending); 2]);
        assert_eq!(provisioning(Provider::Gcp), [Some(Pending), Some(Absent)]);
    }

    #[test]
    fn a_name_that_the_engine_gives_says_whose_the_half_is_and_no_other_name_does() {
        for turn in [0, 1, 12] {
            let name = half_name(PEERING, turn).unwrap();
            assert!(name.as_str().len() <= 63, "{name} is too long for a name");
            assert_eq!(
                owner_by_name(&name),
                Some(Owner::before_networks(PEERING)),
                "{name}"
            );
        }
        let ours = half_name(PEERING, 0).unwrap();
        for other in [
            "peerage".to_owned(),
            "their-peering".to_owned(),
            format!("{ours}-"),
            format!("{ours}-0"),
            format!("{ours}-x"),
            format!("{ours}1"),
            ours.as_str().to_uppercase(),
        ] {
            assert_eq!(owner_by_name(&other.parse().unwrap()), None, "{other}");
        }
    }
}
