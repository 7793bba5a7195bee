//! Rows stored over the platform's API, as the graph and SQL show them.

use serde_json::{Value, json};

use super::alerts::{SensorFixture, wait_for};
use super::exports::{EXPORTS, finished, request};
use super::{NOBODY, Platform, id};
use crate::graphql::{codes, data};
use crate::support::{assert_members, column, rows};

/// A pack with one profile of each kind.
fn pack() -> Value {
    let field = json!({"name": "set", "valueType": "DOUBLE", "unit": "C", "writable": true});
    json!({"key": "base", "version": "1", "name": "Base",
        "sensorProfiles": [{"key": "env", "name": "Environment", "version": "1.0", "fields": [field]}],
        "deviceProfiles": [{"key": "press", "name": "Press", "version": "1.0", "components":
            [{"key": "axis", "name": "Axis", "sensorProfileKey": "env", "sensorProfileVersion": "1.0"}]}]})
}

#[tokio::test]
async fn documents_are_the_same_in_the_graph_and_in_sql() {
    let platform = Platform::start().await;
    let (admin, client) = (&platform.admin, platform.server.client());
    let pack = admin.make("packs", pack()).await;
    let profiles = admin.get("/api/v1/sensor-profiles").await.body;
    let profile = id(&profiles["content"][0]);
    let place = json!({"lat": 51.5, "lon": 7.5});
    let site = admin.make("sites", json!({"name": "Works", "location": place})).await;
    let device = admin.make("devices", json!({"name": "Press", "siteId": site, "tags": ["hot"]})).await;
    let body = json!({"deviceId": device, "key": "axis", "name": "Axis", "sensorProfileId": profile});
    let component = admin.make("components", body).await;
    let group = admin.make("device-groups", json!({"name": "Hot", "tags": ["hot"]})).await;
    let artefact = json!({"name": "limits", "profileType": "SENSOR_PROFILE", "profileId": profile,
        "content": {"set": 1.5}});
    let artefact = admin.make("config-artefacts", artefact).await;
    let binding = format!("/api/v1/desired-state-bindings/{NOBODY}");
    let bound = json!({"targetType": "COMPONENT", "targetId": component, "configArtefactId": artefact});
    admin.send("PUT", &binding, &bound).await.created();

    let rows = rows![
        format!(
                "site(uuid: \"{site}\") {{ name location {{ lat lon altitude }} timezone devices {{ totalCount nodes {{ name }} }} }}"
            ),
            json!({"name": "Works", "location": {"lat": 51.5, "lon": 7.5, "altitude": null}, "timezone": "UTC",
                "devices": {"totalCount": 1, "nodes": [{"name": "Press"}]}});
        format!(
                "component(uuid: \"{component}\") {{ key name device {{ name }} sensorProfile {{ key version fields {{ name valueType unit writable }} }} documentVersion }}"
            ),
            json!({"key": "axis", "name": "Axis", "device": {"name": "Press"}, "documentVersion": 1,
                "sensorProfile": {"key": "env", "version": "1.0", "fields":
                    [{"name": "set", "valueType": "DOUBLE", "unit": "C", "writable": true}]}});
        format!(
                "deviceGroup(uuid: \"{group}\") {{ name tags devices {{ nodes {{ name tags site {{ name }} deviceGroups {{ name }} components {{ key }} desiredStateBindings {{ status }} }} }} }}"
            ),
            json!({"name": "Hot", "tags": ["hot"], "devices": {"nodes": [{"name": "Press", "tags": ["hot"],
                "site": {"name": "Works"}, "deviceGroups": [{"name": "Hot"}], "components": [{"key": "axis"}],
                "desiredStateBindings": [{"status": "PENDING"}]}]}});
        format!(
                "pack(uuid: \"{pack}\") {{ key version sensorProfiles {{ key pack {{ name }} }} deviceProfiles {{ key components {{ key sensorProfileKey }} }} }}"
            ),
            json!({"key": "base", "version": "1", "sensorProfiles": [{"key": "env", "pack": {"name": "Base"}}],
                "deviceProfiles": [{"key": "press", "components": [{"key": "axis", "sensorProfileKey": "env"}]}]});
        format!(
                "configArtefact(uuid: \"{artefact}\") {{ name version profileType sensorProfile {{ key }} deviceProfile {{ key }} content objectKey }}"
            ),
            json!({"name": "limits", "version": 1, "profileType": "SENSOR_PROFILE", "sensorProfile": {"key": "env"},
                "deviceProfile": null, "content": {"set": 1.5}, "objectKey": null});
        format!(
                "desiredStateBinding(uuid: \"{NOBODY}\") {{ targetType targetId device {{ name }} configArtefact {{ name }} desiredVersion status reportedVersion }}"
            ),
            json!({"targetType": "COMPONENT", "targetId": component, "device": {"name": "Press"},
                "configArtefact": {"name": "limits"}, "desiredVersion": 1, "status": "PENDING", "reportedVersion": null});
        format!("site(uuid: \"{component}\") {{ name }}"), Value::Null;
        "site(uuid: \"x\") { name }".to_owned(), Value::Null;
    ];
    for (field, expected) in rows {
        let name = field.split('(').next().unwrap_or_default();
        assert_eq!(data(&client, &format!("{{ {field} }}"), json!({})).await[name], expected, "{field}");
    }
    let lists = "{ sites(search: \"WORK\") { totalCount } components(search: \"none\") { totalCount }
        deviceProfiles { totalCount pageInfo { hasNextPage } } packs(first: 1, orderBy: NAME) { nodes { uuid } } }";
    let expected = json!({"sites": {"totalCount": 1}, "components": {"totalCount": 0},
        "deviceProfiles": {"totalCount": 1, "pageInfo": {"hasNextPage": false}}, "packs": {"nodes": [{"uuid": pack}]}});
    assert_eq!(data(&client, lists, json!({})).await, expected);

    let kinds = client.sql("SELECT kind, count(*) AS n FROM documents GROUP BY kind ORDER BY kind").await;
    let kinds: Vec<_> = kinds.iter().map(|row| (row["kind"].as_str().unwrap(), row["n"].as_i64())).collect();
    let every = rows![
        "artefact"; "binding"; "component"; "device_group"; "device_profile"; "pack"; "sensor_profile"; "site";
    ];
    assert_eq!(kinds, every.map(|kind| (kind, Some(1))));
    let joined = "SELECT s.name AS site, s.latitude, c.key, d.name FROM sites s JOIN devices d ON d.site_uuid = s.uuid JOIN components c ON c.device_id = d.id";
    let expected = json!({"site": "Works", "latitude": 51.5, "key": "axis", "name": "Press"});
    assert_eq!(client.sql(joined).await, [expected]);
}

