//! PostgreSQL functions that its clients call and the `pg_catalog` library lacks.

use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
    create_udf,
};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

use super::settings::SERVER_VERSION;
use super::{privileges, setting_functions};

pub(super) fn register(context: &SessionContext) {
    let version = format!("PostgreSQL {SERVER_VERSION} (Basalt {})", env!("CARGO_PKG_VERSION"));
    let (yes, nothing) = (ScalarValue::from(true), ScalarValue::Utf8(None));
    let constants = [
        ("version", ScalarValue::from(version)),
        ("pg_is_in_recovery", ScalarValue::from(false)),
        ("pg_type_is_visible", yes.clone()),
        ("pg_function_is_visible", yes.clone()),
        ("pg_collation_is_visible", yes),
        // Our tables have no comments, definitions or locations.
        ("obj_description", nothing.clone()),
        ("shobj_description", nothing.clone()),
        ("col_description", nothing.clone()),
        ("pg_get_viewdef", nothing.clone()),
        ("pg_get_expr", nothing.clone()),
        ("pg_get_function_sqlbody", nothing.clone()),
        ("pg_get_indexdef", nothing.clone()),
        ("pg_get_ruledef", nothing.clone()),
        ("pg_get_serial_sequence", nothing.clone()),
        ("pg_tablespace_location", nothing),
        // There are no locks. Its type is `void`, which is shown as an empty text.
        ("pg_advisory_unlock_all", ScalarValue::from("")),
        ("pg_index_column_has_property", ScalarValue::Boolean(None)),
        // There are no temporary tables.
        ("pg_my_temp_schema", ScalarValue::from(0_i32)),
        // The size of a table would reveal rows of others.
        ("pg_database_size", ScalarValue::Int64(None)),
        ("pg_relation_size", ScalarValue::Int64(None)),
        ("pg_table_size", ScalarValue::Int64(None)),
        ("pg_total_relation_size", ScalarValue::Int64(None)),
    ];
    for (name, value) in constants {
        context.register_udf(ScalarUDF::from(ConstantFunction::new(name, value)));
    }
    let of_connection = setting_functions::functions().into_iter().chain(privileges::functions());
    of_connection.for_each(|function| context.register_udf(function));
    context.register_udf(to_regtype());
    context.register_udf(quote_literal("quote_literal", None));
    context.register_udf(quote_literal("quote_nullable", Some("NULL")));
    context.register_udf(size_pretty());
}

/// Creates `pg_size_pretty`: bytes up to 10,239, then the smallest unit with at most that many, rounded to nearest.
fn size_pretty() -> ScalarUDF {
    let call = |values: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(values)?;
        let [sizes] = arrays.as_slice() else { return exec_err!("pg_size_pretty takes a number of bytes") };
        let sizes = arrow::compute::cast(sizes, &DataType::Int64)?;
        let texts = sizes.as_primitive::<Int64Type>().iter().map(|size| size.map(pretty));
        Ok(ColumnarValue::Array(Arc::new(texts.collect::<StringArray>())))
    };
    create_udf("pg_size_pretty", vec![DataType::Int64], DataType::Utf8, Volatility::Immutable, Arc::new(call))
}

/// Creates `quote_literal` or `quote_nullable`, which return a text as a literal of SQL, and `null` for NULL.
fn quote_literal(name: &str, null: Option<&'static str>) -> ScalarUDF {
    let call = move |values: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(values)?;
        let [texts] = arrays.as_slice() else { return exec_err!("a literal is made of one text") };
        let texts = arrow::compute::cast(texts, &DataType::Utf8)?;
        let literal = |text: Option<&str>| text.map(quoted).or_else(|| null.map(str::to_owned));
        let literals = texts.as_string::<i32>().iter().map(literal);
        Ok(ColumnarValue::Array(Arc::new(literals.collect::<StringArray>())))
    };
    create_udf(name, vec![DataType::Utf8], DataType::Utf8, Volatility::Immutable, Arc::new(call))
}

fn quoted(text: &str) -> String {
    let start = if text.contains('\\') { "E" } else { "" };
    format!("{start}'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

fn pretty(size: i64) -> String {
    if size.unsigned_abs() < 10 * 1024 {
        return format!("{size} bytes");
    }
    // Counts in half units, as PostgreSQL does, so that the last bit rounds.
    let halves = |unit: u32| i128::from(size) / (1 << (10 * unit - 1));
    let fits = |unit: &u32| halves(*unit).abs() < 20 * 1024 - 1;
    let (unit, name) = (1..).zip(["kB", "MB", "GB", "TB"]).find(|(unit, _)| fits(unit)).unwrap_or((5, "PB"));
    let halves = halves(unit);
    format!("{} {name}", (halves + halves.signum()) / 2)
}

/// A function that returns one value for any arguments.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ConstantFunction {
    name: &'static str,
    value: ScalarValue,
    signature: Signature,
}

impl ConstantFunction {
    fn new(name: &'static str, value: ScalarValue) -> Self {
        let any = TypeSignature::OneOf(vec![TypeSignature::Nullary, TypeSignature::VariadicAny]);
        Self { name, value, signature: Signature::new(any, Volatility::Stable) }
    }
}

impl ScalarUDFImpl for ConstantFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.value.data_type())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value.clone()))
    }
}

/// Types by name, with their object ids, which are the same in every PostgreSQL.
const TYPE_OIDS: [(&str, i32); 22] = [
    ("bool", 16),
    ("boolean", 16),
    ("bytea", 17),
    ("int8", 20),
    ("bigint", 20),
    ("int2", 21),
    ("smallint", 21),
    ("int4", 23),
    ("integer", 23),
    ("text", 25),
    ("oid", 26),
    ("json", 114),
    ("float4", 700),
    ("real", 700),
    ("float8", 701),
    ("varchar", 1043),
    ("date", 1082),
    ("time", 1083),
    ("timestamp", 1114),
    ("timestamptz", 1184),
    ("interval", 1186),
    ("numeric", 1700),
];

/// Creates `to_regtype`, which returns the object id of a type; null for an unknown type, by which clients detect
/// missing extensions.
fn to_regtype() -> ScalarUDF {
    let call = |values: &[ColumnarValue]| match values {
        [ColumnarValue::Scalar(ScalarValue::Utf8(name))] => {
            let name = name.as_deref().map(str::to_ascii_lowercase);
            let found = name.and_then(|name| TYPE_OIDS.iter().find(|(known, _)| *known == name));
            Ok(ColumnarValue::Scalar(ScalarValue::Int32(found.map(|(_, oid)| *oid))))
        }
        _ => exec_err!("to_regtype takes the name of a type"),
    };
    create_udf("to_regtype", vec![DataType::Utf8], DataType::Int32, Volatility::Stable, Arc::new(call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_literals() {
        for (text, expected) in [("", "''"), ("it's", "'it''s'"), (r"a\b'", r"E'a\\b'''")] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn sizes_are_told_as_postgresql_tells_them() {
        let rows = [
            (0, "0 bytes"),
            (-1, "-1 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (-10_240, "-10 kB"),
            (12_000, "12 kB"),
            (10_485_247, "10239 kB"),
            (10_485_248, "10 MB"),
            (1_536 * 1024, "1536 kB"),
            (1 << 40, "1024 GB"),
            (i64::MAX, "8192 PB"),
        ];
        for (size, expected) in rows {
            assert_eq!(pretty(size), expected, "{size}");
        }
    }
}
