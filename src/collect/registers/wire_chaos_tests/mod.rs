//! Chaos on the wire, by seeds: devices of every protocol with registers, in each of its framings. Words of them are silent, close, cut
//! their answers, lie about lengths, refuse with any code, delay, answer twice, at once or later, or with the number of another
//! request. Whatever they do, every healthy tag has its value within three polls, every bad one a fault, and no value is another's.
//!
//! `source_chaos_tests.rs` has the same plans without a wire. EtherNet/IP has tags in place of registers, and a source of its own.
//! `BASALT_CHAOS_SEED` runs one plan again.

#[path = "../../../../tests/support/case_size.rs"]
#[allow(dead_code, reason = "other cases take turns, rows and sizes")]
mod case_size;
mod clock;
mod fenet;
mod line;
mod melsec;
mod melsec_ascii;
mod mischief;
mod modbus;
mod plan;
mod s7;
mod wire;

use std::ops::Range;

use self::clock::LineClock;
use self::fenet::WireFenet;
use self::melsec::WireMelsec;
use self::melsec_ascii::WireMelsecAscii;
use self::mischief::Mischief;
use self::modbus::{WireModbus, WireRtu};
use self::plan::ChaosPlan;
use self::s7::WireS7;
use self::wire::WireDevice;

const DEVICES: [&dyn WireDevice; 7] =
    [&WireModbus, &WireRtu, &WireMelsec::E3, &WireMelsec::E4, &WireMelsecAscii, &WireFenet, &WireS7];

/// Seeds of the plans that are run.
fn seeds() -> Range<u64> {
    match std::env::var("BASALT_CHAOS_SEED") {
        Ok(seed) => {
            let seed: u64 = seed.parse().expect("BASALT_CHAOS_SEED is a number");
            seed..seed + 1
        }
        Err(_) => case_size::seeds(500, 10_000),
    }
}

#[tokio::test(start_paused = true)]
async fn every_healthy_tag_has_its_value_within_three_polls_and_every_bad_one_is_named() {
    let (clock, _keeping) = LineClock::start();
    let mut failed = Vec::new();
    for seed in seeds() {
        let wire = DEVICES[usize::try_from(seed).unwrap() % DEVICES.len()];
        let plan = ChaosPlan::random(seed, wire);
        if let Err(why) = plan.run(&clock).await {
            failed.push(format!("BASALT_CHAOS_SEED={seed}: {why}; {}", plan.describe()));
        }
    }
    assert!(failed.is_empty(), "{} plans failed:\n{}", failed.len(), failed.join("\n"));
}

/// Polls twenty words, of which these misbehave.
async fn run_plan(wire: &'static dyn WireDevice, words: &[(u32, Mischief)]) {
    let (clock, _keeping) = LineClock::start();
    let plan = ChaosPlan::new(wire, words.iter().copied().collect(), (0..20).collect());
    let outcome = plan.run(&clock).await;
    assert_eq!(outcome, Ok(()), "{}", plan.describe());
}

/// The register that shows that the device is there is the one that is answered twice.
#[tokio::test(start_paused = true)]
async fn a_second_answer_to_the_first_register_costs_no_other_its_value() {
    for wire in DEVICES {
        run_plan(wire, &[(0, Mischief::Twice), (9, Mischief::Silence)]).await;
        run_plan(wire, &[(0, Mischief::LateCopy), (9, Mischief::OtherCount)]).await;
        run_plan(wire, &[(0, Mischief::LateCopy), (19, Mischief::LateCopy)]).await;
        // Without numbers only silence tells a copy, and this one comes after any silence.
        if wire.layout().number.is_some() {
            run_plan(wire, &[(0, Mischief::Again), (9, Mischief::OtherCount)]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_says_nothing_of_registers_costs_no_neighbour_its_value() {
    let rows: [(&'static dyn WireDevice, &[u16]); 7] = [
        (&WireModbus, &[5, 6]),
        (&WireRtu, &[5, 6]),
        (&WireMelsec::E3, &[0xC059, 0xC05F, 0xC201]),
        (&WireMelsec::E4, &[0xC059]),
        (&WireMelsecAscii, &[0xC05F]),
        (&WireFenet, &[0x75, 0x78]),
        (&WireS7, &[0x03, 0x8103, 0xD241]),
    ];
    for (wire, codes) in rows {
        for code in codes {
            run_plan(wire, &[(5, Mischief::Refusal(*code))]).await;
            run_plan(wire, &[(0, Mischief::Refusal(*code)), (19, Mischief::Refusal(*code))]).await;
        }
    }
}

/// Two words that are cut to one look like the answer to that one alone, which has just come: no copy of it, as nothing follows.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_to_that_of_another_costs_its_neighbour_nothing() {
    let (clock, _keeping) = LineClock::start();
    for wire in DEVICES {
        let plan = ChaosPlan::new(wire, [(98, Mischief::ShortLength)].into(), [13, 98].into());
        assert_eq!(plan.run(&clock).await, Ok(()), "{}", plan.describe());
    }
}

/// A copy of the answer before looks like the answer to a word that gives none.
#[tokio::test(start_paused = true)]
async fn a_copy_of_the_answer_before_is_not_the_value_of_a_silent_word() {
    let (clock, _keeping) = LineClock::start();
    for seed in [1093, 1785, 5101, 5641, 6025, 6533, 7897, 9745, 9829] {
        let plan = ChaosPlan::random(seed, &WireMelsec::E3);
        assert_eq!(plan.run(&clock).await, Ok(()), "{seed}: {}", plan.describe());
    }
}
