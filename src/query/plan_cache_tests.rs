//! Tests what a cached plan contains, and which plans are not cached.

use datafusion::datasource::{MemTable, ViewTable};
use datafusion::functions_window::row_number::RowNumber;
use datafusion::logical_expr::WindowUDF;
use datafusion::prelude::SessionContext;

use super::*;
use crate::store::schema;

const ORG: OrgId = OrgId(1);

/// Some of the tables, a view over one of them, and a table that is not ours.
async fn test_context() -> SessionContext {
    let context = SessionContext::new();
    for name in ["readings", "streams", "elsewhere"] {
        let table = MemTable::try_new(schema::readings(), vec![vec![]]).unwrap();
        context.register_table(name, Arc::new(table)).unwrap();
    }
    let plan = context.table("readings").await.unwrap().into_unoptimized_plan();
    context.register_table("core_value", Arc::new(ViewTable::new(plan, None))).unwrap();
    context
}

async fn planned(context: &SessionContext, text: &str) -> (Vec<TableReference>, PlannedStatement) {
    let state = context.state();
    let statement = state.sql_to_statement(text, &state.config_options().sql_parser.dialect).unwrap();
    let tables = state.resolve_table_references(&statement).unwrap();
    let plan = state.statement_to_plan(statement).await.unwrap();
    (tables, PlannedStatement { plan, has_bounded: false, notes: StatementNotes::default() })
}

fn sources(plan: &LogicalPlan) -> Vec<bool> {
    let mut sources = Vec::new();
    let look = |node: &LogicalPlan| {
        if let LogicalPlan::TableScan(scan) = node {
            sources.push(scan.source.is::<UnboundTable>());
        }
        Ok(TreeNodeRecursion::Continue)
    };
    plan.apply_with_subqueries(look).unwrap();
    sources
}

#[tokio::test]
async fn plans_are_kept_without_their_tables_if_nothing_else_is_of_somebody() {
    let context = test_context().await;
    let template = context.state();
    for (text, scans) in [
        ("SELECT value FROM readings WHERE stream_id = $1 ORDER BY ts", 1),
        ("SELECT r.ts FROM public.readings r JOIN streams s ON s.stream_id = r.stream_id", 2),
        ("SELECT ts FROM readings WHERE value > (SELECT avg(value) FROM readings)", 2),
        ("SELECT ts FROM readings WHERE stream_id IN (SELECT stream_id FROM streams WHERE value > $x)", 2),
        ("WITH r AS (SELECT * FROM readings) SELECT count(*) FROM r UNION ALL SELECT 1", 1),
        ("SELECT row_number() OVER (ORDER BY ts), sum(value) OVER (ORDER BY ts) FROM readings", 1),
        ("EXPLAIN SELECT value FROM readings", 1),
        ("SELECT 1", 0),
        ("SELECT * FROM core_value", usize::MAX),
        ("SELECT * FROM readings, core_value", usize::MAX),
        ("SELECT * FROM elsewhere", usize::MAX),
        ("SELECT * FROM readings, generate_series(1, 3)", usize::MAX),
        (
            "WITH RECURSIVE readings AS (SELECT value FROM public.readings UNION ALL SELECT value + 1 FROM readings) \
             SELECT * FROM readings",
            usize::MAX,
        ),
    ] {
        let (tables, plan) = planned(&context, text).await;
        let known = PlanCache::default();
        known.put((ORG, text), tables.clone(), &plan, &template).unwrap();
        let kept = known.get(ORG, text);
        match scans {
            usize::MAX => assert!(kept.is_none(), "{text}"),
            scans => {
                let kept = kept.unwrap_or_else(|| panic!("{text} is kept"));
                assert_eq!(sources(&kept.plan), vec![true; scans], "{text}");
                assert_eq!((&kept.tables, kept.plan.to_string()), (&tables, plan.plan.to_string()), "{text}");
            }
        }
    }
}

/// A table function may read a table of its own in this way.
#[tokio::test]
async fn a_plan_over_a_table_that_the_statement_does_not_name_is_not_kept() {
    let context = test_context().await;
    let text = "SELECT * FROM readings, streams";
    let (tables, plan) = planned(&context, text).await;
    let known = PlanCache::default();
    known.put((ORG, text), tables[..1].to_vec(), &plan, &context.state()).unwrap();
    assert!(known.get(ORG, text).is_none());
}

/// `anomaly_score` is such a function: it is made for one session and scores with its principal's models.
#[tokio::test]
async fn a_plan_with_a_function_of_one_session_is_not_kept() {
    let context = test_context().await;
    let template = context.state();
    context.register_udwf(WindowUDF::from(RowNumber::new()));
    for text in [
        "SELECT row_number() OVER (ORDER BY ts) FROM readings",
        "SELECT 1 + max(n) FROM (SELECT row_number() OVER () * 2 AS n FROM readings) x",
        "SELECT ts FROM readings WHERE value IN (SELECT row_number() OVER () FROM streams)",
    ] {
        let (tables, plan) = planned(&context, text).await;
        let known = PlanCache::default();
        known.put((ORG, text), tables, &plan, &template).unwrap();
        assert!(known.get(ORG, text).is_none(), "{text}");
    }
}

/// A hit would reveal by the time of the response that another organization has run the statement.
#[tokio::test]
async fn no_organization_finds_what_another_asked_for() {
    let context = test_context().await;
    let text = "SELECT value FROM readings";
    let (tables, plan) = planned(&context, text).await;
    let known = PlanCache::default();
    known.put((ORG, text), tables, &plan, &context.state()).unwrap();
    assert!(known.get(ORG, text).is_some());
    assert!(known.get(OrgId(2), text).is_none());
    assert!(known.get(ORG, "SELECT value FROM reading").is_none());
}

#[tokio::test]
async fn the_texts_of_cached_statements_are_bounded() {
    let context = test_context().await;
    let (tables, plan) = planned(&context, "SELECT value FROM readings").await;
    let known = PlanCache::default();
    let put = |text: &str| known.put((ORG, text), tables.clone(), &plan, &context.state()).unwrap();
    for n in 0..1000 {
        put(&format!("SELECT value FROM readings -- {n:0>width$}", width = n));
        assert!(known.0.weight() <= MAX_CACHED_TEXT_BYTES as u64, "after statement {n}");
    }
    let long = "x".repeat(MAX_CACHED_TEXT_BYTES + 1);
    put(&long);
    assert!(known.get(ORG, &long).is_none());
}
