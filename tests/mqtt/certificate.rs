//! Certificates whose time is over.

use basalt::domain::Kind;
use basalt::domain::device::{DeviceSpec, Protocol};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::in_process::{DAY, TestEnv};

/// Longer than the certificate of a gateway is valid.
const ELEVEN_YEARS: i64 = 11 * 366 * DAY;

/// The TLS of the listener refuses such a certificate by the clock of the machine; this is what the broker does by its own.
#[tokio::test]
async fn an_expired_certificate_is_nobody_and_ends_what_it_has_begun() {
    let env = TestEnv::new(1).await;
    let dir = tempfile::tempdir().expect("a directory");
    let app = env.open_local(dir.path()).await.app();
    let device = app
        .devices
        .create_device(&env.owner, DeviceSpec::new("gateway", Protocol::Mqtt))
        .await
        .expect("a device");
    let issued = app.certificates.issue_certificate(&env.owner, device.id).await.expect("a certificate");
    let shown = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).expect("PEM");
    let credential = app.mqtt.access.authenticate_certificate(&shown).expect("it is valid");
    assert!(credential.check().is_ok());
    env.clock.advance(ELEVEN_YEARS);
    assert_eq!(credential.check().err().map(|error| error.kind), Some(Kind::Unauthenticated));
    let again = app.mqtt.access.authenticate_certificate(&shown);
    assert_eq!(again.err().map(|error| error.kind), Some(Kind::Unauthenticated));
}
