//! What was committed of a model's sources while it did not listen: behind the last position that was saved before the server
//! ended, or while readings came faster than it took them. Most of it is of times that are still to be judged, and is read
//! from the lake then; what is of times before, nobody would look at again.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;

use super::ground::Ground;
use crate::domain::live::Wanted;
use crate::domain::model::{Late, Model};
use crate::domain::reading::{Quality, Readings};
use crate::domain::{Micros, Principal, Result};
use crate::query::engine::Question;
use crate::query::log::Surface;
use crate::query::params::Params;
use crate::store::live::Gap;
use crate::store::live::follow::Step;
use crate::store::live::position::Position;

/// Readings in one step.
const STEP: usize = 16_384;

/// Up to when a model has judged.
#[derive(Debug, Clone, Copy)]
pub struct Judged {
    pub position: Micros,
    /// Its scores reach further than its position was saved.
    pub scored: Option<Micros>,
}

/// Readings of times that were judged without them.
#[derive(Debug, Default, PartialEq)]
pub struct Missed {
    /// Not after the position.
    pub late: Option<Late>,
    /// Whether there may be some after it, of times whose scores are stored already.
    pub is_scored: bool,
}

impl Missed {
    fn add(&mut self, readings: &Readings, judged: Judged) {
        for (ts, quality) in readings.ts.iter().zip(&readings.quality) {
            let ts = Micros(*ts);
            if *quality == Quality::Bad as u8 {
                continue;
            }
            if ts <= judged.position {
                self.late = Some(Late::at(ts).and(self.late));
            } else if judged.scored.is_some_and(|scored| ts <= scored) {
                self.is_scored = true;
            }
        }
    }
}

impl Ground {
    /// What the log's records from `first` on, before `end`, have of times that a model has judged.
    pub async fn missed(&self, model: &Model, (first, end): (u64, u64), judged: Judged) -> Result<Missed> {
        let (store, who) = (&self.scorer.ai.store, Arc::new(Principal::system(model.org)));
        let mut missed = Missed::default();
        let end = end.min(store.present().seq);
        if first >= end {
            return Ok(missed);
        }
        let seen = store.catalog().streams_by_id(&who, &model.version.settings.sources);
        let streams = seen.iter().map(|stream| stream.id).collect();
        let wanted = Wanted { streams: Some(streams), ..Wanted::default() };
        let mut following = store.follow(who, wanted, Position::at(first))?;
        while following.position().seq < end {
            match following.next(STEP).await? {
                Step::Readings(readings) => missed.add(&readings, judged),
                Step::Gap(gap) => {
                    missed.is_scored = true;
                    match self.of_lake(model, gap, judged.position).await {
                        Ok(Some(late)) => missed.late = Some(late.and(missed.late)),
                        Ok(None) => {}
                        // It must not keep the model from running.
                        Err(error) => tracing::warn!(
                            model = model.id.0,
                            error = error.in_full(),
                            "what came late cannot be found; it is not scored again"
                        ),
                    }
                }
            }
        }
        Ok(missed)
    }

    /// The same of records that the log keeps no longer: the lake has their numbers.
    async fn of_lake(&self, model: &Model, gap: Gap, position: Micros) -> Result<Option<Late>> {
        let sources: Vec<String> = model.version.settings.sources.iter().map(ToString::to_string).collect();
        let text = format!(
            "SELECT CAST(min(ts) AS BIGINT), CAST(max(ts) AS BIGINT) FROM readings \
             WHERE stream_id IN ({}) AND seq BETWEEN {} AND {} AND CAST(ts AS BIGINT) <= {}",
            sources.join(", "),
            gap.from,
            gap.to,
            position.0
        );
        let question =
            Question { text, params: Params::Json(serde_json::Value::Null), surface: Surface::Sql };
        let answer = self.scorer.engine.sql(&Principal::system(model.org), question).await?;
        let batches: Vec<_> = answer.batches.try_collect().await?;
        let found = batches.iter().find(|batch| batch.num_rows() > 0).and_then(|batch| {
            let ends = [0, 1].map(|at| batch.column(at).as_primitive_opt::<Int64Type>()?.iter().next()?);
            Some(Late { oldest: Micros(ends[0]?), newest: Micros(ends[1]?) })
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
        let judged = Judged { position: Micros(100), scored: Some(Micros(120)) };
        let missed = |times: &[&[i64]]| {
            let mut missed = Missed::default();
            times.iter().for_each(|times| missed.add(&rows(times), judged));
            (missed.late.map(|late| (late.oldest.0, late.newest.0)), missed.is_scored)
        };
        assert_eq!(missed(&[&[121, 200]]), (None, false), "the lake is read from the position on");
        assert_eq!(missed(&[&[101, 121]]), (None, true));
        assert_eq!(missed(&[&[40, 101], &[90, 100], &[41]]), (Some((40, 100)), true));
        let unsaved = Judged { scored: None, ..judged };
        let mut nothing = Missed::default();
        nothing.add(&rows(&[101]), unsaved);
        assert_eq!(nothing, Missed::default());
    }
}
