//! Numbers that look random and are the same in every run.

/// SplitMix64: small, and good enough to choose among changes.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The generator of one input.
    pub fn seeded(name: &str, seed: u64, number: u64) -> Random {
        let name = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = Random(name ^ seed.rotate_left(32));
        let first = random.bits();
        Random(first ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    /// The next 64 bits (SplitMix64).
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.bits() as u8
    }

    /// True once in `count` times, which is not zero.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// One of a list that is not empty.
    pub fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    /// A size below 2^`bits`, of each magnitude equally often.
    pub fn size(&mut self, bits: usize) -> usize {
        let bits = self.below(bits + 1);
        (self.bits() & ((1 << bits) - 1)) as usize
    }

    /// A number at which lengths and counts go wrong.
    pub fn length(&mut self) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << self.below(64),
            3 => (1_u64 << self.below(64)).wrapping_sub(1),
            4 => i64::MAX as u64 - self.below(16) as u64,
            5 => self.size(10) as u64,
            6 => u64::MAX - self.size(8) as u64,
            _ => self.bits() >> self.below(64),
        }
    }
}
