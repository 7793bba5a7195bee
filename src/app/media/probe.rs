//! Probes of cameras: every minute each is asked whether it is there. Nothing is recorded for it.

use std::collections::HashSet;
use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::camera::Cameras;
use super::camera_health::{CameraHealth, CameraStatus};
use super::hls_feed::{HlsError, HlsSource};
use crate::domain::document::camera::CameraAddress;
use crate::domain::document::{CameraSpec, Document};
use crate::domain::http_request::HttpError;
use crate::domain::media::address::{StreamScheme, StreamUrl};

const INTERVAL: Duration = Duration::from_secs(60);
/// Cameras that are asked at the same time.
const CONCURRENT_PROBES: usize = 16;
const TIMEOUT: Duration = Duration::from_secs(5);

impl Cameras {
    /// Probes all cameras every minute, and a new or changed one at once.
    pub(super) async fn run_probes(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let is_due = tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => true,
                () = self.unprobed.notified() => false,
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.probe_cameras(is_due) => {}
            }
        }
    }

    async fn probe_cameras(&self, with_known: bool) {
        let mut cameras = self.store.catalog().media.all_cameras();
        let ids: HashSet<_> = cameras.iter().map(|row| row.id).collect();
        {
            let mut health = self.health.lock();
            health.retain(|id, _| ids.contains(id));
            let is_known =
                |row: &Arc<Document>| health.get(&row.id).is_some_and(|health| health.version == row.version);
            cameras.retain(|row| with_known || !is_known(row));
        }
        stream::iter(cameras).for_each_concurrent(CONCURRENT_PROBES, |row| self.probe_camera(row)).await;
    }

    async fn probe_camera(&self, row: Arc<Document>) {
        let Some(camera) = row.camera() else { return };
        let probed = timeout(TIMEOUT, self.probed_status(camera)).await;
        // Whoever takes the connection and says nothing is there, and of no use.
        let status = probed.unwrap_or(CameraStatus::Offline);
        let now = self.clock.now();
        let mut health = self.health.lock();
        let known = health.entry(row.id).or_default();
        if status != known.status {
            tracing::info!(camera = %row.uuid, status = status.name(), "a camera has another status");
        }
        let last_seen = if status.is_reachable() { Some(now) } else { known.last_seen };
        *known = CameraHealth { status, last_seen, version: row.version };
    }

    async fn probed_status(&self, camera: &CameraSpec) -> CameraStatus {
        let CameraAddress { text, password } = &camera.stream;
        let Some(url) = camera.stream.url() else {
            let is_device =
                tokio::fs::metadata(text).await.is_ok_and(|meta| meta.file_type().is_char_device());
            return if is_device { CameraStatus::Online } else { CameraStatus::Offline };
        };
        match url.scheme {
            StreamScheme::Rtsp => self.rtsp_status(&url, password.is_some()).await,
            StreamScheme::Rtsps => match self.networks.connect(&url.host, url.port()).await {
                Ok(_) => CameraStatus::Online,
                Err(_) => CameraStatus::Offline,
            },
            StreamScheme::Http | StreamScheme::Https => {
                let Some(source) = HlsSource::new(&url, password.as_deref()) else {
                    return CameraStatus::Offline;
                };
                match source.check(&*self.web).await {
                    Ok(()) => CameraStatus::Online,
                    Err(HlsError::Http(
                        HttpError::NotAllowed | HttpError::Unreachable(_) | HttpError::Timeout,
                    )) => CameraStatus::Offline,
                    Err(HlsError::Http(HttpError::Interrupted(_) | HttpError::Malformed(_))) => {
                        CameraStatus::Degraded
                    }
                    Err(HlsError::Unusable(_)) => CameraStatus::Degraded,
                }
            }
        }
    }

    /// Asks for the description of the stream (RFC 2326, 10.2), without credentials: a camera that wants some is there when
    /// they are known.
    async fn rtsp_status(&self, url: &StreamUrl, has_password: bool) -> CameraStatus {
        let connected = self.networks.connect(&url.host, url.port()).await;
        let Ok(mut socket) = connected else { return CameraStatus::Offline };
        let target = StreamUrl { user: None, ..url.clone() }.without_password();
        let request = format!("DESCRIBE {target} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n");
        if socket.write_all(request.as_bytes()).await.is_err() {
            return CameraStatus::Degraded;
        }
        let mut answer = [0_u8; 12];
        match socket.read_exact(&mut answer).await {
            Ok(_) => rtsp_answer(&answer, has_password),
            Err(_) => CameraStatus::Degraded,
        }
    }
}

/// State of a camera by the first bytes of an answer, such as `RTSP/1.0 200`.
fn rtsp_answer(answer: &[u8], has_password: bool) -> CameraStatus {
    match answer.strip_prefix(b"RTSP/1.0 ") {
        Some(b"200") => CameraStatus::Online,
        Some(b"401") if has_password => CameraStatus::Online,
        Some(_) | None => CameraStatus::Degraded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_whether_the_stream_is_there() {
        let rows: [(&[u8], bool, CameraStatus); 6] = [
            (b"RTSP/1.0 200", false, CameraStatus::Online),
            (b"RTSP/1.0 401", true, CameraStatus::Online),
            (b"RTSP/1.0 401", false, CameraStatus::Degraded),
            (b"RTSP/1.0 404", true, CameraStatus::Degraded),
            (b"HTTP/1.1 200", true, CameraStatus::Degraded),
            (b"", true, CameraStatus::Degraded),
        ];
        for (answer, has_password, expected) in rows {
            assert_eq!(rtsp_answer(answer, has_password), expected, "{}", String::from_utf8_lossy(answer));
        }
    }
}
