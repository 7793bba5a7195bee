//! Limits the size of a statement once it is planned: WITH queries are copied wherever they are named, and grouping
//! sets multiply rows. Both can grow by powers of two, so they are checked before planning.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Cte, Expr, GroupByExpr, GroupByWithModifier, ObjectName, Query, Select,
};

use super::nesting::MAX_TEXT_BYTES;
use crate::domain::{Error, Result};
use crate::query::syntax_visitor::{SyntaxVisitor, walk};

/// Maximum grouping sets of one SELECT, as PostgreSQL limits those of CUBE.
const MAX_GROUPING_SETS: u64 = 4096;

/// Checks the expanded size of a parsed statement.
///
/// # Errors
/// `Invalid`, naming what grows and its limit.
pub fn check(statement: &Statement) -> Result<()> {
    match statement {
        Statement::Statement(inner) => {
            let mut growth = ExpansionVisitor::default();
            walk(&**inner, &mut growth)?;
            growth.check_size(inner.to_string().len())
        }
        Statement::Explain(explain) => check(&explain.statement),
        // The planner refuses these, since they do not only read.
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => Ok(()),
    }
}

/// Collects WITH queries and their references.
#[derive(Default)]
struct ExpansionVisitor {
    /// Definitions by name; of two with one name, the larger counts.
    definitions: HashMap<String, CteDefinition>,
    /// Addresses of the queries of definitions; their references are in `definitions`.
    bodies: HashSet<*const Query>,
    /// Number of definitions around the current node.
    within: usize,
    /// Names referenced outside all definitions.
    names: Vec<String>,
}

/// One WITH query.
struct CteDefinition {
    bytes: usize,
    names: Vec<String>,
}

impl ExpansionVisitor {
    fn define(&mut self, cte: &Cte) -> Result<()> {
        let mut names = RelationNames::default();
        walk(&*cte.query, &mut names)?;
        let found = CteDefinition { bytes: cte.query.to_string().len(), names: names.0 };
        self.bodies.insert(&raw const *cte.query);
        let name = cte.alias.name.value.to_lowercase();
        let known = self.definitions.get(&name);
        if known.is_none_or(|known| known.bytes < found.bytes) {
            self.definitions.insert(name, found);
        }
        Ok(())
    }

    fn check_size(&self, text_bytes: usize) -> Result<()> {
        let mut sizes = HashMap::new();
        let copied =
            self.names.iter().map(|name| self.size(name, &mut sizes, 0)).fold(0, usize::saturating_add);
        if text_bytes.saturating_add(copied) > MAX_TEXT_BYTES {
            let message = format!(
                "is longer than {MAX_TEXT_BYTES} bytes once each WITH query is written out where it is named; name them \
                 less often"
            );
            return Err(Error::field("query", message));
        }
        Ok(())
    }

    /// Returns the bytes of a definition with all that it references. The number of definitions limits the recursion of
    /// those that reference each other.
    fn size(&self, name: &str, sizes: &mut HashMap<String, usize>, depth: usize) -> usize {
        let Some(definition) = self.definitions.get(name).filter(|_| depth <= self.definitions.len()) else {
            return 0;
        };
        if let Some(size) = sizes.get(name) {
            return *size;
        }
        let others = definition.names.iter().filter(|other| *other != name);
        let copied = others.map(|other| self.size(other, sizes, depth + 1)).fold(0, usize::saturating_add);
        let size = definition.bytes.saturating_add(copied);
        sizes.insert(name.to_owned(), size);
        size
    }
}

impl SyntaxVisitor for ExpansionVisitor {
    fn enter_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let mut definitions = query.with.iter().flat_map(|with| &with.cte_tables);
        if let Err(error) = definitions.try_for_each(|cte| self.define(cte)) {
            return ControlFlow::Break(error);
        }
        self.within += usize::from(self.bodies.contains(&(&raw const *query)));
        ControlFlow::Continue(())
    }

    fn leave_query(&mut self, query: &Query) -> ControlFlow<Error> {
        self.within -= usize::from(self.bodies.contains(&(&raw const *query)));
        ControlFlow::Continue(())
    }

    fn enter_relation(&mut self, relation: &ObjectName) -> ControlFlow<Error> {
        if self.within == 0 {
            self.names.push(name_of(relation));
        }
        ControlFlow::Continue(())
    }

    fn enter_select(&mut self, select: &Select) -> ControlFlow<Error> {
        let sets = grouping_sets(&select.group_by);
        if sets > MAX_GROUPING_SETS {
            let message = format!("groups by {sets} grouping sets, of at most {MAX_GROUPING_SETS}");
            return ControlFlow::Break(Error::field("query", message));
        }
        ControlFlow::Continue(())
    }
}

/// Collects all relations that a query names.
#[derive(Default)]
struct RelationNames(Vec<String>);

impl SyntaxVisitor for RelationNames {
    fn enter_relation(&mut self, relation: &ObjectName) -> ControlFlow<Error> {
        self.0.push(name_of(relation));
        ControlFlow::Continue(())
    }
}

/// Returns the last part of the name: a WITH query has a name of one part.
fn name_of(relation: &ObjectName) -> String {
    let name = relation.0.last().and_then(|part| part.as_ident());
    name.map(|name| name.value.to_lowercase()).unwrap_or_default()
}

/// Returns the number of grouping sets of a GROUP BY: its items multiply.
fn grouping_sets(group_by: &GroupByExpr) -> u64 {
    let (expressions, modifiers) = match group_by {
        GroupByExpr::All(modifiers) => (&[][..], modifiers),
        GroupByExpr::Expressions(expressions, modifiers) => (expressions.as_slice(), modifiers),
    };
    let of_modifier = |modifier: &GroupByWithModifier| match modifier {
        GroupByWithModifier::Cube => power_of_two(expressions.len()),
        GroupByWithModifier::Rollup => expressions.len() as u64 + 1,
        GroupByWithModifier::GroupingSets(sets) => sets_of(sets),
        GroupByWithModifier::Totals => 2,
    };
    let sets = expressions.iter().map(sets_of).chain(modifiers.iter().map(of_modifier));
    sets.fold(1, u64::saturating_mul)
}

fn sets_of(expression: &Expr) -> u64 {
    match expression {
        Expr::Cube(items) => power_of_two(items.len()),
        Expr::Rollup(items) => items.len() as u64 + 1,
        Expr::GroupingSets(sets) => sets.len() as u64,
        _ => 1,
    }
}

fn power_of_two(exponent: usize) -> u64 {
    u32::try_from(exponent).ok().and_then(|exponent| 1_u64.checked_shl(exponent)).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "syntax_tests.rs"]
mod tests;
