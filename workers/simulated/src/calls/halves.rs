//! What calls about the halves of a link do: where it is one object, as `links` says; where there
//! are two, each side's half by itself.

use super::{
    super::{
        faults::after,
        world::{SimulatedHalf, SimulatedOperation},
    },
    Call,
};
use cloud::{
    About, CloudError, CloudErrorKind, HalfAnswer, LinkForm, LinkSpec, LinkState, NetworkRef,
    OperationState, RequestId,
};
use domain::{
    Provider, Side,
    text::{CloudOperation, Link},
};
use std::time::Duration;

impl Call<'_> {
    pub(crate) fn make_half(
        &mut self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        let done = |link| HalfAnswer::Done { link };
        match (LinkForm::of(self.at.provider), &spec.link) {
            (LinkForm::OneObject, Some(link)) => {
                self.accept_link(link).map(|()| done(link.clone()))
            }
            (LinkForm::OneObject, None) if side == Side::Local => self.create_link(spec).map(done),
            (LinkForm::TwoObjects { .. }, Some(name)) => {
                self.know(&spec.first.network, &spec.first.ranges);
                self.know(&spec.second.network, &spec.second.ranges);
                self.make_own_half(spec.network(side), spec.other(side), name, request)
            }
            (LinkForm::OneObject | LinkForm::TwoObjects { .. }, None) => {
                Err(self.nameless("asked for"))
            }
        }
    }

    pub(crate) fn remove_half(
        &mut self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        match (LinkForm::of(self.at.provider), &spec.link) {
            (LinkForm::OneObject, Some(link)) => {
                let link = link.clone();
                self.delete_link(&link).map(|()| HalfAnswer::Done { link })
            }
            (LinkForm::TwoObjects { .. }, Some(name)) => {
                self.remove_own_half(spec.network(side), name, request)
            }
            (LinkForm::OneObject | LinkForm::TwoObjects { .. }, None) => {
                Err(self.nameless("removed"))
            }
        }
    }

    fn nameless(&self, what: &str) -> CloudError {
        let message = format!("no link is named that could be {what}");
        self.error(CloudErrorKind::InvalidRequest, "MissingParameter", message)
    }

    fn make_own_half(
        &mut self,
        network: &NetworkRef,
        other: &NetworkRef,
        name: &Link,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        if let Some(operation) = self.begun_before(request) {
            return Ok(HalfAnswer::Started { operation });
        }
        let world = &self.state.world;
        let Some(own) = world.network(network) else {
            return Err(self.not_found(network));
        };
        if let Some(there) = world.half(network, name) {
            let same = there.other.is_same(other) && there.going.is_none();
            return match self.at.provider {
                // A PUT of what is there already.
                Provider::Azure if same => Ok(HalfAnswer::Done { link: name.clone() }),
                Provider::Aws | Provider::Gcp | Provider::Azure => {
                    Err(self.already_there(&format!("`{name}` is there already")))
                }
            };
        }
        if let Some(rival) = world.halves_of(network).find(|it| it.other.is_same(other)) {
            let message = format!("`{}` refers to {other} already", rival.name);
            return Err(self.already_there(&message));
        }
        if world.halves_of(network).count() >= self.limits().links {
            return Err(self.error(
                CloudErrorKind::Quota,
                "QUOTA_EXCEEDED",
                "too many peerings of this network",
            ));
        }
        match world.network(other) {
            Some(other) if own.overlaps(other) => {
                let message = format!("{} overlaps {}", network, other.network);
                return Err(self.error(
                    CloudErrorKind::InvalidRequest,
                    "AddressSpacesOverlap",
                    message,
                ));
            }
            // The other network is looked for, but at GCP, where the half waits for it.
            None if self.at.provider == Provider::Azure => return Err(self.not_found(other)),
            Some(_) | None => {}
        }
        let stale = world.halves_of(other).find(|it| {
            it.other.is_same(network) && world.state_of(it, self.now) == LinkState::Disconnected
        });
        if let Some(stale) = stale {
            let message = format!("`{}` at {other} has lost its other half", stale.name);
            return Err(self.error(
                CloudErrorKind::WrongState,
                "RemotePeeringIsDisconnected",
                message,
            ));
        }
        let takes = self.state.faults.draw(&self.settings.initiating);
        self.occupy_for(takes, network, other)?;
        let (operation, fails) = self.begin(request, name, takes);
        if fails {
            return Ok(operation);
        }
        let half = SimulatedHalf {
            ready_at: after(self.now, takes),
            shown: self.soon(),
            ..SimulatedHalf::new(name.clone(), network, other)
        };
        self.state.world.halves.push(half);
        Ok(operation)
    }

    fn already_there(&self, message: &str) -> CloudError {
        self.error(CloudErrorKind::AlreadyThere, "AlreadyExists", message)
    }

    /// Only this side's: the other one is left with a half of its own.
    fn remove_own_half(
        &mut self,
        network: &NetworkRef,
        name: &Link,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        if let Some(operation) = self.begun_before(request) {
            return Ok(HalfAnswer::Started { operation });
        }
        let there = self.state.world.half(network, name);
        let Some(there) = there.filter(|it| it.shown.by(self.now)) else {
            return Err(self.not_found(name));
        };
        if there.going.is_some() {
            let message = format!("`{name}` is being removed");
            return Err(self.error(CloudErrorKind::WrongState, "OperationInProgress", message));
        }
        let other = there.other.clone();
        let takes = self.state.faults.draw(&self.settings.deleting);
        self.occupy_for(takes, network, &other)?;
        let (operation, fails) = self.begin(request, name, takes);
        if fails {
            return Ok(operation);
        }
        let mut seen = self.soon();
        let at = after(self.now, takes);
        seen.from = seen.from.max(at);
        let (now, is_it) = (self.now, |it: &SimulatedHalf| {
            it.name == *name && it.network.is_same(network)
        });
        for half in self.state.world.halves.iter_mut().filter(|it| is_it(it)) {
            half.going = Some((at, seen.clone()));
        }
        self.state.world.halves_pass_time(now);
        Ok(operation)
    }

    /// GCP answers a request that it has had before with the operation that it began.
    fn begun_before(&self, request: RequestId) -> Option<CloudOperation> {
        match self.at.provider {
            Provider::Gcp => {}
            Provider::Aws | Provider::Azure => return None,
        }
        let mut operations = self.state.world.operations.iter();
        let known = operations.find(|it| it.request == request.0);
        known.map(|it| it.name.clone())
    }

    /// Begins an operation, and says whether it ends with an error.
    fn begin(&mut self, request: RequestId, half: &Link, takes: Duration) -> (HalfAnswer, bool) {
        let name: CloudOperation = self.state.faults.id("operation");
        let failing = &mut self.state.world.failing;
        let here = failing
            .iter()
            .position(|(account, _)| *account == self.at.account);
        let error = here.map(|index| failing.remove(index).1);
        let fails = error.is_some();
        self.state.world.operations.push(SimulatedOperation {
            name: name.clone(),
            request: request.0,
            half: half.clone(),
            ends_at: after(self.now, takes),
            error,
        });
        (HalfAnswer::Started { operation: name }, fails)
    }

    pub(crate) fn operation(
        &mut self,
        operation: &CloudOperation,
    ) -> Result<OperationState, CloudError> {
        let mut operations = self.state.world.operations.iter();
        let Some(known) = operations.find(|it| it.name == *operation) else {
            return Err(self.not_found(operation));
        };
        Ok(match &known.error {
            _ if self.now < known.ends_at => OperationState::Running,
            None => OperationState::Done,
            Some(message) => OperationState::Failed {
                kind: meaning(message),
                about: (meaning(message) == CloudErrorKind::Unexpected)
                    .then_some(About::FailedOperation),
                message: message.clone(),
            },
        })
    }
}

/// What the code means that an operation's error begins with.
fn meaning(error: &str) -> CloudErrorKind {
    match error.split(':').next() {
        Some("QUOTA_EXCEEDED") => CloudErrorKind::Quota,
        Some("OPERATION_IN_PROGRESS") => CloudErrorKind::Busy,
        Some("PERMISSION_DENIED") => CloudErrorKind::Denied,
        Some(_) | None => CloudErrorKind::Unexpected,
    }
}
