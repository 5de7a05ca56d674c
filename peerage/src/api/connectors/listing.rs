//! Connectors in a list: the engine's own among the others.

use super::{Connectors, built_in::Own, parse, show};
use crate::api::{
    problem::{Problem, Reason},
    v1,
};
use connectors::Listed;

/// An entry of a list.
enum Entry<'a> {
    Own(Box<v1::Connector>),
    Other(&'a Listed),
}

impl Connectors {
    pub(super) async fn list(
        &self,
        request: &v1::ListConnectorsRequest,
    ) -> Result<v1::ListConnectorsResponse, Problem> {
        let (size, after) = parse::page(request.page_size, &request.page_token)?;
        let all = self.parts().catalogue.all(self.0.read_patience).await;
        let Some(all) = all else {
            let text =
                "the log is still being read, and not every connector is known yet; try again";
            return Err(Problem::new(Reason::DirectoryBuilding, text));
        };
        let is_wanted = |state: i32| request.states.is_empty() || request.states.contains(&state);
        let others = all.iter();
        let others = others.filter(|it| is_wanted(show::state(&it.defined.state).into()));
        let mut all: Vec<_> = others
            .map(|it| (it.id.to_string(), Entry::Other(it)))
            .collect();
        for own in Own::all() {
            let own = self.own(own).await;
            if is_wanted(own.state) {
                all.push((own.connector_id.clone(), Entry::Own(Box::new(own))));
            }
        }
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let total = all.len();
        let mut rest = all.into_iter().filter(|(id, _)| *id > after);
        let page: Vec<_> = rest.by_ref().take(size).collect();
        let next = rest.next().and(page.last()).map(|(id, _)| id.clone());
        let holder = self.parts().runtime.holder().await.ok().flatten();
        Ok(v1::ListConnectorsResponse {
            connectors: page
                .into_iter()
                .map(|(_, entry)| match entry {
                    Entry::Own(own) => *own,
                    Entry::Other(listed) => self.shown(listed),
                })
                .collect(),
            next_page_token: next.unwrap_or_default(),
            total_size: u32::try_from(total).unwrap_or(u32::MAX),
            host: holder.map(|(host, _)| host).unwrap_or_default(),
        })
    }
}
