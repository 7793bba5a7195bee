//! Tests with forged Parquet files, one for each declaration that the reader would trust, and with files of regular
//! writers.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use proptest::prelude::*;

use super::*;
use crate::app::ingest::catch_decoder_panic;
use crate::domain::Kind;

/// A writer of the compact protocol that writes any declared value.
#[derive(Default, Clone)]
struct Thrift(Vec<u8>);

impl Thrift {
    fn varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn field(mut self, delta: u8, wire: u8) -> Self {
        self.0.push(delta << 4 | wire);
        self
    }

    fn int(self, delta: u8, wire: u8, value: i64) -> Self {
        self.field(delta, wire).varint(((value << 1) ^ (value >> 63)) as u64)
    }

    fn i32(self, delta: u8, value: i64) -> Self {
        self.int(delta, 5, value)
    }

    fn i64(self, delta: u8, value: i64) -> Self {
        self.int(delta, 6, value)
    }

    fn text(self, delta: u8, text: &str) -> Self {
        let mut with = self.field(delta, 8).varint(text.len() as u64);
        with.0.extend(text.as_bytes());
        with
    }

    /// Writes a list of structures with a declared length.
    fn list(self, delta: u8, declared_length: u64, items: &[Thrift]) -> Self {
        let mut with = self.field(delta, 9);
        with.0.push(15 << 4 | 12);
        let mut with = with.varint(declared_length);
        items.iter().for_each(|item| with.0.extend(&item.0));
        with
    }

    fn inner(self, delta: u8, inner: Thrift) -> Self {
        let mut with = self.field(delta, 12);
        with.0.extend(inner.0);
        with
    }

    fn stop(mut self) -> Self {
        self.0.push(0);
        self
    }
}

/// A file with one column `value` and one value; each field can be forged.
#[derive(Clone)]
struct Fake {
    groups_above: usize,
    children: i64,
    groups_said: u64,
    elements_said: u64,
    version_wire: u8,
    offset: i64,
    length: Option<i64>,
    codec: i64,
    page_kind: i64,
    uncompressed: i64,
    compressed: Option<i64>,
    values: i64,
    levels: [i64; 2],
    encoding: i64,
    content: Vec<u8>,
    dictionary: Option<i64>,
    footer_length: Option<u32>,
    arrow_schema: Option<Vec<u8>>,
    unknown: Option<Vec<u8>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            groups_above: 0,
            children: 1,
            groups_said: 1,
            elements_said: 0,
            version_wire: 5,
            offset: 4,
            length: None,
            codec: 0,
            page_kind: 0,
            uncompressed: 8,
            compressed: None,
            values: 1,
            levels: [0, 0],
            encoding: 0,
            content: 1.5_f64.to_le_bytes().to_vec(),
            dictionary: None,
            footer_length: None,
            arrow_schema: None,
            unknown: None,
        }
    }
}

impl Fake {
    fn page(&self) -> Vec<u8> {
        let compressed = self.compressed.unwrap_or(self.content.len() as i64);
        let head = Thrift::default().i32(1, self.page_kind).i32(1, self.uncompressed).i32(1, compressed);
        let head = match self.page_kind {
            2 => head.inner(4, Thrift::default().i32(1, self.values).i32(1, 0).stop()),
            3 => {
                let page = Thrift::default().i32(1, self.values).i32(1, 0).i32(1, self.values);
                let page = page.i32(1, self.encoding).i32(1, self.levels[0]).i32(1, self.levels[1]);
                head.inner(5, page.stop())
            }
            _ => {
                let page = Thrift::default().i32(1, self.values).i32(1, self.encoding);
                head.inner(2, page.i32(1, 3).i32(1, 3).stop())
            }
        };
        let mut page = head.stop().0;
        page.extend(&self.content);
        page
    }

