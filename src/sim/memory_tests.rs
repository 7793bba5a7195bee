//! The plant's words beside free memory.

use super::*;

const ROLES: AreaRoles = AreaRoles { data: 1, markers: 2, inputs: 3 };

#[test]
fn the_plant_is_seen_and_obeys() {
    let plant = Arc::new(Mutex::new(Plant::default()));
    let mut memory = CpuMemory::new(Arc::clone(&plant), ROLES, [1, 2, 3, 4]);
    assert_eq!(memory.words(1, 0, 3), Ok(vec![1480, 400, 6500]));
    assert_eq!(memory.words(1, 100, 2), Ok(vec![1480, 1100]));
    assert_eq!(memory.bits(2, 0, 3), Ok(vec![true, false, false]));
    assert_eq!(memory.bits(3, 0, 4), Ok(vec![true, false, false, false]));
    memory.set_words(1, 0, &[900, 65_535]).unwrap();
    memory.set_words(1, 100, &[7]).unwrap();
    memory.set_bits(2, 0, &[false, true, true]).unwrap();
    assert_eq!(memory.words(1, 0, 2), Ok(vec![900, 1000]), "a valve opens to 100 %");
    assert_eq!(memory.words(1, 100, 1), Ok(vec![1480]));
    assert_eq!(memory.bits(2, 0, 4), Ok(vec![false, true, true, false]));
    assert!(!plant.lock().motor.run && plant.lock().furnace.is_door_open);
}

#[test]
fn the_rest_is_memory() {
    let mut memory = CpuMemory::new(Arc::default(), ROLES, [1, 4]);
    memory.set_words(4, 19_998, &[1, 2]).unwrap();
    memory.set_bits(4, 15, &[true, true]).unwrap();
    assert_eq!(memory.words(4, 0, 2), Ok(vec![0x8000, 1]));
    assert_eq!(memory.words(4, 19_997, 3), Ok(vec![0, 1, 2]));
    assert_eq!(memory.words(4, 19_999, 2), Err(MemoryError::Word));
    assert_eq!(memory.set_words(4, 19_999, &[1, 2]), Err(MemoryError::Word));
    assert_eq!(memory.words(4, 19_999, 1), Ok(vec![2]), "all or nothing");
    assert_eq!(memory.words(9, 0, 1), Err(MemoryError::Area));
}
