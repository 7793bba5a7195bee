//! The columns that `readings.parquet` of every export has.

use arrow::datatypes::{DataType, Field, TimeUnit};

/// Whether each export has a column of this name.
pub fn is_fixed_column(name: &str) -> bool {
    fixed_fields().iter().any(|field| field.name() == name)
}

/// The columns of every export, in their order.
pub fn fixed_fields() -> Vec<Field> {
    let ts = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    vec![
        Field::new("timestamp", ts, false),
        Field::new("device_id", DataType::Utf8, false),
        Field::new("component_id", DataType::Utf8, true),
        Field::new("sensor_id", DataType::Utf8, false),
        Field::new("sensor_key", DataType::Utf8, false),
        Field::new("value_type", DataType::Utf8, false),
        Field::new("value_double", DataType::Float64, true),
        Field::new("value_bigint", DataType::Int64, true),
        Field::new("value_boolean", DataType::Boolean, true),
        Field::new("value_text", DataType::Utf8, true),
        // JSON.
        Field::new("metadata", DataType::Utf8, true),
    ]
}
