//! Reading what the kernel holds of a local file in memory, on the thread that asks: handing such a read to another
//! thread and being woken by it takes longer than the read, most of all where every processor is busy.

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;

/// More than this is read on a thread made for it, while others of the query go on.
const MOST_BYTES: u64 = 1 << 20;

/// The bytes of `ranges`, one for each, if all of them are in memory; they are read without ever waiting for a disk.
/// `None` tells nothing but that it has to be done the long way, which has the errors, too.
pub fn read(path: &Path, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
    let bytes: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
    if bytes > MOST_BYTES {
        return None;
    }
    let file = std::fs::File::open(path).ok()?;
    ranges.iter().map(|range| in_memory(&file, range)).collect()
}

/// preadv2(2) with RWF_NOWAIT: it gives what is in the page cache, and no more.
#[cfg(target_os = "linux")]
fn in_memory(file: &std::fs::File, range: &Range<u64>) -> Option<Bytes> {
    use std::io::IoSliceMut;

    use rustix::io::{ReadWriteFlags, preadv2};

    let mut bytes = vec![0; usize::try_from(range.end.checked_sub(range.start)?).ok()?];
    let read = preadv2(file, &mut [IoSliceMut::new(&mut bytes)], range.start, ReadWriteFlags::NOWAIT).ok()?;
    (read == bytes.len()).then(|| bytes.into())
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_: &std::fs::File, _: &Range<u64>) -> Option<Bytes> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_just_written_is_at_hand() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        let read = read(&path, &[0..3, 5..5, 7..10]).unwrap();
        assert_eq!(read, [&b"012"[..], b"", b"789"]);
    }

    #[test]
    fn what_cannot_be_read_whole_is_left_to_the_long_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, vec![1; MOST_BYTES as usize + 2]).unwrap();
        let past_the_end = MOST_BYTES..MOST_BYTES + 3;
        for range in [past_the_end, 0..MOST_BYTES + 1, Range { start: 2, end: 1 }] {
            assert_eq!(read(&path, std::slice::from_ref(&range)), None, "{range:?}");
        }
        assert_eq!(read(&dir.path().join("missing"), &[]), None);
    }
}
