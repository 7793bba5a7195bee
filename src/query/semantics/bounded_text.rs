//! `lpad`, `rpad` and `repeat` with a bound on the length of what they make. DataFusion's make gigabytes of one number, outside
//! the account of memory.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Maximum characters of a text that these functions make.
pub(super) const MAX_CHARS: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    PadLeft,
    PadRight,
    Repeat,
}

/// One of the functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct BoundedText {
    kind: Kind,
    signature: Signature,
}

impl BoundedText {
    /// All of the functions.
    pub fn all() -> impl Iterator<Item = ScalarUDF> {
        [Kind::PadLeft, Kind::PadRight, Kind::Repeat]
            .map(|kind| {
                ScalarUDF::from(Self { kind, signature: Signature::user_defined(Volatility::Immutable) })
            })
            .into_iter()
    }
}

impl ScalarUDFImpl for BoundedText {
    fn name(&self) -> &str {
        match self.kind {
            Kind::PadLeft => "lpad",
            Kind::PadRight => "rpad",
            Kind::Repeat => "repeat",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        use DataType::{Int64, Utf8};
        match (types.len(), self.kind) {
            (2, _) => Ok(vec![Utf8, Int64]),
            (3, Kind::PadLeft | Kind::PadRight) => Ok(vec![Utf8, Int64, Utf8]),
            (_, Kind::Repeat) => plan_err!("repeat takes a text and a number"),
            _ => plan_err!("{} takes a text, a length and a text to fill with", self.name()),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter().map(|column| column.to_array(args.number_rows));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let [texts, counts, fills @ ..] = columns.as_slice() else {
            return exec_err!("{} takes a text and a number", self.name());
        };
        let texts = cast(texts, &DataType::Utf8)?;
        let (texts, counts) = (texts.as_string::<i32>(), counts.as_primitive::<Int64Type>());
        let fills = fills.first().map(|fills| cast(fills, &DataType::Utf8)).transpose()?;
        let made = (0..args.number_rows).map(|row| {
            let fill = match &fills {
                None => Some(" "),
                Some(fills) => fills.is_valid(row).then(|| fills.as_string::<i32>().value(row)),
            };
            match (texts.is_valid(row), counts.is_valid(row), fill) {
                (true, true, Some(fill)) => {
                    self.kind.make(self.name(), texts.value(row), counts.value(row), fill).map(Some)
                }
                _ => Ok(None),
            }
        });
        Ok(ColumnarValue::Array(Arc::new(made.collect::<Result<StringArray>>()?)))
    }
}

impl Kind {
    fn make(self, name: &str, text: &str, count: i64, fill: &str) -> Result<String> {
        let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
        let chars = text.chars().count();
        let length = if self == Kind::Repeat { chars.saturating_mul(count) } else { count };
        if length > MAX_CHARS {
            return exec_err!("{name} makes texts of at most {MAX_CHARS} characters, not {length}");
        }
        if self == Kind::Repeat {
            return Ok(text.repeat(count));
        }
        let kept: String = text.chars().take(count).collect();
        let padding: String = fill.chars().cycle().take(count.saturating_sub(chars)).collect();
        Ok(if self == Kind::PadLeft { padding + &kept } else { kept + &padding })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_postgresql_up_to_the_bound() {
        for (kind, text, count, fill, expected) in [
            (Kind::PadLeft, "7", 3, "0", "007"),
            (Kind::PadLeft, "äöü", 5, "xy", "xyäöü"),
            (Kind::PadRight, "7", 4, "xy", "7xyx"),
            (Kind::PadLeft, "abc", 2, " ", "ab"),
            (Kind::PadRight, "abc", -1, " ", ""),
            (Kind::PadLeft, "a", 3, "", "a"),
            (Kind::Repeat, "ab", 2, "", "abab"),
            (Kind::Repeat, "ab", -2, "", ""),
        ] {
            assert_eq!(kind.make("f", text, count, fill).unwrap(), expected);
        }
        for (kind, text, count) in
            [(Kind::PadLeft, "a", 1_001), (Kind::Repeat, "ab", 501), (Kind::Repeat, "ab", i64::MAX)]
        {
            assert!(kind.make("f", text, count, " ").unwrap_err().to_string().contains("at most 1000"));
        }
    }
}
