//! Firmware with their objects, plans of organizations, and counts of readings.

use uuid::Uuid;

use super::fixtures::*;
use crate::domain::document::{DocumentKind, FirmwareDescription, FirmwareSpec};
use crate::domain::object::MAX_ORG_BYTES;
use crate::domain::{Kind, Micros};

fn firmware(version: &str) -> FirmwareSpec {
    FirmwareSpec {
        description: FirmwareDescription {
            name: "press".to_owned(),
            version: version.to_owned(),
            device_profile: None,
            notes: Some("faster".to_owned()),
        },
        object: Uuid::new_v4(),
        size_bytes: 10,
        sha256: "ab".repeat(32),
    }
}

pub(super) async fn a_firmware_and_its_object_come_and_go_together(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let spec = firmware("1.0.0");
    let made = catalog.documents.create_firmware(&ours, spec.clone(), "press.bin".to_owned()).await.unwrap();
    let again = catalog.documents.create_firmware(&ours, firmware("1.0.0"), "press.bin".to_owned()).await;
    assert_eq!(refusal(again).0, Kind::Conflict);
    assert_eq!(refusal(catalog.documents.check_firmware(&ours, &firmware("1.0.0"))).0, Kind::Conflict);
    let full = FirmwareSpec { size_bytes: MAX_ORG_BYTES, ..firmware("2.0.0") };
    let full = catalog.documents.create_firmware(&ours, full, "press.bin".to_owned()).await;
    assert_eq!(refusal(full).0, Kind::LimitReached);
    catalog.documents.create_firmware(&theirs, firmware("1.0.0"), "press.bin".to_owned()).await.unwrap();
    drop(catalog);
    let catalog = place.open().await;
    let stored = catalog.documents.document(&ours, DocumentKind::Firmware, made.uuid).unwrap();
    assert_eq!(stored.firmware(), Some(&spec));
    let object = catalog.objects.object(&ours, spec.object).unwrap();
    assert_eq!((object.spec.size_bytes, object.spec.sha256.as_ref()), (10, Some(&spec.sha256)));
    assert!(object.stored_at.is_some() && catalog.documents.referenced_objects().contains(&spec.object));
    assert_eq!(refusal(catalog.documents.delete_firmware(&theirs, made.uuid).await), not_found());
    let (own, foreign) = (device(&catalog, &ours, "d").await, device(&catalog, &theirs, "d").await);
    let (own, foreign) = (own.aliases.uuid, foreign.aliases.uuid);
    assert!(catalog.documents.firmware_for_device(made.uuid, own).is_ok());
    assert_eq!(refusal(catalog.documents.firmware_for_device(made.uuid, foreign)).0, Kind::Unauthenticated);
    assert_eq!(catalog.documents.delete_firmware(&ours, made.uuid).await.unwrap(), spec.object);
    assert_eq!(refusal(catalog.documents.firmware_for_device(made.uuid, own)), not_found());
    drop(catalog);
    let catalog = place.open().await;
    assert!(catalog.documents.documents(&ours, DocumentKind::Firmware).is_empty());
    assert_eq!(refusal(catalog.objects.object(&ours, spec.object)), not_found());
    assert_eq!(catalog.documents.documents(&theirs, DocumentKind::Firmware).len(), 1);
}

pub(super) async fn plans_and_counts_are_of_one_organization_and_outlive_a_restart(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    assert_eq!(catalog.orgs.plan_name(&ours).unwrap(), None);
    for plan in ["starter", "plant"] {
        catalog.orgs.choose_plan(&ours, plan.to_owned()).await.unwrap();
    }
    catalog.orgs.count_readings(ours.org, 3);
    catalog.orgs.save_reading_counts().await.unwrap();
    catalog.orgs.count_readings(ours.org, 2);
    catalog.orgs.count_readings(theirs.org, 7);
    catalog.orgs.count_readings(theirs.org, 0);
    catalog.orgs.save_reading_counts().await.unwrap();
    catalog.orgs.count_readings(ours.org, 100);
    drop(catalog);
    let catalog = place.open().await;
    let counts = [&ours, &theirs].map(|who| catalog.orgs.readings_of_month(who, START));
    assert_eq!(counts, [5, 7], "what was not written is gone");
    let next_month = Micros(START.0 + 31 * 86_400 * 1_000_000);
    assert_eq!(catalog.orgs.readings_of_month(&ours, next_month), 0);
    let plans = [&ours, &theirs].map(|who| catalog.orgs.plan_name(who).unwrap());
    assert_eq!(plans, [Some("plant".to_owned()), None]);
    device(&catalog, &ours, "d").await;
    assert_eq!([&ours, &theirs].map(|who| catalog.orgs.device_count(who).unwrap()), [1, 0]);
    let ids = catalog.orgs.owned_ids(theirs.org);
    assert_eq!((ids.devices.len(), ids.all_devices.len()), (0, 1));
}
