//! Recording by an external program, ffmpeg 5 or newer: argument list, no shell, no environment, a directory of its own, limits
//! of time, size, memory and number. What it reads and writes by itself is limited to one protocol of the camera; passwords
//! reach it by its standard input, so that the process list has none. When a run is dropped, the program is killed with
//! everything it started.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use rustix::process::{Resource, Rlimit, prlimit};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, watch};
use tokio::time::{interval, timeout};

use super::command::ProcessGroup;

/// Largest address space of the program, bytes.
const MAX_MEMORY_BYTES: u64 = 4 << 30;
/// Most files that the program has open.
const MAX_OPEN_FILES: u64 = 64;
/// Output to standard error that is looked at, bytes.
const MAX_STDERR_BYTES: u64 = 64 << 10;
/// Largest line of progress, bytes.
const MAX_LINE_BYTES: u64 = 4096;
/// How often the size of a directory is looked at.
const SIZE_INTERVAL: Duration = Duration::from_secs(1);
/// Playlist of a live view.
pub const PLAYLIST: &str = "index.m3u8";
/// File of a recording.
pub const RECORDING: &str = "recording.mp4";
/// File of a picture.
pub const PICTURE: &str = "picture.jpg";

/// Source of pictures.
#[derive(Clone, PartialEq, Eq)]
pub enum RecorderInput {
    /// An RTSP URL with its password, of plain characters without quotes.
    Rtsp(String),
    /// Bytes of a transport stream or of fragmented MP4, which the caller sends.
    Feed,
    /// A video device.
    Device(String),
    /// A recording in the directory.
    Recording,
}

/// Output of a recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecorderOutput {
    /// One MP4 file of at most so much time.
    Mp4(Duration),
    /// A playlist with the newest segments, for at most so much time: also when this server is killed and cannot end it.
    Hls(Duration),
    /// One picture.
    Picture,
}

/// One run of the program.
#[derive(Clone)]
pub struct RecorderRun {
    pub input: RecorderInput,
    pub output: RecorderOutput,
    /// Directory of its own, which is made.
    pub dir: PathBuf,
    /// Most time of the whole run.
    pub limit: Duration,
    /// Most bytes that it may write.
    pub max_bytes: u64,
}

/// Why a run failed. None of it has text of the program, which may contain an address with its password.
#[derive(Debug)]
pub enum RecorderError {
    /// The program does not exist or may not be executed.
    Missing(io::Error),
    /// The run exceeded its time.
    TimedOut,
    /// It wrote more than it may.
    TooLarge,
    /// The program failed; a closed set of reasons.
    Failed(&'static str),
    Io(io::Error),
}

/// The program.
#[derive(Debug, Clone)]
pub struct Recorder {
    path: PathBuf,
}

impl Recorder {
    /// `path` is absolute and need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Runs the program to its end. `feed` is what an input [`RecorderInput::Feed`] has; `progress` is told how much time the
    /// output has, microseconds.
    ///
    /// # Errors
    /// A [`RecorderError`]; whatever it wrote is then not complete.
    pub async fn run(
        &self,
        run: &RecorderRun,
        feed: Option<mpsc::Receiver<Bytes>>,
        progress: &watch::Sender<i64>,
    ) -> Result<(), RecorderError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&run.dir).map_err(RecorderError::Io)?;
        let (mut child, mut group) = self.start(run)?;
        limit(&group, with_margin(run.max_bytes));
        let done = timeout(run.limit, watch_run(&mut child, run, feed, progress)).await;
        let stderr = done.map_err(|_| RecorderError::TimedOut)??;
        let status = child.wait().await.map_err(RecorderError::Io)?;
        group.release();
        if status.success() { Ok(()) } else { Err(RecorderError::Failed(reason(&stderr))) }
    }

    fn start(&self, run: &RecorderRun) -> Result<(Child, ProcessGroup), RecorderError> {
        let mut command = Command::new(&self.path);
        command.args(arguments(&run.input, run.output, run.max_bytes));
        // The server's environment is not passed on: it holds secrets.
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin").current_dir(&run.dir);
        let has_input = matches!(run.input, RecorderInput::Rtsp(_) | RecorderInput::Feed);
        command.stdin(if has_input { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        let child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => RecorderError::Missing(error),
            _ => RecorderError::Io(error),
        })?;
        let group = ProcessGroup::of(&child);
        Ok((child, group))
    }
}

/// Limits what the program may take. It has begun already, and has read nothing of the camera yet.
fn limit(group: &ProcessGroup, max_bytes: u64) {
    // Without an id the limits would be those of this server.
    let Some(program) = group.leader() else { return };
    let limits = [
        (Resource::As, MAX_MEMORY_BYTES),
        (Resource::Nofile, MAX_OPEN_FILES),
        (Resource::Core, 0),
        (Resource::Fsize, max_bytes),
    ];
    for (resource, most) in limits {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        // A program that has ended already has no limits.
        let _ = prlimit(Some(program), resource, limit);
    }
}

