//! Tables that are joined by USING, with the columns that they share.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, ExceptSelectItem, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName,
    SelectItem, SelectItemQualifiedWildcardKind, TableAlias, TableFactor, TableWithJoins,
    WildcardAdditionalOptions,
};

use super::column_name::folded;
use super::function_call::{binary, call};

pub(super) const NATURAL: &str = "has NATURAL JOIN in a form that is not supported: name the columns that the tables share, with USING (…) or ON …";
const USING: &str = "has a RIGHT or FULL JOIN by USING in a form that is not supported: give each table a name and compare their columns \
                     with ON …";

/// The table of a join from which PostgreSQL takes a shared column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
    /// Whichever has a value.
    Both,
    /// Both have the same value.
    Either,
}

/// How a join shares columns, if it does.
pub(super) fn shared(join: &Join) -> Option<(Side, &JoinConstraint)> {
    let (side, constraint) = match &join.join_operator {
        JoinOperator::Join(on) | JoinOperator::Inner(on) => (Side::Either, on),
        JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (Side::Left, on),
        JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (Side::Right, on),
        JoinOperator::FullOuter(on) => (Side::Both, on),
        _ => return None,
    };
    matches!(constraint, JoinConstraint::Using(_) | JoinConstraint::Natural).then_some((side, constraint))
}

/// The condition of a join that may have one by USING.
pub(super) fn constraint(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(on)
        | JoinOperator::Inner(on)
        | JoinOperator::Left(on)
        | JoinOperator::LeftOuter(on)
        | JoinOperator::Right(on)
        | JoinOperator::RightOuter(on)
        | JoinOperator::FullOuter(on) => Some(on),
        _ => None,
    }
}

/// A column of USING.
#[derive(Debug, Clone)]
pub(super) struct SharedColumn {
    pub(super) name: String,
    pub(super) value: Expr,
    /// The tables that have it, by their place.
    owners: Vec<usize>,
    /// Whether it is that of the leftmost table.
    is_leftmost: bool,
}

impl SharedColumn {
    /// Whether it is a column of a table, rather than made of several.
    pub(super) fn is_of_one_table(&self) -> bool {
        matches!(self.value, Expr::CompoundIdentifier(_))
    }

    /// Whether an expression is this column, by its name alone or as it is here.
    pub(super) fn is_meant_by(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Identifier(name) if folded(name) == self.name) || *expr == self.value
    }
}

/// The tables of a FROM that have been joined so far.
#[derive(Debug)]
pub(super) struct JoinedTables {
    /// The names, of one part or more; `None` for a table without one.
    pub(super) names: Vec<Option<Vec<Ident>>>,
    /// In the order in which `*` shows them.
    pub(super) columns: Vec<SharedColumn>,
    /// Whether these are all, with all their owners.
    pub(super) are_known: bool,
    /// Whether a row may lack its part of the leftmost table.
    may_lack_first: bool,
}

impl JoinedTables {
    /// The first table of a FROM.
    pub(super) fn of(table: &TableFactor) -> JoinedTables {
        let names = vec![name_of(table)];
        JoinedTables { names, columns: Vec::new(), are_known: true, may_lack_first: false }
    }

