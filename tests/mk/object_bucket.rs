//! Uploads, firmware and recordings in a bucket: what is checked before, what is fetched, and what a crash, a backup and a
//! bucket that goes away leave.

use std::path::PathBuf;
use std::sync::Arc;

use ring::hmac;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::configuration::{declare, put, target};
use super::media_support::{LIMIT, Media, fetch as fetch_url};
use super::{NO_RATE, Platform, firmware, id};
use crate::support::{DataDir, ObjectStore, rows, until};

/// Larger than one part of an upload to the bucket, bytes.
const LARGE: usize = 9 << 20;
/// Before the time of any server here, and after it: links by these dates are expired, or not.
const LONG_AGO: &str = "20200101T000000Z";
const FAR_AHEAD: &str = "20990101T000000Z";

async fn start(store: &ObjectStore) -> Platform {
    let mut env = store.env().to_vec();
    env.extend([NO_RATE, ("BASALT_OBJECTS_URL", "s3://plant/uploads")]);
    Platform::start_with(&env).await
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 251) as u8).collect()
}

/// The directory in which uploads are received.
fn directory(platform: &Platform) -> PathBuf {
    platform.server.data_dir.path().join("objects")
}

/// How many files it has.
fn files(platform: &Platform) -> usize {
    std::fs::read_dir(directory(platform)).map_or(0, Iterator::count)
}

/// A link of this installation to an object, from a date on for a quarter of an hour.
fn signed(platform: &Platform, method: &str, path: &str, date: &str) -> String {
    let secret = std::fs::read_to_string(platform.server.data_dir.path().join("objects.key")).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &hex::decode(secret.trim()).unwrap());
    let signature = hex::encode(hmac::sign(&key, format!("{method}\n{path}\n{date}\n900").as_bytes()));
    format!("{path}?X-Amz-Date={date}&X-Amz-Expires=900&X-Amz-Signature={signature}")
}

/// Fetches a link with a range, or without one: status, `Content-Range` and bytes.
async fn fetch(platform: &Platform, link: &str, range: Option<&str>) -> (u16, Value, Vec<u8>) {
    let headers: Vec<_> = range.map(|range| ("range", range)).into_iter().collect();
    let answer = platform.client.without_key().send_bytes("GET", link, &headers, "").await;
    let (status, headers, bytes) = answer.into_parts();
    let part = headers.get("content-range").map(|value| value.to_str().unwrap().to_owned());
    (status, json!(part), bytes)
}

#[tokio::test]
async fn uploads_are_checked_before_they_are_in_the_bucket() {
    let store = ObjectStore::start().await;
    let mut platform = start(&store).await;
    let bytes = content(LARGE);
    let link = target(&declare(&platform.admin, &bytes).await["uploadUrl"]);
    let path = link.split('?').next().unwrap();
    let mut other = bytes.clone();
    other[LARGE / 2] ^= 1;
    let longer = [&bytes[..], b"x"].concat();
    for (name, sent) in [("short", &bytes[1..]), ("long", &longer[..]), ("other", &other[..])] {
        assert_eq!(put(&platform, &link, sent).await, 400, "{name}");
    }
    // A small one: it is refused before it is read.
    let small = target(&declare(&platform.admin, b"small").await["uploadUrl"]);
    let expired = signed(&platform, "PUT", small.split('?').next().unwrap(), LONG_AGO);
    assert_eq!(put(&platform, &expired, b"small").await, 403, "expired");
    assert_eq!((store.objects("").await.len(), files(&platform)), (0, 0), "nothing of them is left");

    assert_eq!(put(&platform, &link, &bytes).await, 200);
    assert_eq!(put(&platform, &link, &bytes).await, 200, "a repeat");
    assert_eq!(put(&platform, &link, &other).await, 400, "other bytes");
    let name = path.rsplit('/').next().unwrap();
    assert_eq!(store.objects("").await, [format!("uploads/{name}")]);
    assert_eq!(files(&platform), 0, "it is in the bucket alone");

    let rows = rows![
        None, 200, Value::Null, 0..LARGE;
        Some("bytes=0-0"), 206, json!(format!("bytes 0-0/{LARGE}")), 0..1;
        Some("bytes=262000-8388700"), 206, json!(format!("bytes 262000-8388700/{LARGE}")), 262_000..8_388_701;
        Some("bytes=-3"), 206, json!(format!("bytes {}-{}/{LARGE}", LARGE - 3, LARGE - 1)), LARGE - 3..LARGE;
    ];
    let link = signed(&platform, "GET", path, FAR_AHEAD);
    for (range, status, part, expected) in rows {
        let (found, headers, received) = fetch(&platform, &link, range).await;
        assert_eq!((found, headers), (status, part), "{range:?}");
        assert!(received == bytes[expected], "{range:?}: {} bytes", received.len());
    }
    assert_eq!(fetch(&platform, &link, Some(&format!("bytes={LARGE}-"))).await.0, 416);
    let expired = signed(&platform, "GET", path, LONG_AGO);
    assert_eq!(fetch(&platform, &expired, None).await.0, 403);
    platform.server.crash().await;
    assert_eq!(fetch(&platform, &link, Some("bytes=5-6")).await.2, bytes[5..7], "after a crash");
}

