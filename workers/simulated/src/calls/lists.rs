//! What calls about the lists in front of subnets do.

use super::Call;
use cloud::{AccessEntry, CloudError, CloudErrorKind, Direction, denied_traffic};
use domain::network::Denial;

fn entry(denial: &Denial) -> AccessEntry {
    AccessEntry {
        direction: Direction::Inbound,
        priority: denial.number.into(),
        traffic: denied_traffic(&denial.denies),
        allow: false,
    }
}

impl Call<'_> {
    pub(crate) fn make_denial(&mut self, denial: &Denial) -> Result<(), CloudError> {
        let (number, list) = (denial.number, &denial.list);
        let most = self.settings.limits().access_entries;
        let taken = self.error(
            CloudErrorKind::AlreadyThere,
            "NetworkAclEntryAlreadyExists",
            format!("`{list}` has an entry {number}"),
        );
        let full = self.error(
            CloudErrorKind::Quota,
            "NetworkAclEntryLimitExceeded",
            format!("{most} entries at most"),
        );
        let missing = self.not_found(list);
        let home = self.state.world.home_of_list(self.at, list);
        let views = home.map(|it| (it.access_list_views(), it));
        let (views, home) = views.ok_or_else(|| missing.clone())?;
        let shown = views.iter().filter(|it| it.list.as_ref() == Some(list));
        let mut shown = shown.flat_map(|it| &it.entries);
        if shown.clone().any(|it| it.priority == u32::from(number)) {
            return Err(taken);
        }
        if shown.by_ref().count() >= most {
            return Err(full);
        }
        let entries = home.entries_of(list).ok_or(missing)?;
        entries.push(entry(denial));
        Ok(())
    }

    pub(crate) fn remove_denial(&mut self, denial: &Denial) -> Result<(), CloudError> {
        let missing = self.not_found(&denial.list);
        let home = self.state.world.home_of_list(self.at, &denial.list);
        let entries = home.and_then(|it| it.entries_of(&denial.list));
        let entries = entries.ok_or_else(|| missing.clone())?;
        let entry = entry(denial);
        let before = entries.len();
        entries.retain(|it| *it != entry);
        if entries.len() == before {
            return Err(missing);
        }
        Ok(())
    }
}
