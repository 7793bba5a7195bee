//! Devices, types and protocols.

use serde_json::{Value, json};

use super::{Project, message, text};

/// The members of an object that are listed.
fn some(value: &Value, names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| ((*name).to_owned(), value[*name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test]
async fn devices_are_shown_as_in_the_documentation() {
    let project = Project::start().await;
    let one = project.device(json!({"name": "device1", "isVirtual": true})).await;
    let two = project.device(json!({"name": "device2", "isVirtual": true})).await;
    let doc = project.device(json!({"name": "doc", "isVirtual": true, "parentDevice": two["id"]})).await;
    let list = project.get("/device/v1/devices").await.ok();
    let expected = |device: &Value, name: &str, is_gateway: bool| {
        json!({
            "projectId": "default", "ts": device["ts"], "isVirtual": true, "demoActive": false, "id": device["id"],
            "isGateway": is_gateway, "name": name, "env": "live",
        })
    };
    let (first, mut second, mut third) =
        (expected(&one, "device1", false), expected(&two, "device2", true), expected(&doc, "doc", false));
    second["subDevices"] = json!([doc["id"]]);
    second["protocols"] = json!([]);
    third["parentDevice"] = two["id"].clone();
    // A collector may have looked at them already.
    let mut shown = list.clone();
    for device in shown.as_array_mut().unwrap() {
        device.as_object_mut().unwrap().remove("status");
    }
    assert_eq!(shown, json!([first, second, third]));

    let mut detail = project.get(&format!("/device/v1/devices/{}", text(&two["id"]))).await.body;
    detail["subDevices"][0].as_object_mut().unwrap().remove("status");
    assert_eq!(detail["subDevices"], json!([third]));
    let plain = project.get(&format!("/Device/V1/Devices/{}/", text(&one["id"]))).await.body;
    assert_eq!(plain.get("subDevices"), None);
}

#[tokio::test]
async fn a_device_is_changed_by_what_is_given() {
    let project = Project::start().await;
    let device = project.device(json!({"name": "virtual", "isVirtual": true})).await;
    let other = project.device(json!({"name": "other"})).await;
    let path = |device: &Value| format!("/device/v1/devices/{}", text(&device["id"]));
    let mistake = |param: &str, value: Value| json!({"errors": [{"value": value, "msg": "Invalid value", "param": param, "location": "body"}]});
    let long = "x".repeat(21);
    for (device, body, status, expected) in [
        (&device, json!({"name": "New name"}), 200, json!({})),
        (&device, Value::Null, 200, json!({})),
        (&device, json!({"unknown": 1}), 200, json!({})),
        (&device, json!({"frequency": 30, "demoActive": true}), 200, json!({})),
        (&device, json!({"name": long}), 400, mistake("name", json!(long))),
        (&device, json!({"name": ""}), 400, mistake("name", json!(""))),
        (&device, json!({"frequency": 29}), 400, mistake("frequency", json!(29))),
        (&device, json!({"demoActive": 1}), 400, mistake("demoActive", json!(1))),
        (&other, json!({"demoActive": true}), 400, mistake("demoActive", json!(true))),
    ] {
        project.call("PATCH", &path(device), &body).await.is(status, &expected);
    }
    let shown = project.get(&path(&device)).await.body;
    let expected = json!({"name": "New name", "frequency": 30, "demoActive": true});
    assert_eq!(some(&shown, &["name", "frequency", "demoActive"]), expected);
}

#[tokio::test]
async fn names_need_not_be_unique() {
    let (project, gateway, first) = Project::with_gateway().await;
    let second = project.device(json!({"name": "sensor", "parentDevice": gateway})).await;
    let path = format!("/device/v1/devices/{}", text(&second["id"]));
    let names = async || project.get("/device/v1/devices").await.column("name");
    assert_eq!(names().await, ["gateway", "sensor", "sensor"]);
    // The interfaces where a name is one device have it with a number.
    let native = project.native_id(&text(&second["id"])).await;
    let stored = format!("/api/device/{native}/");
    project.server.client().get(&stored).await.has(200, json!({"name": "sensor-2"}));
    let answer = project.server.client().patch(&stored, &json!({"name": "sensor"})).await;
    answer.has(400, json!({"/name/0": "This field must be unique."}));

    // Other changes leave the name; a new one, given here or elsewhere, replaces it.
    let answer = project.call("PATCH", &path, &json!({"demoActive": false})).await;
    answer.has(400, json!({"/errors/0/param": "demoActive"}));
    project.call("PATCH", &path, &json!({"frequency": 60})).await.ok();
    assert_eq!(names().await, ["gateway", "sensor", "sensor"]);
    project.call("PATCH", &path, &json!({"name": "gateway"})).await.ok();
    assert_eq!(names().await, ["gateway", "sensor", "gateway"]);
    project.server.client().patch(&stored, &json!({"name": "pump"})).await.ok();
    assert_eq!(names().await, ["gateway", "sensor", "pump"]);
    project.get(&format!("/device/v1/devices/{first}")).await.has(200, json!({"name": "sensor"}));
}

#[tokio::test]
async fn what_cannot_be_created_is_told_at_once_and_a_gateway_goes_with_its_sub_devices() {
    let (project, gateway, sub) = Project::with_gateway().await;
    for (body, expected) in [
        (json!({}), vec!["name"]),
        (json!({"name": "x".repeat(21)}), vec!["name"]),
        (json!({"name": "a", "type": "no-type"}), vec!["type"]),
        (json!({"name": "a", "parentDevice": "no-device"}), vec!["parentDevice"]),
        (json!({"name": "a", "parentDevice": sub}), vec!["parentDevice"]),
        (json!({"name": "a", "parentDevice": gateway, "isGateway": true}), vec!["isGateway"]),
        (json!({"isGateway": 1, "isVirtual": "no"}), vec!["name", "isGateway", "isVirtual"]),
    ] {
        let (status, answer) = project.call("POST", "/device/v1/devices", &body).await.outcome();
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        let params: Vec<_> = errors.iter().map(|error| error["param"].as_str().unwrap()).collect();
        assert_eq!((status, params), (400, expected), "{body}: {answer}");
    }
    assert_eq!(project.get("/device/v1/devices").await.body.as_array().map(Vec::len), Some(2));

    let other = project.device(json!({"name": "alone"})).await;
    let alone = text(&other["id"]);
    let pair = |parent: &str, id: &str| format!("/devices/{parent}/subDevice/subDevices/{id}");
    for path in [pair(&gateway, &alone), pair(&alone, &sub), pair("nowhere-1", &sub)] {
        assert_eq!(project.call("DELETE", &path, &Value::Null).await.body, message("Not Found"), "{path}");
    }
    let second = project.device(json!({"name": "second", "parentDevice": gateway})).await;
    let path = format!("/device/v1{}", pair(&gateway, &text(&second["id"])));
    for (status, body) in [(200, json!({})), (404, message("Not Found"))] {
        project.call("DELETE", &path, &Value::Null).await.is(status, &body);
    }
    let path = format!("/device/v1/devices/{gateway}");
    for (status, body) in [(200, json!({})), (404, message("Not Found"))] {
        project.call("DELETE", &path, &Value::Null).await.is(status, &body);
    }
    let left = project.get("/device/v1/devices").await.body;
    assert_eq!((left.as_array().map(Vec::len), &left[0]["id"]), (Some(1), &json!(alone)));
    project.get(&format!("/device/v1/devices/{sub}")).await.expect(404);
}

#[tokio::test]
async fn types_are_products_and_those_that_are_built_in_and_so_are_protocols() {
    let project = Project::start().await;
    let hue = "4023br5d-9f88-4f31-97c2-0e682aef543f";
    let expected = json!({
        "addOn": "@instathings/gate-addon-zigbee", "description": "Hue white and color ambiance",
        "fakeSampleLabel": "onoff", "id": hue, "manufacturer": "Philips", "model": "9290012573A",
        "pairingMethods": ["touchlink"], "physicalParameter": [], "protocols": ["vRy6GTde"],
        "rooms": ["closed-office", "meeting-room", "toilet", "archive", "living-room", "bedroom", "kitchen", "open-space"],
        "space": ["workspace", "home"], "type": "sensor",
    });
    project.get(&format!("/device/v1/types/{hue}")).await.is(200, &expected);
    let order = async || {
        let rows = project.get("/device/v1/types").await.body.as_array().expect("a list").clone();
        rows.iter()
            .map(|one| format!("{} {}", text(&one["manufacturer"]), text(&one["model"])))
            .collect::<Vec<_>>()
    };
    let built_in =
        ["Instathings gate", "Instathings gate-sandbox", "Philips 9290012573A", "Xiaomi WSDCGQ11LM"];
    assert_eq!(order().await, built_in);

    let product = json!({"name": "Pump", "metadata": {"manufacturer": "Acme", "rooms": ["toilet"]}});
    let product = project.server.client().post("/api/product/", &product).await.created();
    let shown = project.get(&format!("/device/v1/types/{}", text(&product["uuid"]))).await.body;
    let expected = json!({"model": "Pump", "rooms": ["toilet"], "space": [], "addOn": ""});
    assert_eq!(some(&shown, &["model", "rooms", "space", "addOn"]), expected);
    let lamps = [
        project.device(json!({"name": "lamp", "type": hue})).await,
        project.device(json!({"name": "lamp 2", "type": hue})).await,
    ];
    assert!(lamps.iter().all(|lamp| lamp["type"] == hue), "{lamps:?}");
    let mut all = built_in.to_vec();
    all.insert(0, "Acme Pump");
    assert_eq!(order().await, all, "a type that is used is listed once");
    let gateway = project.device(json!({"name": "g", "type": "4023bd5d-9f88-4761-97c2-0e682aef5437"})).await;
    let expected =
        json!({"isGateway": true, "subDevices": [], "protocols": ["IuYtREd0", "R2Jh6IhT", "vRy6GTde"]});
    assert_eq!(some(&gateway, &["isGateway", "subDevices", "protocols"]), expected);

    for (id, name, slug) in [
        ("vRy6GTde", "Zigbee", "zigbee"),
        ("IuYtREd0", "WiFi", "http"),
        ("R2Jh6IhT", "Bluetooth", "bluetooth"),
        ("knx", "KNX", "knx"),
        ("vRy7GTde", "Automations", "automations"),
        ("modbus", "Modbus", "modbus"),
    ] {
        let found = project.get(&format!("/device/v1/protocols/{id}")).await;
        found.is(200, &json!({"id": id, "name": name, "slug": slug}));
    }
    project.get("/device/v1/protocols/KNX").await.is(404, &message("Not Found"));
}
