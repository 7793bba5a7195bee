//! `basalt compact`.

use super::args::{InOrg, Place};
use super::door::{Directory, Door};
use super::print;
use crate::app::control::{Command, Outcome};
use crate::domain::{Error, Result};

pub async fn run(place: &Place) -> Result<()> {
    let door = Door::open(place, &InOrg { org: None }, Directory::MustExist).await?;
    let outcome = door.run(Command::Compact).await;
    door.close().await?;
    match outcome? {
        Outcome::Compacted { files: 0 } => print::line("nothing to merge"),
        Outcome::Compacted { files } => print::line(&format!("{files} files merged")),
        _ => Err(Error::internal("the server answered another command")),
    }
}
