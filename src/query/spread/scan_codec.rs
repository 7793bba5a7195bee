//! Encodes the scans of a plan for other nodes, and makes scans of what they sent.

use std::sync::Arc;

use datafusion::common::{internal_datafusion_err, not_impl_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{
    PhysicalExtensionCodec, PhysicalPlanDecodeContext, PhysicalProtoConverterExtension,
};
use datafusion_proto::protobuf::PhysicalExprNode;
use prost::{DecodeError, Message};

use super::node_codec::{NodeCodec, TaskNodes};
use super::scan_message::{ScanMessage, ScanParts};
use crate::domain::Error;
use crate::query::context::QueryContext;
use crate::query::scan::divisible_scan::{DivisibleScan, DivisibleScanExec};
use crate::query::scan::readings_scan::ReadingsScan;
use crate::store::schema;

/// Scans of readings. Beside rollups (`rollup_codec.rs`), every other leaf stays where the query was asked.
pub enum Scans {}

impl TaskNodes for Scans {
    const CODEC: &'static str = "ScanCodec";

    type Context = QueryContext;
}

/// The codec of scans.
pub type ScanCodec = NodeCodec<Scans>;

impl PhysicalExtensionCodec for ScanCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        _: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let query_context = self.task()?;
        let message = ScanMessage::decode(bytes).map_err(malformed)?;
        let filter =
            message.filter.as_deref().map(PhysicalExprNode::decode).transpose().map_err(malformed)?;
        let ScanParts { read, partitions, visible, bounds, sources } =
            message.into_parts(|ids| check_streams(query_context, ids)).map_err(external)?;
        let decoding = PhysicalPlanDecodeContext::new(context, self);
        let readings = schema::readings();
        let filter = filter.map(|filter| converter.proto_to_physical_expr(&filter, &readings, &decoding));
        let filter = filter.transpose()?;
        let query_context = query_context.clone();
        let scan = ReadingsScan { query_context, visible, bounds, filter, partitions };
        Ok(Arc::new(DivisibleScan::new(scan, read, sources)?.into_exec()))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        out: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(leaf) = node.downcast_ref::<DivisibleScanExec>() else {
            return not_impl_err!("{} stays on the node that was asked", node.name());
        };
        let mut message = ScanMessage::of(&leaf.source().into());
        if let Some(filter) = &leaf.source().scan.filter {
            message.filter = Some(converter.physical_expr_to_proto(filter, self)?.encode_to_vec());
        }
        message.encode(out).map_err(|e| internal_datafusion_err!("a scan cannot be encoded: {e}"))
    }
}

/// Checks by this node's own catalog that streams are of the organization of the task. A stream that was deleted since the
/// query began is no longer, and the query is to be repeated.
///
/// # Errors
/// `Forbidden` naming the first stream that is not.
pub(super) fn check_streams(query_context: &QueryContext, streams: &[i32]) -> crate::domain::Result<()> {
    let are_own = query_context.catalog().streams.are_streams_of(query_context.principal.org, streams);
    match streams.iter().zip(are_own).find(|(_, is_own)| !is_own) {
        None => Ok(()),
        Some((id, _)) => Err(Error::forbidden(format!("the stream {id} is not of this organization"))),
    }
}

/// Wraps an error for DataFusion.
pub(super) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn malformed(error: DecodeError) -> DataFusionError {
    external(Error::invalid("the bytes are no scan").with_source(error))
}
