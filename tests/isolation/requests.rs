//! Requests of every API about a device, with placeholders for its names. The first of each list reads something that
//! the device has.

use crate::support::{row_vec, rows};
use serde_json::{Value, json};

/// A request; placeholders are those of `identifiers.rs`.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: &'static str,
    pub path: &'static str,
    pub body: String,
}

pub fn get(path: &'static str) -> Request {
    Request { method: "GET", path, body: String::new() }
}

pub fn send(method: &'static str, path: &'static str, body: &str) -> Request {
    Request { method, path, body: body.to_owned() }
}

/// Blynk's reads.
pub fn blynk_reads() -> Vec<Request> {
    [
        "/api/v2/organization/device/datastreams?deviceId={device}",
        "/api/v2/organization/device/datastreams?deviceId={device}&dataStreamIds=1",
        "/api/v1/organization/device/datastreams/batch?deviceIds={device}",
        "/api/v1/organization/device/datastream/history?deviceId={device}&dataStreamId=1&from=0&to=9999999999999",
        "/api/v1/organization/device/datastream/history?deviceId={device}&pin=v1&from=0&to=9999999999999",
        // Other names are none here.
        "/api/v2/organization/device/datastreams?deviceId={uuid}",
        "/api/v2/organization/device/datastreams?deviceId={key}",
        "/api/v2/organization/device/datastreams?deviceId={external}",
    ]
    .map(get)
    .into()
}

