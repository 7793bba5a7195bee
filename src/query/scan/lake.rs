//! Lake files as a source of a plan, and how they are spread over its partitions.
//!
//! Own, not DataFusion's Parquet source: that one is made for any file and any predicate, and for small queries its
//! preparation costs more than reading. Ours knows the order of rows, and shares one large file among partitions by
//! row groups.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::lake_file::{Part, Reading};
use crate::store::lake::encode::ROW_GROUP_ROWS;
use crate::store::lake::file::LakeFile;
use crate::store::schema;

/// Rows of lake files within bounds.
pub struct LakeRows {
    reading: Reading,
    partitions: Vec<Vec<Part>>,
    properties: Arc<PlanProperties>,
}

impl LakeRows {
    /// In no order, spread over `partitions`: large files by their row groups, small ones whole.
    pub fn spread(reading: Reading, mut files: Vec<Arc<LakeFile>>, partitions: usize) -> Result<Self> {
        let of = partitions.max(1);
        let mut parts: Vec<Vec<Part>> = vec![Vec::new(); of];
        let mut load = vec![0; of];
        files.sort_by_key(|f| std::cmp::Reverse(f.rows));
        for file in files {
            if file.rows > ROW_GROUP_ROWS as u64 {
                parts
                    .iter_mut()
                    .enumerate()
                    .for_each(|(nth, p)| p.push(Part { file: file.clone(), nth, of }));
            } else {
                let least = (0..of).min_by_key(|p| load[*p]).unwrap_or(0);
                load[least] += file.rows;
                parts[least].push(Part::whole(file));
            }
        }
        Self::new(reading, parts, None)
    }

    /// One partition a file, each sorted as the file is.
    pub fn sorted(reading: Reading, files: &[Arc<LakeFile>], ordering: LexOrdering) -> Result<Self> {
        let parts = files.iter().map(|file| vec![Part::whole(file.clone())]).collect();
        Self::new(reading, parts, Some(ordering))
    }

    /// One partition: file after file.
    pub fn in_turn(reading: Reading, files: Vec<Arc<LakeFile>>) -> Result<Self> {
        let parts = files.into_iter().map(Part::whole).collect();
        Self::new(reading, vec![parts], None)
    }

    fn new(reading: Reading, partitions: Vec<Vec<Part>>, ordering: Option<LexOrdering>) -> Result<Self> {
        let schema: SchemaRef = Arc::new(schema::readings().project(&reading.columns)?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(schema, ordering),
            Partitioning::UnknownPartitioning(partitions.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { reading, partitions, properties: Arc::new(properties) })
    }
}

impl fmt::Debug for LakeRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LakeRows")
    }
}

impl DisplayAs for LakeRows {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LakeRows")
    }
}

impl ExecutionPlan for LakeRows {
    fn name(&self) -> &str {
        "LakeRows"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let reading = self.reading.clone();
        let parts = self.partitions.get(partition).cloned().unwrap_or_default();
        let batches =
            stream::iter(parts).then(move |part| reading.clone().open(part, context.clone())).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}
