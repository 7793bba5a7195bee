//! The short form of `tests/long.sh media`: a real ffmpeg records and shows a camera that speaks RTSP and one of HTTP.

use crate::support::script;

#[tokio::test]
async fn a_real_ffmpeg_records_cameras_and_shows_them() {
    let ffmpeg = std::env::var("BASALT_TEST_FFMPEG");
    let ffmpeg = ffmpeg.expect("BASALT_TEST_FFMPEG is not set: run the tests with tests/run.sh");
    let mut command = script("media_real.py");
    command.args(["--basalt", env!("CARGO_BIN_EXE_basalt"), "--ffmpeg", &ffmpeg, "--seconds", "3"]);
    let ran = tokio::task::spawn_blocking(move || command.output()).await.expect("it was run");
    let ran = ran.expect("the interpreter is there");
    let (stdout, stderr) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{stdout}\n{stderr}");
    for thing in ["RTSP: a clip", "RTSP: a live view", "HLS: a clip", "HLS: a live view", "a wrong password"]
    {
        assert!(stdout.contains(thing), "{thing}: {stdout}");
    }
}