#[tokio::test]
async fn what_is_secret_of_cameras_and_channels_is_in_no_surface() {
    let platform = Platform::start().await;
    let (admin, client) = (&platform.admin, platform.server.client());
    let device = admin.make("devices", json!({"name": "Press"})).await;
    let body = json!({"deviceId": device, "name": "gate", "streamUrl": "rtsp://admin:hushStream@127.0.0.1:9/1",
        "dvrUrl": "rtsp://admin:hushDvr@127.0.0.1:9/2"});
    let camera = admin.make("cameras", body).await;
    let config = json!({"url": "https://hooks.example/hushPath?token=hushQuery", "secret": "hushSecret"});
    let body = json!({"name": "hook", "type": "WEBHOOK", "config": config});
    let channel = admin.make("notification-channels", body).await;
    let rule =
        json!({"name": "record", "cameraIds": [camera], "match": {"deviceId": device, "severity": "INFO"}});
    let rule = admin.make("media-capture-rules", rule).await;

    let query = format!(
        "{{ camera(uuid: \"{camera}\") {{ name type streamUrl dvrUrl device {{ name }} }}
            notificationChannel(uuid: \"{channel}\") {{ name type enabled recipients url }}
            mediaCaptureRule(uuid: \"{rule}\") {{ name severity enabled device {{ name }} cameras {{ name }} }} }}"
    );
    let graph = data(&client, &query, json!({})).await;
    let expected = json!({
        "camera": {"name": "gate", "type": "RTSP", "streamUrl": "rtsp://admin@127.0.0.1:9/1",
            "dvrUrl": "rtsp://admin@127.0.0.1:9/2", "device": {"name": "Press"}},
        "notificationChannel": {"name": "hook", "type": "WEBHOOK", "enabled": true, "recipients": null,
            "url": "https://hooks.example/…"},
        "mediaCaptureRule": {"name": "record", "severity": "INFO", "enabled": true,
            "device": {"name": "Press"}, "cameras": [{"name": "gate"}]},
    });
    assert_eq!(graph, expected);
    let rows = json!(client.sql("SELECT kind, body FROM documents ORDER BY kind").await);
    assert_eq!(column(&rows, "kind"), ["camera", "capture_rule", "notification_channel"]);
    let audit = client.sql("SELECT * FROM audit_log").await;
    let found = client.sql("SELECT name FROM documents WHERE body LIKE '%hush%'").await;
    assert!(found.is_empty(), "what is not shown cannot be searched for either");
    assert!(!json!([rows, audit]).to_string().contains("hush"), "{rows:?} {audit:?}");
    assert!(!platform.server.log().contains("hush"));
    let shown = admin.get(&format!("/api/v1/cameras/{camera}")).await.body;
    assert_eq!(shown["streamUrl"], json!("rtsp://admin@127.0.0.1:9/1"));

    let wrong = json!([{"sensorId": NOBODY, "timestamp": "2026-04-28T12:00:00Z", "value": 1}]);
    assert_eq!(admin.status("POST", "/api/v1/readings", &wrong).await, 202);
    let query = "{ quarantinedReadings(reason: \"UNKNOWN_SENSOR\") { totalCount nodes { uuid reason topic device { name } } } }";
    let found = data(&client, query, json!({})).await;
    let page = &found["quarantinedReadings"];
    assert_members(page, &json!({"totalCount": 1, "/nodes/0/reason": "UNKNOWN_SENSOR"}));
    let one = format!("{{ quarantinedReading(uuid: {}) {{ topic }} }}", page["nodes"][0]["uuid"]);
    assert_eq!(data(&client, &one, json!({})).await["quarantinedReading"]["topic"], "/api/v1/readings");
    let rows = client.sql("SELECT reason, topic FROM quarantine").await;
    assert_eq!(rows, [json!({"reason": "UNKNOWN_SENSOR", "topic": "/api/v1/readings"})]);
    let query = "{ quarantinedReadings(reason: \"BAD\") { totalCount } }";
    let body = crate::graphql::ask(&client, query, json!({})).await;
    assert_eq!(codes(&body), ["INVALID"], "{body}");

    let body = json!({"deviceName": "press"});
    let token = admin.send("POST", "/api/v1/devices/registration/tokens", &body).await.created();
    let query = "{ registrationTokens { nodes { uuid status device { name } } } }";
    let found = data(&client, query, json!({})).await;
    let nodes = &found["registrationTokens"]["nodes"];
    assert_eq!(column(nodes, "status"), ["PENDING"]);
    assert_eq!(nodes[0]["device"]["name"], "press");
    let secret = token["token"].as_str().unwrap_or_else(|| panic!("{token}")).rsplit('.').next().unwrap();
    assert!(!found.to_string().contains(secret));
}

#[tokio::test]
async fn dashboards_classes_and_pairs_are_the_same_in_the_graph() {
    let platform = Platform::start().await;
    let (admin, client) = (&platform.admin, platform.server.client());
    let device = admin.make("devices", json!({"name": "Press"})).await;
    let mut parts = Vec::new();
    for key in ["one", "two"] {
        parts.push(admin.make("components", json!({"deviceId": device, "key": key, "name": key})).await);
    }
    let pair = json!({"name": "p", "primaryComponentId": parts[0], "referenceComponentId": parts[1],
        "validFrom": "2026-04-28T12:00:00Z"});
    let pair = admin.make("reference-pairs", pair).await;
    let field = json!({"name": "why", "type": "ENUM", "required": true, "options": ["wear"]});
    let class = json!({"key": "state", "name": "State", "scopes": ["DEVICE"], "fields": [field]});
    let class = admin.make("annotation-classes", class).await;
    let widget = json!({"id": "a", "type": "MAP", "x": 0, "y": 1, "w": 2, "h": 3, "config": {"zoom": 4}});
    let dashboard = admin.make("dashboards", json!({"name": "D", "layout": [widget]})).await;
    let query = format!(
        "{{ referencePair(uuid: \"{pair}\") {{ name primaryComponent {{ key }} referenceComponent {{ key }} validTo }}
            annotationClass(uuid: \"{class}\") {{ key scopes fields {{ name type required options }} pack {{ key }} }}
            dashboard(uuid: \"{dashboard}\") {{ name isDefault layout {{ id type x y w h config }} }}
            firmwareVersions {{ totalCount }} }}"
    );
    let expected = json!({
        "referencePair": {"name": "p", "primaryComponent": {"key": "one"}, "referenceComponent": {"key": "two"},
            "validTo": null},
        "annotationClass": {"key": "state", "scopes": ["DEVICE"], "fields": [field], "pack": null},
        "dashboard": {"name": "D", "isDefault": false, "layout": [widget]},
        "firmwareVersions": {"totalCount": 0},
    });
    assert_eq!(data(&client, &query, json!({})).await, expected);
}

#[tokio::test]
async fn rules_alerts_and_exports_are_in_the_graph() {
    let platform = Platform::start().await;
    let (admin, client) = (&platform.admin, platform.server.client());
    let mut press = SensorFixture::new(admin, "Press", "DOUBLE").await;
    let hot = id(&press.rule(admin, json!({"description": "too hot"})).await);
    let down = json!({"name": "down", "deviceId": press.device, "evaluation": "DEVICE_STATE", "operator": "NEQ",
        "threshold": "online", "windowSeconds": 3600, "severity": "INFO", "enabled": false});
    let down = admin.make("alert-rules", down).await;
    let shown = "uuid name evaluation threshold suppressedAlerts stream { name } device { name }";
    let of_stream = json!({"uuid": hot, "name": "hot", "evaluation": "VALUE", "threshold": 80.0,
        "suppressedAlerts": 0, "stream": {"name": "t"}, "device": null});
    let of_device = json!({"uuid": down, "name": "down", "evaluation": "DEVICE_STATE", "threshold": "online",
        "suppressedAlerts": 0, "stream": null, "device": {"name": "Press"}});
    for (arguments, expected) in [
        ("", vec![&of_stream, &of_device]),
        ("(enabled: true)", vec![&of_stream]),
        ("(search: \"OW\")", vec![&of_device]),
        ("(first: 1)", vec![&of_stream]),
    ] {
        let found =
            data(&client, &format!("{{ alertRules{arguments} {{ nodes {{ {shown} }} }} }}"), json!({})).await;
        assert_eq!(found["alertRules"]["nodes"], json!(expected), "{arguments}");
    }
    let one = |uuid: &str| format!("{{ alertRule(uuid: \"{uuid}\") {{ {shown} }} }}");
    assert_eq!(data(&client, &one(&down), json!({})).await["alertRule"], of_device);
    for uuid in [NOBODY, "x"] {
        assert_eq!(data(&client, &one(uuid), json!({})).await["alertRule"], Value::Null, "{uuid}");
    }

    press.report(admin, json!(99)).await;
    wait_for(admin, &hot, 1).await;
    let row = client.sql("SELECT id FROM events WHERE status = 'ACTIVE'").await[0]["id"].clone();
    let resolve = async |row: &Value, note: &str| {
        let change = format!(
            "mutation {{ resolveAlert(rowId: {row}, note: \"{note}\") {{ event {{ acknowledged alert {{ status note resolvedBy rule {{ uuid }} }} }}
                errors {{ field code }} }} }}"
        );
        data(&client, &change, json!({})).await["resolveAlert"].take()
    };
    let refused = resolve(&row, &"x".repeat(4001)).await;
    assert_eq!(refused, json!({"event": null, "errors": [{"field": "note", "code": "INVALID"}]}));
    let over = resolve(&row, "a fan was off").await;
    let alert = &over["event"]["alert"];
    assert_members(alert, &json!({"status": "RESOLVED", "note": "a fan was off", "/rule/uuid": hot}));
    assert_eq!(over["event"]["acknowledged"], true, "{over}");
    assert!(alert["resolvedBy"].is_string(), "{over}");
    assert_eq!(resolve(&row, "again").await, over, "a repeat changes nothing");
    press.report(admin, json!(99)).await;
    wait_for(admin, &hot, 2).await;
    let plain =
        data(&client, "mutation { createEvent(input: {kind: \"x\"}) { event { rowId } } }", json!({})).await;
    let refused = resolve(&plain["createEvent"]["event"]["rowId"], "no alert").await;
    assert_eq!(refused, json!({"event": null, "errors": [{"field": null, "code": "NOT_FOUND"}]}));

    let export = id(&admin.create(EXPORTS, request("DEVICE", &press.device)).await);
    finished(admin, &export).await;
    let shown = "uuid scopeType scopeId includes status progress error requestedBy";
    let query = format!(
        "{{ exports(status: \"READY\") {{ totalCount nodes {{ {shown} }} }} failed: exports(status: \"FAILED\") {{ totalCount }} }}"
    );
    let found = data(&client, &query, json!({})).await;
    let node = &found["exports"]["nodes"][0];
    let expected = json!({"uuid": export, "scopeType": "DEVICE", "scopeId": press.device, "status": "READY",
        "includes": ["READINGS", "ANNOTATIONS"], "progress": null, "error": null, "requestedBy": node["requestedBy"]});
    assert_eq!(node, &expected);
    assert_eq!((&found["exports"]["totalCount"], &found["failed"]["totalCount"]), (&json!(1), &json!(0)));
    let by_uuid = data(&client, &format!("{{ export(uuid: \"{export}\") {{ {shown} }} }}"), json!({})).await;
    assert_eq!(by_uuid["export"], expected);
    let wrong = crate::graphql::ask(&client, "{ exports(status: \"DONE\") { totalCount } }", json!({})).await;
    assert_eq!(codes(&wrong), ["INVALID"]);
}
