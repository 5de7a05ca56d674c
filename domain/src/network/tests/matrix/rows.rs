//! What comes of each command, row by row.

use super::{
    super::{super::*, now, samples::*},
    Expected, NIL, YES,
    columns::COLUMNS,
};
use crate::{
    side::Side,
    text::{Link, RouteTable},
};
use NetworkCommand::Record;

macro_rules! rows {
    ($($name:ident $verdicts:tt $pattern:pat => $command:expr;)*) => {
        pub(in super::super) const ROWS: &[Row] = &[$((stringify!($name), || $command, $verdicts)),*];

        /// Compiles only while every command has a row.
        pub(super) fn has_a_row(command: &NetworkCommand) {
            match command {
                $($pattern => {})*
            }
        }
    };
}

/// The command's name, the command, and what comes of it in each state.
pub(in super::super) type Row = (
    &'static str,
    fn() -> NetworkCommand,
    [Expected; COLUMNS.len()],
);

const NET: Expected = "NETWORK_UNKNOWN";
const DUP: Expected = "NETWORK_ALREADY_REGISTERED";
const UNK: Expected = "PEERING_UNKNOWN";
const END: Expected = "PEERING_ENDED";
const LIV: Expected = "PEER_ALREADY_LINKED";
const RTE: Expected = "ROUTE_ALREADY_ACCEPTED";
const ORD: Expected = "OUTCOME_OUT_OF_ORDER";
const MIS: Expected = "LINK_MISMATCH";
const RET: Expected = "NETWORK_RETIRED";
const USE: Expected = "NETWORK_IN_USE";
const RMV: Expected = "PEERING_BEING_REMOVED";
const BAB: Expected = "PEERING_BEING_ABANDONED";
const LOR: Expected = "LINK_ON_RECORD";
const RNA: Expected = "ROUTE_NOT_ACCEPTED";
const IUN: Expected = "INGRESS_UNKNOWN";
const OUN: Expected = "ORPHAN_UNKNOWN";
const SNC: Expected = "SUBNET_NOT_CHOSEN";
const PRN: Expected = "PEER_RANGE_NOT_ON_RECORD";
const ADU: Expected = "ADMISSION_UNKNOWN";
const PRM: Expected = "PEER_RANGES_MISSING";
const ING: Expected = "INGRESS_ALREADY_ALLOWED";

