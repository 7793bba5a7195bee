//! Settings that clients read by `current_setting` and from `pg_settings`. The connection answers SHOW.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::scalar::ScalarValue;

/// The PostgreSQL version that the server reports, which is that of its catalog.
pub const SERVER_VERSION: &str = "16.6";

/// Settings that describe what the server does, and never change.
pub const FIXED_SETTINGS: [(&str, &str); 19] = [
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("datestyle", "ISO, YMD"),
    ("default_transaction_read_only", "on"),
    ("in_hot_standby", "off"),
    ("integer_datetimes", "on"),
    ("intervalstyle", "postgres"),
    ("is_superuser", "off"),
    ("jit", "off"),
    ("lc_collate", "C"),
    ("lc_ctype", "C"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", "160006"),
    ("standard_conforming_strings", "on"),
    ("timezone", "UTC"),
    ("transaction_read_only", "on"),
];

/// The initial value of the only other setting that clients read in a statement.
const SEARCH_PATH: (&str, &str) = ("search_path", "public");

fn settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIXED_SETTINGS.into_iter().chain([SEARCH_PATH])
}

/// Columns of `pg_settings`.
const COLUMNS: [&str; 17] = [
    "name",
    "setting",
    "unit",
    "category",
    "short_desc",
    "extra_desc",
    "context",
    "vartype",
    "source",
    "min_val",
    "max_val",
    "enumvals",
    "boot_val",
    "reset_val",
    "sourcefile",
    "sourceline",
    "pending_restart",
];

fn value(name: &str) -> Option<&'static str> {
    settings().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Creates `pg_settings`.
pub(super) fn table() -> Result<Arc<dyn TableProvider>> {
    let of = |column: &str| -> StringArray {
        let cell = |(name, value)| match column {
            "name" => Some(name),
            "setting" | "boot_val" | "reset_val" => Some(value),
            "context" => Some("internal"),
            "vartype" => Some("string"),
            "source" => Some("default"),
            _ => None,
        };
        settings().map(cell).collect()
    };
    let fields = COLUMNS.map(|name| Field::new(name, DataType::Utf8, true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let columns = COLUMNS.map(|name| Arc::new(of(name)) as ArrayRef);
    let rows = RecordBatch::try_new(schema.clone(), columns.to_vec())?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![rows]])?))
}

/// Returns `current_setting(name [, missing_ok])` and `set_config(name, value, is_local)`.
pub(super) fn functions() -> [ScalarUDF; 2] {
    let text = DataType::Utf8;
    let current = vec![
        TypeSignature::Exact(vec![text.clone()]),
        TypeSignature::Exact(vec![text.clone(), DataType::Boolean]),
    ];
    let set = vec![TypeSignature::Exact(vec![text.clone(), text, DataType::Boolean])];
    [("current_setting", current), ("set_config", set)].map(|(name, types)| {
        let signature = Signature::one_of(types, Volatility::Stable);
        ScalarUDF::from(SettingFunction { name, signature })
    })
}

/// A function of a setting.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SettingFunction {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for SettingFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            // No setting changes a result, so that one which is set needs not be kept.
            [_, new, _] => Ok(new.clone()),
            [ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))), rest @ ..] => {
                let is_optional = matches!(rest, [ColumnarValue::Scalar(ScalarValue::Boolean(Some(true)))]);
                match value(name) {
                    None if !is_optional => exec_err!("unrecognized configuration parameter \"{name}\""),
                    found => Ok(ColumnarValue::Scalar(ScalarValue::Utf8(found.map(str::to_owned)))),
                }
            }
            [ColumnarValue::Scalar(ScalarValue::Utf8(None)), ..] => {
                Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None)))
            }
            _ => exec_err!("{} takes the name of a setting", self.name),
        }
    }
}
