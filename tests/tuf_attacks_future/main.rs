//! Every attack row on TUF 1.0 clients once more, against the asynchronous façade: the same assertions
//! hold.

mod facade;

#[path = "../tuf_attacks/duplicate_keys.rs"]
mod duplicate_keys;
#[path = "../tuf_attacks/endless_data.rs"]
mod endless_data;
#[path = "../tuf_attacks/freeze.rs"]
mod freeze;
#[path = "../tuf_attacks/known_faults.rs"]
mod known_faults;
#[path = "../tuf_attacks/lab.rs"]
mod lab;
#[path = "../tuf_attacks/large_files.rs"]
mod large_files;
#[path = "../tuf_attacks/mirrors.rs"]
mod mirrors;
#[path = "../tuf_attacks/mix_and_match.rs"]
mod mix_and_match;
#[path = "../tuf_attacks/rollback.rs"]
mod rollback;
#[path = "../tuf_attacks/server.rs"]
mod server;
#[path = "../tuf_attacks/signing.rs"]
mod signing;
#[allow(dead_code)] // a part of it
#[path = "../attacks/spki.rs"]
mod spki;
#[path = "../tuf_attacks/threshold.rs"]
mod threshold;
#[path = "../tuf_attacks/wrong_keys.rs"]
mod wrong_keys;

/// A row that is added there is run here.
#[test]
fn no_row_is_left_out() {
    let modules = |source: &str| -> std::collections::BTreeSet<String> {
        let names = source.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        names.map(str::to_owned).collect()
    };
    assert_eq!(modules(include_str!("../tuf_attacks/main.rs")), modules(include_str!("main.rs")));
}
