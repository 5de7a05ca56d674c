//! What others who manage a network have in force there.

use super::*;

#[test]
fn what_network_managers_have_in_force_is_noted_at_its_side_and_holds_nothing_up() {
    let (log, told) = (Log::with_a_peering(), "somebody manages it".to_owned());
    let plain = sees(&[]);
    let mut seen = sees(&[]);
    seen.may_create_group.remote = Some(Rehearsed::ToBeKnown {
        message: told.clone(),
    });
    assert_eq!(planned(&log, &seen, 0), planned(&log, &plain, 0));
    let (network, peering, settings) =
        (log.network(), log.peering(), ProvisionerSettings::default());
    let facts = Facts {
        network: &network,
        peering: &peering,
        seen: &seen,
        memory: &Memory::default(),
        graph: &Graph::default(),
        limits: BySide::of(|_| LIMITS),
        now: at(0),
        seen_at: at(0),
        settings: &settings,
        unseen: BySide::default(),
        rests: false,
    };
    let reports = preflight(&facts).unwrap();
    let noted = |side: Side| {
        let of = |it: &&CheckReport| it.check == "network" && it.side == Some(side);
        reports.iter().find(of).unwrap().outcome.clone()
    };
    assert_eq!(noted(Side::Local), CheckOutcome::Passed);
    assert_eq!(noted(Side::Remote), CheckOutcome::Noted { message: told });
}

#[test]
fn whether_a_link_may_be_made_is_asked_until_it_is_there() {
    let settings = ProvisionerSettings::default();
    let mut seen = sees(&[]);
    seen.may_create_link = Some(Rehearsed::Refused {
        message: "no".to_owned(),
    });
    let permitted = |log: &Log| {
        let (network, peering) = (log.network(), log.peering());
        let facts = Facts {
            network: &network,
            peering: &peering,
            seen: &seen,
            memory: &Memory::default(),
            graph: &Graph::default(),
            limits: BySide::of(|_| LIMITS),
            now: at(0),
            seen_at: at(0),
            settings: &settings,
            unseen: BySide::default(),
            rests: false,
        };
        let reports = preflight(&facts).unwrap();
        let of = |it: &&CheckReport| it.check == "permissions" && it.side == Some(Side::Local);
        let outcome = &reports.iter().find(of).unwrap().outcome;
        !matches!(outcome, CheckOutcome::Failed { .. })
    };
    assert!(!permitted(&Log::with_a_peering()));
    assert!(permitted(&active()));
}
