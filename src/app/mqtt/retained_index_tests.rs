//! The index of retained messages: limits, what is announced, and passes.

use super::*;
use crate::domain::Micros;
use crate::domain::mqtt::Qos;

fn message(org: i32, topic: &str, bytes: usize) -> RetainedMessage {
    RetainedMessage {
        org: OrgId(org),
        device: DeviceId(1),
        topic: topic.to_owned(),
        payload: vec![0; bytes].into(),
        qos: Qos::AtLeastOnce,
        stored_at: Micros(0),
    }
}

fn topics(index: &RetainedIndex, org: i32, text: &str) -> Vec<(String, usize)> {
    let found = index.starting_with(OrgId(org), text);
    found.map(|message| (message.topic.clone(), message.payload.len())).collect()
}

#[test]
fn an_organization_has_its_own_messages_and_its_own_limit() {
    let mut index = RetainedIndex::default();
    index.put(message(1, "a", MAX_BYTES - 10));
    index.put(message(2, "a", 1));
    index.put(message(2, "b", 2));
    assert_eq!(topics(&index, 1, "").len(), 1);
    assert_eq!(topics(&index, 2, "").len(), 2);
    assert!(!index.has_room(OrgId(1), 100) && index.has_room(OrgId(2), 100));
    index.put(message(1, "a", 1));
    assert!(index.has_room(OrgId(1), 100), "the old one is gone");
    assert!(index.remove(OrgId(2), "a") && !index.remove(OrgId(2), "a"));
    assert_eq!((index.len(), index.usage[&OrgId(2)]), (2, (1, 3)));
}

#[test]
fn topics_are_found_by_their_beginning() {
    let mut index = RetainedIndex::default();
    for topic in ["a", "a/b", "a/b/c", "ab", "b"] {
        index.put(message(1, topic, 1));
    }
    index.put(message(2, "a/b", 1));
    for (text, expected) in
        [("a/b", vec!["a/b", "a/b/c"]), ("a", vec!["a", "a/b", "a/b/c", "ab"]), ("c", vec![])]
    {
        let found: Vec<String> = topics(&index, 1, text).into_iter().map(|(topic, _)| topic).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_pass_takes_every_message_once_in_slices() {
    let mut index = RetainedIndex::default();
    let names: Vec<String> =
        (0..10).map(|n| format!("a/{n}")).chain(["b".to_owned(), "c/1".to_owned()]).collect();
    names.iter().for_each(|name| index.put(message(1, name, 1)));
    index.put(message(2, "a/0", 1));
    for most in [1, 3, 12, 13] {
        let (mut position, mut found) = (RetainedPosition::default(), Vec::new());
        loop {
            let slice = index.take(OrgId(1), &["a/".to_owned(), "c".to_owned()], &mut position, most);
            found.extend(slice.iter().map(|messages| messages[0].1.topic.clone()));
            if slice.len() < most {
                break;
            }
        }
        assert_eq!(found, [&names[..10], &names[11..]].concat(), "{most}");
    }
}

#[test]
fn an_announced_message_is_shown_and_taken_back_unless_it_is_kept() {
    let index = RwLock::new(RetainedIndex::default());
    let announce = |bytes| AnnouncedMessage::new(&index, message(1, "a", bytes));
    let shown = || topics(&index.read(), 1, "").first().map(|(_, bytes)| *bytes);
    let keep = |announced: AnnouncedMessage<'_>| {
        let kept = index.write().keep(announced.org, &announced.topic, announced.number);
        kept.map(|message| message.payload.len())
    };
    let first = announce(1);
    assert_eq!(shown(), Some(1));
    drop(first);
    assert_eq!((shown(), index.read().len()), (None, 0), "it was taken back");
    assert_eq!(keep(announce(1)), Some(1));
    let second = announce(2);
    assert_eq!(shown(), Some(2));
    drop(second);
    assert_eq!(shown(), Some(1), "the one before is back");

    // The one that came later wins, whichever is written first.
    let (third, fourth) = (announce(3), announce(4));
    assert_eq!(keep(fourth), Some(4));
    assert_eq!((keep(third), shown()), (Some(4), Some(4)));
    let (fifth, sixth) = (announce(5), announce(6));
    assert_eq!((keep(fifth), shown()), (Some(5), Some(6)));
    drop(sixth);
    assert_eq!(shown(), Some(5));

    // What was removed meanwhile does not come back.
    let seventh = announce(7);
    assert!(index.write().remove(OrgId(1), "a"));
    assert_eq!((keep(seventh), shown()), (None, None));
    assert_eq!(index.read().usage[&OrgId(1)], (0, 0));
}
