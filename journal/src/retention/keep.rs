//! How many events a stream of ours keeps: what only its newest event counts of needs no more.

use super::COUNT;
use crate::{
    JournalError,
    calls::Store,
    deadline::Deadline,
    wire::{METADATA_TYPE, Proposed},
};
use domain::vocabulary::FIRST_VOCABULARY;
use serde_json::{Map, Value};
use uuid::Uuid;

impl Store {
    /// Tells the store to keep the last `most` events of a stream, unless it was told to keep as
    /// many or more. Whoever deletes the stream deletes that too.
    pub(crate) async fn keep(
        &self,
        stream: &str,
        most: usize,
        deadline: &Deadline,
    ) -> Result<(), JournalError> {
        let metadata = format!("$${stream}");
        let last = self.read_last(&metadata, deadline).await?;
        let said = last
            .as_ref()
            .and_then(|it| serde_json::from_slice::<Map<String, Value>>(&it.data).ok());
        let mut said = said.unwrap_or_default();
        let kept = said.get(COUNT).and_then(Value::as_u64);
        if kept.is_some_and(|kept| kept >= most as u64) {
            return Ok(());
        }
        said.insert(COUNT.to_owned(), most.into());
        let expected = last.map(|it| it.revision);
        let name = format!("{metadata}/{expected:?}/{most}");
        let event = Proposed {
            id: Uuid::new_v5(&Uuid::nil(), name.as_bytes()),
            event_type: METADATA_TYPE,
            vocabulary: FIRST_VOCABULARY,
            data: Value::Object(said).to_string().into(),
            metadata: Vec::new().into(),
        };
        // Whoever is first says as much, or the next one who writes here says more.
        let _said = self.append(&metadata, expected, &[event], deadline).await?;
        Ok(())
    }
}
