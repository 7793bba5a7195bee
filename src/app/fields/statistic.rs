//! The fields of a posted statistic.

use super::reader::FieldReader;
use crate::app::App;
use crate::app::statistic::PostedStatistic;
use crate::domain::statistic::Statistic;
use crate::domain::{Principal, Result, StreamId};

/// Reads every field of a posted statistic.
fn read_statistic(fields: &mut FieldReader, posted: &mut PostedStatistic) {
    // All fields by name: one that is missing here does not compile.
    let PostedStatistic { ts, count, mean, rms, median, min, max, q1, q3 } = posted;
    *ts = fields.timestamp("timestamp");
    fields.integer("count", 1..=i64::MAX, count);
    fields.required_number("mean", mean);
    fields.number_or_null("rms", rms);
    fields.number_or_null("median", median);
    fields.number_or_null("min", min);
    fields.number_or_null("max", max);
    fields.number_or_null("q1", q1);
    fields.number_or_null("q3", q3);
}

impl App {
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
        self.stream_to_change(principal, id)?;
        let mut posted = PostedStatistic {
            ts: None,
            count: 1,
            mean: None,
            rms: None,
            median: None,
            min: None,
            max: None,
            q1: None,
            q3: None,
        };
        read_statistic(&mut fields, &mut posted);
        fields.finish(self.check_statistic(id, posted))?;
        self.post_statistic(principal, id, posted).await
    }
}
