//! Sorted rows as Parquet: packed keys, dictionaries for values that repeat, statistics and page index on.

use std::io::Write;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, ArrowWriterOptions};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::checksums::Checksums;
use crate::store::table::Table;

pub const ROW_GROUP_ROWS: usize = 128 * 1024;
/// Texts of a row group, bytes as they are decoded: a batch that is read, whatever is in it, holds no more than this, and a
/// text more. What instruments and their messages say is far below it.
pub const ROW_GROUP_TEXT: usize = 16 << 20;
const PAGE_ROWS: usize = 8 * 1024;
/// Rows of a page of statistics: the minutes of a day. Written a stream at a time, a page holds those of one stream,
/// and a question about it decodes no others.
const STATISTICS_PAGE_ROWS: usize = 1440;
/// The columns of statistics whose values repeat. For the others packing by zstd saves next to nothing over their
/// encoding, and making its decoder costs more than decoding the rows of a day.
const PACKED: [&str; 5] = ["median", "min", "max", "q1", "q3"];
/// A dictionary of 16 k values: more than an instrument with two decimals shows in a row group, less than a signal of
/// full mantissa does. Past it a column chunk goes on in its fallback encoding.
const DICTIONARY_BYTES: usize = 128 << 10;

/// A writer of columns of a table, as `schema` has them. Column chunks are to be ended by `checksums`.
pub fn writer<W: Write + Send>(
    out: W,
    table: Table,
    schema: SchemaRef,
    checksums: Arc<Checksums>,
) -> parquet::errors::Result<(SerializedFileWriter<W>, ArrowRowGroupWriterFactory)> {
    let options = ArrowWriterOptions::new()
        .with_properties(properties(table))
        .with_page_store_factory(checksums)
        // Readers elsewhere need no hint of our in-memory types.
        .with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(out, schema, options)?.into_serialized_writer()
}

fn properties(table: Table) -> WriterProperties {
    let page_rows = if table == Table::Statistics { STATISTICS_PAGE_ROWS } else { PAGE_ROWS };
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a zstd level")))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(page_rows)
        .set_write_batch_size(if table == Table::Statistics { STATISTICS_PAGE_ROWS } else { 1024 })
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by(concat!("basalt ", env!("CARGO_PKG_VERSION")).to_owned());
    for (i, field) in table.schema().fields().iter().enumerate() {
        let column = ColumnPath::from(field.name().as_str());
        if table == Table::Statistics {
            if i > 2 {
                // Pages are chosen by the key, and there are many of them.
                builder = builder.set_column_statistics_enabled(column.clone(), EnabledStatistics::Chunk);
            }
            if !PACKED.contains(&field.name().as_str()) {
                builder = builder.set_column_compression(column.clone(), Compression::UNCOMPRESSED);
            }
        }
        builder = match field.data_type() {
            // A dictionary is of a whole row group: too much to decode for the few rows asked for at a time.
            DataType::Float64 if table == Table::Statistics => builder
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::BYTE_STREAM_SPLIT),
            // Values that repeat make a dictionary; full mantissas pack best with like bytes together.
            DataType::Float64 => builder
                .set_column_dictionary_page_size_limit(column.clone(), DICTIONARY_BYTES)
                .set_column_encoding(column, Encoding::BYTE_STREAM_SPLIT),
            DataType::Int32 | DataType::Int64 | DataType::Timestamp(..) => builder
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED),
            _ => builder,
        };
    }
    builder.build()
}