    fn bytes(&self) -> Vec<u8> {
        let page = self.page();
        let mut schema = vec![Thrift::default().text(4, "schema").i32(1, self.children).stop()];
        for _ in 0..self.groups_above {
            schema.push(Thrift::default().i32(3, 0).text(1, "g").i32(1, 1).stop());
        }
        schema.push(Thrift::default().i32(1, 5).i32(2, 0).text(1, "value").stop());
        let length = self.length.unwrap_or(page.len() as i64);
        let mut chunk = Thrift::default().i32(1, 5).field(1, 9);
        // One encoding, PLAIN; and a path of one name.
        chunk.0.extend([0x15, 0, 0x19, 0x18, 5]);
        chunk.0.extend(b"value");
        let mut chunk = chunk.i32(1, self.codec).i64(1, 1).i64(1, length).i64(1, length).i64(2, self.offset);
        if let Some(dictionary) = self.dictionary {
            chunk = chunk.i64(2, dictionary);
        }
        let chunk = Thrift::default().i64(2, 4).inner(1, chunk.stop()).stop();
        let group = Thrift::default().list(1, 1, &[chunk]).i64(1, 8).i64(1, 1).stop();
        let elements = if self.elements_said == 0 { schema.len() as u64 } else { self.elements_said };
        let mut footer = Thrift::default().int(1, self.version_wire, 1).list(1, elements, &schema).i64(1, 1);
        footer = footer.list(1, self.groups_said, &[group]);
        if let Some(schema) = &self.arrow_schema {
            let pair = Thrift::default().text(1, "ARROW:schema").text(1, &STANDARD.encode(schema)).stop();
            footer = footer.list(1, 1, &[pair]);
        }
        if let Some(unknown) = &self.unknown {
            footer.0.extend(unknown);
        }
        let footer = footer.stop().0;
        let declared_length = self.footer_length.unwrap_or(footer.len() as u32);
        [b"PAR1", &page[..], &footer, &declared_length.to_le_bytes(), b"PAR1"].concat()
    }

    fn outcome(&self) -> Option<Kind> {
        check(self.bytes().into()).err().map(|e| e.kind)
    }
}

#[test]
fn a_file_that_lies_nowhere_is_read() {
    let file = check(Fake::default().bytes().into()).expect("it is as it says");
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file.body, file.metadata);
    let batch = reader.build().unwrap().next().unwrap().unwrap();
    assert_eq!(batch.column(0).as_ref(), &Float64Array::from(vec![1.5]));
}

