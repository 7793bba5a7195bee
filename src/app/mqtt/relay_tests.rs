//! Delivery of messages, and what happens to a subscriber that does not take them.

use futures::FutureExt;

use super::*;

const ORG: OrgId = OrgId(1);
const DATA: &str = "spBv1.0/plant/NDATA/edge1";
const STATE: &str = "spBv1.0/STATE/host";

fn message(topic: &str, payload: &[u8]) -> RelayedMessage {
    RelayedMessage { topic: topic.into(), payload: Bytes::copy_from_slice(payload), qos: Qos::AtMostOnce }
}

fn filters(from_edge: &[&str], all: &[&str]) -> RelayFilters {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    RelayFilters { from_edge: owned(from_edge), all: owned(all) }
}

fn publish(relay: &Relay, org: OrgId, topic: &str, payload: &[u8]) {
    let direction = Direction::of(topic).expect("a topic of Sparkplug");
    relay.publish(org, direction, message(topic, payload), true).expect("published");
}

/// The payloads that are there now; the last is `None` when the feed has ended.
fn taken(subscription: &mut RelaySubscription) -> Vec<Option<Vec<u8>>> {
    let mut found = Vec::new();
    while let Some(next) = subscription.next().now_or_never() {
        found.push(next.map(|message| message.payload.to_vec()));
        if found.last() == Some(&None) {
            break;
        }
    }
    found
}

#[test]
fn a_subscriber_gets_what_its_filters_match_in_its_organization() {
    let relay = Arc::new(Relay::default());
    let everything = "spBv1.0/#";
    let mut host = relay.subscribe(ORG, filters(&[everything], &[everything]));
    let mut edge = relay.subscribe(ORG, filters(&[], &["spBv1.0/plant/NCMD/edge1", everything]));
    let mut foreign = relay.subscribe(OrgId(2), filters(&[everything], &[everything]));
    publish(&relay, ORG, DATA, b"1");
    publish(&relay, ORG, "spBv1.0/plant/NCMD/edge1", b"2");
    publish(&relay, ORG, STATE, b"3");
    let of = |texts: &[&[u8]]| texts.iter().map(|text| Some(text.to_vec())).collect::<Vec<_>>();
    assert_eq!(taken(&mut host), of(&[b"1", b"2", b"3"]));
    assert_eq!(taken(&mut edge), of(&[b"2", b"3"]));
    assert_eq!(taken(&mut foreign), []);
    host.set_filters(filters(&[], &["spBv1.0/STATE/host"]));
    publish(&relay, ORG, DATA, b"4");
    publish(&relay, ORG, STATE, b"5");
    assert_eq!(taken(&mut host), of(&[b"5"]));
    drop(edge);
    assert_eq!(relay.orgs.lock()[&ORG].subscribers.len(), 1);
}

#[test]
fn the_state_of_a_host_is_retained_until_it_is_empty() {
    let relay = Relay::default();
    publish(&relay, ORG, STATE, b"online");
    publish(&relay, ORG, DATA, b"never retained");
    let found: Vec<_> = relay.states(ORG, "spBv1.0/#").iter().map(|m| m.payload.clone()).collect();
    assert_eq!(found, ["online"]);
    assert_eq!(relay.states(ORG, "spBv1.0/STATE/other"), []);
    assert_eq!(relay.states(OrgId(2), "spBv1.0/#"), []);
    publish(&relay, ORG, STATE, b"");
    assert_eq!(relay.states(ORG, "spBv1.0/#"), []);

    let retain = |topic: &str, payload: &[u8]| {
        relay.publish(ORG, Direction::HostState, message(topic, payload), true).map_err(|error| error.kind)
    };
    assert_eq!(retain(STATE, &[b'x'; MAX_STATE_BYTES + 1]), Err(Kind::TooLarge));
    for host in 0..MAX_HOSTS {
        assert_eq!(retain(&format!("spBv1.0/STATE/{host}"), b"x"), Ok(()));
    }
    assert_eq!(retain(STATE, b"x"), Err(Kind::LimitReached));
    assert_eq!(retain("spBv1.0/STATE/0", b"y"), Ok(()));
}

#[test]
fn who_has_no_room_for_a_message_gets_nothing_more_and_slows_nobody() {
    let relay = Arc::new(Relay::default());
    let all = || filters(&["spBv1.0/#"], &[]);
    let (mut slow, mut quick) = (relay.subscribe(ORG, all()), relay.subscribe(ORG, all()));
    for _ in 0..=MAX_WAITING {
        publish(&relay, ORG, DATA, b"1");
        assert_eq!(taken(&mut quick).len(), 1);
    }
    publish(&relay, ORG, DATA, b"2");
    let found = taken(&mut slow);
    assert_eq!((found.len(), found.last()), (MAX_WAITING + 1, Some(&None)));

    let mut large = relay.subscribe(ORG, all());
    let payload = vec![0; MAX_WAITING_BYTES / 4];
    for _ in 0..4 {
        publish(&relay, ORG, DATA, &payload);
    }
    let found = taken(&mut large);
    assert_eq!((found.len(), found.last()), (4, Some(&None)), "topics count too");
}
