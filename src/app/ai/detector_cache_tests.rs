//! Tests of the detector cache: which models are evicted, and when their bytes are released.

use super::*;
use crate::domain::StreamId;
use crate::domain::model::{ModelKind, ModelSettings};

fn detector() -> Detector {
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ai");
    let read = |path: &str| std::fs::read(root.join(path)).unwrap();
    let (model, scaler) = (read("models/cnn_ae_dense_default.tflite"), read("scalers/minmax_sk1_9_1.joblib"));
    Detector::load(&model, &scaler, &ModelSettings::new(ModelKind::CnnAe, vec![StreamId(1)])).unwrap()
}

fn account(models: usize) -> Arc<ModelMemoryBudget> {
    let most = detector().memory_bytes() * models;
    Arc::new(ModelMemoryBudget { max_bytes: most, used_bytes: Mutex::default(), freed: Notify::new() })
}

fn loaded(account: &Arc<ModelMemoryBudget>) -> Option<Arc<LoadedDetector>> {
    let detector = detector();
    let share = account.take(detector.memory_bytes())?;
    Some(Arc::new(LoadedDetector { detector, _share: share }))
}

fn key(id: i32) -> Key {
    (ModelId(id), 1)
}

#[test]
fn a_model_counts_until_the_last_who_runs_it_lets_go() {
    let account = account(2);
    let (first, second) = (loaded(&account).unwrap(), loaded(&account).unwrap());
    assert!(loaded(&account).is_none(), "there is room for two");
    let mut kept = DetectorLru::default();
    kept.put(key(1), OrgId(1), first.clone());
    kept.put(key(2), OrgId(1), second);
    assert!(kept.evict_one());
    assert!(kept.find(key(2)).is_none(), "the first one is run by somebody");
    assert_eq!(*account.used_bytes.lock(), first.memory_bytes());
    assert!(!kept.evict_one(), "nothing else can leave");
    // The new version replaces the old one, whose bytes are released with its last user.
    kept.put((ModelId(1), 2), OrgId(1), loaded(&account).unwrap());
    assert!(kept.find(key(1)).is_none() && loaded(&account).is_none());
    drop(first);
    assert!(loaded(&account).is_some());
}

#[test]
fn who_has_most_makes_room_and_of_theirs_the_one_used_least_recently() {
    let account = account(5);
    let mut kept = DetectorLru::default();
    for (id, org) in [(1, 7), (2, 8), (3, 8), (4, 8), (5, 7)] {
        kept.put(key(id), OrgId(org), loaded(&account).unwrap());
    }
    kept.find(key(2));
    let mut left = Vec::new();
    let mut before: Vec<i32> = vec![1, 2, 3, 4, 5];
    while kept.evict_one() {
        let gone = before.iter().position(|id| !kept.models.contains_key(&key(*id))).unwrap();
        left.push(before.remove(gone));
    }
    // One organization has three models and another two; then both have two, and the least recently used goes first.
    assert_eq!(left, [3, 1, 4, 5, 2]);
    assert_eq!(*account.used_bytes.lock(), 0);
}
