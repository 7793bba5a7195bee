//! Reader that bounds how deep decoding nests, whatever the types: it fails once its caller's stack has grown too far.
//!
//! The library bounds variants in variants and structures in structures, but neither diagnostics in diagnostics (a byte
//! of the message for each level) nor values with a status in values with a status (two bytes). Each level reads
//! something, so a reader sees every recursion: docs/decisions/0015-depth-of-opcua-messages.md.

use std::hint::black_box;
use std::io::{self, Read};
use std::ptr;

/// Stack that decoding may take. The deepest message within the library's bounds takes 150 kB without optimization, an
/// ordinary one 50 kB; the smallest stack that decodes here has 2 MiB.
pub const MAX_DECODING_STACK_BYTES: usize = 256 * 1024;

/// Reads from another reader as long as the stack stays within its bound.
pub struct StackBoundReader<R> {
    reader: R,
    /// Address in the stack where decoding began.
    start: usize,
}

impl<R: Read> StackBoundReader<R> {
    /// Counts the stack from the caller on: call it in the function that decodes.
    pub fn new(reader: R) -> Self {
        StackBoundReader { reader, start: stack_address() }
    }
}

impl<R: Read> Read for StackBoundReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Whether stacks grow down or up is left to the machine.
        if self.start.abs_diff(stack_address()) > MAX_DECODING_STACK_BYTES {
            return Err(io::Error::other("the message is nested too deeply"));
        }
        self.reader.read(buffer)
    }
}

/// The address of a local, which is all that a stack's depth needs: it is never read through.
#[inline(never)]
fn stack_address() -> usize {
    let local = 0_u8;
    ptr::from_ref(black_box(&local)).addr()
}
