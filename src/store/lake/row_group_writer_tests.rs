//! Tests that rows come back as they were written, whichever columns are constant in which group.

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Float64Type;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};

use super::*;
use crate::store::lake::{cache, constant_chunk};
use crate::store::schema::{QUALITY, SEQ, TEXT};

fn quality(name: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![name]))
}

fn no_text() -> ArrayRef {
    Arc::new(StringArray::new_null(1))
}

/// Writes rows of one stream from a time on, with the given texts and qualities.
fn write(
    file: &mut RowGroupWriter<Vec<u8>>,
    first: usize,
    rows: usize,
    text: &ColumnInput,
    quality: &ColumnInput,
) {
    let times = || (first..first + rows).map(|i| i as i64);
    let columns = [
        ColumnInput::Values(Arc::new(Int32Array::from_value(1, rows))),
        ColumnInput::Values(Arc::new(
            TimestampMicrosecondArray::from_iter_values(times()).with_timezone("UTC"),
        )),
        ColumnInput::Values(Arc::new(Float64Array::from_iter_values(times().map(|i| i as f64)))),
        text.clone(),
        quality.clone(),
        ColumnInput::Constant(Arc::new(Int64Array::from_value(7, 1))),
    ];
    file.write_columns(&columns, rows).unwrap();
}

fn read(bytes: Vec<u8>) -> (ArrowReaderMetadata, RecordBatch) {
    let bytes = Bytes::from(bytes);
    let footer = ArrowReaderMetadata::load(&bytes, cache::footer_options(Table::Readings)).unwrap();
    let rows = footer.metadata().file_metadata().num_rows() as usize;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, footer.clone());
    let batches: Vec<RecordBatch> =
        builder.with_batch_size(rows).build().unwrap().map(std::result::Result::unwrap).collect();
    (footer, arrow::compute::concat_batches(&Table::Readings.schema(), &batches).unwrap())
}

#[test]
fn what_is_alike_is_copied_and_what_is_not_is_kept_apart() {
    const GROUP: usize = MAX_ROW_GROUP_ROWS;
    let mut file = RowGroupWriter::new(Vec::new(), Table::Readings).unwrap();
    let (good, bad) = (ColumnInput::Constant(quality("good")), ColumnInput::Constant(quality("bad")));
    let none = ColumnInput::Constant(no_text());
    let few: ArrayRef = Arc::new(StringArray::from(vec![None, Some("open"), None]));
    // Two and a half constant groups, in calls that end nowhere near the end of a group.
    let mut at = 0;
    let mut add = |file: &mut _, rows, text: &ColumnInput, quality: &ColumnInput| {
        write(file, at, rows, text, quality);
        at += rows;
    };
    add(&mut file, GROUP - 1000, &none, &good);
    add(&mut file, GROUP + GROUP / 2, &none, &good);
    // The columns change within a group, once to another constant and once to distinct values.
    add(&mut file, 10, &none, &bad);
    add(&mut file, 3, &ColumnInput::Values(few), &good);
    add(&mut file, GROUP, &none, &bad);
    add(&mut file, 100, &none, &bad);
    let rows = at;
    let (footer, batch) = read(file.finish(|_| ()).unwrap());
    assert_eq!(batch.num_rows(), rows);
    assert_eq!(footer.metadata().num_row_groups(), 4);
    let values = batch.column(2).as_primitive::<Float64Type>().values();
    assert!(values.iter().enumerate().all(|(i, value)| *value == i as f64));
    let switch_row = 2 * GROUP + GROUP / 2 - 1000;
    let texts: Vec<(usize, &str)> =
        batch.column(TEXT).as_string::<i32>().iter().enumerate().filter_map(|(i, t)| Some((i, t?))).collect();
    assert_eq!(texts, [(switch_row + 11, "open")]);
    let is_bad = |i: usize| (switch_row..switch_row + 10).contains(&i) || i >= switch_row + 13;
    let qualities = batch.column(QUALITY).as_string::<i32>();
    assert!(qualities.iter().enumerate().all(|(i, q)| q == Some(if is_bad(i) { "bad" } else { "good" })));
    // The footer says where the column was constant.
    let everywhere =
        |column, value: Option<&[u8]>| constant_chunk::is_constant(footer.metadata(), column, value);
    assert!(!everywhere(TEXT, None) && !everywhere(QUALITY, Some(b"good")));
    let pages = footer.metadata().offset_index().unwrap();
    for (group, columns) in pages.iter().enumerate() {
        for column in [TEXT, QUALITY, SEQ] {
            let of_value = columns[2].page_locations().len();
            assert_eq!(columns[column].page_locations().len(), of_value, "group {group}, column {column}");
        }
    }
}

