//! Functions of some numbers only, such as `sqrt` and `ln`. DataFusion (55) refuses to tell the order of one whose argument may lie
//! outside (`math/monotonicity.rs`), and then the plan of a window or an aggregate that is ordered by it (`SanityCheckPlan`).

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::functions::math;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// DataFusion's function, of whose order nothing is known.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DomainFunction(Arc<ScalarUDF>);

impl DomainFunction {
    /// All of these functions.
    pub fn all() -> impl Iterator<Item = ScalarUDF> {
        let functions = [
            math::acos(),
            math::acosh(),
            math::asin(),
            math::atanh(),
            math::ln(),
            math::log(),
            math::log2(),
            math::log10(),
            math::sqrt(),
        ];
        functions.into_iter().map(|inner| ScalarUDF::from(Self(inner)))
    }
}

impl ScalarUDFImpl for DomainFunction {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn aliases(&self) -> &[String] {
        self.0.aliases()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.0.coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.0.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.0.return_field_from_args(args)
    }

    fn is_strict(&self) -> bool {
        self.0.is_strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.0.invoke_with_args(args)
    }
}
