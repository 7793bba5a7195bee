//! `audit_log`: changes and denied requests with their callers, read from the catalog's database page by page.

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};

use super::devices::to_json_text;
use super::paged_scan::{PAGE_ROWS, PageSource};
use super::row_table::{ColumnDef, column};
use super::{ints, longs, optional_text, text, times};
use crate::domain::Micros;
use crate::domain::audit::{AuditFilter, AuditRecord};
use crate::domain::pagination::Pagination;
use crate::query::context::QueryContext;
use crate::query::scan::table_provider::pruning_only;
use crate::query::scan::upsert_scan;
use crate::store::schema::timestamp;

impl PageSource for AuditFilter {
    const NAME: &'static str = "AuditLog";
    type Row = AuditRecord;

    /// Returns the columns. A row of aggregated denials counts them in `count`, from `ts` to `until`.
    fn columns() -> Vec<ColumnDef<AuditRecord>> {
        vec![
            column("id", DataType::Int32, false, |rows: &[AuditRecord]| ints(rows, |r| Some(r.id))),
            column("ts", timestamp(), false, |rows| times(rows, |r| Some(r.ts))),
            column("until", timestamp(), false, |rows| times(rows, |r| Some(r.until))),
            column("organization_id", DataType::Int32, true, |rows| ints(rows, |r| r.org.map(|org| org.0))),
            column("actor", DataType::Utf8, true, |rows| optional_text(rows, |r| r.actor.as_deref())),
            column("actor_name", DataType::Utf8, true, |rows| {
                optional_text(rows, |r| r.actor_name.as_deref())
            }),
            column("action", DataType::Utf8, false, |rows| text(rows, |r| r.action.clone())),
            column("kind", DataType::Utf8, true, |rows| optional_text(rows, |r| r.kind.as_deref())),
            column("row_id", DataType::Int32, true, |rows| ints(rows, |r| r.row)),
            // A JSON list.
            column("fields", DataType::Utf8, false, |rows| text(rows, |r| to_json_text(&r.fields))),
            column("request", DataType::Utf8, false, |rows| text(rows, |r| r.request.clone())),
            column("outcome", DataType::Utf8, false, |rows| text(rows, |r| r.outcome.clone())),
            column("address", DataType::Utf8, true, |rows| optional_text(rows, |r| r.address.as_deref())),
            column("request_id", DataType::Utf8, false, |rows| text(rows, |r| r.request_id.clone())),
            column("count", DataType::Int64, false, |rows| longs(rows, |r| Some(r.count))),
        ]
    }

    /// Comparisons of ts narrow the database query.
    fn pushdown(filter: &Expr) -> TableProviderFilterPushDown {
        pruning_only(upsert_scan::is_key_comparison(filter, "id"))
    }

    fn first_page(filters: &[Expr]) -> Self {
        let ts = upsert_scan::bounds(filters, "id").ts;
        AuditFilter {
            from: Some(Micros(ts.min)),
            to: Some(Micros(ts.max)),
            page: Pagination { offset: 0, limit: PAGE_ROWS },
            ..AuditFilter::default()
        }
    }

    async fn read(self, query_context: &QueryContext) -> crate::domain::Result<Vec<AuditRecord>> {
        query_context.audit_log(self).await
    }

    fn page_after(self, last: &AuditRecord) -> Self {
        AuditFilter { after: Some(last.id), ..self }
    }
}
