//! A seeded model of watching: readings that are ahead, late, repeated or bad come through many doors, while the clock goes on or
//! is set, and the server ends in order or is killed. The alerts of each rule are those of a plain program that reads the
//! acknowledged readings in the order of their arrival.
//!
//! A world is a server in this process with many streams, each a sequence of its own with one rule; they share the clock and the
//! ends of the server. `BASALT_WATCHING_SEQUENCES` says how many sequences run; a failed world is run again with the two variables that it prints.

mod doors;
mod fairness;
mod plain;
mod world;

use world::WatchingModel;

use crate::support::{sized, test_seed};

/// Most streams of a world.
const MAX_STREAMS: u64 = 2_000;
/// Number of steps in a world, one after the other.
const STEPS: usize = 24;

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not `{text}`")))
}

async fn run_world(seed: u64, streams: usize) {
    println!("BASALT_WATCHING_SEED={seed} BASALT_WATCHING_SEQUENCES={streams}");
    let mut world = WatchingModel::new(seed, streams).await;
    for step in 0..STEPS {
        world.step(step).await;
    }
    world.check("at the end").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_are_those_of_a_plain_program_whatever_clocks_and_servers_do() {
    let sequences = variable("BASALT_WATCHING_SEQUENCES").unwrap_or(sized(2_000, 10_000));
    let streams = sequences.min(MAX_STREAMS) as usize;
    if let Some(seed) = variable("BASALT_WATCHING_SEED") {
        return run_world(seed, streams).await;
    }
    let worlds = sequences.div_ceil(MAX_STREAMS);
    for nth in 0..worlds {
        run_world(test_seed().wrapping_mul(worlds).wrapping_add(nth), streams).await;
    }
}
