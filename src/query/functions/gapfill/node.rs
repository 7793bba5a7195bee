//! Logical node that fills gaps above an aggregation.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, DFSchemaRef, internal_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ExprSchemable, Extension, LogicalPlan, UserDefinedLogicalNodeCore};

use super::marker::GapFillFunction;
use super::range::TimeBound;

/// A column to fill: `locf(of)` or `interpolate(of)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Hash)]
pub struct FillColumn {
    pub how: GapFillFunction,
    /// Expression over the node's input.
    pub of: Expr,
    /// Name of the column above the node.
    pub name: String,
}

/// Definition of the buckets: constant expressions, which the optimizer may still fold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Hash)]
pub struct GapFillSpec {
    pub width: Expr,
    pub zone: Option<Expr>,
    /// Bounds that all apply; at least one starts the range and one ends it.
    pub bounds: Vec<TimeBound>,
}

/// The rows of `input`, and a row with NULL aggregates for every bucket of the range that a group lacks. The columns
/// are those of `input`, then one per fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapFill {
    pub input: LogicalPlan,
    /// The bucket column of `input`, and the other columns that are grouped by.
    pub bucket: Expr,
    pub groups: Vec<Expr>,
    pub spec: GapFillSpec,
    pub fills: Vec<FillColumn>,
    schema: DFSchemaRef,
}

impl GapFill {
    /// Creates a node without fills.
    pub fn new(input: LogicalPlan, bucket: Expr, groups: Vec<Expr>, spec: GapFillSpec) -> Result<Self> {
        let schema = Arc::new(DFSchema::empty());
        Self { input, bucket, groups, spec, fills: Vec::new(), schema }.with_schema()
    }

    /// Adds columns to fill.
    pub fn with_fills(mut self, fills: Vec<FillColumn>) -> Result<Self> {
        for fill in fills {
            if !self.fills.contains(&fill) {
                self.fills.push(fill);
            }
        }
        self.with_schema()
    }

    /// Replaces the input by another with the same columns.
    pub fn with_input(mut self, input: LogicalPlan) -> Result<Self> {
        self.input = input;
        self.with_schema()
    }

    /// Returns the node as a plan, for the analyzer rule.
    pub fn into_plan(self) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(self) })
    }

    /// Rebuilds the schema: columns that are not grouped by become nullable.
    fn with_schema(mut self) -> Result<Self> {
        let input = self.input.schema();
        let mut fields = Vec::with_capacity(input.fields().len() + self.fills.len());
        for (relation, field) in input.iter() {
            let column = Expr::Column((relation, field).into());
            let is_key = column == self.bucket || self.groups.contains(&column);
            let field = field.as_ref().clone();
            let nullable = field.is_nullable() || !is_key;
            fields.push((relation.cloned(), Arc::new(field.with_nullable(nullable))));
        }
        for fill in &self.fills {
            let field = fill.of.to_field(input)?.1.as_ref().clone();
            fields.push((None, Arc::new(field.with_name(&fill.name).with_nullable(true))));
        }
        self.schema = Arc::new(DFSchema::new_with_metadata(fields, input.metadata().clone())?);
        Ok(self)
    }
}

impl UserDefinedLogicalNodeCore for GapFill {
    fn name(&self) -> &str {
        "GapFill"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    /// Returns bucket, groups, fills, width, bounds and zone; `with_exprs_and_inputs` takes them in this order.
    fn expressions(&self) -> Vec<Expr> {
        let mut all = vec![self.bucket.clone()];
        all.extend(self.groups.iter().cloned());
        all.extend(self.fills.iter().map(|fill| fill.of.clone()));
        all.push(self.spec.width.clone());
        all.extend(self.spec.bounds.iter().map(|bound| bound.at.clone()));
        all.extend(self.spec.zone.clone());
        all
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let mut exprs = exprs.into_iter();
        let mut next = || exprs.next().ok_or_else(|| internal_datafusion_err!("GapFill lost an expression"));
        let mut new = self.clone();
        new.input = inputs.pop().ok_or_else(|| internal_datafusion_err!("GapFill lost its input"))?;
        new.bucket = next()?;
        for group in &mut new.groups {
            *group = next()?;
        }
        for fill in &mut new.fills {
            fill.of = next()?;
        }
        new.spec.width = next()?;
        for bound in &mut new.spec.bounds {
            bound.at = next()?;
        }
        if let Some(zone) = &mut new.spec.zone {
            *zone = next()?;
        }
        new.with_schema()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "GapFill: {}, width {}", self.bucket, self.spec.width)?;
        if let Some(zone) = &self.spec.zone {
            write!(f, ", timezone {zone}")?;
        }
        for bound in &self.spec.bounds {
            write!(f, ", {} {}", bound.side, bound.at)?;
        }
        self.fills.iter().try_for_each(|fill| write!(f, ", {}({})", fill.how.name(), fill.of))
    }
}

impl Hash for GapFill {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.input, &self.bucket, &self.groups, &self.spec, &self.fills).hash(state);
    }
}

impl PartialOrd for GapFill {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let mine = (&self.input, &self.bucket, &self.groups, &self.spec, &self.fills);
        mine.partial_cmp(&(&other.input, &other.bucket, &other.groups, &other.spec, &other.fills))
    }
}

/// Whether an expression contains a call of one of `marks`.
pub fn mentions(expr: &Expr, marks: &[GapFillFunction]) -> bool {
    expr.exists(|e| Ok(super::marker::marker_call(e).is_some_and(|(mark, _)| marks.contains(&mark))))
        .unwrap_or(false)
}
