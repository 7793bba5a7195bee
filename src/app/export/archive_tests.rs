//! Tests of ZIP files: read back with another reader's rules, whole or not at all.

use std::sync::Arc;

use arrow::array::Int64Array;
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rawzip::ZipArchive;
use uuid::Uuid;

use super::*;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

fn manifest() -> Manifest {
    Manifest {
        export_id: Uuid::nil(),
        scope_type: "DEVICE".to_owned(),
        scope_id: Uuid::nil(),
        from: "2024-01-01T00:00:00Z".to_owned(),
        to: "2024-02-01T00:00:00Z".to_owned(),
        includes: vec!["READINGS".to_owned()],
        reading_count: 5,
        annotation_count: 0,
        created_at: "2024-01-01T00:00:00Z".to_owned(),
        files: Vec::new(),
    }
}

fn rows(numbers: &[i64]) -> ArchivePart {
    let numbers = Arc::new(Int64Array::from(numbers.to_vec()));
    ArchivePart::Rows(RecordBatch::try_new(schema(), vec![numbers]).unwrap())
}

fn written(parts: Vec<ArchivePart>) -> Result<Vec<u8>> {
    let (sender, mut receiver) = mpsc::channel(parts.len().max(1));
    for part in parts {
        assert!(sender.try_send(part).is_ok());
    }
    drop(sender);
    write(Vec::new(), &mut receiver)
}

/// The names and bytes of the stored files.
fn files(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let zip = ZipArchive::from_slice(archive).unwrap();
    let mut found = Vec::new();
    let mut entries = zip.entries();
    while let Some(entry) = entries.next_entry().unwrap() {
        assert_eq!(entry.compression_method(), CompressionMethod::STORE);
        let path = entry.file_path();
        let name: &[u8] = path.as_ref();
        let name = String::from_utf8(name.to_vec()).unwrap();
        let data = zip.get_entry(entry.wayfinder()).unwrap();
        found.push((name, data.data().to_vec()));
    }
    found
}

#[test]
fn a_file_has_its_tables_and_their_hashes() {
    let table = |name| ArchivePart::Table { name, schema: schema() };
    let parts = vec![
        table("readings.parquet"),
        rows(&[1, 2]),
        rows(&[3, 4, 5]),
        ArchivePart::End,
        table("annotations.parquet"),
        ArchivePart::End,
        ArchivePart::Manifest(manifest()),
    ];
    let found = files(&written(parts).unwrap());
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["readings.parquet", "annotations.parquet", "manifest.json"]);
    let stored_manifest: Manifest = serde_json::from_slice(&found[2].1).unwrap();
    let hashes: Vec<_> = found[..2]
        .iter()
        .map(|(name, bytes)| ManifestFile { name: name.clone(), sha256: hex::encode(Sha256::digest(bytes)) })
        .collect();
    assert_eq!(stored_manifest, Manifest { files: hashes, ..manifest() });
    for ((_, bytes), expected) in found.iter().zip([5, 0]) {
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes.clone())).unwrap();
        let rows: usize = reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows, expected);
    }
}

#[test]
fn parts_that_end_early_are_no_file() {
    let table = || ArchivePart::Table { name: "readings.parquet", schema: schema() };
    let rows_of_parts = [
        ("nothing", vec![]),
        ("in_a_table", vec![table(), rows(&[1])]),
        ("after_a_table", vec![table(), rows(&[1]), ArchivePart::End]),
        ("rows_of_no_table", vec![rows(&[1]), ArchivePart::Manifest(manifest())]),
        ("a_table_in_a_table", vec![table(), table(), ArchivePart::End]),
    ];
    for (name, parts) in rows_of_parts {
        assert!(written(parts).is_err(), "{name}");
    }
}
