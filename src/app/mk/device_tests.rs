//! Tests of the changes of devices.

use serde_json::json;

use super::*;
use crate::app::test_app;

fn settings(name: &str, tags: &[&str]) -> PlatformDevice {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    PlatformDevice { name: name.to_owned(), tags, ..PlatformDevice::default() }
}

#[tokio::test]
async fn changes_of_different_fields_that_read_the_same_row_both_last() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let devices = &app.mk.devices;
    let made = devices.create_platform_device(&who, settings("a", &["old"])).await.unwrap().device;
    let (uuid, base) = (made.aliases.uuid, PlatformDevice::of(&made));
    let metadata = json!({"line": 1}).as_object().cloned().unwrap();
    let changes = [
        PlatformDevice { tags: vec!["new".to_owned()], ..base.clone() },
        PlatformDevice { metadata: metadata.clone(), ..base.clone() },
        PlatformDevice { name: "b".to_owned(), ..base.clone() },
        PlatformDevice { status: Some(PlatformStatus::Maintenance), ..base.clone() },
    ];
    for change in changes {
        devices.update_platform_device(&who, uuid, base.clone(), change).await.unwrap();
    }
    let found = devices.device_overview(&who, uuid).unwrap();
    let expected = PlatformDevice { metadata, ..settings("b", &["new"]) };
    assert_eq!(PlatformDevice::of(&found.device), expected);
    assert_eq!(found.status, PlatformStatus::Maintenance);
    // Who replaces the whole device says what all of it is.
    devices.replace_platform_device(&who, uuid, settings("c", &[])).await.unwrap();
    let found = devices.device_overview(&who, uuid).unwrap();
    assert_eq!(PlatformDevice::of(&found.device), settings("c", &[]));
}
