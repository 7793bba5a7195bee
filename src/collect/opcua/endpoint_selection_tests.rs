//! Selection among a server's endpoints, and the message when none fits.

use opcua::types::{ApplicationDescription, UserTokenPolicy};
use serde_json::json;

use super::*;
use crate::collect::opcua::endpoint::{OpcuaSecurityMode, OpcuaSecurityPolicy};
use crate::domain::device::{DeviceSpec, Protocol};

fn endpoint(metadata: serde_json::Value) -> OpcuaEndpoint {
    let mut spec = DeviceSpec::new("kiln", Protocol::Opcua);
    spec.host = "10.0.0.5".into();
    spec.metadata = metadata.as_object().expect("the test gives an object").clone();
    OpcuaEndpoint::from_spec(&spec).expect("the settings are right")
}

fn offer(
    policy: OpcuaSecurityPolicy,
    mode: OpcuaSecurityMode,
    level: u8,
    logins: Option<Vec<UserTokenType>>,
) -> EndpointDescription {
    let token = |token_type| UserTokenPolicy { token_type, ..UserTokenPolicy::default() };
    EndpointDescription {
        endpoint_url: "opc.tcp://inside.plant:53530/UA/Kiln".into(),
        server: ApplicationDescription::default(),
        security_mode: mode.to_opcua(),
        security_policy_uri: policy.to_opcua().to_uri().into(),
        user_identity_tokens: logins.map(|logins| logins.into_iter().map(token).collect()),
        security_level: level,
        ..EndpointDescription::default()
    }
}

#[test]
fn the_endpoint_as_wanted_is_taken_and_led_to_the_configured_address() {
    let anyone = || Some(vec![UserTokenType::Anonymous]);
    let offered = vec![
        offer(OpcuaSecurityPolicy::None, OpcuaSecurityMode::None, 0, anyone()),
        offer(OpcuaSecurityPolicy::Basic256Sha256, OpcuaSecurityMode::Sign, 3, anyone()),
        offer(OpcuaSecurityPolicy::Basic256Sha256, OpcuaSecurityMode::SignAndEncrypt, 5, anyone()),
        offer(OpcuaSecurityPolicy::Basic256Sha256, OpcuaSecurityMode::SignAndEncrypt, 7, anyone()),
    ];
    for (metadata, policy, mode, level) in [
        (json!({}), OpcuaSecurityPolicy::None, OpcuaSecurityMode::None, 0),
        (
            json!({"security_policy": "Basic256Sha256"}),
            OpcuaSecurityPolicy::Basic256Sha256,
            OpcuaSecurityMode::SignAndEncrypt,
            7,
        ),
        (
            json!({"security_policy": "Basic256Sha256", "security_mode": "Sign"}),
            OpcuaSecurityPolicy::Basic256Sha256,
            OpcuaSecurityMode::Sign,
            3,
        ),
    ] {
        let chosen = select_endpoint(&endpoint(metadata), offered.clone()).unwrap();
        assert_eq!(chosen.security_policy_uri.as_ref(), policy.to_opcua().to_uri());
        assert_eq!((chosen.security_mode, chosen.security_level), (mode.to_opcua(), level));
        assert_eq!(chosen.endpoint_url.as_ref(), "opc.tcp://10.0.0.5:4840/UA/Kiln");
        let login = &chosen.user_identity_tokens.as_ref().unwrap()[0];
        assert_eq!(
            login.security_policy_uri, chosen.security_policy_uri,
            "the endpoint's when it names none"
        );
    }
    let elsewhere = OpcuaEndpoint { path: "/Other".into(), ..endpoint(json!({})) };
    let chosen = select_endpoint(&elsewhere, offered).unwrap();
    assert_eq!(chosen.endpoint_url.as_ref(), "opc.tcp://10.0.0.5:4840/Other");
}

