//! `nodes`: the nodes of the cluster, read from the catalog's database, so that every node shows the same. They are few: one page.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;

use super::paged_scan::{PageSource, PagedTable};
use super::{optional_text, text, times};
use crate::domain::cluster::ClusterNode;
use crate::query::context::QueryContext;
use crate::store::schema::timestamp;

/// Returns the columns; `running` means that the node renewed its entry within the lease.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name: &str, is_nullable| Field::new(name, DataType::Utf8, is_nullable);
        Arc::new(Schema::new(vec![
            text("node_id", false),
            text("role", false),
            text("url", true),
            text("version", false),
            Field::new("started_at", timestamp(), false),
            Field::new("renewed_at", timestamp(), false),
            Field::new("running", DataType::Boolean, false),
        ]))
    });
    SCHEMA.clone()
}

/// The nodes that a principal sees.
pub type NodesTable = PagedTable<AllNodes>;

/// The one page: all nodes.
#[derive(Debug, Clone, Copy)]
pub struct AllNodes;

impl PageSource for AllNodes {
    const NAME: &'static str = "Nodes";
    type Row = ClusterNode;

    fn schema() -> SchemaRef {
        schema()
    }

    fn first_page(_: &[Expr]) -> Self {
        AllNodes
    }

    async fn read(self, query_context: &QueryContext) -> crate::domain::Result<Vec<ClusterNode>> {
        query_context.nodes().await
    }

    fn is_last(_: &[ClusterNode]) -> bool {
        true
    }

    fn page_after(self, _: &ClusterNode) -> Self {
        self
    }

    fn batch(rows: &[ClusterNode]) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = vec![
            text(rows, |node| node.id.to_string()),
            text(rows, |node| node.role.name().to_owned()),
            optional_text(rows, |node| node.url.as_deref()),
            text(rows, |node| node.version.clone()),
            times(rows, |node| Some(node.started_at)),
            times(rows, |node| Some(node.renewed_at)),
            Arc::new(BooleanArray::from_iter(rows.iter().map(|node| Some(node.is_running)))),
        ];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}
