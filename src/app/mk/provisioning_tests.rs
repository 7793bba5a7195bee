//! Tokens and certificates through the application, with requests made by OpenSSL.

use super::*;
use crate::app::{App, test_app};
use crate::domain::registration::DEFAULT_TTL;
use crate::domain::topology::ProvisioningPhase;

const P256: &str = include_str!("../../../tests/data/csr/p256.pem");
const WEAK: &str = include_str!("../../../tests/data/csr/rsa-1024.pem");

async fn register(app: &App, who: &Principal, name: &str, ttl: Duration) -> IssuedRegistration {
    app.mk
        .provisioning
        .register_device(who, registered_device(name), RegistrationPlace::default(), ttl)
        .await
        .expect("a token")
}

async fn refusal(app: &App, token: &str, csr: &str) -> Kind {
    app.mk.provisioning.provision_device(token, csr, None).await.expect_err("it is refused").kind
}

#[tokio::test]
async fn a_token_buys_one_certificate_that_names_the_device() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let issued = register(&app, &who, "warehouse-gateway-01", DEFAULT_TTL).await;
    assert_eq!(issued.device.spec.name, "warehouse-gateway-01");
    assert_eq!(app.mk.provisioning.pending_registrations(&who).unwrap().len(), 1);
    assert_eq!(refusal(&app, &issued.token, WEAK).await, Kind::Invalid, "and the token is kept");
    let provisioned = app.mk.provisioning.provision_device(&issued.token, P256, None).await.unwrap();
    let current = app.certificates.certificate_of(&who, issued.device.id).unwrap().expect("a certificate");
    assert_eq!(current.fingerprint, provisioned.certificate.fingerprint);
    assert_eq!(current.serial.as_deref(), Some(provisioned.certificate.serial.as_str()));
    assert_eq!(provisioned.organization, app.access.org_uuid(&who).unwrap());
    assert_eq!(provisioned.authorities_pem, app.certificates.authority_certificate().await.unwrap());
    assert_eq!(refusal(&app, &issued.token, P256).await, Kind::Conflict);
    assert!(app.mk.provisioning.pending_registrations(&who).unwrap().is_empty());

    let phase = || app.devices.device(&who, issued.device.id).unwrap().topology.phase;
    assert_eq!(phase(), ProvisioningPhase::Pending);
    app.certificates.check_in(issued.device.id).await.unwrap();
    assert_eq!(phase(), ProvisioningPhase::Complete);

    app.certificates.revoke_certificate(&who, issued.device.id).await.unwrap();
    assert!(
        app.parts.store.catalog().provisioning.certificate_by_fingerprint(&current.fingerprint).is_none()
    );
}

#[tokio::test]
async fn what_is_no_usable_token_is_refused_before_the_request_is_read() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let good = register(&app, &who, "a", DEFAULT_TTL).await;
    let other = register(&app, &who, "b", DEFAULT_TTL).await;
    let expired = register(&app, &who, "c", Duration::from_micros(1)).await;
    let revoked = register(&app, &who, "d", DEFAULT_TTL).await;
    app.mk.provisioning.revoke_registration(&who, revoked.registration.uuid).await.unwrap();
    let deleted = register(&app, &who, "e", DEFAULT_TTL).await;
    app.devices.delete_device(&who, deleted.device.id).await.unwrap();
    // The id of one token with the secret of another, and the device of another.
    let parts: Vec<&str> = good.token.split('.').collect();
    let others: Vec<&str> = other.token.split('.').collect();
    let rows = [
        ("empty", String::new(), Kind::Unauthenticated),
        ("malformed", "a.b.c".to_owned(), Kind::Unauthenticated),
        ("another_secret", format!("{}.{}.{}", parts[0], parts[1], others[2]), Kind::Unauthenticated),
        ("another_device", format!("{}.{}.{}", parts[0], others[1], parts[2]), Kind::Unauthenticated),
        ("unknown", format!("{}.{}.{}", parts[1], parts[1], parts[2]), Kind::Unauthenticated),
        ("of_a_deleted_device", deleted.token.clone(), Kind::Unauthenticated),
        ("expired", expired.token.clone(), Kind::Gone),
        ("revoked", revoked.token.clone(), Kind::Conflict),
    ];
    for (name, token, expected) in rows {
        assert_eq!(refusal(&app, &token, "no request").await, expected, "{name}");
    }
    assert_eq!(refusal(&app, &good.token, "no request").await, Kind::Invalid);
    app.mk.provisioning.provision_device(&good.token, P256, None).await.unwrap();
}
