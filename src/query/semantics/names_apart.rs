//! Columns of one name. DataFusion wants the expressions of a SELECT to have different names, and takes a cast for what is
//! cast; PostgreSQL has no such rule. A statement that is refused for it is planned again with numbered names, and its result
//! has the names that PostgreSQL gives. Other statements pay nothing for it.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Column, SchemaError, TableReference, exec_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    DataType as SqlType, Expr as SqlExpr, Ident, ObjectName, Select, SelectItem, Value,
};

use super::syntax::call;
use crate::query::syntax_visitor::change_selects_and_exprs;

/// Separates the name of a column from its number. A control character, so that no column has it by chance.
const MARK: char = '\u{1f}';
/// PostgreSQL's name for a column without one.
const UNNAMED: &str = "?column?";

/// Whether a statement was refused because two of its columns or keys have one name.
pub fn is_duplicate_name(error: &DataFusionError) -> bool {
    match error.find_root() {
        DataFusionError::SchemaError(why, _) => matches!(
            **why,
            SchemaError::DuplicateQualifiedField { .. }
                | SchemaError::DuplicateUnqualifiedField { .. }
                | SchemaError::AmbiguousReference { .. }
        ),
        DataFusionError::Plan(message) => message.contains("require unique expression names"),
        _ => false,
    }
}

/// Numbers columns of one name, and gives casts names of their own.
pub fn name_apart(statement: &mut Statement) {
    match statement {
        Statement::Statement(statement) => {
            let mut is_argument = false;
            let mut name_cast = |expr: &mut SqlExpr| name_cast(expr, &mut is_argument);
            change_selects_and_exprs(&mut **statement, &mut number_columns, &mut name_cast);
        }
        Statement::Explain(explain) => name_apart(&mut explain.statement),
        // The planner refuses these, since they do not only read.
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => {}
    }
}

fn number_columns(select: &mut Select) {
    let is_wildcard =
        |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    let has_wildcard = select.projection.iter().any(is_wildcard);
    let names: Vec<Option<String>> = select.projection.iter().map(name_of_item).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in names.iter().flatten() {
        *counts.entry(name).or_default() += 1;
    }
    for (at, item) in select.projection.iter_mut().enumerate() {
        let Some(name) = &names[at] else { continue };
        // The names behind a wildcard are not known yet.
        let may_be_behind_wildcard = has_wildcard && matches!(item, SelectItem::UnnamedExpr(_));
        if counts.get(name.as_str()).is_some_and(|count| *count < 2) && !may_be_behind_wildcard {
            continue;
        }
        let alias = Ident::with_quote('"', format!("{name}{MARK}{at}"));
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let expr = mem::replace(expr, SqlExpr::value(Value::Null));
                *item = SelectItem::ExprWithAlias { expr, alias };
            }
            SelectItem::ExprWithAlias { alias: own, .. } => *own = alias,
            _ => {}
        }
    }
}

/// The name that PostgreSQL gives to a column of a result.
fn name_of_item(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(expr) => Some(name_of(expr).unwrap_or_else(|| UNNAMED.to_owned())),
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        _ => None,
    }
}

fn name_of(expr: &SqlExpr) -> Option<String> {
    match expr {
        SqlExpr::Identifier(name) => Some(folded(name)),
        SqlExpr::CompoundIdentifier(parts) => parts.last().map(folded),
        SqlExpr::Nested(expr) | SqlExpr::Collate { expr, .. } => name_of(expr),
        SqlExpr::Cast { expr, data_type, .. } => name_of(expr).or_else(|| Some(type_name(data_type))),
        SqlExpr::Function(function) => last_part(&function.name),
        SqlExpr::Case { else_result, .. } => {
            else_result.as_deref().and_then(name_of).or_else(|| Some("case".to_owned()))
        }
        SqlExpr::Extract { .. } => Some("extract".to_owned()),
        SqlExpr::Exists { .. } => Some("exists".to_owned()),
        SqlExpr::Interval(_) => Some("interval".to_owned()),
        _ => None,
    }
}

fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

fn last_part(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(folded)
}

fn type_name(data_type: &SqlType) -> String {
    match data_type {
        SqlType::Int(_) | SqlType::Integer(_) | SqlType::Int4(_) => "int4".to_owned(),
        SqlType::BigInt(_) | SqlType::Int8(_) => "int8".to_owned(),
        SqlType::SmallInt(_) | SqlType::Int2(_) => "int2".to_owned(),
        SqlType::Real => "float4".to_owned(),
        SqlType::Double(_) | SqlType::DoublePrecision => "float8".to_owned(),
        SqlType::Boolean => "bool".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}

/// Puts a cast behind a function, whose name shows the type. The function's first argument is the cast, which the walk
/// comes to next.
fn name_cast(expr: &mut SqlExpr, is_argument: &mut bool) {
    let SqlExpr::Cast { data_type, .. } = expr else { return };
    if mem::take(is_argument) {
        return;
    }
    let target = SqlExpr::value(Value::SingleQuotedString(data_type.to_string().to_lowercase()));
    let cast = mem::replace(expr, SqlExpr::value(Value::Null));
    *expr = call(NamedCast::NAME, [cast, target]);
    *is_argument = true;
}

/// Gives numbered columns of a result their names back.
pub fn restore_names(plan: LogicalPlan) -> Result<LogicalPlan> {
    if !plan.schema().fields().iter().any(|field| field.name().contains(MARK)) {
        return Ok(plan);
    }
    let columns: Vec<Expr> = plan.schema().iter().enumerate().map(restored).collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// Columns of one name need different qualifiers, which no result shows.
fn restored((at, column): (usize, (Option<&TableReference>, &FieldRef))) -> Expr {
    let name = column.1.name();
    let name = name.split_once(MARK).map_or(name.as_str(), |(name, _)| name).to_owned();
    Expr::Column(Column::from(column)).alias_qualified(Some(format!("column_{at}")), name)
}

/// `named_cast(cast, type)`: its first argument, under a name that contains the type. [`super::PostgresSemantics`] takes it
/// away once names are settled.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct NamedCast {
    signature: Signature,
}

impl NamedCast {
    pub const NAME: &str = "named_cast";
}

impl Default for NamedCast {
    fn default() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for NamedCast {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [value, _] => Ok(value.clone()),
            _ => exec_err!("{} takes a value and the name of a type", Self::NAME),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        match args.arg_fields {
            [value, _] => Ok(Arc::clone(value)),
            _ => exec_err!("{} takes a value and the name of a type", Self::NAME),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [value, _] => Ok(value.clone()),
            _ => exec_err!("{} takes a value and the name of a type", Self::NAME),
        }
    }
}
