//! Encodes the windows of a plan for other nodes, and makes windows of what they sent.
//!
//! DataFusion's own decoding of a window operator takes for granted that it has a function, and that functions have their
//! arguments. Here both are looked at first. It also panics at decimals of a wrong length, which ends as an error.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion::common::{internal_datafusion_err, not_impl_err};
use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, TaskContext};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::from_proto::{parse_physical_exprs, parse_physical_window_expr};
use datafusion_proto::physical_plan::to_proto::serialize_physical_window_expr;
use datafusion_proto::physical_plan::{
    PhysicalExtensionCodec, PhysicalPlanDecodeContext, PhysicalProtoConverterExtension,
};
use datafusion_proto::protobuf::PhysicalWindowExprNode;
use datafusion_proto::protobuf::physical_window_expr_node::WindowFunction;
use prost::Message;

use super::guarded_window::{GuardedWindowExec, WindowGuard};
use super::node_codec::{NodeCodec, TaskNodes};
use super::panic_guard::catch_panic;
use super::scan_codec::external;
use super::windows;
use crate::domain::Error;

/// Changes with the format, so that nodes of different versions refuse each other's windows.
const FORMAT: u32 = 1;

/// A window operator by its functions. Everything else of it follows from them.
#[derive(Clone, PartialEq, Message)]
struct WindowMessage {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(message, repeated, tag = "2")]
    functions: Vec<PhysicalWindowExprNode>,
}

/// Windows with their guards.
pub enum Windows {}

impl TaskNodes for Windows {
    const CODEC: &'static str = "WindowCodec";

    type Context = WindowGuard;
}

/// The codec of windows.
pub type WindowCodec = NodeCodec<Windows>;

impl PhysicalExtensionCodec for WindowCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let guard = self.task()?;
        let [rows] = inputs else { return Err(external(Error::invalid("a window has one input"))) };
        let message = read(bytes).map_err(external)?;
        let (decoding, schema) = (PhysicalPlanDecodeContext::new(context, self), rows.schema());
        let decode = |function: &PhysicalWindowExprNode| {
            let args = parse_physical_exprs(&function.args, &decoding, &schema, converter)?;
            let args = args.iter().map(|arg| arg.return_field(&schema)).collect::<Result<Vec<_>>>()?;
            check_arguments(function.window_function.as_ref(), &args, context)?;
            parse_physical_window_expr(function, &decoding, &schema, converter)
        };
        let functions = catch_panic(|| message.functions.iter().map(decode).collect::<Result<Vec<_>>>())?;
        // Without one, all rows are in one partition: the window stays where the query was asked.
        if functions.iter().any(|function| function.partition_by().is_empty()) {
            return Err(external(Error::invalid("a window of a task has a PARTITION BY")));
        }
        let window = windows::operator_of(functions, rows.clone())?;
        Ok(Arc::new(GuardedWindowExec::try_new(window, guard.clone())?))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        out: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(window) = node.downcast_ref::<GuardedWindowExec>() else {
            return not_impl_err!("{} stays on the node that was asked", node.name());
        };
        let functions = window.functions().iter();
        let functions = functions.map(|function| serialize_physical_window_expr(function, self, converter));
        let message = WindowMessage { format: FORMAT, functions: functions.collect::<Result<_>>()? };
        message.encode(out).map_err(|e| internal_datafusion_err!("a window cannot be encoded: {e}"))
    }
}

fn read(bytes: &[u8]) -> crate::domain::Result<WindowMessage> {
    let message =
        WindowMessage::decode(bytes).map_err(|e| Error::invalid("the bytes are no window").with_source(e))?;
    if message.format != FORMAT {
        return Err(Error::invalid("the window is of another version of the program"));
    }
    Ok(message)
}

/// Checks that a function takes these arguments.
fn check_arguments(
    function: Option<&WindowFunction>,
    args: &[FieldRef],
    context: &TaskContext,
) -> Result<()> {
    let taken = match function {
        Some(WindowFunction::UserDefinedWindowFunction(name)) => fields_with_udf(args, &*context.udwf(name)?),
        Some(WindowFunction::UserDefinedAggrFunction(name)) => fields_with_udf(args, &*context.udaf(name)?),
        None => return Err(external(Error::invalid("a window has a function without a name"))),
    };
    taken.map(drop)
}

#[cfg(test)]
#[path = "window_codec_tests.rs"]
mod tests;
