//! Rows of our own functions in `pg_proc`, beside PostgreSQL's: clients list them by `\df`. docs/sql.md documents the
//! functions.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::common::{Result, exec_err};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlanBuilder, ScalarUDF, Volatility, cast, col, create_udf, ident, lit,
};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

use crate::query::schema_names::SCHEMA;

/// Object id of the first function; those of tables count up from 16,384.
const FIRST_OID: i32 = 1_000_000;

/// A function of ours, with its `pg_proc` kind: `f` function, `a` aggregate, `w` window function.
struct Proc {
    name: &'static str,
    kind: &'static str,
    arguments: &'static [&'static str],
    result: &'static str,
}

const fn proc(
    name: &'static str,
    kind: &'static str,
    arguments: &'static [&'static str],
    result: &'static str,
) -> Proc {
    Proc { name, kind, arguments, result }
}

const BUCKET_ARGS: [&str; 2] = ["interval", "timestamp with time zone"];
const ZONED_BUCKET_ARGS: [&str; 3] = ["interval", "timestamp with time zone", "text"];
const VALUE_TIME_ARGS: [&str; 2] = ["anyelement", "timestamp with time zone"];
const COUNTER_ARGS: [&str; 2] = ["double precision", "timestamp with time zone"];

/// All functions, by name.
const PROCS: [Proc; 13] = [
    proc(
        "anomaly_score",
        "w",
        &["integer", "timestamp with time zone", "double precision"],
        "double precision",
    ),
    proc("delta", "a", &COUNTER_ARGS, "double precision"),
    proc("first", "a", &VALUE_TIME_ARGS, "anyelement"),
    proc("interpolate", "f", &["double precision"], "double precision"),
    proc("last", "a", &VALUE_TIME_ARGS, "anyelement"),
    proc("locf", "f", &["anyelement"], "anyelement"),
    proc("lttb", "a", &["timestamp with time zone", "double precision", "integer"], "record[]"),
    proc("rate", "a", &COUNTER_ARGS, "double precision"),
    proc("rms", "a", &["double precision"], "double precision"),
    proc("time_bucket", "f", &BUCKET_ARGS, "timestamp with time zone"),
    proc("time_bucket", "f", &ZONED_BUCKET_ARGS, "timestamp with time zone"),
    proc("time_bucket_gapfill", "f", &BUCKET_ARGS, "timestamp with time zone"),
    proc("time_bucket_gapfill", "f", &ZONED_BUCKET_ARGS, "timestamp with time zone"),
];

fn oid(at: usize) -> i32 {
    FIRST_OID + i32::try_from(at).expect("a dozen of functions")
}

/// Unions PostgreSQL's functions and ours; `namespaces` is `pg_namespace`, for the id of our schema.
pub(super) fn with_ours(
    theirs: Arc<dyn TableProvider>,
    namespaces: Arc<dyn TableProvider>,
) -> Result<ViewTable> {
    let rows = PROCS.iter().enumerate().map(|(at, one)| {
        let count = i16::try_from(one.arguments.len()).expect("three at most");
        vec![lit(oid(at)), lit(one.name), lit(one.kind), lit(count)]
    });
    let schema = LogicalPlanBuilder::scan("pg_namespace", provider_as_source(namespaces), None)?
        .filter(col("nspname").eq(lit(SCHEMA)))?
        .project([cast(col("oid"), DataType::Int32).alias("own_schema")])?;
    let ours = LogicalPlanBuilder::values(rows.collect())?.cross_join(schema.build()?)?;
    let fields = theirs.schema();
    let columns = fields
        .fields()
        .iter()
        .map(|field| cast(column(field.name()), field.data_type().clone()).alias(field.name()));
    let ours = ours.project(columns.collect::<Vec<_>>())?.build()?;
    let all = LogicalPlanBuilder::scan("pg_proc", provider_as_source(theirs), None)?;
    let columns = fields.fields().iter().map(|field| ident(field.name()));
    let plan = all.project(columns.collect::<Vec<_>>())?.union(ours)?.build()?;
    Ok(ViewTable::new(plan, None))
}

/// Returns the value of one of our functions for a column of `pg_proc`.
fn column(name: &str) -> Expr {
    match name {
        "oid" => col("column1"),
        "proname" | "prosrc" => col("column2"),
        "prokind" => col("column3"),
        "pronargs" => col("column4"),
        "pronamespace" => col("own_schema"),
        // Owned by the superuser, in the language `internal`.
        "proowner" => lit(10_i32),
        "prolang" => lit(12_i32),
        "procost" => lit(1_i32),
        "prorows" | "provariadic" | "pronargdefaults" | "prorettype" => lit(0_i32),
        "prosecdef" | "proleakproof" | "proisstrict" | "proretset" => lit(false),
        "prosupport" => lit("-"),
        "provolatile" => lit("i"),
        "proparallel" => lit("s"),
        "proargtypes" => lit(""),
        _ => lit(ScalarValue::Null),
    }
}

/// Registers `pg_get_function_result` and the functions that return arguments: by object id for our functions, null for
/// others.
pub(super) fn register(context: &SessionContext) {
    context.register_udf(of_oid("pg_get_function_result", |one| one.result.to_owned()));
    for name in ["pg_get_function_arguments", "pg_get_function_identity_arguments"] {
        context.register_udf(of_oid(name, |one| one.arguments.join(", ")));
    }
}

fn of_oid(name: &'static str, tell: fn(&Proc) -> String) -> ScalarUDF {
    let call = move |values: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(values)?;
        let [numbers] = arrays.as_slice() else { return exec_err!("{name} takes the number of a function") };
        let numbers = arrow::compute::cast(numbers, &DataType::Int32)?;
        let numbers = arrow::array::cast::as_primitive_array::<arrow::datatypes::Int32Type>(&numbers);
        let texts = numbers.iter().map(|number| {
            let at = usize::try_from(number?.checked_sub(FIRST_OID)?).ok()?;
            PROCS.get(at).map(tell)
        });
        let texts: arrow::array::StringArray = texts.collect();
        Ok(ColumnarValue::Array(Arc::new(texts)))
    };
    create_udf(name, vec![DataType::Int32], DataType::Utf8, Volatility::Stable, Arc::new(call))
}
