//! Messages for a session that cannot be opened or is lost.

use super::*;
use crate::domain::device::{DeviceSpec, Protocol};

fn endpoint() -> OpcuaEndpoint {
    let mut spec = DeviceSpec::new("kiln", Protocol::Opcua);
    spec.host = "10.0.0.5".into();
    OpcuaEndpoint::from_spec(&spec).expect("the settings are right")
}

#[test]
fn a_failure_is_a_loss_a_refusal_or_silence() {
    let endpoint = endpoint();
    for (status, expected) in [
        (StatusCode::BadTimeout, "10.0.0.5:4840 did not answer within 3 s"),
        (
            StatusCode::BadSessionIdInvalid,
            "connection to 10.0.0.5:4840 lost: BadSessionIdInvalid (80250000): The session id is not valid",
        ),
        (StatusCode::BadUserAccessDenied, "BadUserAccessDenied (status 801F0000)"),
    ] {
        assert_eq!(fault(&endpoint, &Error::new(status, "x")).to_string(), expected);
    }
    for status in [
        StatusCode::BadTooManyOperations,
        StatusCode::BadTooManyMonitoredItems,
        StatusCode::BadRequestTooLarge,
        StatusCode::BadResponseTooLarge,
        StatusCode::BadEncodingLimitsExceeded,
        StatusCode::BadTcpMessageTooLarge,
    ] {
        let limit = fault(&endpoint, &Error::new(status, "x"));
        assert!(matches!(limit, DeviceFault::LimitExceeded { .. }) && !limit.is_connection_loss(), "{limit}");
    }
    let refused = unopened(&endpoint, StatusCode::BadSecurityChecksFailed).to_string();
    assert!(refused.contains("pki/own/cert.der"), "{refused}");
}
