//! Hostile input: many connections, slow connections, password hashing and scarce file descriptors.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::AttackedServer;
use crate::support::{Client, DataDir, Server, eventually};

/// Long enough for anything that is going to happen at all.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(20);

async fn open(client: &Client, bytes: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(client.address()).await.expect("the server accepts");
    // The server may have let go of it already.
    socket.write_all(bytes).await.unwrap_or(());
    socket
}

/// Reads until the server closes.
async fn read_to_close(socket: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is as good as a close.
    timeout(CLOSE_TIMEOUT, socket.read_to_end(&mut text))
        .await
        .expect("the server closes")
        .unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

/// Whether the server has closed a connection, with an answer or without.
async fn is_closed(socket: &mut TcpStream) -> bool {
    timeout(Duration::from_millis(5), socket.read_to_end(&mut Vec::new())).await.is_ok()
}

fn pid(server: &Server) -> u32 {
    let text = fs::read_to_string(server.data_dir.path().join("lock")).expect("the lock holds its id");
    text.trim().parse().expect("a number")
}

#[tokio::test]
async fn strangers_hold_no_place_that_others_need() {
    let (attacked, client) = AttackedServer::with_client(&[("BASALT_HTTP__CONNECTIONS", "60")]).await;
    let slow = format!(
        "POST /api/session/ HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n{}",
        "x".repeat(1000)
    );
    let head = format!("GET / HTTP/1.1\r\nx-long: {}", "x".repeat(40_000));
    let kinds: [&[u8]; 4] = [b"", b"GET / HT", slow.as_bytes(), head.as_bytes()];
    let mut strangers = Vec::new();
    for opening in kinds.into_iter().cycle().take(400) {
        strangers.push(open(&client, opening).await);
    }
    // Whoever comes now, with a key or without, is answered.
    for _ in 0..20 {
        let mut newcomer =
            open(&client, b"GET /healthz/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        let answer = read_to_close(&mut newcomer).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let mut closed = 0;
    for stranger in &mut strangers {
        closed += usize::from(is_closed(stranger).await);
    }
    assert!(closed >= 340, "{closed} of 400 made room");
    attacked.finish().await;
}

#[tokio::test]
async fn past_the_limit_clients_at_work_stay_and_newcomers_are_refused_at_once() {
    let (server, client) = Server::with_client(&[("BASALT_HTTP__CONNECTIONS", "8")]).await;
    let request = format!("GET /api/device/ HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\n\r\n", server.key);
    let mut known = Vec::new();
    for _ in 0..8 {
        let mut socket = open(&client, request.as_bytes()).await;
        let mut answer = [0; 4096];
        let read = socket.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
        known.push(socket);
    }
    let mut newcomer = open(&client, b"GET /healthz/ HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let text = read_to_close(&mut newcomer).await;
    assert!(text.starts_with("HTTP/1.1 503") && text.contains("connection: close"), "{text}");
    assert!(text.contains("http.connections"), "{text}");
    for socket in &mut known {
        socket.write_all(request.as_bytes()).await.expect("it stays");
        assert_eq!(socket.read_u8().await.expect("it is answered"), b'H');
    }
    drop(known);
    eventually("a place is free", CLOSE_TIMEOUT, || async {
        let mut socket =
            open(&client, b"GET /healthz/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        read_to_close(&mut socket).await.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
}

#[tokio::test]
async fn logins_that_hang_up_leave_no_hash_behind() {
    // Names and addresses have budgets of their own, which somebody with many of either would not meet.
    let (attacked, client) = AttackedServer::with_client(&[("BASALT_SESSION__ATTEMPTS", "100000")]).await;
    let before = attacked.server.reset_peak_memory();
    for n in 0..300 {
        let body = json!({ "username": format!("nobody{n}"), "password": "wrong" }).to_string();
        let request = format!(
            "POST /api/session/ HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let socket = open(&client, request.as_bytes()).await;
        // As long as it takes to be asked, much less than a hash.
        tokio::time::sleep(Duration::from_millis(5)).await;
        drop(socket);
    }
    // Two at a time take 38 MiB.
    attacked.finish_growing_below(before, 300).await;
}

#[tokio::test]
async fn one_probe_of_the_disk_is_for_all_who_ask() {
    let attacked = AttackedServer::start(&[]).await;
    let client = attacked.server.client().without_key();
    let threads =
        |server: &Server| fs::read_dir(format!("/proc/{}/task", pid(server))).map_or(0, Iterator::count);
    let before = threads(&attacked.server);
    let asking: Vec<_> = (0..200)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get("/readyz/?checks=disk").await.status })
        })
        .collect();
    let mut most = 0;
    for task in asking {
        most = most.max(threads(&attacked.server));
        assert_eq!(task.await.unwrap(), 200);
    }
    assert!(most < before + 20, "{before} threads before, {most} beside the probes");
    attacked.finish().await;
}

/// The numbers of the descriptors that a process has open, and that of the segment it writes.
fn descriptors(pid: u32) -> (BTreeSet<u64>, Option<u64>) {
    let (mut open, mut segment) = (BTreeSet::new(), None);
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").flatten() {
        let number = entry.file_name().to_string_lossy().parse().expect("a number");
        open.insert(number);
        if fs::read_link(entry.path()).is_ok_and(|file| file.extension().is_some_and(|e| e == "wal")) {
            segment = Some(number);
        }
    }
    (open, segment)
}

/// Allows a process so many descriptors, and answers how many it was allowed.
fn allow(pid: u32, descriptors: u64) -> Rlimit {
    let pid = Pid::from_raw(pid.try_into().expect("an id"));
    let limit = Rlimit { current: Some(descriptors), maximum: hard(pid) };
    prlimit(pid, Resource::Nofile, limit).expect("it is our child")
}

/// The hard limit of a process, which only root may raise.
fn hard(pid: Option<Pid>) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{}/limits", pid.expect("an id").as_raw_nonzero()))
        .expect("it runs");
    let line = text.lines().find(|line| line.starts_with("Max open files")).expect("it has one");
    line.split_whitespace().nth(4).expect("two numbers").parse().ok()
}

#[tokio::test]
async fn a_lack_of_descriptors_does_not_end_the_log() {
    let (server, client) = Server::with_client(&[("BASALT_WAL__SEGMENT", "1KB")]).await;
    client.post("/api/device/", &json!({ "name": "Plant", "protocol": "virtual" })).await.created();
    let stream = json!({ "device": 1, "name": "speed", "type": "fp64" });
    let stream = client.post("/api/data/", &stream).await.created();
    let value = format!("/api/data/{}/value/", stream["id"]);
    let write = async || client.post(&value, &json!({ "value": 1 })).await;
    // Segments end and begin, so that the one that is written has the lowest number there is.
    for _ in 0..60 {
        write().await.created();
    }
    let pid = pid(&server);
    let (open, segment) = descriptors(pid);
    let free = (0..).find(|number| !open.contains(number)).expect("not all of them");
    assert!(segment.is_some_and(|segment| segment < free), "{segment:?} of {open:?}");
    // What a segment gives back the next one may take, and nothing more is to be had.
    let before = allow(pid, free);
    for n in 0..60 {
        let answer = write().await.about(&format!("write {n}")).expect_one_of(&[201, 503]);
        assert!(!answer.to_string().contains("until a restart"), "write {n}: {answer}");
    }
    // Nobody else is let in meanwhile, and the server waits.
    let mut newcomer = open_quietly(&client).await;
    let waiting = timeout(Duration::from_millis(500), newcomer.read_u8()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    allow(pid, before.current.expect("a number"));
    assert_eq!(newcomer.read_u8().await.expect("it is accepted in the end"), b'H');
    for _ in 0..60 {
        write().await.created();
    }
    assert!(server.log().contains("connections cannot be accepted"), "{}", server.log());
}

async fn open_quietly(client: &Client) -> TcpStream {
    open(client, b"GET /healthz/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await
}

#[tokio::test]
async fn the_limit_of_descriptors_is_raised() {
    let server = Server::start(&[]).await;
    let text = fs::read_to_string(format!("/proc/{}/limits", pid(&server))).expect("it runs");
    let line = text.lines().find(|line| line.starts_with("Max open files")).expect("it has one");
    let limits: Vec<_> = line.split_whitespace().skip(3).take(2).collect();
    assert_eq!(limits[0], limits[1], "{line}");
}

/// Paths in a folder that are open to others, with their modes.
fn open_to_others(dir: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            // Files come and go while a server runs.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.mode() & 0o077 != 0 {
                found.push((entry.path(), format!("{:o}", metadata.mode())));
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}

#[tokio::test]
async fn what_a_server_and_commands_create_is_their_owners() {
    let (mut server, client) = Server::with_client(&[]).await;
    client.post("/api/device/", &json!({ "name": "Plant", "protocol": "virtual" })).await.created();
    client.post("/api/data/", &json!({ "device": 1, "name": "speed", "type": "fp64" })).await.created();
    client
        .ingest("application/x-ndjson", "{\"stream_id\":1,\"ts\":\"2026-04-27T00:00:00Z\",\"value\":1}\n")
        .await
        .ok();
    client.get("/readyz/?checks=disk").await;
    server.basalt(&["compact"]).await.expect_success();
    assert!(server.data_dir.path().join("lake/readings/_delta_log").is_dir());
    assert_eq!(open_to_others(server.data_dir.path()), [], "while it runs");
    let backups = DataDir::new();
    let backup = backups.path().join("backup");
    server.basalt(&["backup", backup.to_str().unwrap()]).await.expect_success();
    assert_eq!(open_to_others(backups.path()), [], "of a backup, whose files are links");
    server.stop().await;
    assert_eq!(open_to_others(server.data_dir.path()), [], "when it has ended");

    let home = DataDir::new();
    let nested = home.path().join("a/b");
    let env = [("BASALT_DATA_DIR", nested.to_str().unwrap())];
    home.basalt_with(&["key", "create", "--name", "k"], &env, "").await.expect_success();
    assert!(nested.join("catalog.sqlite").is_file());
    assert_eq!(open_to_others(home.path()), [], "of a command");
}

#[tokio::test]
async fn strangers_hold_no_place_of_flight() {
    let env = [("BASALT_FLIGHT_LISTEN", "127.0.0.1:0"), ("BASALT_FLIGHT__CONNECTIONS", "10")];
    let attacked = AttackedServer::start(&env).await;
    let address = attacked.server.flight_address();
    let mut strangers = Vec::new();
    for n in 0..60 {
        let mut socket = TcpStream::connect(&address).await.expect("the server accepts");
        if n % 2 == 0 {
            // HTTP/2 as far as it goes without saying who one is.
            socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap_or(());
        }
        strangers.push(socket);
    }
    let answer = crate::tools::flight::ask(&attacked.server, &attacked.server.key, "SELECT 1");
    assert_eq!(timeout(CLOSE_TIMEOUT, answer).await.expect("strangers make room"), Ok(1));
    attacked.finish().await;
}
