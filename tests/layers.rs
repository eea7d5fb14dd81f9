//! The layers of `src/` import one way, decide without input or output, and keep their files short.
//!
//! Reads the sources as text. Paths in comments and strings don't count. Unit tests obey the arrows
//! too, but may use `testkit`, files and clocks.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The layers that decide, lowest first: each uses those before it only.
const CORE: [&str; 6] = ["limits", "name", "crypto", "metadata", "wire", "verify"];
/// The layers side by side on top of [`CORE`].
const BAND: [&str; 4] = ["edit", "keys", "store", "transport"];
/// The layers that take bytes and a time and touch nothing else.
const PURE: [&str; 8] = ["limits", "name", "crypto", "metadata", "wire", "verify", "edit", "view"];
/// Most lines of a file, its unit tests included.
const LONGEST: usize = 450;

/// What a layer may use besides itself; `None` for an unknown layer.
fn allowed(layer: &str) -> Option<Vec<&'static str>> {
    if let Some(height) = CORE.iter().position(|core| *core == layer) {
        return Some(CORE[..height].to_vec());
    }
    let above: &[&[&str]] = match layer {
        "disk" => return Some(Vec::new()),
        "keys" | "store" | "transport" => &[&["disk"]],
        "edit" => &[&["keys"]],
        "staged" => &[&["disk", "edit"]],
        "error" => &[&BAND, &["staged", "view"]],
        "view" => &[&BAND],
        "telemetry" => &[&BAND, &["error"]],
        "collection" => &[&BAND, &["staged", "error", "telemetry", "view"]],
        "repository" => &[&BAND, &["error", "view", "collection"]],
        "testkit" => &[&BAND, &["staged", "error", "view"]],
        "blocking" | "future" => &[&BAND, &["staged", "error", "view", "collection", "repository"]],
        "image" => &[&BAND, &["staged", "error", "view", "blocking", "future"]],
        _ => return None,
    };
    Some([&CORE[..], &above.concat()].concat())
}

/// What is wrong with the file at `path` (relative to `src/`), one message each.
fn violations(path: &str, source: &str) -> Vec<String> {
    let mut messages = Vec::new();
    let lines = source.lines().count();
    if lines > LONGEST {
        messages.push(format!("{path}: {lines} lines, at most {LONGEST}"));
    }
    let modules: Vec<_> = path.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
    let layer = modules[0];
    if layer == "lib" {
        return messages;
    }
    let Some(allowed) = allowed(layer) else {
        messages.push(format!("{path}: layer {layer} has no place in the order"));
        return messages;
    };
    for fact in facts(modules.len(), &scrub(source)) {
        let at = format!("{path}:{}", fact.line);
        let test = fact.test || modules.contains(&"tests");
        let used = fact.what.as_str();
        match fact.kind {
            Kind::Gates => {}
            Kind::Uses if used == layer || allowed.contains(&used) || test && used == "testkit" => {}
            Kind::Uses => messages.push(format!("{at}: {layer} may not use crate::{used}")),
            Kind::Impure if test || !PURE.contains(&layer) => {}
            Kind::Impure => messages.push(format!("{at}: {layer} is pure and may not use {used}")),
        }
    }
    messages
}

enum Kind {
    /// Names something of the crate root: a layer, or else what should be written as one.
    Uses,
    /// Reaches for the outside world.
    Impure,
    /// Declares a module that only a feature brings.
    Gates,
}

struct Fact {
    line: usize,
    test: bool,
    /// Whether only a feature brings it.
    gated: bool,
    kind: Kind,
    what: String,
}

