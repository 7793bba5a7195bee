//! Tests of uploaded objects: lengths, hashes, signatures, repeats and removal.

use futures::stream;

use super::*;
use crate::app::{App, test_app};

fn spec(size_bytes: u64, sha256: Option<String>) -> ObjectSpec {
    ObjectSpec {
        file_name: "a.bin".to_owned(),
        content_type: "application/octet-stream".to_owned(),
        size_bytes,
        sha256,
    }
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Sends bytes to an address in pieces of two.
async fn put(app: &App, address: &str, id: Uuid, bytes: &[u8]) -> Result<Arc<Object>> {
    let (path, query) = address.split_once('?').unwrap();
    let value = |name: &str| {
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    };
    let query = SignedQuery {
        date: value("X-Amz-Date"),
        expires: value("X-Amz-Expires"),
        signature: value("X-Amz-Signature"),
    };
    let pieces: Vec<_> = bytes.chunks(2).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    app.mk.objects.store_object(SignedAddress { method: "PUT", path, query }, id, stream::iter(pieces)).await
}

#[tokio::test]
async fn what_is_stored_is_what_was_declared() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let rows: [(&str, ObjectSpec, &[u8], Option<Kind>); 5] = [
        ("sound", spec(5, None), b"12345", None),
        ("with_its_hash", spec(5, Some(hash(b"12345"))), b"12345", None),
        ("too_short", spec(5, None), b"1234", Some(Kind::Invalid)),
        ("too_long", spec(5, None), b"123456", Some(Kind::Invalid)),
        ("another_hash", spec(5, Some(hash(b"x"))), b"12345", Some(Kind::Invalid)),
    ];
    for (name, spec, bytes, expected) in rows {
        let ObjectAddress { object, path_and_query } =
            app.mk.objects.create_object(&who, spec).await.unwrap();
        assert!(app.mk.objects.stored_object(&who, object.uuid).is_err(), "{name}: nothing was sent yet");
        let stored = put(&app, &path_and_query, object.uuid, bytes).await;
        assert_eq!(stored.as_ref().err().map(|error| error.kind), expected, "{name}: {stored:?}");
        if expected.is_none() {
            assert_eq!(
                app.mk.objects.stored_object(&who, object.uuid).unwrap().spec.sha256,
                Some(hash(bytes))
            );
            assert!(put(&app, &path_and_query, object.uuid, bytes).await.is_ok(), "{name}: a repeat");
            let other = put(&app, &path_and_query, object.uuid, b"54321").await;
            assert!(other.is_err(), "{name}: other bytes");
        }
    }
}

#[tokio::test]
async fn an_address_is_for_one_object_only() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let one = app.mk.objects.create_object(&who, spec(1, None)).await.unwrap();
    let other = app.mk.objects.create_object(&who, spec(1, None)).await.unwrap();
    let moved = one.path_and_query.replace(&one.object.uuid.to_string(), &other.object.uuid.to_string());
    let refused = put(&app, &moved, other.object.uuid, b"1").await;
    assert_eq!(refused.unwrap_err().kind, Kind::Forbidden);
    put(&app, &one.path_and_query, one.object.uuid, b"1").await.unwrap();
    assert!(app.mk.objects.object_download(&who, other.object.uuid).await.is_err(), "nothing was sent");
    let download = app.mk.objects.object_download(&who, one.object.uuid).await.unwrap();
    let refused = put(&app, &download, one.object.uuid, b"1").await;
    assert_eq!(refused.unwrap_err().kind, Kind::Forbidden, "an address for fetching");
}

#[tokio::test]
async fn one_object_is_received_once_at_a_time() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let ObjectAddress { object, path_and_query } =
        app.mk.objects.create_object(&who, spec(1, None)).await.unwrap();
    let permit = app.mk.objects.begin_upload(object.uuid, who.org).unwrap();
    let refused = put(&app, &path_and_query, object.uuid, b"1").await;
    assert_eq!(refused.unwrap_err().kind, Kind::Conflict);
    drop(permit);
    put(&app, &path_and_query, object.uuid, b"1").await.unwrap();
    assert!(app.mk.objects.uploading.lock().is_empty());
}

/// Security review 10: 32 uploads of one organization, a byte each 10 s, were all that there are.
#[tokio::test]
async fn uploads_of_one_organization_leave_places_for_others() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let begin = |org, many: usize| -> Vec<_> {
        (0..many).map_while(|_| app.mk.objects.begin_upload(Uuid::new_v4(), org).ok()).collect()
    };
    assert_eq!(begin(who.org, 99).len(), MAX_UPLOADS, "alone it has all");
    app.parts.store.catalog().orgs.create_org(&who, "other", "Other").await.unwrap();
    let slow = begin(who.org, 99);
    assert_eq!(slow.len(), MAX_UPLOADS / 2);
    let ObjectAddress { object, path_and_query } =
        app.mk.objects.create_object(&who, spec(1, None)).await.unwrap();
    let refused = put(&app, &path_and_query, object.uuid, b"1").await;
    assert_eq!(refused.unwrap_err().kind, Kind::Busy);
    let other = app.access.system(Some("other")).unwrap();
    let ObjectAddress { object, path_and_query } =
        app.mk.objects.create_object(&other, spec(1, None)).await.unwrap();
    put(&app, &path_and_query, object.uuid, b"1").await.unwrap();
}

#[tokio::test]
async fn files_without_an_object_are_removed() {
    let (dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let ObjectAddress { object, path_and_query } =
        app.mk.objects.create_object(&who, spec(1, None)).await.unwrap();
    put(&app, &path_and_query, object.uuid, b"1").await.unwrap();
    let orphan = dir.path().join("objects").join(Uuid::from_u128(1).to_string());
    std::fs::write(&orphan, "x").unwrap();
    app.mk.objects.purge_objects(HashSet::new()).await.unwrap();
    assert!(!orphan.exists());
    assert!(app.mk.objects.stored_object(&who, object.uuid).is_ok(), "there is time to refer to it");
}
