//! Files that a package installs beside the program: completions of shells and manual pages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::{DataDir, assert_contains};

#[tokio::test]
async fn a_completion_script_knows_every_command_and_its_flags() {
    let home = DataDir::new();
    let words = ["serve", "completions", "key", "revoke", "data-dir", "password-stdin"];
    let rows = [
        ("bash", "complete -F _basalt"),
        ("elvish", "set edit:completion:arg-completer[basalt]"),
        ("fish", "complete -c basalt"),
        ("powershell", "Register-ArgumentCompleter"),
        ("zsh", "#compdef basalt"),
    ];
    for (shell, registration) in rows {
        let script = home.basalt(&["completions", shell]).await.expect_success();
        assert_contains(&script, &[&[registration][..], &words].concat(), shell);
    }
}

#[tokio::test]
async fn bash_completes_what_was_typed() {
    let home = DataDir::new();
    let script = home.path().join("basalt.bash");
    let text = home.basalt(&["completions", "bash"]).await.expect_success();
    fs::write(&script, text).expect("written");
    let rows = [
        ("a_command", "basalt ver", "verify"),
        ("a_command_below", "basalt key rev", "revoke"),
        ("a_flag", "basalt serve --flight", "--flight-listen"),
        ("a_value", "basalt sql --format par", "parquet"),
    ];
    for (name, line, expected) in rows {
        // What bash does at Tab: the words so far, then the function with command, current and previous word.
        let complete = "source \"$1\"; COMP_WORDS=($2); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); \
                        _basalt basalt \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; \
                        echo \"${COMPREPLY[*]}\"";
        let ran =
            Command::new("bash").args(["--norc", "-c", complete, "bash"]).arg(&script).arg(line).output();
        let ran = ran.expect("bash runs");
        let completed = String::from_utf8_lossy(&ran.stdout);
        assert_eq!(completed.trim(), expected, "{name}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[tokio::test]
async fn every_command_has_a_manual_page_that_everyone_may_read() {
    let home = DataDir::new();
    let dir = home.path().join("man1");
    fs::create_dir(&dir).expect("made");
    for _ in ["a first time", "over those of another version"] {
        home.basalt(&["man", "man1"]).await.expect_success();
    }
    let rows: [(&str, &[&str]); 4] = [
        ("basalt.1", &["Collects PLC data", "basalt\\-serve(1)", "basalt\\-man(1)"]),
        ("basalt-serve.1", &["Run the server", "\\-\\-pg\\-listen"]),
        ("basalt-key-create.1", &["basalt key create", "\\-\\-scope"]),
        ("basalt-export.1", &["file that `import` can read", "ndjson"]),
    ];
    for (page, words) in rows {
        let text = fs::read_to_string(dir.join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
        let name = page.trim_end_matches(".1");
        let title = format!(".TH {name} 1 \" \" \"basalt {}\" Basalt\n", env!("CARGO_PKG_VERSION"));
        assert_contains(&text, &[words, &[&title]].concat(), page);
        let mode = fs::metadata(dir.join(page)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{page}");
    }
    assert!(!dir.join("basalt-help.1").exists(), "`help` is no command of its own");

    let output = home.basalt(&["man", "missing"]).await.expect_failure();
    assert!(output.contains("missing") && output.contains("No such file"), "{output}");
}
