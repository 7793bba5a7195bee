//! The fields of a posted statistic.

use super::field_type::ANY_NUMBER;
use super::reader::FieldReader;
use crate::app::statistic::PostedStatistic;
use crate::app::value::Values;
use crate::domain::statistic::Statistic;
use crate::domain::{Principal, Result, StreamId};

/// Reads every field of a posted statistic.
fn read_statistic(fields: &mut FieldReader) -> PostedStatistic {
    let number_or_null = |fields: &mut FieldReader, name| fields.read_or(name, ANY_NUMBER, None);
    PostedStatistic {
        ts: fields.timestamp("timestamp"),
        count: fields.read_or("count", 1..=i64::MAX, 1),
        mean: fields.required_number("mean"),
        rms: number_or_null(fields, "rms"),
        median: number_or_null(fields, "median"),
        min: number_or_null(fields, "min"),
        max: number_or_null(fields, "max"),
        q1: number_or_null(fields, "q1"),
        q3: number_or_null(fields, "q3"),
    }
}

impl Values {
    /// Stores a statistic durably; also returns whether there was none at its timestamp.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn post_statistic_from_fields(
        &self,
        principal: &Principal,
        id: StreamId,
        mut fields: FieldReader,
    ) -> Result<(Statistic, bool)> {
        self.streams.stream_to_change(principal, id)?;
        let posted = read_statistic(&mut fields);
        fields.finish(self.check_statistic(id, posted))?;
        self.post_statistic(principal, id, posted).await
    }
}
