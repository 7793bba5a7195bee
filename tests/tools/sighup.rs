//! SIGHUP: settings that change while a server runs, and a terminal that closes.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};

use crate::support::{DataDir, Server, until};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn settings_change_on_sighup_or_wait_for_a_restart() {
    let home = Arc::new(DataDir::new());
    let write = |text: &str| fs::write(home.path().join("basalt.toml"), text).unwrap();
    write("[log]\nlevel = \"warn\"\n[limits]\nquery_rows = 10");
    let server = Server::start_alone(home.clone(), &[]).await;
    let client = server.client();
    let ten = "/sql?q=SELECT+*+FROM+generate_series(1,10)";
    client.get(ten).await.ok();

    write("[flush]\nage = \"7s\"\n[limits]\nquery_rows = 9\n[log]\nlevel = \"info\"");
    server.signal("HUP");
    until!("what waits", LIMIT; server.log().contains("take effect after a restart"));
    let log = server.log();
    let line = |words: &str| log.lines().find(|line| line.contains(words)).unwrap_or_default();
    let (applied, waiting) = (line("was read again and applied"), line("take effect after a restart"));
    assert!(applied.contains("count=2 settings=\"limits.query_rows, log.level\""), "{log}");
    assert!(waiting.contains("count=1 settings=\"flush.age\""), "{log}");
    assert_ne!(client.get(ten).await.status, 200, "ten rows are too many now");

    write("[limits]\nquery_rows = 1\n[log]\nlevel = \"loud\"");
    server.signal("HUP");
    until!("it is refused", LIMIT; server.log().contains("is not used"));
    assert!(server.log().contains("log.level: `loud` (from basalt.toml) is not valid"), "{}", server.log());
    client.get("/sql?q=SELECT+*+FROM+generate_series(1,9)").await.ok();

    write("[flush]\nage = \"7s\"\n[limits]\nquery_rows = 9\nquery_timeout = \"300ms\"");
    server.signal("HUP");
    until!("it is applied", LIMIT; server.log().contains("count=1 settings=\"limits.query_timeout\""));
    let long = "SELECT sum(a) FROM generate_series(1, 100000000000) a";
    client.try_sql(long).await.refused(504, "longer than 0.3 s");

    fs::remove_file(home.path().join("basalt.toml")).unwrap();
    server.signal("HUP");
    let named = "the configuration file basalt.toml cannot be read";
    until!("it has to be there", LIMIT; server.log().contains(named));
    client.try_sql(long).await.refused(504, "longer than 0.3 s");
}

/// Without a reload the signal would end the process at once.
#[tokio::test]
async fn a_closed_terminal_stops_the_server_in_order() {
    let home = DataDir::new();
    let terminal =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
    // The server must not hold the side whose closing hangs it up.
    rustix::io::fcntl_setfd(&terminal, rustix::io::FdFlags::CLOEXEC).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let name = rustix::pty::ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    // Without `NOCTTY` it could become the terminal of this process, which would be hung up as well.
    let input = open(name.as_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let log = home.path().join("log");
    let mut command = home.command();
    command.args(["serve", "--listen", "127.0.0.1:0"]).stdin(input).stderr(fs::File::create(&log).unwrap());
    let mut child = command.spawn().unwrap();
    // The command holds the terminal's other side too.
    drop(command);
    let text = || fs::read_to_string(&log).unwrap();
    until!("it answers", LIMIT; text().contains("listening on http"));
    let hang_up = || {
        let pid = child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    };
    hang_up();
    until!("it goes on", LIMIT; text().contains("the certificates were read again"));
    drop(terminal);
    hang_up();
    until!("it stops", LIMIT; text().contains("the terminal is closed"));
    let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0), "{}", text());
}
