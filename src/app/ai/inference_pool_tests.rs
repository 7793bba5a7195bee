//! Tests of the inference pool.

use super::{InferencePool, InferencePriority};
use crate::domain::Kind;

#[tokio::test]
async fn work_that_panics_is_an_error_and_the_threads_go_on() {
    let threads = InferencePool::new();
    for _ in 0..64 {
        let failed = threads.run::<()>(InferencePriority::Live, |_| panic!("of this model")).await;
        assert_eq!(failed.map_err(|e| e.kind), Err(Kind::Internal));
    }
    assert_eq!(threads.run(InferencePriority::Live, |_| Ok(7)).await.expect("a thread is left"), 7);
}

#[tokio::test]
async fn the_background_has_its_turns_while_live_work_waits() {
    let threads = std::sync::Arc::new(InferencePool::new());
    let (tell, mut lanes) = tokio::sync::mpsc::unbounded_channel();
    let one = |lane: InferencePriority, tell: tokio::sync::mpsc::UnboundedSender<InferencePriority>| {
        let threads = threads.clone();
        tokio::spawn(async move {
            let work = threads.run(lane, move |_| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                Ok(tell.send(lane).is_ok())
            });
            work.await
        })
    };
    let live: Vec<_> = (0..200).map(|_| one(InferencePriority::Live, tell.clone())).collect();
    let behind = one(InferencePriority::Background, tell.clone());
    behind.await.expect("it ran").expect("it worked");
    for task in live {
        task.await.expect("it ran").expect("it worked");
    }
    drop(tell);
    let mut order = Vec::new();
    while let Some(lane) = lanes.recv().await {
        order.push(lane);
    }
    let place = order.iter().position(|lane| *lane == InferencePriority::Background).expect("it was done");
    assert!(place < 200, "the background came last, at {place}");
}