#[test]
fn only_host_and_port_of_an_advertised_address_are_replaced() {
    let at = |url: &str| EndpointDescription {
        endpoint_url: url.into(),
        ..offer(OpcuaSecurityPolicy::None, OpcuaSecurityMode::None, 0, Some(vec![UserTokenType::Anonymous]))
    };
    for (path, advertised, expected) in [
        ("", "opc.tcp://inside:1/peers/", "opc.tcp://10.0.0.5:4840/peers/"),
        ("", "opc.tcp://inside:1/peers", "opc.tcp://10.0.0.5:4840/peers"),
        ("", "opc.tcp://inside:1/", "opc.tcp://10.0.0.5:4840/"),
        ("", "opc.tcp://inside:1", "opc.tcp://10.0.0.5:4840"),
        ("", "opc.tcp://[::1]:1/%41 b/", "opc.tcp://10.0.0.5:4840/%41 b/"),
        ("", "", "opc.tcp://10.0.0.5:4840"),
        ("/peers", "opc.tcp://inside:1/peers/", "opc.tcp://10.0.0.5:4840/peers/"),
        ("/peers/", "opc.tcp://inside:1/peers/", "opc.tcp://10.0.0.5:4840/peers/"),
        ("/peers/", "opc.tcp://inside:1/peers", "opc.tcp://10.0.0.5:4840/peers"),
        ("/peers/", "opc.tcp://inside:1/", "opc.tcp://10.0.0.5:4840/peers/"),
        ("/peers/", "", "opc.tcp://10.0.0.5:4840/peers/"),
    ] {
        let wanted = OpcuaEndpoint { path: path.into(), ..endpoint(json!({})) };
        let chosen = select_endpoint(&wanted, vec![at(advertised)]).unwrap();
        assert_eq!(chosen.endpoint_url.as_ref(), expected, "{path} {advertised}");
    }
    let two = vec![at("opc.tcp://inside:1/a"), at("opc.tcp://inside:1/b/"), at("opc.tcp://inside:1/c")];
    let wanted = OpcuaEndpoint { path: "/b".into(), ..endpoint(json!({})) };
    assert_eq!(select_endpoint(&wanted, two).unwrap().endpoint_url.as_ref(), "opc.tcp://10.0.0.5:4840/b/");
}

#[test]
fn thousands_of_long_offers_are_told_in_few_words() {
    let long = EndpointDescription {
        security_policy_uri: format!("urn:#{}", "x".repeat(1_000_000)).into(),
        ..offer(OpcuaSecurityPolicy::Basic256Sha256, OpcuaSecurityMode::Sign, 0, None)
    };
    let words = select_endpoint(&endpoint(json!({})), vec![long; 1000]).map(drop).unwrap_err();
    assert!(words.len() < 5000, "{}", words.len());
}

#[test]
fn what_is_not_offered_is_said() {
    let user = |endpoint: OpcuaEndpoint| OpcuaEndpoint {
        identity: UserIdentity::User { name: "op".into(), password: "secret".into() },
        ..endpoint
    };
    let plain =
        || offer(OpcuaSecurityPolicy::None, OpcuaSecurityMode::None, 0, Some(vec![UserTokenType::Anonymous]));
    let named =
        || offer(OpcuaSecurityPolicy::None, OpcuaSecurityMode::None, 0, Some(vec![UserTokenType::UserName]));
    let secure = json!({"security_policy": "Aes256Sha256RsaPss", "security_mode": "Sign"});
    for (wanted, offered, expected) in [
        (
            endpoint(secure.clone()),
            vec![plain(), offer(OpcuaSecurityPolicy::Basic256Sha256, OpcuaSecurityMode::Sign, 1, None)],
            "it offers no endpoint with Aes256_Sha256_RsaPss and Sign, but Basic256Sha256 and Sign; None and None",
        ),
        (
            endpoint(secure),
            Vec::new(),
            "it offers no endpoint with Aes256_Sha256_RsaPss and Sign, but none at all",
        ),
        (user(endpoint(json!({}))), vec![plain()], "the endpoint accepts no user names"),
        (endpoint(json!({})), vec![named()], "the endpoint accepts no anonymous login"),
    ] {
        assert_eq!(select_endpoint(&wanted, offered).map(drop), Err(expected.to_owned()));
    }
    assert!(
        select_endpoint(
            &endpoint(json!({})),
            vec![offer(OpcuaSecurityPolicy::None, OpcuaSecurityMode::None, 0, None)]
        )
        .is_ok()
    );
}
