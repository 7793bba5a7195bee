//! VALUES of times and intervals of which some rows have the text alone: `VALUES (date '2024-03-30'), ('2024-03-31')`. In PostgreSQL the texts
//! have the type of the others (15, 10.5); DataFusion (55) finds the types inconsistent.

use datafusion::sql::sqlparser::ast::{DataType, Expr, Value, ValueWithSpan, Values};

use super::function_call::cast_of;

/// Casts such texts.
pub(super) fn rewrite(values: &mut Values) {
    let columns = values.rows.first().map_or(0, |row| row.content.len());
    for place in 0..columns {
        let mut column = values.rows.iter().filter_map(|row| row.content.get(place));
        let Some(of) = column.find_map(temporal_type) else { continue };
        for text in values.rows.iter_mut().filter_map(|row| row.content.get_mut(place)) {
            if is_text(text) {
                *text = cast_of(text.clone(), of.clone());
            }
        }
    }
}

/// The type of an expression that names it, if that is one of times or intervals.
fn temporal_type(expr: &Expr) -> Option<DataType> {
    let named = match expr {
        Expr::TypedString(typed) => &typed.data_type,
        Expr::Cast { data_type, .. } => data_type,
        Expr::Interval(_) => return Some(DataType::Interval { fields: None, precision: None }),
        _ => return None,
    };
    let is_temporal = matches!(
        named,
        DataType::Date | DataType::Time(..) | DataType::Timestamp(..) | DataType::Interval { .. }
    );
    is_temporal.then(|| named.clone())
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. }))
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn texts_beside_times_are_times() {
        for (text, expected) in [
            (
                "VALUES ('1 day', 'a'), (INTERVAL '2 days', 'b'), (NULL, 'c')",
                "VALUES ('1 day'::INTERVAL, 'a'), (INTERVAL '2 days', 'b'), (NULL, 'c')",
            ),
            ("VALUES (1, '2'), ('3', 4)", "VALUES (1, '2'), ('3', 4)"),
            ("VALUES ('x'::DATE), ('y')", "VALUES ('x'::DATE), ('y'::DATE)"),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }
}
