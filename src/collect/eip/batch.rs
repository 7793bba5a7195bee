//! Which tags are read in one message: as many as fit into request and reply. Pure.

use std::ops::Range;

use super::cip::{MAX_MESSAGE_BYTES, MULTIPLE_BYTES, MULTIPLE_REPLY_BYTES, ROUTE_BYTES};
use super::tag::TagPath;
use super::value::STRING_BYTES;

/// Bytes of a read besides the path: service, length of the path, number of elements, offset in the packet.
const REQUEST_BYTES: usize = 2 + 2 + 2;
/// Bytes of a reply besides type and value: service, status, offset in the packet.
const REPLY_BYTES: usize = 4 + 2;
/// Most bytes of a type.
const TYPE_BYTES: usize = 4;

/// Bytes of the value of a tag that was not read yet: a text, the longest of the known types.
pub const UNKNOWN_VALUE_BYTES: usize = STRING_BYTES;

/// Bytes that reading a tag takes in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadSize {
    path: usize,
    value: usize,
}

impl ReadSize {
    /// Reading this tag, whose value has `value` bytes.
    pub fn new(path: &TagPath, value: usize) -> ReadSize {
        ReadSize { path: path.encode().len(), value }
    }

    fn request(self) -> usize {
        REQUEST_BYTES + self.path
    }

    fn reply(self) -> usize {
        REPLY_BYTES + TYPE_BYTES + self.value
    }
}

/// Splits reads, in their order, into messages. A read that is too long for any message has one for itself.
pub fn split(reads: &[ReadSize]) -> Vec<Range<usize>> {
    let (mut batches, mut start) = (Vec::new(), 0);
    let empty = (MULTIPLE_BYTES + ROUTE_BYTES, MULTIPLE_REPLY_BYTES);
    let (mut request, mut reply) = empty;
    for (index, read) in reads.iter().enumerate() {
        let grown = (request + read.request(), reply + read.reply());
        if index > start && (grown.0 > MAX_MESSAGE_BYTES || grown.1 > MAX_MESSAGE_BYTES) {
            batches.push(start..index);
            start = index;
            (request, reply) = (empty.0 + read.request(), empty.1 + read.reply());
        } else {
            (request, reply) = grown;
        }
    }
    if start < reads.len() {
        batches.push(start..reads.len());
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::collect::eip::cip::CipRequest;

    fn read(name: &str, value: usize) -> ReadSize {
        ReadSize::new(&name.parse().unwrap(), value)
    }

    #[test]
    fn messages_are_full_but_not_too_long() {
        for (reads, expected) in [
            (vec![], vec![]),
            (vec![read("a", 4)], std::iter::once(0..1).collect()),
            // 14 bytes of each in the reply.
            (vec![read("abcd", 4); 100], vec![0..35, 35..70, 70..100]),
            // 48 bytes of each in the request.
            (vec![read(&"n".repeat(40), 4); 20], vec![0..10, 10..20]),
            (vec![read("a", UNKNOWN_VALUE_BYTES); 6], vec![0..5, 5..6]),
            (vec![read("a", 4), read("b", 4000), read("c", 4)], vec![0..1, 1..2, 2..3]),
        ] {
            assert_eq!(split(&reads), expected, "{reads:?}");
        }
    }

    proptest! {
        #[test]
        fn every_read_is_in_one_message_that_fits(names in proptest::collection::vec("[a-z]{1,100}", 0..80), value in 1_usize..100) {
            let paths: Vec<TagPath> = names.iter().map(|name| name.parse().unwrap()).collect();
            let reads: Vec<ReadSize> = paths.iter().map(|path| ReadSize::new(path, value)).collect();
            let batches = split(&reads);
            let all: Vec<usize> = batches.iter().cloned().flatten().collect();
            prop_assert_eq!(all, (0..reads.len()).collect::<Vec<_>>());
            for batch in batches {
                let requests: Vec<_> = paths[batch].iter().map(|path| CipRequest::read_tag(path.encode())).collect();
                prop_assert!(CipRequest::multiple(&requests).routed(0, 1000).encode().len() <= MAX_MESSAGE_BYTES);
            }
        }
    }
}
