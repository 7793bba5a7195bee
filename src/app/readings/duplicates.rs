//! Finds which readings replace one of the same sensor and time.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use serde_json::json;

use crate::app::readings::SensorReadings;
use crate::app::sql::SqlRequest;
use crate::domain::{Micros, Principal, Result, StreamId};

/// Times that are looked up by one query.
const MAX_TIMES: usize = 1000;

impl SensorReadings {
    /// Returns how many of the points are there already, or are named before in the list. A point that is newer than
    /// everything of its stream costs no query.
    ///
    /// # Errors
    /// The errors of a query: `Busy`, `Timeout`.
    pub(super) async fn count_duplicates(
        &self,
        principal: &Principal,
        points: &[(StreamId, Micros)],
    ) -> Result<usize> {
        let mut times: BTreeMap<StreamId, BTreeSet<Micros>> = BTreeMap::new();
        let mut repeated = 0;
        for (stream, ts) in points {
            if !times.entry(*stream).or_default().insert(*ts) {
                repeated += 1;
            }
        }
        for (stream, times) in times {
            let Some(newest) = self.store.newest_by_time(principal, stream) else { continue };
            let possible: Vec<Micros> = times.into_iter().take_while(|ts| *ts <= newest.ts).collect();
            for some in possible.chunks(MAX_TIMES) {
                repeated += self.count_stored_at(principal, stream, some).await?;
            }
        }
        Ok(repeated)
    }

    /// Number of ascending times at which a stream has a value.
    async fn count_stored_at(
        &self,
        principal: &Principal,
        stream: StreamId,
        times: &[Micros],
    ) -> Result<usize> {
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(0) };
        let list = times.iter().map(|ts| ts.0.to_string()).collect::<Vec<_>>().join(", ");
        let query = format!(
            "SELECT count(*) FROM readings WHERE stream_id = $stream AND ts >= $from AND ts <= $to \
             AND quality <> 'bad' AND CAST(ts AS BIGINT) IN ({list})"
        );
        let params = json!({"stream": stream.0, "from": first.to_iso(), "to": last.to_iso()});
        let answer = self.statements.sql(principal, SqlRequest { query, params }).await?;
        let batches: Vec<_> = answer.batches.try_collect().await?;
        let counts = batches.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec());
        Ok(counts.map(|count| usize::try_from(count).unwrap_or(0)).sum())
    }
}
