//! Parquet writer properties of the lake: compression, row group size, encodings for keys, dictionaries for repeated values, statistics and page index enabled.

use std::io::Write;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, ArrowWriterOptions};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::page_checksums::PageChecksums;
use crate::store::table::Table;

/// Maximum rows of a row group. Scans divide only files with more rows.
pub const MAX_ROW_GROUP_ROWS: usize = 128 * 1024;
/// Maximum decoded bytes of text in a row group. Any batch read holds at most this and one text more. Instruments and
/// their messages stay far below it.
pub const MAX_ROW_GROUP_TEXT_BYTES: usize = 16 << 20;
const MAX_PAGE_ROWS: usize = 8 * 1024;
/// Rows per page of statistics: the minutes of a day. Rows are written by stream, so a page holds one stream and a
/// query of it decodes no others.
const STATISTICS_PAGE_ROWS: usize = 1440;
/// Rows per page of hourly statistics: the hours that ten streams have on a day. A page for each stream would take more
/// for its header than for its rows.
const HOURLY_PAGE_ROWS: usize = 240;
/// Columns of statistics with repeated values. For the others zstd saves almost nothing over their encoding, and
/// creating its decoder costs more than decoding the rows of a day.
const COMPRESSED_STATISTICS: [&str; 5] = ["median", "min", "max", "q1", "q3"];
/// Dictionary limit, room for 16 k values: more than an instrument with two decimals produces in a row group, fewer
/// than a signal with full mantissa does. Past it a column chunk continues in its fallback encoding.
const MAX_DICTIONARY_BYTES: usize = 128 << 10;

/// Dictionary limit of the streams of readings, room for 4,096 of them. Rows are written by stream, so that a page of a
/// dictionary is some runs; past the limit a column chunk continues as differences.
const MAX_STREAM_DICTIONARY_BYTES: usize = 16 << 10;

/// How often the values of readings repeat in a row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueEncoding {
    /// Often enough for a dictionary.
    Repeated,
    /// Hardly.
    Distinct,
}

/// Creates a writer of a table's columns in the order of `schema`. `checksums` must close the column chunks.
pub fn new_writer<W: Write + Send>(
    out: W,
    table: Table,
    values: ValueEncoding,
    schema: SchemaRef,
    checksums: Arc<PageChecksums>,
) -> parquet::errors::Result<(SerializedFileWriter<W>, ArrowRowGroupWriterFactory)> {
    let options = ArrowWriterOptions::new()
        .with_properties(properties(table, values))
        .with_page_store_factory(checksums)
        // Other readers need no hint of our in-memory types.
        .with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(out, schema, options)?.into_serialized_writer()
}

fn properties(table: Table, values: ValueEncoding) -> WriterProperties {
    let (page_rows, batch_rows) = match table {
        Table::Statistics => (STATISTICS_PAGE_ROWS, STATISTICS_PAGE_ROWS),
        Table::HourlyStatistics => (HOURLY_PAGE_ROWS, HOURLY_PAGE_ROWS),
        Table::Readings | Table::Messages => (MAX_PAGE_ROWS, 1024),
    };
    let is_statistics = matches!(table, Table::Statistics | Table::HourlyStatistics);
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a zstd level")))
        .set_max_row_group_row_count(Some(MAX_ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(page_rows)
        .set_write_batch_size(batch_rows)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by(concat!("basalt ", env!("CARGO_PKG_VERSION")).to_owned());
    for (i, field) in table.schema().fields().iter().enumerate() {
        let column = ColumnPath::from(field.name().as_str());
        if is_statistics {
            if i > 2 {
                // Page statistics are only needed for the key, by which pages are selected, and there are many pages.
                builder = builder.set_column_statistics_enabled(column.clone(), EnabledStatistics::Chunk);
            }
            // A table of hours is a sixtieth of its windows: nothing is saved there.
            if table == Table::HourlyStatistics || !COMPRESSED_STATISTICS.contains(&field.name().as_str()) {
                builder = builder.set_column_compression(column.clone(), Compression::UNCOMPRESSED);
            }
        }
        builder = match field.data_type() {
            // Runs need no compression, whose decoder costs more than reading them.
            DataType::Int32 if table == Table::Readings => builder
                .set_column_dictionary_enabled(column.clone(), true)
                .set_column_dictionary_page_size_limit(column.clone(), MAX_STREAM_DICTIONARY_BYTES)
                .set_column_compression(column.clone(), Compression::UNCOMPRESSED)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED),
            // A dictionary covers a whole row group: too much to decode for the few rows of a typical query.
            DataType::Float64 if is_statistics => builder
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::BYTE_STREAM_SPLIT),
            // Repeated values get a dictionary; full mantissas compress best with byte-stream splitting.
            DataType::Float64 => builder
                .set_column_dictionary_enabled(column.clone(), values == ValueEncoding::Repeated)
                .set_column_dictionary_page_size_limit(column.clone(), MAX_DICTIONARY_BYTES)
                .set_column_encoding(column, Encoding::BYTE_STREAM_SPLIT),
            DataType::Int32 | DataType::Int64 | DataType::Timestamp(..) => builder
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED),
            _ => builder,
        };
    }
    builder.build()
}
