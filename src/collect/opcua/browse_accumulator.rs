//! Collects references from the answers to Browse and BrowseNext. Pure, and it terminates whatever a server answers:
//! more or fewer results than requested, endless names, endless continuation points.

use opcua::types::{BrowseResult, ByteString, ReferenceDescription};

use super::memory_size;
use crate::domain::address_space::MAX_BROWSE_NODES;

/// Limit of BrowseNext answers per browse. A server that returns one node at a time has then returned as many as are
/// shown.
const MAX_CONTINUATIONS: usize = MAX_BROWSE_NODES;

/// A node, and its parent's index in the list of browsed nodes.
pub type ChildReference = (usize, ReferenceDescription);

/// Parameters of the next BrowseNext request.
#[derive(Debug, PartialEq)]
pub struct BrowseNextRequest {
    pub points: Vec<ByteString>,
    /// There are enough nodes: the server may free the rest.
    pub is_release: bool,
}

/// Results so far.
#[derive(Debug)]
pub struct BrowseAccumulator {
    level: Vec<ChildReference>,
    /// Continuation points, each with the index of its node.
    continuations: Vec<(usize, ByteString)>,
    continuations_left: usize,
    pub bytes_left: usize,
    /// Whether there are more nodes than were accepted.
    pub is_truncated: bool,
}

impl BrowseAccumulator {
    /// `bytes` limits the memory of all results.
    pub fn new(bytes: usize) -> Self {
        BrowseAccumulator {
            level: Vec::new(),
            continuations: Vec::new(),
            continuations_left: MAX_CONTINUATIONS,
            bytes_left: bytes,
            is_truncated: false,
        }
    }

    /// Adds the answer to a Browse of `nodes` nodes, the first of which has index `first`.
    ///
    /// # Errors
    /// A message, when the answer does not hold one result for each node.
    pub fn add_browse(
        &mut self,
        first: usize,
        nodes: usize,
        results: Vec<BrowseResult>,
    ) -> Result<(), &'static str> {
        self.take((first..first + nodes).collect(), results)
    }

    /// Returns the next request; `None` once every node is complete.
    pub fn next_request(&mut self) -> Option<BrowseNextRequest> {
        if self.continuations.is_empty() {
            return None;
        }
        self.is_truncated |= self.is_full();
        let points = self.continuations.iter().map(|(_, point)| point.clone()).collect();
        Some(BrowseNextRequest { points, is_release: self.is_full() })
    }

    /// Adds the answer to the request from `next_request`.
    ///
    /// # Errors
    /// The errors of `add_browse`.
    pub fn add_browse_next(&mut self, results: Vec<BrowseResult>) -> Result<(), &'static str> {
        let open = std::mem::take(&mut self.continuations);
        if self.is_full() {
            return Ok(());
        }
        self.continuations_left -= 1;
        self.take(open.into_iter().map(|(place, _)| place).collect(), results)
    }

    /// Whether no more nodes are accepted.
    pub fn is_full(&self) -> bool {
        self.level.len() > MAX_BROWSE_NODES || self.bytes_left == 0 || self.continuations_left == 0
    }

    /// Returns the nodes of this level and starts the next.
    pub fn end_level(&mut self) -> Vec<ChildReference> {
        self.continuations.clear();
        std::mem::take(&mut self.level)
    }

    fn take(&mut self, places: Vec<usize>, results: Vec<BrowseResult>) -> Result<(), &'static str> {
        if results.len() != places.len() {
            return Err("the answer to a browse has not one result for each node");
        }
        for (place, result) in places.into_iter().zip(results) {
            for reference in result.references.into_iter().flatten() {
                if self.is_full() {
                    self.is_truncated = true;
                    break;
                }
                self.bytes_left = self.bytes_left.saturating_sub(memory_size::reference_bytes(&reference));
                self.level.push((place, reference));
            }
            if !result.continuation_point.is_null_or_empty() {
                self.continuations.push((place, result.continuation_point));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "browse_accumulator_tests.rs"]
mod tests;
