//! Columns of `readings.parquet`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::fixed_columns::fixed_fields;
use super::pages::ReadingPage;
use super::plan::{ExportPlan, ExportSensor};
use crate::domain::document::ValueType;
use crate::domain::integer;
use crate::domain::reading::Reading;
use crate::domain::{Error, Result};

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

/// The columns: the fixed ones, then those of the profiles.
pub fn schema(plan: &ExportPlan) -> SchemaRef {
    let mut fields = fixed_fields();
    let added =
        plan.columns.iter().map(|column| Field::new(&column.name, data_type(column.value_type), true));
    fields.extend(added);
    Arc::new(Schema::new(fields))
}

fn data_type(value_type: ValueType) -> DataType {
    match value_type {
        ValueType::Double => DataType::Float64,
        ValueType::Bigint => DataType::Int64,
        ValueType::Boolean => DataType::Boolean,
        ValueType::Text => DataType::Utf8,
    }
}

/// Converts the readings of a sensor to batches of the schema of a plan.
pub fn batches<'a>(
    (plan, schema): (&'a ExportPlan, &'a SchemaRef),
    sensor: &'a ExportSensor,
    page: &'a ReadingPage,
) -> impl Iterator<Item = Result<RecordBatch>> + 'a {
    let pieces = page.readings.chunks(BATCH_ROWS).zip(page.metadata.chunks(BATCH_ROWS));
    pieces.map(move |(readings, metadata)| {
        let columns = columns(plan, sensor, (readings, metadata));
        let batch = RecordBatch::try_new(schema.clone(), columns);
        batch.map_err(|e| Error::internal("rows of an export do not fit their columns").with_source(e))
    })
}

fn columns(
    plan: &ExportPlan,
    sensor: &ExportSensor,
    (readings, metadata): (&[Reading], &[Option<Box<str>>]),
) -> Vec<ArrayRef> {
    let rows = readings.len();
    let mut times = TimestampMicrosecondBuilder::with_capacity(rows);
    let mut values = ValueColumns::default();
    for reading in readings {
        times.append_value(reading.ts.0);
        values.append(sensor.value_type, reading);
    }
    let repeated =
        |text: String| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..rows).map(|_| &text))) };
    let id = |id: uuid::Uuid| repeated(id.to_string());
    let none = |of: &DataType| new_null_array(of, rows);
    let values = values.finish();
    let mut all: Vec<ArrayRef> = vec![
        Arc::new(times.finish().with_timezone("UTC")),
        id(sensor.device),
        sensor.component.map_or_else(|| none(&DataType::Utf8), id),
        id(sensor.stream.uuid),
        repeated(sensor.key.clone()),
        repeated(sensor.value_type.name().to_owned()),
    ];
    all.extend(values.iter().cloned());
    all.push(Arc::new(StringArray::from_iter(metadata.iter().map(Option::as_deref))));
    all.extend(plan.columns.iter().enumerate().map(|(place, column)| match sensor.column == Some(place) {
        true => Arc::clone(&values[place_of(column.value_type)]),
        false => none(&data_type(column.value_type)),
    }));
    all
}

/// Place of a type in [`ValueColumns::finish`].
fn place_of(value_type: ValueType) -> usize {
    match value_type {
        ValueType::Double => 0,
        ValueType::Bigint => 1,
        ValueType::Boolean => 2,
        ValueType::Text => 3,
    }
}

/// The four columns of values.
#[derive(Default)]
struct ValueColumns {
    double: Float64Builder,
    bigint: Int64Builder,
    boolean: BooleanBuilder,
    text: StringBuilder,
}

impl ValueColumns {
    /// Appends a row. The value is in the column of its type. Two kinds of numbers are elsewhere: a scaled one with a
    /// fraction, of a sensor of integers, is a double, and an integer that neither column holds is also a text.
    fn append(&mut self, value_type: ValueType, reading: &Reading) {
        let (number, text) = (reading.value, reading.text.as_deref());
        let (mut double, mut bigint, mut boolean, mut shown) = (None, None, None, None);
        match value_type {
            ValueType::Double => (double, shown) = (number, text),
            ValueType::Bigint => {
                bigint = exact_integer(number, text);
                if bigint.is_none() {
                    (double, shown) = (number, text);
                }
            }
            ValueType::Boolean => boolean = number.map(|number| number != 0.0),
            ValueType::Text => shown = text,
        }
        self.double.append_option(double);
        self.bigint.append_option(bigint);
        self.boolean.append_option(boolean);
        self.text.append_option(shown);
    }

    fn finish(mut self) -> [ArrayRef; 4] {
        [
            Arc::new(self.double.finish()),
            Arc::new(self.bigint.finish()),
            Arc::new(self.boolean.finish()),
            Arc::new(self.text.finish()),
        ]
    }
}

/// The integer of a row: beyond 2^53 its decimal text has it.
fn exact_integer(number: Option<f64>, text: Option<&str>) -> Option<i64> {
    if let Some(exact) = text.and_then(|digits| digits.parse().ok()) {
        return Some(exact);
    }
    number.filter(|_| text.is_none()).and_then(integer::exact_integer)
}

#[cfg(test)]
#[path = "row_batches_tests.rs"]
mod tests;
