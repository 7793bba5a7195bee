//! Tests of evictions and refusals at the connection limit.

use super::*;

fn ip(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

#[tokio::test]
async fn unknown_clients_make_room_and_the_most_numerous_first() {
    let limit = ConnectionLimit::new("http.connections", 4);
    let known = limit.try_acquire(ip(1)).unwrap();
    known.state().set_authenticated();
    let other = limit.try_acquire(ip(2)).unwrap();
    let flood: Vec<_> = (0..2).map(|_| limit.try_acquire(ip(9)).unwrap()).collect();
    // One of the network that has two is evicted, although the only one of another network is older.
    let newcomer = limit.try_acquire(ip(3)).unwrap();
    let closing: Vec<_> =
        [&known, &other, &flood[0], &flood[1], &newcomer].map(|c| c.state().is_closing()).into();
    assert_eq!(closing, [false, false, true, false, false]);
    // With one of each network the oldest is evicted.
    drop(flood);
    let _again = limit.try_acquire(ip(4)).unwrap();
    let _last = limit.try_acquire(ip(5)).unwrap();
    assert!(other.state().is_closing() && !newcomer.state().is_closing() && !known.state().is_closing());
}

#[tokio::test]
async fn known_clients_make_room_only_when_they_are_idle() {
    let limit = ConnectionLimit::new("http.connections", 2);
    let (busy, idle) = (limit.try_acquire(ip(1)).unwrap(), limit.try_acquire(ip(2)).unwrap());
    busy.state().set_authenticated();
    busy.state().begin_request();
    idle.state().set_authenticated();
    let later = Instant::now() + IDLE_BEFORE_EVICTION;
    assert!(limit.try_acquire(ip(3)).is_none(), "nobody has been idle for long");
    let third = limit.try_acquire_at(ip(3), later).expect("the idle one makes room");
    assert!(idle.state().is_closing() && !busy.state().is_closing());
    third.state().set_authenticated_and_busy();
    assert!(limit.try_acquire_at(ip(4), later + IDLE_BEFORE_EVICTION).is_none(), "both are at work");
    drop(busy);
    assert!(limit.try_acquire(ip(4)).is_some());
}

#[tokio::test]
async fn a_client_without_a_slot_is_not_protected() {
    let limit = ConnectionLimit::new("pg.connections", 1);
    let evicted = limit.try_acquire(ip(1)).unwrap();
    let newcomer = limit.try_acquire(ip(2)).unwrap();
    assert!(!evicted.try_protect() && newcomer.try_protect());
    assert!(limit.try_acquire(ip(3)).is_none(), "a protected connection is not evicted");
}

#[tokio::test(start_paused = true)]
async fn sockets_that_do_not_close_are_counted() {
    let limit = ConnectionLimit::new("http.connections", 1);
    let mut permits: Vec<_> =
        (0..=MAX_CLOSING_CONNECTIONS).map(|_| limit.try_acquire(ip(9)).unwrap()).collect();
    let wait = tokio::time::timeout(Duration::from_millis(100), limit.wait_for_capacity());
    assert!(wait.await.is_err(), "no more are accepted while so many are closing");
    permits.pop();
    tokio::time::timeout(Duration::from_secs(5), limit.wait_for_capacity()).await.expect("one has gone");
}

#[tokio::test]
async fn addresses_of_one_home_count_as_one() {
    let limit = ConnectionLimit::new("http.connections", 3);
    let other = limit.try_acquire("2001:db8:1::1".parse().unwrap()).unwrap();
    let flood: Vec<_> =
        ["2001:db8:2::1", "2001:db8:2::2"].map(|a| limit.try_acquire(a.parse().unwrap()).unwrap()).into();
    let _newcomer = limit.try_acquire(ip(1)).unwrap();
    assert!(flood[0].state().is_closing() && !other.state().is_closing());
}

#[tokio::test]
async fn open_connections_are_counted_by_listener() {
    let limit = ConnectionLimit::new("pg.connections", 3);
    let count = || limit.connections();
    assert_eq!(count(), ListenerConnections { listener: "pg", open: 0, limit: 3 });
    let first = limit.try_acquire(ip(1));
    let second = limit.try_acquire(ip(2));
    assert_eq!(count().open, 2);
    drop((first, second));
    assert_eq!(count().open, 0);
}
