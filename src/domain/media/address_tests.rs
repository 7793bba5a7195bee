//! Addresses: what is one, what is shown of it, and what no text can do.

use proptest::prelude::*;

use super::*;

#[test]
fn a_url_is_shown_without_its_password() {
    let rows = [
        ("rtsp://cam.example/main", "rtsp://cam.example/main", None),
        ("RTSPS://cam:322/a?b=c&d", "rtsps://cam:322/a?b=c&d", None),
        ("rtsp://admin:s3cret@10.0.0.9:554/1", "rtsp://admin@10.0.0.9:554/1", Some("s3cret")),
        ("rtsp://admin:a@b:c@cam/1", "rtsp://admin@cam/1", Some("a@b:c")),
        ("rtsp://admin:@cam/1", "rtsp://admin@cam/1", None),
        ("rtsp://:pw@cam", "rtsp://@cam", Some("pw")),
        ("http://[fd00::5]:8080/live.m3u8", "http://[fd00::5]:8080/live.m3u8", None),
        ("https://cdn.example?x=1", "https://cdn.example?x=1", None),
    ];
    for (text, shown, password) in rows {
        let parsed = parse_url(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((parsed.url.without_password().as_str(), parsed.password.as_deref()), (shown, password));
        let again = parse_url(&parsed.url.without_password()).unwrap();
        assert_eq!((again.url, again.password), (parsed.url, None), "{text}");
    }
}

#[test]
fn other_protocols_and_tricks_are_no_addresses() {
    let wrong = [
        "",
        "rtsp",
        "rtsp://",
        "rtsp:///path",
        "file:///etc/passwd",
        "/etc/passwd",
        "concat:a|b",
        "pipe:0",
        "subfile,,start,0,end,0,,:/etc/passwd",
        "crypto+file://x",
        "rtsp+udp://cam/1",
        "rtmp://cam/1",
        "data://text/plain,x",
        "rtsp://cam/1 -i /etc/passwd",
        "rtsp://cam/'\nfile '/etc/passwd",
        "rtsp://cam/'",
        "rtsp://cam/\\",
        "rtsp://cam/#x",
        "rtsp://cam:0/",
        "rtsp://cam:65536/",
        "rtsp://cam:+1/",
        "rtsp://cam:x/",
        "rtsp://-rtsp_transport/",
        "rtsp://a b/",
        "rtsp://[::1/",
        "rtsp://[cam]/",
        "rtsp://[::1]x/",
        "rtsp://cäm/",
    ];
    for text in wrong {
        assert!(parse_url(text).is_none(), "{text:?}");
    }
    assert!(parse_url(&format!("rtsp://cam/{}", "a".repeat(MAX_ADDRESS_BYTES))).is_none());
}

#[test]
fn a_recorder_is_asked_for_a_range() {
    let (from, to) = (Micros(1_777_377_600_500_000), Micros(1_777_377_660_000_000));
    let rows = [
        ("rtsp://nvr/1", "rtsp://nvr/1?starttime=20260428T120000Z&endtime=20260428T120100Z"),
        ("rtsp://nvr/1?a=b", "rtsp://nvr/1?a=b&starttime=20260428T120000Z&endtime=20260428T120100Z"),
        ("rtsp://nvr/{from}-{to}/x", "rtsp://nvr/20260428T120000Z-20260428T120100Z/x"),
        ("http://nvr/{fromSeconds}-{toSeconds}.m3u8", "http://nvr/1777377600-1777377660.m3u8"),
    ];
    for (template, expected) in rows {
        let url = parse_url(template).unwrap().url;
        assert_eq!(url.of_range(from, to).without_password(), expected);
    }
}

#[test]
fn devices_are_below_dev() {
    let rows = [
        ("/dev/video0", true),
        ("/dev/v4l/by-id/usb-cam_1-video-index0", true),
        ("/dev/", false),
        ("/dev/../etc/passwd", false),
        ("/etc/passwd", false),
        ("video0", false),
        ("/dev/video0 -i x", false),
    ];
    for (text, expected) in rows {
        assert_eq!(is_device_path(text), expected, "{text}");
    }
    assert_eq!(percent_decoded("a%40b%2"), "a@b%2");
    assert_eq!(percent_decoded("%+1%zz%"), "%+1%zz%");
}

proptest! {
    #[test]
    fn what_is_read_is_written_as_one_line_without_quotes(text in "(rtsps?|https?)://.{0,60}") {
        if let Some(parsed) = parse_url(&text) {
            let written = parsed.url.to_text(&parsed.url.host, parsed.password.as_deref());
            prop_assert!(!written.contains(['\'', '\n', '\\', ' ', '"']));
            let again = parse_url(&written);
            prop_assert_eq!(again.map(|again| (again.url, again.password)), Some((parsed.url, parsed.password)));
        }
    }

    #[test]
    fn no_text_is_too_strange(text in ".{0,80}") {
        let _ = (parse_url(&text), is_device_path(&text), percent_decoded(&text));
    }
}
