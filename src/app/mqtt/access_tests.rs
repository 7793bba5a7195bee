//! Which topics are whose, as a table.

use super::*;
use crate::app::{App, test_app};
use crate::domain::device::{DeviceSpec, Protocol};

/// An application with a gateway, a device below it and a foreign one.
async fn plant() -> (tempfile::TempDir, App, [Arc<Device>; 3]) {
    let (dir, app) = test_app::open().await;
    let owner = app.access.system(None).unwrap();
    let device = async |name: &str, parent| {
        let spec = DeviceSpec { parent_device: parent, ..DeviceSpec::new(name, Protocol::Mqtt) };
        app.devices.create_device(&owner, spec).await.unwrap()
    };
    let gateway = device("gateway", None).await;
    let below = device("below", Some(gateway.id)).await;
    let other = device("other", None).await;
    (dir, app, [gateway, below, other])
}

#[tokio::test]
async fn a_device_publishes_to_its_own_topics_only() {
    let (_dir, app, [gateway, below, other]) = plant().await;
    let own = app.mqtt.access.device_principal(gateway.id).unwrap();
    let everything = app.access.system(None).unwrap();
    let names = [&gateway.aliases.uuid.to_string(), &below.aliases.key, &other.aliases.key];
    let [uuid, key, foreign] = names;
    for (topic, is_own, is_of_org) in [
        ("basalt/gateway/t".to_owned(), true, true),
        (format!("basalt/{uuid}"), true, true),
        (format!("basalt/{key}/t"), true, true),
        ("basalt/below/t".to_owned(), true, true),
        ("basalt/other/t".to_owned(), false, true),
        (format!("basalt/{foreign}/t"), false, true),
        ("basalt/new/t".to_owned(), false, true),
        ("discover/default/gateway/below/post".to_owned(), true, true),
        ("discover/default/gateway/connected".to_owned(), true, true),
        ("discover/elsewhere/gateway/below/post".to_owned(), false, false),
        ("discover/default/gateway/other/post".to_owned(), false, false),
        ("discover/default/other/other/post".to_owned(), false, true),
        ("control/default/gateway/below/response".to_owned(), true, true),
        ("os/sensors/raw".to_owned(), true, true),
        ("anything/else".to_owned(), false, false),
        ("$SYS/x".to_owned(), false, false),
    ] {
        assert_eq!(app.mqtt.access.may_publish(&own, &topic).is_ok(), is_own, "{topic}");
        assert_eq!(app.mqtt.access.may_publish(&everything, &topic).is_ok(), is_of_org, "{topic}");
    }
}

#[tokio::test]
async fn a_filter_that_names_what_is_not_ones_own_is_refused() {
    let (_dir, app, [gateway, ..]) = plant().await;
    let own = app.mqtt.access.device_principal(gateway.id).unwrap();
    let (yes, no) = (Grant::Granted(Qos::AtLeastOnce), Grant::NotAuthorized);
    for (filter, expected) in [
        ("basalt/gateway/#", yes),
        ("basalt/below/t", yes),
        ("basalt/other/t", no),
        ("basalt/nothing/t", no),
        ("basalt/+/t", yes),
        ("basalt/#", yes),
        ("#", yes),
        ("control/default/gateway/#", yes),
        ("control/default/+/+/#", yes),
        ("control/elsewhere/gateway/#", no),
        ("control/default/other/#", no),
        ("discover/default/gateway/device/post", yes),
        ("os/sensors/raw", no),
        ("anything", no),
        ("$share/group/basalt/#", Grant::Shared),
        ("basalt/#/t", Grant::Malformed),
        ("", Grant::Malformed),
    ] {
        assert_eq!(app.mqtt.access.grant(&own, filter, Qos::AtLeastOnce), expected, "{filter}");
    }
    let nobody = Principal { scopes: Default::default(), ..own };
    assert_eq!(app.mqtt.access.grant(&nobody, "basalt/gateway/#", Qos::AtMostOnce), no);
}

#[tokio::test]
async fn edge_nodes_and_hosts_of_sparkplug_need_a_key_of_the_whole_organization() {
    let (_dir, app, [gateway, ..]) = plant().await;
    let all = app.access.system(None).unwrap();
    let with = |scopes: &[Scope]| Principal { scopes: scopes.iter().copied().collect(), ..all.clone() };
    let reader = with(&[Scope::read(Resource::Value)]);
    let edge = with(&[Scope::write(Resource::Value)]);
    let host = with(&[Scope::read(Resource::Value), Scope::write(Resource::Device)]);
    let restricted = app.mqtt.access.device_principal(gateway.id).unwrap();
    let people = with(&[Scope::write(Resource::Device)]);
    let callers = [&reader, &edge, &host, &people, &restricted];
    for (topic, expected) in [
        ("spBv1.0/plant/NDATA/edge1", [false, true, false, false, false]),
        ("spBv1.0/plant/DBIRTH/edge1/press", [false, true, false, false, false]),
        ("spBv1.0/plant/NCMD/edge1", [false, false, true, true, false]),
        ("spBv1.0/STATE/basalt", [false, false, true, true, false]),
        ("spBv1.0/plant/NDATA", [false; 5]),
    ] {
        assert_eq!(callers.map(|who| app.mqtt.access.may_publish(who, topic).is_ok()), expected, "{topic}");
    }
    for (filter, expected) in [
        ("spBv1.0/#", [true, true, true, false, false]),
        ("spBv1.0/plant/NCMD/edge1/#", [true, true, true, false, false]),
        ("spBv1.0/STATE/basalt", [true, true, true, false, false]),
    ] {
        let granted =
            |who| app.mqtt.access.grant(who, filter, Qos::AtMostOnce) == Grant::Granted(Qos::AtMostOnce);
        assert_eq!(callers.map(granted), expected, "{filter}");
    }
}

#[tokio::test]
async fn only_the_current_certificate_of_a_device_is_accepted() {
    let (_dir, app, [gateway, ..]) = plant().await;
    let owner = app.access.system(None).unwrap();
    let (old, new) = (
        app.certificates.issue_certificate(&owner, gateway.id).await.unwrap(),
        app.certificates.issue_certificate(&owner, gateway.id).await.unwrap(),
    );
    let der = |pem: &str| {
        use base64::Engine;
        let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        base64::engine::general_purpose::STANDARD.decode(text).unwrap()
    };
    assert!(app.mqtt.access.authenticate_certificate(&der(&old.certificate_pem)).is_err());
    let credential = app.mqtt.access.authenticate_certificate(&der(&new.certificate_pem)).unwrap();
    assert_eq!(credential.principal().caller, Caller::Device(gateway.id));
    assert!(credential.check().is_ok());
    app.certificates.issue_certificate(&owner, gateway.id).await.unwrap();
    assert!(credential.check().is_err(), "it was replaced");
}
