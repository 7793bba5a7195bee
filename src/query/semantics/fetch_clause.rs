//! `FETCH FIRST n ROWS ONLY`, which DataFusion (55) does not plan.

use datafusion::sql::sqlparser::ast::{Expr, Fetch, LimitClause, Query, Value};

/// Rewrites `FETCH FIRST n ROWS ONLY` to `LIMIT n`; other forms, and one beside a LIMIT, are left, so that they are refused.
pub(super) fn limit_by_fetch(query: &mut Query) {
    let Some(Fetch { with_ties: false, percent: false, quantity }) = &query.fetch else { return };
    let one = || Expr::value(Value::Number("1".to_owned(), false));
    let limit = Some(quantity.clone().unwrap_or_else(one));
    match &mut query.limit_clause {
        Some(LimitClause::LimitOffset { limit: none @ None, .. }) => *none = limit,
        none @ None => *none = Some(LimitClause::LimitOffset { limit, offset: None, limit_by: Vec::new() }),
        Some(_) => return,
    }
    query.fetch = None;
}
