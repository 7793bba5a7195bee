//! Playlists of HTTP live streaming (RFC 8216), as far as recording needs them: which segments follow each other. Byte ranges
//! and encryption are refused.

/// Most bytes of a playlist.
pub const MAX_PLAYLIST_BYTES: usize = 1 << 20;
/// Most entries of a playlist.
const MAX_ENTRIES: usize = 10_000;
/// Largest number of a first segment; those that follow are still numbers.
const MAX_SEQUENCE: u64 = u64::MAX >> 1;
/// Longest segment, seconds.
const MAX_TARGET_S: f64 = 60.0;

/// A playlist.
#[derive(Debug, Clone, PartialEq)]
pub enum Playlist {
    /// Playlists of the same pictures in several qualities.
    Variants(Vec<PlaylistVariant>),
    /// Segments.
    Segments(SegmentList),
}

/// One quality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaylistVariant {
    /// Peak rate, bits per second.
    pub bandwidth: u64,
    /// Reference to its playlist, relative to this one.
    pub uri: String,
}

/// The segments of a playlist, the oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentList {
    /// Number of the first segment.
    pub sequence: u64,
    /// Longest segment, seconds.
    pub target_s: f64,
    /// Reference to what precedes every segment, if anything does.
    pub init: Option<String>,
    /// Segments.
    pub segments: Vec<PlaylistSegment>,
    /// Whether no segment will be added.
    pub is_ended: bool,
}

/// A segment.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaylistSegment {
    /// Length, seconds.
    pub duration_s: f64,
    /// Reference to its bytes, relative to the playlist.
    pub uri: String,
}

/// Reads a playlist.
///
/// # Errors
/// What it is or has that cannot be recorded.
pub fn parse_playlist(text: &str) -> Result<Playlist, &'static str> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines.next().is_none_or(|line| line.trim_start_matches('\u{feff}') != "#EXTM3U") {
        return Err("it is no playlist");
    }
    let mut reader = PlaylistReader::default();
    for line in lines {
        reader.read(line)?;
        if reader.variants.len() + reader.list.segments.len() > MAX_ENTRIES {
            return Err("the playlist is too long");
        }
    }
    match (reader.variants.is_empty(), reader.list.segments.is_empty()) {
        (false, true) => Ok(Playlist::Variants(reader.variants)),
        (true, _) => Ok(Playlist::Segments(reader.list)),
        (false, false) => Err("the playlist is of two kinds"),
    }
}

struct PlaylistReader {
    variants: Vec<PlaylistVariant>,
    list: SegmentList,
    /// Of the entry that follows.
    bandwidth: Option<u64>,
    duration_s: Option<f64>,
}

impl Default for PlaylistReader {
    fn default() -> Self {
        let list =
            SegmentList { sequence: 0, target_s: 6.0, init: None, segments: Vec::new(), is_ended: false };
        Self { variants: Vec::new(), list, bandwidth: None, duration_s: None }
    }
}

impl PlaylistReader {
    fn read(&mut self, line: &str) -> Result<(), &'static str> {
        let Some(tag) = line.strip_prefix("#EXT") else {
            if !line.starts_with('#') {
                self.entry(line);
            }
            return Ok(());
        };
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        match name {
            "INF" => {
                let text = value.split(',').next().unwrap_or_default().trim();
                self.duration_s = Some(seconds(text).ok_or("a segment has no valid length")?);
            }
            "-X-TARGETDURATION" => {
                self.list.target_s =
                    seconds(value.trim()).ok_or("the playlist has no valid target duration")?;
            }
            "-X-MEDIA-SEQUENCE" => {
                let number = value.trim().parse().ok().filter(|number| *number <= MAX_SEQUENCE);
                self.list.sequence = number.ok_or("the playlist has no valid sequence")?;
            }
            "-X-STREAM-INF" => {
                let bandwidth = attribute(value, "BANDWIDTH").and_then(|text| text.parse().ok());
                self.bandwidth = Some(bandwidth.unwrap_or(0));
            }
            "-X-MAP" if attribute(value, "BYTERANGE").is_some() => return Err("it has byte ranges"),
            "-X-MAP" => self.list.init = attribute(value, "URI").map(str::to_owned),
            "-X-BYTERANGE" => return Err("it has byte ranges"),
            "-X-KEY" if attribute(value, "METHOD") != Some("NONE") => return Err("it is encrypted"),
            "-X-ENDLIST" => self.list.is_ended = true,
            _ => {}
        }
        Ok(())
    }

    fn entry(&mut self, uri: &str) {
        if let Some(bandwidth) = self.bandwidth.take() {
            self.variants.push(PlaylistVariant { bandwidth, uri: uri.to_owned() });
        } else if let Some(duration_s) = self.duration_s.take() {
            self.list.segments.push(PlaylistSegment { duration_s, uri: uri.to_owned() });
        }
    }
}

