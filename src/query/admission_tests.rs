//! Tests permits, slots in the queue and the deadline, however a wait ends, and the order in which queries are
//! admitted.

use futures::FutureExt;

use super::*;

const DEADLINE: Duration = Duration::from_millis(200);

fn gate(running: usize, waiting: usize) -> AdmissionQueue {
    AdmissionQueue::new(running, waiting, DEADLINE)
}

async fn refusal(gate: &AdmissionQueue) -> String {
    let error = gate.acquire(OrgId(1)).await.expect_err("it is refused");
    assert_eq!(error.kind, Kind::Busy);
    error.message
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once_and_a_long_wait_at_the_deadline() {
    let gate = gate(1, 1);
    let running = gate.acquire(OrgId(1)).await.unwrap();
    let begun = tokio::time::Instant::now();
    let waiting = tokio::spawn({
        let gate = gate.clone();
        async move { gate.acquire(OrgId(1)).await.map(|_| ()).map_err(|e| e.message) }
    });
    tokio::task::yield_now().await;
    assert!(refusal(&gate).await.contains("are waiting"));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(waiting.await.unwrap().unwrap_err().contains("are running"));
    // The clock of tokio ticks in milliseconds.
    assert!(begun.elapsed().abs_diff(DEADLINE) <= Duration::from_millis(1), "{:?}", begun.elapsed());
    drop(running);
    drop(gate.acquire(OrgId(1)).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_queue_gives_his_place_back() {
    let gate = gate(1, 1);
    let running = gate.acquire(OrgId(1)).await.unwrap();
    for _ in 0..10 {
        let left = tokio::time::timeout(Duration::from_millis(1), gate.acquire(OrgId(1))).await;
        assert!(left.is_err(), "it waited until its asker left");
    }
    let next = tokio::spawn({
        let gate = gate.clone();
        async move { gate.acquire(OrgId(1)).await.is_ok() }
    });
    tokio::task::yield_now().await;
    drop(running);
    assert!(next.await.unwrap(), "the next in the queue runs");
}

/// Starts a query that waits, and returns once it is in the queue.
async fn wait_in_queue(gate: &AdmissionQueue, org: i32) -> tokio::task::JoinHandle<Result<AdmissionPermit>> {
    let (gate, before) = (gate.clone(), gate.0.queries.lock().waiting.len());
    let waiting = tokio::spawn({
        let gate = gate.clone();
        async move { gate.acquire(OrgId(org)).await }
    });
    while gate.0.queries.lock().waiting.len() == before {
        tokio::task::yield_now().await;
    }
    waiting
}

#[tokio::test(start_paused = true)]
async fn a_free_permit_goes_to_the_organization_that_runs_the_fewest() {
    let gate = gate(3, 8);
    let mut running = Vec::new();
    for org in [1, 1, 1, 2, 2] {
        running.push(gate.acquire(OrgId(org)).await.unwrap());
    }
    let waiting = [
        wait_in_queue(&gate, 1).await,
        wait_in_queue(&gate, 1).await,
        wait_in_queue(&gate, 3).await,
        wait_in_queue(&gate, 2).await,
    ];
    // One of the three queries of organization 1 ends, and then each that was admitted.
    let mut admitted = Vec::new();
    let mut ending = running.remove(0);
    let mut waiting: Vec<_> = waiting.into_iter().map(Some).collect();
    for _ in 0..4 {
        drop(ending);
        tokio::task::yield_now().await;
        let next = waiting.iter().position(|query| query.as_ref().is_some_and(|query| query.is_finished()));
        let next = next.expect("one of them is admitted");
        admitted.push(next);
        ending = waiting[next].take().unwrap().await.unwrap().unwrap();
    }
    // 3 runs none. Then 1 and 2 run two each, and the first of 1 has waited longest.
    assert_eq!(admitted, [2, 0, 1, 3]);
    drop((ending, running));
    let queries = gate.0.queries.lock();
    assert_eq!((queries.free_permits, queries.running.len()), (3 + PERMITS_FOR_OTHERS, 0));
}

#[tokio::test(start_paused = true)]
async fn an_organization_with_all_of_its_permits_leaves_some_for_others() {
    let gate = gate(2, 8);
    let mut running = vec![gate.acquire(OrgId(1)).await.unwrap(), gate.acquire(OrgId(1)).await.unwrap()];
    let next = wait_in_queue(&gate, 1).await;
    for org in [2, 3] {
        let other = gate.acquire(OrgId(org)).now_or_never().expect("it does not wait");
        running.push(other.unwrap());
    }
    let of_fourth = wait_in_queue(&gate, 4).await;
    assert_eq!(gate.running(), 4);
    // The permit of another goes to the fourth, although the first organization has waited longer.
    running.pop();
    drop(of_fourth.await.unwrap().unwrap());
    assert!(!next.is_finished());
    running.remove(0);
    drop(next.await.unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_fills_the_queue_leaves_room_for_a_few_of_others() {
    let gate = gate(1, 6);
    let running = gate.acquire(OrgId(1)).await.unwrap();
    for _ in 0..6 {
        wait_in_queue(&gate, 1).await;
    }
    assert!(refusal(&gate).await.contains("are waiting"));
    let mut others = Vec::new();
    let own = gate.acquire(OrgId(2)).await.unwrap();
    for _ in 0..MIN_WAITING_PER_ORG {
        others.push(wait_in_queue(&gate, 2).await);
    }
    assert_eq!(gate.acquire(OrgId(2)).await.unwrap_err().kind, Kind::Busy);
    drop((running, own));
    for admitted in others {
        drop(admitted.await.unwrap().unwrap());
    }
}
