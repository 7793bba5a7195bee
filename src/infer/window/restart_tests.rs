//! Any readings give the windows of the definition, however the run is cut by restarts.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::window_tests::{OwnedEvent, Step, apply, drain_events, run_steps};
use super::*;

/// A spec and a caller's steps: each source's readings in order of time, with a watermark that never passes a later
/// one.
#[derive(Debug, Clone)]
struct Scenario {
    plan: WindowSpec,
    steps: Vec<Step>,
    end: i64,
}

fn run() -> impl Strategy<Value = Scenario> {
    let shape = (1..4_usize, 1..6_usize, 1..4_usize, prop::sample::select(vec![1_i64, 3, 10]));
    shape.prop_flat_map(|(features, samples, stride, interval)| {
        let plan = WindowSpec::new(features, samples, interval).unwrap().with_stride(stride).unwrap();
        // From one reading to the next: often within a sample, sometimes beyond what a value holds.
        let pause = prop_oneof![5 => 0..=interval, 3 => 0..=3 * interval, 1 => 0..=8 * interval];
        let reading = (0..features, pause, prop::option::weighted(0.9, -100..100_i32), any::<bool>());
        (prop::collection::vec(reading, 0..120), -50..50_i64).prop_map(move |(readings, begin)| {
            let (mut now, mut steps) = (begin, Vec::new());
            let mut newest = vec![i64::MIN; plan.features()];
            for (feature, pause, value, tells_time) in readings {
                // A stream has at most one reading per time.
                let pause = if newest[feature] == now { pause.max(1) } else { pause };
                now += pause;
                newest[feature] = now;
                if tells_time && pause > 0 {
                    steps.push(Step::Time(now - 1));
                }
                steps.push(match value {
                    Some(value) => Step::Value(feature, now, f64::from(value)),
                    None => Step::Null(feature, now),
                });
            }
            let end = now + 5 * interval;
            steps.push(Step::Time(end));
            Scenario { plan, steps, end }
        })
    })
}

/// Returns the windows by definition, each sample looked up among all readings.
fn expected_windows(run: &Scenario) -> Vec<OwnedEvent> {
    let (plan, interval) = (run.plan, run.plan.interval_us());
    let mut values: Vec<BTreeMap<i64, f64>> = vec![BTreeMap::new(); plan.features()];
    for step in &run.steps {
        if let Step::Value(feature, ts, value) = step {
            values[*feature].insert(*ts, *value);
        }
    }
    let row = |at: i64| -> Option<Vec<f64>> {
        let value_before =
            |samples: &BTreeMap<i64, f64>| samples.range(at - 3 * interval..=at).next_back().map(|(_, v)| *v);
        values.iter().map(value_before).collect()
    };
    let (mut windows, mut rows) = (Vec::new(), Vec::<Vec<f64>>::new());
    let begin = values.iter().filter_map(|samples| samples.keys().next()).min().copied().unwrap_or(run.end);
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
            windows.push(OwnedEvent::Window(at, rows[first..].concat()));
        }
    }
    windows
}

fn only_windows(events: &[OwnedEvent]) -> Vec<OwnedEvent> {
    events.iter().filter(|events| matches!(events, OwnedEvent::Window(..))).cloned().collect()
}

