//! Cameras, captures, clips and live sessions over the socket. A script stands for ffmpeg, and a socket for a camera.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::media_support::{LIMIT, Media, PASSWORD, fetch};
use super::{NO_RATE, NOBODY, Platform, field_errors, id};
use crate::support::{assert_members, rows, until, with};

#[tokio::test]
async fn a_password_is_taken_and_shown_nowhere() {
    let media = Media::start().await;
    let admin = &media.platform.admin;
    let body = json!({"deviceId": media.device, "name": "a", "streamUrl": media.url("main")});
    let made = admin.create("/api/v1/cameras", body.clone()).await;
    let shown = format!("rtsp://admin@127.0.0.1:{}/main", media.port);
    assert_members(&made, &json!({"streamUrl": shown, "type": "RTSP", "dvrUrl": null}));
    let one = format!("/api/v1/cameras/{}", id(&made));
    let online = media.until(&one, "ONLINE").await;
    assert!(online["lastSeenAt"].is_string(), "{online}");
    admin.send("POST", "/api/v1/cameras", &body).await.about("the name is taken").expect(409);
    // What was shown may be sent back: the password stays.
    let again =
        json!({"deviceId": media.device, "name": "b", "streamUrl": shown, "dvrUrl": media.url("refuse")});
    admin.send("PUT", &one, &again).await.has(200, json!({"name": "b", "streamUrl": shown}));
    let other = admin.make("devices", json!({"name": "other"})).await;
    let moved = json!({"deviceId": other, "name": "b", "streamUrl": shown});
    admin.send("PUT", &one, &moved).await.about("the device is fixed").expect(409);
    let clip = media.clip(&id(&made)).await;
    assert_eq!(media.until(&clip, "FAILED").await["error"], "the camera refuses user or password");
    for path in ["/api/v1/cameras", "/api/v1/captures", "/api/v1/dvr-clip-requests", &one, &clip] {
        let body = admin.get(path).await.body;
        assert!(!body.to_string().contains(PASSWORD), "{path}: {body}");
    }
    assert!(!media.platform.server.log().contains(PASSWORD));
    let audit = media.platform.client.sql("SELECT * FROM audit_log").await;
    assert!(!json!(audit).to_string().contains(PASSWORD));
    admin.send("DELETE", &one, &Value::Null).await.expect(204);
    admin.send("DELETE", &one, &Value::Null).await.expect(404);
    admin.get(&clip).await.about("clips go with their camera").expect(404);
}

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    let media = Media::start().await;
    let (admin, device) = (&media.platform.admin, &media.device);
    let camera = media.camera("main").await;
    let rule = |more: Value| with(json!({"name": "r", "cameraIds": [camera], "match": {}}), more);
    let url_message = "streamUrl: must be a URL that begins with rtsp:// or rtsps://";
    for (noun, body, expected) in rows![
        "cameras", json!({}), vec!["deviceId: must not be null", "name: must not be blank", "streamUrl: must not be blank"];
        "cameras", json!({"deviceId": NOBODY, "name": "x", "streamUrl": "rtsp://c/1"}), vec!["deviceId: does not exist"];
        "cameras", json!({"deviceId": device, "name": "x", "streamUrl": "file:///etc/passwd"}), vec![url_message];
        "cameras", json!({"deviceId": device, "name": "x", "streamUrl": "concat:a|b"}), vec![url_message];
        "cameras", json!({"deviceId": device, "name": "x", "type": "HLS", "streamUrl": "rtsp://c/1"}),
            vec!["streamUrl: must be a URL that begins with http:// or https://"];
        "cameras", json!({"deviceId": device, "name": "x", "type": "MPEG", "streamUrl": "rtsp://c/1"}),
            vec!["type: must be one of RTSP, HLS, V4L2"];
        "cameras", json!({"deviceId": device, "name": "x", "streamUrl": "/dev/video0"}),
            vec!["streamUrl: is no video device that cameras may be: media.devices lists these"];
        "media-capture-rules", json!({}),
            vec!["cameraIds: must not be null", "match: must not be null", "name: must not be blank"];
        "media-capture-rules", rule(json!({"cameraIds": [], "preRollSeconds": 301, "maxPerHour": 0})),
            vec!["cameraIds: size must be between 1 and 100", "maxPerHour: must be between 1 and 3600",
                 "preRollSeconds: must be between 0 and 300"];
        "media-capture-rules",
            rule(json!({"cameraIds": [NOBODY], "match": {"source": "X", "severity": "X", "deviceId": NOBODY, "sensorId": NOBODY}})),
            vec!["cameraIds[0]: does not exist", "match.deviceId: does not exist", "match.sensorId: does not exist",
                 "match.severity: must be one of INFO, WARNING, CRITICAL",
                 "match.source: must be one of ALERT_RULE, DEVICE, USER, SYSTEM, JOB"];
        "dvr-clip-requests", json!({}), vec!["cameraId: must not be null", "from: must not be null", "to: must not be null"];
        "dvr-clip-requests", json!({"cameraId": NOBODY, "from": "2026-04-28T12:00:00Z", "to": "2026-04-28T13:00:01Z"}),
            vec!["cameraId: does not exist", "to: must be at most 3600 seconds after 'from'"];
        "dvr-clip-requests", json!({"cameraId": camera, "from": "2026-04-28T12:00:00Z", "to": "2099-04-28T12:00:00Z"}),
            vec!["to: must be at most 3600 seconds after 'from'"];
    ] {
        let answer = admin.send("POST", &format!("/api/v1/{noun}"), &body).await.expect(400);
        let errors = field_errors(&answer);
        let is_told = |line: &&str| errors.iter().any(|error| error == line);
        assert!(expected.iter().all(is_told), "{noun} {body}: {errors:?}");
    }
    let bare = json!({"deviceId": device, "name": "bare", "streamUrl": "rtsp://127.0.0.1:9/1"});
    let bare = admin.make("cameras", bare).await;
    let clip = json!({"cameraId": bare, "from": "2026-04-28T12:00:00Z", "to": "2026-04-28T12:01:00Z"});
    admin.send("POST", "/api/v1/dvr-clip-requests", &clip).await.about("it has no dvrUrl").expect(409);
    let live = format!("/api/v1/cameras/{bare}/live");
    admin.send("POST", &live, &Value::Null).await.about("it is OFFLINE").expect(409);
    for path in
        ["captures/abc", "live/abc", "cameras/abc", "captures?from=x", "captures?status=x", "live?sort=x"]
    {
        admin.get(&format!("/api/v1/{path}")).await.expect(400);
    }
}

