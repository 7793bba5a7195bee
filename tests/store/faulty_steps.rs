//! Which steps of a work are made to fail.

use crate::support::{sized, test_seed};

/// The steps that one of several ways to fail is tried at. Together the ways cover every fourth step once, which ones the seed
/// picks; in a whole case each of them covers every step.
pub struct FaultySteps {
    pub first: usize,
    pub stride: usize,
}

impl FaultySteps {
    /// The steps of a way, counted from 0, of so many.
    pub fn new(way: usize, ways: usize) -> FaultySteps {
        let first = way + ways * (test_seed() % 4) as usize;
        sized(FaultySteps { first, stride: 4 * ways }, FaultySteps { first: 0, stride: 1 })
    }
}
