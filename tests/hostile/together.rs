//! Every hostile client at once, for a short time: the script of `tests/long.sh hostile`, which takes half an hour of a release
//! build. Here latencies tell starvation from slowness only.

use std::path::Path;
use std::process::Command;

use crate::support::{has_turn, sized};

#[tokio::test(flavor = "multi_thread")]
async fn all_hostile_clients_at_once_end_starve_and_bloat_nothing() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile_clients");
    // Python's standard library is enough for it; with the tests' environment it speaks Flight as well.
    let interpreter = std::env::var_os("BASALT_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    // A change meets every third kind of them.
    let thirds = ["0", "1", "2"].into_iter().zip(0..).filter(|(_, nth)| has_turn("hostile", *nth, 3));
    let share: Vec<&str> = match &thirds.collect::<Vec<_>>()[..] {
        [(third, _)] => vec!["--third", *third],
        _ => vec![],
    };
    let run = move || {
        Command::new(interpreter)
            .arg(script)
            .args(["--basalt", env!("CARGO_BIN_EXE_basalt"), "--seconds", sized("2", "15")])
            .args(["--writer-ms", "60000", "--reader-ms", "60000", "--alert-ms", "60000"])
            .args(share)
            .output()
    };
    let ran = tokio::task::spawn_blocking(run).await.expect("it was run").expect("the interpreter starts");
    let (stdout, why) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{stdout}\n{why}");
}
