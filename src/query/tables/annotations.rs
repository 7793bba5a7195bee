//! `annotations`: what is said about times of sites, devices, components and sensors, read from the catalog's database
//! page by page.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::prelude::col;

use super::devices::to_json_text;
use super::paged_scan::PageSource;
use super::row_table::{ColumnDef, column};
use super::{floats, ints, optional_text, text, times};
use crate::domain::annotation::{Annotation, AnnotationFilter};
use crate::domain::pagination::Pagination;
use crate::domain::{DeviceId, Micros};
use crate::query::context::QueryContext;
use crate::query::scan::table_provider::pruning_only;
use crate::query::scan::upsert_scan;
use crate::store::schema::timestamp;

/// Rows of a page: some megabytes where values and notes are the longest.
const PAGE_ROWS: usize = 256;

/// The filter with `start_time` in the place of `ts`, as the bounds know it.
fn with_ts(filter: &Expr) -> Expr {
    let renamed = filter.clone().transform(|e| match &e {
        Expr::Column(column) if column.name == "start_time" => Ok(Transformed::yes(col("ts"))),
        _ => Ok(Transformed::no(e)),
    });
    renamed.map_or_else(|_| filter.clone(), |renamed| renamed.data)
}

impl PageSource for AnnotationFilter {
    const NAME: &'static str = "Annotations";
    type Row = Annotation;

    /// Returns the columns. `scope_id` is the UUID of the annotated row; `end_time` is NULL for a point in time.
    fn columns() -> Vec<ColumnDef<Annotation>> {
        vec![
            column("uuid", DataType::Utf8, false, |rows: &[Annotation]| text(rows, |a| a.uuid.to_string())),
            // Key of the class.
            column("class", DataType::Utf8, false, |rows| text(rows, |a| a.class_key.clone())),
            column("scope_type", DataType::Utf8, false, |rows| {
                text(rows, |a| a.spec.scope_type.name().to_owned())
            }),
            // UUID of the site, device, component or sensor.
            column("scope_id", DataType::Utf8, false, |rows| text(rows, |a| a.spec.scope.to_string())),
            column("device_id", DataType::Int32, true, |rows| ints(rows, |a| a.place.device.map(|id| id.0))),
            column("stream_id", DataType::Int32, true, |rows| ints(rows, |a| a.place.stream.map(|id| id.0))),
            column("start_time", timestamp(), false, |rows| times(rows, |a| Some(a.spec.start))),
            column("end_time", timestamp(), true, |rows| times(rows, |a| a.spec.end)),
            column("source", DataType::Utf8, false, |rows| text(rows, |a| a.spec.source.name().to_owned())),
            column("confidence", DataType::Float64, true, |rows| floats(rows, |a| a.spec.confidence)),
            column("note", DataType::Utf8, true, |rows| optional_text(rows, |a| a.spec.note.as_deref())),
            // JSON.
            column("values", DataType::Utf8, false, |rows| text(rows, |a| to_json_text(&a.spec.values))),
            column("created_by", DataType::Utf8, false, |rows| text(rows, |a| a.created_by.clone())),
            column("created_at", timestamp(), false, |rows| times(rows, |a| Some(a.created_at))),
            column("updated_at", timestamp(), false, |rows| times(rows, |a| Some(a.updated_at))),
        ]
    }

    /// Comparisons of device_id and start_time narrow the database query.
    fn pushdown(filter: &Expr) -> TableProviderFilterPushDown {
        pruning_only(upsert_scan::is_key_comparison(&with_ts(filter), "device_id"))
    }

    fn first_page(filters: &[Expr]) -> Self {
        let filters: Vec<Expr> = filters.iter().map(with_ts).collect();
        let bounds = upsert_scan::bounds(&filters, "device_id");
        let one = bounds.streams.filter(|ids| ids.len() == 1).and_then(|ids| ids.first().copied());
        AnnotationFilter {
            device: one.map(DeviceId),
            start_from: Some(Micros(bounds.ts.min)),
            to: bounds.ts.max.checked_add(1).map(Micros),
            page: Pagination { offset: 0, limit: PAGE_ROWS },
            ..AnnotationFilter::default()
        }
    }

    async fn read(self, query_context: &QueryContext) -> crate::domain::Result<Vec<Annotation>> {
        query_context.annotations(self).await
    }

    /// A row that is deleted while a page is read makes the page shorter, so only an empty one is the last.
    fn is_last(rows: &[Annotation]) -> bool {
        rows.is_empty()
    }

    fn page_after(self, last: &Annotation) -> Self {
        AnnotationFilter { after: Some((last.spec.start, last.id)), ..self }
    }
}
