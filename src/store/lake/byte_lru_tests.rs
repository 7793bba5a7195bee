//! Tests which values are cached, and which are evicted first.

use super::*;

#[test]
fn what_was_not_asked_for_goes_first_and_memory_stays_within() {
    let recent = ByteBoundedLru::new(40);
    for (key, value) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        recent.put(key, value, 10);
    }
    assert_eq!(recent.get("a"), Some(1));
    recent.put("e", 5, 10);
    let kept = ["a", "b", "c", "d", "e"].map(|key| recent.get(key));
    assert_eq!(kept, [Some(1), None, Some(3), Some(4), Some(5)]);
    recent.put("e", 6, 10);
    assert_eq!((recent.get("e"), recent.kept.lock().bytes), (Some(6), 40));
}

#[test]
fn one_larger_than_all_the_room_is_not_kept() {
    let recent = ByteBoundedLru::new(10);
    recent.put("a", 1, 11);
    assert_eq!(recent.get("a"), None);
}
