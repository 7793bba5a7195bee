//! The history of streams for who then follows them live: one snapshot, by day, within a day by stream and time.

use std::future::ready;
use std::sync::Arc;

use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use futures::{StreamExt, TryStreamExt, stream};

use super::engine::Engine;
use super::log::Surface;
use super::run::{Limits, Started};
use super::scan::bounds::Bounds;
use super::scan::plan::ReadingsScan;
use super::session::View;
use super::values::{COLUMNS, Chunks, to_readings};
use crate::domain::reading::Readings;
use crate::domain::time::Day;
use crate::domain::{Micros, Principal, Result, StreamId};
use crate::store::live::position::{Key, key};
use crate::store::schema;

/// Which history is wanted.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    /// `None` is every visible stream.
    pub streams: Option<Vec<StreamId>>,
    /// Inclusive.
    pub since: Micros,
    /// Only what comes after it.
    pub after: Option<Key>,
}

/// A history that is being read.
pub struct History {
    /// Every write up to this record is in it, and nothing later.
    pub seq: u64,
    pub chunks: Chunks,
}

impl Engine {
    /// Readings of every quality, ordered by day, stream and time. It has no cap of its own: it is computed day by day as
    /// it is read.
    pub async fn history(self: &Arc<Self>, principal: &Principal, query: HistoryQuery) -> Result<History> {
        let tally = self.tally(principal, Surface::Values, None);
        let view = View::new(self, principal, tally.clone());
        let (seq, context) = (view.snapshot.seq, view.task_context(&self.template));
        let after = query.after;
        let telling = Arc::new(Telling { view, query, context });
        let start = async move { Ok(Started::short(telling.stream())) };
        let limits = Limits { timeout: self.options.timeout, rows: None };
        let answer = self.answer(limits, tally, Box::pin(start)).await?;
        let chunks = answer.batches.map_ok(move |batch| rest(to_readings(&batch), after));
        let chunks = chunks.try_filter(|rows| ready(!rows.is_empty())).boxed();
        Ok(History { seq, chunks })
    }
}

/// The rows after a place in the history.
fn rest(rows: Readings, after: Option<Key>) -> Readings {
    let Some(after) = after.filter(|after| !rows.is_empty() && key(rows.stream[0], rows.ts[0]) <= *after)
    else {
        return rows;
    };
    rows.iter().filter(|row| key(row.stream.0, row.ts.0) > after).collect()
}

struct Telling {
    view: View,
    query: HistoryQuery,
    context: Arc<TaskContext>,
}

impl Telling {
    /// Day after day, each only when the reader gets there.
    fn stream(self: Arc<Self>) -> SendableRecordBatchStream {
        let telling = self.clone();
        let batches = stream::iter(self.days())
            .then(move |day| {
                let telling = telling.clone();
                async move { telling.read(day) }
            })
            .try_flatten();
        let schema = Arc::new(schema::readings().project(&COLUMNS).expect("columns of this schema"));
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }

    fn days(&self) -> Vec<Day> {
        let begun = self.query.after.map(|(day, ..)| day);
        let days = self.scan().days().into_iter();
        days.filter(|day| begun.is_none_or(|begun| *day >= begun)).collect()
    }

    fn read(&self, day: Day) -> datafusion::error::Result<SendableRecordBatchStream> {
        execute_stream(self.scan().plan_day_sorted(day, &COLUMNS)?, self.context.clone())
    }

    fn scan(&self) -> ReadingsScan {
        let mut bounds = Bounds { ts: (self.query.since.0, i64::MAX), ..Bounds::default() };
        if let Some(streams) = &self.query.streams {
            bounds.restrict(streams.iter().map(|s| s.0).collect());
        }
        let (view, visible) = (self.view.clone(), self.view.visible().clone());
        ReadingsScan { view, visible, bounds, filter: None, partitions: 1 }
    }
}
