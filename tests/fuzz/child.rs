//! The child's side: decodes one input after the other, with a watchdog beside.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::shard::LIMIT_VARIABLE;
use super::{FuzzTarget, Random, input};

/// Decoders run on threads of tokio's size.
const STACK_BYTES: usize = 2 << 20;
/// Processor time that an input may take: debug builds beside other tests are slow, and the long run says its own.
const DEFAULT_LIMIT_MS: u64 = 10_000;
/// An input that waits rather than computes may take so many times the limit.
const WAIT_LIMIT_FACTOR: u32 = 30;
/// Between two looks of the watchdog.
const WATCHDOG_INTERVAL: Duration = Duration::from_millis(50);

/// The input being decoded, counted from one; the watchdog looks at it.
static CURRENT_INPUT: AtomicU64 = AtomicU64::new(0);
/// Panics, also those that the decoder catches.
static PANICS: AtomicU64 = AtomicU64::new(0);
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Figures that a child prints when all its inputs are done.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShardResult {
    pub inputs: u64,
    pub slowest_us: u64,
    pub slowest: u64,
    pub caught: u64,
    pub peak_mib: u64,
}

impl ShardResult {
    pub fn and(self, other: ShardResult) -> ShardResult {
        let slower = if other.slowest_us > self.slowest_us { other } else { self };
        ShardResult {
            inputs: self.inputs + other.inputs,
            caught: self.caught + other.caught,
            peak_mib: self.peak_mib.max(other.peak_mib),
            ..slower
        }
    }

    fn print(self) {
        let ShardResult { inputs, slowest_us, slowest, caught, peak_mib } = self;
        println!("\nfuzzed {inputs} {slowest_us} {slowest} {caught} {peak_mib}");
    }

    pub fn parse(output: &str) -> Option<ShardResult> {
        let line = output.lines().find_map(|line| line.strip_prefix("fuzzed "))?;
        let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().expect("a number")).collect();
        let [inputs, slowest_us, slowest, caught, peak_mib] = numbers[..] else { return None };
        Some(ShardResult { inputs, slowest_us, slowest, caught, peak_mib })
    }
}

/// Runs what `given` says; ends the process when an input fails.
pub fn run(target: &FuzzTarget, given: &str) {
    let target = *target;
    let given: Vec<String> = given.splitn(4, ' ').map(str::to_owned).collect();
    std::panic::set_hook(Box::new(|panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        *LAST_PANIC.lock().unwrap_or_else(|e| e.into_inner()) = panic.to_string();
    }));
    let limit =
        std::env::var(LIMIT_VARIABLE).map_or(DEFAULT_LIMIT_MS, |ms| ms.parse().expect(LIMIT_VARIABLE));
    std::thread::spawn(move || watch(Duration::from_millis(limit)));
    let decoding = std::thread::Builder::new().name("fuzz".to_owned()).stack_size(STACK_BYTES);
    let decoding = decoding.spawn(move || decode(&target, &given)).expect("a thread");
    match decoding.join() {
        Ok(done) => {
            ShardResult { caught: PANICS.load(Ordering::Relaxed), peak_mib: peak_mib(), ..done }.print()
        }
        Err(_) => {
            eprintln!("{}", LAST_PANIC.lock().unwrap_or_else(|e| e.into_inner()));
            std::process::exit(101);
        }
    }
}

fn decode(target: &FuzzTarget, given: &[String]) -> ShardResult {
    let mut decoder = (target.decoder)();
    if let Some(file) = std::env::var_os("BASALT_FUZZ_FILE") {
        CURRENT_INPUT.store(1, Ordering::Relaxed);
        decoder(&fs::read(file).expect("the input can be read"));
        return ShardResult { inputs: 1, ..ShardResult::default() };
    }
    let [first, count, seed, place] = given else { panic!("{given:?} is no shard") };
    let number = |text: &String| text.parse::<u64>().expect("a number");
    let (first, count, seed) = (number(first), number(count), number(seed));
    let place = OpenOptions::new().write(true).open(place).expect("the parent made it");
    let form = (target.form)();
    let mut done = ShardResult { inputs: count, ..ShardResult::default() };
    for number in first..first + count {
        let bytes = input(&form, &mut Random::seeded(target.name, seed, number));
        place.write_all_at(&number.to_le_bytes(), 0).expect("the parent made it");
        CURRENT_INPUT.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        decoder(&bytes);
        let took = began.elapsed().as_micros() as u64;
        if took > done.slowest_us {
            (done.slowest_us, done.slowest) = (took, number);
        }
    }
    CURRENT_INPUT.store(0, Ordering::Relaxed);
    done
}

/// Ends the process when an input takes too much processor time of all threads together, or waits too long.
fn watch(limit: Duration) {
    let (mut round, mut began, mut computed) = (0, Instant::now(), processor_time());
    loop {
        std::thread::sleep(WATCHDOG_INTERVAL);
        let now = CURRENT_INPUT.load(Ordering::Relaxed);
        if now != round || now == 0 {
            (round, began, computed) = (now, Instant::now(), processor_time());
            continue;
        }
        let (waited, computed) = (began.elapsed(), processor_time().saturating_sub(computed));
        if computed > limit || waited > limit * WAIT_LIMIT_FACTOR {
            eprintln!("the input took {computed:?} of processor time in {waited:?}: {limit:?} are the limit");
            std::process::abort();
        }
    }
}

/// Of this process.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    // A hundred ticks a second, whatever the kernel's own are.
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() / 1024
}
