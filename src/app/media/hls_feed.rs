//! Fetching of HTTP live streaming: the segments of a playlist, one after the other. All of it goes through the client that
//! devices are polled with, so that neither a playlist nor a redirect leads where no URL of a caller may.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;
use url::Url;

use crate::domain::http_request::{HttpError, HttpMethod, HttpRequest};
use crate::domain::media::address::{StreamUrl, percent_decoded};
use crate::domain::media::playlist::{MAX_PLAYLIST_BYTES, Playlist, SegmentList, parse_playlist};
use crate::domain::ports::HttpClient;

/// Largest segment, bytes.
const MAX_SEGMENT_BYTES: usize = 32 << 20;
const TIMEOUT: Duration = Duration::from_secs(15);
/// Playlists of playlists that are followed.
const MAX_DEPTH: usize = 3;
/// Time without a new segment after which a playlist counts as ended.
const MAX_SILENCE: Duration = Duration::from_secs(60);
/// Shortest and longest time between two looks at a playlist, seconds.
const PAUSES_S: (f64, f64) = (0.5, 5.0);

/// A playlist and the credentials for it.
pub struct HlsSource {
    root: Url,
    login: Option<(String, String)>,
}

impl HlsSource {
    /// The playlist at a URL; `None` when it is none.
    pub fn new(url: &StreamUrl, password: Option<&str>) -> Option<Self> {
        let bare = StreamUrl { user: None, ..url.clone() };
        let root = Url::parse(&bare.without_password()).ok()?;
        let user = url.user.as_deref().map(percent_decoded);
        let password = password.map(percent_decoded);
        let login = match (user, password) {
            (None, None) => None,
            (user, password) => Some((user.unwrap_or_default(), password.unwrap_or_default())),
        };
        Some(Self { root, login })
    }

    /// Reads the playlist, for a look whether the camera is there.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn check(&self, web: &dyn HttpClient) -> Result<(), HlsError> {
        self.playlist(web, &self.root).await.map(drop)
    }

    /// Sends the bytes of the segments until there are no more or nobody takes them.
    ///
    /// # Errors
    /// Why no more segments can be fetched.
    pub async fn feed(&self, web: &dyn HttpClient, sender: mpsc::Sender<Bytes>) -> Result<(), HlsError> {
        let (place, mut list) = self.segments(web).await?;
        // A recording ends at the end of its list; a live view begins with what is new.
        let newest = (list.segments.len() as u64).saturating_sub(1);
        let first = if list.is_ended { 0 } else { newest };
        let mut next = list.sequence.saturating_add(first);
        let (mut init, mut heard_at) = (None, Instant::now());
        loop {
            if list.init != init {
                init.clone_from(&list.init);
                if let Some(uri) = &init {
                    let bytes = self.get(web, &join(&place, uri)?, MAX_SEGMENT_BYTES).await?;
                    if sender.send(bytes).await.is_err() {
                        return Ok(());
                    }
                }
            }
            for (number, segment) in (list.sequence..).zip(&list.segments) {
                if number < next {
                    continue;
                }
                let bytes = self.get(web, &join(&place, &segment.uri)?, MAX_SEGMENT_BYTES).await?;
                if sender.send(bytes).await.is_err() {
                    return Ok(());
                }
                (next, heard_at) = (number.saturating_add(1), Instant::now());
            }
            if list.is_ended {
                return Ok(());
            }
            if heard_at.elapsed() > MAX_SILENCE {
                return Err(HlsError::Unusable("its playlist does not go on"));
            }
            let pause = (list.target_s / 2.0).clamp(PAUSES_S.0, PAUSES_S.1);
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs_f64(pause)) => {}
                () = sender.closed() => return Ok(()),
            }
            list = match self.playlist(web, &place).await? {
                Playlist::Segments(list) => list,
                Playlist::Variants(_) => return Err(HlsError::Unusable("its playlist changes its kind")),
            };
        }
    }

    /// The list of segments, of the best quality, and where it is.
    async fn segments(&self, web: &dyn HttpClient) -> Result<(Url, SegmentList), HlsError> {
        let mut place = self.root.clone();
        for _ in 0..MAX_DEPTH {
            match self.playlist(web, &place).await? {
                Playlist::Segments(list) => return Ok((place, list)),
                Playlist::Variants(variants) => {
                    let best = variants.iter().max_by_key(|variant| variant.bandwidth);
                    let best = best.ok_or(HlsError::Unusable("its playlist is empty"))?;
                    place = join(&place, &best.uri)?;
                }
            }
        }
        Err(HlsError::Unusable("its playlists lead to each other"))
    }

    async fn playlist(&self, web: &dyn HttpClient, url: &Url) -> Result<Playlist, HlsError> {
        let bytes = self.get(web, url, MAX_PLAYLIST_BYTES).await?;
        parse_playlist(&String::from_utf8_lossy(&bytes)).map_err(HlsError::Unusable)
    }

    /// Credentials are for the server that the camera's URL names, and for no other.
    async fn get(&self, web: &dyn HttpClient, url: &Url, max_bytes: usize) -> Result<Bytes, HlsError> {
        let is_own = url.origin() == self.root.origin();
        let request = HttpRequest {
            url: url.to_string(),
            method: HttpMethod::Get,
            headers: Vec::new(),
            login: self.login.clone().filter(|_| is_own),
            timeout: TIMEOUT,
            max_bytes,
        };
        let response = web.send(&request).await.map_err(HlsError::Http)?;
        match response.status {
            200 => Ok(Bytes::from(response.body)),
            401 | 403 => Err(HlsError::Unusable("it refuses user or password")),
            404 | 410 => Err(HlsError::Unusable("it has no such stream")),
            _ => Err(HlsError::Unusable("it answers with an error")),
        }
    }
}

/// Why a playlist cannot be followed.
#[derive(Debug)]
pub enum HlsError {
    /// The server cannot be asked.
    Http(HttpError),
    /// It answers what cannot be used.
    Unusable(&'static str),
}

impl HlsError {
    /// A sentence for people, without addresses.
    pub fn reason(&self) -> String {
        match self {
            HlsError::Http(HttpError::NotAllowed) => {
                "the address of the camera is not allowed (process.allow_private)".to_owned()
            }
            HlsError::Http(HttpError::Unreachable(_)) => "the camera cannot be reached".to_owned(),
            HlsError::Http(HttpError::Timeout) => "the camera does not answer in time".to_owned(),
            HlsError::Http(HttpError::Interrupted(_) | HttpError::Malformed(_)) => {
                "the camera does not answer as a server of HTTP does".to_owned()
            }
            HlsError::Unusable(why) => format!("the camera cannot be recorded: {why}"),
        }
    }
}

/// An address that a playlist refers to; only of HTTP.
fn join(base: &Url, uri: &str) -> Result<Url, HlsError> {
    let joined = base.join(uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    joined.ok_or(HlsError::Unusable("its playlist refers to no address of HTTP"))
}

#[cfg(test)]
#[path = "hls_feed_tests.rs"]
mod tests;
