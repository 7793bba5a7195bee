//! Any readings give the windows that the definition gives, and any cut into restarts gives the same.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::window_tests::{Step, Told, apply, take};
use super::*;

/// A plan and what a caller did: each source's readings in order of time, with time that never passes one to come.
#[derive(Debug, Clone)]
struct Run {
    plan: Plan,
    steps: Vec<Step>,
    end: i64,
}

fn run() -> impl Strategy<Value = Run> {
    let shape = (1..4_usize, 1..6_usize, 1..4_usize, prop::sample::select(vec![1_i64, 3, 10]));
    shape.prop_flat_map(|(features, samples, stride, interval)| {
        let plan = Plan::new(features, samples, interval).unwrap().with_stride(stride).unwrap();
        // From one reading to the next: often within a sample, sometimes beyond what a value holds.
        let pause = prop_oneof![5 => 0..=interval, 3 => 0..=3 * interval, 1 => 0..=8 * interval];
        let reading = (0..features, pause, prop::option::weighted(0.9, -100..100_i32), any::<bool>());
        (prop::collection::vec(reading, 0..120), -50..50_i64).prop_map(move |(readings, begin)| {
            let (mut now, mut steps) = (begin, Vec::new());
            let mut newest = vec![i64::MIN; plan.features()];
            for (feature, pause, value, tells_time) in readings {
                // A stream has one reading of a time.
                let pause = if newest[feature] == now { pause.max(1) } else { pause };
                now += pause;
                newest[feature] = now;
                if tells_time && pause > 0 {
                    steps.push(Step::Time(now - 1));
                }
                steps.push(match value {
                    Some(value) => Step::Say(feature, now, f64::from(value)),
                    None => Step::Null(feature, now),
                });
            }
            let end = now + 5 * interval;
            steps.push(Step::Time(end));
            Run { plan, steps, end }
        })
    })
}

/// Everything told by steps from one on, items taken after each.
fn told(windows: &mut Windows, steps: &[Step]) -> Vec<Told> {
    let mut told = Vec::new();
    for step in steps {
        apply(windows, *step);
        take(windows, &mut told);
    }
    told
}

/// The windows as they are defined, each sample looked up among all readings.
fn defined(run: &Run) -> Vec<Told> {
    let (plan, interval) = (run.plan, run.plan.interval_us());
    let mut values: Vec<BTreeMap<i64, f64>> = vec![BTreeMap::new(); plan.features()];
    for step in &run.steps {
        if let Step::Say(feature, ts, value) = step {
            values[*feature].insert(*ts, *value);
        }
    }
    let row = |at: i64| -> Option<Vec<f64>> {
        let held =
            |said: &BTreeMap<i64, f64>| said.range(at - 3 * interval..=at).next_back().map(|(_, v)| *v);
        values.iter().map(held).collect()
    };
    let (mut windows, mut rows) = (Vec::new(), Vec::<Vec<f64>>::new());
    let begin = values.iter().filter_map(|said| said.keys().next()).min().copied().unwrap_or(run.end);
    for at in begin..=run.end {
        if at.rem_euclid(interval) != 0 {
            continue;
        }
        let Some(row) = row(at) else {
            rows.clear();
            continue;
        };
        rows.push(row);
        let first = rows.len().checked_sub(plan.samples());
        if let Some(first) = first.filter(|first| first % plan.stride() == 0) {
            windows.push(Told::Window(at, rows[first..].concat()));
        }
    }
    windows
}

fn only_windows(told: &[Told]) -> Vec<Told> {
    told.iter().filter(|told| matches!(told, Told::Window(..))).cloned().collect()
}

