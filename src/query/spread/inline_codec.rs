//! Encodes what joins of small tables need in a task: the tables, and the operators that let a task be interrupted.

use std::sync::Arc;

use datafusion::common::not_impl_err;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use prost::{Message, Oneof};

use super::inline_table::{InlineTable, InlineTableExec};
use super::node_codec::{NodeCodec, TaskNodes};
use super::scan_codec::external;
use super::table_message::TableMessage;
use crate::domain::Error;
use crate::query::guard::interrupt::{Interrupt, InterruptExec, InterruptWrapper};

/// Changes with the format, so that nodes of different versions refuse each other's nodes of a plan.
const FORMAT: u32 = 1;
/// Most bytes of a node of a plan: those of the largest table, with what is around its values.
const MAX_BYTES: usize = 16 << 20;

/// A node of a plan.
#[derive(Clone, PartialEq, Message)]
struct NodeMessage {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(oneof = "NodeKind", tags = "2, 3")]
    kind: Option<NodeKind>,
}

#[derive(Clone, PartialEq, Oneof)]
enum NodeKind {
    #[prost(message, tag = "2")]
    Table(TableMessage),
    #[prost(message, tag = "3")]
    Interrupt(InterruptMessage),
}

/// An operator that can be interrupted. By whom is known where it runs.
#[derive(Clone, PartialEq, Message)]
struct InterruptMessage {}

/// Inline tables and `InterruptExec`.
pub enum InlineNodes {}

impl TaskNodes for InlineNodes {
    const CODEC: &'static str = "InlineCodec";

    /// The interrupt of decoded operators.
    type Context = Arc<Interrupt>;
}

/// The codec of inline tables and of `InterruptExec`.
pub type InlineCodec = NodeCodec<InlineNodes>;

impl PhysicalExtensionCodec for InlineCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let interrupt = self.task()?;
        match (read(bytes).map_err(external)?, inputs) {
            (NodeKind::Table(table), []) => {
                let batch = table.into_batch().map_err(external)?;
                Ok(Arc::new(InlineTable::new(batch).into_exec()))
            }
            (NodeKind::Interrupt(InterruptMessage {}), [input]) => {
                let wrapper = InterruptWrapper { interrupt: interrupt.clone(), rows: Arc::default() };
                Ok(Arc::new(InterruptExec::new(input.clone(), wrapper)))
            }
            (NodeKind::Table(_) | NodeKind::Interrupt(_), _) => {
                Err(external(Error::invalid("a node of the plan has too few or too many inputs")))
            }
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        out: &mut Vec<u8>,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        if let Some(table) = node.downcast_ref::<InlineTableExec>() {
            let table = table.source();
            let encode = || -> Result<Vec<u8>> {
                let message = TableMessage::of(table.batch())?;
                Ok(write(NodeKind::Table(message)))
            };
            out.extend_from_slice(table.encoded(encode)?);
        } else if node.is::<InterruptExec>() {
            out.extend(write(NodeKind::Interrupt(InterruptMessage {})));
        } else {
            return not_impl_err!("{} stays on the node that was asked", node.name());
        }
        Ok(())
    }
}

fn write(kind: NodeKind) -> Vec<u8> {
    NodeMessage { format: FORMAT, kind: Some(kind) }.encode_to_vec()
}

fn read(bytes: &[u8]) -> crate::domain::Result<NodeKind> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::invalid("a node of the plan is larger than any that is sent"));
    }
    let message = NodeMessage::decode(bytes)
        .map_err(|e| Error::invalid("the bytes are no node of a plan").with_source(e))?;
    if message.format != FORMAT {
        return Err(Error::invalid("a node of the plan is of another version of the program"));
    }
    message.kind.ok_or_else(|| Error::invalid("a node of the plan is of an unknown kind"))
}

#[cfg(test)]
#[path = "inline_codec_tests.rs"]
mod tests;
