//! Both façades offer the same, by name.

use std::collections::BTreeSet;

fn methods(sources: [&str; 2]) -> BTreeSet<String> {
    let lines = sources.iter().flat_map(|source| source.lines());
    let of = |line: &str| {
        let line = line.trim().strip_prefix("pub ")?;
        let rest = line.trim_start_matches("const ").trim_start_matches("async ").strip_prefix("fn ")?;
        Some(rest.split(['(', '<']).next()?.to_owned())
    };
    lines.filter_map(of).collect()
}

#[test]
fn the_facades_have_the_same_methods() {
    let blocking =
        methods([include_str!("../../src/blocking/mod.rs"), include_str!("../../src/blocking/builder.rs")]);
    let future =
        methods([include_str!("../../src/future/mod.rs"), include_str!("../../src/future/builder.rs")]);
    assert!(
        blocking.contains("publish") && blocking.contains("forget") && blocking.len() > 9,
        "{blocking:?}"
    );
    assert_eq!(blocking, future);
}