/// What a scrubbed source uses, given how many modules deep its file is.
fn facts(file_depth: usize, source: &str) -> Vec<Fact> {
    let tokens = tokens(source);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut facts = Vec::new();
    let mut open: Vec<Block> = Vec::new();
    let mut header = 0; // first token of the item that we are in
    for (at, token) in tokens.iter().enumerate() {
        let item = &tokens[header..at];
        let test = open.iter().any(|block| block.test) || is_test(item);
        let gated = open.iter().any(|block| block.gated) || is_gated(item);
        let mut note = |kind, what: &str| {
            facts.push(Fact { line: token.line, test, gated, kind, what: what.to_owned() })
        };
        match (token.text, text(at + 1), text(at + 2)) {
            ("crate", "::", _) if (text(at.wrapping_sub(2)), text(at.wrapping_sub(1))) != ("(", "in") => {
                first_segments(&tokens[at + 2..]).iter().for_each(|segment| note(Kind::Uses, segment));
            }
            ("super", "::", _) if text(at.wrapping_sub(2)) != "super" => {
                let supers = (at..).step_by(2).take_while(|at| text(*at) == "super").count();
                let segments = first_segments(&tokens[at + 2 * supers..]);
                let depth = file_depth + open.iter().filter(|block| block.module).count();
                // `super::{super::x}` is reported as well, rather than followed.
                let reported = |segment: &&&str| supers >= depth || **segment == "super";
                segments.iter().filter(reported).for_each(|segment| note(Kind::Uses, segment));
            }
            ("std", "::", _) => {
                let outside = |segment: &&&str| matches!(**segment, "fs" | "net" | "process");
                let segments = first_segments(&tokens[at + 2..]);
                segments
                    .iter()
                    .filter(outside)
                    .for_each(|segment| note(Kind::Impure, &format!("std::{segment}")));
            }
            ("SystemTime" | "Instant", "::", "now") => note(Kind::Impure, &format!("{}::now", token.text)),
            ("async", "fn", _) => note(Kind::Impure, "async fn"),
            ("mod", name, ";") if gated || test => note(Kind::Gates, name),
            ("{", ..) => {
                open.push(Block { test, gated, module: item.iter().any(|token| token.text == "mod") })
            }
            ("}", ..) => drop(open.pop()),
            _ => {}
        }
        if matches!(token.text, "{" | "}" | ";") {
            header = at + 1;
        }
    }
    facts
}

struct Block {
    test: bool,
    gated: bool,
    module: bool,
}

/// Whether an item is compiled for tests only, going by its attributes.
fn is_test(item: &[Token<'_>]) -> bool {
    let has = |word| item.iter().any(|token| token.text == word);
    has("cfg") && has("test") && !has("any") && !has("not")
}

/// Whether an item is compiled only with a feature, going by its attributes.
fn is_gated(item: &[Token<'_>]) -> bool {
    let is_attribute = |tokens: &[Token<'_>]| tokens[0].text == "[" && tokens[1].text == "cfg";
    let has = |word| item.iter().any(|token| token.text == word);
    item.windows(2).any(is_attribute) && has("feature") && !has("not")
}

/// What of the outside world the build without any feature names, one message each. Sources come
/// with their paths relative to `src/`.
fn outside_of_base(sources: &[(String, String)]) -> Vec<String> {
    let read = |(path, source): &(String, String)| {
        let module: Vec<_> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        let module: Vec<_> = module.into_iter().filter(|part| part != "mod" && part != "lib").collect();
        (path.clone(), module.clone(), facts(module.len(), &scrub(source)))
    };
    let files: Vec<_> = sources.iter().map(read).collect();
    let gates = |(_, module, facts): &(String, Vec<String>, Vec<Fact>)| -> Vec<Vec<String>> {
        let gates = facts.iter().filter(|fact| matches!(fact.kind, Kind::Gates));
        gates.map(|fact| [&module[..], std::slice::from_ref(&fact.what)].concat()).collect()
    };
    let gated: Vec<_> = files.iter().flat_map(gates).collect();
    let is_base = |module: &[String]| !gated.iter().any(|gate| module.starts_with(gate));
    let mut messages = Vec::new();
    for (path, _, facts) in files.iter().filter(|(_, module, _)| is_base(module)) {
        let outside =
            facts.iter().filter(|fact| matches!(fact.kind, Kind::Impure) && fact.what != "async fn");
        let named = outside.filter(|fact| !fact.test && !fact.gated);
        messages
            .extend(named.map(|fact| format!("{path}:{}: the base may not use {}", fact.line, fact.what)));
    }
    messages
}

/// The first names of a path or of each path of a group.
fn first_segments<'a>(tokens: &[Token<'a>]) -> Vec<&'a str> {
    let mut segments = Vec::new();
    let (mut depth, mut before) = (0, "");
    for token in tokens {
        match token.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            name if depth == 0 || depth == 1 && matches!(before, "{" | ",") => segments.push(name),
            _ => {}
        }
        before = token.text;
        if depth == 0 {
            break;
        }
    }
    segments
}

