//! Playlists of a server in memory: which segments are fetched, in which order, and with which credentials.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::*;
use crate::domain::http_request::HttpResponse;
use crate::domain::media::address::parse_url;
use crate::domain::ports::BoxFuture;

/// Answers by URL, each the number of times that it has; the last one stays.
#[derive(Default)]
struct FakeWeb {
    answers: Mutex<HashMap<String, Vec<&'static str>>>,
    requests: Mutex<Vec<(String, bool)>>,
}

impl FakeWeb {
    fn with(answers: &[(&str, &[&'static str])]) -> Self {
        let answers = answers.iter().map(|(url, all)| ((*url).to_owned(), all.to_vec()));
        Self { answers: Mutex::new(answers.collect()), requests: Mutex::default() }
    }
}

impl HttpClient for FakeWeb {
    fn send<'a>(&'a self, request: &'a HttpRequest) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            self.requests.lock().push((request.url.clone(), request.login.is_some()));
            let mut answers = self.answers.lock();
            let Some(all) = answers.get_mut(&request.url) else {
                return Ok(HttpResponse { status: 404, body: Vec::new() });
            };
            let body = if all.len() > 1 { all.remove(0) } else { all[0] };
            Ok(HttpResponse { status: 200, body: body.as_bytes().to_vec() })
        })
    }
}

async fn fed(web: &FakeWeb) -> (String, Result<(), HlsError>) {
    let parsed = parse_url("http://user:p%40ss@cam/a/live.m3u8").unwrap();
    let source = HlsSource::new(&parsed.url, parsed.password.as_deref()).unwrap();
    assert_eq!(source.login, Some(("user".to_owned(), "p@ss".to_owned())));
    let (sender, mut pieces) = mpsc::channel::<Bytes>(1);
    let taking = async {
        let mut all = String::new();
        while let Some(piece) = pieces.recv().await {
            all.push_str(&String::from_utf8_lossy(&piece));
        }
        all
    };
    let (done, all) = tokio::join!(source.feed(web, sender), taking);
    (all, done)
}

#[tokio::test]
async fn a_recording_is_whole_and_credentials_stay_at_home() {
    let web = FakeWeb::with(&[
        (
            "http://cam/a/live.m3u8",
            &[
                "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\n/b/high.m3u8",
            ],
        ),
        (
            "http://cam/b/high.m3u8",
            &["#EXTM3U\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:1,\n1.ts\n#EXTINF:1,\nhttp://cdn/2.ts\n#EXT-X-ENDLIST"],
        ),
        ("http://cam/b/i", &["init "]),
        ("http://cam/b/1.ts", &["one "]),
        ("http://cdn/2.ts", &["two"]),
    ]);
    let (all, done) = fed(&web).await;
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(all, "init one two");
    let requests = web.requests.lock().clone();
    assert!(
        requests.iter().all(|(url, has_login)| *has_login == url.starts_with("http://cam/")),
        "{requests:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_live_view_begins_with_what_is_new_and_misses_nothing() {
    let web = FakeWeb::with(&[
        (
            "http://cam/a/live.m3u8",
            &[
                "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:1,\n7\n#EXTINF:1,\n8",
                "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:8\n#EXTINF:1,\n8\n#EXTINF:1,\n9",
                "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:9\n#EXTINF:1,\n9\n#EXTINF:1,\n10\n#EXT-X-ENDLIST",
            ],
        ),
        ("http://cam/a/7", &["7 "]),
        ("http://cam/a/8", &["8 "]),
        ("http://cam/a/9", &["9 "]),
        ("http://cam/a/10", &["10 "]),
    ]);
    let (all, done) = fed(&web).await;
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(all, "8 9 10 ");
}

#[tokio::test]
async fn what_a_playlist_cannot_make_it_do() {
    let rows = [
        ("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd", "no address of HTTP"),
        ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.m3u8", "lead to each other"),
        ("#EXTM3U\n#EXTINF:1,\nabsent.ts", "no such stream"),
        ("<html>", "no playlist"),
    ];
    for (playlist, expected) in rows {
        let web = FakeWeb::with(&[("http://cam/a/live.m3u8", &[playlist])]);
        let (all, done) = fed(&web).await;
        let reason = done.unwrap_err().reason();
        assert!(all.is_empty() && reason.contains(expected), "{playlist}: {reason}");
    }
}
