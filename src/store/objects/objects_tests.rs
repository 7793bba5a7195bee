//! Tests of objects' files: whole or not there, in the directory and in a bucket.

use std::os::unix::fs::PermissionsExt;

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::multipart::MultipartStore;
use object_store::path::Path as Key;

use super::part_upload::PART_BYTES;
use super::*;

const ONE: Uuid = Uuid::from_u128(1);

/// A bucket in memory, with files that are received in `dir`.
fn with_bucket(dir: &Path) -> (Arc<InMemory>, ObjectFiles) {
    let store = Arc::new(InMemory::new());
    let bucket = ObjectBucket::new(store.clone(), PathBuf::from("/plant/uploads/")).unwrap();
    (store, ObjectFiles { dir: dir.to_owned(), bucket: Some(Arc::new(bucket)) })
}

fn write(files: &ObjectFiles, id: Uuid, bytes: &[u8]) {
    let mut upload = files.begin(id).unwrap();
    for piece in bytes.chunks(1 << 20) {
        upload.write(piece).unwrap();
    }
    upload.finish().unwrap();
}

async fn read(files: &ObjectFiles, id: Uuid, range: std::ops::Range<u64>) -> io::Result<Vec<u8>> {
    let pieces: Vec<_> = files.open(id)?.stream(range).await?.try_collect().await?;
    Ok(pieces.concat())
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_is_there_whole_or_not_at_all() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("objects");
    let files = ObjectFiles::new(dir.clone());
    assert_eq!(files.open(ONE).unwrap_err().kind(), ErrorKind::NotFound);
    let mut upload = files.begin(ONE).unwrap();
    upload.write(b"half").unwrap();
    drop(upload);
    assert!(names(&dir).is_empty());
    write(&files, ONE, b"whole");
    assert_eq!(read(&files, ONE, 0..5).await.unwrap(), b"whole");
    assert_eq!(read(&files, ONE, 1..3).await.unwrap(), b"ho");
    let mode = fs::metadata(dir.join(ONE.to_string())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn only_files_of_unknown_objects_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let files = ObjectFiles::new(dir.path().to_owned());
    assert_eq!(ObjectFiles::new(dir.path().join("none")).retain(|_| false).unwrap(), 0);
    let multipart = format!("{}.multipart", Uuid::from_u128(4));
    for name in [
        ONE.to_string(),
        Uuid::from_u128(2).to_string(),
        format!("{}.part", Uuid::from_u128(3)),
        multipart.clone(),
        "notes.txt".to_owned(),
    ] {
        fs::write(dir.path().join(name), "x").unwrap();
    }
    assert_eq!(files.retain(|id| id == ONE).unwrap(), 2);
    assert_eq!(names(dir.path()), [ONE.to_string(), multipart, "notes.txt".to_owned()]);
    for _ in 0..2 {
        files.remove(ONE).unwrap();
        assert!(files.open(ONE).is_err());
    }
}

#[tokio::test]
async fn a_bucket_has_what_is_whole_and_the_directory_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, files) = with_bucket(dir.path());
    let large: Vec<u8> = (0..PART_BYTES * 2 + 5).map(|at| (at / 251) as u8).collect();
    for (name, bytes) in [("small", &large[..5]), ("one_part", &large[..PART_BYTES]), ("parts", &large[..])] {
        let mut begun = files.begin(ONE).unwrap();
        begun.write(&bytes[..2]).unwrap();
        drop(begun);
        assert!(read(&files, ONE, 0..1).await.is_err(), "{name}: half of it");
        write(&files, ONE, bytes);
        assert!(names(dir.path()).is_empty(), "{name}");
        let size = bytes.len() as u64;
        assert!(read(&files, ONE, 0..size).await.unwrap() == bytes, "{name}");
        assert_eq!(read(&files, ONE, 1..3).await.unwrap(), bytes[1..3], "{name}");
        assert!(read(&files, ONE, 0..size + 1).await.is_err(), "{name}: past its end");
        assert_eq!(files.bucket().unwrap().ids().unwrap(), [ONE], "{name}");
        let kept = store.head(&Key::from(format!("plant/uploads/{ONE}"))).await.unwrap();
        assert_eq!(kept.size, size, "{name}");
        files.remove(ONE).unwrap();
        files.remove(ONE).unwrap();
        assert!(read(&files, ONE, 0..1).await.is_err(), "{name}: removed");
    }
}

#[tokio::test]
async fn only_unknown_objects_are_removed_of_a_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let (store, files) = with_bucket(dir.path());
    let two = Uuid::from_u128(2);
    write(&files, ONE, b"1");
    write(&files, two, b"2");
    let foreign = [
        Key::from("plant/uploads/notes.txt"),
        Key::from(format!("plant/uploads/below/{two}")),
        Key::from(format!("plant/{two}")),
    ];
    for key in &foreign {
        store.put(key, "x".into()).await.unwrap();
    }
    assert_eq!(files.retain(|id| id == ONE).unwrap(), 1);
    assert_eq!(files.bucket().unwrap().ids().unwrap(), [ONE]);
    for key in &foreign {
        assert!(store.head(key).await.is_ok(), "{key}");
    }
}

#[tokio::test]
async fn what_a_crash_leaves_of_an_upload_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, files) = with_bucket(dir.path());
    let key = Key::from(format!("plant/uploads/{ONE}"));
    let record = dir.path().join(format!("{ONE}.multipart"));
    for is_sent_again in [true, false] {
        let id = store.create_multipart(&key).await.unwrap();
        store.put_part(&key, &id, 0, "x".into()).await.unwrap();
        fs::write(&record, &id).unwrap();
        match is_sent_again {
            true => write(&files, ONE, b"again"),
            false => assert_eq!(files.retain(|_| false).unwrap(), 2, "the record, and what was sent again"),
        }
        assert!(!record.exists());
        assert!(store.complete_multipart(&key, &id, vec![]).await.is_err(), "its parts are gone");
    }
    fs::write(&record, "").unwrap();
    files.retain(|_| false).unwrap();
    assert!(!record.exists(), "a record without an id");
}

#[tokio::test]
async fn a_file_of_the_directory_counts_until_it_is_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let (_, files) = with_bucket(dir.path());
    fs::write(dir.path().join(ONE.to_string()), "old").unwrap();
    assert_eq!(read(&files, ONE, 0..3).await.unwrap(), b"old");
    write(&files, ONE, b"new");
    assert_eq!(read(&files, ONE, 0..3).await.unwrap(), b"new");
    assert!(names(dir.path()).is_empty());
}
