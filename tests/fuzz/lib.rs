//! A structure-aware fuzzer in plain Rust, for every decoder of what others send: seeded, so that an input is known by its
//! target, seed and number.
//!
//! A target is a test beside its decoder (`fuzz_tests.rs`); `table.rs` lists them all. Its inputs are sound ones changed,
//! or made by a grammar (`mutate.rs`, `grammar.rs`). They run in a child process with an address space of its own
//! (`shard.rs`), so that also an overflowed stack or a refused allocation has a name, and a watchdog ends what takes too
//! long (`child.rs`). Inputs that fail are kept in `target/fuzz/`. It is part of `cargo test` as a short run; `tests/long.sh
//! fuzz` is the long one:
//!
//! - `BASALT_FUZZ_INPUTS` inputs of all targets together; without it each has those of its short run
//! - `BASALT_FUZZ_SEED` another run of as many
//! - `BASALT_FUZZ_LIMIT_MS` processor time that an input may take
//! - `BASALT_FUZZ_FILE` one input that was kept, and nothing else: with the name of its test as filter
//!
//! It is a member of the workspace that only unit tests use.

mod child;
pub mod grammar;
pub mod mutate;
mod random;
mod shard;
mod table;
mod tables;

pub use mutate::{InputFormat, input};
pub use random::Random;

/// Decodes an input. It may refuse it, and must not panic.
pub type Decoder = Box<dyn FnMut(&[u8])>;

/// A decoder under test.
#[derive(Clone, Copy)]
pub struct FuzzTarget {
    /// `module_path!()` of the test.
    pub module: &'static str,
    /// Of the test function, and in the table.
    pub name: &'static str,
    /// How inputs are made.
    pub form: fn() -> InputFormat,
    /// Called once in each child, within the thread that decodes.
    pub decoder: fn() -> Decoder,
}

impl FuzzTarget {
    /// Runs it, or is the child that runs a shard of it.
    ///
    /// # Panics
    /// When an input ends the child; with target, seed, number and the file it was kept in.
    pub fn run(&self) {
        match std::env::var(shard::SHARD_VARIABLE) {
            Ok(given) => child::run(self, &given),
            Err(_) => shard::run(self),
        }
    }
}

/// A text of an input that need not be one.
pub fn text(input: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(input)
}
