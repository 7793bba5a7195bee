//! Tests batch sizes for texts of any length, and the plans that they limit.

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::physical_expr::expressions::lit;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::prelude::SessionConfig;

use super::*;

#[test]
fn the_longer_the_texts_the_fewer_rows_are_put_together() {
    for (longest, rows) in [(0, 8192), (2048, 8192), (250_000, 67), (1 << 20, 16), (64 << 20, 1)] {
        let texts = TextBatchSize::default();
        texts.record(longest);
        texts.record(longest / 2);
        assert_eq!(texts.rows(), rows, "{longest}");
    }
}

#[test]
fn filters_and_the_context_are_told() {
    let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, true)]));
    let filter = FilterExec::try_new(lit(true), Arc::new(EmptyExec::new(schema))).unwrap();
    let (plan, texts): (Arc<dyn ExecutionPlan>, _) = (Arc::new(filter), TextBatchSize::default());
    let rows = |texts: &TextBatchSize| {
        let plan = texts.limit_plan(plan.clone()).unwrap();
        let context = texts.limit_context(TaskContext::default());
        (plan.downcast_ref::<FilterExec>().unwrap().batch_size(), context.session_config().batch_size())
    };
    assert_eq!(rows(&texts), (8192, 8192));
    texts.record(1 << 20);
    assert_eq!(rows(&texts), (16, 16));
    // A session with smaller batches keeps them.
    let small = TaskContext::default().with_session_config(SessionConfig::new().with_batch_size(8));
    assert_eq!(texts.limit_context(small).session_config().batch_size(), 8);
}
