//! The parent's side: inputs in children of limited memory, and what is told of one that ends its child.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::child::ShardResult;
use super::{FuzzTarget, Random, input, table};

/// Says to a child what it is to run: first input, how many, seed, and the file in which it notes where it is.
pub const SHARD_VARIABLE: &str = "BASALT_FUZZ_SHARD";
/// Says to it and to its parent how long an input may take.
pub const LIMIT_VARIABLE: &str = "BASALT_FUZZ_LIMIT_MS";

/// Address space of a child: the program of the tests itself, its threads, and far more than any input needs.
const ADDRESS_SPACE_KIB: u64 = 3 << 20;
/// Inputs of one child: what a decoder forgets to give back must not add up for ever.
const SHARD_INPUTS: u64 = 250_000;
/// After so many a target is given up.
const MAX_FAILURES: usize = 5;

/// Result of a run of a target.
#[derive(Default)]
struct TargetResult {
    done: ShardResult,
    failures: Vec<String>,
}

pub fn run(target: &FuzzTarget) {
    if std::env::var_os("BASALT_FUZZ_FILE").is_some() {
        let output = child(target, "file", &PathBuf::from("/dev/null"));
        assert!(output.status.success(), "{}", output_text(&output));
        return;
    }
    let number = |name| std::env::var(name).ok().map(|setting| setting.parse::<u64>().expect(name));
    let (seed, count) =
        (number("BASALT_FUZZ_SEED").unwrap_or(1), table::inputs(target.name, number("BASALT_FUZZ_INPUTS")));
    let began = Instant::now();
    let mut sum = TargetResult::default();
    let mut first = 0;
    while first < count && sum.failures.len() < MAX_FAILURES {
        first = shard(target, seed, first..count.min(first + SHARD_INPUTS), &mut sum);
    }
    println!("{}", figures(target.name, &sum, began.elapsed()));
    assert!(sum.failures.is_empty(), "{} (seed {seed}):\n{}", target.name, sum.failures.join("\n"));
}

/// Runs these inputs in a child; where the next one begins, which is behind an input that ended it.
fn shard(target: &FuzzTarget, seed: u64, inputs: std::ops::Range<u64>, sum: &mut TargetResult) -> u64 {
    let place = folder().join(format!("{}-{}.place", target.name, std::process::id()));
    fs::write(&place, u64::MAX.to_le_bytes()).expect("target/fuzz can be written");
    let output = child(target, &format!("{} {} {seed}", inputs.start, inputs.end - inputs.start), &place);
    let reached = fs::read(&place).expect("it was written");
    fs::remove_file(&place).expect("it was written");
    if let Some(done) = ShardResult::parse(&String::from_utf8_lossy(&output.stdout)) {
        sum.done = sum.done.and(done);
        return inputs.end;
    }
    let reached = u64::from_le_bytes(reached.try_into().expect("eight bytes"));
    assert!(
        reached != u64::MAX,
        "{}: the child ended before its first input: {}",
        target.name,
        output_text(&output)
    );
    let kept = folder().join(format!("{}-{seed}-{reached}", target.name));
    let bytes = input(&(target.form)(), &mut Random::seeded(target.name, seed, reached));
    fs::write(&kept, &bytes).expect("target/fuzz can be written");
    let (kept, length, why) = (kept.display(), bytes.len(), output_text(&output));
    sum.failures.push(format!("input {reached} ({length} bytes, {kept}): {why}"));
    sum.done = sum.done.and(ShardResult { inputs: reached - inputs.start, ..ShardResult::default() });
    reached + 1
}

/// This program again, with one test and less memory.
fn child(target: &FuzzTarget, given: &str, place: &Path) -> Output {
    let (_, module) = target.module.split_once("::").expect("it begins with the crate");
    Command::new("sh")
        .args(["-c", "ulimit -v \"$1\"; shift; exec \"$@\"", "sh", &ADDRESS_SPACE_KIB.to_string()])
        .arg(std::env::current_exe().expect("our own name"))
        .args(["--exact", &format!("{module}::{}", target.name), "--nocapture", "--test-threads=1"])
        .env(SHARD_VARIABLE, format!("{given} {}", place.display()))
        .output()
        .expect("sh is there")
}

/// How a child ended, and the end of what it said.
fn output_text(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    // A refused allocation is followed by a long backtrace.
    let before = |line: &&str| !line.starts_with("stack backtrace");
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).take_while(before).collect();
    format!("{}: {}", output.status, lines[lines.len().saturating_sub(4)..].join(" | "))
}

fn figures(name: &str, sum: &TargetResult, took: Duration) -> String {
    let ShardResult { inputs, slowest_us, slowest, caught, peak_mib } = sum.done;
    let rate = inputs as f64 / took.as_secs_f64();
    format!(
        "fuzz {name:<18} {inputs:>9} inputs {rate:>8.0}/s  slowest {:>7.1} ms (input {slowest})  peak {peak_mib:>4} MiB  \
         {caught} panics caught within  {} failed",
        slowest_us as f64 / 1e3,
        sum.failures.len()
    )
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz");
    fs::create_dir_all(&folder).expect("target/fuzz can be made");
    folder
}
