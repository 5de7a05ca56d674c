//! The reasons of refusals, which callers rely on: their names, their kinds, and messages that tell
//! the facts.

use super::{
    super::{super::*, now, reason, samples::*},
    folder,
};
use crate::side::Side;
use std::fs;

macro_rules! refusals {
    ($($name:ident $fields:tt => $kind:ident,)*) => {
        /// One of each, so that a new one does not compile until its reason is on the list.
        fn kinds() -> Vec<(Refusal, RefusalKind)> {
            fn is_listed(refusal: &Refusal) {
                match refusal {
                    $(Refusal::$name { .. } => {})*
                }
            }
            let all = vec![$((Refusal::$name $fields, RefusalKind::$kind)),*];
            all.iter().for_each(|(refusal, _)| is_listed(refusal));
            all
        }
    };
}

refusals! {
    NetworkUnknown {} => Unknown,
    NetworkAlreadyRegistered { network_id: network_id() } => Exists,
    RegionUnknown(RegionUnknown { provider: Provider::Aws, region: "eu-west-9".to_owned() , nearest: None,}) => Invalid,
    AccountMalformed { account: "orders".to_owned(), form: "an AWS account id has 12 digits" } => Invalid,
    CloudNetworkMalformed { cloud_network: "vpc-".to_owned(), form: "an AWS VPC id looks like vpc-0a1b2c3d4e5f60718" } => Invalid,
    ProviderMismatch { network: Provider::Aws, peer: Provider::Gcp } => Invalid,
    PeerIsTheNetwork { cloud_network: "vpc-0a1b2c3d4e5f60718".to_owned() } => Invalid,
    PeerAlreadyLinked { peering_id: peering_id(1), life: "active" } => Exists,
    PeeringQuotaReached { live: 125, most: 125 } => Quota,
    PeerRangesMissing {} => Invalid,
    TooManyRanges { given: 33, most: 32 } => Invalid,
    RangeOverlapsNetwork { range: range("10.20.1.0/24"), network: range("10.20.0.0/16") } => Precondition,
    RangeOverlapsPeering { range: range("10.101.1.0/24"), other: range("10.101.0.0/16"), peering_id: peering_id(1) } => Precondition,
    RangesOverlapEachOther { range: range("10.101.0.0/16"), other: range("10.101.1.0/24") } => Invalid,
    PeeringUnknown { peering_id: peering_id(1) } => Unknown,
    PeeringEnded { peering_id: peering_id(1), ending: "expired" } => Precondition,
    DestinationOutOfReach { side: Side::Local, destination: range("10.0.0.0/8"), reachable: ranges(&["10.101.0.0/16"]) } => Invalid,
    RouteAlreadyAccepted { peering_id: peering_id(1), side: Side::Local, destination: range("10.101.0.0/16") } => Exists,
    RemoteInboundDenied { peering_id: peering_id(1) } => Invalid,
    SourceOutsidePeer { from: range("10.0.0.0/8"), ranges: ranges(&["10.101.0.0/16"]) } => Invalid,
    PortZero {} => Invalid,
    TooManyRules { given: 61, most: 60 } => Invalid,
    TooManyRoutes { given: 65, most: 64 } => Invalid,
    OutcomeOutOfOrder { peering_id: peering_id(1), life: "requested", outcome: "an active link" } => Precondition,
    LinkMismatch { peering_id: peering_id(1), recorded: "pcx-1".to_owned(), reported: "pcx-2".to_owned() } => Precondition,
    RouteNotAccepted { peering_id: peering_id(1), side: Side::Local, destination: range("10.101.0.0/16") } => Precondition,
    NetworkRetired { network_id: network_id() } => Precondition,
    NetworkInUse { network_id: network_id(), live: 3 } => Precondition,
    TooManyGroups { given: 61, most: 60 } => Invalid,
    DeadlinePassed { deadline: now() } => Invalid,
    NothingOpenToAccept { provider: Provider::Aws } => Invalid,
    LinkOnRecord { link: "pcx-1".to_owned(), peering_id: peering_id(1) } => Exists,
    PeeringBeingRemoved { peering_id: peering_id(1) } => Precondition,
    RouteReplacedByItself { destination: range("10.101.0.0/16") } => Invalid,
    IngressTargetOutsidePeer { target: range("10.0.0.0/8"), ranges: ranges(&["10.101.0.0/16"]) } => Invalid,
    ExpiryPassed { expires_at: now() } => Invalid,
    IngressAlreadyAllowed { ingress_id: ingress_id(1) } => Exists,
    IngressUnknown { peering_id: peering_id(1), ingress_id: ingress_id(1) } => Unknown,
    DnsResolutionUnsupported { provider: Provider::Azure } => Invalid,
    LinkOptionUnsupported { provider: Provider::Aws, option: LinkOption::GatewayTransit } => Invalid,
    LinkOptionWithinRegion(OptionWithinRegion { option: LinkOption::MultipathResilience, region: Region::named("eu-west-1").unwrap() }) => Invalid,
    LinkOptionNeedsOther(OptionNeedsOther { option: LinkOption::RemoteGateways, side: Side::Local, needs: LinkOption::GatewayTransit, of: Side::Remote }) => Precondition,
    LinkOptionNeeded(OptionNeeded { option: LinkOption::GatewayTransit, side: Side::Remote, by: LinkOption::RemoteGateways, of: Side::Local }) => Precondition,
    LinkOptionExcluded(OptionExcluded { option: LinkOption::GatewayTransit, side: Side::Local, with: LinkOption::RemoteGateways }) => Precondition,
    LinkOptionTaken(OptionTaken { option: LinkOption::RemoteGateways, side: Side::Local, peering_id: peering_id(1) }) => Precondition,
    AccepterMismatch(AccepterMismatch { peering_id: peering_id(1), on_record: "444455556601".to_owned(), shown: "999999999999".to_owned() }) => Precondition,
    ReasonRequired {} => Invalid,
    ReasonMalformed { pattern: text("CHG-[0-9]+") } => Invalid,
    TicketRequired {} => Invalid,
    TicketMalformed { pattern: text("CHG-[0-9]+") } => Invalid,
    PeeringBeingAbandoned { peering_id: peering_id(1) } => Precondition,
    TooManyQuarantines { most: 250 } => Quota,
    OrphanUnknown { orphan: "pcx-1".to_owned() } => Unknown,
    OrphanIsACopy(OrphanIsACopy { orphan: "sg-1".to_owned(), peering_id: peering_id(1) }) => Precondition,
    ProviderNotServed { provider: Provider::Gcp, served: vec![Provider::Aws] } => Precondition,
    PeerRangeNotAllowed { range: range("10.101.0.0/29"), form: "a block of an AWS VPC is a /28 at the least" } => Invalid,
    PeerRangeNotOnRecord { range: range("10.103.0.0/16"), ranges: ranges(&["10.101.0.0/16"]) } => Precondition,
    SubnetNotChosen { subnet: "subnet-0cc3".to_owned() } => Precondition,
    SubnetsMissing {} => Invalid,
    SourceOutsideNetwork(SourceOutsideNetwork { from: range("10.0.0.0/8"), network: range("10.20.0.0/16") }) => Invalid,
    NodesNotOnRecord {} => Precondition,
    IngressEndUnclear {} => Invalid,
    IngressNotApart(IngressNotApart { ingress_id: ingress_id(1), target: range("10.101.8.0/24"), port: 443 }) => Precondition,
    SubnetsAmbiguous { subnet: "*".to_owned() } => Invalid,
    PeerLinkedElsewhere(PeerLinkedElsewhere { network_id: network_id(), peering_id: peering_id(1), life: "active" }) => Exists,
    LinkOnRecordElsewhere(LinkOnRecordElsewhere { link: "pcx-1".to_owned(), network_id: network_id(), peering_id: peering_id(1) }) => Exists,
    AttachmentUnsupported { provider: Provider::Gcp } => Invalid,
    DenialUnsupported(DenialUnsupported { provider: Provider::Gcp }) => Invalid,
    DeniedSubnets(DeniedSubnets { given: 51, most: 50 }) => Invalid,
    SideKeptByOwner { peering_id: peering_id(1), side: Side::Remote } => Precondition,
    InterfaceCount { given: 201, most: 200 } => Invalid,
    ExpiryRequired { most: 90 } => Invalid,
    ExpiryTooFar(ExpiryTooFar { expires_at: now() + chrono::TimeDelta::days(2), latest: now() + chrono::TimeDelta::days(1) }) => Invalid,
    OwnerRequired {} => Invalid,
    PartitionMismatch(PartitionMismatch { region: "cn-north-1".to_owned(), partition: "aws-cn".to_owned(), own: "aws".to_owned() }) => Invalid,
    NothingAdmittedAnew(NothingAdmittedAnew { peering_id: peering_id(1) }) => Precondition,
    AdmissionUnknown(AdmissionUnknown { peering_id: peering_id(1), from: range("10.101.0.0/16").into(), port: 2113 }) => Unknown,
    AddressFamilyMissing(AddressFamilyMissing { range: range("fd00:101::/56"), side: Side::Local }) => Precondition,
    SourceGroupUnsupported(SourceGroupUnsupported { from: "210987654321/sg-0e1f2a3b4c5d6e7f8".parse().unwrap(), own: "aws eu-west-1".to_owned(), peer: "aws us-east-1".to_owned() }) => Invalid,
    NetworkRangeNotAllowed(NetworkRangeNotAllowed { range: range("fd00:20::/40"), form: "an IPv6 block of an AWS VPC is a /44 to a /60" }) => Invalid,
}

#[test]
fn the_reasons_of_refusals_are_the_ones_on_the_list_and_each_is_of_its_kind() {
    let listed = fs::read_to_string(folder().join("refusals.txt")).unwrap();
    let reasons: Vec<_> = kinds().iter().map(|(refusal, _)| reason(refusal)).collect();
    assert_eq!(listed.lines().collect::<Vec<_>>(), reasons);
    for (refusal, kind) in kinds() {
        assert_eq!(refusal.kind(), kind, "{refusal:?}");
    }
}

#[test]
fn a_refusals_message_tells_its_facts() {
    for (refusal, _) in kinds() {
        let facts = serde_json::to_value(&refusal).unwrap();
        let facts = facts
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, value)| *key != "reason" && !value.is_array());
        let message = refusal.to_string();
        let untold: Vec<_> = facts
            .filter(|(_, fact)| !message.contains(&fact.to_string().replace('"', "")))
            .collect();
        assert!(untold.is_empty(), "`{message}` leaves out {untold:?}");
    }
}
