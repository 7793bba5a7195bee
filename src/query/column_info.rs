//! Rows of `information_schema.columns`: what PostgreSQL tells of a column of a table.

use arrow::datatypes::{DataType, FieldRef};

use super::schema_names::{CATALOG, PG_CATALOG, SCHEMA};

/// Type of a column of `information_schema.columns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
}

use Kind::{Number, Text};

impl Kind {
    pub(super) fn data_type(self) -> DataType {
        match self {
            Text => DataType::Utf8,
            Number => DataType::Int32,
        }
    }
}

/// All columns of `information_schema.columns`, in PostgreSQL's order.
pub(super) const FIELDS: [(&str, Kind); 44] = [
    ("table_catalog", Text),
    ("table_schema", Text),
    ("table_name", Text),
    ("column_name", Text),
    ("ordinal_position", Number),
    ("column_default", Text),
    ("is_nullable", Text),
    ("data_type", Text),
    ("character_maximum_length", Number),
    ("character_octet_length", Number),
    ("numeric_precision", Number),
    ("numeric_precision_radix", Number),
    ("numeric_scale", Number),
    ("datetime_precision", Number),
    ("interval_type", Text),
    ("interval_precision", Number),
    ("character_set_catalog", Text),
    ("character_set_schema", Text),
    ("character_set_name", Text),
    ("collation_catalog", Text),
    ("collation_schema", Text),
    ("collation_name", Text),
    ("domain_catalog", Text),
    ("domain_schema", Text),
    ("domain_name", Text),
    ("udt_catalog", Text),
    ("udt_schema", Text),
    ("udt_name", Text),
    ("scope_catalog", Text),
    ("scope_schema", Text),
    ("scope_name", Text),
    ("maximum_cardinality", Number),
    ("dtd_identifier", Text),
    ("is_self_referencing", Text),
    ("is_identity", Text),
    ("identity_generation", Text),
    ("identity_start", Text),
    ("identity_increment", Text),
    ("identity_maximum", Text),
    ("identity_minimum", Text),
    ("identity_cycle", Text),
    ("is_generated", Text),
    ("generation_expression", Text),
    ("is_updatable", Text),
];

/// A column of a table.
#[derive(Debug)]
pub(super) struct ColumnInfo {
    pub table: String,
    /// Its number within the table, from 1.
    pub number: usize,
    pub field: FieldRef,
}

impl ColumnInfo {
    /// Returns the value of a column of texts.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let (data_type, udt_name) = type_names(self.field.data_type());
        Some(match name {
            "table_catalog" | "udt_catalog" => CATALOG.to_owned(),
            "table_schema" => SCHEMA.to_owned(),
            "table_name" => self.table.clone(),
            "column_name" => self.field.name().clone(),
            "is_nullable" => if self.field.is_nullable() { "YES" } else { "NO" }.to_owned(),
            "data_type" => data_type.to_owned(),
            "udt_schema" => PG_CATALOG.to_owned(),
            "udt_name" => udt_name,
            "dtd_identifier" => self.number.to_string(),
            "is_self_referencing" | "is_identity" | "identity_cycle" | "is_updatable" => "NO".to_owned(),
            "is_generated" => "NEVER".to_owned(),
            _ => return None,
        })
    }

    /// Returns the value of a column of numbers.
    pub(super) fn number(&self, name: &str) -> Option<i32> {
        let digits = match self.field.data_type() {
            DataType::Int8 | DataType::Int16 | DataType::UInt8 => Some((16, 2, Some(0))),
            DataType::Int32 | DataType::UInt16 => Some((32, 2, Some(0))),
            DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Some((64, 2, Some(0))),
            DataType::Float16 | DataType::Float32 => Some((24, 2, None)),
            DataType::Float64 => Some((53, 2, None)),
            DataType::Decimal128(digits, scale) => Some((i32::from(*digits), 10, Some(i32::from(*scale)))),
            _ => None,
        };
        match (name, self.field.data_type()) {
            ("ordinal_position", _) => i32::try_from(self.number).ok(),
            ("numeric_precision", _) => digits.map(|(digits, ..)| digits),
            ("numeric_precision_radix", _) => digits.map(|(_, radix, _)| radix),
            ("numeric_scale", _) => digits.and_then(|(.., scale)| scale),
            ("datetime_precision", DataType::Date32) => Some(0),
            ("datetime_precision", DataType::Timestamp(..) | DataType::Time64(_)) => Some(6),
            // A gibibyte, the longest text.
            ("character_octet_length", DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => {
                Some(1 << 30)
            }
            _ => None,
        }
    }
}

/// Returns the name of a type in SQL, and its name in `pg_type`.
fn type_names(data_type: &DataType) -> (&'static str, String) {
    let (name, udt_name) = match data_type {
        DataType::Boolean => ("boolean", "bool"),
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => ("smallint", "int2"),
        DataType::Int32 | DataType::UInt16 => ("integer", "int4"),
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => ("bigint", "int8"),
        DataType::Float16 | DataType::Float32 => ("real", "float4"),
        DataType::Float64 => ("double precision", "float8"),
        DataType::Decimal128(..) | DataType::Decimal256(..) => ("numeric", "numeric"),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => ("bytea", "bytea"),
        DataType::Date32 | DataType::Date64 => ("date", "date"),
        DataType::Time32(_) | DataType::Time64(_) => ("time without time zone", "time"),
        DataType::Timestamp(_, None) => ("timestamp without time zone", "timestamp"),
        DataType::Timestamp(_, Some(_)) => ("timestamp with time zone", "timestamptz"),
        DataType::Interval(_) | DataType::Duration(_) => ("interval", "interval"),
        DataType::List(element) => return ("ARRAY", format!("_{}", type_names(element.data_type()).1)),
        DataType::Dictionary(_, values) => return type_names(values),
        _ => ("text", "text"),
    };
    (name, udt_name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Field, TimeUnit};

    use super::*;

    #[test]
    fn columns_have_the_types_of_postgresql() {
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for (data_type, name, udt_name) in [
            (DataType::Utf8, "text", "text"),
            (DataType::Float64, "double precision", "float8"),
            (zoned, "timestamp with time zone", "timestamptz"),
            (DataType::UInt64, "bigint", "int8"),
            (DataType::new_list(DataType::Utf8, true), "ARRAY", "_text"),
        ] {
            let field = Arc::new(Field::new("a", data_type, false));
            let column = ColumnInfo { table: "readings".to_owned(), number: 2, field };
            assert_eq!(column.text("data_type").as_deref(), Some(name));
            assert_eq!(column.text("udt_name").as_deref(), Some(udt_name));
            assert_eq!(column.text("is_nullable").as_deref(), Some("NO"));
            assert_eq!((column.number("ordinal_position"), column.text("column_default")), (Some(2), None));
        }
        let field = Arc::new(Field::new("a", DataType::Int32, true));
        let column = ColumnInfo { table: "streams".to_owned(), number: 1, field };
        assert_eq!(
            (column.number("numeric_precision"), column.number("datetime_precision")),
            (Some(32), None)
        );
    }
}
