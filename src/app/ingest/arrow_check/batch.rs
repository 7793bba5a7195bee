//! Validates an Arrow record batch before decoding: every column has its nodes and buffers, buffers lie in the body
//! without overlapping, and the decompressed size is known.

use arrow::datatypes::DataType;
use arrow::ipc::{Buffer, CompressionType, FieldNode, RecordBatch};

use super::{damaged, lz4};
use crate::domain::Result;

/// Maximum rows of a batch: a column without values may claim any number of rows in no bytes.
const MAX_ROWS: i64 = i32::MAX as i64;
/// Length prefix that marks a buffer as stored uncompressed.
const NOT_COMPRESSED: i64 = -1;
/// Bytes of the length prefix.
const PREFIX_BYTES: usize = 8;

/// Checks a batch with columns of these types and returns its decompressed size in bytes.
pub fn check<'t>(
    batch: &RecordBatch<'_>,
    types: impl Iterator<Item = &'t DataType>,
    body: &[u8],
) -> Result<usize> {
    if !(0..=MAX_ROWS).contains(&batch.length()) {
        return Err(damaged("a batch has an impossible number of rows"));
    }
    let codec = batch.compression().map(|compression| compression.codec());
    let (mut lengths, mut used) = (Vec::new(), 0_usize);
    let buffers = batch.buffers().ok_or_else(|| damaged("a batch has no list of buffers"))?;
    for buffer in buffers {
        let bytes = slice(buffer, body)?;
        used = used.saturating_add(bytes.len());
        lengths.push(decoded_bytes(bytes, codec)?);
    }
    // Overlapping buffers would be copied once for each column.
    if used > body.len() {
        return Err(damaged("buffers overlap"));
    }
    let nodes = batch.nodes().ok_or_else(|| damaged("a batch has no list of columns"))?;
    let mut parts = UnreadBuffers {
        nodes: nodes.iter(),
        lengths: lengths.iter().copied(),
        views: batch.variadicBufferCounts().into_iter().flatten().collect::<Vec<_>>().into_iter(),
    };
    for data_type in types {
        parts.column(data_type)?;
    }
    if parts.views.next().is_some() {
        return Err(damaged("a batch counts buffers of columns that it does not have"));
    }
    Ok(lengths.iter().fold(0, |sum: usize, length| sum.saturating_add(*length)))
}

fn slice<'b>(buffer: &Buffer, body: &'b [u8]) -> Result<&'b [u8]> {
    let outside = || damaged("a buffer lies outside of its body");
    let start = usize::try_from(buffer.offset()).map_err(|_| outside())?;
    let length = usize::try_from(buffer.length()).map_err(|_| outside())?;
    let end = start.checked_add(length).ok_or_else(outside)?;
    body.get(start..end).ok_or_else(outside)
}

/// Returns the decompressed length of a buffer. The reader allocates the declared length; the content may be longer.
fn decoded_bytes(buffer: &[u8], codec: Option<CompressionType>) -> Result<usize> {
    let Some(codec) = codec.filter(|_| !buffer.is_empty()) else { return Ok(buffer.len()) };
    let (prefix, content) =
        buffer.split_at_checked(PREFIX_BYTES).ok_or_else(|| damaged("a buffer has no length"))?;
    let prefix = prefix.try_into().map_err(|_| damaged("a buffer has no length"))?;
    let declared = match i64::from_le_bytes(prefix) {
        NOT_COMPRESSED => return Ok(content.len()),
        declared => usize::try_from(declared).map_err(|_| damaged("a buffer has a negative length"))?,
    };
    // zstd is decoded only into the declared length; an LZ4 frame is decoded to its own end.
    if codec == CompressionType::LZ4_FRAME && declared > 0 {
        lz4::check(content, declared)?;
    }
    Ok(declared)
}

/// The unread rest of a batch's lists.
struct UnreadBuffers<N, L, V> {
    nodes: N,
    lengths: L,
    views: V,
}

impl<'n, N, L, V> UnreadBuffers<N, L, V>
where
    N: Iterator<Item = &'n FieldNode>,
    L: Iterator<Item = usize>,
    V: Iterator<Item = i64>,
{
    /// Consumes the nodes and buffers of a column in the order in which the reader does.
    fn column(&mut self, data_type: &DataType) -> Result<()> {
        match data_type {
            DataType::BinaryView | DataType::Utf8View => {
                let views = self.views.next().ok_or_else(|| damaged("a column's buffers are not counted"))?;
                let views = usize::try_from(views).map_err(|_| damaged("a column has too few buffers"))?;
                self.node_and_buffers(2)?;
                (0..views).try_for_each(|_| self.buffer().map(drop))
            }
            DataType::Null => self.node().map(drop),
            DataType::Utf8 | DataType::Binary | DataType::LargeUtf8 | DataType::LargeBinary => {
                self.node_and_buffers(3)
            }
            DataType::List(inner) | DataType::LargeList(inner) | DataType::Map(inner, _) => {
                self.node_and_buffers(2)?;
                self.column(inner.data_type())
            }
            DataType::ListView(inner) | DataType::LargeListView(inner) => {
                self.node_and_buffers(3)?;
                self.column(inner.data_type())
            }
            DataType::FixedSizeList(inner, _) => {
                self.node_and_buffers(1)?;
                self.column(inner.data_type())
            }
            DataType::Struct(fields) => {
                self.node_and_buffers(1)?;
                fields.iter().try_for_each(|field| self.column(field.data_type()))
            }
            DataType::RunEndEncoded(ends, values) => {
                self.node()?;
                self.column(ends.data_type())?;
                self.column(values.data_type())
            }
            // A dictionary's values came in an earlier message.
            _ => self.node_and_buffers(2),
        }
    }

    /// Consumes a column's node and this many buffers, the first of which is the validity bitmap.
    fn node_and_buffers(&mut self, buffers: usize) -> Result<()> {
        let node = self.node()?;
        let nulls = self.buffer()?;
        let needed = usize::try_from(node.length()).unwrap_or(usize::MAX).div_ceil(8);
        if node.null_count() > 0 && nulls < needed {
            return Err(damaged("a column's validity bitmap is too short"));
        }
        (1..buffers).try_for_each(|_| self.buffer().map(drop))
    }

    fn node(&mut self) -> Result<&'n FieldNode> {
        let node = self.nodes.next().ok_or_else(|| damaged("a batch has too few columns"))?;
        let is_possible =
            (0..=MAX_ROWS).contains(&node.length()) && (0..=node.length()).contains(&node.null_count());
        if is_possible { Ok(node) } else { Err(damaged("a column has an impossible length")) }
    }

    fn buffer(&mut self) -> Result<usize> {
        self.lengths.next().ok_or_else(|| damaged("a batch has too few buffers"))
    }
}