fn seconds(text: &str) -> Option<f64> {
    text.parse().ok().filter(|seconds| (0.0..=MAX_TARGET_S).contains(seconds))
}

/// The value of an attribute, without its quotes.
fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = list;
    loop {
        let (known, after) = rest.split_once('=')?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"')?;
                (value, next.trim_start_matches(','))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if known.trim() == name {
            return Some(value);
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn segments_follow_each_other() {
        let text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:17\n\
                    #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4.000,\na.m4s\n# comment\n#EXTINF:3.5,title\nb.m4s?x=1,2\n\
                    #EXT-X-ENDLIST\n";
        let segment = |duration_s, uri: &str| PlaylistSegment { duration_s, uri: uri.to_owned() };
        let expected = SegmentList {
            sequence: 17,
            target_s: 4.0,
            init: Some("init.mp4".to_owned()),
            segments: vec![segment(4.0, "a.m4s"), segment(3.5, "b.m4s?x=1,2")],
            is_ended: true,
        };
        assert_eq!(parse_playlist(text), Ok(Playlist::Segments(expected)));
    }

    #[test]
    fn qualities_have_rates() {
        let text = "#EXTM3U\n#EXT-X-STREAM-INF:CODECS=\"a,b\",BANDWIDTH=800,RESOLUTION=1x1\nlow.m3u8\n\
                    #EXT-X-STREAM-INF:BANDWIDTH=1600\nhigh.m3u8\n";
        let variant = |bandwidth, uri: &str| PlaylistVariant { bandwidth, uri: uri.to_owned() };
        let expected = vec![variant(800, "low.m3u8"), variant(1600, "high.m3u8")];
        assert_eq!(parse_playlist(text), Ok(Playlist::Variants(expected)));
    }

    #[test]
    fn what_cannot_be_recorded_is_said() {
        let rows = [
            ("<html>", "it is no playlist"),
            ("", "it is no playlist"),
            ("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"", "it is encrypted"),
            ("#EXTM3U\n#EXT-X-BYTERANGE:10@0", "it has byte ranges"),
            ("#EXTM3U\n#EXT-X-MAP:URI=\"a\",BYTERANGE=\"1@0\"", "it has byte ranges"),
            ("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:18446744073709551615", "the playlist has no valid sequence"),
            ("#EXTM3U\n#EXTINF:-1,\na", "a segment has no valid length"),
            ("#EXTM3U\n#EXTINF:NaN,\na", "a segment has no valid length"),
            ("#EXTM3U\n#EXTINF:1,\na\n#EXT-X-STREAM-INF:BANDWIDTH=1\nb", "the playlist is of two kinds"),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_playlist(text), Err(expected), "{text}");
        }
        assert!(parse_playlist("#EXTM3U\n#EXT-X-KEY:METHOD=NONE").is_ok());
        let endless = format!("#EXTM3U\n{}", "#EXTINF:1,\na\n".repeat(MAX_ENTRIES + 1));
        assert_eq!(parse_playlist(&endless), Err("the playlist is too long"));
    }

    proptest! {
        #[test]
        fn no_playlist_is_too_strange(text in "#EXTM3U\n(#EXT(INF|-X-MAP|-X-KEY|-X-STREAM-INF|-X-MEDIA-SEQUENCE)?:[A-Z0-9=\",.-]{0,20}\n|[a-z]{0,5}\n){0,20}") {
            let _ = parse_playlist(&text);
        }
    }
}
