//! Every attack row on TUF 1.0 clients once more, against the asynchronous façade: the same assertions
//! hold.

mod facade;

#[path = "../tuf_attacks/artifacts.rs"]
mod artifacts;
#[path = "../tuf_attacks/cache.rs"]
mod cache;
#[path = "../tuf_attacks/canonical.rs"]
mod canonical;
#[path = "../tuf_attacks/clock.rs"]
mod clock;
#[path = "../tuf_attacks/crash.rs"]
mod crash;
#[path = "../tuf_attacks/delegations.rs"]
mod delegations;
#[path = "../tuf_attacks/key_rotation.rs"]
mod key_rotation;
#[path = "../tuf_attacks/lab.rs"]
mod lab;
#[path = "../tuf_attacks/parser.rs"]
mod parser;
#[path = "../tuf_attacks/path_rules.rs"]
mod path_rules;
#[path = "../tuf_attacks/paths.rs"]
mod paths;
#[path = "../tuf_attacks/publishing.rs"]
mod publishing;
#[path = "../tuf_attacks/rollback.rs"]
mod rollback;
#[path = "../tuf_attacks/server.rs"]
mod server;
#[path = "../tuf_attacks/tools.rs"]
mod tools;
#[path = "../tuf_attacks/transport_errors.rs"]
mod transport_errors;

/// A row that is added there is run here.
#[test]
fn no_row_is_left_out() {
    let modules = |source: &str| -> std::collections::BTreeSet<String> {
        let names = source.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        names.map(str::to_owned).collect()
    };
    assert_eq!(modules(include_str!("../tuf_attacks/main.rs")), modules(include_str!("main.rs")));
}
