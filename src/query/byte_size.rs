//! Byte sizes of record batches: of their values, and of the memory they occupy.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::error::Result;

/// Returns the bytes of an array's values when written out: of a slice only its own values, of a dictionary each value
/// as often as it occurs.
pub fn of_values(array: &dyn Array) -> usize {
    let rows = array.len();
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().lengths().map(|n| n as usize + 16).sum(),
        DataType::BinaryView => array.as_binary_view().lengths().map(|n| n as usize + 16).sum(),
        DataType::Struct(_) => array.as_struct().columns().iter().map(|column| of_values(column)).sum(),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let (from, to) = (list.value_offsets()[0], list.value_offsets()[rows]);
            of_values(&list.values().slice(from as usize, (to - from) as usize)) + rows * 4
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = dictionary.values();
            let keys = dictionary.normalized_keys();
            let lengths: Vec<_> = (0..values.len()).map(|i| of_values(&values.slice(i, 1))).collect();
            keys.iter().map(|key| lengths.get(*key).copied().unwrap_or(0) + 4).sum()
        }
        _ => array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size()),
    }
}

/// Returns the bytes of a batch's values when written out.
pub fn of_batch(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| of_values(column)).sum()
}

/// Returns the bytes of memory of the batch's own rows, not of the buffers that it may be a slice of.
pub fn of_slice(batch: &RecordBatch) -> Result<usize> {
    let sizes = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    Ok(sizes.sum::<std::result::Result<usize, ArrowError>>()?)
}
