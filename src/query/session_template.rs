//! Session state that all queries share: functions, rules and settings of DataFusion, and its runtime environment.

use std::sync::Arc;

use datafusion::config::{ConfigOptions, Dialect};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SessionState;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionConfig;

use super::functions;
use super::memory_pool::MIN_PART_DIVISOR;
use super::options::EngineOptions;
use super::rollup::rule::UseStatistics;
use super::semantics;

/// Maximum bytes that all queries spill together: a query must not fill the disk that the log is on.
const MAX_SPILL_BYTES: u64 = 4 << 30;
/// Functions that produce gigabytes from one number, outside the memory pool. Those of texts are replaced by
/// `semantics/bounded_text.rs`.
const REMOVED_FUNCTIONS: [&str; 4] = ["array_repeat", "array_resize", "range", "generate_series"];

/// Builds a session without tables.
pub fn build(options: &EngineOptions, cores: usize) -> Result<SessionState> {
    let mut config = SessionConfig::new()
        .with_target_partitions(cores)
        .with_default_catalog_and_schema("basalt", "public")
        .with_create_default_catalog_and_schema(false);
    set(config.options_mut(), options);
    let runtime: Arc<RuntimeEnv> = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(options.memory_bytes)))
        .with_temp_file_path(&options.spill_dir)
        .with_max_temp_directory_size(MAX_SPILL_BYTES)
        .build_arc()?;
    let builder = functions::register(SessionStateBuilder::new_with_default_features());
    let builder = semantics::register(builder.with_optimizer_rule(Arc::new(UseStatistics)));
    let mut state = builder.with_config(config).with_runtime_env(runtime).build();
    for name in REMOVED_FUNCTIONS {
        state.deregister_udf(name)?;
    }
    Ok(state)
}

fn set(settings: &mut ConfigOptions, options: &EngineOptions) {
    settings.execution.time_zone = Some("UTC".to_owned());
    settings.execution.use_row_number_estimates_to_optimize_partitioning = true;
    // It refuses a CASE below an aggregate where only the logical plan finds that it is never NULL: DataFusion (55) finds that out in two
    // ways (`Case` in `ExprSchemable::nullable`, `CaseExpr::nullable`), which differ (its #23844 is one mend of several). No
    // other operator looks.
    settings.execution.skip_physical_aggregate_schema_check = true;
    settings.sql_parser.dialect = Dialect::PostgreSQL;
    settings.sql_parser.map_string_types_to_utf8view = false;
    // Each sorting partition reserves this much for merging its spilled runs, and a query may have many.
    let share = options.share_bytes.min(options.memory_bytes);
    let reserved = &mut settings.execution.sort_spill_reservation_bytes;
    *reserved = (*reserved).min(share / MIN_PART_DIVISOR);
}
