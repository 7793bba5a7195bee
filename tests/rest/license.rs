//! Endpoint 48, the license itself, and what it limits.

use std::path::Path;

use basalt::app::host::HostSettings;
use basalt::domain::device::{DeviceSpec, Protocol};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::matches;
use crate::in_process::TestEnv;
use crate::support::{Server, rows, with};

fn seller() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap()
}

fn public_key() -> String {
    hex::encode(seller().public_key())
}

fn payload(machine: &str, changes: Value) -> Value {
    with(
        json!({"license_id": "L-1", "product": "basalt", "machine_id": machine, "customer": "Plant",
               "features": ["ai"], "max_devices": 2, "not_before": "2020-01-01T00:00:00Z", "expires_at": null}),
        changes,
    )
}

fn install(path: &Path, payload: &Value) {
    let payload = payload.to_string();
    let signature = BASE64.encode(seller().sign(payload.as_bytes()));
    let file = json!({"payload": BASE64.encode(&payload), "signature": signature, "key_id": "k1"});
    std::fs::write(path, file.to_string()).unwrap();
}

#[tokio::test]
async fn an_activation_request_names_the_machine_and_stays_the_same() {
    let mut server = Server::start(&[]).await;
    let path = "/api/license/activation-request/";
    let (status, first) = server.client().get(path).await.outcome();
    let expected = json!({
        "version": 1, "product": "basalt", "product_version": env!("CARGO_PKG_VERSION"), "machine_id": "*",
        "fingerprint": {"machine_id": "*", "board": "*", "macs": "*", "hostname": "*"},
        "public_key_id": "k1", "created_at": "*"
    });
    assert!(status == 200 && matches(&first, &expected), "{status} {first}");
    for hash in [&first["machine_id"], &first["fingerprint"]["machine_id"]] {
        let hash = hash.as_str().unwrap();
        assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
    }
    if let Ok(id) = std::fs::read_to_string("/etc/machine-id")
        && !id.trim().is_empty()
    {
        assert!(!first.to_string().contains(id.trim()), "facts are hashed");
    }
    server.restart().await;
    let again = server.client().get(path).await.body;
    assert_eq!((&again["machine_id"], &again["fingerprint"]), (&first["machine_id"], &first["fingerprint"]));
}

#[tokio::test]
async fn a_license_of_this_machine_counts_and_limits_devices() {
    let mut server = Server::start(&[("BASALT_LICENSE__PUBLIC_KEY", &public_key())]).await;
    let evaluation =
        json!({"mode": "evaluation", "problem": null, "license": null, "devices": 0, "checked_at": "*"});
    let state = server.client().get("/api/license/").await.ok();
    assert!(matches(&state, &evaluation), "{state}");
    let request = server.client().get("/api/license/activation-request/").await.body;
    let machine = request["machine_id"].as_str().unwrap().to_owned();
    let file = server.data_dir.path().join("license.json");
    let sound = payload(&machine, json!({}));
    install(&file, &sound);
    server.restart().await;
    let client = server.client();
    let device = |name: &str| json!({"name": name, "protocol": "virtual"});
    for (name, expected) in [("a", 201), ("b", 201), ("c", 403)] {
        let answer = client.post("/api/device/", &device(name)).await.about(name).expect(expected);
        assert!(expected == 201 || answer == json!({"detail": "License limit reached."}), "{name}: {answer}");
    }
    let licensed = json!({
        "mode": "licensed", "problem": null, "devices": 2, "checked_at": "*",
        "license": {"license_id": "L-1", "customer": "Plant", "features": ["ai"], "max_devices": 2,
                    "not_before": "2020-01-01T00:00:00Z", "expires_at": null}
    });
    let state = client.get("/api/license/").await.body;
    assert!(matches(&state, &licensed), "{state}");
    client.patch("/api/device/1/", &json!({"unit": 2})).await.about("nothing else is limited").ok();

    let tampered = std::fs::read_to_string(&file).unwrap().replace(r#""k1""#, r#""k2""#);
    for (name, prepare, problem) in rows![
        "elsewhere", payload("0".repeat(64).as_str(), json!({})).to_string(), "it is for another machine";
        "ended", payload("*", json!({"expires_at": "2021-01-01"})).to_string(), "it ended 2021-01-01T00:00:00Z";
        "of_another_product", payload("*", json!({"product": "x"})).to_string(), "it is for the product `x`";
        "by_another_key", String::new(), "it is signed by the key `k2`, the one configured is `k1`";
    ] {
        match prepare.as_str() {
            "" => std::fs::write(&file, &tampered).unwrap(),
            payload => install(&file, &serde_json::from_str(payload).unwrap()),
        }
        server.restart().await;
        let state = server.client().get("/api/license/").await.body;
        assert_eq!((&state["mode"], &state["problem"]), (&json!("evaluation"), &json!(problem)), "{name}");
        assert!(server.log().contains(problem), "{name}: {}", server.log());
        let answer = server.client().post("/api/device/", &device(name)).await;
        answer.about(&format!("{name}: nothing is refused in evaluation")).created();
    }
}

/// The hourly look finds a license that comes, one that ends, one that goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_license_is_looked_at_again() {
    let (env, dir, db) = TestEnv::open_new(1).await;
    let file = dir.path().join("elsewhere.json");
    let key = seller().public_key().as_ref().try_into().unwrap();
    let host =
        HostSettings { license_key: Some(key), license_path: Some(file.clone()), ..HostSettings::default() };
    let app = db.app_with(host);
    let device = async |name: &str| {
        app.devices.create_device(&env.owner, DeviceSpec::new(name, Protocol::Virtual)).await
    };
    let is_licensed = || app.licensing.license(&env.owner).unwrap().0.state.license().is_some();
    app.licensing.check_license(&env.owner).await.unwrap();
    assert!(!is_licensed());
    // One device is there already. The clock of this test stands at 2026-04-28T12:00:00Z.
    install(&file, &payload("*", json!({"max_devices": 1, "expires_at": "2026-04-28T13:00:00Z"})));
    assert!(device("before it is looked at").await.is_ok());
    app.licensing.check_license(&env.owner).await.unwrap();
    assert!(is_licensed() && device("past the limit").await.is_err());
    env.clock.advance(3600 * 1_000_000);
    app.licensing.check_license(&env.owner).await.unwrap();
    assert!(!is_licensed() && device("after its end").await.is_ok());
    std::fs::remove_file(&file).unwrap();
    app.licensing.check_license(&env.owner).await.unwrap();
    let (report, devices) = app.licensing.license(&env.owner).unwrap();
    assert_eq!((report.state.problem(), devices), (None, 3));
}