/// All of Blynk's endpoints.
pub fn blynk() -> Vec<Request> {
    let post = |path, body| send("POST", path, body);
    let writes = rows![
        post("/api/v1/organization/device/datastream", r#"{"deviceId":{device},"dataStreamId":1,"value":5}"#);
        post("/api/v1/organization/device/datastreams", r#"{"deviceId":{device},"dataStreams":[{"dataStreamId":1,"value":5}]}"#);
        post("/api/v1/organization/product/devices/batch-update", r#"{"fields":["deviceId","x"],"updates":[[{device},5]]}"#);
        post("/api/v1/organization/product/devices/batch-update",
            r#"{"fields":["deviceId","x"],"updates":[[{device},5]],"debug":true}"#);
        post("/api/v1/organization/device/import/batch",
            r#"{"deviceId":{device},"dataStreamId":1,"values":[{"value":5,"ts":1000}]}"#);
        post("/api/v1/organization/device/datastream/property",
            r##"{"deviceId":{device},"dataStreamId":1,"property":"color","value":"#FF0000"}"##);
    ];
    blynk_reads().into_iter().chain(writes).collect()
}

/// The native endpoints for devices, commands and what gateways report.
pub fn datastone() -> Vec<Request> {
    let mut requests: Vec<_> = rows![
        "/api/device/{device}/"; "/api/command/?device={device}"; "/api/command/{command}/";
        "/api/command/{request}/"; "/api/device/{uuid}/"; "/api/device/{key}/"; "/api/device/{external}/";
        "/api/event-log/?device={device}";
    ]
    .map(get)
    .into();
    requests.extend(rows![
        send("PATCH", "/api/device/{device}/", r#"{"name":"x"}"#);
        send("POST", "/api/command/", r#"{"device":{device},"type":"set","params":{}}"#);
        send("POST", "/api/command/{command}/result/", r#"{"state":"done","result":1}"#);
        send("POST", "/api/device/{device}/session/", r#"{"event":"connected"}"#);
        send("POST", "/api/device/{device}/log/", r#"{"container":"gate","lines":[{"timestamp":1,"type":"LOG","message":"x"}]}"#);
        send("POST", "/api/data/", r#"{"name":"x","device":{device}}"#);
        send("POST", "/api/device/{device}/tag-list/", "{}");
        send("DELETE", "/api/device/{device}/", "");
    ]);
    requests
}

/// The endpoints for products, which all keys of an organization see.
pub fn products() -> Vec<Request> {
    vec![
        get("/api/product/{product_id}/"),
        send("PATCH", "/api/product/{product_id}/", r#"{"name":"x"}"#),
        send("POST", "/api/product/", r#"{"name":"x y","parent":{product_id}}"#),
        send("DELETE", "/api/product/{product_id}/", ""),
    ]
}

/// Reads of a device on the MK platform, and of what belongs to its organization.
pub fn mk_reads() -> Vec<Request> {
    [
        "/api/v1/devices/{uuid}",
        "/api/v1/devices/{uuid}/health",
        "/api/v1/devices/{uuid}/health/history",
        "/api/v1/devices/{uuid}/commands",
        "/api/v1/devices/{uuid}/commands/{command}",
        "/api/v1/components/{component}",
        "/api/v1/components?deviceId={uuid}",
        "/api/v1/sensors/{sensor}",
        "/api/v1/sensors?deviceId={uuid}",
        "/api/v1/sensors?componentId={component}",
        "/api/v1/device-groups/{group}",
        "/api/v1/sites/{site}",
        "/api/v1/devices?siteId={site}",
        "/api/v1/devices?groupId={group}",
        "/api/v1/sensor-profiles/{profile}",
        "/api/v1/device-profiles/{profile}",
        "/api/v1/packs/{pack}",
        "/api/schemas/sensor-profile/{profile}",
        "/api/v1/config-artefacts/{artefact}",
        "/api/v1/config-artefacts?profileId={profile}",
        "/api/v1/desired-state-bindings/{binding}",
        "/api/v1/desired-state-bindings?targetId={uuid}",
        "/api/v1/admin/quarantine/{quarantined}",
        "/api/v1/admin/quarantine?deviceId={uuid}",
        "/api/v1/readings/sensor/{sensor}?from=2026-04-28T00:00:00Z&to=2026-04-29T00:00:00Z",
        "/api/v1/readings/sensor/{sensor}/window?duration=PT1H",
        "/api/v1/readings/sensor/{sensor}/aggregated?from=2026-04-28T00:00:00Z&to=2026-04-29T00:00:00Z&interval=PT1H",
        "/api/v1/readings?sensorId={sensor}&from=2026-04-28T00:00:00Z&to=2026-04-29T00:00:00Z",
        "/api/v1/readings?deviceId={uuid}&from=2026-04-28T00:00:00Z&to=2026-04-29T00:00:00Z",
        "/api/v1/readings/sensor/{sensor}/stats?from=2026-04-28T00:00:00Z&to=2026-04-29T00:00:00Z",
        "/api/v1/readings/sensor/{sensor}/latest",
        // Other names are none here.
        "/api/v1/devices/{key}",
        "/api/v1/cameras/{dashboard}",
        "/api/v1/alerts/{rule}",
        "/api/v1/components/{site}",
        "/api/v1/sites/{component}",
    ]
    .map(get)
    .into()
}

/// Reads of alerts, annotations, exports, firmware and media on the MK platform.
pub fn mk_other_reads() -> Vec<Request> {
    [
        "/api/v1/alert-rules/{rule}",
        "/api/v1/alert-rules?sensorId={sensor}",
        "/api/v1/alert-rules?deviceId={uuid}",
        "/api/v1/alert-rules/{device_rule}",
        "/api/v1/alerts/{event}",
        "/api/v1/alerts/{event}/notifications",
        "/api/v1/alerts?ruleId={rule}",
        "/api/v1/events/{event}",
        "/api/v1/events/{event}/lifecycle",
        "/api/v1/events?deviceId={uuid}",
        "/api/v1/notification-channels/{channel}",
        "/api/v1/annotation-classes/{class}",
        "/api/v1/annotations/{annotation}",
        "/api/v1/annotations?classId={class}",
        "/api/v1/annotations/by-source?source=MANUAL&classId={class}",
        "/api/v1/annotations/by-source?source=MANUAL&scopeId={sensor}",
        "/api/v1/reference-pairs/{pair}",
        "/api/v1/reference-pairs?componentId={component}",
        "/api/v1/dashboards/{dashboard}",
        "/api/v1/exports/{export}",
        "/api/v1/firmware/{firmware}",
        "/api/v1/cameras/{camera}",
        "/api/v1/cameras?deviceId={uuid}",
        "/api/v1/media-capture-rules/{capture_rule}",
        "/api/v1/captures/{capture}",
        "/api/v1/captures/{capture}/download",
        "/api/v1/captures?cameraId={camera}",
        "/api/v1/dvr-clip-requests/{clip}",
        "/api/v1/dvr-clip-requests?cameraId={camera}",
        "/api/v1/live/{live}",
        // These show what the organization of the caller has.
        "/api/v1/notification-channels",
        "/api/v1/dashboards",
        "/api/v1/exports",
        "/api/v1/firmware",
        "/api/v1/live",
        "/api/v1/billing",
        "/api/v1/billing/plans",
        "/api/v1/annotations/by-source?source=MANUAL",
        "/api/v1/alert-rules",
        "/api/v1/alerts",
        "/api/v1/events",
    ]
    .map(get)
    .into()
}

/// Changes on the MK platform.
pub fn mk_changes() -> Vec<Request> {
    let component = r#"{"deviceId":"{uuid}","key":"x","name":"x"}"#;
    let binding = r#"{"targetType":"DEVICE","targetId":"{uuid}","configArtefactId":"{artefact}"}"#;
    let sensor = r#"{"deviceId":"{uuid}","key":"k","name":"x","valueType":"TEXT"}"#;
    vec![
        send("PATCH", "/api/v1/devices/{uuid}", r#"{"name":"x"}"#),
        send("PUT", "/api/v1/devices/{uuid}", r#"{"name":"x"}"#),
        send("POST", "/api/v1/devices/{uuid}/commands", r#"{"type":"RESTART","params":{}}"#),
        send("POST", "/api/v1/devices/{uuid}/certificate/revoke", ""),
        send("POST", "/api/v1/devices", r#"{"name":"x y","siteId":"{site}"}"#),
        send("POST", "/api/v1/devices", r#"{"name":"x y","groupIds":["{group}"]}"#),
        send("POST", "/api/v1/sensors", sensor),
        send("PUT", "/api/v1/sensors/{sensor}", sensor),
        send("POST", "/api/v1/components", component),
        send("PUT", "/api/v1/components/{component}", component),
        send("PUT", "/api/v1/sites/{site}", r#"{"name":"x"}"#),
        send("PUT", "/api/v1/device-groups/{group}", r#"{"name":"x","deviceIds":["{uuid}"]}"#),
        send("POST", "/api/v1/device-groups", r#"{"name":"x y","deviceIds":["{uuid}"]}"#),
        send("PUT", "/api/v1/desired-state-bindings/{binding}", binding),
        send("POST", "/api/v1/readings", r#"{"sensorId":"{sensor}","timestamp":"x","value":1}"#),
        send("DELETE", "/api/v1/admin/quarantine/{quarantined}", ""),
        send("DELETE", "/api/v1/desired-state-bindings/{binding}", ""),
        send("DELETE", "/api/v1/components/{component}", ""),
        send("DELETE", "/api/v1/sites/{site}", ""),
        send("DELETE", "/api/v1/device-groups/{group}", ""),
        send("DELETE", "/api/v1/packs/{pack}", ""),
        send("DELETE", "/api/v1/sensors/{sensor}", ""),
        send("DELETE", "/api/v1/devices/{uuid}", ""),
    ]
}

/// Changes of alerts, annotations, exports, firmware and media on the MK platform.
pub fn mk_other_changes() -> Vec<Request> {
    let rule = r#"{"name":"x","sensorId":"{sensor}","evaluation":"VALUE","operator":"GT","threshold":1,"severity":"INFO","notificationChannelIds":["{channel}"]}"#;
    let device_rule = r#"{"name":"x y","deviceId":"{uuid}","evaluation":"DEVICE_STATE","operator":"EQ","threshold":"offline","windowSeconds":60,"severity":"INFO"}"#;
    let channel = r#"{"name":"x","type":"WEBHOOK","config":{"url":"http://127.0.0.1:9","secret":"x"}}"#;
    let annotation = r#"{"classId":"{class}","scopeType":"SENSOR","scopeId":"{sensor}","startTime":"2026-04-28T00:00:00Z"}"#;
    let pair = r#"{"primaryComponentId":"{component}","referenceComponentId":"{site}","validFrom":"2026-04-28T00:00:00Z"}"#;
    let camera = r#"{"deviceId":"{uuid}","name":"x","streamUrl":"rtsp://127.0.0.1:9/1"}"#;
    let capture =
        r#"{"name":"x","cameraIds":["{camera}"],"match":{"deviceId":"{uuid}","sensorId":"{sensor}"}}"#;
    row_vec![
        send("PUT", "/api/v1/alert-rules/{rule}", rule);
        send("POST", "/api/v1/alert-rules", rule);
        send("POST", "/api/v1/alert-rules", device_rule);
        send("PUT", "/api/v1/alert-rules/{device_rule}", device_rule);
        send("DELETE", "/api/v1/alert-rules/{device_rule}", "");
        send("POST", "/api/v1/alert-rules/{rule}/enable", "");
        send("POST", "/api/v1/alert-rules/{rule}/disable", "");
        send("DELETE", "/api/v1/alert-rules/{rule}", "");
        send("POST", "/api/v1/alerts/{event}/acknowledge", "{}");
        send("POST", "/api/v1/alerts/{event}/resolve", "{}");
        send("POST", "/api/v1/events", r#"{"type":"x","severity":"INFO","title":"x","deviceId":"{uuid}","sensorId":"{sensor}"}"#);
        send("PUT", "/api/v1/notification-channels/{channel}", channel);
        send("POST", "/api/v1/notification-channels/{channel}/test", "");
        send("DELETE", "/api/v1/notification-channels/{channel}", "");
        send("POST", "/api/v1/annotations", annotation);
        send("PUT", "/api/v1/annotations/{annotation}", annotation);
        send("DELETE", "/api/v1/annotations/{annotation}", "");
        send("PUT", "/api/v1/annotation-classes/{class}", r#"{"key":"x","name":"x","scopes":["SITE"],"fields":[]}"#);
        send("DELETE", "/api/v1/annotation-classes/{class}", "");
        send("POST", "/api/v1/reference-pairs", pair);
        send("PUT", "/api/v1/reference-pairs/{pair}", pair);
        send("DELETE", "/api/v1/reference-pairs/{pair}", "");
        send("PUT", "/api/v1/dashboards/{dashboard}", r#"{"name":"x","layout":[]}"#);
        send("DELETE", "/api/v1/dashboards/{dashboard}", "");
        send("POST", "/api/v1/exports",
            r#"{"scopeType":"SENSOR","scopeId":"{sensor}","from":"2026-04-28T00:00:00Z","to":"2026-04-29T00:00:00Z","includes":["READINGS"]}"#);
        send("DELETE", "/api/v1/exports/{export}", "");
        send("POST", "/api/v1/firmware/{firmware}/download-tokens", r#"{"deviceId":"{uuid}"}"#);
        send("DELETE", "/api/v1/firmware/{firmware}", "");
        send("POST", "/api/v1/cameras", camera);
        send("PUT", "/api/v1/cameras/{camera}", camera);
        send("POST", "/api/v1/cameras/{camera}/live", "");
        send("DELETE", "/api/v1/live/{live}", "");
        send("POST", "/api/v1/dvr-clip-requests",
            r#"{"cameraId":"{camera}","from":"2026-04-28T00:00:00Z","to":"2026-04-28T00:01:00Z"}"#);
        send("POST", "/api/v1/media-capture-rules", capture);
        send("PUT", "/api/v1/media-capture-rules/{capture_rule}", capture);
        send("DELETE", "/api/v1/media-capture-rules/{capture_rule}", "");
        send("DELETE", "/api/v1/cameras/{camera}", "");
    ]
}

/// Documents that the whole organization sees, by the graph and by SQL.
pub fn shared_documents() -> Vec<Request> {
    vec![
        graphql_of(
            "{ site(uuid: \"{site}\") { name devices { totalCount } } deviceGroup(uuid: \"{group}\") { name tags }
             pack(uuid: \"{pack}\") { key sensorProfiles { key } } sensorProfile(uuid: \"{profile}\") { key }
             deviceProfile(uuid: \"{profile}\") { key } dashboard(uuid: \"{dashboard}\") { name }
             firmware(uuid: \"{firmware}\") { name } annotationClass(uuid: \"{class}\") { key } notificationChannel(uuid: \"{channel}\") { name url }
             mediaCaptureRule(uuid: \"{capture_rule}\") { name } configArtefact(uuid: \"{artefact}\") { name content } }",
        ),
        sql_of("SELECT name, body FROM documents WHERE uuid = '{site}' OR uuid = '{group}' OR uuid = '{artefact}'"),
        sql_of("SELECT name FROM sites WHERE uuid = '{site}'"),
    ]
}

pub fn graphql_of(query: &str) -> Request {
    let body: Value = json!({ "query": query });
    send("POST", "/graphql", &body.to_string())
}

/// Queries and mutations of the graph.
pub fn graphql() -> Vec<Request> {
    [
        "{ device(rowId: {device}) { name key externalId product { name } parentDevice { name } } }",
        "{ messages(device: \"{device}\") { totalCount nodes { payload device { name } } } }",
        "{ command(uuid: \"{command}\") { type params } }",
        "{ commands(device: \"{device}\") { type params } }",
        "{ component(uuid: \"{component}\") { name key device { name } } quarantinedReading(uuid: \"{quarantined}\") { payload } }",
        "{ desiredStateBinding(uuid: \"{binding}\") { status configArtefact { name } device { name } } }",
        "{ quarantinedReadings(device: \"{device}\") { totalCount } mqttSessions(device: \"{device}\") { totalCount } }",
        "{ camera(uuid: \"{camera}\") { name streamUrl device { name } } referencePair(uuid: \"{pair}\") { name } }",
        "{ alertRule(uuid: \"{rule}\") { name stream { name } } down: alertRule(uuid: \"{device_rule}\") { name device { name } } export(uuid: \"{export}\") { status requestedBy } }",
        "{ device(rowId: {device}) { tags site { name } components { name } desiredStateBindings { status } } }",
        "mutation { updateDevice(rowId: {device}, input: {name: \"x\"}) { device { name } errors { field code } } }",
        "mutation { deleteDevice(rowId: {device}) { errors { field code } } }",
    ]
    .map(graphql_of)
    .into()
}

fn sql_of(query: &str) -> Request {
    let body: Value = json!({ "query": query });
    send("POST", "/sql", &body.to_string())
}

/// Queries of tables with names of devices, messages and commands.
pub fn sql() -> Vec<Request> {
    [
        "SELECT count(*) AS n FROM devices WHERE id = {device} OR parent_device_id = {device}",
        "SELECT count(*) AS n FROM messages WHERE device_id = {device}",
        "SELECT payload FROM messages WHERE uuid = '{message}' OR uuid = '{derived}'",
        "SELECT params FROM commands WHERE uuid = '{command}' OR key = '{request}' OR device_id = {device}",
        "SELECT name FROM components WHERE uuid = '{component}' OR device_id = {device}",
        "SELECT body FROM documents WHERE uuid = '{component}' OR uuid = '{binding}' OR uuid = '{camera}' OR uuid = '{pair}' OR device_id = {device}",
        "SELECT payload FROM quarantine WHERE uuid = '{quarantined}' OR device_id = {device}",
        "SELECT client_id FROM mqtt_sessions WHERE device_id = {device}",
        "SELECT name FROM devices WHERE uuid = '{uuid}' OR key = '{key}' OR external_id = '{external}'",
    ]
    .map(sql_of)
    .into()
}

/// The lists of OpenSynaptic, and its packets by their ids.
pub fn opensynaptic() -> Vec<Request> {
    [
        "/api/data/packets?device_id={external}",
        "/api/data/sensors?device_id={external}",
        "/api/data/packets?device_id={uuid}",
        "/api/data/packets?device_id={key}",
        "/api/data/packets/{message}",
        "/api/data/packets/{derived}",
        "/api/data/packets/{uuid}",
        "/api/data/packets/{command}",
    ]
    .map(get)
    .into()
}

/// The list of Instathings on-premise.
pub fn onpremise() -> Vec<Request> {
    [
        "/device/v1/devices/{key}/data",
        "/device/v1/devices/{key}/data?start=0&perPage=100&sort=-ts",
        "/device/v1/devices/{device}/data",
    ]
    .map(get)
    .into()
}
