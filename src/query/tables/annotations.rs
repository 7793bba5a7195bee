//! `annotations`: what is said about times of sites, devices, components and sensors, read from the catalog's database
//! page by page.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::prelude::col;

use super::devices::to_json_text;
use super::{text, times};
use crate::domain::annotation::{Annotation, AnnotationFilter};
use crate::domain::pagination::Pagination;
use crate::domain::{DeviceId, Micros};
use crate::query::context::QueryContext;
use crate::query::scan::table_provider::pruning_only;
use crate::query::scan::upsert_scan;
use crate::query::tables::paged_scan::{PageSource, PagedTable};
use crate::store::schema::timestamp;

/// Rows of a page: some megabytes where values and notes are the longest.
const PAGE_ROWS: usize = 256;

/// Returns the columns. `scope_id` is the UUID of the annotated row; `end_time` is NULL for a point in time.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        Arc::new(Schema::new(vec![
            text("uuid"),
            // Key of the class.
            text("class"),
            text("scope_type"),
            // UUID of the site, device, component or sensor.
            text("scope_id"),
            Field::new("device_id", DataType::Int32, true),
            Field::new("stream_id", DataType::Int32, true),
            Field::new("start_time", timestamp(), false),
            Field::new("end_time", timestamp(), true),
            text("source"),
            Field::new("confidence", DataType::Float64, true),
            Field::new("note", DataType::Utf8, true),
            // JSON.
            text("values"),
            text("created_by"),
            Field::new("created_at", timestamp(), false),
            Field::new("updated_at", timestamp(), false),
        ]))
    });
    SCHEMA.clone()
}

/// The annotations that a principal may see.
pub type AnnotationsTable = PagedTable<AnnotationFilter>;

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

    fn schema() -> SchemaRef {
        schema()
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

    fn batch(rows: &[Annotation]) -> Result<RecordBatch> {
        batch(rows)
    }
}

fn batch(rows: &[Annotation]) -> Result<RecordBatch> {
    let ids = |get: fn(&Annotation) -> Option<i32>| -> ArrayRef {
        Arc::new(Int32Array::from_iter(rows.iter().map(get)))
    };
    let columns: Vec<ArrayRef> = vec![
        text(rows, |row| row.uuid.to_string()),
        text(rows, |row| row.class_key.clone()),
        text(rows, |row| row.spec.scope_type.name().to_owned()),
        text(rows, |row| row.spec.scope.to_string()),
        ids(|row| row.place.device.map(|device| device.0)),
        ids(|row| row.place.stream.map(|stream| stream.0)),
        times(rows, |row| Some(row.spec.start)),
        times(rows, |row| row.spec.end),
        text(rows, |row| row.spec.source.name().to_owned()),
        Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.spec.confidence))),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.spec.note.as_deref()))),
        text(rows, |row| to_json_text(&row.spec.values)),
        text(rows, |row| row.created_by.clone()),
        times(rows, |row| Some(row.created_at)),
        times(rows, |row| Some(row.updated_at)),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}
