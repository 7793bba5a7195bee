//! `quarantine`: the readings that were not accepted, read from the catalog's database page by page.

use arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;

use super::paged_scan::PageSource;
use super::row_table::{ColumnDef, column};
use super::{ints, text, times};
use crate::domain::pagination::Pagination;
use crate::domain::quarantine::{QuarantineFilter, QuarantineRecord};
use crate::query::context::QueryContext;
use crate::store::schema::timestamp;

/// Rows of a page: each holds up to 16 KiB of a payload.
const PAGE_ROWS: usize = 200;

impl PageSource for QuarantineFilter {
    const NAME: &'static str = "Quarantine";
    type Row = QuarantineRecord;

    /// Returns the columns; `device_id` and `stream_id` are NULL when they are not known.
    fn columns() -> Vec<ColumnDef<QuarantineRecord>> {
        vec![
            column("id", DataType::Int32, false, |rows: &[QuarantineRecord]| ints(rows, |r| Some(r.id.0))),
            column("uuid", DataType::Utf8, false, |rows| text(rows, |r| r.uuid.to_string())),
            column("device_id", DataType::Int32, true, |rows| ints(rows, |r| r.entry.device.map(|id| id.0))),
            column("stream_id", DataType::Int32, true, |rows| ints(rows, |r| r.entry.stream.map(|id| id.0))),
            column("topic", DataType::Utf8, false, |rows| text(rows, |r| r.entry.topic.clone())),
            column("reason", DataType::Utf8, false, |rows| text(rows, |r| r.entry.reason.name().to_owned())),
            column("detail", DataType::Utf8, false, |rows| text(rows, |r| r.entry.detail.clone())),
            column("payload", DataType::Utf8, false, |rows| text(rows, |r| r.entry.payload.clone())),
            column("received_at", timestamp(), false, |rows| times(rows, |r| Some(r.entry.received_at))),
        ]
    }

    fn first_page(_: &[Expr]) -> Self {
        let page = Pagination { offset: 0, limit: PAGE_ROWS };
        QuarantineFilter { page, ..QuarantineFilter::default() }
    }

    async fn read(self, query_context: &QueryContext) -> crate::domain::Result<Vec<QuarantineRecord>> {
        query_context.quarantined(self).await
    }

    fn is_last(rows: &[QuarantineRecord]) -> bool {
        rows.len() < PAGE_ROWS
    }

    fn page_after(self, last: &QuarantineRecord) -> Self {
        QuarantineFilter { after: Some((last.entry.received_at, last.id)), ..self }
    }
}
