//! Tests of firmware: what is stored, names, tokens, commands and removal.

use futures::TryStreamExt;
use serde_json::json;

use super::*;
use crate::app::mk::device::PlatformDevice;
use crate::app::mk::new_command::DEFAULT_TIMEOUT_S;
use crate::app::{App, test_app};

fn description(version: &str) -> FirmwareDescription {
    FirmwareDescription {
        name: "press".to_owned(),
        version: version.to_owned(),
        device_profile: None,
        notes: None,
    }
}

async fn upload(app: &App, who: &Principal, version: &str, bytes: &[u8]) -> Result<Arc<Document>> {
    let mut upload = app.mk.firmware.begin_firmware(who).await?;
    for piece in bytes.chunks(3) {
        upload = upload.write(Bytes::copy_from_slice(piece)).await?;
    }
    app.mk.firmware.create_firmware(who, description(version), "press.bin".to_owned(), upload).await
}

async fn device(app: &App, who: &Principal, name: &str) -> Arc<Device> {
    let new = PlatformDevice { name: name.to_owned(), ..Default::default() };
    app.mk.devices.create_platform_device(who, new).await.unwrap().device
}

/// Names of the files of objects.
fn files(dir: &tempfile::TempDir) -> usize {
    std::fs::read_dir(dir.path().join("objects")).map_or(0, Iterator::count)
}

async fn fetched(app: &App, token: &str) -> Result<Vec<u8>> {
    let (document, content) = app.mk.firmware.open_firmware(token).await?;
    let size = document.firmware().unwrap().size_bytes;
    let pieces: Vec<Bytes> = content.stream(0..size).await?.try_collect().await.unwrap();
    Ok(pieces.concat())
}

