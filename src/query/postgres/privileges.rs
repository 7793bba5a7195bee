//! `has_table_privilege` and its like: a key may read what the catalog shows it, and nothing can be written.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

const NAMES: [&str; 4] =
    ["has_any_column_privilege", "has_database_privilege", "has_schema_privilege", "has_table_privilege"];

/// Privileges that only read.
const READING: [&str; 3] = ["CONNECT", "SELECT", "USAGE"];

/// Returns the functions, which replace those of the library.
pub(super) fn functions() -> [ScalarUDF; 4] {
    let text = DataType::Utf8;
    let of_role = TypeSignature::Exact(vec![text.clone(), text.clone()]);
    let of_named_role = TypeSignature::Exact(vec![text.clone(), text.clone(), text]);
    let signature = Signature::one_of(vec![of_named_role, of_role], Volatility::Stable);
    NAMES.map(|name| ScalarUDF::from(PrivilegeFunction { name, signature: signature.clone() }))
}

/// A function of an object and the names of privileges, with the role before them or without it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct PrivilegeFunction {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for PrivilegeFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(privileges) = arrays.last() else { return exec_err!("{} takes a privilege", self.name) };
        let privileges = arrow::compute::cast(privileges, &DataType::Utf8)?;
        let answers = privileges.as_string::<i32>().iter().map(|names| names.map(is_granted));
        Ok(ColumnarValue::Array(Arc::new(answers.collect::<BooleanArray>())))
    }
}

/// Whether the role has one of some privileges, with commas between them.
fn is_granted(names: &str) -> bool {
    names.split(',').any(|name| READING.iter().any(|known| name.trim().eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_is_granted() {
        for (names, expected) in [
            ("select", true),
            ("USAGE", true),
            ("INSERT, SELECT", true),
            ("INSERT,UPDATE", false),
            ("CREATE", false),
            ("SELECT WITH GRANT OPTION", false),
        ] {
            assert_eq!(is_granted(names), expected, "{names}");
        }
    }
}
