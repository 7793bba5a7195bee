//! Rules and functions of ours that make DataFusion answer as PostgreSQL does where it silently answers otherwise.
//! Each names the issue of DataFusion that will let it go.
//!
//! Logical rules run after DataFusion's own type coercion, when parameters have values and every conversion is a cast;
//! physical rules run before it decides which sorts are needed.

mod aliased_lists;
mod analyzer_rule;
mod array_literal;
mod array_subscript;
pub mod array_text;
mod bound_parameters;
mod bounded_text;
mod bytes;
mod calculated_equalities;
mod calendar_functions;
mod calendar_units;
mod calls;
mod canonical_float;
mod cast_name;
mod cast_parameters;
mod checked_arithmetic;
pub mod column_name;
mod comparisons;
mod converted_aggregate;
mod copy_budget;
mod date_part;
mod date_trunc;
mod domain_functions;
mod duplicate_names;
mod element_texts;
mod encodings;
mod equals_any;
mod exact_sum;
mod fetch_clause;
mod field_access;
mod filter_projections;
mod filters_by_place;
mod first_row;
mod float_extremes;
mod float_numeric;
mod format_text;
mod forward_aggregate;
mod function_call;
mod grouped_casts;
mod grouped_places;
mod guarding_case;
mod in_subqueries;
mod input_rows;
mod interval_functions;
mod joined_columns;
mod joined_tables;
mod joined_text;
mod like_escape;
pub mod literals;
mod literals_right;
mod named_in;
mod named_time;
mod named_windows;
mod narrowing_cast;
mod number_text;
mod one_row;
mod ordered_list;
mod outer_names;
mod outer_ranges;
mod peer_frames;
mod polarity;
mod prefix_operators;
mod query_forms;
mod refusals;
mod regex_functions;
mod regex_syntax;
mod remainder;
mod return_field;
mod round;
mod scalar_subqueries;
mod scaled_span;
mod series_rows;
mod shadowed_columns;
mod signed_counts;
mod sliding_frame;
mod sliding_sum;
mod sort_keys;
mod spans;
mod strict_comparison;
mod subqueries;
mod subquery_order;
mod substring;
mod syntax;
mod template;
pub mod text;
pub mod time_literal;
mod time_pattern;
mod timezone;
mod to_char;
mod to_timestamp;
mod trunc_in_zone;
mod unique_keys;
mod unknown_constants;
mod unknown_literals;
mod unknown_text;
mod unnamed_items;
pub mod uuid_text;
mod values_lists;
mod width_bucket;
#[cfg(test)]
mod workaround_tests;

use std::sync::Arc;