#[tokio::test]
async fn a_version_is_stored_once_and_what_is_refused_leaves_nothing() {
    let (dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let stored = upload(&app, &who, "1.0.0", b"firmware").await.unwrap();
    let spec = stored.firmware().unwrap();
    assert_eq!((spec.size_bytes, &spec.sha256), (8, &hex::encode(Sha256::digest(b"firmware"))));
    let rows: [(&str, &str, &[u8], Kind); 3] = [
        ("again", "1.0.0", b"other", Kind::Conflict),
        ("empty", "1.0.1", b"", Kind::Invalid),
        ("no_version", "1.0", b"x", Kind::Invalid),
    ];
    for (name, version, bytes, expected) in rows {
        assert_eq!(upload(&app, &who, version, bytes).await.unwrap_err().kind, expected, "{name}");
        assert_eq!(files(&dir), 1, "{name}");
    }
    let begun =
        app.mk.firmware.begin_firmware(&who).await.unwrap().write(Bytes::from_static(b"half")).await.unwrap();
    assert_eq!(files(&dir), 2);
    // The maintenance leaves alone what is being received and what is in use.
    app.mk.objects.purge_unreferenced_objects().await.unwrap();
    assert_eq!(files(&dir), 2);
    drop(begun);
    assert_eq!(files(&dir), 1);
}

#[tokio::test]
async fn of_concurrent_uploads_of_a_version_one_is_stored() {
    let (dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let (first, second) =
        tokio::join!(upload(&app, &who, "1.0.0", b"first"), upload(&app, &who, "1.0.0", b"second"));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(files(&dir), 1);
}

#[tokio::test]
async fn a_file_has_a_limit() {
    let (dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let mut upload = app.mk.firmware.begin_firmware(&who).await.unwrap();
    let piece = Bytes::from(vec![0; 1 << 20]);
    for _ in 0..64 {
        upload = upload.write(piece.clone()).await.unwrap();
    }
    let refused = upload.write(Bytes::from_static(b"x")).await;
    assert_eq!(refused.err().map(|error| error.kind), Some(Kind::TooLarge));
    assert_eq!(files(&dir), 0);
}

#[tokio::test]
async fn a_token_fetches_its_firmware_until_its_time_is_over() {
    let (dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let device = device(&app, &who, "a").await;
    let (one, other) = (
        upload(&app, &who, "1.0.0", b"one").await.unwrap(),
        upload(&app, &who, "2.0.0", b"two").await.unwrap(),
    );
    let token = app.mk.firmware.firmware_token(&who, one.uuid, device.aliases.uuid).unwrap();
    let left_s = (token.expires_at.0 - app.parts.clock.now().0) / MICROS_PER_SECOND;
    assert!((DOWNLOAD_TOKEN_S - 60..=DOWNLOAD_TOKEN_S).contains(&left_s), "{left_s}");
    assert_eq!(fetched(&app, &token.text).await.unwrap(), b"one");
    let over = app.mk.firmware.token_until(one.uuid, &device, app.parts.clock.now()).unwrap();
    let of_nobody = app.mk.firmware.firmware_token(&who, one.uuid, Uuid::nil());
    assert_eq!(of_nobody.unwrap_err().fields[0].field, "device");
    assert_eq!(
        app.mk.firmware.firmware_token(&who, Uuid::nil(), device.aliases.uuid).unwrap_err().kind,
        Kind::NotFound
    );
    let moved = token.text.replace(&one.uuid.simple().to_string(), &other.uuid.simple().to_string());
    for (name, token, expected) in [
        ("over", over.text.as_str(), Kind::Gone),
        ("of_another_firmware", moved.as_str(), Kind::Unauthenticated),
        ("nothing", "", Kind::Unauthenticated),
    ] {
        assert_eq!(fetched(&app, token).await.unwrap_err().kind, expected, "{name}");
    }
    // The secret is in a file: whoever opens the directory again admits the token.
    assert!(dir.path().join(KEY_FILE).exists());
    *app.mk.firmware.signer.lock() = None;
    assert_eq!(fetched(&app, &token.text).await.unwrap(), b"one");
    app.mk.firmware.delete_firmware(&who, one.uuid).await.unwrap();
    assert_eq!(fetched(&app, &token.text).await.unwrap_err().kind, Kind::NotFound);
    assert_eq!(app.mk.firmware.delete_firmware(&who, one.uuid).await.unwrap_err().kind, Kind::NotFound);
    assert_eq!(files(&dir), 1);
    let token = app.mk.firmware.firmware_token(&who, other.uuid, device.aliases.uuid).unwrap();
    app.devices.delete_device(&who, device.id).await.unwrap();
    assert_eq!(
        fetched(&app, &token.text).await.unwrap_err().kind,
        Kind::Unauthenticated,
        "the device is gone"
    );
}

#[tokio::test]
async fn a_command_carries_the_address_and_the_hash() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let device = device(&app, &who, "a").await;
    let firmware = upload(&app, &who, "1.0.0", b"firmware").await.unwrap();
    let params = json!({"firmwareId": firmware.uuid, "sha256": "forged", "force": true});
    let new = NewCommand {
        kind: UPDATE_FIRMWARE.to_owned(),
        params: params.as_object().cloned().unwrap(),
        timeout_s: DEFAULT_TIMEOUT_S,
        created_by: "key_1".to_owned(),
        base_url: "http://plant.example".to_owned(),
    };
    let command = app.mk.commands.create_device_command(&who, device.aliases.uuid, new).await.unwrap();
    let stored = Value::Object(command.spec.params.members());
    let expected = json!({"firmwareId": firmware.uuid, "force": true, "sha256": firmware.firmware().unwrap().sha256,
        "downloadUrl": "http://plant.example/api/v1/firmware/download"});
    assert_eq!(stored, expected, "the token is stored nowhere");
    let message = app.mk.firmware.device_command_message(&who, &command).unwrap();
    let url = message["params"][DOWNLOAD_URL].as_str().unwrap();
    let token = url.strip_prefix("http://plant.example/api/v1/firmware/download?token=").unwrap();
    assert_eq!(fetched(&app, token).await.unwrap(), b"firmware");
    app.mk.firmware.delete_firmware(&who, firmware.uuid).await.unwrap();
    let failed = app.mk.commands.device_command(&who, device.aliases.uuid, command.uuid).unwrap();
    assert_eq!(failed.state, CommandState::Failed);
    assert!(failed.error.contains("deleted"), "{}", failed.error);
    assert_eq!(app.mk.firmware.device_command_message(&who, &command).unwrap_err().kind, Kind::NotFound);
}
