//! `as_uuid(text)`: what a cast to `uuid` means (PostgreSQL 15, 8.12). UUIDs are texts of 36 small characters here, in every
//! table; their order is that of the bytes. DataFusion (55) has no such type.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray};
use arrow::datatypes::{DataType, Field};
use datafusion::common::{exec_datafusion_err, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, ArrayElemTypeDef, CastKind, Expr};
use uuid::Uuid;

use super::function_call::call;

const NAME: &str = "as_uuid";
const BYTES: usize = 16;

/// The function `as_uuid`, of a text or of a list of texts.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct AsUuid {
    signature: Signature,
}

impl Default for AsUuid {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for AsUuid {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        match args {
            [DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null] => {
                Ok(vec![DataType::Utf8])
            }
            [DataType::List(_)] => Ok(vec![DataType::new_list(DataType::Utf8, true)]),
            [other] => plan_err!("Cannot cast {other} to uuid"),
            _ => plan_err!("{NAME} takes one argument"),
        }
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match args {
            [texts] => Ok(texts.clone()),
            _ => plan_err!("{NAME} takes one argument"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(texts)] => uuids(texts).map(ColumnarValue::Array),
            [ColumnarValue::Scalar(text)] => {
                let uuid = uuids(&text.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&uuid, 0)?))
            }
            _ => exec_err!("{NAME} takes one argument"),
        }
    }
}

fn uuids(texts: &ArrayRef) -> Result<ArrayRef> {
    if let DataType::List(_) = texts.data_type() {
        let lists = texts.as_list::<i32>();
        let field = Arc::new(Field::new_list_field(DataType::Utf8, true));
        let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
        return Ok(Arc::new(ListArray::try_new(field, offsets, uuids(lists.values())?, nulls)?));
    }
    let read = |text: Option<&str>| {
        let wrong = |text| exec_datafusion_err!("Invalid input syntax for type uuid: \"{text}\"");
        text.map(|text| canonical(text).ok_or_else(|| wrong(text))).transpose()
    };
    let read = texts.as_string::<i32>().iter().map(read);
    Ok(Arc::new(read.collect::<Result<StringArray>>()?))
}

/// Returns the one form of a UUID that tables have; `None` for a text that is none. As PostgreSQL does, takes capital letters,
/// braces around all, and hyphens only behind groups of four digits.
pub fn canonical(text: &str) -> Option<String> {
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut rest, mut bytes) = (inner.as_bytes(), [0; BYTES]);
    for (at, byte) in bytes.iter_mut().enumerate() {
        let [high, low, tail @ ..] = rest else { return None };
        *byte = (digit(*high)? << 4) | digit(*low)?;
        let ends_group = at % 2 == 1 && at + 1 < BYTES;
        rest = if ends_group { tail.strip_prefix(b"-").unwrap_or(tail) } else { tail };
    }
    rest.is_empty().then(|| Uuid::from_bytes(bytes).to_string())
}

/// Rewrites a cast to `uuid` or `uuid[]`; `None` for other casts, and for TRY_CAST, which the planner refuses.
pub(super) fn rewrite_cast(expr: &Expr, target: &ast::DataType, kind: &CastKind) -> Option<Expr> {
    let texts = match target {
        ast::DataType::Uuid => ast::DataType::Text,
        ast::DataType::Array(ArrayElemTypeDef::SquareBracket(of, size)) if **of == ast::DataType::Uuid => {
            ast::DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(ast::DataType::Text), *size))
        }
        _ => return None,
    };
    let expr = Box::new(expr.clone());
    let cast = Expr::Cast { kind: kind.clone(), expr, data_type: texts, array: false, format: None };
    matches!(kind, CastKind::Cast | CastKind::DoubleColon).then(|| call(NAME, [cast]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right side is what PostgreSQL 15 answers; `None` is 22P02.
    #[test]
    fn uuids_are_read_as_postgresql_reads_them() {
        let uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        for (text, expected) in [
            (uuid, Some(uuid)),
            ("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", Some(uuid)),
            ("{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}", Some(uuid)),
            ("a0eebc999c0b4ef8bb6d6bb9bd380a11", Some(uuid)),
            ("a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", Some(uuid)),
            ("{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None),
            ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", None),
            ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111", None),
            ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-", None),
            ("a-0eebc999c0b4ef8bb6d6bb9bd380a11", None),
            (" a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None),
            ("g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None),
            ("", None),
        ] {
            assert_eq!(canonical(text).as_deref(), expected, "{text}");
        }
    }
}
