//! Tests that every page has its checksum, lies where the index says, and is not read with a flipped bit.

use arrow::array::{
    Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use proptest::prelude::*;

use super::*;
use crate::store::lake::cache;
use crate::store::lake::row_group_writer::RowGroupWriter;
use crate::store::table::Table;

const ROWS: usize = 20_000;

/// A file with repeated and distinct values, texts of both kinds and none, and constant columns.
fn file() -> Bytes {
    let rows = 0..ROWS as i64;
    let text =
        |i: i64| (i % 3 == 0).then(|| if i < 10_000 { "open".to_owned() } else { format!("{i:>200}") });
    let batch = RecordBatch::try_new(
        Table::Readings.schema(),
        vec![
            Arc::new(Int32Array::from_iter_values(rows.clone().map(|i| (i / 700) as i32))),
            Arc::new(TimestampMicrosecondArray::from_iter_values(rows.clone()).with_timezone("UTC")),
            Arc::new(Float64Array::from_iter(rows.clone().map(|i| (i % 5 > 0).then_some((i % 90) as f64)))),
            Arc::new(StringArray::from_iter(rows.clone().map(text))),
            Arc::new(StringArray::from_iter_values(rows.clone().map(|_| "good"))),
            Arc::new(Int64Array::from_iter_values(rows.map(|i| i * i))),
        ],
    );
    let mut writer = RowGroupWriter::new(Vec::new(), Table::Readings).unwrap();
    writer.write(&batch.unwrap()).unwrap();
    writer.finish(|_| ()).unwrap().into()
}

fn footer(file: &Bytes) -> ArrowReaderMetadata {
    ArrowReaderMetadata::load(file, cache::footer_options(Table::Readings)).unwrap()
}

/// Returns the number of rows of a column, or why it cannot be read.
fn read(file: &Bytes, footer: &ArrowReaderMetadata, column: usize) -> std::result::Result<usize, String> {
    let mask = ProjectionMask::leaves(footer.parquet_schema(), [column]);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), footer.clone());
    let reader = builder.with_projection(mask).build().map_err(|e| e.to_string())?;
    reader.map(|batch| batch.map(|batch| batch.num_rows()).map_err(|e| e.to_string())).sum()
}

#[test]
fn an_inverted_byte_of_any_page_is_found() {
    let file = file();
    let footer = footer(&file);
    let group = footer.metadata().row_group(0);
    for column in 0..group.num_columns() {
        assert_eq!(read(&file, &footer, column), Ok(ROWS), "column {column}");
        let (start, length) = group.column(column).byte_range();
        let pages = footer.metadata().offset_index().unwrap()[0][column].page_locations();
        let mut ends: Vec<u64> =
            pages.iter().map(|p| (p.offset + i64::from(p.compressed_page_size)) as u64).collect();
        assert_eq!(ends.last(), Some(&(start + length)), "the last page of column {column} ends it");
        if pages[0].offset as u64 > start {
            ends.push(pages[0].offset as u64);
        }
        // The last byte of each page, including the dictionary, belongs to its body.
        for end in ends {
            let mut spoilt = file.to_vec();
            spoilt[end as usize - 1] ^= 0xff;
            let error = read(&spoilt.into(), &footer, column).unwrap_err();
            assert!(error.contains("checksum mismatch"), "column {column}: {error}");
        }
    }
}

proptest! {
    #[test]
    fn a_header_of_any_numbers_is_understood(
        kind in 0..4u8,
        sizes in (0..u32::MAX / 2, 0..u32::MAX / 2),
        next in 2..9u8,
        rest in prop::collection::vec(any::<u8>(), 0..40),
        body in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let number = |mut n: u32| {
            let mut bytes = vec![NEXT_I32];
            while n >= 0x80 {
                bytes.push(n as u8 | 0x80);
                n >>= 7;
            }
            bytes.push(n as u8);
            bytes
        };
        let head = [number(u32::from(kind) << 1), number(sizes.0 << 1), number(sizes.1 << 1)].concat();
        let header = [&head[..], &[next * FIELD_DELTA_STEP + 0xC], &rest].concat();
        let sum = crc32fast::hash(&body) as i32;
        let sum = number(((sum << 1) ^ (sum >> 31)) as u32);
        let expected = [&head[..], &sum, &[(next - 1) * FIELD_DELTA_STEP + 0xC], &rest].concat();
        prop_assert_eq!(header_with_checksum(&header, &body).unwrap(), expected);
    }

    #[test]
    fn other_bytes_are_refused(header in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(with) = header_with_checksum(&header, &[]) {
            prop_assert!(header.starts_with(&[NEXT_I32]) && with.len() > header.len());
        }
    }
}
