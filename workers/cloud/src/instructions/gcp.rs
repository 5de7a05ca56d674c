//! GCP: each side makes its own half, and the link is active when both match.

use super::{
    Instruction, in_order, name_of,
    shell::{command, quoted},
};
use domain::{
    network::{Consent, Life, Peering, Registered},
    text::{Account, CloudNetwork},
};

/// What the peer's owner must do, as things stand.
pub fn for_peer(network: &Registered, peering: &Peering) -> Vec<Instruction> {
    in_order(peering, || todo(network, peering))
}

/// What the private network's owner must allow the engine in their own project.
pub fn for_engine(network: &Registered, peering: &Peering) -> Vec<Instruction> {
    let title = "Let Peerage keep the private network's side";
    in_order(peering, || {
        vec![Instruction::sh(title, role(&network.account))]
    })
}

fn todo(network: &Registered, peering: &Peering) -> Vec<Instruction> {
    if matches!(
        peering.life,
        Life::Removing { .. } | Life::Abandoning { .. }
    ) {
        return match peering.terms.consent {
            Consent::Owner => vec![Instruction::sh(
                "Remove the peer's half of the link",
                remove(peering),
            )],
            Consent::Delegated => Vec::new(),
        };
    }
    let half = match peering.terms.consent {
        Consent::Owner => {
            Instruction::sh("Make the peer's half of the link", create(network, peering))
        }
        Consent::Delegated => Instruction::sh(
            "Let Peerage make the peer's half of the link",
            role(&peering.peer.account),
        ),
    };
    vec![
        half,
        Instruction::sh(
            format!("Let nothing from {} in", network.range),
            deny(network, peering),
        ),
    ]
}

/// The command that lists what the project's operations on this network ended with.
pub fn failed_operations(project: &Account, network: &CloudNetwork) -> String {
    let options = [
        ("--project", quoted(project)),
        ("--global", String::new()),
        (
            "--filter",
            quoted(format!("targetLink ~ /networks/{network}$ AND error:*")),
        ),
        ("--format", quoted("yaml(operationType,insertTime,error)")),
    ];
    command("gcloud compute operations list", &options)
}

fn create(network: &Registered, peering: &Peering) -> String {
    let words = command(
        &format!(
            "gcloud compute networks peerings create {}",
            quoted(name_of(peering))
        ),
        &[
            ("--project", quoted(&peering.peer.account)),
            ("--network", quoted(&peering.peer.cloud_network)),
            ("--peer-project", quoted(&network.account)),
            ("--peer-network", quoted(&network.cloud_network)),
            ("--import-custom-routes", String::new()),
            ("--export-custom-routes", String::new()),
        ],
    );
    format!("{words}\n")
}

fn remove(peering: &Peering) -> String {
    let words = command(
        &format!(
            "gcloud compute networks peerings delete {}",
            quoted(name_of(peering))
        ),
        &[
            ("--project", quoted(&peering.peer.account)),
            ("--network", quoted(&peering.peer.cloud_network)),
        ],
    );
    format!("{words}\n")
}

/// Before the owner's rules, which have the number 1000 unless they say another.
const FIRST: u16 = 900;
/// Behind all that the engine admits, whatever number its rules have, and before the rules of the
/// default network.
const BEHIND_THE_ENGINES: u16 = 65_533;

/// Networks deny what comes in unless a rule admits it; this one stands before such rules, but for
/// the engine's where it keeps the peer's side. Its name is none that the engine gives.
fn deny(network: &Registered, peering: &Peering) -> String {
    let number = match peering.terms.consent {
        Consent::Owner => FIRST,
        Consent::Delegated => BEHIND_THE_ENGINES,
    };
    let words = command(
        &format!(
            "gcloud compute firewall-rules create {}",
            quoted(format!("{}-deny", name_of(peering)))
        ),
        &[
            ("--project", quoted(&peering.peer.account)),
            ("--network", quoted(&peering.peer.cloud_network)),
            ("--direction", "INGRESS".to_owned()),
            ("--action", "DENY".to_owned()),
            ("--rules", "all".to_owned()),
            ("--source-ranges", quoted(network.range)),
            ("--priority", number.to_string()),
        ],
    );
    format!(
        "# Rules with a number under {number} go first: see that none of them admits {}.\n{words}\n",
        network.range
    )
}

/// The permissions that the engine takes in a project where it keeps a side, in IAM's words.
pub const PERMISSIONS: [&str; 18] = [
    "cloudquotas.quotas.get",
    "compute.firewalls.create",
    "compute.firewalls.delete",
    "compute.firewalls.get",
    "compute.firewalls.list",
    "compute.firewalls.update",
    "compute.globalOperations.get",
    "compute.networks.addPeering",
    "compute.networks.get",
    "compute.networks.getEffectiveFirewalls",
    "compute.networks.getRegionEffectiveFirewalls",
    "compute.networks.listPeeringRoutes",
    "compute.networks.removePeering",
    "compute.networks.updatePeering",
    "compute.networks.updatePolicy",
    "compute.projects.get",
    "compute.routes.list",
    "compute.subnetworks.list",
];

/// A role of a project with what the engine takes there, and the engine's account in it.
fn role(project: &Account) -> String {
    let create = command(
        "gcloud iam roles create peerage",
        &[
            ("--project", quoted(project)),
            ("--permissions", quoted(PERMISSIONS.join(","))),
        ],
    );
    let bind = command(
        &format!("gcloud projects add-iam-policy-binding {}", quoted(project)),
        &[
            ("--member", "\"serviceAccount:$engine\"".to_owned()),
            (
                "--role",
                quoted(format!("projects/{project}/roles/peerage")),
            ),
        ],
    );
    format!(
        "set -eu\n: \"${{engine:?set it to the e-mail address of Peerage's service account}}\"\n{create}\n{bind}\n"
    )
}
