//! Windows with names: `OVER (w ORDER BY ts)`, `OVER (w)` and `WINDOW v AS (w ORDER BY ts)`. DataFusion (55) leaves out what a name within
//! brackets stands for, which makes one window of all rows, and knows no name in ORDER BY. Here each stands for itself.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, Ident, NamedWindowDefinition, NamedWindowExpr, OrderByKind, Query, Select, SetExpr,
    WindowSpec, WindowType,
};

use super::column_name::folded;
use super::copy_budget::CopyBudget;
use crate::query::syntax_visitor::{SyntaxChanger, change};

/// Writes what the names of windows stand for in their places. Names that stand for nothing are left, and refused by the planner.
pub(super) fn write_out(query: &mut Query, budget: &mut CopyBudget) {
    if let SetExpr::Select(select) = &*query.body
        && let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|order| &mut order.kind)
    {
        let windows = windows_of(select, budget);
        change(keys, &mut Names { windows: &windows, depth: 0, budget });
    }
    let mut parts = vec![&mut *query.body];
    while let Some(part) = parts.pop() {
        match part {
            SetExpr::Select(select) => write_out_of(select, budget),
            SetExpr::SetOperation { left, right, .. } => parts.extend([&mut **left, &mut **right]),
            _ => {}
        }
    }
}

fn write_out_of(select: &mut Select, budget: &mut CopyBudget) {
    let windows = windows_of(select, budget);
    let mut names = Names { windows: &windows, depth: 0, budget };
    change(&mut select.projection, &mut names);
    change(&mut select.qualify, &mut names);
    if let Some(Distinct::On(keys)) = &mut select.distinct {
        change(keys, &mut names);
    }
    // The planner refuses two windows of one name.
    let mut seen = HashSet::new();
    if windows.iter().all(|(name, _)| seen.insert(name)) {
        select.named_window.clear();
    }
}

/// A name in lower case unless it is quoted, and what it stands for.
type Window = (String, WindowSpec);

/// The windows of a SELECT that stand for something.
fn windows_of(select: &Select, budget: &mut CopyBudget) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for NamedWindowDefinition(name, window) in &select.named_window {
        let spec = match window {
            NamedWindowExpr::WindowSpec(spec) => extended(spec, &windows),
            NamedWindowExpr::NamedWindow(of) => find(of, &windows).cloned(),
        };
        windows.extend(spec.filter(|spec| budget.allows(spec)).map(|spec| (folded(name), spec)));
    }
    windows
}

fn find<'a>(name: &Ident, windows: &'a [Window]) -> Option<&'a WindowSpec> {
    let name = folded(name);
    windows.iter().find(|(known, _)| *known == name).map(|(_, spec)| spec)
}

/// A window with what its name stands for; `None` if that is nothing, or if the window has what the name stands for itself.
fn extended(spec: &WindowSpec, windows: &[Window]) -> Option<WindowSpec> {
    let Some(name) = &spec.window_name else { return Some(spec.clone()) };
    let base = find(name, windows)?;
    let has_order = !base.order_by.is_empty();
    if base.window_frame.is_some()
        || !spec.partition_by.is_empty()
        || (has_order && !spec.order_by.is_empty())
    {
        return None;
    }
    Some(WindowSpec {
        window_name: None,
        partition_by: base.partition_by.clone(),
        order_by: if has_order { base.order_by.clone() } else { spec.order_by.clone() },
        window_frame: spec.window_frame.clone(),
    })
}

/// Changes calls in a part of a query, without those of queries within it.
struct Names<'a> {
    windows: &'a [Window],
    depth: usize,
    budget: &'a mut CopyBudget,
}

impl SyntaxChanger for Names<'_> {
    fn enter_query(&mut self, _: &mut Query) {
        self.depth += 1;
    }

    fn leave_query(&mut self, _: &mut Query) {
        self.depth -= 1;
    }

    fn leave_expr(&mut self, expr: &mut Expr) {
        if let Expr::Function(function) = expr
            && let Some(over) = &mut function.over
            && self.depth == 0
        {
            write_over(over, self.windows, self.budget);
        }
    }
}

fn write_over(over: &mut WindowType, windows: &[Window], budget: &mut CopyBudget) {
    let written = match over {
        WindowType::NamedWindow(name) => find(name, windows).cloned().map(WindowType::WindowSpec),
        WindowType::WindowSpec(spec) => spec.window_name.as_ref().map(|name| match extended(spec, windows) {
            Some(spec) => WindowType::WindowSpec(spec),
            // The planner says that there is no such window.
            None => WindowType::NamedWindow(Ident::new(format!("{name} with other clauses"))),
        }),
    };
    if let Some(written) = written
        && budget.allows(&written)
    {
        *over = written;
    }
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn names_of_windows_become_what_they_stand_for() {
        for (text, expected) in [
            (
                "SELECT sum(x) OVER (w), lag(x) OVER W + 1 FROM t WINDOW w AS (PARTITION BY a ORDER BY b)",
                "SELECT sum(x) OVER (PARTITION BY a ORDER BY b), lag(x) OVER (PARTITION BY a ORDER BY b) + 1 FROM t",
            ),
            (
                "SELECT sum(x) OVER (v ROWS 1 PRECEDING) FROM t WINDOW w AS (PARTITION BY a), v AS (w ORDER BY b)",
                "SELECT sum(x) OVER (PARTITION BY a ORDER BY b ROWS 1 PRECEDING) FROM t",
            ),
            (
                "SELECT x FROM t WINDOW w AS (ORDER BY b) ORDER BY rank() OVER w",
                "SELECT x FROM t ORDER BY rank() OVER (ORDER BY b)",
            ),
            (
                "SELECT (SELECT sum(y) OVER w FROM u WINDOW w AS (ORDER BY c)) FROM t WINDOW w AS (ORDER BY b)",
                "SELECT (SELECT sum(y) OVER (ORDER BY c) FROM u) FROM t",
            ),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }
}