use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::optimizer::{Analyzer, AnalyzerRule, Optimizer, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::aggregate_statistics::AggregateStatistics;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_optimizer::topk_aggregation::TopKAggregation;

use analyzer_rule::PostgresSemantics;
use array_subscript::SubscriptPlanner;
use array_text::TextOfArray;
pub use bound_parameters::bind_parameters;
use bounded_text::BoundedText;
use calculated_equalities::CalculatedEqualities;
use calendar_functions::{Age, MakeTimestamp};
use canonical_float::CanonicalFloat;
use cast_name::CastName;
use checked_arithmetic::{CheckedArithmetic, QuotientPlanner};
use date_part::{DatePart, ExtractPlanner};
use date_trunc::DateTrunc;
use domain_functions::DomainFunction;
pub use duplicate_names::NamesApart;
use element_texts::ElementTexts;
use equals_any::EqualsAny;
use exact_sum::ExactSum;
use filter_projections::FilterProjections;
use filters_by_place::FiltersByPlace;
use float_extremes::FloatExtreme;
use float_numeric::FloatToNumeric;
use format_text::FormatText;
use forward_aggregate::ForwardAggregate;
use interval_functions::{Justify, MakeInterval};
use joined_text::JoinedText;
use like_escape::LikePattern;
use literals_right::LiteralsRight;
use narrowing_cast::NarrowingCast;
use number_text::ToNumber;
use ordered_list::OfOrderedList;
pub use outer_names::{explain_correlated, explain_missing};
use peer_frames::PeerFrames;
pub use refusals::{refuse_forms, refuse_wrong};
use regex_functions::{RegexText, RegexpMatch};
use round::Round;
use scalar_subqueries::PerhapsNull;
use scaled_span::{ScaledSpan, SpanPlanner};
use sort_keys::SortKeysOnce;
use spans::ComparableSpan;
pub use syntax::rewrite;
use text::TextOf;
use timezone::Timezone;
use to_char::ToChar;
use to_timestamp::ToTimestamp;
use trunc_in_zone::TruncInZone;
use unique_keys::RepeatedKey;
use unknown_constants::{ForgetConstants, ValueOfAnyRow};
use unknown_literals::LiteralPlanner;
use unknown_text::UnknownText;
use uuid_text::AsUuid;
use width_bucket::WidthBucket;

/// The rule that inserts sorts where their order is not promised by what is below.
const SORTING_RULE: &str = "EnsureRequirements";
/// The rule that takes projections below other parts of a plan. It runs twice.
const PROJECTION_RULE: &str = "ProjectionPushdown";
/// The rule that takes filters below other parts of a plan.
const FILTER_RULE: &str = "FilterPushdown";
/// The rule that does so in logical plans.
const LOGICAL_FILTER_RULE: &str = "push_down_filter";

/// Adds the functions and the rules to a session.
pub fn register(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    let functions = NarrowingCast::all()
        .chain([ScalarUDF::from(ComparableSpan::default()), ScalarUDF::from(ValueOfAnyRow::default())])
        .chain([ScalarUDF::from(DatePart::default()), ScalarUDF::from(DatePart::extract())])
        .chain([ScalarUDF::from(DateTrunc::default()), ScalarUDF::from(TruncInZone::default())])
        .chain([ScalarUDF::from(MakeInterval::default())])
        .chain([ScalarUDF::from(ToChar::default()), ScalarUDF::from(ToNumber::default())])
        .chain([ScalarUDF::from(FormatText::default())])
        .chain([ScalarUDF::from(Timezone::default()), ScalarUDF::from(CastName::default())])
        .chain(ScaledSpan::all())
        .chain(CanonicalFloat::all())
        .chain([ScalarUDF::from(Age::default()), ScalarUDF::from(MakeTimestamp::default())])
        .chain([ScalarUDF::from(WidthBucket::default()), ScalarUDF::from(TextOf::default())])
        .chain([ScalarUDF::from(AsUuid::default()), ScalarUDF::from(EqualsAny::default())])
        .chain([ScalarUDF::from(FloatToNumeric::default()), ScalarUDF::from(ToTimestamp::default())])
        .chain([ScalarUDF::from(RegexpMatch::default()), ScalarUDF::from(PerhapsNull::default())])
        .chain([ScalarUDF::from(RepeatedKey::default()), ScalarUDF::from(LikePattern::default())])
        .chain([ScalarUDF::from(UnknownText::default())])
        .chain([ScalarUDF::from(TextOfArray::default()), ScalarUDF::from(ElementTexts::default())])
        .chain(RegexText::all())
        .chain(JoinedText::all())
        .chain(Justify::all())
        .chain(CheckedArithmetic::all())
        .chain(OfOrderedList::all())
        .chain(Round::all())
        .chain(BoundedText::all())
        .chain(DomainFunction::all())
        .chain(signed_counts::scalars());
    builder.scalar_functions().get_or_insert_default().extend(functions.map(Arc::new));
    let aggregates = FloatExtreme::all()
        .chain([AggregateUDF::from(ExactSum::default())])
        .chain(ForwardAggregate::all())
        .chain(signed_counts::aggregates());
    builder.aggregate_functions().get_or_insert_default().extend(aggregates.map(Arc::new));
    builder.window_functions().get_or_insert_default().extend(signed_counts::windows().map(Arc::new));
    let planners = builder.expr_planners().get_or_insert_default();
    let ours: [Arc<dyn ExprPlanner>; 5] = [
        Arc::new(ExtractPlanner),
        Arc::new(LiteralPlanner),
        Arc::new(SpanPlanner),
        Arc::new(QuotientPlanner),
        Arc::new(SubscriptPlanner),
    ];
    planners.splice(0..0, ours);
    builder
        .with_analyzer_rules(first_analyzer_rules())
        .with_analyzer_rule(Arc::new(PostgresSemantics))
        .with_optimizer_rules(optimizer_rules())
        .with_optimizer_rule(Arc::new(SortKeysOnce))
        .with_optimizer_rule(Arc::new(CalculatedEqualities))
        .with_physical_optimizer_rules(physical_rules())
}

/// DataFusion's analyzer rules, with ours before the one that checks the types of frames. Rules that are added one by one
/// come after these.
fn first_analyzer_rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    let ours: Arc<dyn AnalyzerRule + Send + Sync> = Arc::new(PeerFrames);
    std::iter::once(ours).chain(Analyzer::new().rules).collect()
}

