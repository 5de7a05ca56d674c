//! The embedded descriptors name every service of the protocol and resolve without any other file.

#![allow(clippy::unwrap_used)]
use prost::Message as _;
use prost_types::FileDescriptorSet;

fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet::decode(peerage_protocol::FILE_DESCRIPTOR_SET).unwrap()
}

#[test]
fn every_service_of_the_protocol_is_described() {
    let mut services: Vec<String> = descriptors()
        .file
        .iter()
        .flat_map(|file| {
            file.service
                .iter()
                .map(|service| format!("{}.{}", file.package(), service.name()))
        })
        .collect();
    services.sort();
    let client = "event_store.client";
    let expected = [
        "gossip.Gossip",
        "monitoring.Monitoring",
        "operations.Operations",
        "persistent_subscriptions.PersistentSubscriptions",
        "projections.Projections",
        "server_features.ServerFeatures",
        "streams.Streams",
        "users.Users",
    ]
    .map(|service| format!("{client}.{service}"));
    assert_eq!(services, expected);
}

#[test]
fn every_imported_file_is_included() {
    let descriptors = descriptors();
    let names: Vec<&str> = descriptors.file.iter().map(|file| file.name()).collect();
    for file in &descriptors.file {
        for import in &file.dependency {
            assert!(names.contains(&import.as_str()), "{import} is missing");
        }
    }
}
