//! Turns, silence and failures of a line, over pseudo terminals.

use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::serial::pseudo_terminal::PseudoTerminal;
use crate::collect::serial::settings::Parity;

const SLOW: SerialSettings = SerialSettings { baud: 300, parity: Parity::Even, stop_bits: 1 };
const LIMIT: Duration = Duration::from_millis(300);

fn address(path: &Path) -> SerialAddress {
    let path = path.to_str().unwrap().to_owned();
    SerialAddress { path, settings: SLOW, timeout: LIMIT, usage: ConnectionUsage::default() }
}

async fn open(path: &Path) -> Arc<SerialLine> {
    SerialLine::open(&address(path), &AllowedSerialPorts::AnyTerminal).await.unwrap()
}

async fn lock(line: &SerialLine, path: &Path) -> io::Result<SerialLineGuard> {
    line.lock(&address(path), Arc::default()).await
}

#[tokio::test]
async fn bytes_pass_unchanged_both_ways() {
    let terminal = PseudoTerminal::open();
    let line = open(&terminal.path).await;
    let mut guard = lock(&line, &terminal.path).await.unwrap();
    let all: Vec<u8> = (0..=255).collect();
    guard.write_all(&all).await.unwrap();
    assert_eq!(terminal.receive(256).await, all);
    terminal.send(&all).await;
    let mut received = vec![0; 256];
    guard.read_exact(&mut received).await.unwrap();
    assert_eq!(received, all);
}

#[tokio::test]
async fn every_name_of_a_port_is_the_same_line() {
    let terminal = PseudoTerminal::open();
    let line = open(&terminal.path).await;
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let link = folder.path().join("port");
    std::os::unix::fs::symlink(&terminal.path, &link).unwrap();
    assert!(Arc::ptr_eq(&line, &open(&link).await));
    drop(line);
    assert!(LINES.lock().get(&terminal.path).is_none_or(|line| line.strong_count() == 0));
}

#[tokio::test]
async fn a_port_has_one_user_among_programs() {
    let terminal = PseudoTerminal::open();
    let first = SerialPort::open(&terminal.path, SLOW).await.unwrap();
    let second = SerialPort::open(&terminal.path, SLOW).await.unwrap_err();
    assert_eq!(second.to_string(), "another program uses it");
    drop(first);
    SerialPort::open(&terminal.path, SLOW).await.unwrap();
}

#[tokio::test]
async fn what_is_no_terminal_is_no_port() {
    let error = SerialPort::open(Path::new("/dev/null"), SLOW).await.unwrap_err();
    assert_eq!(error.to_string(), "it is no serial port");
    let error = SerialPort::open(Path::new("/dev/ttyUSB99"), SLOW).await.unwrap_err();
    assert!(error.to_string().starts_with("there is no such port"), "{error}");
}

#[tokio::test]
async fn the_next_turn_begins_after_the_answer_and_a_silence() {
    let terminal = PseudoTerminal::open();
    let line = open(&terminal.path).await;
    let mut guard = lock(&line, &terminal.path).await.unwrap();
    guard.write_all(b"request").await.unwrap();
    terminal.send(b"answer").await;
    let mut answer = [0; 6];
    guard.read_exact(&mut answer).await.unwrap();
    let answered = Instant::now();
    drop(guard);
    lock(&line, &terminal.path).await.unwrap();
    assert!(answered.elapsed() >= SLOW.silence(), "{:?}", answered.elapsed());
}

#[tokio::test]
async fn a_pause_between_requests_holds_for_everybody_on_the_line() {
    let terminal = PseudoTerminal::open();
    let line = open(&terminal.path).await;
    let pause = 2 * SLOW.silence();
    let usage = ConnectionUsage { pause_between_requests: pause, ..ConnectionUsage::default() };
    let slow = SerialAddress { usage, ..address(&terminal.path) };
    let mut guard = line.lock(&slow, Arc::default()).await.unwrap();
    guard.write_all(b"request").await.unwrap();
    terminal.send(b"answer").await;
    let before = Instant::now();
    guard.read_exact(&mut [0; 6]).await.unwrap();
    drop(guard);
    lock(&line, &terminal.path).await.unwrap();
    assert!(before.elapsed() >= pause, "{:?}", before.elapsed());
}

#[tokio::test]
async fn an_abandoned_request_reserves_the_line_while_it_may_be_answered() {
    let terminal = PseudoTerminal::open();
    let line = open(&terminal.path).await;
    let mut guard = lock(&line, &terminal.path).await.unwrap();
    let started = Instant::now();
    guard.write_all(b"request").await.unwrap();
    drop(guard);
    terminal.send(b"late answer").await;
    let mut guard = lock(&line, &terminal.path).await.unwrap();
    assert!(started.elapsed() >= LIMIT, "{:?}", started.elapsed());
    let mut byte = [0; 1];
    let read = timeout(Duration::from_millis(20), guard.read(&mut byte)).await;
    assert!(read.is_err(), "the late answer was not thrown away");
}

#[tokio::test]
async fn a_line_that_is_never_silent_is_an_error() {
    let terminal = PseudoTerminal::open();
    let line = open(&terminal.path).await;
    let stop = Arc::new(AtomicBool::new(false));
    let noise = terminal.send_until(Arc::clone(&stop));
    terminal.until_input_waits().await;
    let error = lock(&line, &terminal.path).await.err();
    stop.store(true, Ordering::Relaxed);
    noise.join().unwrap();
    let error = error.expect("the line is noisy").to_string();
    assert!(error.contains("never silent"), "{error}");
}

#[tokio::test]
async fn an_unplugged_port_is_noticed_and_opened_again_when_it_is_back() {
    let terminal = PseudoTerminal::open();
    let path = terminal.path.clone();
    let line = open(&path).await;
    let mut guard = lock(&line, &path).await.unwrap();
    drop(terminal);
    let mut byte = [0; 1];
    assert!(guard.read(&mut byte).await.is_err());
    drop(guard);
    let error = lock(&line, &path).await.expect_err("the port is gone").to_string();
    assert_eq!(error, "the serial port was closed");
    let mut state = line.state.lock().await;
    assert!(state.port.is_none());
    let back = PseudoTerminal::open();
    state.port = Some(SerialPort::open(&back.path, SLOW).await.unwrap());
}
