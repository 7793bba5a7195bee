//! Codec of the nodes of a plan that tasks have. The node that was asked sends them; nodes that run tasks also read them.

use std::fmt;

use datafusion::common::not_impl_err;
use datafusion::error::Result;

/// Nodes of one kind.
pub trait TaskNodes: 'static {
    /// Name of their codec.
    const CODEC: &'static str;

    /// Everything that a decoded node needs beside the bytes.
    type Context;
}

/// The codec of one kind of nodes.
pub struct NodeCodec<N: TaskNodes> {
    /// `None` where plans are only sent.
    task: Option<N::Context>,
}

impl<N: TaskNodes> NodeCodec<N> {
    /// A codec for the node that was asked: it encodes, and refuses to decode.
    pub fn for_sending() -> Self {
        Self { task: None }
    }

    /// A codec that also decodes, for a task with this context.
    pub fn for_task(context: N::Context) -> Self {
        Self { task: Some(context) }
    }

    /// Returns the context of the task.
    ///
    /// # Errors
    /// `NotImplemented` where plans are only sent.
    pub(super) fn task(&self) -> Result<&N::Context> {
        match &self.task {
            Some(context) => Ok(context),
            None => not_impl_err!("plans are not read here"),
        }
    }
}

impl<N: TaskNodes> fmt::Debug for NodeCodec<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(N::CODEC)
    }
}
