//! Tags: how we know what is ours.

use crate::ec2::action::Action;
use crate::ec2::call::{Call, sent};
use crate::ec2::client::Ec2;
use crate::ec2::error::Ec2Error;
use crate::ec2::scope::Scope;
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use std::collections::BTreeMap;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

impl Ec2 {
    /// Sets tags on any resource, by its id; a tag that is there is overwritten, and others stay.
    ///
    /// AWS keeps the tags of a peering connection apart for each account and region: these are the
    /// ones that `at` sees.
    pub async fn create_tags(
        &self,
        at: &Scope,
        resource: &str,
        tags: &Tags,
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, Action::CreateTags, at).await;
        let request = call
            .clients
            .ec2
            .create_tags()
            .resources(resource)
            .set_tags(Some(to_sdk(tags)));
        sent!(call, request);
        Ok(())
    }
}

/// The tags of one resource that the same call creates: between a create and a later tagging, a
/// crash would leave it nobody's.
pub(crate) fn on_create(resource: ResourceType, tags: &Tags) -> Option<Vec<TagSpecification>> {
    if tags.is_empty() {
        return None;
    }
    Some(vec![
        TagSpecification::builder()
            .resource_type(resource)
            .set_tags(Some(to_sdk(tags)))
            .build(),
    ])
}

pub(crate) fn to_sdk(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

pub(crate) fn from_sdk(tags: &[Tag]) -> Tags {
    tags.iter()
        .filter_map(|tag| {
            Some((
                tag.key()?.to_owned(),
                tag.value().unwrap_or_default().to_owned(),
            ))
        })
        .collect()
}
