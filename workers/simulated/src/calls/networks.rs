//! What calls about whole networks do.

use super::{
    super::{
        faults::prefixes,
        settings::Rehearsing,
        world::{SimulatedNetwork, bare},
    },
    Call,
    firewall::{nowhere, unguarded},
};
use cloud::{
    AccessListView, CloudError, DnsSupport, InterfaceView, NetworkRef, NetworkView, Operation,
    Rehearsal, Rehearsed, SubnetView,
};
use domain::{Provider, Range, text::CloudNetwork};

impl Call<'_> {
    pub(crate) fn networks(&mut self, of: &[CloudNetwork]) -> Vec<NetworkView> {
        let mut shown = self.look(of, |network, _| vec![network.view()]);
        let (at, world) = (self.at, &self.state.world);
        for view in &mut shown {
            view.immutable_id = world.immutable_id(&NetworkRef {
                at: bare(at),
                network: view.network.clone(),
            });
        }
        if !self.is_elsewhere() {
            shown.extend(self.shared(of));
        }
        shown
    }

    /// Those of other accounts that are shared with this one.
    fn shared(&self, of: &[CloudNetwork]) -> Vec<NetworkView> {
        let (at, all) = (self.at, self.state.world.networks.values());
        let is_here = |it: &&SimulatedNetwork| {
            let its = &it.network.at;
            (its.provider, &its.region) == (at.provider, &at.region)
                && it.shared_with.contains(&at.account)
        };
        let shared = all.filter(|it| of.contains(&it.network.network));
        let view = |it: &SimulatedNetwork| NetworkView {
            shared_by: Some(it.network.at.account.clone()),
            ..it.view()
        };
        shared.filter(is_here).map(view).collect()
    }

    pub(crate) fn subnets(&mut self, of: &[CloudNetwork]) -> Vec<SubnetView> {
        self.look(of, |network, _| network.subnet_views().collect())
    }

    pub(crate) fn access_lists(&mut self, of: &[CloudNetwork]) -> Vec<AccessListView> {
        self.look(of, |network, _| network.access_list_views())
    }

    pub(crate) fn interfaces(&mut self, of: &[CloudNetwork]) -> Vec<InterfaceView> {
        self.look(of, |network, _| network.interface_views())
    }

    pub(crate) fn dns_support(&mut self, network: &NetworkRef) -> Result<DnsSupport, CloudError> {
        self.know(network, &[]);
        self.state
            .world
            .network(network)
            .map(|network| network.dns)
            .ok_or_else(|| self.not_found(network))
    }

    /// Permissions are all that is looked at, as at AWS.
    pub(crate) fn rehearse(&mut self, rehearsal: &Rehearsal) -> Rehearsed {
        let operation = match rehearsal {
            Rehearsal::CreateLink(_) => Operation::CreateLink,
            Rehearsal::AcceptLink { .. } => Operation::AcceptLink,
            Rehearsal::CreateGroup { .. } => Operation::CreateGroup,
        };
        if let Rehearsal::CreateGroup { network, .. } = rehearsal
            && let Some(known) = self.state.world.network(network)
            && unguarded(known)
        {
            let message = nowhere(network);
            return Rehearsed::NowhereToWrite { message };
        }
        match self.settings.rehearsing {
            Rehearsing::NotAvailable => Rehearsed::NotAvailable,
            Rehearsing::Honoured => match self.state.admission.permitted(operation, self.at) {
                Ok(()) => Rehearsed::Allowed,
                Err(refused) => Rehearsed::Refused {
                    message: refused.message,
                },
            },
        }
    }

    pub(crate) fn create_network(
        &mut self,
        range: Range,
        name: &str,
    ) -> Result<CloudNetwork, CloudError> {
        let id: CloudNetwork = match self.at.provider {
            Provider::Aws => self.state.faults.id("vpc"),
            Provider::Gcp => self.state.faults.id(name),
            Provider::Azure => self.state.faults.id(&format!(
                "/subscriptions/{}/providers/Microsoft.Network/virtualNetworks/{name}",
                self.at.account
            )),
        };
        let network = NetworkRef {
            at: bare(self.at),
            network: id.clone(),
        };
        let main = self.state.faults.id(prefixes(self.at.provider).table);
        let made = SimulatedNetwork::new(network.clone(), vec![range.net()], main);
        self.state.world.networks.insert(network.to_string(), made);
        Ok(id)
    }
}
