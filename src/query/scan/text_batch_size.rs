//! Batch size of operators over long texts: they count rows, and eight thousand texts of 250 kB exceed both the
//! accounted memory and the offsets of a batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;

use crate::store::lake::batch_rows::MAX_BATCH_ROWS;
use crate::store::lake::file::LakeFile;

/// Maximum bytes of text that an operator combines into a batch.
const MAX_BATCH_TEXT_BYTES: usize = 16 << 20;
/// Assumed length of the longest text in a file without this statistic.
const DEFAULT_TEXT_BYTES: usize = 16 << 10;

/// The longest text that the scans of a query can read, bytes.
#[derive(Debug, Clone, Default)]
pub struct TextBatchSize(Arc<AtomicUsize>);

impl TextBatchSize {
    /// Records the longest text of a scan. Must be called before the plan is executed.
    pub fn record(&self, bytes: usize) {
        self.0.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Returns the batch size in rows for operators.
    pub fn rows(&self) -> usize {
        (MAX_BATCH_TEXT_BYTES / self.0.load(Ordering::Relaxed).max(1)).clamp(1, MAX_BATCH_ROWS)
    }

    /// Whether operators need smaller batches than usual.
    pub fn is_limited(&self) -> bool {
        self.rows() < MAX_BATCH_ROWS
    }

    /// Limits the batch size of operators that fix it when they are planned.
    pub fn limit_plan(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        if !self.is_limited() {
            return Ok(plan);
        }
        let rows = self.rows();
        // All other operators read the batch size from the context.
        let fitted = plan.transform_up(|node| match node.downcast_ref::<FilterExec>() {
            Some(filter) => Ok(Transformed::yes(Arc::new(filter.with_batch_size(rows)?))),
            None => Ok(Transformed::no(node)),
        });
        Ok(fitted?.data)
    }

    /// Returns a context with the limited batch size.
    pub fn limit_context(&self, context: TaskContext) -> TaskContext {
        if !self.is_limited() {
            return context;
        }
        let config = context.session_config().clone();
        let rows = self.rows().min(config.batch_size());
        context.with_session_config(config.with_batch_size(rows))
    }
}

/// Returns the longest text in the files, bytes.
pub fn longest_text_in_files<'a>(files: impl IntoIterator<Item = &'a Arc<LakeFile>>) -> usize {
    let of_file = |file: &Arc<LakeFile>| file.longest_text.map_or(DEFAULT_TEXT_BYTES, |bytes| bytes as usize);
    files.into_iter().map(of_file).max().unwrap_or(0)
}

#[cfg(test)]
#[path = "text_batch_size_tests.rs"]
mod tests;
