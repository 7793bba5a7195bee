//! Registration tokens: used once, bounded, of one organization; and the certificates that are issued for them.

use std::sync::Arc;

use uuid::Uuid;

use super::fixtures::*;
use crate::domain::certificate::NewCertificate;
use crate::domain::device::{Device, DeviceSpec, Protocol};
use crate::domain::registration::{
    MAX_REMEMBERED_PER_DEVICE, NewRegistration, Registration, RegistrationPlace, RegistrationState,
};
use crate::domain::topology::ProvisioningPhase;
use crate::domain::{DeviceId, Kind, Micros, Principal, Result};
use crate::store::catalog::Catalog;

const HOUR_US: i64 = 3_600_000_000;

fn token(ttl_us: i64) -> NewRegistration {
    NewRegistration { uuid: Uuid::new_v4(), hash: [7; 32], ttl_us, renewal_window_us: HOUR_US }
}

pub(super) fn certificate(fingerprint: &str, expires_at: Micros) -> NewCertificate {
    NewCertificate {
        fingerprint: fingerprint.to_owned(),
        serial: "40".repeat(16),
        authority: "ca".to_owned(),
        expires_at,
    }
}

pub(super) async fn register(
    catalog: &Catalog,
    who: &Principal,
    name: &str,
    ttl_us: i64,
) -> Result<(Arc<Device>, Arc<Registration>)> {
    let place = RegistrationPlace::default();
    catalog
        .provisioning
        .register_device(who, DeviceSpec::new(name, Protocol::Mqtt), place, token(ttl_us))
        .await
}

async fn provision(catalog: &Catalog, who: &Principal, token: &Registration, name: &str) -> Result<()> {
    let expires_at = Micros(START.0 + 24 * HOUR_US);
    catalog.provisioning.use_registration(who, token.id, certificate(name, expires_at)).await.map(drop)
}

fn is_pending(catalog: &Catalog, who: &Principal, device: DeviceId) -> bool {
    catalog.devices.device(who, device).expect("a device").topology.phase == ProvisioningPhase::Pending
}

fn state_of(catalog: &Catalog, token: &Registration) -> RegistrationState {
    catalog.provisioning.registration_by_uuid(token.uuid).expect("a token").0.state_at(START)
}

pub(super) async fn a_token_is_used_once_however_concurrently(place: TestDatabase) {
    let catalog = Arc::new(place.open().await);
    let ours = admin(&catalog);
    let (device, token) = register(&catalog, &ours, "gateway", HOUR_US).await.unwrap();
    assert_eq!((device.spec.name.as_str(), token.device), ("gateway", device.id));
    assert!(is_pending(&catalog, &ours, device.id));
    let uses = (0..8).map(|n| {
        let (catalog, who, token) = (Arc::clone(&catalog), ours.clone(), Arc::clone(&token));
        tokio::spawn(async move { provision(&catalog, &who, &token, &format!("f{n}")).await })
    });
    let mut won = Vec::new();
    for (n, one) in uses.enumerate().collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(()) => won.push(format!("f{n}")),
            Err(error) => assert_eq!(error.kind, Kind::Conflict),
        }
    }
    assert_eq!(won.len(), 1);
    drop(catalog);
    let catalog = place.open().await;
    let stored = catalog.provisioning.certificate_by_fingerprint(&won[0]).expect("it outlives a restart");
    assert_eq!((stored.device, stored.serial.as_deref()), (device.id, Some("40".repeat(16).as_str())));
    assert_eq!(state_of(&catalog, &token), RegistrationState::Used);
    assert!(catalog.provisioning.pending_registrations(&ours).is_empty());
    assert!(is_pending(&catalog, &ours, device.id));
    catalog.provisioning.complete_provisioning(device.id).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        assert!(!is_pending(catalog, &ours, device.id));
    }
}

pub(super) async fn a_token_ends_by_its_time_or_by_another(place: TestDatabase) {
    let catalog = place.open().await;
    let ours = admin(&catalog);
    let (device, short) = register(&catalog, &ours, "d", 1).await.unwrap();
    let late = provision(&catalog, &ours, &short, "late").await;
    assert_eq!(late.unwrap_err().kind, Kind::Gone);
    assert!(catalog.provisioning.pending_registrations(&ours).is_empty());
    let withdrawn = catalog.provisioning.revoke_registration(&ours, short.uuid).await;
    assert_eq!(refusal(withdrawn), not_found());
    let (same, second) = register(&catalog, &ours, " d ", HOUR_US).await.unwrap();
    assert_eq!(same.id, device.id);
    let (_, third) = register(&catalog, &ours, "d", HOUR_US).await.unwrap();
    assert_eq!(state_of(&catalog, &second), RegistrationState::Revoked);
    let replaced = provision(&catalog, &ours, &second, "replaced").await;
    assert_eq!(replaced.unwrap_err().kind, Kind::Conflict);
    catalog.provisioning.revoke_registration(&ours, third.uuid).await.unwrap();
    assert_eq!(refusal(catalog.provisioning.revoke_registration(&ours, third.uuid).await), not_found());
    assert_eq!(provision(&catalog, &ours, &third, "revoked").await.unwrap_err().kind, Kind::Conflict);
    assert_eq!(
        catalog.provisioning.certificate_of(&ours, device.id),
        None,
        "no refusal stores a certificate"
    );
    for _ in 0..MAX_REMEMBERED_PER_DEVICE {
        register(&catalog, &ours, "d", HOUR_US).await.unwrap();
    }
    assert!(catalog.provisioning.registration_by_uuid(short.uuid).is_none(), "the oldest are forgotten");
    assert_eq!(catalog.provisioning.pending_registrations(&ours).len(), 1);
    catalog.devices.delete_device(&ours, device.id).await.unwrap();
    assert!(place.open().await.provisioning.pending_registrations(&ours).is_empty());
}

