//! Azure: each VNet has its half of the link; whoever has rights on both makes both. The default
//! lets the other end in.

use super::{
    Instruction, in_order, name_of,
    shell::{command, quoted},
};
use domain::{
    Side,
    network::{Consent, Life, LinkOption, Peering, Registered},
    text::{CloudNetwork, Link},
};
use serde_json::json;

/// What the engine does on a side that it keeps.
pub const ACTIONS: [&str; 14] = [
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/peer/action",
    "Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveConnectivityConfigurations/action",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete",
    "Microsoft.Network/routeTables/read",
    "Microsoft.Network/networkInterfaces/read",
    "Microsoft.Network/networkSecurityGroups/read",
    "Microsoft.Network/networkSecurityGroups/securityRules/write",
    "Microsoft.Network/networkSecurityGroups/securityRules/delete",
    "Microsoft.Network/locations/operations/read",
    "Microsoft.Network/locations/operationResults/read",
    "Microsoft.Network/locations/usages/read",
];

/// A VNet's resource id, taken apart.
struct Vnet<'a> {
    subscription: &'a str,
    group: &'a str,
    name: &'a str,
}

impl<'a> Vnet<'a> {
    /// What the id does not tell is left for the reader to fill in.
    fn of(network: &'a CloudNetwork) -> Self {
        let words: Vec<_> = network.as_str().split('/').collect();
        let after = |key: &str, otherwise| {
            let at = words.iter().position(|word| word.eq_ignore_ascii_case(key));
            at.and_then(|at| words.get(at + 1))
                .copied()
                .filter(|it| !it.is_empty())
                .unwrap_or(otherwise)
        };
        Self {
            subscription: after("subscriptions", "SUBSCRIPTION"),
            group: after("resourceGroups", "RESOURCE_GROUP"),
            name: after("virtualNetworks", "VNET"),
        }
    }

    fn options(&self) -> Vec<(&'static str, String)> {
        vec![
            ("--subscription", quoted(self.subscription)),
            ("--resource-group", quoted(self.group)),
        ]
    }
}

/// What the peer's owner must do, as things stand.
pub fn for_peer(network: &Registered, peering: &Peering) -> Vec<Instruction> {
    in_order(peering, || todo(network, peering))
}

fn todo(network: &Registered, peering: &Peering) -> Vec<Instruction> {
    let consent = peering.terms.consent;
    if matches!(
        peering.life,
        Life::Removing { .. } | Life::Abandoning { .. }
    ) {
        return match consent {
            Consent::Owner => vec![Instruction::sh(
                "Remove the peer's half of the link",
                half("delete", peering, Vec::new()),
            )],
            Consent::Delegated => Vec::new(),
        };
    }
    // A half that is left out of this comes up open, and the private network may be open yet.
    let remote = vec![
        ("--remote-vnet", quoted(&network.cloud_network)),
        ("--allow-vnet-access", "false".to_owned()),
    ];
    let first = match consent {
        Consent::Owner => Instruction::sh(
            "Make the peer's half of the link, closed",
            half("create", peering, remote),
        ),
        Consent::Delegated => Instruction::json(
            "Role for Peerage's application in the peer's tenant: assign it on this VNet and on the network security groups that it may write into",
            &role(peering),
        ),
    };
    let all = guard(network, peering).into_iter().chain([first]);
    all.chain(open(peering)).chain(lend(peering)).collect()
}

/// The default rules let a peered network in as soon as there is a half: the denial is there before
/// it. Where the engine keeps the peer's side it puts its own, behind what it admits; one of the
/// owner's would stand before both.
fn guard(network: &Registered, peering: &Peering) -> Option<Instruction> {
    (peering.terms.consent == Consent::Owner).then(|| {
        let title = format!("Let nothing from {} in", network.range);
        Instruction::sh(title, deny(network, peering))
    })
}

/// The peer's half lets both ends through: it is opened once the private network keeps the peer
/// out.
fn open(peering: &Peering) -> Option<Instruction> {
    let keeps_out = peering.firewall.local.is_enforced() || peering.is_left_open(Side::Local);
    let title = match keeps_out {
        true => "Open the peer's half",
        false => {
            "Open the peer's half, once `peerage peering show` says that the private network's firewall is enforced"
        }
    };
    let access = vec![("--set", "allowVirtualNetworkAccess=true".to_owned())];
    (peering.terms.consent == Consent::Owner)
        .then(|| Instruction::sh(title, half("update", peering, access)))
}

/// The private network is to use the peer's gateway, and its owner has the peer's half: it has to
/// be lent there first.
fn lend(peering: &Peering) -> Option<Instruction> {
    let borrows = peering.option(Side::Local, LinkOption::RemoteGateways);
    (borrows.wanted && peering.terms.consent == Consent::Owner).then(|| {
        Instruction::sh(
            "Lend the peer's gateway to the private network, once both halves are connected",
            format!("{}\n", lend_gateway(peering)),
        )
    })
}

