//! One of each refusal, in the order of the domain's own list: what the catalogue of errors is made
//! of.

use chrono::{DateTime, Utc};
use domain::{
    IngressId, NetworkId, PeeringId, Provider, Side,
    network::{
        AccepterMismatch, AddressFamilyMissing, AdmissionUnknown, DenialUnsupported, DeniedSubnets,
        ExpiryTooFar, IngressNotApart, LinkOnRecordElsewhere, LinkOption, NetworkRangeNotAllowed,
        NothingAdmittedAnew, OptionExcluded, OptionNeeded, OptionNeedsOther, OptionTaken,
        OptionWithinRegion, OrphanIsACopy, PartitionMismatch, PeerLinkedElsewhere, Refusal,
        RegionUnknown, SourceGroupUnsupported, SourceOutsideNetwork,
    },
};
use uuid::Uuid;

fn network() -> NetworkId {
    NetworkId(Uuid::from_u128(1))
}

fn peering() -> PeeringId {
    PeeringId(Uuid::from_u128(2))
}

fn ingress() -> IngressId {
    IngressId(Uuid::from_u128(3))
}

fn at() -> DateTime<Utc> {
    "2026-03-01T09:00:00Z".parse().unwrap()
}

fn text<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(super) fn one_of_each() -> Vec<Refusal> {
    vec![
        Refusal::NetworkUnknown,
        Refusal::NetworkAlreadyRegistered {
            network_id: network(),
        },
        Refusal::RegionUnknown(RegionUnknown {
            provider: Provider::Aws,
            region: "eu-west-9".to_owned(),
            nearest: None,
        }),
        Refusal::AccountMalformed {
            account: "orders".to_owned(),
            form: "an AWS account id has 12 digits",
        },
        Refusal::CloudNetworkMalformed {
            cloud_network: "vpc-".to_owned(),
            form: "an AWS VPC id looks like vpc-0a1b2c3d4e5f60718",
        },
        Refusal::ProviderMismatch {
            network: Provider::Aws,
            peer: Provider::Gcp,
        },
        Refusal::PeerIsTheNetwork {
            cloud_network: "vpc-0a1b2c3d4e5f60718".to_owned(),
        },
        Refusal::PeerAlreadyLinked {
            peering_id: peering(),
            life: "active",
        },
        Refusal::PeeringQuotaReached {
            live: 125,
            most: 125,
        },
        Refusal::PeerRangesMissing,
        Refusal::TooManyRanges {
            given: 33,
            most: 32,
        },
        Refusal::RangeOverlapsNetwork {
            range: text("10.20.1.0/24"),
            network: text("10.20.0.0/16"),
        },
        Refusal::RangeOverlapsPeering {
            range: text("10.101.1.0/24"),
            other: text("10.101.0.0/16"),
            peering_id: peering(),
        },
        Refusal::RangesOverlapEachOther {
            range: text("10.101.0.0/16"),
            other: text("10.101.1.0/24"),
        },
        Refusal::PeeringUnknown {
            peering_id: peering(),
        },
        Refusal::PeeringEnded {
            peering_id: peering(),
            ending: "expired",
        },
        Refusal::DestinationOutOfReach {
            side: Side::Local,
            destination: text("10.0.0.0/8"),
            reachable: vec![text("10.101.0.0/16")],
        },
        Refusal::RouteAlreadyAccepted {
            peering_id: peering(),
            side: Side::Local,
            destination: text("10.101.0.0/16"),
        },
        Refusal::RemoteInboundDenied {
            peering_id: peering(),
        },
        Refusal::SourceOutsidePeer {
            from: text("10.0.0.0/8"),
            ranges: vec![text("10.101.0.0/16")],
        },
        Refusal::PortZero,
        Refusal::TooManyRules {
            given: 61,
            most: 60,
        },
        Refusal::TooManyRoutes {
            given: 65,
            most: 64,
        },
        Refusal::OutcomeOutOfOrder {
            peering_id: peering(),
            life: "requested",
            outcome: "an active link",
        },
        Refusal::LinkMismatch {
            peering_id: peering(),
            recorded: "pcx-1".to_owned(),
            reported: "pcx-2".to_owned(),
        },
        Refusal::RouteNotAccepted {
            peering_id: peering(),
            side: Side::Local,
            destination: text("10.101.0.0/16"),
        },
        Refusal::NetworkRetired {
            network_id: network(),
        },
        Refusal::NetworkInUse {
            network_id: network(),
            live: 3,
        },
        Refusal::TooManyGroups {
            given: 61,
            most: 60,
        },
        Refusal::DeadlinePassed { deadline: at() },
        Refusal::NothingOpenToAccept {
            provider: Provider::Aws,
        },
        Refusal::LinkOnRecord {
            link: "pcx-1".to_owned(),
            peering_id: peering(),
        },
        Refusal::PeeringBeingRemoved {
            peering_id: peering(),
        },
        Refusal::RouteReplacedByItself {
            destination: text("10.101.0.0/16"),
        },
        Refusal::IngressTargetOutsidePeer {
            target: text("10.0.0.0/8"),
            ranges: vec![text("10.101.0.0/16")],
        },
        Refusal::ExpiryPassed { expires_at: at() },
        Refusal::IngressAlreadyAllowed {
            ingress_id: ingress(),
        },
        Refusal::IngressUnknown {
            peering_id: peering(),
            ingress_id: ingress(),
        },
        Refusal::DnsResolutionUnsupported {
            provider: Provider::Azure,
        },
        Refusal::LinkOptionUnsupported {
            provider: Provider::Aws,
            option: LinkOption::GatewayTransit,
        },
        Refusal::LinkOptionWithinRegion(OptionWithinRegion {
            option: LinkOption::MultipathResilience,
            region: domain::Region::named("eu-west-1").unwrap(),
        }),
        Refusal::LinkOptionNeedsOther(OptionNeedsOther {
            option: LinkOption::RemoteGateways,
            side: Side::Local,
            needs: LinkOption::GatewayTransit,
            of: Side::Remote,
        }),
        Refusal::LinkOptionNeeded(OptionNeeded {
            option: LinkOption::GatewayTransit,
            side: Side::Remote,
            by: LinkOption::RemoteGateways,
            of: Side::Local,
        }),
        Refusal::LinkOptionExcluded(OptionExcluded {
            option: LinkOption::GatewayTransit,
            side: Side::Local,
            with: LinkOption::RemoteGateways,
        }),
        Refusal::LinkOptionTaken(OptionTaken {
            option: LinkOption::RemoteGateways,
            side: Side::Local,
            peering_id: peering(),
        }),
        Refusal::AccepterMismatch(AccepterMismatch {
            peering_id: peering(),
            on_record: "444455556601".to_owned(),
            shown: "999999999999".to_owned(),
        }),
        Refusal::ReasonRequired,
        Refusal::ReasonMalformed {
            pattern: text("CHG-[0-9]+"),
        },
        Refusal::TicketRequired,
        Refusal::TicketMalformed {
            pattern: text("CHG-[0-9]+"),
        },
        Refusal::PeeringBeingAbandoned {
            peering_id: peering(),
        },
        Refusal::TooManyQuarantines { most: 250 },
        Refusal::OrphanUnknown {
            orphan: "pcx-0123456789abcdef0".to_owned(),
        },
        Refusal::OrphanIsACopy(OrphanIsACopy {
            orphan: "sg-0e1f2a3b4c5d6e7f8".to_owned(),
            peering_id: peering(),
        }),
        Refusal::ProviderNotServed {
            provider: Provider::Gcp,
            served: vec![Provider::Aws],
        },
        Refusal::PeerRangeNotAllowed {
            range: text("10.101.0.0/29"),
            form: "a block of an AWS VPC is a /28 at the least",
        },
        Refusal::PeerRangeNotOnRecord {
            range: text("10.103.0.0/16"),
            ranges: vec![text("10.101.0.0/16")],
        },
        Refusal::SubnetNotChosen {
            subnet: "subnet-0cc3".to_owned(),
        },
        Refusal::SubnetsMissing,
        Refusal::SourceOutsideNetwork(SourceOutsideNetwork {
            from: text("10.0.0.0/8"),
            network: text("10.20.0.0/16"),
        }),
        Refusal::NodesNotOnRecord,
        Refusal::IngressEndUnclear,
        Refusal::IngressNotApart(IngressNotApart {
            ingress_id: ingress(),
            target: text("10.101.8.0/24"),
            port: 443,
        }),
        Refusal::SubnetsAmbiguous {
            subnet: "*".to_owned(),
        },
        Refusal::PeerLinkedElsewhere(PeerLinkedElsewhere {
            network_id: network(),
            peering_id: peering(),
            life: "active",
        }),
        Refusal::LinkOnRecordElsewhere(LinkOnRecordElsewhere {
            link: "pcx-0123456789abcdef0".to_owned(),
            network_id: network(),
            peering_id: peering(),
        }),
        Refusal::AttachmentUnsupported {
            provider: Provider::Gcp,
        },
        Refusal::DenialUnsupported(DenialUnsupported {
            provider: Provider::Gcp,
        }),
        Refusal::DeniedSubnets(DeniedSubnets {
            given: 51,
            most: 50,
        }),
        Refusal::SideKeptByOwner {
            peering_id: peering(),
            side: Side::Remote,
        },
        Refusal::InterfaceCount {
            given: 201,
            most: 200,
        },
        Refusal::ExpiryRequired { most: 7_776_000 },
        Refusal::ExpiryTooFar(ExpiryTooFar {
            expires_at: at(),
            latest: at(),
        }),
        Refusal::OwnerRequired,
        Refusal::PartitionMismatch(PartitionMismatch {
            region: "cn-north-1".to_owned(),
            partition: "aws-cn".to_owned(),
            own: "aws".to_owned(),
        }),
        Refusal::NothingAdmittedAnew(NothingAdmittedAnew {
            peering_id: peering(),
        }),
        Refusal::AdmissionUnknown(AdmissionUnknown {
            peering_id: peering(),
            from: text("10.101.0.0/16"),
            port: 2113,
        }),
        Refusal::AddressFamilyMissing(AddressFamilyMissing {
            range: text("fd00:101::/56"),
            side: Side::Local,
        }),
        Refusal::SourceGroupUnsupported(SourceGroupUnsupported {
            from: text("210987654321/sg-0e1f2a3b4c5d6e7f8"),
            own: "aws eu-west-1".to_owned(),
            peer: "aws us-east-1".to_owned(),
        }),
        Refusal::NetworkRangeNotAllowed(NetworkRangeNotAllowed {
            range: text("fd00:20::/40"),
            form: "an IPv6 block of an AWS VPC is a /44 to a /60",
        }),
    ]
}
