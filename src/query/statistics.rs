//! Lists of statistics for the REST surfaces: by time, oldest or newest first, a day at a time.

use std::sync::Arc;

use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::engine::Engine;
use super::list::List;
use super::log::Surface;
use super::rollup::windows::{WindowRows, Wish};
use super::run::{Limits, Started};
use super::scan::leaf::Leaf;
use super::session::View;
use crate::domain::statistic::Statistic;
use crate::domain::time::{Day, MICROS_PER_DAY};
use crate::domain::{Principal, Result, StreamId};
use crate::store::keyed::KeyedRows;
use crate::store::statistics::rows;
use crate::store::table::Table;

impl Engine {
    /// Statistics ordered by time, equal times by stream id: of each window that is over and holds a value, and each
    /// row written by hand, which takes the place of a computed one of the same time. The list has no cap of its own:
    /// it is made day by day as it is read.
    pub async fn statistics(
        self: &Arc<Self>,
        principal: &Principal,
        list: List,
    ) -> Result<BoxStream<'static, Result<Vec<Statistic>>>> {
        if list.limit == Some(0) {
            return Ok(stream::empty().boxed());
        }
        let tally = self.tally(principal, Surface::Statistics, None);
        let view = View::new(self, principal, tally.clone());
        let context = view.task_context(&self.template);
        let start = async move { Ok(Started::short(Arc::new(Listing { view, list, context }).stream())) };
        let limits = Limits { timeout: self.options.timeout, rows: None };
        let answer = self.answer(limits, tally, Box::pin(start)).await?;
        let rows = answer.batches.map(|batch| {
            let rows = KeyedRows::read(Table::Statistics, batch?)?;
            Ok(rows::read(&rows).collect())
        });
        Ok(rows.boxed())
    }
}

struct Listing {
    view: View,
    list: List,
    context: Arc<TaskContext>,
}

impl Listing {
    /// Day after day in the order asked for, each only when the reader gets there.
    fn stream(self: Arc<Self>) -> SendableRecordBatchStream {
        let mut days = self.days();
        if self.list.newest_first {
            days.reverse();
        }
        let listing = self.clone();
        let batches = stream::iter(days)
            .then(move |day| {
                let listing = listing.clone();
                async move { listing.day(day) }
            })
            .try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(Table::Statistics.schema(), self.list.page(batches.boxed())))
    }

    fn days(&self) -> Vec<Day> {
        let (from, to) = self.list.range();
        let snapshot = &self.view.snapshot;
        let stored = &snapshot.keyed[Table::Statistics];
        let readings = snapshot.lake.days().keys().chain(snapshot.memory.keys());
        let all = readings.chain(stored.lake.days().keys()).chain(stored.memory.keys());
        let mut days: Vec<Day> =
            all.copied().filter(|d| d.start().0 <= to && d.start().0 + MICROS_PER_DAY > from).collect();
        days.sort_unstable();
        days.dedup();
        days
    }

    fn day(&self, day: Day) -> datafusion::error::Result<SendableRecordBatchStream> {
        let (from, to) = self.list.range();
        let start = day.start().0;
        let visible = self.view.visible().ids().iter().copied();
        let wanted = |id: &i32| self.list.streams.as_ref().is_none_or(|ids| ids.contains(&StreamId(*id)));
        let wish = Wish {
            streams: visible.filter(wanted).collect(),
            ts: (from.max(start), to.min(start + MICROS_PER_DAY - 1)),
            overlay: true,
            columns: (0..Table::Statistics.schema().fields().len()).collect(),
        };
        let rows = Arc::new(Leaf::new(WindowRows::new(&self.view, wish, 1)?, 1));
        execute_stream(self.list.sorted(rows)?, self.context.clone())
    }
}
