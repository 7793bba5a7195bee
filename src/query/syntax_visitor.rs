//! Visitor of parsed statements behind a pointer. sqlparser compiles its whole walk over a statement again for each type of
//! visitor, some ten thousand functions; all our visitors share one walk.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, Query, Select, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::domain::Error;

/// The nodes that our visitors look at; an error ends the walk.
pub(super) trait SyntaxVisitor {
    fn enter_query(&mut self, _query: &Query) -> ControlFlow<Error> {
        ControlFlow::Continue(())
    }

    fn leave_query(&mut self, _query: &Query) -> ControlFlow<Error> {
        ControlFlow::Continue(())
    }

    fn enter_select(&mut self, _select: &Select) -> ControlFlow<Error> {
        ControlFlow::Continue(())
    }

    fn enter_relation(&mut self, _relation: &ObjectName) -> ControlFlow<Error> {
        ControlFlow::Continue(())
    }

    fn enter_expr(&mut self, _expr: &Expr) -> ControlFlow<Error> {
        ControlFlow::Continue(())
    }
}

/// Shows all nodes of a statement, or of a part of it, to a visitor.
///
/// # Errors
/// The error with which the visitor ended the walk.
pub(super) fn walk(node: &impl Visit, visitor: &mut dyn SyntaxVisitor) -> Result<(), Error> {
    match node.visit(&mut SharedVisitor(visitor)) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct SharedVisitor<'a>(&'a mut dyn SyntaxVisitor);

impl Visitor for SharedVisitor<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        self.0.enter_query(query)
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        self.0.leave_query(query)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        self.0.enter_select(select)
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Error> {
        self.0.enter_relation(relation)
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        self.0.enter_expr(expr)
    }
}

/// Changes of the nodes of a statement. Outer nodes are shown before inner ones, and expressions again after them.
pub(super) trait SyntaxChanger {
    fn enter_query(&mut self, _query: &mut Query) {}

    fn leave_query(&mut self, _query: &mut Query) {}

    fn enter_relation(&mut self, _relation: &mut ObjectName) {}

    fn enter_expr(&mut self, _expr: &mut Expr) {}

    fn leave_expr(&mut self, _expr: &mut Expr) {}
}

/// Shows all nodes of a statement, or of a part of it, to a changer.
pub(super) fn change(node: &mut impl VisitMut, changer: &mut dyn SyntaxChanger) {
    // The visitor always continues.
    let _: ControlFlow<()> = node.visit(&mut SharedChanger(changer));
}

/// Shows all expressions to a function that may change them, outer ones first.
pub(super) fn change_exprs(node: &mut impl VisitMut, function: &mut dyn FnMut(&mut Expr)) {
    struct OuterFirst<'a>(&'a mut dyn FnMut(&mut Expr));

    impl SyntaxChanger for OuterFirst<'_> {
        fn enter_expr(&mut self, expr: &mut Expr) {
            (self.0)(expr);
        }
    }
    change(node, &mut OuterFirst(function));
}

/// Changes expressions, inner ones first: what the function puts around one is not shown to it again.
pub(super) fn change_exprs_inner_first(node: &mut impl VisitMut, function: &mut dyn FnMut(&mut Expr)) {
    struct InnerFirst<'a>(&'a mut dyn FnMut(&mut Expr));

    impl SyntaxChanger for InnerFirst<'_> {
        fn leave_expr(&mut self, expr: &mut Expr) {
            (self.0)(expr);
        }
    }
    change(node, &mut InnerFirst(function));
}

/// Shows the expressions of a part of a query to a function that may change them, outer ones first, without those of queries within
/// it.
pub(super) fn change_own_exprs(node: &mut impl VisitMut, function: &mut dyn FnMut(&mut Expr)) {
    struct Own<'a> {
        function: &'a mut dyn FnMut(&mut Expr),
        depth: usize,
    }

    impl SyntaxChanger for Own<'_> {
        fn enter_query(&mut self, _query: &mut Query) {
            self.depth += 1;
        }

        fn leave_query(&mut self, _query: &mut Query) {
            self.depth -= 1;
        }

        fn enter_expr(&mut self, expr: &mut Expr) {
            if self.depth == 0 {
                (self.function)(expr);
            }
        }
    }
    change(node, &mut Own { function, depth: 0 });
}

/// Shows the names of all tables to a function that may change them.
pub(super) fn change_tables(node: &mut impl VisitMut, function: &mut dyn FnMut(&mut ObjectName)) {
    struct Tables<'a>(&'a mut dyn FnMut(&mut ObjectName));

    impl SyntaxChanger for Tables<'_> {
        fn enter_relation(&mut self, relation: &mut ObjectName) {
            (self.0)(relation);
        }
    }
    change(node, &mut Tables(function));
}

struct SharedChanger<'a>(&'a mut dyn SyntaxChanger);

impl VisitorMut for SharedChanger<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.0.enter_query(query);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.0.leave_query(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        self.0.enter_relation(relation);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.0.enter_expr(expr);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.0.leave_expr(expr);
        ControlFlow::Continue(())
    }
}