/// The command with which the peer's owner lends its gateway over the link.
pub fn lend_gateway(peering: &Peering) -> String {
    let lends = vec![("--set", "allowGatewayTransit=true".to_owned())];
    half("update", peering, lends).trim_end().to_owned()
}

/// The command that removes a network's own gateway; its name is the reader's to fill in.
pub fn remove_gateway(network: &CloudNetwork) -> String {
    let mut options = Vnet::of(network).options();
    options.push(("--name", "GATEWAY".to_owned()));
    command("az network vnet-gateway delete", &options)
}

/// The command that gives back what a half borrows, by the half's id or a word that stands for it.
pub fn give_back_gateway(half: &str) -> String {
    let options = [
        ("--ids", quoted(half)),
        ("--set", "useRemoteGateways=false".to_owned()),
    ];
    command("az network vnet peering update", &options)
}

fn half(verb: &str, peering: &Peering, more: Vec<(&'static str, String)>) -> String {
    let vnet = Vnet::of(&peering.peer.cloud_network);
    let named = [
        ("--vnet-name", quoted(vnet.name)),
        ("--name", quoted(name_of(peering))),
    ];
    let options: Vec<_> = vnet
        .options()
        .into_iter()
        .chain(named)
        .chain(more)
        .collect();
    format!(
        "{}\n",
        command(&format!("az network vnet peering {verb}"), &options)
    )
}

/// The command that removes one half, where only Azure shows that it has lost its own.
pub fn remove_half(network: &CloudNetwork, half: &Link) -> String {
    let id = format!("{network}/virtualNetworkPeerings/{half}");
    command("az network vnet peering delete", &[("--ids", quoted(id))])
}

/// The command that removes the halves that one network has towards another and that have lost
/// their own.
pub fn remove_disconnected(network: &CloudNetwork, towards: &CloudNetwork) -> String {
    let vnet = Vnet::of(network);
    let mut options = vnet.options();
    options.push(("--vnet-name", quoted(vnet.name)));
    let name = Vnet::of(towards).name;
    let meant = format!(
        "[?peeringState=='Disconnected' && ends_with(remoteVirtualNetwork.id, '/{name}')].id"
    );
    options.push(("--query", quoted(meant)));
    options.push(("--output", "tsv".to_owned()));
    let listed = command("az network vnet peering list", &options);
    format!("{listed} | xargs -n 1 az network vnet peering delete --ids")
}

/// The command that lists what changes of this network's halves have failed with, of a day.
pub fn failed_operations(network: &CloudNetwork) -> String {
    let options = [
        ("--resource-id", quoted(network)),
        ("--status", "Failed".to_owned()),
        ("--offset", "1d".to_owned()),
        (
            "--query",
            quoted(
                "[].{what: operationName.value, at: eventTimestamp, why: properties.statusMessage}",
            ),
        ),
    ];
    command("az monitor activity-log list", &options)
}

/// The command that registers the network provider in a network's subscription.
pub fn register(network: &CloudNetwork) -> String {
    let subscription = quoted(Vnet::of(network).subscription);
    format!("az provider register --namespace Microsoft.Network --subscription {subscription}")
}

/// The default rule AllowVnetInBound admits peered networks, so the denial must be said.
fn deny(network: &Registered, peering: &Peering) -> String {
    let vnet = Vnet::of(&peering.peer.cloud_network);
    let rule = [
        ("--nsg-name", "\"$nsg\"".to_owned()),
        ("--name", quoted(name_of(peering))),
        ("--priority", "100".to_owned()),
        ("--direction", "Inbound".to_owned()),
        ("--access", "Deny".to_owned()),
        ("--protocol", quoted("*")),
        ("--source-address-prefixes", quoted(network.range)),
        ("--source-port-ranges", quoted("*")),
        ("--destination-address-prefixes", quoted("*")),
        ("--destination-port-ranges", quoted("*")),
    ];
    let options: Vec<_> = vnet.options().into_iter().chain(rule).collect();
    format!(
        "set -eu\n# For the network security group of each subnet and interface: without this rule the default one lets {} in. It must come \
         before every rule that allows.\n: \"${{nsg:?set it to the name of a network security group}}\"\n{}\n",
        network.range,
        command("az network nsg rule create", &options)
    )
}

fn role(peering: &Peering) -> serde_json::Value {
    json!({
        "Name": name_of(peering),
        "Description": "What Peerage needs for the peer's half of a link",
        "Actions": ACTIONS,
        // A role is made for a resource group at the least; what it is assigned on may be less.
        "AssignableScopes": [group_of(&peering.peer.cloud_network)],
    })
}

/// The resource group of a VNet.
fn group_of(network: &CloudNetwork) -> &str {
    let id = network.as_str();
    id.split_once("/providers/").map_or(id, |(group, _)| group)
}
