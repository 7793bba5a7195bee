//! Bundles the pages of web/ into the build directory, where src/api/pages/ takes them from, when Node.js and npm are
//! there. Nothing of it is kept in the repository, and nothing is done again until something under web/ changes.
//!
//! Without Node.js, or when npm fails, the build goes on and the pages say why they are missing. `BASALT_WEB=require`
//! makes that an error, `BASALT_WEB=skip` does not even try; a change of the variable builds them again.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What the bundle is made of, below web/.
const INPUTS: [&str; 5] = ["package.json", "package-lock.json", "bundle.mjs", "tsconfig.json", "src"];

fn main() -> Result<()> {
    link_without_relocations()?;
    println!("cargo::rerun-if-env-changed=BASALT_WEB");
    for input in INPUTS {
        println!("cargo::rerun-if-changed=web/{input}");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let wish = env::var("BASALT_WEB").unwrap_or_default();
    let bundled = match wish.as_str() {
        "skip" => Err("it was left out by BASALT_WEB=skip".into()),
        "" | "require" => bundle(&out.join("web")),
        other => return Err(format!("BASALT_WEB is `{other}`: use require or skip").into()),
    };
    let (files, missing) = match bundled {
        Ok(files) => (files, String::new()),
        Err(why) if wish == "require" => return Err(format!("the pages were not bundled: {why}").into()),
        Err(why) => {
            if wish.is_empty() {
                println!("cargo::warning=/ui and /graphiql are left out: {why}");
            }
            (Vec::new(), why.to_string())
        }
    };
    Ok(fs::write(out.join("pages.rs"), table(&files, &missing)?)?)
}

/// Links what is not released at a fixed address: the loader takes 16 ms for the relocations of a debug build, at every start of the
/// thousands of servers and cases of a run of the tests. A release keeps its random addresses.
fn link_without_relocations() -> Result<()> {
    let is_debug = env::var("PROFILE")? == "debug";
    if is_debug && env::var("CARGO_CFG_TARGET_OS")? == "linux" && env::var("CARGO_CFG_TARGET_ENV")? == "gnu" {
        println!("cargo::rustc-link-arg=-no-pie");
    }
    Ok(())
}

/// What src/api/pages/ includes: each file under its name without the `.gz` that the bundler gives it.
fn table(files: &[PathBuf], missing: &str) -> Result<String> {
    let mut text = "pub static FILES: &[(&str, &[u8])] = &[\n".to_owned();
    for path in files {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a file without a name")?;
        let name = name.strip_suffix(".gz").ok_or("a file that is not compressed")?;
        writeln!(text, "    ({name:?}, include_bytes!({path:?})),")?;
    }
    writeln!(text, "];\npub static MISSING: &str = {missing:?};")?;
    Ok(text)
}

/// Installs what package-lock.json pins and runs the bundler, all in `dir`; the files it wrote, in the order of their names.
fn bundle(dir: &Path) -> Result<Vec<PathBuf>> {
    run(Command::new("node").arg("--version"))?;
    fs::create_dir_all(dir)?;
    let stale = dir.join("src");
    if stale.exists() {
        fs::remove_dir_all(stale)?;
    }
    for input in INPUTS {
        copy(&Path::new("web").join(input), &dir.join(input))?;
    }
    install(dir)?;
    let dist = dir.join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist)?;
    }
    run(Command::new("node").arg("bundle.mjs").arg(&dist).current_dir(dir))?;
    let paths = fs::read_dir(&dist)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Only when the lock file is another than that of the last installation.
fn install(dir: &Path) -> Result<()> {
    let (wanted, stamp) = (fs::read(dir.join("package-lock.json"))?, dir.join("installed-package-lock.json"));
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let arguments = ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    run(Command::new("npm").args(arguments).current_dir(dir))?;
    Ok(fs::write(stamp, wanted)?)
}

/// Fails with what the program said.
fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|e| format!("`{name}` does not run ({e}); it comes with Node.js"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last =
        said.lines().map(str::trim).filter(|line| !line.is_empty()).take(5).collect::<Vec<_>>().join("; ");
    Err(format!("`{name}` failed: {last}").into())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        fs::copy(from, to).map_err(|e| format!("{}: {e}", from.display()))?;
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