#[test]
fn lies_are_found_before_they_are_believed() {
    let honest = Fake::default;
    let most = i64::from(i32::MAX);
    let gzip = {
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        bomb.write_all(&vec![0; 1 << 20]).unwrap();
        bomb.finish().unwrap()
    };
    let shared = crate::app::ingest::arrow_check::tests::shared_columns();
    // Field 15: a list of lists of booleans without bytes, and one of nested structures.
    let booleans = [&[0xf9_u8, 0x19, 0xf1][..], &[0xff, 0xff, 0xff, 0xff, 7]].concat();
    let deep = [&[0xfc_u8][..], &[0x1c; 400]].concat();
    let rows: Vec<(&str, Fake, Kind)> = vec![
        ("a_schema_of_1000_levels", Fake { groups_above: 1000, ..honest() }, Kind::Invalid),
        ("a_schema_of_20_levels", Fake { groups_above: 20, ..honest() }, Kind::Invalid),
        ("a_group_of_2_31_columns", Fake { children: most, ..honest() }, Kind::Invalid),
        ("a_group_of_fewer_than_none", Fake { children: -1, ..honest() }, Kind::Invalid),
        ("a_group_that_is_not_whole", Fake { children: 3, ..honest() }, Kind::Invalid),
        ("row_groups_without_end", Fake { groups_said: most as u64, ..honest() }, Kind::Invalid),
        ("row_groups_more_than_bytes", Fake { groups_said: 60_000, ..honest() }, Kind::Invalid),
        ("elements_without_end", Fake { elements_said: u64::MAX, ..honest() }, Kind::Invalid),
        ("a_field_of_another_type", Fake { version_wire: 6, ..honest() }, Kind::Invalid),
        ("a_footer_longer_than_the_file", Fake { footer_length: Some(1 << 20), ..honest() }, Kind::Invalid),
        ("a_footer_of_4_gib", Fake { footer_length: Some(u32::MAX), ..honest() }, Kind::Invalid),
        ("a_column_before_the_file", Fake { offset: -1, ..honest() }, Kind::Invalid),
        ("a_column_behind_the_file", Fake { offset: 1 << 40, ..honest() }, Kind::Invalid),
        ("a_column_of_no_length", Fake { length: Some(-1), ..honest() }, Kind::Invalid),
        ("a_column_past_the_end", Fake { length: Some(1 << 40), ..honest() }, Kind::Invalid),
        ("a_dictionary_before_the_file", Fake { dictionary: Some(-5), ..honest() }, Kind::Invalid),
        ("a_page_of_2_gib", Fake { uncompressed: most, codec: 6, ..honest() }, Kind::TooLarge),
        ("a_plain_page_of_2_gib", Fake { uncompressed: most, ..honest() }, Kind::TooLarge),
        ("a_page_of_negative_length", Fake { uncompressed: -1, ..honest() }, Kind::Invalid),
        ("a_page_longer_than_its_column", Fake { compressed: Some(1 << 20), ..honest() }, Kind::Invalid),
        ("a_page_of_2_31_values", Fake { values: most, ..honest() }, Kind::Invalid),
        ("a_page_of_fewer_than_none", Fake { values: -1, ..honest() }, Kind::Invalid),
        ("a_dictionary_of_2_31_values", Fake { page_kind: 2, values: most, ..honest() }, Kind::Invalid),
        ("a_dictionary_of_9_values_in_8_bytes", Fake { page_kind: 2, values: 9, ..honest() }, Kind::Invalid),
        ("levels_longer_than_the_page", Fake { page_kind: 3, levels: [5, 5], ..honest() }, Kind::Invalid),
        ("levels_that_overflow", Fake { page_kind: 3, levels: [most, most], ..honest() }, Kind::Invalid),
        ("levels_of_negative_length", Fake { page_kind: 3, levels: [9, -9], ..honest() }, Kind::Invalid),
        ("a_page_of_no_type", Fake { page_kind: 9, ..honest() }, Kind::Invalid),
        ("texts_that_repeat_each_other", Fake { encoding: 7, ..honest() }, Kind::Invalid),
        ("a_gzip_bomb", Fake { codec: 2, content: gzip, ..honest() }, Kind::Invalid),
        ("brotli", Fake { codec: 4, ..honest() }, Kind::Invalid),
        ("lz4_of_hadoop", Fake { codec: 5, ..honest() }, Kind::Invalid),
        ("an_arrow_schema_of_shared_columns", Fake { arrow_schema: Some(shared), ..honest() }, Kind::Invalid),
        ("booleans_without_end", Fake { unknown: Some(booleans), ..honest() }, Kind::Invalid),
        ("structures_without_end", Fake { unknown: Some(deep), ..honest() }, Kind::Invalid),
    ];
    for (name, file, expected) in rows {
        assert_eq!(file.outcome(), Some(expected), "{name}");
    }
}

/// Pages that store the number of their texts inside, in a column with a known name.
#[test]
fn lengths_inside_of_pages_are_looked_at() {
    let texts: Vec<_> = (0..5000).map(|i| format!("text {i}")).collect();
    let batch =
        RecordBatch::try_from_iter([("text", Arc::new(StringArray::from(texts)) as ArrayRef)]).unwrap();
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        let properties = WriterProperties::builder()
            .set_writer_version(version)
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::DELTA_LENGTH_BYTE_ARRAY);
        let bytes = written(&batch, properties.build());
        assert_eq!(check(bytes.clone().into()).err().map(|e| e.message), None, "{version:?}");
        // Blocks of 128 in 4 miniblocks, 5000 values (0x1388): the count becomes 2^34.
        let head = [0x80, 0x01, 0x04, 0x88, 0x27];
        let at = bytes.windows(5).position(|window| window == head).expect("it is not compressed");
        let mut lying = bytes.clone();
        lying[at + 3..at + 8].copy_from_slice(&[0x80, 0x80, 0x80, 0x80, 0x40]);
        assert_eq!(check(lying.into()).err().map(|e| e.kind), Some(Kind::Invalid), "{version:?}");
    }
}

