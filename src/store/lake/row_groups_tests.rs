//! Rows come back as they were written, whatever is alike in which group.

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Float64Type;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};

use super::*;
use crate::store::lake::{alike, cache};
use crate::store::schema::{QUALITY, SEQ, TEXT};

fn quality(name: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![name]))
}

fn no_text() -> ArrayRef {
    Arc::new(StringArray::new_null(1))
}

/// Rows of one stream from a time on, of texts and qualities as given.
fn write(file: &mut RowGroups<Vec<u8>>, first: usize, rows: usize, text: &Cells, quality: &Cells) {
    let times = || (first..first + rows).map(|i| i as i64);
    let columns = [
        Cells::Each(Arc::new(Int32Array::from_value(1, rows))),
        Cells::Each(Arc::new(TimestampMicrosecondArray::from_iter_values(times()).with_timezone("UTC"))),
        Cells::Each(Arc::new(Float64Array::from_iter_values(times().map(|i| i as f64)))),
        text.clone(),
        quality.clone(),
        Cells::Same(Arc::new(Int64Array::from_value(7, 1))),
    ];
    file.write_cells(&columns, rows).unwrap();
}

fn read(bytes: Vec<u8>) -> (ArrowReaderMetadata, RecordBatch) {
    let bytes = Bytes::from(bytes);
    let footer = ArrowReaderMetadata::load(&bytes, cache::options(Table::Readings)).unwrap();
    let rows = footer.metadata().file_metadata().num_rows() as usize;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, footer.clone());
    let batches: Vec<RecordBatch> =
        builder.with_batch_size(rows).build().unwrap().map(std::result::Result::unwrap).collect();
    (footer, arrow::compute::concat_batches(&Table::Readings.schema(), &batches).unwrap())
}

#[test]
fn what_is_alike_is_copied_and_what_is_not_is_kept_apart() {
    const GROUP: usize = ROW_GROUP_ROWS;
    let mut file = RowGroups::new(Vec::new(), Table::Readings).unwrap();
    let (good, bad) = (Cells::Same(quality("good")), Cells::Same(quality("bad")));
    let none = Cells::Same(no_text());
    let few: ArrayRef = Arc::new(StringArray::from(vec![None, Some("open"), None]));
    // Two groups and a half that are alike, over calls that end nowhere near a group's end.
    let mut at = 0;
    let mut add = |file: &mut _, rows, text: &Cells, quality: &Cells| {
        write(file, at, rows, text, quality);
        at += rows;
    };
    add(&mut file, GROUP - 1000, &none, &good);
    add(&mut file, GROUP + GROUP / 2, &none, &good);
    // Turns in the middle of a group, by one value and by values of their own.
    add(&mut file, 10, &none, &bad);
    add(&mut file, 3, &Cells::Each(few), &good);
    add(&mut file, GROUP, &none, &bad);
    add(&mut file, 100, &none, &bad);
    let rows = at;
    let (footer, batch) = read(file.finish(|_| ()).unwrap());
    assert_eq!(batch.num_rows(), rows);
    assert_eq!(footer.metadata().num_row_groups(), 4);
    let values = batch.column(2).as_primitive::<Float64Type>().values();
    assert!(values.iter().enumerate().all(|(i, value)| *value == i as f64));
    let turn = 2 * GROUP + GROUP / 2 - 1000;
    let texts: Vec<(usize, &str)> =
        batch.column(TEXT).as_string::<i32>().iter().enumerate().filter_map(|(i, t)| Some((i, t?))).collect();
    assert_eq!(texts, [(turn + 11, "open")]);
    let is_bad = |i: usize| (turn..turn + 10).contains(&i) || i >= turn + 13;
    let qualities = batch.column(QUALITY).as_string::<i32>();
    assert!(qualities.iter().enumerate().all(|(i, q)| q == Some(if is_bad(i) { "bad" } else { "good" })));
    // And the footer tells where it was alike.
    let everywhere = |column, value: Option<&[u8]>| alike::is_everywhere(footer.metadata(), column, value);
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
    let (good, none) = (Cells::Same(quality("good")), Cells::Same(no_text()));
    let each: ArrayRef = Arc::new(StringArray::from(vec!["good"; 100]));
    for (name, text, of_last, is_no_text, is_good) in [
        ("alike", none.clone(), good.clone(), true, true),
        ("alike though given one by one", none.clone(), Cells::Each(each), true, true),
        ("of two qualities", none, Cells::Same(quality("uncertain")), true, false),
        ("with a text", Cells::Same(quality("x")), good.clone(), false, true),
    ] {
        let mut file = RowGroups::new(Vec::new(), Table::Readings).unwrap();
        write(&mut file, 0, ROW_GROUP_ROWS, &Cells::Same(no_text()), &good);
        write(&mut file, ROW_GROUP_ROWS, 100, &text, &of_last);
        let (footer, _) = read(file.finish(|_| ()).unwrap());
        let footer = footer.metadata();
        assert_eq!(alike::is_everywhere(footer, TEXT, None), is_no_text, "{name}");
        assert_eq!(alike::is_everywhere(footer, QUALITY, Some(b"good")), is_good, "{name}");
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
        let mut file = RowGroups::new(Vec::new(), Table::Readings).unwrap();
        write(&mut file, 0, lengths.len(), &Cells::Each(texts), &Cells::Same(quality("good")));
        let bytes = Bytes::from(file.finish(|_| ()).unwrap());
        let footer = ArrowReaderMetadata::load(&bytes, cache::options(Table::Readings)).unwrap();
        let rows: Vec<i64> = footer.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
        assert_eq!(rows, groups, "{name}");
    }
}
