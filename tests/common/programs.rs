//! Finds the programs that a test needs, and never lets a missing one pass in silence.

use std::{env, path::PathBuf};

/// Set to 1 where a missing program is a failure: a skipped test proves nothing.
pub const REQUIRE: &str = "TUF_NOTARY_REQUIRE_INTEROP";

/// The path of a program, or `None` after a loud note that `test` is skipped.
///
/// # Panics
/// The program is missing and [`REQUIRE`] is set to 1.
pub fn find(test: &str, program: &str) -> Option<PathBuf> {
    decide(in_path(program), required(), test, program)
}

/// Whether a missing program is a failure.
pub fn required() -> bool {
    env::var(REQUIRE).is_ok_and(|value| value == "1")
}

/// What [`find`] does once it has looked.
pub fn decide(found: Option<PathBuf>, required: bool, test: &str, program: &str) -> Option<PathBuf> {
    if found.is_none() {
        let note = format!("SKIPPED: {test}: program {program} not found");
        assert!(!required, "{note}, and {REQUIRE}=1 forbids skipping");
        // Past the test harness, which shows captured output of failing tests only.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{note}\n").as_bytes());
    }
    found
}

/// An example's program: plain `cargo test` builds it, beside the folder of this very test; one crate's
/// tests alone take what is there.
pub fn example(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a test is a program");
    let path = test.ancestors().nth(2).expect("it lies in a folder").join("examples").join(name);
    assert!(path.is_file(), "{} is missing: cargo build --examples makes it", path.display());
    path
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
