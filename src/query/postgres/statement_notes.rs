//! Notes on a statement for PostgreSQL clients, beside its plan: the names of its columns, and which parameters are numbers
//! of objects or UUIDs. They are taken from the statement as it was written.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Expr, Value};

use crate::domain::Error;
use crate::query::semantics::column_name;
use crate::query::syntax_visitor::{SyntaxVisitor, walk};

/// UUIDs as they are told to be: of bytes, as no other parameter is.
const UUID: DataType = DataType::FixedSizeBinary(16);

/// Names of columns, and parameters of types that the engine does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementNotes {
    /// One for each item of the SELECT list; `None` for `*`.
    names: Vec<Option<String>>,
    /// Numbers of parameters that are cast to such a type or to an array of it, with the type by which they are marked.
    marked_parameters: BTreeMap<usize, DataType>,
}

impl StatementNotes {
    /// Notes columns and parameters of a query; there are none for other statements.
    pub fn of(statement: &Statement) -> Self {
        let Statement::Statement(statement) = statement else { return Self::default() };
        let ast::Statement::Query(query) = &**statement else { return Self::default() };
        let list = column_name::first_list(&query.body).unwrap_or_default();
        let mut marked = MarkedParameters(BTreeMap::new());
        // The visitor always continues.
        let _ = walk(&**statement, &mut marked);
        Self { names: list.iter().map(column_name::of_item).collect(), marked_parameters: marked.0 }
    }

    /// Returns the schema with PostgreSQL's names. Columns between two `*` keep theirs, since their places are not known.
    pub fn name_columns(&self, schema: SchemaRef) -> SchemaRef {
        let count = schema.fields().len();
        let before = self.names.iter().take_while(|name| name.is_some()).count();
        let behind = self.names.iter().rev().take_while(|name| name.is_some()).count();
        let has_all = before == self.names.len();
        if self.names.is_empty() || before > count || (has_all && before != count) || behind > count {
            return schema;
        }
        let name = |at: usize| match at {
            at if at < before => self.names[at].as_deref(),
            at if !has_all && count - at <= behind => self.names[self.names.len() - (count - at)].as_deref(),
            _ => None,
        };
        let fields = schema.fields().iter().enumerate().map(|(at, field)| match name(at) {
            Some(name) if name != field.name() => Arc::new(Field::clone(field).with_name(name)),
            _ => Arc::clone(field),
        });
        Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
    }

    /// Marks the types of parameters that are numbers of objects, which are unsigned as no other parameter is, and UUIDs.
    pub fn mark_types(&self, parameters: &mut [DataType]) {
        for (number, mark) in &self.marked_parameters {
            let Some(known) = parameters.get_mut(number - 1) else { continue };
            *known = match known {
                DataType::List(_) => DataType::new_list(mark.clone(), true),
                _ => mark.clone(),
            };
        }
    }
}

/// Returns the mark of a type of parameters, or of an array of it.
fn mark_of(data_type: &ast::DataType) -> Option<DataType> {
    match data_type.to_string().to_ascii_lowercase().as_str() {
        "oid" | "oid[]" => Some(DataType::UInt32),
        "uuid" | "uuid[]" => Some(UUID),
        _ => None,
    }
}

/// Finds `$1::oid`, `$1::uuid[]` and the like.
struct MarkedParameters(BTreeMap<usize, DataType>);

impl SyntaxVisitor for MarkedParameters {
    fn enter_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        if let Expr::Cast { expr, data_type, .. } = expr
            && let Expr::Value(value) = &**expr
            && let Value::Placeholder(id) = &value.value
            && let Some(number) = id.strip_prefix('$').and_then(|number| number.parse().ok())
            && number > 0
            && let Some(mark) = mark_of(data_type)
        {
            self.0.insert(number, mark);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::guard::parser::parse;

    fn named(text: &str, columns: &[&str]) -> Vec<String> {
        let fields: Vec<_> = columns.iter().map(|name| Field::new(*name, DataType::Int32, true)).collect();
        let notes = StatementNotes::of(&parse(text, 50).unwrap());
        let schema = notes.name_columns(Arc::new(Schema::new(fields)));
        schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    #[test]
    fn columns_are_named_around_a_star() {
        for (text, columns, expected) in [
            ("SELECT count(*), 1 FROM r", vec!["count(*)", "Int64(1)"], vec!["count", "?column?"]),
            ("SELECT *, max(a) FROM r", vec!["a", "b", "max(r.a)"], vec!["a", "b", "max"]),
            ("SELECT 1, * FROM r", vec!["Int64(1)", "a"], vec!["?column?", "a"]),
            (
                "SELECT 1, r.*, 2, s.*, 3 FROM r, s",
                vec!["x", "a", "y", "b", "z"],
                vec!["?column?", "a", "y", "b", "?column?"],
            ),
            ("SELECT 1 UNION SELECT 2 AS b", vec!["Int64(1)"], vec!["?column?"]),
            ("WITH q AS (SELECT 1) (SELECT sum(a) FROM q)", vec!["sum(q.a)"], vec!["sum"]),
            ("VALUES (1)", vec!["column1"], vec!["column1"]),
            ("EXPLAIN SELECT 1", vec!["plan_type", "plan"], vec!["plan_type", "plan"]),
        ] {
            assert_eq!(named(text, &columns), expected, "{text}");
        }
    }

    #[test]
    fn parameters_of_types_that_the_engine_does_not_have_are_marked() {
        let text = "SELECT $4::uuid, 1 WHERE $1::oid = ANY($2::oid[]) AND $3::int = 1";
        let notes = StatementNotes::of(&parse(text, 50).unwrap());
        let list = |of| DataType::new_list(of, true);
        let mut types = vec![DataType::Int32, list(DataType::Int32), DataType::Int32, DataType::Utf8];
        notes.mark_types(&mut types);
        assert_eq!(types, [DataType::UInt32, list(DataType::UInt32), DataType::Int32, UUID]);
    }
}