pub(super) async fn a_name_is_registered_again_without_a_valid_certificate_only(place: TestDatabase) {
    let catalog = place.open().await;
    let ours = admin(&catalog);
    device(&catalog, &ours, "press").await;
    let foreign = register(&catalog, &ours, "press", HOUR_US).await;
    assert_eq!(foreign.unwrap_err().kind, Kind::Conflict, "it was never registered");
    let (device, first) = register(&catalog, &ours, "d", HOUR_US).await.unwrap();
    provision(&catalog, &ours, &first, "first").await.unwrap();
    let valid = register(&catalog, &ours, "d", HOUR_US).await;
    assert_eq!(valid.unwrap_err().kind, Kind::Conflict, "its certificate is valid for long");

    // Within the window, the old certificate is accepted until the new one is issued, and the device is no new one.
    catalog.provisioning.complete_provisioning(device.id).await.unwrap();
    let wide = NewRegistration { renewal_window_us: 48 * HOUR_US, ..token(HOUR_US) };
    let spec = DeviceSpec::new("d", Protocol::Mqtt);
    let (_, renewal) =
        catalog.provisioning.register_device(&ours, spec, RegistrationPlace::default(), wide).await.unwrap();
    assert!(catalog.provisioning.certificate_by_fingerprint("first").is_some());
    provision(&catalog, &ours, &renewal, "second").await.unwrap();
    assert!(catalog.provisioning.certificate_by_fingerprint("first").is_none());
    assert!(!is_pending(&catalog, &ours, device.id));

    // Once it is revoked, a new token makes the device wait for its first connection again.
    catalog.provisioning.revoke_certificate(&ours, device.id).await.unwrap();
    assert!(catalog.provisioning.certificate_by_fingerprint("second").is_none());
    let revoked = catalog.provisioning.certificate_of(&ours, device.id).expect("it is known to be revoked");
    assert!(revoked.revoked_at.is_some() && !revoked.is_valid_at(START));
    let again = catalog.provisioning.revoke_certificate(&ours, device.id).await.unwrap();
    assert_eq!(again.revoked_at, revoked.revoked_at);
    register(&catalog, &ours, "d", HOUR_US).await.unwrap();
    assert!(is_pending(&catalog, &ours, device.id));
    assert_eq!(refusal(catalog.provisioning.revoke_certificate(&ours, device.id).await), not_found());
}

pub(super) async fn revoking_a_certificate_withdraws_unused_tokens(place: TestDatabase) {
    let catalog = place.open().await;
    let ours = admin(&catalog);
    let (device, first) = register(&catalog, &ours, "d", HOUR_US).await.unwrap();
    provision(&catalog, &ours, &first, "first").await.unwrap();
    let wide = NewRegistration { renewal_window_us: 48 * HOUR_US, ..token(HOUR_US) };
    let spec = DeviceSpec::new("d", Protocol::Mqtt);
    let (_, renewal) =
        catalog.provisioning.register_device(&ours, spec, RegistrationPlace::default(), wide).await.unwrap();
    catalog.provisioning.revoke_certificate(&ours, device.id).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(state_of(catalog, &renewal), RegistrationState::Revoked);
        assert_eq!(provision(catalog, &ours, &renewal, "new").await.unwrap_err().kind, Kind::Conflict);
    }
}

pub(super) async fn tokens_are_of_one_organization(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let (device, token) = register(&catalog, &ours, "d", HOUR_US).await.unwrap();
    assert!(catalog.provisioning.pending_registrations(&theirs).is_empty());
    assert_eq!(refusal(catalog.provisioning.revoke_registration(&theirs, token.uuid).await), not_found());
    assert_eq!(refusal(catalog.provisioning.revoke_certificate(&theirs, device.id).await), not_found());
    assert_eq!(provision(&catalog, &theirs, &token, "f").await.unwrap_err().kind, Kind::NotFound);
    // The name is free in another organization.
    assert_ne!(register(&catalog, &theirs, "d", HOUR_US).await.unwrap().0.id, device.id);
    let restricted = key(ours.org, Some(&[device.id]), None);
    assert_eq!(refusal(register(&catalog, &restricted, "e", HOUR_US).await), forbidden());
    assert_eq!(refusal(catalog.provisioning.revoke_registration(&restricted, token.uuid).await), forbidden());
    assert!(catalog.provisioning.pending_registrations(&restricted).is_empty());
    assert_eq!(catalog.provisioning.pending_registrations(&ours).len(), 1);
}