    /// Adds a join. Returns a condition in place of USING where DataFusion would compare another column.
    pub(super) fn add(&mut self, join: &Join) -> Result<Option<Expr>, &'static str> {
        let place = self.names.len();
        self.names.push(name_of(&join.relation));
        let condition = match shared(join) {
            Some((side, JoinConstraint::Using(columns))) => self.share(place, side, columns)?,
            Some((side, _)) if side != Side::Either || self.may_lack_first => return Err(NATURAL),
            Some(_) => {
                self.are_known = false;
                None
            }
            None => None,
        };
        self.may_lack_first |= matches!(
            join.join_operator,
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
        );
        Ok(condition)
    }

    fn share(
        &mut self,
        place: usize,
        side: Side,
        names: &[ObjectName],
    ) -> Result<Option<Expr>, &'static str> {
        let mut columns: Vec<SharedColumn> = Vec::new();
        let mut conditions = Vec::new();
        let mut is_readable = true;
        for name in names {
            let Some(name) = name.0.last().and_then(|part| part.as_ident()) else { return Err(USING) };
            let left = self.left(name, place);
            let right = self.column(place, name);
            let value = match (side, &left, &right) {
                (Side::Right, _, Some(right)) | (Side::Either, None, Some(right)) => Some(right.clone()),
                (Side::Left | Side::Either, Some(left), _) => Some(left.value.clone()),
                (Side::Both, Some(left), Some(right)) => {
                    Some(call("coalesce", [left.value.clone(), right.clone()]))
                }
                _ => None,
            };
            self.are_known &= left.is_some() && right.is_some();
            is_readable &= left.as_ref().is_none_or(|left| left.is_leftmost);
            let is_leftmost = matches!(side, Side::Left | Side::Either)
                && left.as_ref().is_some_and(|left| left.is_leftmost);
            let owners = left.iter().flat_map(|left| &left.owners).copied().chain([place]).collect();
            match value {
                Some(value) => columns.push(SharedColumn { name: folded(name), value, owners, is_leftmost }),
                None if matches!(side, Side::Right | Side::Both) => return Err(USING),
                None => {}
            }
            conditions.push(left.zip(right).map(|(left, right)| equal(left.value, right)));
        }
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        columns.extend(self.columns.drain(..).filter(|column| !names.contains(&column.name)));
        self.columns = columns;
        if is_readable {
            return Ok(None);
        }
        let conditions: Option<Vec<Expr>> = conditions.into_iter().collect();
        let condition = conditions.and_then(|all| all.into_iter().reduce(and));
        condition.map(Some).ok_or(USING)
    }

    /// The column of this name of the tables left of a place, if it is known of which.
    fn left(&self, name: &Ident, place: usize) -> Option<SharedColumn> {
        let known = self.columns.iter().find(|column| column.name == folded(name));
        known.cloned().or_else(|| {
            let value = (place == 1).then(|| self.column(0, name)).flatten()?;
            Some(SharedColumn { name: folded(name), value, owners: vec![0], is_leftmost: true })
        })
    }

    fn column(&self, place: usize, name: &Ident) -> Option<Expr> {
        let mut parts = self.names.get(place)?.clone()?;
        parts.push(name.clone());
        Some(Expr::CompoundIdentifier(parts))
    }

    /// Adds all columns to a list: those that tables share once, before the others.
    pub(super) fn show_all(&self, list: &mut Vec<SelectItem>) {
        for column in &self.columns {
            let (expr, alias) = (column.value.clone(), Ident::with_quote('"', column.name.clone()));
            list.push(match column.is_of_one_table() {
                true => SelectItem::UnnamedExpr(expr),
                false => SelectItem::ExprWithAlias { expr, alias },
            });
        }
        for (place, name) in self.names.iter().enumerate() {
            let owned = self.columns.iter().filter(|column| column.owners.contains(&place));
            let mut hidden = owned.map(|column| Ident::new(column.name.clone()));
            let opt_except = hidden.next().map(|first_element| ExceptSelectItem {
                first_element,
                additional_elements: hidden.collect(),
            });
            let table = ObjectName::from(name.clone().unwrap_or_default());
            let options = WildcardAdditionalOptions { opt_except, ..WildcardAdditionalOptions::default() };
            list.push(SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(table),
                options,
            ));
        }
    }
}

fn equal(left: Expr, right: Expr) -> Expr {
    binary(left, BinaryOperator::Eq, right)
}

fn and(left: Expr, right: Expr) -> Expr {
    binary(left, BinaryOperator::And, right)
}

/// The tables of a FROM in their order, those of joins in brackets as one.
pub(super) fn tables(from: &[TableWithJoins]) -> impl Iterator<Item = &TableFactor> {
    from.iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)))
}

/// The name by which the columns of a table are qualified.
pub(super) fn name_of(table: &TableFactor) -> Option<Vec<Ident>> {
    let of_alias = |alias: &Option<TableAlias>| alias.as_ref().map(|alias| vec![alias.name.clone()]);
    match table {
        TableFactor::Table { name, alias: None, args: None, .. } => {
            name.0.iter().map(|part| part.as_ident().cloned()).collect()
        }
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::Function { alias, .. } => of_alias(alias),
        _ => None,
    }
}