#[tokio::test]
async fn a_clip_becomes_a_capture_that_anybody_with_its_address_can_fetch() {
    let media = Media::start().await;
    let admin = &media.platform.admin;
    let camera = media.camera("main").await;
    let clip = media.clip(&camera).await;
    let ready = media.until(&clip, "READY").await;
    let capture = format!("/api/v1/captures/{}", ready["captureId"].as_str().unwrap());
    let row = admin.get(&capture).await.body;
    assert_members(&row, &json!({"status": "READY", "sizeBytes": 10, "error": null}));
    // What it holds, which is less than what was asked for.
    let span = json!({"startTime": "2026-04-28T12:00:00Z", "endTime": "2026-04-28T12:00:02Z"});
    assert_members(&row, &span);
    let link = admin.get(&format!("{capture}/download")).await.ok();
    assert!(link["expiresAt"].is_string());
    let url = link["url"].as_str().unwrap();
    let whole = fetch(url, None).await.with_header("content-type", "video/mp4");
    whole.is(200, &"0123456789".to_owned());
    let part = fetch(url, Some(("range", "bytes=2-4"))).await.with_header("content-range", "bytes 2-4/10");
    part.is(206, &"234".to_owned());
    assert_eq!(fetch(row["thumbnailUrl"].as_str().unwrap(), None).await.ok().as_str(), "jpeg");
    let forged = [
        url.replace("recording.mp4", "thumbnail.jpg"),
        url.replace("X-Amz-Expires=900", "X-Amz-Expires=9000"),
    ];
    for url in forged.iter().map(String::as_str).chain([url.split('?').next().unwrap()]) {
        fetch(url, None).await.about(&url).expect(403);
    }
    let page = admin.get(&format!("/api/v1/captures?cameraId={camera}&to=2026-04-28T12:00:01Z")).await;
    page.has(200, json!({"/page/totalElements": 1}));
    admin.get("/api/v1/captures?from=2026-04-28T12:00:02Z").await.has(200, json!({"/page/totalElements": 0}));
}