/// DataFusion's rules for logical plans, with ours before the one that takes filters down. Rules that are added one by one come after these.
fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    insert_before(&mut rules, |rule| rule.name() == LOGICAL_FILTER_RULE, Arc::new(LiteralsRight));
    rules
}

/// DataFusion's physical rules, with ours before those that take projections and filters down and the one that sorts. Two are left out.
/// `AggregateStatistics` takes an aggregate with a FILTER for one further down (`take_optimizable`), and no table here knows its
/// number of rows. `TopKAggregation` has groups reserve memory for as many rows as a LIMIT names, which ends the process.
fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::new().rules;
    let left_out = [AggregateStatistics::new().name().to_owned(), TopKAggregation::new().name().to_owned()];
    rules.retain(|rule| !left_out.iter().any(|name| name == rule.name()));
    rules = rules.into_iter().flat_map(after_filter_projections).collect();
    insert_before(&mut rules, |rule| rule.name() == SORTING_RULE, Arc::new(ForgetConstants));
    insert_before(&mut rules, |rule| rule.name() == FILTER_RULE, Arc::new(FiltersByPlace));
    rules
}

/// The rule, after ours where it takes projections down.
fn after_filter_projections(
    rule: Arc<dyn PhysicalOptimizerRule + Send + Sync>,
) -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    if rule.name() == PROJECTION_RULE { vec![Arc::new(FilterProjections), rule] } else { vec![rule] }
}

fn insert_before<R>(rules: &mut Vec<R>, is_it: impl Fn(&R) -> bool, ours: R) {
    let at = rules.iter().position(is_it).unwrap_or(rules.len());
    rules.insert(at, ours);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_rules_run_before_filters_are_taken_down_and_sorts_inserted() {
        let names: Vec<_> = physical_rules().iter().map(|rule| rule.name().to_owned()).collect();
        for (rule, ours) in [(SORTING_RULE, ForgetConstants.name()), (FILTER_RULE, FiltersByPlace.name())] {
            let at = names.iter().position(|name| name == rule);
            assert!(at.is_some_and(|at| names[at - 1] == ours), "{names:?}");
        }
        let logical = optimizer_rules();
        let at = logical.iter().position(|rule| rule.name() == LOGICAL_FILTER_RULE);
        assert!(at.is_some_and(|at| logical[at - 1].name() == LiteralsRight.name()));
        let mut pairs = names.windows(2).filter(|pair| pair[1] == PROJECTION_RULE).peekable();
        assert!(pairs.peek().is_some() && pairs.all(|pair| pair[0] == FilterProjections.name()), "{names:?}");
    }
}
