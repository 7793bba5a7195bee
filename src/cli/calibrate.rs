//! `basalt calibrate`.

use super::args;
use super::print;
use super::target::{CommandTarget, DataDirMode};
use crate::app::control::{Command, CommandOutcome};
use crate::domain::{Error, Result};

/// Sets a model's threshold to a percentile of its error in a healthy range, and prints it.
pub async fn run(args: args::Calibrate) -> Result<()> {
    let args::Calibrate { model, from, to, percentile, org, place } = args;
    let target = CommandTarget::open(&place, &org, DataDirMode::MustExist).await?;
    let command = Command::Calibrate { org: target.org(), model, from, to, percentile };
    let outcome = target.run(command).await;
    target.close().await?;
    match outcome? {
        CommandOutcome::Calibrated { threshold, windows } => print::line(&format!(
            "model {model}: threshold {threshold}, the percentile {percentile} of {windows} windows"
        )),
        _ => Err(Error::internal("the server answered another command")),
    }
}
