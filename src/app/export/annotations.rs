//! `annotations.parquet`: what is said about the scope of an export and everything below it, in its range.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::app::export::Exports;
use crate::app::readings::list::ReadingsOf;
use crate::domain::annotation::{Annotation, AnnotationFilter, ScopeType};
use crate::domain::device::DeviceFilter;
use crate::domain::export::{ExportScope, ExportSpec};
use crate::domain::pagination::Pagination;
use crate::domain::{Error, Principal, Result};

/// Annotations that are read together: each has up to 20 KiB of texts.
const PAGE_ROWS: usize = 200;

/// The columns.
pub fn schema() -> SchemaRef {
    let text = |name: &str, is_nullable| Field::new(name, DataType::Utf8, is_nullable);
    let ts = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        text("id", false),
        text("class_id", false),
        text("class_key", false),
        text("scope_type", false),
        text("scope_id", false),
        Field::new("start_time", ts(), false),
        // Null of a point in time.
        Field::new("end_time", ts(), true),
        // JSON.
        text("values", false),
        text("source", false),
        Field::new("confidence", DataType::Float64, true),
        text("note", true),
        text("created_by", false),
        Field::new("created_at", ts(), false),
        Field::new("updated_at", ts(), false),
    ]))
}

/// Converts annotations to a batch of the schema.
///
/// # Errors
/// `Internal`.
pub fn batch(schema: &SchemaRef, rows: &[Annotation]) -> Result<RecordBatch> {
    let text = |value: fn(&Annotation) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(value)))
    };
    let time = |value: fn(&Annotation) -> Option<i64>| -> ArrayRef {
        let times: TimestampMicrosecondArray = rows.iter().map(value).collect();
        Arc::new(times.with_timezone("UTC"))
    };
    let confidence: Float64Array = rows.iter().map(|row| row.spec.confidence).collect();
    let columns = vec![
        text(|row| row.uuid.to_string()),
        text(|row| row.spec.class.to_string()),
        text(|row| row.class_key.clone()),
        text(|row| row.spec.scope_type.name().to_owned()),
        text(|row| row.spec.scope.to_string()),
        time(|row| Some(row.spec.start.0)),
        time(|row| row.spec.end.map(|end| end.0)),
        text(|row| serde_json::Value::Object(row.spec.values.clone()).to_string()),
        text(|row| row.spec.source.name().to_owned()),
        Arc::new(confidence),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.spec.note.as_deref()))),
        text(|row| row.created_by.clone()),
        time(|row| Some(row.created_at.0)),
        time(|row| Some(row.updated_at.0)),
    ];
    let batch = RecordBatch::try_new(schema.clone(), columns);
    batch.map_err(|e| Error::internal("annotations of an export do not fit their columns").with_source(e))
}

impl Exports {
    /// Returns the lists of which the annotations of an export consist.
    ///
    /// # Errors
    /// `NotFound` when what it is of is gone.
    pub(super) fn annotation_lists(
        &self,
        reader: &Principal,
        spec: &ExportSpec,
    ) -> Result<Vec<AnnotationFilter>> {
        let catalog = self.store.catalog();
        let page = Pagination { offset: 0, limit: PAGE_ROWS };
        let all = AnnotationFilter {
            from: Some(spec.from),
            to: Some(spec.to),
            page,
            ..AnnotationFilter::default()
        };
        let of = |scope_type, scope| AnnotationFilter {
            scope_type: Some(scope_type),
            scope: Some(scope),
            ..all.clone()
        };
        let of_device = |device| AnnotationFilter { device: Some(device), ..all.clone() };
        Ok(match spec.scope_type {
            ExportScope::Sensor => vec![of(ScopeType::Sensor, spec.scope)],
            ExportScope::Device => vec![of_device(catalog.devices.device_by_uuid(reader, spec.scope)?.id)],
            ExportScope::Component => {
                let sensors = self.readings.streams_of(reader, &ReadingsOf::Component(spec.scope))?;
                let of_sensors = sensors.into_iter().map(|stream| of(ScopeType::Sensor, stream.uuid));
                std::iter::once(of(ScopeType::Component, spec.scope)).chain(of_sensors).collect()
            }
            ExportScope::Site => {
                let devices = catalog.devices.devices(reader, &DeviceFilter::default());
                let here = devices.into_iter().filter(|device| device.topology.site == Some(spec.scope));
                let of_devices = here.map(|device| of_device(device.id));
                std::iter::once(of(ScopeType::Site, spec.scope)).chain(of_devices).collect()
            }
        })
    }

    /// Returns the next annotations of a list, by begin, and moves the list behind them; none after the last.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(super) async fn next_annotations(
        &self,
        reader: &Principal,
        list: &mut AnnotationFilter,
    ) -> Result<Vec<Annotation>> {
        let rows = self.store.catalog().annotations.annotations(reader, list).await?;
        if let Some(last) = rows.last() {
            list.after = Some((last.spec.start, last.id));
        }
        Ok(rows)
    }
}
