//! Every attack row on TUF 1.0 clients once more, against the asynchronous façade: the same assertions
//! hold.

mod facade;

#[path = "../tuf_attacks/lab.rs"]
mod lab;
#[path = "../tuf_attacks/rollback.rs"]
mod rollback;
#[path = "../tuf_attacks/server.rs"]
mod server;

/// A row that is added there is run here.
#[test]
fn no_row_is_left_out() {
    let modules = |source: &str| -> std::collections::BTreeSet<String> {
        let names = source.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        names.map(str::to_owned).collect()
    };
    assert_eq!(modules(include_str!("../tuf_attacks/main.rs")), modules(include_str!("main.rs")));
}
