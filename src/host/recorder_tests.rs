//! Runs of a script in place of the program: what it is given, what ends it, and that it takes nothing along.

use std::os::unix::fs::PermissionsExt;

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// A recorder that is a shell script.
fn recorder(dir: &Path, script: &str) -> Recorder {
    let path = dir.join("ffmpeg");
    // Another program writes it: a file that this one has open for writing cannot be started while other tests start programs.
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\"; chmod 700 \"$2\"";
    let path_text = path.display().to_string();
    let written =
        std::process::Command::new("sh").args(["-c", write, "sh", script, &path_text]).status().unwrap();
    assert!(written.success());
    Recorder::new(path)
}

fn run(dir: &Path, input: RecorderInput) -> RecorderRun {
    let output = RecorderOutput::Mp4(Duration::from_secs(3));
    RecorderRun { input, output, dir: dir.join("work"), limit: LONG, max_bytes: 1 << 20 }
}

#[tokio::test]
async fn a_password_is_in_no_argument_and_nothing_of_ours_is_in_the_environment() {
    let home = tempfile::tempdir().unwrap();
    let script = "echo \"$@\" > arguments; env > environment; cat > script; echo out_time_us=2900011; echo x > recording.mp4";
    let recorder = recorder(home.path(), script);
    let (progress, received) = watch::channel(0);
    let input = RecorderInput::Rtsp("rtsp://cam:s3cret@127.0.0.1/1".to_owned());
    recorder.run(&run(home.path(), input), None, &progress).await.unwrap();
    let read = |name: &str| fs::read_to_string(home.path().join("work").join(name)).unwrap();
    assert!(!read("arguments").contains("s3cret") && !read("environment").contains("s3cret"));
    assert!(read("script").contains("file 'rtsp://cam:s3cret@127.0.0.1/1'\n"));
    assert!(!read("environment").contains("CARGO"), "{}", read("environment"));
    assert_eq!(*received.borrow(), 2_900_011);
    let mode = fs::metadata(home.path().join("work")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_feed_is_passed_on_until_it_ends() {
    let home = tempfile::tempdir().unwrap();
    let recorder = recorder(home.path(), "cat > recording.mp4");
    let (progress, _) = watch::channel(0);
    let (sender, feed) = mpsc::channel(1);
    let sending = tokio::spawn(async move {
        for piece in ["one ", "two"] {
            sender.send(Bytes::from_static(piece.as_bytes())).await.unwrap();
        }
    });
    recorder.run(&run(home.path(), RecorderInput::Feed), Some(feed), &progress).await.unwrap();
    sending.await.unwrap();
    assert_eq!(fs::read_to_string(home.path().join("work").join(RECORDING)).unwrap(), "one two");
}

#[tokio::test]
async fn every_failure_is_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let (progress, _) = watch::channel(0);
    let missing = Recorder::new(PathBuf::from("/nowhere/ffmpeg"));
    let result = missing.run(&run(home.path(), RecorderInput::Feed), None, &progress).await;
    assert!(matches!(result, Err(RecorderError::Missing(_))), "{result:?}");
    let rows = [
        (
            "echo 'rtsp://a:s3cret@b: method DESCRIBE failed: 401 Unauthorized' >&2; exit 1",
            "user or password",
        ),
        ("echo 'rtsp://a:s3cret@b/1 is strange' >&2; exit 1", "the recorder failed"),
    ];
    for (script, expected) in rows {
        let result =
            recorder(home.path(), script).run(&run(home.path(), RecorderInput::Feed), None, &progress).await;
        match result {
            Err(RecorderError::Failed(reason)) => {
                assert!(reason.contains(expected) && !reason.contains("s3cret"), "{reason}");
            }
            other => panic!("{script}: {other:?}"),
        }
    }
    let endless = RecorderRun { limit: Duration::from_millis(300), ..run(home.path(), RecorderInput::Feed) };
    let result = recorder(home.path(), "sleep 600").run(&endless, None, &progress).await;
    assert!(matches!(result, Err(RecorderError::TimedOut)), "{result:?}");
    let large = RecorderRun { max_bytes: 1000, ..run(home.path(), RecorderInput::Feed) };
    let script = "for n in 1 2 3 4; do head -c 900 /dev/zero > part$n; done; sleep 600";
    let result = recorder(home.path(), script).run(&large, None, &progress).await;
    assert!(matches!(result, Err(RecorderError::TooLarge)), "{result:?}");
}

#[tokio::test]
async fn a_dropped_run_ends_with_everything_it_started() {
    let home = tempfile::tempdir().unwrap();
    let recorder = recorder(home.path(), "sleep 600 & echo $! > pid; wait");
    let (progress, _) = watch::channel(0);
    let pid_file = home.path().join("work").join("pid");
    let plan = run(home.path(), RecorderInput::Feed);
    let running = tokio::spawn(async move { recorder.run(&plan, None, &progress).await.is_ok() });
    let pid = loop {
        match fs::read_to_string(&pid_file) {
            Ok(text) if text.ends_with('\n') => break text,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    running.abort();
    let stat = Path::new("/proc").join(pid.trim()).join("stat");
    for _ in 0..500 {
        // Gone, or a zombie.
        match fs::read_to_string(&stat) {
            Ok(line) if !line.contains(") Z") => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => return,
        }
    }
    panic!("it still runs");
}

#[test]
fn each_input_may_use_its_own_protocol_alone() {
    let output = RecorderOutput::Mp4(Duration::from_millis(2500));
    let rows = [
        (RecorderInput::Rtsp("rtsp://x".to_owned()), "pipe,rtsp,rtsps,rtp,tcp,tls"),
        (RecorderInput::Feed, "pipe"),
        (RecorderInput::Device("/dev/video0".to_owned()), "file"),
        (RecorderInput::Recording, "file"),
    ];
    for (input, protocols) in rows {
        let all = arguments(&input, output, 1000);
        let at = all.iter().position(|word| word == "-protocol_whitelist").unwrap();
        assert_eq!(all[at + 1], protocols);
        assert!(all.iter().position(|word| word == "-i").unwrap() > at, "before what it is for");
        assert!(!all.iter().any(|word| word.contains("rtsp://")), "{all:?}");
        assert!(all.windows(2).any(|pair| pair == ["-t", "2.5"]) && all.contains(&RECORDING.to_owned()));
    }
}
