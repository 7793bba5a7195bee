//! The fields of a posted value.

use super::reader::FieldReader;
use crate::app::value::Values;
use crate::app::value_parsing::parse_reading_value;
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
        let (ts, input) = (fields.timestamp("timestamp"), fields.any("value"));
        let parsed = input.map(|input| parse_reading_value(&target.spec, &input)).transpose();
        let value = parsed.unwrap_or_else(|problem| {
            fields.add_error("value", problem);
            None
        });
        fields.finish(Vec::new())?;
        self.post_value(principal, &target, ts, value.unwrap_or_default()).await
    }
}
