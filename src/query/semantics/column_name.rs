//! Names under which PostgreSQL shows the columns of a SELECT list (`FigureColname` of its parse_target.c).

use datafusion::sql::sqlparser::ast::{
    AccessExpr, DataType, Expr, Function, Ident, ObjectName, Query, SelectItem, SetExpr, TrimWhereField,
    TypedString,
};

use super::cast_name;

/// The name of an expression that has none.
const NO_NAME: &str = "?column?";

/// How much a name has to do with its expression: a cast and CASE prefer the names of what is in them to their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    Weak,
    Strong,
}

use Strength::{Strong, Weak};

/// Returns the name of an item; `None` for `*`, which stands for any number of columns.
pub fn of_item(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(expr) => Some(of_expr(expr)),
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        _ => None,
    }
}

/// Returns the SELECT list whose names a query has: the first one's of a set operation.
pub fn first_list(body: &SetExpr) -> Option<&[SelectItem]> {
    match body {
        SetExpr::Select(select) => Some(&select.projection),
        SetExpr::Query(query) => first_list(&query.body),
        SetExpr::SetOperation { left, .. } => first_list(left),
        _ => None,
    }
}

fn of_expr(expr: &Expr) -> String {
    figure(expr).map_or_else(|| NO_NAME.to_owned(), |(name, _)| name)
}

fn figure(expr: &Expr) -> Option<(String, Strength)> {
    let strong = |name: &str| Some((name.to_owned(), Strong));
    match expr {
        Expr::Identifier(name) => Some((folded(name), Strong)),
        Expr::CompoundIdentifier(parts) => Some((folded(parts.last()?), Strong)),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => figure(inner),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(name)) => Some(folded(name)),
                _ => None,
            });
            field.map_or_else(|| figure(root), |field| Some((field, Strong)))
        }
        Expr::Cast { expr, data_type, .. } => {
            figure(expr).filter(|(_, strength)| *strength == Strong).or_else(|| of_type(data_type))
        }
        Expr::TypedString(TypedString { data_type, .. }) => of_type(data_type),
        Expr::Interval(_) => Some(("interval".to_owned(), Weak)),
        Expr::Case { else_result, .. } => {
            let other = else_result.as_deref().and_then(figure);
            other.filter(|(_, strength)| *strength == Strong).or_else(|| Some(("case".to_owned(), Weak)))
        }
        Expr::Function(function) => of_function(function),
        Expr::Subquery(query) => of_query(query),
        Expr::Exists { negated: false, .. } => strong("exists"),
        Expr::Array(_) => strong("array"),
        Expr::Tuple(_) => strong("row"),
        Expr::Extract { .. } => strong("extract"),
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::Position { .. } => strong("position"),
        Expr::Substring { shorthand, .. } => strong(if *shorthand { "substr" } else { "substring" }),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::Trim { trim_where, .. } => strong(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }),
        _ => None,
    }
}

fn of_function(function: &Function) -> Option<(String, Strength)> {
    if let Some(cast) = cast_name::cast_of(function) {
        return figure(cast);
    }
    Some((last_word(&function.name)?, Strong))
}

/// The name of a subquery in place of a value is that of its column.
fn of_query(query: &Query) -> Option<(String, Strength)> {
    of_item(first_list(&query.body)?.first()?).map(|name| (name, Strong))
}

/// The name of a type as `pg_type` has it.
fn of_type(data_type: &DataType) -> Option<(String, Strength)> {
    if let DataType::Custom(name, _) = data_type {
        return Some((last_word(name)?, Weak));
    }
    let text = data_type.to_string().to_ascii_lowercase();
    let is_zoned = text.ends_with("with time zone");
    let plain = text.split(['(', '[']).next().unwrap_or_default().trim_end();
    let plain =
        plain.strip_suffix(" with time zone").or(plain.strip_suffix(" without time zone")).unwrap_or(plain);
    let name = match plain {
        "int" | "integer" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "real" => "float4",
        "double" | "double precision" | "float" => "float8",
        "boolean" => "bool",
        "decimal" | "dec" => "numeric",
        "character varying" | "char varying" => "varchar",
        "char" | "character" => "bpchar",
        "timestamp" if is_zoned => "timestamptz",
        "time" if is_zoned => "timetz",
        other => other,
    };
    Some((name.to_owned(), Weak))
}

fn last_word(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(folded)
}

/// A name in the letters that PostgreSQL gives it.
pub(super) fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::ast::Statement;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    /// Names that PostgreSQL 15 gives.
    #[test]
    fn columns_are_named_as_postgresql_names_them() {
        for (item, expected) in [
            ("ts", "ts"),
            ("r.Value", "value"),
            ("\"Value\"", "Value"),
            ("1 AS \"One\"", "One"),
            ("1 AS One", "one"),
            ("count(*)", "count"),
            ("pg_catalog.version()", "version"),
            ("MAX(value) FILTER (WHERE value > 0)", "max"),
            ("row_number() OVER (ORDER BY ts)", "row_number"),
            ("max(ts) - min(ts)", "?column?"),
            ("1", "?column?"),
            ("'x'", "?column?"),
            ("NULL", "?column?"),
            ("true", "?column?"),
            ("-value", "?column?"),
            ("(value)", "value"),
            ("ts::date", "ts"),
            ("count(*)::float", "count"),
            ("CAST('1' AS double precision)", "float8"),
            ("'1'::int", "int4"),
            ("$1::timestamp(3) with time zone", "timestamptz"),
            ("'{}'::bigint[]", "int8"),
            ("'t'::pg_catalog.regclass", "regclass"),
            ("date '2024-03-31'", "date"),
            ("interval '1 day'", "interval"),
            ("now()", "now"),
            ("current_timestamp", "current_timestamp"),
            ("CASE WHEN a THEN 1 END", "case"),
            ("CASE WHEN a THEN 1 ELSE value END", "value"),
            ("CASE WHEN a THEN 1 ELSE 2 END", "case"),
            ("coalesce(a, b)", "coalesce"),
            ("nullif(a, b)", "nullif"),
            ("greatest(a, b)", "greatest"),
            ("ARRAY[1, 2]", "array"),
            ("ARRAY(SELECT 1)", "array"),
            ("tags[1]", "tags"),
            ("EXISTS (SELECT 1)", "exists"),
            ("(SELECT max(value) FROM r)", "max"),
            ("extract(hour FROM ts)", "extract"),
            ("ts AT TIME ZONE 'UTC'", "timezone"),
            ("substring(a FROM 1 FOR 2)", "substring"),
            ("trim(a)", "btrim"),
            ("ceil(value)", "ceil"),
            ("a IS NULL", "?column?"),
            ("a BETWEEN 1 AND 2", "?column?"),
        ] {
            let text = format!("SELECT {item} FROM r");
            let statement = Parser::parse_sql(&PostgreSqlDialect {}, &text).unwrap().remove(0);
            let Statement::Query(query) = statement else { panic!("{text}") };
            let names: Vec<_> = first_list(&query.body).unwrap().iter().map(of_item).collect();
            assert_eq!(names, [Some(expected.to_owned())], "{item}");
        }
    }
}