#[test]
fn the_footer_tells_of_columns_that_are_alike_in_all_rows() {
    let (good, none) = (ColumnInput::Constant(quality("good")), ColumnInput::Constant(no_text()));
    let each: ArrayRef = Arc::new(StringArray::from(vec!["good"; 100]));
    for (name, text, of_last, is_no_text, is_good) in [
        ("alike", none.clone(), good.clone(), true, true),
        ("alike though given one by one", none.clone(), ColumnInput::Values(each), true, true),
        ("of two qualities", none, ColumnInput::Constant(quality("uncertain")), true, false),
        ("with a text", ColumnInput::Constant(quality("x")), good.clone(), false, true),
    ] {
        let mut file = RowGroupWriter::new(Vec::new(), Table::Readings).unwrap();
        write(&mut file, 0, MAX_ROW_GROUP_ROWS, &ColumnInput::Constant(no_text()), &good);
        write(&mut file, MAX_ROW_GROUP_ROWS, 100, &text, &of_last);
        let (footer, _) = read(file.finish(|_| ()).unwrap());
        let footer = footer.metadata();
        assert_eq!(constant_chunk::is_constant(footer, TEXT, None), is_no_text, "{name}");
        assert_eq!(constant_chunk::is_constant(footer, QUALITY, Some(b"good")), is_good, "{name}");
    }
}

#[test]
fn a_group_holds_no_more_text_than_is_read_at_once() {
    let long = |bytes: usize| "x".repeat(bytes);
    for (name, lengths, groups) in [
        ("short ones", vec![10; 1000], vec![1000]),
        ("as much as fits", vec![1 << 20; 16], vec![16]),
        ("more than that", vec![1 << 20; 33], vec![16, 16, 1]),
        ("after short ones", [vec![1 << 10; 1000], vec![1 << 20; 16]].concat(), vec![1015, 1]),
        ("longer than a group", vec![20 << 20, 1, 20 << 20], vec![1, 1, 1]),
    ] {
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(lengths.iter().map(|n| long(*n))));
        let mut file = RowGroupWriter::new(Vec::new(), Table::Readings).unwrap();
        write(
            &mut file,
            0,
            lengths.len(),
            &ColumnInput::Values(texts),
            &ColumnInput::Constant(quality("good")),
        );
        let bytes = Bytes::from(file.finish(|_| ()).unwrap());
        let footer = ArrowReaderMetadata::load(&bytes, cache::footer_options(Table::Readings)).unwrap();
        let rows: Vec<i64> = footer.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
        assert_eq!(rows, groups, "{name}");
    }
}

#[test]
fn only_values_that_repeat_have_a_dictionary() {
    let value = |row: usize| if row < MAX_ROW_GROUP_ROWS { row as f64 } else { (row % 700) as f64 };
    let rows = MAX_ROW_GROUP_ROWS + 20_000;
    let written: Float64Array = (0..rows).map(value).collect();
    let columns = [
        ColumnInput::Values(Arc::new(Int32Array::from_value(1, rows))),
        ColumnInput::Values(Arc::new(
            TimestampMicrosecondArray::from_iter_values(0..rows as i64).with_timezone("UTC"),
        )),
        ColumnInput::Values(Arc::new(written.clone())),
        ColumnInput::Constant(no_text()),
        ColumnInput::Constant(quality("good")),
        ColumnInput::Constant(Arc::new(Int64Array::from_value(7, 1))),
    ];
    let mut file = RowGroupWriter::new(Vec::new(), Table::Readings).unwrap();
    file.write_columns(&columns, rows).unwrap();
    let (footer, read) = read(file.finish(|_| ()).unwrap());
    let groups = footer.metadata().row_groups().iter();
    let dictionaries: Vec<bool> =
        groups.map(|group| group.column(VALUE).dictionary_page_offset().is_some()).collect();
    assert_eq!(dictionaries, [false, true]);
    assert_eq!(read.column(VALUE).as_primitive::<Float64Type>(), &written);
}
