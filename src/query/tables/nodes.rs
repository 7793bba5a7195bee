//! `nodes`: the nodes of the cluster, read from the catalog's database, so that every node shows the same. They are few: one page.

use arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;

use super::paged_scan::PageSource;
use super::row_table::{ColumnDef, column};
use super::{flags, optional_text, text, times};
use crate::domain::cluster::ClusterNode;
use crate::query::context::QueryContext;
use crate::store::schema::timestamp;

/// The one page: all nodes.
#[derive(Debug, Clone, Copy)]
pub struct AllNodes;

impl PageSource for AllNodes {
    const NAME: &'static str = "Nodes";
    type Row = ClusterNode;

    /// Returns the columns; `running` means that the node renewed its entry within the lease.
    fn columns() -> Vec<ColumnDef<ClusterNode>> {
        vec![
            column("node_id", DataType::Utf8, false, |rows: &[ClusterNode]| text(rows, |n| n.id.to_string())),
            column("role", DataType::Utf8, false, |rows| text(rows, |n| n.role.name().to_owned())),
            column("url", DataType::Utf8, true, |rows| optional_text(rows, |n| n.url.as_deref())),
            column("version", DataType::Utf8, false, |rows| text(rows, |n| n.version.clone())),
            column("started_at", timestamp(), false, |rows| times(rows, |n| Some(n.started_at))),
            column("renewed_at", timestamp(), false, |rows| times(rows, |n| Some(n.renewed_at))),
            column("running", DataType::Boolean, false, |rows| flags(rows, |n| n.is_running)),
        ]
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
}
