//! Sorted rows as Parquet: encodings as measured (docs/benchmarks.md), statistics and page index on.

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::domain::{Error, Result};
use crate::store::memtable::run::Run;
use crate::store::schema;

const ROW_GROUP_ROWS: usize = 128 * 1024;
const PAGE_ROWS: usize = 8 * 1024;
/// How many values are looked at to tell repeating values from full-mantissa ones.
const SAMPLE: usize = 4096;

/// A sorted run as one Parquet file.
pub fn parquet(run: &Run) -> Result<Vec<u8>> {
    let options = ArrowWriterOptions::new()
        .with_properties(properties(run))
        // Readers elsewhere need no hint of our in-memory types.
        .with_skip_arrow_metadata(true);
    let written = write(run, options);
    written.map_err(|e| Error::internal("a Parquet file could not be encoded").because(e))
}

fn write(run: &Run, options: ArrowWriterOptions) -> parquet::errors::Result<Vec<u8>> {
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), schema::readings(), options)?;
    for start in (0..run.len()).step_by(ROW_GROUP_ROWS) {
        let rows = run.slice(start, ROW_GROUP_ROWS.min(run.len() - start));
        let batch: RecordBatch = schema::batch(&rows, &schema::ALL);
        writer.write(&batch)?;
    }
    writer.into_inner()
}

fn properties(run: &Run) -> WriterProperties {
    let column = |name: &str| ColumnPath::from(name);
    let packed = |builder: WriterPropertiesBuilder, name: &str| {
        builder
            .set_column_dictionary_enabled(column(name), false)
            .set_column_encoding(column(name), Encoding::DELTA_BINARY_PACKED)
    };
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a zstd level")))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(1024)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by(concat!("basalt ", env!("CARGO_PKG_VERSION")).to_owned());
    for name in ["stream_id", "ts", "seq"] {
        builder = packed(builder, name);
    }
    match value_encoding(run) {
        None => builder,
        Some(encoding) => builder
            .set_column_dictionary_enabled(column("value"), false)
            .set_column_encoding(column("value"), encoding),
    }
    .build()
}

/// `None` keeps the dictionary: values that repeat, as instruments with two decimals give.
fn value_encoding(run: &Run) -> Option<Encoding> {
    let step = (run.len() / SAMPLE).max(1);
    let mut sample: Vec<u64> = run.value.iter().step_by(step).map(|v| v.to_bits()).collect();
    // The low mantissa bits of a number with few decimals still look random; of one in f32 they are zero.
    let total = sample.len();
    sample.sort_unstable();
    sample.dedup();
    (sample.len() * 10 > total * 9).then_some(Encoding::BYTE_STREAM_SPLIT)
}
