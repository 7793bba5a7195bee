//! Tests selected pages against a read of the whole file, and bytes that do not belong to the file.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use super::*;
use crate::store::lake::cache;
use crate::store::lake::row_group_writer::RowGroupWriter;
use crate::store::lake::writer_properties::MAX_ROW_GROUP_ROWS;
use crate::store::table::Table;

/// A row group of repeated values, so that it has a dictionary, and a part of one of distinct values.
const ROWS: usize = MAX_ROW_GROUP_ROWS + 30_000;

fn file() -> Bytes {
    let schema = Table::Readings.schema();
    let rows = 0..ROWS as i64;
    let value = |i: i64| if i < MAX_ROW_GROUP_ROWS as i64 { (i % 700) as f64 } else { (i as f64).sqrt() };
    let column = |name: &str| -> ArrayRef {
        match name {
            "stream_id" => Arc::new(Int32Array::from_iter_values(rows.clone().map(|i| (i / 50_000) as i32))),
            "ts" => Arc::new(TimestampMicrosecondArray::from_iter_values(rows.clone()).with_timezone("UTC")),
            "value" => Arc::new(Float64Array::from_iter_values(rows.clone().map(value))),
            "seq" => Arc::new(Int64Array::from_iter_values(rows.clone())),
            "quality" => Arc::new(StringArray::from_iter_values(rows.clone().map(|_| "good"))),
            _ => Arc::new(StringArray::from_iter(rows.clone().map(|i| (i % 9 == 0).then(|| i.to_string())))),
        }
    };
    let columns = schema.fields().iter().map(|field| column(field.name()));
    let columns = columns.zip(schema.fields()).map(|(c, f)| arrow::compute::cast(&c, f.data_type()).unwrap());
    let batch = RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
    let mut writer = RowGroupWriter::new(Vec::new(), Table::Readings).unwrap();
    writer.write(&batch).unwrap();
    writer.finish(|_| ()).unwrap().into()
}

fn footer(file: &Bytes) -> ArrowReaderMetadata {
    ArrowReaderMetadata::load(file, cache::footer_options(Table::Readings)).unwrap()
}

fn fetch(file: &Bytes, chunks: &PageFetch) -> Vec<Bytes> {
    chunks.missing().iter().map(|range| file.slice(range.start as usize..range.end as usize)).collect()
}

/// Selected rows of both groups.
fn groups(first: &[(usize, usize)], second: &[(usize, usize)]) -> Vec<RowGroupSelection> {
    let group = |index, rows, ranges: &[(usize, usize)]| RowGroupSelection {
        index,
        rows,
        ranges: ranges.iter().map(|(from, to)| *from..*to).collect(),
    };
    let both = [group(0, MAX_ROW_GROUP_ROWS, first), group(1, ROWS - MAX_ROW_GROUP_ROWS, second)];
    both.into_iter().filter(|group| !group.ranges.is_empty()).collect()
}

fn read(reader: ParquetRecordBatchReader) -> RecordBatch {
    let schema = arrow::record_batch::RecordBatchReader::schema(&reader);
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn ranges(of: usize) -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::btree_set(0..of, 0..6).prop_map(|edges| {
        let edges: Vec<usize> = edges.into_iter().collect();
        edges.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn rows_are_those_of_the_file_whichever_pages_are_kept(
        asked in prop::collection::vec((ranges(MAX_ROW_GROUP_ROWS), ranges(ROWS - MAX_ROW_GROUP_ROWS)), 1..4),
        columns in prop::sample::subsequence(vec![0_usize, 1, 2, 3, 4], 1..5),
    ) {
        let (file, cache) = (file(), Arc::new(LakeCache::default()));
        let footer = footer(&file);
        for (first, second) in asked {
            let groups = groups(&first, &second);
            prop_assume!(!groups.is_empty());
            let mask = ProjectionMask::roots(footer.parquet_schema(), columns.iter().copied());
            let whole = ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), footer.clone())
                .with_projection(mask)
                .with_row_groups(groups.iter().map(|group| group.index).collect())
                .with_row_selection(page_pruning::row_selection(&groups).unwrap());
            let expected = read(whole.build().unwrap());
            for _ in 0..2 {
                let chunks = PageFetch::if_small("f", &footer, &groups, &columns, &cache).unwrap();
                let bytes = fetch(&file, &chunks);
                prop_assert_eq!(&read(chunks.into_pages(bytes).unwrap().read(1000).unwrap()), &expected);
            }
            let again = PageFetch::if_small("f", &footer, &groups, &columns, &cache).unwrap();
            prop_assert!(again.missing().is_empty(), "{:?}", again.missing());
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_or_other_rows_and_never_a_panic(
        at in any::<prop::sample::Index>(),
        to in any::<u8>(),
        from in 0..100_000_usize,
    ) {
        let (file, cache) = (file(), Arc::new(LakeCache::default()));
        let groups = groups(&[(from, from + 10)], &[(7, 8)]);
        let footer = footer(&file);
        let chunks = PageFetch::if_small("f", &footer, &groups, &[0, 1, 2, 4], &cache).unwrap();
        let mut bytes = fetch(&file, &chunks);
        let piece = at.index(bytes.len());
        let mut damaged = bytes[piece].to_vec();
        let byte = at.index(damaged.len());
        damaged[byte] = to;
        bytes[piece] = damaged.into();
        if let Ok(reader) = chunks.into_pages(bytes).and_then(|pages| pages.read(1000)) {
            reader.take_while(|batch| batch.is_ok()).for_each(drop);
        }
    }
}

#[test]
fn a_file_shorter_than_its_footer_says_is_an_error() {
    let (file, cache) = (file(), Arc::new(LakeCache::default()));
    let footer = footer(&file);
    let chunks = || PageFetch::if_small("f", &footer, &groups(&[(0, 1)], &[]), &[0, 1, 2], &cache).unwrap();
    let mut bytes = fetch(&file, &chunks());
    bytes[0] = bytes[0].slice(1..);
    assert!(chunks().into_pages(bytes).is_err());
    assert!(chunks().into_pages(Vec::new()).is_err());
}

#[test]
fn what_is_more_than_a_few_pages_is_left_to_a_reader_that_streams() {
    let (file, cache) = (file(), Arc::new(LakeCache::default()));
    let mut all = groups(&[(0, MAX_ROW_GROUP_ROWS)], &[(0, ROWS - MAX_ROW_GROUP_ROWS)]);
    let footer = footer(&file);
    assert!(PageFetch::if_small("f", &footer, &all, &[2], &cache).is_some());
    all = (0..40).flat_map(|_| all.clone()).collect();
    assert!(PageFetch::if_small("f", &footer, &all, &[0, 1, 2, 3], &cache).is_none());
}
