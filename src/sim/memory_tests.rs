//! The plant's words beside free memory.

use super::*;

const ROLES: AreaRoles = AreaRoles { data: 1, markers: 2, inputs: 3, is_high_word_first: false };

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
fn measurements_of_several_words_begin_with_the_word_that_the_cpu_has_first() {
    let memory =
        |is_high_word_first| CpuMemory::new(Arc::default(), AreaRoles { is_high_word_first, ..ROLES }, [1]);
    let (low_first, high_first) = (memory(false), memory(true));
    let mut mirrored: Vec<u16> = low_first.words(1, 120, 4).unwrap();
    mirrored.reverse();
    assert_eq!(high_first.words(1, 120, 4), Ok(mirrored), "the level of the tank");
    for single in [100, 101, 104, 140, 147] {
        assert_eq!(high_first.words(1, single, 1), low_first.words(1, single, 1), "{single}");
    }
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