fn written(batch: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn rows(count: i64) -> RecordBatch {
    let ids = Int32Array::from_iter_values((0..count).map(|i| (i % 7) as i32));
    let times =
        TimestampMicrosecondArray::from_iter_values((0..count).map(|i| i * 1000)).with_timezone("UTC");
    let values = Float64Array::from_iter((0..count).map(|i| (i % 3 > 0).then_some(i as f64)));
    let texts = StringArray::from_iter((0..count).map(|i| (i % 5 > 0).then(|| format!("text {}", i % 50))));
    let columns: [(&str, ArrayRef); 4] = [
        ("stream_id", Arc::new(ids)),
        ("ts", Arc::new(times)),
        ("value", Arc::new(values)),
        ("text", Arc::new(texts)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

static HONEST: LazyLock<Vec<Vec<u8>>> = LazyLock::new(honest);

/// Returns files of regular writers: every supported compression and encoding, both page versions.
fn honest() -> Vec<Vec<u8>> {
    let batch = rows(3000);
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
    ];
    let mut files = Vec::new();
    for codec in codecs {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = WriterProperties::builder()
                .set_compression(codec)
                .set_writer_version(version)
                .set_statistics_enabled(EnabledStatistics::Page)
                .set_data_page_row_count_limit(500)
                .set_max_row_group_row_count(Some(1000))
                .set_column_encoding(ColumnPath::from("text"), Encoding::DELTA_LENGTH_BYTE_ARRAY)
                .set_column_dictionary_enabled(ColumnPath::from("text"), codec == Compression::SNAPPY);
            files.push(written(&batch, properties.build()));
        }
    }
    files
}

/// Reads a file as /ingest does; returns the number of rows or the error.
fn read(bytes: Vec<u8>) -> Result<usize> {
    let file = catch_decoder_panic(|| check(Bytes::from(bytes)))?;
    catch_decoder_panic(|| {
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file.body, file.metadata);
        let reader = reader.with_batch_size(1024).build();
        let reader = reader.map_err(|e| Error::invalid(e.to_string()))?;
        let mut rows = 0;
        for batch in reader {
            rows += batch.map_err(|e| Error::invalid(e.to_string()))?.num_rows();
            size::check(rows * size::ROW_BYTES)?;
        }
        Ok(rows)
    })
}

#[test]
fn honest_files_pass() {
    for (i, file) in honest().into_iter().enumerate() {
        let checked = check(file.clone().into()).unwrap_or_else(|e| panic!("file {i}: {}", e.full_message()));
        assert!((1000..10_000_000).contains(&checked.bytes), "file {i}: {}", checked.bytes);
        assert_eq!(read(file).unwrap(), 3000, "file {i}");
    }
    let brotli = WriterProperties::builder().set_compression(Compression::BROTLI(BrotliLevel::default()));
    let refused = check(written(&rows(10), brotli.build()).into()).err().unwrap();
    assert!(refused.message.contains("BROTLI"), "{}", refused.message);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever bytes are changed, the file is read or refused: no panic escapes, and nothing is allocated that the
    /// file only declares (the test would end at the first terabyte).
    #[test]
    fn no_change_of_a_file_does_more_than_refuse_it(
        file in 0_usize..10,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        in_footer in any::<bool>(),
    ) {
        let mut bytes = HONEST[file].clone();
        let footer = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize + 8;
        let from = if in_footer { bytes.len() - footer } else { 0 };
        for (at, byte) in changes {
            let at = from + at.index(bytes.len() - from);
            bytes[at] = byte;
        }
        let rows = read(bytes).unwrap_or_default();
        prop_assert!(rows <= 256 << 20);
    }
}
