//! The Cloud Quotas API: what a project allows of Compute.

use super::{
    Answer, Compute, Next, Pages,
    model::{ProjectQuota, QuotaPage},
    plain,
};
use http::Method;

impl Compute {
    /// Whether there is anybody who tells quotas.
    pub(crate) fn tells_quotas(&self) -> bool {
        self.quotas.is_some()
    }

    /// What the project allows, as the Cloud Quotas API tells of Compute; nothing where nobody can
    /// be asked.
    pub(crate) async fn quotas(&self, project: &str) -> Answer<Option<Vec<ProjectQuota>>> {
        let Some(endpoint) = &self.quotas else {
            return Ok(None);
        };
        let list = format!(
            "{endpoint}/v1/projects/{}/locations/global/services/compute.googleapis.com/quotaInfos",
            plain(project)
        );
        let mut pages = Pages::new("quotaInfos.list", self.page);
        let mut found = Vec::new();
        while let Some(url) = pages.url(&list) {
            let page: QuotaPage = self.ask((pages.method, Method::GET), &url, None).await?;
            found.extend(page.quota_infos);
            pages.turn(page.next_page_token)?;
        }
        Ok(Some(found))
    }
}

impl Pages {
    /// The same as an address, in the words of the younger APIs.
    fn url(&self, list: &str) -> Option<String> {
        let first = format!("{list}?pageSize={}", self.size);
        match &self.next {
            Next::First => Some(first),
            Next::Token(token) => Some(format!("{first}&pageToken={}", plain(token))),
            Next::None => None,
        }
    }
}
