//! Finds readings that were committed while a model was not listening: after its last saved log position before the
//! server ended, or while readings arrived faster than it consumed them.
//!
//! Most of them are of times still to be scored, which are read from the lake then. Those of earlier times would
//! otherwise never be looked at again.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;

use super::context::LiveContext;
use crate::domain::model::{LateRange, Model};
use crate::domain::reading::{Quality, Readings};
use crate::domain::subscription::SubscriptionFilter;
use crate::domain::{Micros, Principal, Result};
use crate::query::engine::StatementRequest;
use crate::query::log::Surface;
use crate::query::params::Params;
use crate::store::live::Gap;
use crate::store::live::filtered_tail::FilteredItem;
use crate::store::live::position::FeedPosition;

/// Maximum readings in one step.
const MAX_STEP_READINGS: usize = 16_384;

/// Up to which times a model has scored.
#[derive(Debug, Clone, Copy)]
pub struct ScoredUntil {
    pub position: Micros,
    /// The last stored score, which may be later than the saved position.
    pub scored: Option<Micros>,
}

/// Missed readings of times that were scored without them.
#[derive(Debug, Default, PartialEq)]
pub struct MissedRange {
    /// Range of readings at or before the position.
    pub late: Option<LateRange>,
    /// Whether there may be readings after the position, of times that already have stored scores.
    pub is_scored: bool,
}

impl MissedRange {
    fn add(&mut self, readings: &Readings, judged: ScoredUntil) {
        for (ts, quality) in readings.ts.iter().zip(&readings.quality) {
            let ts = Micros(*ts);
            if *quality == Quality::Bad as u8 {
                continue;
            }
            if ts <= judged.position {
                self.late = Some(LateRange::at(ts).merged_with(self.late));
            } else if judged.scored.is_some_and(|scored| ts <= scored) {
                self.is_scored = true;
            }
        }
    }
}

impl LiveContext {
    /// Finds what log records contain of times that the model has already scored. `records` are their numbers.
    pub async fn missed(
        &self,
        model: &Model,
        records: Range<u64>,
        judged: ScoredUntil,
    ) -> Result<MissedRange> {
        let (store, who) = (&self.scorer.ai.store, Arc::new(Principal::system(model.org)));
        let mut missed = MissedRange::default();
        let (first, end) = (records.start, records.end.min(store.current_position().seq));
        if first >= end {
            return Ok(missed);
        }
        let seen = store.catalog().streams.streams_by_id(&who, &model.version.settings.sources);
        let streams = seen.iter().map(|stream| stream.id).collect();
        let wanted = SubscriptionFilter { streams: Some(streams), ..SubscriptionFilter::default() };
        let mut following = store.subscribe(who, wanted, FeedPosition::from_seq(first))?;
        while following.position().seq < end {
            match following.next(MAX_STEP_READINGS).await? {
                FilteredItem::Readings(readings) => missed.add(&readings, judged),
                FilteredItem::Gap(gap) => {
                    missed.is_scored = true;
                    match self.of_lake(model, gap, judged.position).await {
                        Ok(Some(late)) => missed.late = Some(late.merged_with(missed.late)),
                        Ok(None) => {}
                        // This must not prevent the model from running.
                        Err(error) => tracing::warn!(
                            model = model.id.0,
                            error = error.full_message(),
                            "late readings cannot be found; they are not scored again"
                        ),
                    }
                }
            }
        }
        Ok(missed)
    }

    /// Finds late readings of log records that are no longer retained, by their sequence numbers in the lake.
    async fn of_lake(&self, model: &Model, gap: Gap, position: Micros) -> Result<Option<LateRange>> {
        let sources: Vec<String> = model.version.settings.sources.iter().map(ToString::to_string).collect();
        let text = format!(
            "SELECT CAST(min(ts) AS BIGINT), CAST(max(ts) AS BIGINT) FROM readings \
             WHERE stream_id IN ({}) AND seq BETWEEN {} AND {} AND CAST(ts AS BIGINT) <= {}",
            sources.join(", "),
            gap.from,
            gap.to,
            position.0
        );
        let params = Params::Json(serde_json::Value::Null);
        let request = StatementRequest { text, params, surface: Surface::Sql, settings: None };
        let answer = self.scorer.engine.sql(&Principal::system(model.org), request).await?;
        let batches: Vec<_> = answer.batches.try_collect().await?;
        let found = batches.iter().find(|batch| batch.num_rows() > 0).and_then(|batch| {
            let ends = [0, 1].map(|at| batch.column(at).as_primitive_opt::<Int64Type>()?.iter().next()?);
            Some(LateRange { oldest: Micros(ends[0]?), newest: Micros(ends[1]?) })
        });
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::StreamId;
    use crate::domain::reading::Reading;

    #[test]
    fn what_is_of_judged_times_is_told_from_what_is_still_to_be_judged() {
        let rows = |times: &[i64]| -> Readings {
            times.iter().map(|ts| Reading::good(StreamId(1), Micros(*ts), 1.0)).collect()
        };
        let judged = ScoredUntil { position: Micros(100), scored: Some(Micros(120)) };
        let missed = |times: &[&[i64]]| {
            let mut missed = MissedRange::default();
            times.iter().for_each(|times| missed.add(&rows(times), judged));
            (missed.late.map(|late| (late.oldest.0, late.newest.0)), missed.is_scored)
        };
        assert_eq!(missed(&[&[121, 200]]), (None, false), "the lake is read from the position on");
        assert_eq!(missed(&[&[101, 121]]), (None, true));
        assert_eq!(missed(&[&[40, 101], &[90, 100], &[41]]), (Some((40, 100)), true));
        let unsaved = ScoredUntil { scored: None, ..judged };
        let mut nothing = MissedRange::default();
        nothing.add(&rows(&[101]), unsaved);
        assert_eq!(nothing, MissedRange::default());
    }
}
