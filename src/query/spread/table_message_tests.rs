//! Tests that a table arrives as it was sent, and that other bytes are refused.

use arrow::array::{
    BinaryArray, BooleanArray, Date32Array, Float64Array, Int8Array, Int32Array, LargeStringArray, ListArray,
    StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use proptest::prelude::*;

use super::*;

fn column(name: &str, array: ArrayRef) -> (Field, ArrayRef) {
    (Field::new(name, array.data_type().clone(), array.null_count() > 0), array)
}

fn batch_of(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn table() -> RecordBatch {
    let texts = [Some("one"), None, Some(""), Some("vier"), Some("ünf")];
    let zone = TimestampMicrosecondArray::from(vec![Some(1), None, Some(-3), Some(i64::MAX), Some(0)]);
    let blobs: [Option<&[u8]>; 5] = [None, Some(&[0, 255]), Some(&[]), Some(&[7]), None];
    let metadata = HashMap::from([("unit".to_owned(), "bar".to_owned())]);
    let (field, ids) = column("id", Arc::new(Int32Array::from(vec![1, 2, 3, 4, 5])));
    batch_of(vec![
        (field.with_metadata(metadata), ids),
        column("text", Arc::new(StringArray::from_iter(texts))),
        column("long", Arc::new(LargeStringArray::from_iter(texts))),
        column("blob", Arc::new(BinaryArray::from_iter(blobs))),
        column("is", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), None, Some(true)]))),
        column("value", Arc::new(Float64Array::from(vec![f64::NEG_INFINITY, -0.0, 1.5, f64::MAX, 2.0]))),
        column("small", Arc::new(Int8Array::from(vec![Some(-1), None, None, Some(4), Some(5)]))),
        column("count", Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1, 2, 3]))),
        column("day", Arc::new(Date32Array::from(vec![-1, 0, 1, 2, 3]))),
        column("ts", Arc::new(zone.with_timezone("Europe/Berlin"))),
    ])
}

fn send(batch: &RecordBatch) -> RecordBatch {
    let bytes = TableMessage::of(batch).unwrap().encode_to_vec();
    TableMessage::decode(bytes.as_slice()).unwrap().into_batch().unwrap()
}

#[test]
fn a_table_arrives_as_it_was_sent() {
    let table = table();
    assert_eq!(send(&table), table);
    for (first, rows) in [(0, 0), (1, 3), (4, 1)] {
        let slice = table.slice(first, rows);
        assert_eq!(send(&slice), slice, "{rows} rows from {first}");
    }
    let empty = RecordBatch::new_empty(table.schema());
    assert_eq!(send(&empty), empty);
    let options = RecordBatchOptions::new().with_row_count(Some(7));
    let without_columns =
        RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap();
    assert_eq!(send(&without_columns).num_rows(), 7);
}

#[test]
fn types_in_parts_stay() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    assert!(!can_travel(lists.data_type()));
    assert!(TableMessage::of(&batch_of(vec![column("list", Arc::new(lists))])).is_err());
}

#[test]
fn what_no_node_sends_is_refused() {
    type Change = fn(&mut TableMessage);
    let changes: [(&str, Change); 12] = [
        ("too many rows", |table| table.rows = MAX_ROWS as u64 + 1),
        ("more rows than there are", |table| table.rows += 1),
        ("fewer rows than there are", |table| table.rows -= 1),
        ("an unknown type", |table| table.columns[0].kind = 19),
        ("another type", |table| table.columns[0].kind = 4),
        ("a number with a time zone", |table| table.columns[0].zone = Some("UTC".to_owned())),
        ("no buffer", |table| table.columns[0].buffers.clear()),
        ("a text without its bytes", |table| table.columns[1].buffers[1].clear()),
        ("a text that is none", |table| table.columns[1].buffers[1].fill(0xff)),
        ("offsets that end in a number", |table| table.columns[1].buffers[0].truncate(21)),
        ("bits of other rows", |table| table.columns[1].validity = Some(vec![0xff, 0xff])),
        ("NULL where there is none", |table| table.columns[0].validity = Some(vec![0b10110])),
    ];
    for (name, change) in changes {
        let mut message = TableMessage::of(&table()).unwrap();
        change(&mut message);
        assert!(message.into_batch().is_err(), "{name}");
    }
}

proptest! {
    /// Changed bytes give a table or an error, never a panic.
    #[test]
    fn changed_bytes_do_no_harm(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        end in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = TableMessage::of(&table()).unwrap().encode_to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if is_cut {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(message) = TableMessage::decode(bytes.as_slice())
            && let Ok(batch) = message.into_batch()
        {
            // What was taken can be read.
            drop(TableMessage::of(&batch).unwrap());
        }
    }
}
