//! A group of the peer's as the source of a rule: at AWS, within a region.

use super::{Life, cloud_of, is_clean, remove};
use crate::provisioner::{
    memories::Memories,
    testing::{Log, clock, commands, peering_id},
};
use domain::{
    AdmittedSource, Provider, Region, Side,
    network::{BlockCause, InboundRule, NetworkCommand, RestrictFirewall},
};
use simulated::SimulatedSettings;

impl Life {
    /// Before anybody has looked; the peer is in the private network's region.
    fn within_a_region() -> Self {
        let clock = clock();
        let log = Log::default().told_by(&clock);
        for mut command in commands() {
            if let NetworkCommand::RequestPeering(request) = &mut command {
                request.peer.region = Region::of(Provider::Aws, "eu-west-1").unwrap();
            }
            log.execute(&command).unwrap();
        }
        Self {
            cloud: cloud_of(&log, SimulatedSettings::instant(21), &clock),
            clock,
            log,
            memories: Memories::default(),
        }
    }

    fn opens_to(&self, sources: &[AdmittedSource]) {
        let rule = |source: &AdmittedSource| InboundRule {
            source: *source,
            port: 2113,
            target: None,
        };
        self.says(RestrictFirewall {
            peering_id: peering_id(),
            side: Side::Local,
            admit: sources.iter().map(rule).collect(),
            tenure: Default::default(),
        });
    }

    /// What the engine's rules of the private network admit.
    fn open_to(&self) -> Vec<AdmittedSource> {
        let world = self.cloud.world();
        let groups = &world.networks[&self.network(Side::Local).to_string()].groups;
        let ours = groups.iter().filter(|group| group.owner.is_some());
        let rules = ours.flat_map(|group| &group.rules);
        rules.filter_map(|it| Some(it.rule?.source)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_carries_a_group_of_the_peers_is_let_in_until_it_is_admitted_no_longer() {
    let mut life = Life::within_a_region();
    life.settles().await;
    let (home, theirs) = (life.network(Side::Local), life.network(Side::Remote));
    let before = life.open_to();
    let by_hand = life.cloud.out_of_band();
    let account = &theirs.at.account;
    let clients = by_hand.group(&theirs, "clients", &[]).unwrap();
    let source: AdmittedSource = format!("{account}/{clients}").parse().unwrap();
    life.opens_to(&[source]);
    life.settles().await;
    assert_eq!(life.open_to(), [source]);
    assert!(life.log.peering().is_converged());

    // A rule that somebody took away is put back, as it was.
    let rules = life.log.peering().firewall.local.rules;
    by_hand.drop_rule(&home, rules.values().next().unwrap());
    assert_eq!(life.open_to(), []);
    life.looks_again().await;
    assert_eq!(life.open_to(), [source]);

    // A group that is not there holds up what else is asked for, and is named.
    let nobody = format!("{account}/sg-0123456789abcdef0");
    life.opens_to(&[nobody.parse().unwrap()]);
    life.blocks(BlockCause::NotFound, Side::Local).await;
    let blocked = life.log.peering().blocked.unwrap();
    assert!(
        blocked.message.contains("sg-0123456789abcdef0"),
        "{}",
        blocked.message
    );
    assert_eq!(
        life.open_to(),
        [],
        "what is not admitted any more goes first"
    );

    life.opens_to(&before);
    life.settles().await;
    assert_eq!(life.open_to(), before);
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed");
}
