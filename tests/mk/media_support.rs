//! A platform with a script in place of ffmpeg and a socket in place of a camera.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Caller, NO_RATE, Platform, id};
use crate::support::{Answer, DataDir, until};

pub const LIMIT: Duration = Duration::from_secs(60);
pub const PASSWORD: &str = "s3cretPassword";

/// Does what its input and its last argument say: refuses, hangs, or makes a file.
const RECORDER: &str = r#"script=$(cat)
for last; do :; done
case "$script" in
*refuse*) echo "DESCRIBE of $script failed: 401 Unauthorized" >&2; exit 1 ;;
*hang*) sleep 120 ;;
esac
case "$last" in
index.m3u8) echo pictures > segment0.ts; echo '#EXTM3U' > part; mv part index.m3u8; sleep 120 ;;
recording.mp4) printf 0123456789 > recording.mp4; printf 'out_time_us=2000000\nprogress=end\n' ;;
picture.jpg) printf jpeg > picture.jpg ;;
esac"#;

/// Writes the script by another program: one that is open for writing here could not be started while this process starts
/// others.
fn write_recorder(dir: &Path) -> String {
    let path = dir.join("ffmpeg").display().to_string();
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\"; chmod 700 \"$2\"";
    let written = std::process::Command::new("sh").args(["-c", write, "sh", RECORDER, &path]).status();
    assert!(written.expect("a shell").success());
    path
}

/// A camera that answers every request.
async fn fake_camera() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n").await;
            });
        }
    });
    port
}

/// A platform with a recorder, and a device with a camera at each of the paths.
pub struct Media {
    pub platform: Platform,
    pub device: String,
    pub port: u16,
    _home: DataDir,
}

impl Media {
    pub async fn start() -> Media {
        Media::start_with(&[]).await
    }

    /// Starts one with these variables as well.
    pub async fn start_with(env: &[(&str, &str)]) -> Media {
        let home = DataDir::new();
        let recorder = write_recorder(home.path());
        let env = [&[NO_RATE, ("BASALT_MEDIA__FFMPEG", recorder.as_str())], env].concat();
        let platform = Platform::start_with(&env).await;
        let device = platform.admin.make("devices", json!({"name": "gate"})).await;
        Media { platform, device, port: fake_camera().await, _home: home }
    }

    pub fn url(&self, path: &str) -> String {
        format!("rtsp://admin:{PASSWORD}@127.0.0.1:{}/{path}", self.port)
    }

    /// Creates a camera whose stream and recorder have a path.
    pub async fn camera(&self, path: &str) -> String {
        let url = self.url(path);
        let body = json!({"deviceId": self.device, "name": path, "streamUrl": url, "dvrUrl": url});
        self.platform.admin.make("cameras", body).await
    }

    /// Creates a camera and waits until it is online.
    pub async fn online_camera(&self, path: &str) -> String {
        let camera = self.camera(path).await;
        self.until(&format!("/api/v1/cameras/{camera}"), "ONLINE").await;
        camera
    }

    /// Waits until a row has a status.
    pub async fn until(&self, path: &str, status: &str) -> Value {
        until!(&format!("{path} is {status}"), LIMIT;
            row = self.platform.admin.get(path).await.ok(); row["status"] == status)
    }

    /// Asks for a clip of the minute before the last one.
    pub async fn clip(&self, camera: &str) -> String {
        let body = json!({"cameraId": camera, "from": "2026-04-28T12:00:00Z", "to": "2026-04-28T12:01:00Z"});
        let path = "/api/v1/dvr-clip-requests";
        let made = self.platform.admin.create(path, body).await;
        assert_eq!((&made["status"], &made["captureId"]), (&json!("PENDING"), &Value::Null), "{made}");
        format!("{path}/{}", id(&made))
    }
}

/// Fetches an address as anybody, perhaps with a header.
pub async fn fetch(url: &str, header: Option<(&str, &str)>) -> Answer<String> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(url);
    let request = match header {
        Some((name, value)) => request.header(name, value),
        None => request,
    };
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { request: url.to_owned(), status, headers, body: response.text().await.unwrap() }
}

impl Caller {
    /// Opens something without a body; returns its id.
    pub async fn create_at(&self, path: &str, collection: &str) -> String {
        id(&self.send("POST", path, &Value::Null).await.created_in(collection))
    }
}