/// A process that lives from one cut to the next: it knows the position its predecessor left, and feeds itself from
/// there with what had been said by then.
fn with_restarts(run: &Run, cuts: &[usize]) -> Vec<Told> {
    let (mut all, mut position, mut begun) = (Vec::new(), None, 0);
    for cut in cuts.iter().copied().chain([run.steps.len()]) {
        let mut windows = match position {
            None => Windows::new(run.plan),
            Some(position) => Windows::resume(run.plan, position),
        };
        let from = position.map_or(i64::MIN, |position| run.plan.feed_from(position).0);
        let fed = run.steps[..begun].iter().filter(|step| match step {
            Step::Say(_, ts, _) | Step::Null(_, ts) => *ts >= from,
            Step::Time(_) => true,
        });
        let steps: Vec<Step> = fed.chain(&run.steps[begun..cut]).copied().collect();
        let told = only_windows(&told(&mut windows, &steps));
        if let Some(Told::Window(end, _)) = told.last() {
            position = Some(Micros(*end));
        }
        all.extend(told);
        begun = cut;
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn windows_are_what_the_definition_says(run in run()) {
        let mut windows = Windows::new(run.plan);
        prop_assert_eq!(only_windows(&told(&mut windows, &run.steps)), defined(&run));
        prop_assert_eq!(windows.late(), Late::default());
    }

    #[test]
    fn when_items_are_taken_changes_none(run in run()) {
        let (mut eager, mut lazy) = (Windows::new(run.plan), Windows::new(run.plan));
        let often = told(&mut eager, &run.steps);
        run.steps.iter().for_each(|step| apply(&mut lazy, *step));
        let mut once = Vec::new();
        take(&mut lazy, &mut once);
        prop_assert_eq!(often, once);
    }

    #[test]
    fn any_cut_into_restarts_gives_the_same_windows(
        run in run(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(run.steps.len())).collect();
        cuts.sort_unstable();
        prop_assert_eq!(with_restarts(&run, &cuts), defined(&run));
    }

    #[test]
    fn after_a_position_come_the_items_that_followed_it(run in run(), at in any::<prop::sample::Index>()) {
        let whole = told(&mut Windows::new(run.plan), &run.steps);
        let is_window = |at: &usize| matches!(whole[*at], Told::Window(..));
        let windows: Vec<usize> = (0..whole.len()).filter(is_window).collect();
        prop_assume!(!windows.is_empty());
        let chosen = *at.get(&windows);
        let Told::Window(end, _) = whole[chosen] else { unreachable!("chosen among windows") };
        let from = run.plan.feed_from(Micros(end)).0;
        let fed: Vec<Step> = run.steps.iter().copied().filter(|step| match step {
            Step::Say(_, ts, _) | Step::Null(_, ts) => *ts >= from,
            Step::Time(_) => true,
        }).collect();
        let resumed = told(&mut Windows::resume(run.plan, Micros(end)), &fed);
        prop_assert_eq!(resumed, &whole[chosen + 1..]);
    }

    /// Whatever order and times: nothing panics, windows never go back, and none has a sample that is missing.
    #[test]
    fn any_steps_at_all_keep_time_in_order(
        plan in (1..3_usize, 1..5_usize, prop::sample::select(vec![1_i64, 10, MAX_INTERVAL_US])),
        steps in prop::collection::vec((0..4_u8, prop_oneof![-60..60_i64, any::<i64>()], any::<f64>()), 0..60),
        resumed in prop::option::of(any::<i64>()),
    ) {
        let plan = Plan::new(plan.0, plan.1, plan.2).unwrap();
        let mut windows = match resumed {
            None => Windows::new(plan),
            Some(position) => Windows::resume(plan, Micros(position)),
        };
        let mut newest = resumed;
        for (what, ts, value) in steps {
            let feature = usize::from(what) % plan.features();
            apply(&mut windows, match what {
                0 => Step::Time(ts),
                1 => Step::Null(feature, ts),
                _ => Step::Say(feature, ts, value),
            });
            // Each item is of a later time; far apart there are few.
            for _ in 0..200 {
                let Some(item) = windows.next_item() else { break };
                let at = match item {
                    Item::Window { end, values } => {
                        prop_assert_eq!(values.len(), plan.features() * plan.samples());
                        prop_assert!(values.iter().all(|value| value.is_finite()));
                        prop_assert!(newest.is_none_or(|newest| newest <= end.0));
                        end.0
                    }
                    Item::GapBegan(began) => began.at.0,
                    Item::GapEnded { from, until } => {
                        prop_assert!(from < until);
                        until.0
                    }
                };
                prop_assert!(newest.is_none_or(|newest| newest <= at), "{:?} then {}", newest, at);
                newest = Some(at);
            }
        }
    }
}
