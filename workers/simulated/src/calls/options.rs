//! What calls about the options of a half do, where each side has one: what an option needs is
//! looked at on both sides.

use super::{
    super::world::{Gone, SimulatedHalf},
    Call,
};
use cloud::{CloudError, CloudErrorKind, LinkState, NetworkRef};
use domain::{
    network::{LinkOption, Needs},
    text::Link,
};

impl Call<'_> {
    pub(super) fn set_own_option(
        &mut self,
        network: &NetworkRef,
        name: &Link,
        option: LinkOption,
        enabled: bool,
    ) -> Result<(), CloudError> {
        let there = self.state.world.half(network, name);
        let Some(half) = there.filter(|it| it.shown.by(self.now)).cloned() else {
            return Err(self.not_found(name));
        };
        let state = self.state.world.state_of(&half, self.now);
        if !matches!(state, LinkState::Active | LinkState::Pending) {
            let message = format!("`{name}` is {}", state.as_str());
            let kind = CloudErrorKind::WrongState;
            return Err(self.error(kind, "ReferencedResourceNotProvisioned", message));
        }
        self.meets(&half, option, enabled)?;
        self.occupy(network, &half.other)?;
        let others = self.state.world.network(&half.other);
        let ranges = others.map(|it| it.ranges.clone()).unwrap_or_default();
        let seen = self.soon();
        let is_it = |it: &SimulatedHalf| it.name == *name && it.network.is_same(network);
        for half in self.state.world.halves.iter_mut().filter(|it| is_it(it)) {
            if option.is_upkeep() && enabled {
                half.synced.clone_from(&ranges);
            }
            let was = half.options.clone();
            half.switch(option, enabled);
            half.stale = (was != half.options).then_some(Gone {
                was,
                seen: seen.clone(),
            });
        }
        Ok(())
    }

    /// Whether the networks and the other half meet what the option needs.
    fn meets(
        &self,
        half: &SimulatedHalf,
        option: LinkOption,
        enabled: bool,
    ) -> Result<(), CloudError> {
        let world = &self.state.world;
        let refuse = |code: &str, message: String| {
            Err(self.error(CloudErrorKind::Precondition, code, message))
        };
        let mut others = world.halves_of(&half.other);
        let other = others.find(|it| it.other.is_same(&half.network));
        let has = |option: LinkOption| other.is_some_and(|it| it.options.contains(&option));
        if !enabled {
            let needing = LinkOption::of(self.at.provider)
                .find(|it| it.needs() == Needs::Before(option) && has(*it));
            return match needing {
                Some(by) => refuse(
                    "RemoteGatewaysInUse",
                    format!(
                        "`{}` is used by {} of the other side",
                        option.as_str(),
                        by.as_str()
                    ),
                ),
                None => Ok(()),
            };
        }
        if let Needs::Before(needed) = option.needs() {
            if !has(needed) {
                let message = format!(
                    "the other side of `{}` has no {}",
                    half.name,
                    needed.as_str()
                );
                return refuse("RemotePeeringAllowGatewayTransitFalse", message);
            }
            let lends = world.network(&half.other).is_some_and(|it| it.gateway);
            if !lends {
                let message = format!("{} has no gateways", half.other);
                return refuse("RemoteVnetHasNoGateways", message);
            }
        }
        if let Some(with) = option.excludes()
            && half.options.contains(&with)
        {
            let message = format!("`{}` has {}", half.name, with.as_str());
            return refuse("OptionsExcludeEachOther", message);
        }
        let mut rivals = world
            .halves_of(&half.network)
            .filter(|it| it.name != half.name);
        if option.is_exclusive() && rivals.any(|it| it.options.contains(&option)) {
            let message = format!(
                "another peering of {} has {}",
                half.network,
                option.as_str()
            );
            return refuse("VirtualNetworkUsesRemoteGatewaysAlready", message);
        }
        Ok(())
    }
}
