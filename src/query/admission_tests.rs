//! Tests permits, slots in the queue and the deadline, however a wait ends.

use super::*;

const DEADLINE: Duration = Duration::from_millis(200);

fn gate(running: usize, waiting: usize) -> AdmissionQueue {
    AdmissionQueue::new(running, waiting, DEADLINE)
}

async fn refusal(gate: &AdmissionQueue) -> String {
    let error = gate.acquire().await.expect_err("it is refused");
    assert_eq!(error.kind, Kind::Busy);
    error.message
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once_and_a_long_wait_at_the_deadline() {
    let gate = gate(1, 1);
    let running = gate.acquire().await.unwrap();
    let waiting = tokio::spawn({
        let gate = gate.clone();
        async move { gate.acquire().await.map(|_| ()).map_err(|e| e.message) }
    });
    tokio::task::yield_now().await;
    assert!(refusal(&gate).await.contains("are waiting"));
    assert!(waiting.await.unwrap().unwrap_err().contains("are running"));
    drop(running);
    drop(gate.acquire().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_queue_gives_his_place_back() {
    let gate = gate(1, 1);
    let running = gate.acquire().await.unwrap();
    for _ in 0..10 {
        let left = tokio::time::timeout(Duration::from_millis(1), gate.acquire()).await;
        assert!(left.is_err(), "it waited until its asker left");
    }
    let next = tokio::spawn({
        let gate = gate.clone();
        async move { gate.acquire().await.is_ok() }
    });
    tokio::task::yield_now().await;
    drop(running);
    assert!(next.await.unwrap(), "the next in the queue runs");
}
