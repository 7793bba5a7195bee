//! What lies under nodes, gathered out of the answers to Browse and BrowseNext. Pure, and it ends whatever a server
//! answers: more or fewer results than asked, names without end, continuation points for ever.

use opcua::types::{BrowseResult, ByteString, ReferenceDescription};

use super::weight;
use crate::domain::address_space::NODES;

/// Answers to BrowseNext in one look at a server. A server that gives one node at a time has given then as many as are
/// shown.
const MAX_CONTINUATIONS: usize = NODES;

/// A node and the place, in the list that was asked about, of the node it lies under.
pub type Under = (usize, ReferenceDescription);

/// What to ask BrowseNext.
#[derive(Debug, PartialEq)]
pub struct Next {
    pub points: Vec<ByteString>,
    /// There is enough: the server may forget the rest.
    pub is_release: bool,
}

/// The answers so far.
#[derive(Debug)]
pub struct Gathering {
    level: Vec<Under>,
    /// Nodes of which there is more, by their place.
    open: Vec<(usize, ByteString)>,
    continuations_left: usize,
    pub bytes_left: usize,
    /// Whether there is more than was taken.
    pub is_truncated: bool,
}

impl Gathering {
    /// `bytes` bounds the memory of all that is gathered.
    pub fn new(bytes: usize) -> Self {
        Gathering {
            level: Vec::new(),
            open: Vec::new(),
            continuations_left: MAX_CONTINUATIONS,
            bytes_left: bytes,
            is_truncated: false,
        }
    }

    /// Takes the answer to a Browse of `nodes` nodes, the first of them in the place `first`.
    ///
    /// # Errors
    /// In words, when the answer is not one result for each of them.
    pub fn browsed(
        &mut self,
        first: usize,
        nodes: usize,
        results: Vec<BrowseResult>,
    ) -> Result<(), &'static str> {
        self.take((first..first + nodes).collect(), results)
    }

    /// What to ask next; nothing once every node has told all.
    pub fn ask_next(&mut self) -> Option<Next> {
        if self.open.is_empty() {
            return None;
        }
        self.is_truncated |= self.is_full();
        let points = self.open.iter().map(|(_, point)| point.clone()).collect();
        Some(Next { points, is_release: self.is_full() })
    }

    /// Takes the answer to what `ask_next` asked.
    ///
    /// # Errors
    /// As `browsed`.
    pub fn continued(&mut self, results: Vec<BrowseResult>) -> Result<(), &'static str> {
        let open = std::mem::take(&mut self.open);
        if self.is_full() {
            return Ok(());
        }
        self.continuations_left -= 1;
        self.take(open.into_iter().map(|(place, _)| place).collect(), results)
    }

    /// Whether nothing more is taken.
    pub fn is_full(&self) -> bool {
        self.level.len() > NODES || self.bytes_left == 0 || self.continuations_left == 0
    }

    /// What was found on this level; the next begins.
    pub fn end_level(&mut self) -> Vec<Under> {
        self.open.clear();
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
                self.bytes_left = self.bytes_left.saturating_sub(weight::of_reference(&reference));
                self.level.push((place, reference));
            }
            if !result.continuation_point.is_null_or_empty() {
                self.open.push((place, result.continuation_point));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
