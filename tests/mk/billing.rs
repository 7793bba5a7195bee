//! Billing over the socket: the plan, who may choose it, and what is counted.

use serde_json::{Value, json};

use super::firmware::upload;
use super::{NO_RATE, Platform, field_errors, id, problem};

const PLAN: &str = "/api/v1/billing/plan";
const PLANS: (&str, &str) = ("BASALT_MK__PLANS", "starter:10:1000000:10GiB,plant:500:-:-");

#[tokio::test]
async fn the_plan_is_unlimited_until_the_owner_chooses_another() {
    let mut platform = Platform::start_with(&[NO_RATE, PLANS]).await;
    let (admin, owner) = (platform.admin.clone(), platform.user(&platform.org, "owner"));
    let none = json!({"devices": null, "readingsPerMonth": null, "storageBytes": null});
    let starter = json!({"devices": 10, "readingsPerMonth": 1_000_000, "storageBytes": 10_737_418_240_u64});
    let (status, _, billing) = admin.get("/api/v1/billing").await;
    assert_eq!((status, &billing["plan"], &billing["status"]), (200, &json!("unlimited"), &json!("ACTIVE")));
    assert_eq!(billing["limits"], none);
    let start = billing["currentPeriodStart"].as_str().unwrap();
    assert!(start.ends_with("-01T00:00:00Z"), "{billing}");
    assert!(billing["currentPeriodEnd"].as_str().unwrap() > start, "{billing}");
    let (_, _, plans) = admin.get("/api/v1/billing/plans").await;
    let plant = json!({"devices": 500, "readingsPerMonth": null, "storageBytes": null});
    let expected = json!([{"plan": "unlimited", "limits": none}, {"plan": "starter", "limits": starter},
        {"plan": "plant", "limits": plant}]);
    assert_eq!(plans["content"], expected);
    assert_eq!(plans["page"]["totalElements"], 3);
    let (status, _, body) = admin.send("PUT", PLAN, &json!({"plan": "starter"})).await;
    assert_eq!((status, body), (403, problem(403, "Forbidden", "Access Denied", PLAN)));
    for (body, expected) in [
        (json!({}), "plan: must not be blank"),
        (json!({"plan": " "}), "plan: must not be blank"),
        (json!({"plan": "gold"}), "plan: must be one of unlimited, starter, plant"),
    ] {
        let (status, _, answer) = owner.send("PUT", PLAN, &body).await;
        assert_eq!((status, field_errors(&answer)), (400, vec![expected.to_owned()]), "{body}");
    }
    let (status, _, chosen) = owner.send("PUT", PLAN, &json!({"plan": "starter"})).await;
    assert_eq!((status, &chosen["plan"], &chosen["limits"]), (200, &json!("starter"), &starter), "{chosen}");
    platform.server.kill();
    platform.server.start_again().await;
    assert_eq!(admin.get("/api/v1/billing").await.2, chosen, "after a crash");
    let stranger = platform.stranger().await;
    assert_eq!(
        stranger.get("/api/v1/billing").await.2["plan"],
        "unlimited",
        "the plan is of one organization"
    );
}

#[tokio::test]
async fn what_an_organization_uses_is_counted_for_itself() {
    let mut platform = Platform::start().await;
    let admin = platform.admin.clone();
    let stranger = platform.stranger().await;
    let usage = async |caller: &super::Caller| {
        let (status, _, usage) = caller.get("/api/v1/billing/usage").await;
        assert_eq!(status, 200, "{usage}");
        usage
    };
    let before = usage(&admin).await;
    let device = id(&admin.create("/api/v1/devices", json!({"name": "d"})).await);
    let sensor = json!({"deviceId": device, "key": "t", "name": "T", "valueType": "DOUBLE"});
    let sensor = id(&admin.create("/api/v1/sensors", sensor).await);
    let reading = |second: u32| {
        json!({"sensorId": sensor, "timestamp": format!("2026-04-28T12:00:{second:02}Z"), "value": 1.5,
            "metadata": {"batch": second}})
    };
    let readings: Vec<Value> = (0..30).map(reading).collect();
    let (status, _, accepted) = admin.send("POST", "/api/v1/readings", &json!(readings)).await;
    assert_eq!((status, &accepted["accepted"]), (202, &json!(30)), "{accepted}");
    let texts = [("name", "press"), ("version", "1.0.0")];
    assert_eq!(upload(&admin, &texts, Some(&[7; 5000]), &[]).await.0, 201);
    let number = |usage: &Value, name: &str| usage[name].as_u64().unwrap_or_else(|| panic!("{usage}"));
    let after = usage(&admin).await;
    let grown = |name: &str| number(&after, name) - number(&before, name);
    // Metadata is stored beside its reading and is none.
    assert_eq!((grown("devices"), grown("readings")), (1, 30), "{after}");
    assert!(grown("storageBytes") >= 5000, "{after}");
    assert_eq!(after["from"], admin.get("/api/v1/billing").await.2["currentPeriodStart"]);
    let theirs = usage(&stranger).await;
    assert_eq!((number(&theirs, "readings"), number(&theirs, "storageBytes")), (0, 0), "{theirs}");
    // An orderly end writes the counts, and flushes the readings.
    platform.server.restart().await;
    let again = usage(&admin).await;
    assert_eq!(number(&again, "readings"), number(&after, "readings"));
    assert!(number(&again, "storageBytes") > number(&before, "storageBytes") + 5000, "{again}");
    assert_eq!(number(&usage(&stranger).await, "storageBytes"), 0, "files of others");
}
