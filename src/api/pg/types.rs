//! PostgreSQL's types of parameters and the Arrow types they stand for.

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use arrow_pg::datatypes::into_pg_type;
use pgwire::api::Type;

use super::error::PgError;

/// Time zone of all times with one.
pub const UTC: &str = "UTC";

/// Array types with their element types.
pub const ARRAY_TYPES: [(Type, Type); 19] = [
    (Type::BOOL_ARRAY, Type::BOOL),
    (Type::INT2_ARRAY, Type::INT2),
    (Type::INT4_ARRAY, Type::INT4),
    (Type::INT8_ARRAY, Type::INT8),
    (Type::OID_ARRAY, Type::OID),
    (Type::FLOAT4_ARRAY, Type::FLOAT4),
    (Type::FLOAT8_ARRAY, Type::FLOAT8),
    (Type::NUMERIC_ARRAY, Type::NUMERIC),
    (Type::TEXT_ARRAY, Type::TEXT),
    (Type::VARCHAR_ARRAY, Type::VARCHAR),
    (Type::BPCHAR_ARRAY, Type::BPCHAR),
    (Type::NAME_ARRAY, Type::NAME),
    (Type::UUID_ARRAY, Type::UUID),
    (Type::BYTEA_ARRAY, Type::BYTEA),
    (Type::DATE_ARRAY, Type::DATE),
    (Type::TIME_ARRAY, Type::TIME),
    (Type::TIMESTAMP_ARRAY, Type::TIMESTAMP),
    (Type::TIMESTAMPTZ_ARRAY, Type::TIMESTAMPTZ),
    (Type::INTERVAL_ARRAY, Type::INTERVAL),
];

/// Returns the element type of an array type; `None` for other types.
pub fn element_type(declared: &Type) -> Option<Type> {
    ARRAY_TYPES.iter().find(|(array, _)| array == declared).map(|(_, element)| element.clone())
}

/// Returns the array type of an element type.
pub fn array_type(element: &Type) -> Option<Type> {
    ARRAY_TYPES.iter().find(|(_, own)| own == element).map(|(array, _)| array.clone())
}

/// Returns the parameter type of an OID; `None` for 0 and for types that leave the choice to the server.
pub fn declared_type(oid: u32) -> Result<Option<Type>, PgError> {
    match Type::from_oid(oid) {
        _ if oid == 0 => Ok(None),
        Some(Type::UNKNOWN) => Ok(None),
        Some(known) if arrow_type(&known).is_some() => Ok(Some(known)),
        Some(other) => Err(unsupported(other.name())),
        None => Err(unsupported(&format!("number {oid}"))),
    }
}

/// Returns a type by its SQL name, such as `timestamptz`.
pub fn type_by_name(name: &str) -> Result<Type, PgError> {
    let name = name.to_ascii_lowercase();
    if let Some(element) = name.strip_suffix("[]") {
        return array_type(&type_by_name(element.trim_end())?).ok_or_else(|| unsupported(&name));
    }
    Ok(match name.as_str() {
        "bool" | "boolean" => Type::BOOL,
        "int2" | "smallint" => Type::INT2,
        "int" | "int4" | "integer" => Type::INT4,
        "int8" | "bigint" => Type::INT8,
        "float4" | "real" => Type::FLOAT4,
        "float8" | "double precision" => Type::FLOAT8,
        "numeric" | "decimal" => Type::NUMERIC,
        "text" | "varchar" | "character varying" => Type::TEXT,
        "date" => Type::DATE,
        "timestamp" | "timestamp without time zone" => Type::TIMESTAMP,
        "timestamptz" | "timestamp with time zone" => Type::TIMESTAMPTZ,
        "interval" => Type::INTERVAL,
        "uuid" => Type::UUID,
        _ => return Err(unsupported(&name)),
    })
}

/// The error of a parameter of an unsupported type.
pub fn unsupported(name: &str) -> PgError {
    PgError::Protocol("0A000", format!("parameters of the type {name} are not supported"))
}

/// Returns the SQL name of a type.
pub fn name(declared: &Type) -> String {
    element_type(declared).map_or_else(|| declared.name().to_owned(), |of| format!("{}[]", of.name()))
}

/// Returns the Arrow type of a parameter type; `None` for unsupported types.
pub fn arrow_type(declared: &Type) -> Option<DataType> {
    if let Some(element) = element_type(declared) {
        return Some(DataType::new_list(arrow_type(&element)?, true));
    }
    Some(match *declared {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 | Type::OID => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 | Type::NUMERIC => DataType::Float64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UUID | Type::JSON => DataType::Utf8,
        Type::BYTEA => DataType::Binary,
        Type::DATE => DataType::Date32,
        // As a cast makes it: the engine does not compare times of day of two units in every place.
        Type::TIME => DataType::Time64(TimeUnit::Nanosecond),
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        Type::INTERVAL => DataType::Interval(IntervalUnit::MonthDayNano),
        _ => return None,
    })
}

/// Returns the PostgreSQL type advertised for a parameter of Arrow type `wanted`.
pub fn parameter_type(wanted: &DataType) -> Type {
    match wanted {
        // Numbers of objects (`oid`) are the only unsigned parameters.
        DataType::UInt32 => return Type::OID,
        DataType::List(element) if *element.data_type() == DataType::UInt32 => return Type::OID_ARRAY,
        // So are UUIDs the only ones of a fixed number of bytes.
        DataType::FixedSizeBinary(_) => return Type::UUID,
        DataType::List(element) if matches!(element.data_type(), DataType::FixedSizeBinary(_)) => {
            return Type::UUID_ARRAY;
        }
        _ => {}
    }
    let exact = into_pg_type(wanted).ok().filter(|found| arrow_type(found).is_some());
    exact.unwrap_or(Type::TEXT)
}

#[cfg(test)]
#[path = "types_tests.rs"]
mod tests;
