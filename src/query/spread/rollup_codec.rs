//! Encodes the rollups of a plan for other nodes, and makes rollups of what they sent.

use std::sync::Arc;

use datafusion::common::{internal_datafusion_err, not_impl_err};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use prost::Message;

use super::node_codec::{NodeCodec, TaskNodes};
use super::rollup_message::{RollupMessage, RollupParts};
use super::scan_codec::{check_streams, external};
use super::scan_message::ScanParts;
use crate::domain::Error;
use crate::query::context::QueryContext;
use crate::query::rollup::partials_scan::{PartialsExec, PartialsScan};
use crate::query::rollup::partials_sources::PartialsSources;
use crate::query::scan::divisible_scan::DivisibleScan;
use crate::query::scan::readings_scan::ReadingsScan;

/// Scans of partials.
pub enum Rollups {}

impl TaskNodes for Rollups {
    const CODEC: &'static str = "RollupCodec";

    type Context = QueryContext;
}

/// The codec of rollups. Nodes tell codecs apart by their order, so it comes after `ScanCodec` on both sides.
pub type RollupCodec = NodeCodec<Rollups>;

impl PhysicalExtensionCodec for RollupCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        _: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let query_context = self.task()?;
        let message = RollupMessage::decode(bytes)
            .map_err(|e| external(Error::invalid("the bytes are no rollup").with_source(e)))?;
        let RollupParts { splits, readings, statistics, buckets, columns, partitions } =
            message.into_parts(|ids| check_streams(query_context, ids)).map_err(external)?;
        let readings = readings.into_iter().map(|parts| scan_readings(query_context, parts));
        let sources = PartialsSources {
            readings: readings.collect::<Result<_>>()?,
            snapshot: Arc::new(statistics.into_snapshot(&query_context.snapshot)),
            splits,
            buckets,
            columns,
            partitions,
        };
        Ok(Arc::new(PartialsScan::over(sources)?.into_exec()))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        out: &mut Vec<u8>,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(leaf) = node.downcast_ref::<PartialsExec>() else {
            return not_impl_err!("{} stays on the node that was asked", node.name());
        };
        let message = RollupMessage::of(&leaf.source().sources().into());
        message.encode(out).map_err(|e| internal_datafusion_err!("a rollup cannot be encoded: {e}"))
    }
}

fn scan_readings(query_context: &QueryContext, parts: ScanParts) -> Result<DivisibleScan> {
    let ScanParts { read, partitions, visible, bounds, sources } = parts;
    let query_context = query_context.clone();
    let scan = ReadingsScan { query_context, visible, bounds, filter: None, partitions };
    DivisibleScan::new(scan, read, sources)
}