#[rustfmt::skip]
rows! {
    //                                  unr  none reqd ing  iref ited acc  act  rmv0 rmv? rmv1 rmvX
    //                                  abg0 abg? abg1 abgX rej  exp  fail rmvd abnd adpt adrm ret
    register                           [YES, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, RET] NetworkCommand::RegisterNetwork(_) => register().into();
    set_another_policy                 [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] NetworkCommand::SetPolicy(_) => set_policy(DriftPolicy::Report);
    set_the_same_policy                [NET, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, RET] NetworkCommand::SetPolicy(_) => set_policy(DriftPolicy::Repair);
    check_drift                        [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] NetworkCommand::CheckDrift(_) => CheckDrift {}.into();
    freeze                             [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] NetworkCommand::FreezeNetwork(_) => FreezeNetwork { reason: reason_given("an incident"), everywhere: false }.into();
    thaw_what_is_not_frozen            [NET, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, RET] NetworkCommand::ThawNetwork(_) => ThawNetwork { reason: None }.into();
    quarantine                         [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] NetworkCommand::ImposeQuarantine(_) => ImposeQuarantine { scope: QuarantineScope::Everything, reason: reason_given("an incident"), everywhere: false }.into();
    lift_no_quarantine                 [NET, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, RET] NetworkCommand::LiftQuarantine(_) => LiftQuarantine { scope: QuarantineScope::Everything, reason: None }.into();
    remove_an_orphan_that_is_unknown   [NET, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, OUN, RET] NetworkCommand::RemoveOrphan(_) => RemoveOrphan { orphan: text("pcx-0123456789abcdef0"), reason: reason_given("left over") }.into();
    retire                             [NET, YES, USE, USE, USE, USE, USE, USE, USE, USE, USE, USE, USE, USE, USE, USE, YES, YES, YES, YES, YES, USE, USE, RET] NetworkCommand::RetireNetwork(_) => RetireNetwork { reason: reason_given("moved") }.into();
    request_the_same_peer              [NET, YES, LIV, LIV, LIV, LIV, LIV, LIV, LIV, LIV, LIV, LIV, LIV, LIV, LIV, LIV, YES, YES, YES, YES, YES, LIV, LIV, RET] NetworkCommand::RequestPeering(_) => request(1);
    request_another_peer               [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] NetworkCommand::RequestPeering(_) => request(2);
    adopt_another_link                 [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] NetworkCommand::AdoptPeering(_) => adopt(2, other_link());
    adopt_this_link_for_another        [NET, YES, YES, YES, YES, LOR, LOR, LOR, YES, YES, LOR, LOR, YES, YES, LOR, LOR, LOR, LOR, YES, LOR, YES, LOR, LOR, RET] NetworkCommand::AdoptPeering(_) => adopt(2, link());
    network_nodes_are_told             [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] NetworkCommand::SetNetworkNodes(_) => nodes(&["10.20.1.0/24"]);
    no_network_nodes_as_it_is          [NET, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, RET] NetworkCommand::SetNetworkNodes(_) => nodes(&[]);
    network_ipv6_ranges_are_told       [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] NetworkCommand::SetNetworkIpv6Ranges(_) => ipv6(&["fd00:20::/56"]);
    no_network_ipv6_range_as_it_is     [NET, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, RET] NetworkCommand::SetNetworkIpv6Ranges(_) => ipv6(&[]);
    network_subnets_are_all            [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] NetworkCommand::ChangeNetworkSubnets(_) => of_network(SubnetChange::Set { subnets: vec![text("*")] });
    network_subnets_as_they_are        [NET, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, RET] NetworkCommand::ChangeNetworkSubnets(_) => of_network(SubnetChange::Add { subnets: register().subnets });
    network_subnet_that_is_not_chosen  [NET, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, SNC, RET] NetworkCommand::ChangeNetworkSubnets(_) => of_network(SubnetChange::Drop { subnets: vec![text("subnet-0cc3")] });
    add_a_range                        [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::AddPeerRanges(_) => add_ranges(&["10.111.0.0/16"]);
    add_a_range_that_is_there          [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, NIL, RMV, RET] NetworkCommand::AddPeerRanges(_) => add_ranges(&["10.101.0.0/16"]);
    drop_a_range_that_is_not_there     [NET, UNK, PRN, PRN, PRN, PRN, PRN, PRN, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, PRN, RMV, RET] NetworkCommand::DropPeerRanges(_) => drop_ranges(&["10.111.0.0/16"]);
    drop_the_only_range                [NET, UNK, PRM, PRM, PRM, PRM, PRM, PRM, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, PRM, RMV, RET] NetworkCommand::DropPeerRanges(_) => drop_ranges(&["10.101.0.0/16"]);
    peer_subnets                       [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::ChangePeerSubnets(_) => of_peer(&["subnet-0cc3"]);
    peer_subnets_as_they_are           [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, NIL, RMV, RET] NetworkCommand::ChangePeerSubnets(_) => of_peer(&[]);
    accept_a_new_route                 [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::AcceptRoute(_) => accept(Side::Remote, "10.20.0.0/16");
    accept_the_same_route              [NET, UNK, RTE, RTE, RTE, RTE, RTE, RTE, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, RTE, RMV, RET] NetworkCommand::AcceptRoute(_) => accept(Side::Local, "10.101.0.0/16");
    withdraw_the_route                 [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::WithdrawRoute(_) => withdraw(Side::Local, "10.101.0.0/16");
    withdraw_no_route                  [NET, UNK, RNA, RNA, RNA, RNA, RNA, RNA, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, RNA, RMV, RET] NetworkCommand::WithdrawRoute(_) => withdraw(Side::Remote, "10.20.0.0/16");
    replace_the_route                  [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::ReplaceRoute(_) => replace("10.101.0.0/16", "10.101.0.0/17");
    replace_no_route                   [NET, UNK, RNA, RNA, RNA, RNA, RNA, RNA, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, RNA, RMV, RET] NetworkCommand::ReplaceRoute(_) => replace("10.101.7.0/24", "10.101.0.0/17");
    restrict_to_less                   [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::RestrictFirewall(_) => restrict(&[]);
    restrict_to_the_same               [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, NIL, RMV, RET] NetworkCommand::RestrictFirewall(_) => restrict(&[clients()]);
    open_an_ingress                    [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::AllowConnectorIngress(_) => allow("10.101.8.0/24", 8443);
    open_the_same_ingress              [NET, UNK, ING, ING, ING, ING, ING, ING, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, ING, RMV, RET] NetworkCommand::AllowConnectorIngress(_) => allow("10.101.8.0/24", 443);
    revoke_the_ingress                 [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::RevokeConnectorIngress(_) => revoke_ingress(1);
    revoke_no_ingress                  [NET, UNK, IUN, IUN, IUN, IUN, IUN, IUN, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, IUN, RMV, RET] NetworkCommand::RevokeConnectorIngress(_) => revoke_ingress(7);
    resolve_names                      [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::SetDnsResolution(_) => resolve(true);
    resolve_no_names                   [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, NIL, RMV, RET] NetworkCommand::SetDnsResolution(_) => resolve(false);
    set_an_option                      [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::SetLinkOption(_) => set_option(true);
    set_no_option                      [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, NIL, RMV, RET] NetworkCommand::SetLinkOption(_) => set_option(false);
    attach                             [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::AttachFirewall(_) => attach(to_a_tag(true));
    detach_what_nobody_attached        [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, NIL, RMV, RET] NetworkCommand::DetachFirewall(_) => DetachFirewall { peering_id: peering_id(1), side: Side::Local }.into();
    deny                               [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::DenyWithLists(_) => DenyWithLists { peering_id: peering_id(1), side: Side::Local, subnets: [text("subnet-01")].into() }.into();
    stop_denying_what_is_not_denied    [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, NIL, RMV, RET] NetworkCommand::StopDenying(_) => StopDenying { peering_id: peering_id(1), side: Side::Local }.into();
    remove                             [NET, UNK, YES, YES, YES, YES, YES, YES, NIL, NIL, NIL, NIL, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, NIL, RET] NetworkCommand::RemovePeering(_) => remove();
    abandon                            [NET, UNK, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, NIL, NIL, NIL, NIL, END, END, END, END, END, YES, YES, RET] NetworkCommand::AbandonPeering(_) => abandon();
    abandon_and_clean                  [NET, UNK, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, END, END, END, END, END, YES, YES, RET] NetworkCommand::AbandonPeering(_) => abandon_and_clean();
    say_who_answers                    [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::SetTenure(_) => set_tenure(None);
    say_who_answers_for_no_admission   [NET, UNK, ADU, ADU, ADU, ADU, ADU, ADU, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, ADU, RMV, RET] NetworkCommand::SetTenure(_) => set_tenure(Some(InboundRule { port: 9, ..clients() }));
    confirm_the_peering                [NET, UNK, YES, YES, YES, YES, YES, YES, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, YES, RMV, RET] NetworkCommand::ConfirmOpening(_) => confirm(Reviewed::Peering);
    confirm_what_is_not_admitted       [NET, UNK, ADU, ADU, ADU, ADU, ADU, ADU, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, ADU, RMV, RET] NetworkCommand::ConfirmOpening(_) => confirm(Reviewed::Admission { rule: InboundRule { port: 9, ..clients() } });
    confirm_no_ingress                 [NET, UNK, IUN, IUN, IUN, IUN, IUN, IUN, RMV, RMV, RMV, RMV, BAB, BAB, BAB, BAB, END, END, END, END, END, IUN, RMV, RET] NetworkCommand::ConfirmOpening(_) => confirm(Reviewed::Ingress { ingress_id: ingress_id(7) });
    an_admission_without_an_end_ends   [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::AdmissionExpired(_)) => Record(AdmissionExpired { peering_id: peering_id(1), rule: clients(), expires_at: now() }.into());
    a_peering_without_an_end_ends      [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, ORD, NIL, RET] Record(Outcome::TenureEnded(_)) => Record(PeeringTenureEnded { peering_id: peering_id(1), expires_at: now(), at_end: AtEnd::Remove }.into());
    start_the_first_attempt            [NET, UNK, YES, NIL, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, RET] Record(Outcome::InitiationStarted(_)) => start(1);
    start_the_second_attempt           [NET, UNK, ORD, YES, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, RET] Record(Outcome::InitiationStarted(_)) => start(2);
    start_the_third_attempt            [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, RET] Record(Outcome::InitiationStarted(_)) => start(3);
    refuse_the_first_attempt           [NET, UNK, ORD, YES, NIL, ORD, ORD, ORD, NIL, YES, ORD, ORD, NIL, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, RET] Record(Outcome::InitiationRefused(_)) => refuse(1);
    refuse_the_second_attempt          [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, NIL, NIL, ORD, ORD, NIL, NIL, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, RET] Record(Outcome::InitiationRefused(_)) => refuse(2);
    initiate                           [NET, UNK, ORD, YES, ORD, NIL, NIL, NIL, ORD, YES, NIL, NIL, ORD, YES, NIL, NIL, ORD, ORD, ORD, ORD, ORD, NIL, NIL, RET] Record(Outcome::Initiated(_)) => initiate(link());
    initiate_another                   [NET, UNK, ORD, YES, ORD, MIS, MIS, MIS, ORD, YES, MIS, MIS, ORD, YES, MIS, MIS, ORD, ORD, ORD, ORD, ORD, MIS, MIS, RET] Record(Outcome::Initiated(_)) => initiate(other_link());
    expiry_is_near                     [NET, UNK, ORD, ORD, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, RET] Record(Outcome::ExpiryNear(_)) => Record(expiry_near().into());
    accepted                           [NET, UNK, ORD, ORD, ORD, YES, NIL, NIL, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, NIL, ORD, RET] Record(Outcome::Accepted(_)) => accepted_link(link());
    accepted_another                   [NET, UNK, ORD, ORD, ORD, MIS, MIS, MIS, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, MIS, ORD, RET] Record(Outcome::Accepted(_)) => accepted_link(other_link());
    activated                          [NET, UNK, ORD, ORD, ORD, ORD, YES, NIL, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, NIL, ORD, RET] Record(Outcome::Activated(_)) => activated_link(link());
    activated_another                  [NET, UNK, ORD, ORD, ORD, ORD, MIS, MIS, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, MIS, ORD, RET] Record(Outcome::Activated(_)) => activated_link(other_link());
    rejected                           [NET, UNK, ORD, ORD, ORD, YES, YES, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, NIL, ORD, ORD, ORD, ORD, YES, ORD, RET] Record(Outcome::Rejected(_)) => rejected_link(link());
    rejected_another                   [NET, UNK, ORD, ORD, ORD, MIS, MIS, MIS, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, NIL, ORD, ORD, ORD, ORD, MIS, ORD, RET] Record(Outcome::Rejected(_)) => rejected_link(other_link());
    expired                            [NET, UNK, ORD, ORD, ORD, YES, YES, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, NIL, ORD, ORD, ORD, YES, ORD, RET] Record(Outcome::Expired(_)) => expired_link(link());
    failed_with_its_link               [NET, UNK, ORD, ORD, ORD, YES, YES, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, NIL, ORD, ORD, YES, ORD, RET] Record(Outcome::Failed(_)) => fail(Some(link()));
    failed_with_another_link           [NET, UNK, ORD, ORD, ORD, MIS, MIS, MIS, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, NIL, ORD, ORD, MIS, ORD, RET] Record(Outcome::Failed(_)) => fail(Some(other_link()));
    failed_without_a_link              [NET, UNK, YES, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, NIL, ORD, ORD, ORD, ORD, RET] Record(Outcome::Failed(_)) => fail(None);
    deadline_passed                    [NET, UNK, YES, YES, YES, YES, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, RET] Record(Outcome::DeadlinePassed(_)) => Record(deadline_passed(now()).into());
    another_deadline_passed            [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, RET] Record(Outcome::DeadlinePassed(_)) => Record(deadline_passed(hours_on(1)).into());
    a_side_is_asked_for_the_link       [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, ORD, ORD, ORD, ORD, ORD, YES, YES, RET] Record(Outcome::AccepterSeen(_)) => Record(accepter_seen(Side::Local).into());
    survey                             [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, YES, YES, RET] Record(Outcome::Surveyed(_)) => Record(surveyed(&[]).into());
    confirm_what_nobody_added          [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, ORD, ORD, ORD, ORD, ORD, NIL, NIL, RET] Record(Outcome::RangesConfirmed(_)) => Record(PeerRangesConfirmed { peering_id: peering_id(1), ranges: ranges(&["10.111.0.0/16"]) }.into());
    an_immutable_id_is_seen            [NET, UNK, YES, YES, YES, YES, YES, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, YES, ORD, RET] Record(Outcome::PeerImmutableIdSeen(_)) => immutable_id_seen(Side::Remote, "4711").into();
    the_networks_immutable_id_is_seen  [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] Record(Outcome::NetworkImmutableIdSeen(_)) => immutable_id_seen(Side::Local, "4711").into();
    the_networks_quotas_are_seen       [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] Record(Outcome::QuotasSeen(_)) => quotas_seen(None, Some(100)).into();
    the_peers_quotas_are_seen          [NET, NIL, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, NIL, NIL, NIL, NIL, NIL, YES, YES, RET] Record(Outcome::QuotasSeen(_)) => quotas_seen(Some(&peer(1)), Some(100)).into();
    half_about_to_be_made              [NET, UNK, ORD, YES, ORD, YES, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::HalfChangeStarted(_)) => half_change(HalfChange::Make);
    half_about_to_be_removed           [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::HalfChangeStarted(_)) => half_change(HalfChange::Remove);
    operation_that_nobody_asked_for    [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::HalfOperationStarted(_)) => half_operation_started();
    operation_that_is_over_fails       [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::HalfOperationFailed(_)) => half_operation_failed();
    half_is_there                      [NET, UNK, ORD, ORD, ORD, YES, YES, YES, ORD, ORD, YES, YES, ORD, ORD, YES, YES, END, END, END, END, END, YES, YES, RET] Record(Outcome::HalfMade(_)) => half_there(link());
    half_of_another_name_is_there      [NET, UNK, ORD, ORD, ORD, MIS, MIS, MIS, ORD, ORD, MIS, MIS, ORD, ORD, MIS, MIS, END, END, END, END, END, MIS, MIS, RET] Record(Outcome::HalfMade(_)) => half_there(other_link());
    half_that_never_was_is_gone        [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::HalfRemoved(_)) => half_gone();
    link_is_gone                       [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, YES, NIL, ORD, ORD, YES, NIL, ORD, ORD, ORD, ORD, ORD, ORD, YES, RET] Record(Outcome::LinkRemoved(_)) => link_gone(link());
    another_link_is_gone               [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, MIS, MIS, ORD, ORD, MIS, MIS, ORD, ORD, ORD, ORD, ORD, ORD, MIS, RET] Record(Outcome::LinkRemoved(_)) => link_gone(other_link());
    removed_with_all                   [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, YES, YES, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, NIL, ORD, ORD, ORD, RET] Record(Outcome::Removed(_)) => Record(removed(&[]).into());
    removed_but_for_the_link           [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, YES, YES, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, NIL, ORD, ORD, ORD, RET] Record(Outcome::Removed(_)) => Record(removed(&[Leftover::Link { link: link() }]).into());
    abandoned_by_the_worker            [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, YES, YES, YES, YES, ORD, ORD, ORD, ORD, NIL, ORD, YES, RET] Record(Outcome::Abandoned(_)) => Record(worker_abandoned().into());
    install_a_route                    [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::RouteInstalled(_)) => install();
    a_route_is_gone_that_was_not_there [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::RouteRemoved(_)) => route_gone();
    find_a_conflict                    [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, YES, ORD, RET] Record(Outcome::RouteConflicted(_)) => conflict();
    intend_a_route                     [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::InstallationStarted(_)) => intend(intended_route());
    intend_a_group                     [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::InstallationStarted(_)) => intend(Thing::Group);
    intend_a_rule_that_is_not_admitted [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::InstallationStarted(_)) => intend(rule("10.101.0.0/16", 22).into());
    end_no_intent                      [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::InstallationEnded(_)) => intent_over(Thing::Group);
    find_a_route                       [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, YES, ORD, RET] Record(Outcome::RouteFound(_)) => find_route();
    enforce_routes                     [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, YES, ORD, RET] Record(Outcome::RoutesEnforced(_)) => enforce_routes(&["10.101.0.0/16"]);
    enforce_other_routes               [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::RoutesEnforced(_)) => enforce_routes(&[]);
    suspend_routes_without_an_exposure [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::RoutesSuspended(_)) => suspend_routes();
    resume_routes_not_suspended        [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::RoutesResumed(_)) => Record(RoutesResumed { peering_id: peering_id(1), side: Side::Local }.into());
    create_a_group                     [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, YES, YES, YES, YES, YES, YES, YES, YES, END, END, END, END, END, YES, YES, RET] Record(Outcome::FirewallGroupCreated(_)) => create_group();
    a_group_is_gone_that_was_not_there [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::FirewallGroupRemoved(_)) => Record(group_removed(Side::Local, "sg-01").into());
    authorize_a_rule                   [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, YES, YES, YES, YES, YES, YES, YES, YES, END, END, END, END, END, YES, YES, RET] Record(Outcome::FirewallRuleAuthorized(_)) => authorize();
    revoke_a_rule_not_there            [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::FirewallRuleRevoked(_)) => revoke();
    enforce                            [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, YES, ORD, RET] Record(Outcome::FirewallEnforced(_)) => enforce_firewall();
    a_choice_that_nobody_asked_for     [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, NIL, ORD, RET] Record(Outcome::FirewallAttachmentChosen(_)) => choose();
    attached_without_a_group           [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::FirewallGroupAttached(_)) => Record(group_attached(Side::Local, "sg-01", "eni-01").into());
    detached_what_is_not_attached      [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::FirewallGroupDetached(_)) => Record(group_detached(Side::Local, "sg-01", "eni-01").into());
    an_unknown_group_is_attached       [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, NIL, ORD, RET] Record(Outcome::FirewallAttachmentSeen(_)) => Record(attachment_seen(Side::Local, "sg-01", Some(1)).into());
    denied                             [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, YES, YES, YES, YES, YES, YES, YES, YES, END, END, END, END, END, YES, YES, RET] Record(Outcome::DenialMade(_)) => Record(denial_made(Side::Local).into());
    no_longer_denied                   [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::DenialRemoved(_)) => Record(denial_removed(Side::Local).into());
    a_denial_lapses_that_never_stood   [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::DenialLapsed(_)) => Record(denial_lapsed(Side::Local).into());
    a_denial_that_nobody_asked_for     [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::DenialEnforced(_)) => Record(denial_enforced(Side::Local).into());
    expose                             [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, YES, ORD, RET] Record(Outcome::FirewallExposed(_)) => Record(exposed(Side::Remote, "sgr-09").into());
    clear_no_exposure                  [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::ExposureCleared(_)) => Record(exposure_cleared(Side::Remote, "sgr-09").into());
    an_ingress_is_over                 [NET, UNK, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, END, END, END, END, END, YES, YES, RET] Record(Outcome::IngressExpired(_)) => ingress_over(2);
    an_ingress_without_an_end_is_over  [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, ORD, ORD, RET] Record(Outcome::IngressExpired(_)) => ingress_over(1);
    apply_dns                          [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, YES, YES, YES, YES, YES, YES, YES, YES, END, END, END, END, END, YES, YES, RET] Record(Outcome::DnsResolutionApplied(_)) => Record(Outcome::DnsResolutionApplied(DnsResolutionApplied { peering_id: peering_id(1), side: Side::Local, enabled: true }));
    apply_an_option                    [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, YES, YES, YES, YES, YES, YES, YES, YES, END, END, END, END, END, YES, YES, RET] Record(Outcome::LinkOptionApplied(_)) => Record(dns_applied(Side::Local, true).into());
    detect_drift                       [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, YES, ORD, RET] Record(Outcome::DriftDetected(_)) => Record(detected(DriftKind::LinkTagMissing).into());
    a_network_was_replaced             [NET, UNK, YES, YES, YES, YES, YES, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, END, END, END, END, END, YES, ORD, RET] Record(Outcome::DriftDetected(_)) => Record(detected(replaced(Side::Remote)).into());
    repair_no_drift                    [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::DriftRepaired(_)) => Record(repaired(DriftKind::LinkTagMissing, now()).into());
    adopt_no_drift                     [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END, END, END, NIL, NIL, RET] Record(Outcome::DriftAdopted(_)) => Record(accepted_drift(DriftKind::LinkTagMissing).into());
    block                              [NET, UNK, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, END, END, END, END, END, YES, YES, RET] Record(Outcome::Blocked(_)) => block();
    put_its_cloud_on_record            [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] Record(Outcome::CloudRecorded(_)) => its_cloud();
    mark_an_older_registration         [YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES, RET] Record(Outcome::IdentityMarked(_)) => marked();
    orphan_of_this_peering             [NET, YES, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, YES, YES, YES, YES, YES, ORD, ORD, RET] Record(Outcome::OrphanFound(_)) => orphan();
    an_orphan_that_is_unknown_is_gone  [NET, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, RET] Record(Outcome::OrphanCleared(_)) => orphan_gone();
    an_unknown_orphan_is_not_removed   [NET, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, RET] Record(Outcome::OrphanRemovalFailed(_)) => orphan_stays();
    unblock                            [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, RET] Record(Outcome::Unblocked(_)) => unblock();
}

fn its_cloud() -> NetworkCommand {
    let network_id = network_id();
    let cloud = crate::CloudMode::Simulated;
    Record(NetworkCloudRecorded { network_id, cloud }.into())
}

fn marked() -> NetworkCommand {
    let (network_id, held_by) = (network_id(), NetworkId(uuid::Uuid::from_u128(0x99)));
    Record(
        NetworkIdentityMarked {
            network_id,
            held_by,
        }
        .into(),
    )
}

fn orphan() -> NetworkCommand {
    let home = register();
    Record(
        OrphanFound {
            network_id: network_id(),
            peering_id: peering_id(1),
            account: home.account,
            region: home.region,
            cloud_network: home.cloud_network,
            thing: OrphanThing::Link { link: link() },
            is_copy: false,
        }
        .into(),
    )
}

fn orphan_gone() -> NetworkCommand {
    Record(
        OrphanCleared {
            network_id: network_id(),
            peering_id: peering_id(1),
            orphan: text("pcx-0123456789abcdef0"),
            end: OrphanEnd::Gone,
        }
        .into(),
    )
}

fn orphan_stays() -> NetworkCommand {
    Record(
        OrphanRemovalFailed {
            network_id: network_id(),
            peering_id: peering_id(1),
            orphan: text("pcx-0123456789abcdef0"),
            message: "denied".to_owned(),
        }
        .into(),
    )
}

fn set_policy(drift: DriftPolicy) -> NetworkCommand {
    SetPolicy {
        policy: Policy {
            drift,
            ..Policy::default()
        },
    }
    .into()
}

fn request(n: u8) -> NetworkCommand {
    RequestPeering {
        peer: peer(n),
        terms: Terms::default(),
        setup: Setup::default(),
    }
    .into()
}

fn adopt(n: u8, link: Link) -> NetworkCommand {
    AdoptPeering {
        peer: peer(n),
        link,
        consent: Consent::Delegated,
        tenure: Default::default(),
    }
    .into()
}

fn accept(side: Side, destination: &str) -> NetworkCommand {
    AcceptRoute {
        peering_id: peering_id(1),
        side,
        destination: range(destination),
    }
    .into()
}

fn withdraw(side: Side, destination: &str) -> NetworkCommand {
    WithdrawRoute {
        peering_id: peering_id(1),
        side,
        destination: range(destination),
    }
    .into()
}

fn replace(from: &str, to: &str) -> NetworkCommand {
    ReplaceRoute {
        peering_id: peering_id(1),
        side: Side::Local,
        from: range(from),
        to: range(to),
    }
    .into()
}

fn restrict(admit: &[InboundRule]) -> NetworkCommand {
    RestrictFirewall {
        peering_id: peering_id(1),
        side: Side::Local,
        admit: admit.to_vec(),
        tenure: Default::default(),
    }
    .into()
}

fn allow(target: &str, port: u16) -> NetworkCommand {
    let reason = reason_given("the orders webhook");
    AllowConnectorIngress {
        peering_id: peering_id(1),
        target: range(target),
        port,
        reason,
        expires_at: None,
        from: Some(IngressSource::Ranges(ranges(&["10.20.0.0/16"]))),
        no_expiry: true,
    }
    .into()
}

fn revoke_ingress(n: u128) -> NetworkCommand {
    RevokeConnectorIngress {
        peering_id: peering_id(1),
        ingress_id: ingress_id(n),
    }
    .into()
}

fn ipv6(written: &[&str]) -> NetworkCommand {
    let ranges = ipv6_ranges(written);
    SetNetworkIpv6Ranges { ranges }.into()
}

fn nodes(written: &[&str]) -> NetworkCommand {
    SetNetworkNodes {
        nodes: ranges(written),
    }
    .into()
}

fn of_network(change: SubnetChange) -> NetworkCommand {
    ChangeNetworkSubnets { change }.into()
}

fn of_peer(subnets: &[&str]) -> NetworkCommand {
    let subnets = subnets.iter().map(|it| text(it)).collect();
    ChangePeerSubnets {
        peering_id: peering_id(1),
        change: SubnetChange::Set { subnets },
    }
    .into()
}

fn add_ranges(written: &[&str]) -> NetworkCommand {
    AddPeerRanges {
        peering_id: peering_id(1),
        ranges: ranges(written),
    }
    .into()
}

fn drop_ranges(written: &[&str]) -> NetworkCommand {
    DropPeerRanges {
        peering_id: peering_id(1),
        ranges: ranges(written),
    }
    .into()
}

fn set_tenure(rule: Option<InboundRule>) -> NetworkCommand {
    SetTenure {
        peering_id: peering_id(1),
        rule,
        owner: Some(Change::To(text("team orders"))),
        expires_at: None,
    }
    .into()
}

fn confirm(opening: Reviewed) -> NetworkCommand {
    ConfirmOpening {
        peering_id: peering_id(1),
        opening,
    }
    .into()
}

fn resolve(enabled: bool) -> NetworkCommand {
    SetDnsResolution {
        peering_id: peering_id(1),
        side: Side::Local,
        enabled,
    }
    .into()
}

fn set_option(enabled: bool) -> NetworkCommand {
    SetLinkOption {
        peering_id: peering_id(1),
        side: Side::Local,
        option: LinkOption::DnsResolution,
        enabled,
    }
    .into()
}

fn remove() -> NetworkCommand {
    RemovePeering {
        peering_id: peering_id(1),
        reason: reason_given("no longer needed"),
    }
    .into()
}

fn abandon() -> NetworkCommand {
    AbandonPeering {
        peering_id: peering_id(1),
        reason: reason_given("the account is closed"),
        clean: None,
    }
    .into()
}

fn abandon_and_clean() -> NetworkCommand {
    AbandonPeering {
        peering_id: peering_id(1),
        reason: reason_given("the account is closed"),
        clean: Some(Side::Local),
    }
    .into()
}

fn worker_abandoned() -> PeeringAbandoned {
    PeeringAbandoned {
        peering_id: peering_id(1),
        reason: reason_given("the account is closed"),
        left_behind: Vec::new(),
        not_observed: vec![Side::Remote],
    }
}

fn start(attempt: u32) -> NetworkCommand {
    Record(Outcome::InitiationStarted(PeeringInitiationStarted {
        peering_id: peering_id(1),
        attempt,
        started_at: now(),
    }))
}

fn refuse(attempt: u32) -> NetworkCommand {
    Record(Outcome::InitiationRefused(PeeringInitiationRefused {
        peering_id: peering_id(1),
        attempt,
        cause: None,
    }))
}

fn initiate(link: Link) -> NetworkCommand {
    Record(Outcome::Initiated(PeeringInitiated {
        peering_id: peering_id(1),
        link,
        expires_at: None,
    }))
}

fn accepted_link(link: Link) -> NetworkCommand {
    Record(Outcome::Accepted(PeeringAccepted {
        peering_id: peering_id(1),
        link,
        evidence: None,
    }))
}

fn activated_link(link: Link) -> NetworkCommand {
    Record(Outcome::Activated(PeeringActivated {
        peering_id: peering_id(1),
        link,
    }))
}

fn rejected_link(link: Link) -> NetworkCommand {
    Record(Outcome::Rejected(PeeringRejected {
        peering_id: peering_id(1),
        link,
    }))
}

fn expired_link(link: Link) -> NetworkCommand {
    Record(Outcome::Expired(PeeringExpired {
        peering_id: peering_id(1),
        link,
    }))
}

fn fail(link: Option<Link>) -> NetworkCommand {
    Record(Outcome::Failed(failed(link)))
}

fn half_change(change: HalfChange) -> NetworkCommand {
    let started = HalfChangeStarted::new(peering_id(1), Side::Remote, change, link(), now());
    Record(Outcome::HalfChangeStarted(started))
}

fn half_operation_started() -> NetworkCommand {
    Record(Outcome::HalfOperationStarted(HalfOperationStarted {
        peering_id: peering_id(1),
        side: Side::Remote,
        request_id: uuid::Uuid::from_u128(7),
        operation: text("operation-1"),
    }))
}

fn half_operation_failed() -> NetworkCommand {
    Record(Outcome::HalfOperationFailed(HalfOperationFailed {
        peering_id: peering_id(1),
        side: Side::Remote,
        operation: text("operation-1"),
        message: "the quota is met".to_owned(),
    }))
}

fn half_there(link: Link) -> NetworkCommand {
    Record(Outcome::HalfMade(HalfMade {
        peering_id: peering_id(1),
        side: Side::Remote,
        link: Some(link),
    }))
}

fn half_gone() -> NetworkCommand {
    Record(Outcome::HalfRemoved(HalfRemoved {
        peering_id: peering_id(1),
        side: Side::Remote,
        link: None,
    }))
}

fn link_gone(link: Link) -> NetworkCommand {
    Record(Outcome::LinkRemoved(LinkRemoved {
        peering_id: peering_id(1),
        link,
    }))
}

fn install() -> NetworkCommand {
    Record(Outcome::RouteInstalled(route_installed(
        Side::Local,
        "10.101.0.0/16",
        "rtb-01",
    )))
}

fn route_gone() -> NetworkCommand {
    Record(Outcome::RouteRemoved(route_removed(
        Side::Local,
        "10.101.0.0/16",
        "rtb-01",
    )))
}

fn conflict() -> NetworkCommand {
    Record(Outcome::RouteConflicted(route_conflicted(
        Side::Local,
        "10.101.0.0/16",
        "rtb-01",
        "tgw-01",
    )))
}

fn intended_route() -> Thing {
    Thing::Route {
        at: text::<RouteTable>("rtb-01").into(),
        destination: range("10.101.0.0/16"),
    }
}

fn intend(thing: Thing) -> NetworkCommand {
    Record(intended(Side::Local, [thing]).into())
}

fn intent_over(thing: Thing) -> NetworkCommand {
    Record(Outcome::InstallationEnded(InstallationEnded {
        peering_id: peering_id(1),
        side: Side::Local,
        things: vec![thing],
    }))
}

fn find_route() -> NetworkCommand {
    Record(route_found(Side::Local, "10.101.0.0/16", "rtb-01").into())
}

fn enforce_routes(destinations: &[&str]) -> NetworkCommand {
    Record(routes_enforced(Side::Local, &["rtb-01"], destinations).into())
}

fn suspend_routes() -> NetworkCommand {
    Record(routes_suspended(Side::Local, "sgr-09").into())
}

fn create_group() -> NetworkCommand {
    Record(Outcome::FirewallGroupCreated(group_created(
        Side::Local,
        "sg-01",
    )))
}

fn authorize() -> NetworkCommand {
    Record(Outcome::FirewallRuleAuthorized(rule_authorized(
        Side::Local,
        clients(),
        "sgr-01",
    )))
}

fn revoke() -> NetworkCommand {
    Record(Outcome::FirewallRuleRevoked(rule_revoked(
        Side::Local,
        clients(),
        "sgr-01",
    )))
}

fn attach(to: AttachTo) -> NetworkCommand {
    AttachFirewall {
        peering_id: peering_id(1),
        side: Side::Local,
        to,
    }
    .into()
}

fn choose() -> NetworkCommand {
    Record(Outcome::FirewallAttachmentChosen(
        FirewallAttachmentChosen {
            peering_id: peering_id(1),
            side: Side::Local,
            interfaces: [text("eni-01")].into(),
            left_alone: Default::default(),
        },
    ))
}

fn enforce_firewall() -> NetworkCommand {
    Record(Outcome::FirewallEnforced(enforced(
        Side::Local,
        "sg-01",
        &[clients()],
    )))
}

fn ingress_over(n: u128) -> NetworkCommand {
    Record(Outcome::IngressExpired(ingress_revoked(
        n,
        IngressEnd::Expired,
    )))
}

fn block() -> NetworkCommand {
    Record(Outcome::Blocked(blocked(BlockCause::PermissionDenied)))
}

fn unblock() -> NetworkCommand {
    Record(Outcome::Unblocked(unblocked()))
}
