//! Reads page-cached ranges of local files on the calling thread (`preadv2`, `RWF_NOWAIT`). A hop to another thread
//! takes longer than such a read, most of all when every processor is busy.

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;

/// A larger read gets its own thread, so that the rest of the query can proceed.
const MAX_READ_BYTES: u64 = 1 << 20;

/// Reads `ranges` of a file, one result for each, if all of them are in the page cache. It never waits for a disk.
/// `None` means only that the caller must use the normal path, which also reports errors.
pub fn read_cached(path: &Path, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
    let bytes: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
    if bytes > MAX_READ_BYTES {
        return None;
    }
    let file = std::fs::File::open(path).ok()?;
    ranges.iter().map(|range| in_memory(&file, range)).collect()
}

/// Uses preadv2(2) with RWF_NOWAIT, which returns only bytes in the page cache.
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
        let read = read_cached(&path, &[0..3, 5..5, 7..10]).unwrap();
        assert_eq!(read, [&b"012"[..], b"", b"789"]);
    }

    #[test]
    fn what_cannot_be_read_whole_is_left_to_the_long_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, vec![1; MAX_READ_BYTES as usize + 2]).unwrap();
        let past_the_end = MAX_READ_BYTES..MAX_READ_BYTES + 3;
        for range in [past_the_end, 0..MAX_READ_BYTES + 1, Range { start: 2, end: 1 }] {
            assert_eq!(read_cached(&path, std::slice::from_ref(&range)), None, "{range:?}");
        }
        assert_eq!(read_cached(&dir.path().join("missing"), &[]), None);
    }
}