/// Simulates a process from one cut to the next: it resumes at its predecessor's position and replays the readings that
/// existed by then.
fn with_restarts(run: &Scenario, cuts: &[usize]) -> Vec<OwnedEvent> {
    let (mut all, mut position, mut begun) = (Vec::new(), None, 0);
    for cut in cuts.iter().copied().chain([run.steps.len()]) {
        let mut windows = match position {
            None => WindowAssembler::new(run.plan),
            Some(position) => WindowAssembler::resume(run.plan, position),
        };
        let from = position.map_or(i64::MIN, |position| run.plan.replay_from(position).0);
        let fed = run.steps[..begun].iter().filter(|step| match step {
            Step::Value(_, ts, _) | Step::Null(_, ts) => *ts >= from,
            Step::Time(_) => true,
        });
        let steps: Vec<Step> = fed.chain(&run.steps[begun..cut]).copied().collect();
        let events = only_windows(&run_steps(&mut windows, &steps));
        if let Some(OwnedEvent::Window(end, _)) = events.last() {
            position = Some(Micros(*end));
        }
        all.extend(events);
        begun = cut;
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn windows_are_what_the_definition_says(run in run()) {
        let mut windows = WindowAssembler::new(run.plan);
        prop_assert_eq!(only_windows(&run_steps(&mut windows, &run.steps)), expected_windows(&run));
        prop_assert_eq!(windows.late(), LateReadings::default());
    }

    #[test]
    fn when_items_are_taken_changes_none(run in run()) {
        let (mut eager, mut lazy) = (WindowAssembler::new(run.plan), WindowAssembler::new(run.plan));
        let often = run_steps(&mut eager, &run.steps);
        run.steps.iter().for_each(|step| apply(&mut lazy, *step));
        let mut once = Vec::new();
        drain_events(&mut lazy, &mut once);
        prop_assert_eq!(often, once);
    }

    #[test]
    fn any_cut_into_restarts_gives_the_same_windows(
        run in run(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(run.steps.len())).collect();
        cuts.sort_unstable();
        prop_assert_eq!(with_restarts(&run, &cuts), expected_windows(&run));
    }

    #[test]
    fn after_a_position_come_the_items_that_followed_it(run in run(), at in any::<prop::sample::Index>()) {
        let whole = run_steps(&mut WindowAssembler::new(run.plan), &run.steps);
        let is_window = |at: &usize| matches!(whole[*at], OwnedEvent::Window(..));
        let windows: Vec<usize> = (0..whole.len()).filter(is_window).collect();
        prop_assume!(!windows.is_empty());
        let chosen = *at.get(&windows);
        let OwnedEvent::Window(end, _) = whole[chosen] else { unreachable!("chosen among windows") };
        let from = run.plan.replay_from(Micros(end)).0;
        let fed: Vec<Step> = run.steps.iter().copied().filter(|step| match step {
            Step::Value(_, ts, _) | Step::Null(_, ts) => *ts >= from,
            Step::Time(_) => true,
        }).collect();
        let resumed = run_steps(&mut WindowAssembler::resume(run.plan, Micros(end)), &fed);
        prop_assert_eq!(resumed, &whole[chosen + 1..]);
    }

    /// With any order and times nothing panics, windows never go back, and no window has a missing sample.
    #[test]
    fn any_steps_at_all_keep_time_in_order(
        plan in (1..3_usize, 1..5_usize, prop::sample::select(vec![1_i64, 10, MAX_INTERVAL_US])),
        steps in prop::collection::vec((0..4_u8, prop_oneof![-60..60_i64, any::<i64>()], any::<f64>()), 0..60),
        resumed in prop::option::of(any::<i64>()),
    ) {
        let plan = WindowSpec::new(plan.0, plan.1, plan.2).unwrap();
        let mut windows = match resumed {
            None => WindowAssembler::new(plan),
            Some(position) => WindowAssembler::resume(plan, Micros(position)),
        };
        let mut newest = resumed;
        for (what, ts, value) in steps {
            let feature = usize::from(what) % plan.features();
            apply(&mut windows, match what {
                0 => Step::Time(ts),
                1 => Step::Null(feature, ts),
                _ => Step::Value(feature, ts, value),
            });
            // Each event has a later time; if they are far apart there are few.
            for _ in 0..200 {
                let Some(item) = windows.next_event() else { break };
                let at = match item {
                    WindowEvent::Window { end, values } => {
                        prop_assert_eq!(values.len(), plan.features() * plan.samples());
                        prop_assert!(values.iter().all(|value| value.is_finite()));
                        prop_assert!(newest.is_none_or(|newest| newest <= end.0));
                        end.0
                    }
                    WindowEvent::GapStarted(began) => began.at.0,
                    WindowEvent::GapEnded { from, until } => {
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
