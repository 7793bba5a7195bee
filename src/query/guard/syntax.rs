//! How large a statement becomes once it is planned: WITH queries are copied to every place that names them, and
//! grouping sets multiply rows. Both can grow by powers of two, so they are judged before the planner does either.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Cte, Expr, GroupByExpr, GroupByWithModifier, ObjectName, Query, Select, Visit, Visitor,
};

use super::text::MAX_TEXT_BYTES;
use crate::domain::{Error, Result};

/// Grouping sets of one SELECT, as PostgreSQL bounds those of CUBE.
const MAX_GROUPING_SETS: u64 = 4096;

/// Checks what a parsed statement will grow to.
///
/// # Errors
/// `Invalid`, saying what grows and by how much it may.
pub fn check(statement: &Statement) -> Result<()> {
    match statement {
        Statement::Statement(inner) => {
            let mut growth = Growth::default();
            if let ControlFlow::Break(error) = inner.visit(&mut growth) {
                return Err(error);
            }
            growth.check_size(inner.to_string().len())
        }
        Statement::Explain(explain) => check(&explain.statement),
        // Refused later, since they do not only read.
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => Ok(()),
    }
}

/// What a walk over a statement finds.
#[derive(Default)]
struct Growth {
    /// Definitions by name; of two with one name the larger counts.
    definitions: HashMap<String, Definition>,
    /// Queries of definitions, by address: what they name is in `definitions`.
    bodies: HashSet<*const Query>,
    /// How many definitions the walk is within.
    within: usize,
    /// What is named outside all definitions.
    names: Vec<String>,
}

/// One WITH query.
struct Definition {
    bytes: usize,
    names: Vec<String>,
}

impl Growth {
    fn define(&mut self, cte: &Cte) {
        let mut names = Names::default();
        let _: ControlFlow<()> = cte.query.visit(&mut names);
        let found = Definition { bytes: cte.query.to_string().len(), names: names.0 };
        self.bodies.insert(&raw const *cte.query);
        let name = cte.alias.name.value.to_lowercase();
        let known = self.definitions.get(&name);
        if known.is_none_or(|known| known.bytes < found.bytes) {
            self.definitions.insert(name, found);
        }
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

    /// Bytes of a definition with all that it names. Definitions that name each other end at their number.
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

impl Visitor for Growth {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let definitions = query.with.iter().flat_map(|with| &with.cte_tables);
        definitions.for_each(|cte| self.define(cte));
        self.within += usize::from(self.bodies.contains(&(&raw const *query)));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        self.within -= usize::from(self.bodies.contains(&(&raw const *query)));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Error> {
        if self.within == 0 {
            self.names.push(name_of(relation));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        let sets = grouping_sets(&select.group_by);
        if sets > MAX_GROUPING_SETS {
            let message = format!("groups by {sets} grouping sets, of at most {MAX_GROUPING_SETS}");
            return ControlFlow::Break(Error::field("query", message));
        }
        ControlFlow::Continue(())
    }
}

/// All relations that a query names.
#[derive(Default)]
struct Names(Vec<String>);

impl Visitor for Names {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.0.push(name_of(relation));
        ControlFlow::Continue(())
    }
}

/// A WITH query has a name of one part.
fn name_of(relation: &ObjectName) -> String {
    let name = relation.0.last().and_then(|part| part.as_ident());
    name.map(|name| name.value.to_lowercase()).unwrap_or_default()
}

/// How many grouping sets a GROUP BY stands for: its items multiply.
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
