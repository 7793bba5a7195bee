//! How many rows the operators of a plan put together where texts are long: they count rows, and eight thousand texts of
//! 250 kB are neither memory that is accounted for nor anything that the offsets of a batch can tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;

use super::plan::ReadingsScan;
use crate::store::lake::batch_rows::BATCH_ROWS;
use crate::store::lake::file::LakeFile;

/// Bytes of text that an operator puts together, at most.
const TOGETHER_BYTES: usize = 16 << 20;
/// As long may a text of a file be that does not tell.
const UNKNOWN_BYTES: usize = 16 << 10;

/// The longest text that the scans of a query can meet, bytes.
#[derive(Debug, Clone, Default)]
pub struct Longest(Arc<AtomicUsize>);

impl Longest {
    /// Of a scan that reads texts; told before its plan is executed.
    pub fn note(&self, bytes: usize) {
        self.0.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Rows that operators put together.
    pub fn rows(&self) -> usize {
        (TOGETHER_BYTES / self.0.load(Ordering::Relaxed).max(1)).clamp(1, BATCH_ROWS)
    }

    /// The same plan, putting together no more rows than that.
    pub fn fit(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = self.rows();
        if rows == BATCH_ROWS {
            return Ok(plan);
        }
        // The others look into the context; this was told when it was made.
        let fitted = plan.transform_up(|node| match node.downcast_ref::<FilterExec>() {
            Some(filter) => Ok(Transformed::yes(Arc::new(filter.with_batch_size(rows)?))),
            None => Ok(Transformed::no(node)),
        });
        Ok(fitted?.data)
    }

    /// What such a plan is executed in.
    pub fn context(&self, context: TaskContext) -> TaskContext {
        let rows = self.rows();
        if rows == BATCH_ROWS {
            return context;
        }
        let config = context.session_config().clone().with_batch_size(rows);
        context.with_session_config(config)
    }
}

/// The longest text of files.
pub fn of_files<'a>(files: impl IntoIterator<Item = &'a Arc<LakeFile>>) -> usize {
    let of_file = |file: &Arc<LakeFile>| file.longest_text.map_or(UNKNOWN_BYTES, |bytes| bytes as usize);
    files.into_iter().map(of_file).max().unwrap_or(0)
}

impl ReadingsScan {
    /// Notes for the operators above how long the texts are that this scan can meet.
    pub fn note_texts(&self) {
        let (snapshot, days) = (&self.view.snapshot, self.days());
        let files = days.iter().filter_map(|day| snapshot.lake.days().get(day)).flatten();
        self.view.texts.note(of_files(files.filter(|file| self.wants(file))));
        let runs = days.iter().filter_map(|day| snapshot.memory.get(day)).flat_map(|day| &day.runs);
        self.view.texts.note(runs.map(|run| run.longest_text()).max().unwrap_or(0));
    }
}

#[cfg(test)]
#[path = "text_rows_tests.rs"]
mod tests;
