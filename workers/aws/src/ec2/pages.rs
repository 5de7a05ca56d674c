//! Lists: what is asked for, in few calls, and read to the last page.

use aws_sdk_ec2::types::Filter;
use std::collections::BTreeSet;

/// How many items a page of a list may have: EC2's upper bound. EC2 gives a call with a bound a
/// larger rate than one without.
pub(crate) const PAGE: i32 = 1000;

/// The same of route tables, for which EC2's bound is lower.
pub(crate) const PAGE_OF_ROUTE_TABLES: i32 = 100;

/// AWS: a filter has at most 200 values.
const VALUES_PER_FILTER: usize = 200;

/// Reads a list to its last page: the request, the items of an answer, what becomes of one, and who
/// else looks at the answers.
macro_rules! every_page {
    ($call:ident, $request:expr, $items:ident, $convert:path $(, $with:expr)?) => {{
        let asked = $request;
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let request = asked.clone().set_next_token(token.clone());
            let answer = $crate::ec2::call::sent!($call, request $(, $with.clone())?);
            for found in answer.$items() {
                all.push($convert(&$call, found)?);
            }
            token = $call.next_page(token, answer.next_token)?;
            if token.is_none() {
                break all;
            }
        }
    }};
}
pub(crate) use every_page;

/// Reads a list of what is about these ids, by the filter of that name, to its last page: the
/// items of an answer, what becomes of one, and which id it is about.
macro_rules! every_named {
    ($call:ident, $request:expr, $ids:ident as $filter:literal, $items:ident, $convert:path, $about:expr) => {{
        let asked = $request;
        let mut all = Vec::new();
        for batch in $crate::ec2::pages::batches($ids) {
            let request = asked.clone().filters(batch.filter($filter));
            let found = $crate::ec2::pages::every_page!($call, request, $items, $convert);
            all.extend(batch.those_named(found, $about));
        }
        Ok(all)
    }};
}
pub(crate) use every_named;

/// Some of the ids that a list is to be about, as many as one call may name.
pub(crate) struct Batch<'i> {
    ids: Vec<&'i str>,
}

impl Batch<'_> {
    /// The filter for them.
    pub(crate) fn filter(&self, name: &str) -> Filter {
        filter(name, self.ids.iter().copied())
    }

    /// The items that are about one of them. Every answer is asked, since there are endpoints that
    /// ignore filters.
    pub(crate) fn those_named<T, Id: AsRef<str>>(
        &self,
        found: Vec<T>,
        about: impl Fn(&T) -> Option<&Id>,
    ) -> impl Iterator<Item = T> {
        found.into_iter().filter(move |it| self.names(about(it)))
    }

    fn names<Id: AsRef<str>>(&self, id: Option<&Id>) -> bool {
        id.is_some_and(|id| self.ids.binary_search(&id.as_ref()).is_ok())
    }
}

/// The ids in batches, each id once. None for no ids: a call without a filter would list
/// everything.
pub(crate) fn batches<Id: AsRef<str>>(ids: &[Id]) -> Vec<Batch<'_>> {
    let each: Vec<&str> = ids
        .iter()
        .map(AsRef::as_ref)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    each.chunks(VALUES_PER_FILTER)
        .map(|ids| Batch { ids: ids.to_vec() })
        .collect()
}

/// A filter for any of these values.
pub(crate) fn filter<'v>(name: &str, values: impl IntoIterator<Item = &'v str>) -> Filter {
    Filter::builder()
        .name(name)
        .set_values(Some(values.into_iter().map(str::to_owned).collect()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::ids::VpcId;

    fn vpcs(count: usize) -> Vec<VpcId> {
        (0..count)
            .map(|number| VpcId::from(format!("vpc-{number:04}")))
            .collect()
    }

    #[test]
    fn a_call_names_at_most_200_each_once_and_there_is_none_for_nothing() {
        let sizes = |ids: &[VpcId]| {
            batches(ids)
                .iter()
                .map(|batch| batch.filter("vpc-id").values().len())
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(&vpcs(0)), [0; 0]);
        assert_eq!(sizes(&vpcs(200)), [200]);
        assert_eq!(sizes(&vpcs(401)), [200, 200, 1]);
        let twice = [vpcs(200), vpcs(200)].concat();
        assert_eq!(sizes(&twice), [200]);
    }

    #[test]
    fn a_batch_takes_only_what_it_named() {
        let ids = vpcs(201);
        let batches = batches(&ids);
        assert!(
            batches[0].names(Some(&ids[0]))
                && !batches[0].names(Some(&ids[200]))
                && batches[1].names(Some(&ids[200]))
        );
        assert!(!batches[0].names::<VpcId>(None) && !batches[0].names(Some(&VpcId::from("vpc-x"))));
    }
}