/// The arguments of a run. No part of them is text of a caller but the path of a device, which begins with `/dev/`.
fn arguments(input: &RecorderInput, output: RecorderOutput, max_bytes: u64) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut add = |words: &[&str]| all.extend(words.iter().map(|word| (*word).to_owned()));
    add(&["-hide_banner", "-nostats", "-loglevel", "error", "-progress", "pipe:1", "-y", "-threads", "2"]);
    match input {
        RecorderInput::Rtsp(_) => {
            add(&["-protocol_whitelist", "pipe,rtsp,rtsps,rtp,tcp,tls", "-f", "concat", "-safe", "0"]);
            add(&["-i", "pipe:0"]);
        }
        RecorderInput::Feed => {
            add(&["-protocol_whitelist", "pipe", "-format_whitelist", "mpegts,mov,aac,mp3"]);
            add(&["-fflags", "+genpts", "-i", "pipe:0"]);
        }
        RecorderInput::Device(path) => {
            add(&["-protocol_whitelist", "file", "-f", "v4l2", "-framerate", "25", "-i", path]);
        }
        RecorderInput::Recording => {
            add(&["-protocol_whitelist", "file", "-format_whitelist", "mov", "-i", RECORDING]);
        }
    }
    // What a camera of this machine sends is not compressed, or not in a form that browsers play.
    let codec: &[&str] = match input {
        RecorderInput::Device(_) => &["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"],
        RecorderInput::Rtsp(_) | RecorderInput::Feed | RecorderInput::Recording => &["-c", "copy"],
    };
    let streams = ["-map", "0:v:0", "-map", "0:a:0?", "-sn", "-dn"];
    match output {
        RecorderOutput::Mp4(duration) => {
            add(&streams);
            add(codec);
            add(&["-t", &duration.as_secs_f64().to_string(), "-fs", &max_bytes.to_string()]);
            add(&["-movflags", "+faststart", "-f", "mp4", RECORDING]);
        }
        RecorderOutput::Hls(duration) => {
            add(&streams);
            add(codec);
            add(&["-t", &duration.as_secs_f64().to_string()]);
            add(&["-f", "hls", "-hls_time", "2", "-hls_list_size", "6", "-hls_flags", "delete_segments"]);
            add(&["-hls_segment_filename", "segment%d.ts", PLAYLIST]);
        }
        RecorderOutput::Picture => {
            add(&[
                "-map",
                "0:v:0",
                "-frames:v",
                "1",
                "-vf",
                "scale=480:-2",
                "-f",
                "image2",
                "-update",
                "1",
                PICTURE,
            ]);
        }
    }
    all
}

/// Follows a run until both of its outputs end; returns what it said to standard error.
async fn watch_run(
    child: &mut Child,
    run: &RecorderRun,
    feed: Option<mpsc::Receiver<Bytes>>,
    progress: &watch::Sender<i64>,
) -> Result<String, RecorderError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let outputs = async { tokio::join!(read_progress(stdout, progress), read_stderr(stderr)) };
    let sending = send(stdin, &run.input, feed);
    let (mut outputs, mut sending) = (std::pin::pin!(outputs), std::pin::pin!(sending));
    let mut sizes = interval(SIZE_INTERVAL);
    let mut is_sending = true;
    loop {
        tokio::select! {
            ((), stderr) = &mut outputs => return Ok(stderr),
            () = &mut sending, if is_sending => is_sending = false,
            _ = sizes.tick() => {
                if size_of(&run.dir) > with_margin(run.max_bytes) {
                    return Err(RecorderError::TooLarge);
                }
            }
        }
    }
}

/// Sends the input. A program that does not take it any more has ended or ends.
async fn send(stdin: Option<ChildStdin>, input: &RecorderInput, feed: Option<mpsc::Receiver<Bytes>>) {
    let Some(mut stdin) = stdin else { return };
    if let RecorderInput::Rtsp(url) = input {
        let script = format!("ffconcat version 1.0\nfile '{url}'\noption rtsp_transport tcp\n");
        let _ = stdin.write_all(script.as_bytes()).await;
        return;
    }
    let Some(mut feed) = feed else { return };
    while let Some(bytes) = feed.recv().await {
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Reads lines such as `out_time_us=2900011`.
async fn read_progress(pipe: Option<impl AsyncRead + Unpin>, progress: &watch::Sender<i64>) {
    let Some(pipe) = pipe else { return };
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let time = text.trim().strip_prefix("out_time_us=").and_then(|number| number.parse::<i64>().ok());
        if let Some(time) = time.filter(|time| *time > 0) {
            progress.send_replace(time);
        }
    }
}

/// Reads the beginning of standard error, and lets the rest go, so that the program does not wait.
async fn read_stderr(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let mut bytes = Vec::new();
    // What was read until an error counts.
    let _ = (&mut pipe).take(MAX_STDERR_BYTES).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reason of a failure, found in standard error by the words of ffmpeg in English, which `LC_ALL` sets. They are those of
/// ffmpeg 5.1 (Debian 12), and may differ in another version: a text with none of them has the last reason. It is not shown itself, because it may contain the address.
fn reason(stderr: &str) -> &'static str {
    let known = [
        ("401 Unauthorized", "the camera refuses user or password"),
        ("403 Forbidden", "the camera refuses user or password"),
        ("404 Not Found", "the camera has no such stream"),
        ("Connection refused", "nothing listens at the address of the camera"),
        ("timed out", "the camera does not answer in time"),
        ("No route to host", "the camera cannot be reached"),
        ("matches no streams", "the camera sends no video"),
        ("Invalid data found", "the camera sends no video that can be read"),
        ("File size limit", "the recording is larger than it may be"),
        ("No such file or directory", "there is no such video device"),
        ("Permission denied", "the server may not read the video device"),
        ("Device or resource busy", "another program uses the video device"),
        ("Unrecognized option", "the recorder is older than version 5"),
        ("not found", "the recorder lacks a part that is needed"),
    ];
    let found = known.into_iter().find(|(words, _)| stderr.contains(words));
    found.map_or("the recorder failed", |(_, reason)| reason)
}

/// A quarter more: the program ends by itself a little after the limit, and writes the index of a file last.
fn with_margin(max_bytes: u64) -> u64 {
    max_bytes.saturating_add(max_bytes / 4)
}

/// Bytes of the files in a directory; what cannot be read counts as nothing.
fn size_of(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
