//! Memory of a simulated CPU: areas of words with consecutively numbered bits, some of which show the plant.
//!
//! | where | what |
//! |---|---|
//! | data words 0 to 2 | the writable quantities of the register map (`registers.rs`), in its units |
//! | data words 100 to 147 | its input registers 0 to 47, low word first unless the CPU has the high word first |
//! | marker bits 0 and 1 | its coils |
//! | input bits 0 to 3 | its discrete inputs |
//!
//! Everything else holds the last value written, initially 0: `WORDS_PER_AREA` words of each area. A write to the
//! plant's measurements is accepted without effect, as in a CPU whose program sets them in every scan.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::plant::Plant;
use super::registers;

/// Number of words in each area.
pub const WORDS_PER_AREA: usize = 20_000;
const SETTING_WORDS: usize = 3;
const MEASURED_WORDS: std::ops::Range<usize> = 100..148;
const COILS: u16 = 2;
const INPUTS: u16 = 4;

/// Areas that show the plant.
#[derive(Debug, Clone, Copy)]
pub struct AreaRoles {
    pub data: u32,
    pub markers: u32,
    pub inputs: u32,
    /// Whether measurements of several words have their high word first.
    pub is_high_word_first: bool,
}

/// All areas of one CPU, by the numbers that its protocol gives them.
pub struct CpuMemory {
    plant: Arc<Mutex<Plant>>,
    roles: AreaRoles,
    areas: BTreeMap<u32, Vec<u16>>,
}

/// The area does not exist, or the words are beyond its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryError {
    Area,
    Word,
}

impl CpuMemory {
    /// Creates a memory of these areas; every word is 0 but those that show the plant.
    pub fn new(
        plant: Arc<Mutex<Plant>>,
        roles: AreaRoles,
        areas: impl IntoIterator<Item = u32>,
    ) -> CpuMemory {
        let areas = areas.into_iter().map(|area| (area, vec![0; WORDS_PER_AREA])).collect();
        CpuMemory { plant, roles, areas }
    }

    /// Reads consecutive words; the words of one value are from the same moment.
    pub fn words(&self, area: u32, start: usize, count: usize) -> Result<Vec<u16>, MemoryError> {
        let words = self.areas.get(&area).ok_or(MemoryError::Area)?;
        let words = words.get(start..start.saturating_add(count)).ok_or(MemoryError::Word)?;
        let plant = self.plant.lock();
        let shown = |(at, word): (usize, &u16)| self.plant_word(&plant, area, at, *word).unwrap_or(*word);
        Ok((start..).zip(words).map(shown).collect())
    }

    /// Writes all words or none.
    pub fn set_words(&mut self, area: u32, start: usize, words: &[u16]) -> Result<(), MemoryError> {
        let end = start.saturating_add(words.len());
        let target = self
            .areas
            .get_mut(&area)
            .ok_or(MemoryError::Area)?
            .get_mut(start..end)
            .ok_or(MemoryError::Word)?;
        target.copy_from_slice(words);
        let mut plant = self.plant.lock();
        for (at, word) in (start..).zip(words) {
            if area == self.roles.data && at < SETTING_WORDS {
                // A value above the plant's maximum is limited to it.
                let highest = [3000, 1000, 12_000][at];
                let _ = registers::write_holding(&mut plant, at as u16, &[(*word).min(highest)]);
            }
            if area == self.roles.markers && at == 0 {
                let _ = registers::write_coils(&mut plant, 0, &[word & 1 == 1, word & 2 == 2]);
            }
        }
        Ok(())
    }

    /// Reads consecutive bits, counted from bit 0 of word 0.
    pub fn bits(&self, area: u32, start: usize, count: usize) -> Result<Vec<bool>, MemoryError> {
        let first = start / 16;
        let words = self.words(area, first, (start + count).div_ceil(16) - first)?;
        Ok((start..start + count).map(|bit| words[bit / 16 - first] >> (bit % 16) & 1 == 1).collect())
    }

    /// Writes all bits or none, counted from bit 0 of word 0; other bits of their words keep their value.
    pub fn set_bits(&mut self, area: u32, start: usize, bits: &[bool]) -> Result<(), MemoryError> {
        let first = start / 16;
        let mut words = self.words(area, first, (start + bits.len()).div_ceil(16) - first)?;
        for (bit, on) in (start..).zip(bits) {
            let word = &mut words[bit / 16 - first];
            *word = *word & !(1 << (bit % 16)) | u16::from(*on) << (bit % 16);
        }
        self.set_words(area, first, &words)
    }

    /// The word that the plant provides; `None` where the memory's own word counts.
    fn plant_word(&self, plant: &Plant, area: u32, at: usize, stored_word: u16) -> Option<u16> {
        let first = |words: Result<Vec<u16>, _>| words.ok().and_then(|words| words.first().copied());
        let packed = |bits: Vec<bool>| bits.iter().rev().fold(0, |word, on| word << 1 | u16::from(*on));
        if area == self.roles.data && at < SETTING_WORDS {
            first(registers::read_holding(plant, at as u16, 1))
        } else if area == self.roles.data && MEASURED_WORDS.contains(&at) {
            let register = (at - MEASURED_WORDS.start) as u16;
            let register =
                if self.roles.is_high_word_first { registers::mirrored_input(register) } else { register };
            Some(first(registers::read_input(plant, register, 1)).unwrap_or_default())
        } else if area == self.roles.markers && at == 0 {
            let coils = registers::read_coils(plant, 0, COILS).ok()?;
            Some(stored_word & !3 | packed(coils))
        } else if area == self.roles.inputs && at == 0 {
            registers::read_discrete(plant, 0, INPUTS).ok().map(|inputs| stored_word & !0xF | packed(inputs))
        } else {
            None
        }
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
