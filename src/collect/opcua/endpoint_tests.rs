//! Settings of OPC UA devices: accepted forms, defaults, and the field of each error.

use serde_json::json;

use super::*;

fn device(host: &str, port: Option<u16>, metadata: Value) -> DeviceSpec {
    let mut spec = DeviceSpec::new("kiln", Protocol::Opcua);
    (spec.host, spec.port) = (host.into(), port);
    spec.metadata = metadata.as_object().expect("the test gives an object").clone();
    spec
}

#[test]
fn a_host_may_be_a_url() {
    for (host, port, url) in [
        ("10.0.0.5", None, "opc.tcp://10.0.0.5:4840"),
        ("kiln.plant", Some(4841), "opc.tcp://kiln.plant:4841"),
        ("fe80::1", None, "opc.tcp://[fe80::1]:4840"),
        ("[fe80::1]", None, "opc.tcp://[fe80::1]:4840"),
        ("opc.tcp://kiln.plant", None, "opc.tcp://kiln.plant:4840"),
        ("opc.tcp://kiln.plant/", Some(50_000), "opc.tcp://kiln.plant:50000"),
        ("opc.tcp://kiln.plant:4842/UA/Server", None, "opc.tcp://kiln.plant:4842/UA/Server"),
        ("opc.tcp://kiln.plant:4842/UA/Server/", None, "opc.tcp://kiln.plant:4842/UA/Server/"),
        ("opc.tcp://kiln.plant/peers//", None, "opc.tcp://kiln.plant:4840/peers//"),
        ("opc.tcp://kiln.plant:4842", None, "opc.tcp://kiln.plant:4842"),
        ("kiln.plant:4842", None, "opc.tcp://kiln.plant:4842"),
        ("10.0.0.5:4842", Some(4842), "opc.tcp://10.0.0.5:4842"),
        ("[fe80::1]:4842", None, "opc.tcp://[fe80::1]:4842"),
        ("opc.tcp://[::1]:4842/UA", Some(4842), "opc.tcp://[::1]:4842/UA"),
    ] {
        let endpoint = OpcuaEndpoint::from_spec(&device(host, port, json!({}))).map_err(|error| error.fields);
        assert_eq!(endpoint.map(|endpoint| endpoint.url()), Ok(url.to_owned()), "{host}");
    }
}

#[test]
fn security_and_identity_are_read_from_the_metadata() {
    for (metadata, policy, mode) in [
        (json!({}), OpcuaSecurityPolicy::None, OpcuaSecurityMode::None),
        (
            json!({"security_policy": null, "security_mode": "None"}),
            OpcuaSecurityPolicy::None,
            OpcuaSecurityMode::None,
        ),
        (
            json!({"security_policy": "Basic256Sha256"}),
            OpcuaSecurityPolicy::Basic256Sha256,
            OpcuaSecurityMode::SignAndEncrypt,
        ),
        (
            json!({"security_policy": "Aes128_Sha256_RsaOaep"}),
            OpcuaSecurityPolicy::Aes128Sha256RsaOaep,
            OpcuaSecurityMode::SignAndEncrypt,
        ),
        (
            json!({"security_policy": "Aes256_Sha256_RsaPss"}),
            OpcuaSecurityPolicy::Aes256Sha256RsaPss,
            OpcuaSecurityMode::SignAndEncrypt,
        ),
        (
            json!({"security_policy": "Aes128Sha256RsaOaep", "security_mode": "Sign"}),
            OpcuaSecurityPolicy::Aes128Sha256RsaOaep,
            OpcuaSecurityMode::Sign,
        ),
        (
            json!({"security_policy": "Aes256Sha256RsaPss", "security_mode": "SignAndEncrypt"}),
            OpcuaSecurityPolicy::Aes256Sha256RsaPss,
            OpcuaSecurityMode::SignAndEncrypt,
        ),
    ] {
        let endpoint = OpcuaEndpoint::from_spec(&device("h", None, metadata.clone())).unwrap();
        assert_eq!((endpoint.policy, endpoint.mode), (policy, mode), "{metadata}");
        assert!(endpoint.identity == UserIdentity::Anonymous);
    }

    let mut spec = device("h", None, json!({}));
    (spec.username, spec.password) = ("op".into(), "secret".into());
    let user = UserIdentity::User { name: "op".into(), password: "secret".into() };
    assert!(OpcuaEndpoint::from_spec(&spec).unwrap().identity == user);

    let spec = device("h", None, json!({"user_certificate": "line-1"}));
    assert!(OpcuaEndpoint::from_spec(&spec).unwrap().identity == UserIdentity::Certificate("line-1".into()));
}

#[test]
fn a_wrong_setting_is_named() {
    for (host, port, metadata, field, problem) in [
        ("opc.tcp://", None, json!({}), "host", HOST_FORM),
        ("http://kiln", None, json!({}), "host", HOST_FORM),
        ("opc.tcp://user@kiln", None, json!({}), "host", HOST_FORM),
        ("opc.tcp://kiln/?a=1", None, json!({}), "host", HOST_FORM),
        ("a b", None, json!({}), "host", HOST_FORM),
        ("opc.tcp://kiln:4840", Some(4841), json!({}), "port", "Conflicts with port 4840 in host."),
        (
            "h",
            None,
            json!({"security_policy": "Basic256"}),
            "security_policy",
            "\"Basic256\" is not one of None, Basic256Sha256, Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss.",
        ),
        (
            "h",
            None,
            json!({"security_policy": "Aes128_Sha256RsaOaep"}),
            "security_policy",
            "\"Aes128_Sha256RsaOaep\" is not one of None, Basic256Sha256, Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss.",
        ),
        ("kiln:70000", None, json!({}), "host", HOST_FORM),
        ("kiln:4840/UA", None, json!({}), "host", HOST_FORM),
        (
            "h",
            None,
            json!({"security_mode": 3}),
            "security_mode",
            "3 is not one of None, Sign, SignAndEncrypt.",
        ),
        (
            "h",
            None,
            json!({"security_mode": "Sign"}),
            "security_mode",
            "Must be None while security_policy is None.",
        ),
        (
            "h",
            None,
            json!({"security_policy": "Basic256Sha256", "security_mode": "None"}),
            "security_mode",
            "Must be Sign or SignAndEncrypt with this security_policy.",
        ),
        (
            "h",
            None,
            json!({"user_certificate": "../../key"}),
            "user_certificate",
            "The name of a certificate in pki/users: letters, digits, `-`, `_` and `.` inside.",
        ),
    ] {
        let error = OpcuaEndpoint::from_spec(&device(host, port, metadata.clone())).err();
        let found = error.map(|error| error.fields);
        let found = found
            .as_ref()
            .and_then(|fields| fields.first())
            .map(|first| (first.field.to_string(), &*first.message));
        assert_eq!(found, Some((field.to_owned(), problem)), "{host} {metadata}");
    }
}

#[test]
fn subscribing_is_a_choice() {
    assert_eq!(uses_subscription(&device("h", None, json!({}))).ok(), Some(false));
    assert_eq!(uses_subscription(&device("h", None, json!({"use_subscription": true}))).ok(), Some(true));
    assert!(uses_subscription(&device("h", None, json!({"use_subscription": "yes"}))).is_err());
}