#[tokio::test]
async fn what_a_crash_cuts_is_told_and_clips_are_tried_again() {
    let mut media = Media::start().await;
    let camera = media.online_camera("hang").await;
    let clip = media.clip(&camera).await;
    media.until(&clip, "RUNNING").await;
    let admin = media.platform.admin.clone();
    // A clip runs before its capture is recorded.
    until!("the capture is recorded", LIMIT;
        admin.get("/api/v1/captures?status=RECORDING").await["content"][0].is_object());
    let session = admin.create_at(&format!("/api/v1/cameras/{camera}/live"), "/api/v1/live").await;
    media.platform.server.crash().await;
    let ended = media.until(&format!("/api/v1/live/{session}"), "EXPIRED").await;
    assert_eq!(ended["error"], "the server was stopped");
    media.until(&clip, "RUNNING").await;
    let path = "/api/v1/captures?status=FAILED";
    let page = until!("the capture has failed", LIMIT;
        page = admin.get(path).await.body; page["content"][0].is_object());
    assert_eq!(page["content"][0]["error"], "the server was stopped while it was recorded");
    admin.get(&format!("/api/v1/captures/{}/download", id(&page["content"][0]))).await.expect(409);
}

#[tokio::test]
async fn a_live_session_is_seen_with_its_password_and_ends() {
    let mut media = Media::start().await;
    let camera = media.online_camera("main").await;
    let open = format!("/api/v1/cameras/{camera}/live");
    let admin = media.platform.admin.clone();
    let made = admin.send("POST", &open, &Value::Null).await.created_in("/api/v1/live");
    let path = format!("/api/v1/live/{}", id(&made));
    assert_eq!(made["status"], "REQUESTED");
    let again = admin.send("POST", &open, &Value::Null).await.ok();
    assert_eq!((id(&again), &again["credentials"]), (id(&made), &made["credentials"]));
    let active = media.until(&path, "ACTIVE").await;
    assert_eq!(active["hlsUrl"], active["localUrl"]);
    let playlist = active["hlsUrl"].as_str().unwrap();
    let text = |name: &str| made["credentials"][name].as_str().unwrap().to_owned();
    let basic = |user: &str, password: &str| {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
    };
    let own = basic(&text("username"), &text("password"));
    let list = fetch(playlist, Some(("authorization", &own))).await;
    list.with_header("content-type", "application/vnd.apple.mpegurl").is(200, &"#EXTM3U\n".to_owned());
    let segment = playlist.replace("index.m3u8", "segment0.ts");
    assert_eq!(fetch(&segment, Some(("authorization", &own))).await.body, "pictures\n");
    fetch(&playlist.replace("index.m3u8", "segment7.ts"), Some(("authorization", &own))).await.expect(404);
    let wrong = [basic(&text("username"), "x"), basic("x", &text("password")), "Bearer x".to_owned()];
    for login in wrong.iter().map(|login| Some(("authorization", login.as_str()))).chain([None]) {
        let refused = fetch(playlist, login).await.about(&format!("{login:?}"));
        assert!(refused.header("www-authenticate").starts_with("Basic "), "{login:?}");
        refused.expect(401);
    }
    // Others see the session and not its password, and have one of their own.
    let member = media.platform.key_of("member").await;
    assert_eq!(member.get(&path).await["credentials"]["password"], Value::Null);
    let theirs = member.send("POST", &open, &Value::Null).await.created();
    assert_ne!(id(&theirs), id(&made));
    assert_eq!(admin.get("/api/v1/live").await["page"]["totalElements"], 2);
    admin.send("DELETE", &path, &Value::Null).await.has(202, json!({"status": "STOPPING"}));
    assert_eq!(media.until(&path, "STOPPED").await["hlsUrl"], Value::Null);
    fetch(playlist, Some(("authorization", &own))).await.expect(410);
    admin.send("DELETE", &path, &Value::Null).await.expect(409);
    let theirs = format!("/api/v1/live/{}", id(&theirs));
    media.until(&theirs, "ACTIVE").await;
    media.platform.server.restart().await;
    media.until(&theirs, "EXPIRED").await;
    assert_eq!(admin.get("/api/v1/live").await["content"], json!([]));
    assert!(!media.platform.server.log().contains(&text("password")));
}