struct Token<'a> {
    line: usize,
    text: &'a str,
}

/// Words, `::`, and every other sign for itself.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, line) in source.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = if rest.starts_with("::") { 2 } else { word.max(first.len_utf8()) };
            tokens.push(Token { line: index + 1, text: &rest[..length] });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// The source with comments, strings and characters blanked out, line by line the same.
fn scrub(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while let Some(&next) = chars.get(at) {
        match blank_end(&chars[at..]) {
            Some(length) => {
                let end = chars.len().min(at + length);
                code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
                at = end;
            }
            None => {
                code.push(next);
                at += 1;
            }
        }
    }
    code
}

/// The length of the comment or literal at the start of `rest`.
fn blank_end(rest: &[char]) -> Option<usize> {
    let until = |from: usize, end: &[char]| {
        let found = rest.get(from..)?.windows(end.len()).position(|window| window == end)?;
        Some(from + found + end.len())
    };
    match rest {
        ['/', '/', ..] => Some(until(2, &['\n']).map_or(rest.len(), |end| end - 1)),
        ['/', '*', ..] => Some(until(2, &['*', '/']).unwrap_or(rest.len())),
        ['\'', '\\', ..] => until(3, &['\'']),
        ['\'', _, '\'', ..] => Some(3),
        ['"', ..] => {
            let mut at = 1;
            while !matches!(rest.get(at), None | Some('"')) {
                at += if rest[at] == '\\' { 2 } else { 1 };
            }
            Some(at + 1)
        }
        ['r', '"' | '#', ..] => {
            let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
            let end = [&['"'][..], &vec!['#'; hashes]].concat();
            (rest.get(1 + hashes) == Some(&'"')).then(|| until(2 + hashes, &end).unwrap_or(rest.len()))
        }
        _ => None,
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources can be read");
    let paths = entries.map(|entry| entry.expect("a source can be listed").path());
    let below = paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    below.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Every source, with its path relative to `src/`.
fn all() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&src);
    assert!(files.len() >= 14, "only {} sources found", files.len());
    let read = |file: &PathBuf| {
        let path = file.strip_prefix(&src).expect("it lies in src").components();
        let parts: Vec<_> = path.map(|part| part.as_os_str().to_string_lossy()).collect();
        (parts.join("/"), fs::read_to_string(file).expect("a source can be read"))
    };
    files.iter().map(read).collect()
}

