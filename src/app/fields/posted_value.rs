//! The fields of a posted value.

use super::reader::FieldReader;
use crate::app::value::Values;
use crate::domain::reading::Reading;
use crate::domain::{Principal, Result, StreamId};

impl Values {
    /// Stores a value durably, at the current time unless another is given; also returns whether there was none at its
    /// timestamp.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn post_value_from_fields(
        &self,
        principal: &Principal,
        id: StreamId,
        mut fields: FieldReader,
    ) -> Result<(Reading, bool)> {
        let target = self.streams.stream_to_change(principal, id)?;
        let (ts, value) = (fields.timestamp("timestamp"), fields.any("value"));
        if let Some(problem) = value.as_ref().and_then(|input| self.value_problem(&target, input)) {
            fields.add_error("value", problem);
        }
        fields.finish(Vec::new())?;
        self.post_value(principal, id, ts, &value.unwrap_or_default()).await
    }
}
