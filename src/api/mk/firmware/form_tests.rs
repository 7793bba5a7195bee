//! Tests of the form's stream: what is read ahead, heads without an end, and names.

use futures::stream;
use proptest::prelude::*;

use super::*;

const BOUNDARY: &str = "x-boundary";

/// A form with one part, in pieces of `size` bytes that are all there at once.
fn body(head: &str, content: &[u8], size: usize) -> (StepwiseBody, Arc<AtomicUsize>) {
    let mut form = format!("--{BOUNDARY}\r\n{head}\r\n\r\n").into_bytes();
    form.extend_from_slice(content);
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let pieces: Vec<_> = form.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let pieces: SharedPieces = Arc::new(Mutex::new(Box::pin(stream::iter(pieces))));
    let head_bytes = Arc::new(AtomicUsize::new(0));
    (StepwiseBody { pieces, has_yielded: false, head_bytes: Arc::clone(&head_bytes) }, head_bytes)
}

const HEAD: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"a.bin\"";

#[tokio::test]
async fn no_more_is_read_ahead_than_a_piece() {
    let content = vec![7; 4 << 20];
    let (stream, head_bytes) = body(HEAD, &content, 1000);
    let mut form = Multipart::new(stream, BOUNDARY);
    let mut part = form.next_field().await.unwrap().unwrap();
    assert_eq!(part.name(), Some(FILE));
    let mut received = Vec::new();
    loop {
        head_bytes.store(0, Ordering::Relaxed);
        let Some(bytes) = part.chunk().await.unwrap() else { break };
        assert!(bytes.len() <= 2000, "{} bytes at once", bytes.len());
        received.extend_from_slice(&bytes);
    }
    assert!(received == content);
}

#[tokio::test]
async fn a_head_without_an_end_is_refused() {
    let head = format!("Content-Disposition: form-data; name=\"{}\"", "x".repeat(4 << 20));
    let (stream, _) = body(&head, b"", 1000);
    let refused = Multipart::new(stream, BOUNDARY).next_field().await.err().map(unreadable);
    let HttpError::Domain(error) = refused.unwrap() else { panic!("an error of the core is expected") };
    assert_eq!(error.kind, Kind::TooLarge);
}

#[test]
fn names_of_files_are_their_last_part() {
    let rows = [
        ("press.bin", "press.bin"),
        ("C:\\build\\press.bin", "press.bin"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nb", "ab"),
        ("", "firmware.bin"),
        ("build/", "firmware.bin"),
    ];
    for (sent, expected) in rows {
        assert_eq!(file_name(sent), expected, "{sent:?}");
    }
    assert_eq!(file_name(&"x".repeat(1000)).len(), MAX_FILE_NAME);
}

#[test]
fn other_bodies_are_no_forms() {
    let rows = [
        ("none", None, "malformed"),
        ("json", Some("application/json"), "media"),
        ("no_boundary", Some("multipart/form-data"), "malformed"),
        ("mixed", Some("multipart/mixed; boundary=a"), "media"),
        ("sound", Some("Multipart/Form-Data; boundary=a"), "sound"),
    ];
    for (name, media, expected) in rows {
        let mut headers = HeaderMap::new();
        headers.extend(media.map(|media| (header::CONTENT_TYPE, HeaderValue::from_static(media))));
        let found = match boundary(&headers) {
            Ok(boundary) => {
                assert_eq!(boundary, "a");
                "sound"
            }
            Err(error) if format!("{error:?}").contains("UnsupportedMediaType") => "media",
            Err(_) => "malformed",
        };
        assert_eq!(found, expected, "{name}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(head in "\\PC{0,200}", content in prop::collection::vec(any::<u8>(), 0..500), size in 1_usize..100) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (stream, _) = body(&head, &content, size);
            let mut form = Multipart::new(stream, BOUNDARY);
            while let Ok(Some(mut part)) = form.next_field().await {
                while let Ok(Some(_)) = part.chunk().await {}
            }
        });
    }
}