#[test]
fn arrows_point_one_way() {
    let wrong: Vec<_> = all().iter().flat_map(|(path, source)| violations(path, source)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_base_build_has_no_files_no_network_no_processes_and_no_clock() {
    let wrong = outside_of_base(&all());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_the_base_may_not_use_is_reported() {
    let found = |sources: &[(&str, &str)]| {
        let owned = |(path, source): &(&str, &str)| ((*path).to_owned(), (*source).to_owned());
        outside_of_base(&sources.iter().map(owned).collect::<Vec<_>>())
    };
    for (source, used) in [
        ("use std::fs;", "std::fs"),
        ("fn f() { std::process::exit(1) }", "std::process"),
        ("fn f() { if cfg!(feature = \"x\") { SystemTime::now(); } }", "SystemTime::now"),
        ("#[cfg(not(feature = \"x\"))] fn f() { Instant::now(); }", "Instant::now"),
        ("#[cfg(feature = \"x\")] fn f() {} use std::net::IpAddr;", "std::net"),
    ] {
        assert_eq!(
            found(&[("a/b.rs", source)]),
            [format!("a/b.rs:1: the base may not use {used}")],
            "{source}"
        );
    }
    let uses = "use std::fs;";
    for sources in [
        [("a/b.rs", "#[cfg(feature = \"x\")] use std::fs;"), ("c.rs", "")],
        [("a/b.rs", "#[cfg(feature = \"x\")] mod d { fn f() { SystemTime::now(); } }"), ("c.rs", "")],
        [("lib.rs", "#[cfg(any(feature = \"x\", feature = \"y\"))]\nmod a;"), ("a/b/c.rs", uses)],
        [("a/mod.rs", "#[cfg(feature = \"x\")]\npub mod b;"), ("a/b.rs", uses)],
        [("a/mod.rs", "#[cfg(test)]\nmod tests;"), ("a/tests.rs", uses)],
    ] {
        assert_eq!(found(&sources), [""; 0], "{sources:?}");
    }
    let other = [("a/mod.rs", "#[cfg(feature = \"x\")]\nmod b;\nmod c;"), ("a/c.rs", uses)];
    assert_eq!(found(&other), ["a/c.rs:1: the base may not use std::fs"]);
}

#[test]
fn what_breaks_the_rules_is_reported() {
    for (path, source, expected) in [
        ("name/gun.rs", "use crate::wire::Envelope;", "name/gun.rs:1: name may not use crate::wire"),
        ("name/mod.rs", "use super::wire;", "name/mod.rs:1: name may not use crate::wire"),
        ("name/a/b.rs", "\nuse super::super::super::keys::K;", "name/a/b.rs:2: name may not use crate::keys"),
        (
            "crypto/mod.rs",
            "use crate::{\n name::{Gun, X},\n verify::V,\n};",
            "crypto/mod.rs:1: crypto may not use crate::verify",
        ),
        (
            "store/mod.rs",
            "fn f() -> crate::transport::T {}",
            "store/mod.rs:1: store may not use crate::transport",
        ),
        ("edit/mod.rs", "use crate::store::S;", "edit/mod.rs:1: edit may not use crate::store"),
        ("keys/mod.rs", "use crate::edit::E;", "keys/mod.rs:1: keys may not use crate::edit"),
        ("verify/mod.rs", "use crate::error::Error;", "verify/mod.rs:1: verify may not use crate::error"),
        ("staged/mod.rs", "use crate::store::S;", "staged/mod.rs:1: staged may not use crate::store"),
        ("edit/mod.rs", "use crate::staged::S;", "edit/mod.rs:1: edit may not use crate::staged"),
        ("view/mod.rs", "use crate::error::Error;", "view/mod.rs:1: view may not use crate::error"),
        ("view/mod.rs", "use crate::Error;", "view/mod.rs:1: view may not use crate::Error"),
        ("store/mod.rs", "use crate::keys::K;", "store/mod.rs:1: store may not use crate::keys"),
        ("view/mod.rs", "use crate::testkit::T;", "view/mod.rs:1: view may not use crate::testkit"),
        (
            "view/mod.rs",
            "#[cfg(any(test, x))] mod m { use crate::testkit; }",
            "view/mod.rs:1: view may not use crate::testkit",
        ),
        (
            "view/mod.rs",
            "#[cfg(test)] mod tests {}\nuse crate::testkit;",
            "view/mod.rs:2: view may not use crate::testkit",
        ),
        (
            "name/mod.rs",
            "#[cfg(test)] mod tests { use super::super::view; }",
            "name/mod.rs:1: name may not use crate::view",
        ),
        (
            "collection/mod.rs",
            "use crate::blocking::C;",
            "collection/mod.rs:1: collection may not use crate::blocking",
        ),
        ("future/mod.rs", "use crate::blocking::C;", "future/mod.rs:1: future may not use crate::blocking"),
        ("blocking/mod.rs", "use crate::future::C;", "blocking/mod.rs:1: blocking may not use crate::future"),
        (
            "testkit/mod.rs",
            "use crate::blocking::C;",
            "testkit/mod.rs:1: testkit may not use crate::blocking",
        ),
        ("view/mod.rs", "use crate::*;", "view/mod.rs:1: view may not use crate::*"),
        ("view/mod.rs", "use crate::Gun;", "view/mod.rs:1: view may not use crate::Gun"),
        ("name/a.rs", "use super::{super::wire};", "name/a.rs:1: name may not use crate::super"),
        (
            "wire/mod.rs",
            "const S: &str = r#\"\"{\"#; use crate::view;",
            "wire/mod.rs:1: wire may not use crate::view",
        ),
        (
            "wire/mod.rs",
            "const C: [char; 2] = ['\"', '\\'']; use crate::view;",
            "wire/mod.rs:1: wire may not use crate::view",
        ),
        (
            "verify/mod.rs",
            "use std::{fmt, fs::File};",
            "verify/mod.rs:1: verify is pure and may not use std::fs",
        ),
        (
            "edit/mod.rs",
            "std::net::TcpStream::connect(x)",
            "edit/mod.rs:1: edit is pure and may not use std::net",
        ),
        ("view/mod.rs", "std::process::exit(1)", "view/mod.rs:1: view is pure and may not use std::process"),
        ("name/mod.rs", "SystemTime::now()", "name/mod.rs:1: name is pure and may not use SystemTime::now"),
        ("wire/mod.rs", "time::Instant::now()", "wire/mod.rs:1: wire is pure and may not use Instant::now"),
        ("crypto/mod.rs", "pub async fn f() {}", "crypto/mod.rs:1: crypto is pure and may not use async fn"),
        ("extra/mod.rs", "", "extra/mod.rs: layer extra has no place in the order"),
        ("lib.rs", &"\n".repeat(451), "lib.rs: 451 lines, at most 450"),
    ] {
        assert_eq!(violations(path, source), [expected], "{source}");
    }
}

#[test]
fn what_keeps_the_rules_passes() {
    for (path, source) in [
        ("lib.rs", "pub use crate::view::View;"),
        ("limits.rs", &*"\n".repeat(450)),
        ("name/a.rs", "/// [`crate::wire`]\n//! crate::wire\n/* crate::wire */ use super::wire;"),
        ("name/a.rs", "const S: &str = \"\\\"crate::wire std::fs\"; fn f<'a>(_: &'a str) {}"),
        ("wire/mod.rs", "use crate::{limits::Limits, metadata::{verify, X}, name, wire::own};"),
        ("error.rs", "use crate::view::LookupError;"),
        ("store/mod.rs", "use crate::disk::FileError;"),
        ("staged/mod.rs", "use crate::{disk, edit::Changes, wire::W}; use std::fs;"),
        ("edit/mod.rs", "pub(in crate::edit) use crate::keys::K; pub(crate) fn f() {}"),
        ("view/mod.rs", "use crate::{verify::V, store::S, transport::T, keys::K, edit::E};"),
        ("testkit/mod.rs", "use crate::view::View; use std::{fs, net};"),
        ("view/mod.rs", "#[cfg(test)]\nmod tests { use crate::testkit::T; fn f() { std::fs::read(x); } }"),
        ("view/tests.rs", "use crate::testkit::T;"),
        ("verify/mod.rs", "mod inner { use super::view; } use std::time::SystemTime;"),
        ("future/mod.rs", "use crate::{collection::Core, view::View}; pub async fn f() {}"),
        ("blocking/mod.rs", "use crate::view::View; fn f() { SystemTime::now(); std::fs::read(x); }"),
    ] {
        assert_eq!(violations(path, source), [""; 0], "{source}");
    }
}
