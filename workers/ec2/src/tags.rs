//! Tags: how we know what is ours.

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use std::collections::BTreeMap;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// The tags of one resource that the same call creates: between a create and a later tagging, a crash would leave it nobody's.
pub(crate) fn on_create(resource: ResourceType, tags: &Tags) -> Option<Vec<TagSpecification>> {
    if tags.is_empty() {
        return None;
    }
    Some(vec![TagSpecification::builder().resource_type(resource).set_tags(Some(to_sdk(tags))).build()])
}

pub(crate) fn to_sdk(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

pub(crate) fn from_sdk(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

/// Whether all of `wanted` are among `found`.
pub(crate) fn include(found: &Tags, wanted: &Tags) -> bool {
    wanted.iter().all(|(key, value)| found.get(key) == Some(value))
}
