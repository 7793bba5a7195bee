//! Drivers of other languages, which take long to install: `tests/long.sh drivers` prepares them and runs this case. Each asks the server
//! and PostgreSQL the same, of rows that a statement makes, and of the columns of a table.

use std::process::Command;

use super::fixture::ToolsFixture;
use crate::support::{database, sized};

/// As our table is described.
const TABLE: &str = "CREATE TABLE readings (stream_id int NOT NULL, ts timestamptz NOT NULL, value float8, text text, \
    quality text NOT NULL, seq bigint NOT NULL)";

/// Programs that take a host, a port, a database, a user and a password, as Debian has them.
const PROGRAMS: [&[&str]; 4] = [
    &["perl", "tests/peers/dbd_pg.pl"],
    &[".venv/bin/python", "tests/peers/psqlodbc.py"],
    &[
        "java",
        "-Duser.timezone=UTC",
        "-cp",
        "/usr/share/java/postgresql.jar:/usr/share/java/scram-client.jar:/usr/share/java/scram-common.jar",
        "tests/peers/JdbcDriver.java",
    ],
    &["env", "GO111MODULE=off", "GOPATH=/usr/share/gocode", "go", "run", "tests/peers/pgx/main.go"],
];

/// The lines that a program prints.
async fn lines(program: &[&str], target: [&str; 5]) -> Vec<String> {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).args(target).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it was run");
    let output = output.expect("tests/long.sh drivers installs the program");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program:?} failed: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn drivers_of_other_languages_are_answered_as_by_postgresql() {
    if sized(true, false) {
        println!("tests/long.sh drivers installs the drivers and runs this case");
        return;
    }
    let fixture = ToolsFixture::new(&[]).await;
    let peer = database("other_drivers").await;
    let psql = std::env::var("BASALT_TEST_PSQL").expect("it is set by tests/run.sh");
    let created = Command::new(psql).args([peer.as_str(), "-Xqc", TABLE]).status().expect("psql runs");
    assert!(created.success());

    let own = fixture.server.pg_address();
    let (host, port) = own.rsplit_once(':').expect("an address");
    let ours = [host, port, "basalt", "anybody", fixture.key()];
    // postgres://USER@HOST:PORT/DATABASE
    let (user, rest) = peer.trim_start_matches("postgres://").split_once('@').expect("a user");
    let (address, name) = rest.split_once('/').expect("a database");
    let (host, port) = address.rsplit_once(':').expect("an address");
    let theirs = [host, port, name, user, "x"];
    for program in PROGRAMS {
        let (ours, theirs) = (lines(program, ours).await, lines(program, theirs).await);
        let differ: Vec<_> = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).collect();
        assert!(differ.is_empty() && ours.len() == theirs.len(), "{program:?}: {differ:#?}");
        assert!(ours.len() > 20, "{program:?}: {ours:?}");
    }
}