/// Security review 10: the views of one organization were all that there are.
#[tokio::test]
async fn live_views_of_one_organization_leave_places_for_others() {
    let media = Media::start_with(&[("BASALT_MEDIA__LIVE_SESSIONS", "2")]).await;
    let camera = media.online_camera("main").await;
    let stranger = media.platform.stranger().await;
    let open = format!("/api/v1/cameras/{camera}/live");
    let member = media.platform.key_of("member").await;
    assert_eq!(media.platform.admin.status("POST", &open, &Value::Null).await, 201);
    assert_eq!(member.status("POST", &open, &Value::Null).await, 503);
    let device = stranger.make("devices", json!({"name": "theirs"})).await;
    let url = media.url("theirs");
    let body = json!({"deviceId": device, "name": "theirs", "streamUrl": url, "dvrUrl": url});
    let theirs = stranger.make("cameras", body).await;
    let theirs = format!("/api/v1/cameras/{theirs}");
    until!("the other organization's camera is there", LIMIT; stranger.get(&theirs).await["status"] == "ONLINE");
    assert_eq!(stranger.status("POST", &format!("{theirs}/live"), &Value::Null).await, 201);
}

#[tokio::test]
async fn without_a_recorder_everything_says_so() {
    let mut media = Media::start().await;
    media.platform = Platform::start_with(&[NO_RATE, ("BASALT_MEDIA__FFMPEG", "/nowhere/ffmpeg")]).await;
    media.device = media.platform.admin.make("devices", json!({"name": "gate"})).await;
    let camera = media.online_camera("main").await;
    let failed = media.until(&media.clip(&camera).await, "FAILED").await;
    let reason = "there is no recorder: media.ffmpeg names no program that can be started";
    assert_eq!((&failed["error"], &failed["captureId"]), (&json!(reason), &Value::Null));
    let session =
        media.platform.admin.create_at(&format!("/api/v1/cameras/{camera}/live"), "/api/v1/live").await;
    assert_eq!(media.until(&format!("/api/v1/live/{session}"), "EXPIRED").await["error"], reason);
}

#[tokio::test]
async fn events_make_cameras_record_as_their_rule_says() {
    let media = Media::start().await;
    let admin = &media.platform.admin;
    let camera = media.camera("main").await;
    let rule = json!({"name": "critical", "cameraIds": [camera], "match": {"severity": "CRITICAL", "deviceId": media.device},
        "preRollSeconds": 0, "postRollSeconds": 30, "cooldownSeconds": 3600});
    let made = admin.create("/api/v1/media-capture-rules", rule).await;
    let path = format!("/api/v1/media-capture-rules/{}", id(&made));
    assert_eq!((&made["enabled"], &made["maxPerHour"]), (&json!(true), &json!(10)));
    let of = json!({"source": null, "severity": "CRITICAL", "deviceId": media.device, "sensorId": null});
    assert_eq!(made["match"], of);
    // The event log of the core is one for all interfaces.
    let device = media.platform.client.get("/api/device/?limit=100").await.body.to_string();
    let row = media.platform.client.sql("SELECT id FROM devices WHERE name = 'gate'").await;
    assert!(!row.is_empty(), "{device}");
    let number = row[0]["id"].clone();
    let event = |level: &str, device: &Value| json!({"kind": "alarm", "level": level, "device": device, "message": "open"});
    for (level, device) in
        [("info", &number), ("critical", &Value::Null), ("critical", &number), ("critical", &number)]
    {
        media.platform.client.post("/api/event-log/", &event(level, device)).await.created();
    }
    let page = until!("a capture is READY", LIMIT;
        page = admin.get("/api/v1/captures?status=READY").await.body; page["content"][0].is_object());
    let capture = &page["content"][0];
    assert_eq!((&capture["cameraId"], &capture["ruleId"]), (&json!(camera), &made["id"]));
    let page = admin.get(&format!("/api/v1/captures?eventId={}", capture["eventId"].as_str().unwrap())).await;
    page.has(200, json!({"/page/totalElements": 1}));
    let page = admin.get("/api/v1/captures").await;
    page.about("the second is within the pause").has(200, json!({"/page/totalElements": 1}));
    admin.send("DELETE", &format!("/api/v1/cameras/{camera}"), &Value::Null).await.expect(204);
    admin.get(&path).await.has(200, json!({"cameraIds": [], "enabled": false}));
    assert_eq!(admin.get("/api/v1/captures").await["content"], json!([]), "captures go with their camera");
    admin.send("DELETE", &path, &Value::Null).await.expect(204);
}
