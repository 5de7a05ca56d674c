//! The remote side's firewall beside the local one: nothing to admit there is no news, whatever the
//! local side admits.

use super::{super::*, given, samples::*};
use crate::side::Side;

#[test]
fn denying_all_on_the_remote_side_changes_nothing_whatever_the_local_side_admits() {
    let command = RestrictFirewall {
        peering_id: peering_id(1),
        side: Side::Remote,
        admit: Vec::new(),
        tenure: Default::default(),
    };
    given(active_history([restricted(Side::Local, &[clients()])]))
        .when(command.clone())
        .then_nothing();
    given(active_history([
        ingress_allowed(1, "10.101.8.0/24", 443).into()
    ]))
    .when(command)
    .then_nothing();
}
