//! How many windows a second each model of tests/fixtures/ai/models scores, on one core: a line of JSON for each.
//!
//!     cargo bench --bench infer [-- FOLDER] [--seconds 0.3]
//!
//! `single` is one window a run; `batch` is 64 windows a run, `null` where the model's leading dimension is fixed.
//! `python3 tests/peers/tflite_speed.py` runs this and Google's interpreter in turns and prints both.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use basalt::infer::tflite::{Model, ModelLimits, Tensor, Workspace};

/// Windows of a batch.
const BATCH: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let mut folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ai/models");
    let mut seconds = 0.3;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // What `cargo bench` adds.
            "--bench" => {}
            "--seconds" => seconds = arguments.next().ok_or("--seconds needs a number")?.parse()?,
            other => folder = PathBuf::from(other),
        }
    }
    let entries = std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "tflite"));
    paths.sort();
    for path in paths {
        let model = Model::load(&std::fs::read(&path)?, ModelLimits::default())?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let span = Duration::from_secs_f64(seconds);
        let single = windows_a_second(&model, 1, span)?;
        let batch = match model.is_batched() {
            true => format!("{:.0}", windows_a_second(&model, BATCH, span)?),
            false => "null".to_owned(),
        };
        println!("{{\"model\": \"{name}\", \"single\": {single:.0}, \"batch\": {batch}}}");
    }
    Ok(())
}

/// Runs `windows` windows at a time for as long as `span`, after some runs that do not count.
fn windows_a_second(model: &Model, windows: usize, span: Duration) -> Result<f64, Box<dyn Error>> {
    let mut dims: Vec<usize> = model.inputs()[0].dims.iter().map(|dim| dim.unwrap_or(1)).collect();
    if windows > 1 {
        dims[0] = windows;
    }
    let count = dims.iter().product::<usize>();
    let values: Vec<f32> = (0..count).map(|at| 0.5 + 0.4 * (at as f32 * 0.37).sin()).collect();
    let mut workspace = Workspace::new();
    let mut run = || model.run(&mut workspace, vec![Tensor::from_floats(&dims, values.clone())?]).map(|_| ());
    for _ in 0..20 {
        run()?;
    }
    let (start, mut runs) = (Instant::now(), 0usize);
    while start.elapsed() < span {
        for _ in 0..10 {
            run()?;
        }
        runs += 10;
    }
    Ok((runs * windows) as f64 / start.elapsed().as_secs_f64())
}
