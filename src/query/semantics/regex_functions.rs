//! Regular expressions in PostgreSQL's form in the calls of DataFusion (55), which takes them for those of the `regex` crate, and
//! `regexp_match`, of which DataFusion's leaves out the groups that match nothing (so does its kernel of arrow).

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::functions::regex::compile_and_cache_regex;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, lit,
};
use datafusion::scalar::ScalarValue;

use super::regex_syntax;
use super::return_field::as_nullable_as_arguments;

const MATCH: &str = "regexp_match";
const REPLACE: &str = "regexp_replace";

/// Role of a text in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Pattern,
    Replacement,
}

impl Kind {
    fn readable(self, text: &str, is_by_line: bool) -> String {
        match self {
            Kind::Pattern => regex_syntax::pattern(text, is_by_line),
            Kind::Replacement => regex_syntax::replacement(text),
        }
    }
}

/// `regex_pattern(text)` and `regex_replacement(text)`: a text of a column in the form that DataFusion reads.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct RegexText {
    kind: Kind,
    signature: Signature,
}

impl RegexText {
    fn new(kind: Kind) -> Self {
        Self { kind, signature: Signature::any(1, Volatility::Immutable) }
    }

    /// Both functions.
    pub fn all() -> impl Iterator<Item = ScalarUDF> {
        [Kind::Pattern, Kind::Replacement].into_iter().map(|kind| ScalarUDF::from(Self::new(kind)))
    }
}

impl ScalarUDFImpl for RegexText {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Pattern => "regex_pattern",
            Kind::Replacement => "regex_replacement",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [text] => Ok(text.clone()),
            _ => plan_err!("{} takes a text", self.name()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        as_nullable_as_arguments(self, &args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text] = args.args.as_slice() else { return exec_err!("{} takes a text", self.name()) };
        let is_constant = matches!(text, ColumnarValue::Scalar(_));
        let texts = text.to_array(if is_constant { 1 } else { args.number_rows })?;
        let plain = cast(&texts, &DataType::Utf8)?;
        let rows = plain.as_string::<i32>().iter();
        let readable = rows.map(|text| text.map(|text| self.kind.readable(text, false)));
        let readable = readable.collect::<StringArray>();
        column_or_value(cast(&readable, texts.data_type())?, is_constant)
    }
}

/// Writes the pattern and the replacement of a match or a call in the form that DataFusion reads. Parameters have their values by now.
pub(super) fn in_expr(expr: Expr) -> Transformed<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_match(op) => {
            let right = Box::new(in_form(*right, Kind::Pattern, false));
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right }))
        }
        Expr::ScalarFunction(call) if call.name().starts_with("regexp_") => {
            Transformed::yes(Expr::ScalarFunction(in_call(call)))
        }
        other => Transformed::no(other),
    }
}

fn is_match(op: Operator) -> bool {
    use Operator::{RegexIMatch, RegexMatch, RegexNotIMatch, RegexNotMatch};
    matches!(op, RegexMatch | RegexIMatch | RegexNotMatch | RegexNotIMatch)
}

fn in_call(mut call: ScalarFunction) -> ScalarFunction {
    let is_replacing = call.name() == REPLACE;
    let flags = call.args.iter().skip(if is_replacing { 3 } else { 2 });
    let is_by_line = flags.filter_map(text_of).any(|flags| flags.contains(['m', 'n']));
    let args = std::mem::take(&mut call.args).into_iter().enumerate();
    call.args = args
        .map(|(place, arg)| match place {
            1 => in_form(arg, Kind::Pattern, is_by_line),
            2 if is_replacing => in_form(arg, Kind::Replacement, false),
            _ => arg,
        })
        .collect();
    call
}

fn text_of(expr: &Expr) -> Option<&str> {
    expr.as_literal().and_then(|value| value.try_as_str().flatten())
}

fn in_form(expr: Expr, kind: Kind, is_by_line: bool) -> Expr {
    match text_of(&expr).map(|text| kind.readable(text, is_by_line)) {
        Some(text) => of_type(expr, text),
        // NULL.
        None if matches!(expr, Expr::Literal(..)) => expr,
        None => ScalarUDF::from(RegexText::new(kind)).call(vec![expr]),
    }
}

/// A text of the type of another.
fn of_type(other: Expr, text: String) -> Expr {
    match other {
        Expr::Literal(ScalarValue::Utf8View(_), _) => lit(ScalarValue::Utf8View(Some(text))),
        Expr::Literal(ScalarValue::LargeUtf8(_), _) => lit(ScalarValue::LargeUtf8(Some(text))),
        _ => lit(text),
    }
}

/// `regexp_match(text, pattern [, flags])`: the groups of the first match, NULL for those that match nothing; without groups the match.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct RegexpMatch {
    signature: Signature,
}

impl Default for RegexpMatch {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for RegexpMatch {
    fn name(&self) -> &str {
        MATCH
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let is_text = |of: &DataType| of.is_string() || of.is_null();
        match types.len() {
            2 | 3 if types.iter().all(is_text) => Ok(vec![DataType::Utf8; types.len()]),
            _ => plan_err!("{MATCH} takes a text, a regular expression and flags"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let columns = args.args.iter().map(|column| Ok(cast(&column.to_array(rows)?, &DataType::Utf8)?));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let columns: Vec<&StringArray> = columns.iter().map(|column| column.as_string()).collect();
        let [texts, patterns, flags @ ..] = columns.as_slice() else {
            return exec_err!("{MATCH} takes a text and a regular expression");
        };
        let (mut compiled, mut groups) = (HashMap::new(), ListBuilder::new(StringBuilder::new()));
        for row in 0..rows {
            if columns.iter().any(|column| column.is_null(row)) {
                groups.append_null();
                continue;
            }
            let flags = flags.first().map(|flags| flags.value(row)).filter(|flags| !flags.is_empty());
            if flags.is_some_and(|flags| flags.contains('g')) {
                return exec_err!("{MATCH} does not take the flag g: it finds one match");
            }
            let regex = compile_and_cache_regex(patterns.value(row), flags, &mut compiled)?;
            let Some(found) = regex.captures(texts.value(row)) else {
                groups.append_null();
                continue;
            };
            let whole = usize::from(found.len() > 1);
            for group in found.iter().skip(whole) {
                groups.values().append_option(group.map(|group| group.as_str()));
            }
            groups.append(true);
        }
        column_or_value(Arc::new(groups.finish()), is_constant)
    }
}

fn column_or_value(values: ArrayRef, is_constant: bool) -> Result<ColumnarValue> {
    Ok(match is_constant {
        true => ColumnarValue::Scalar(ScalarValue::try_from_array(&values, 0)?),
        false => ColumnarValue::Array(values),
    })
}
