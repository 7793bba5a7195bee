//! Billing over the socket: the plan, who may choose it, and what is counted.

use serde_json::{Value, json};

use super::firmware::upload;
use super::{NO_RATE, Platform, problem};

const PLAN: &str = "/api/v1/billing/plan";
const PLANS: (&str, &str) = ("BASALT_MK__PLANS", "starter:10:1000000:10GiB,plant:500:-:-");

#[tokio::test]
async fn the_plan_is_unlimited_until_the_owner_chooses_another() {
    let mut platform = Platform::start_with(&[NO_RATE, PLANS]).await;
    let (admin, owner) = (platform.admin.clone(), platform.user(&platform.org, "owner"));
    let none = json!({"devices": null, "readingsPerMonth": null, "storageBytes": null});
    let starter = json!({"devices": 10, "readingsPerMonth": 1_000_000, "storageBytes": 10_737_418_240_u64});
    let billing = admin.get("/api/v1/billing").await;
    let billing = billing.has(200, json!({"plan": "unlimited", "status": "ACTIVE"}));
    assert_eq!(billing["limits"], none);
    let start = billing["currentPeriodStart"].as_str().unwrap();
    assert!(start.ends_with("-01T00:00:00Z"), "{billing}");
    assert!(billing["currentPeriodEnd"].as_str().unwrap() > start, "{billing}");
    let plans = admin.get("/api/v1/billing/plans").await.body;
    let plant = json!({"devices": 500, "readingsPerMonth": null, "storageBytes": null});
    let expected = json!([{"plan": "unlimited", "limits": none}, {"plan": "starter", "limits": starter},
        {"plan": "plant", "limits": plant}]);
    assert_eq!(plans["content"], expected);
    assert_eq!(plans["page"]["totalElements"], 3);
    let body = admin.send("PUT", PLAN, &json!({"plan": "starter"})).await;
    body.is(403, &problem(403, "Forbidden", "Access Denied", PLAN));
    for (body, expected) in [
        (json!({}), "plan: must not be blank"),
        (json!({"plan": " "}), "plan: must not be blank"),
        (json!({"plan": "gold"}), "plan: must be one of unlimited, starter, plant"),
    ] {
        owner.send("PUT", PLAN, &body).await.has_field_errors(400, &[expected]);
    }
    let chosen = owner.send("PUT", PLAN, &json!({"plan": "starter"})).await;
    let chosen = chosen.has(200, json!({"plan": "starter", "limits": starter}));
    platform.server.crash().await;
    assert_eq!(admin.get("/api/v1/billing").await.body, chosen, "after a crash");
    let stranger = platform.stranger().await;
    assert_eq!(stranger.get("/api/v1/billing").await["plan"], "unlimited", "the plan is of one organization");
}

#[tokio::test]
async fn what_an_organization_uses_is_counted_for_itself() {
    let (mut platform, admin) = Platform::with_admin().await;
    let stranger = platform.stranger().await;
    let usage = async |caller: &super::Caller| caller.get("/api/v1/billing/usage").await.ok();
    let before = usage(&admin).await;
    let device = admin.make("devices", json!({"name": "d"})).await;
    let sensor = json!({"deviceId": device, "key": "t", "name": "T", "valueType": "DOUBLE"});
    let sensor = admin.make("sensors", sensor).await;
    let reading = |second: u32| {
        json!({"sensorId": sensor, "timestamp": format!("2026-04-28T12:00:{second:02}Z"), "value": 1.5,
            "metadata": {"batch": second}})
    };
    let readings: Vec<Value> = (0..30).map(reading).collect();
    admin.send("POST", "/api/v1/readings", &json!(readings)).await.has(202, json!({"accepted": 30}));
    upload(&admin, &[("name", "press"), ("version", "1.0.0")], Some(&[7; 5000]), &[]).await.created();
    let number = |usage: &Value, name: &str| usage[name].as_u64().unwrap_or_else(|| panic!("{usage}"));
    let after = usage(&admin).await;
    let grown = |name: &str| number(&after, name) - number(&before, name);
    // Metadata is stored beside its reading and is none.
    assert_eq!((grown("devices"), grown("readings")), (1, 30), "{after}");
    assert!(grown("storageBytes") >= 5000, "{after}");
    assert_eq!(after["from"], admin.get("/api/v1/billing").await["currentPeriodStart"]);
    let theirs = usage(&stranger).await;
    assert_eq!((number(&theirs, "readings"), number(&theirs, "storageBytes")), (0, 0), "{theirs}");
    // An orderly end writes the counts, and flushes the readings.
    platform.server.restart().await;
    let again = usage(&admin).await;
    assert_eq!(number(&again, "readings"), number(&after, "readings"));
    assert!(number(&again, "storageBytes") > number(&before, "storageBytes") + 5000, "{again}");
    assert_eq!(number(&usage(&stranger).await, "storageBytes"), 0, "files of others");
}