#[tokio::test]
async fn an_upload_that_a_crash_interrupts_is_sent_again() {
    let store = ObjectStore::start().await;
    let mut platform = start(&store).await;
    let bytes = content(LARGE);
    let link = target(&declare(&platform.admin, &bytes).await["uploadUrl"]);
    let path = link.split('?').next().unwrap();
    let name = path.rsplit('/').next().unwrap();
    let address = platform.client.address().to_owned();
    let mut socket = TcpStream::connect(&address).await.unwrap();
    let head = format!("PUT {link} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {LARGE}\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&bytes[..LARGE / 2]).await.unwrap();
    let received = directory(&platform).join(format!("{name}.part"));
    let has_half = || std::fs::metadata(&received).is_ok_and(|file| file.len() == (LARGE / 2) as u64);
    until!("half of it has come", LIMIT; has_half());
    platform.server.crash().await;
    assert_eq!(store.objects("").await.len(), 0, "half of an object is none");
    // A crash while it was sent to the bucket leaves parts there, and their id in the directory.
    let begun = store.begin_parts(&format!("uploads/{name}")).await;
    std::fs::write(received.with_extension("multipart"), begun).unwrap();
    let fetched = signed(&platform, "GET", path, FAR_AHEAD);
    assert_eq!(fetch(&platform, &fetched, None).await.0, 404);
    assert_eq!(put(&platform, &link, &bytes).await, 200);
    assert!(fetch(&platform, &fetched, None).await.2 == bytes);
    assert_eq!((store.objects("").await.len(), files(&platform)), (1, 0));
    assert_eq!(store.unfinished().await, 0, "the parts of the first attempt are gone");
}

#[tokio::test]
async fn firmware_in_a_bucket_is_in_backups_and_goes_with_its_row() {
    let store = ObjectStore::start().await;
    let platform = start(&store).await;
    let bytes = content(1000);
    let row = firmware::stored(&platform.admin, "1.0.0", &bytes).await;
    let device = platform.admin.make("devices", json!({"name": "d"})).await;
    let objects = store.objects("").await;
    assert_eq!((objects.len(), files(&platform)), (1, 0), "{objects:?}");
    let link = firmware::address(&platform.admin, &row, &device).await;
    let (status, part, received) = fetch(&platform, &link, Some("bytes=900-")).await;
    assert_eq!((status, part), (206, json!("bytes 900-999/1000")));
    assert_eq!(received, bytes[900..]);

    let out = DataDir::new();
    let backup = out.path().join("backup").display().to_string();
    platform.server.basalt(&["backup", &backup]).await.expect_success();
    let name = objects[0].rsplit('/').next().unwrap();
    assert_eq!(std::fs::read(out.path().join("backup/objects").join(name)).unwrap(), bytes);
    let home = DataDir::new();
    home.basalt(&["restore", &backup]).await.expect_success();
    let restored = Platform::start_in(Arc::new(home), &[NO_RATE]).await;
    let link = firmware::address(&restored.admin, &row, &device).await;
    assert_eq!(fetch(&restored, &link, None).await.2, bytes, "from the directory, without the bucket");

    let one = format!("/api/v1/firmware/{}", id(&row));
    assert_eq!(platform.admin.status("DELETE", &one, &Value::Null).await, 204);
    assert_eq!(store.objects("").await.len(), 0);
}

#[tokio::test]
async fn recordings_are_in_the_bucket() {
    let store = ObjectStore::start().await;
    let mut env = store.env().to_vec();
    env.push(("BASALT_OBJECTS_URL", "s3://plant"));
    let media = Media::start_with(&env).await;
    let camera = media.camera("main").await;
    let ready = media.until(&media.clip(&camera).await, "READY").await;
    assert_eq!((store.objects("").await.len(), files(&media.platform)), (2, 0), "recording and picture");
    let capture = format!("/api/v1/captures/{}", ready["captureId"].as_str().unwrap());
    let link = media.platform.admin.get(&format!("{capture}/download")).await.body;
    let part = fetch_url(link["url"].as_str().unwrap(), Some(("range", "bytes=2-4"))).await;
    part.with_header("content-range", "bytes 2-4/10").is(206, &"234".to_owned());
}

#[tokio::test]
async fn a_bucket_that_is_away_is_told_and_nothing_else_suffers() {
    let mut store = ObjectStore::start().await;
    let platform = start(&store).await;
    let kept = target(&declare(&platform.admin, b"kept").await["uploadUrl"]);
    assert_eq!(put(&platform, &kept, b"kept").await, 200);
    let kept = signed(&platform, "GET", kept.split('?').next().unwrap(), FAR_AHEAD);
    store.kill();
    let link = target(&declare(&platform.admin, b"firmware").await["uploadUrl"]);
    let answer = platform.client.without_key().send("PUT", &link, &[], b"firmware".to_vec()).await;
    answer.has(503, json!({"detail": "an uploaded object cannot be written"}));
    assert_eq!(put(&platform, &link, b"software").await, 400, "what is wrong is told all the same");
    assert_eq!(fetch(&platform, &kept, None).await.0, 503);
    assert_eq!(files(&platform), 0, "nothing is left of it");
    platform.admin.create("/api/v1/devices", json!({"name": "d"})).await;
}

#[tokio::test]
async fn what_was_stored_before_there_was_a_bucket_stays_where_it_is() {
    let store = ObjectStore::start().await;
    let (home, bytes) = (Arc::new(DataDir::new()), content(1000));
    let before = Platform::start_in(Arc::clone(&home), &[NO_RATE]).await;
    let row = firmware::stored(&before.admin, "1.0.0", &bytes).await;
    let device = before.admin.make("devices", json!({"name": "d"})).await;
    drop(before);
    let mut env = store.env().to_vec();
    env.extend([NO_RATE, ("BASALT_OBJECTS_URL", "s3://plant/uploads")]);
    let platform = Platform::start_in(home, &env).await;
    let link = firmware::address(&platform.admin, &row, &device).await;
    assert_eq!(fetch(&platform, &link, None).await.2, bytes);
    assert_eq!((store.objects("").await.len(), files(&platform)), (0, 1));
    let newer = firmware::stored(&platform.admin, "1.1.0", &bytes[..10]).await;
    assert_eq!(newer["sha256"], hex::encode(Sha256::digest(&bytes[..10])));
    assert_eq!((store.objects("").await.len(), files(&platform)), (1, 1));
    let one = format!("/api/v1/firmware/{}", id(&row));
    assert_eq!(platform.admin.status("DELETE", &one, &Value::Null).await, 204);
    assert_eq!((store.objects("").await.len(), files(&platform)), (1, 0));
}
