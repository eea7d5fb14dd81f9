//! Every attack row once more, against the asynchronous façade: the same assertions hold.

mod facade;

#[path = "../attacks/artifacts.rs"]
mod artifacts;
#[path = "../attacks/authority.rs"]
mod authority;
#[path = "../attacks/cache.rs"]
mod cache;
#[path = "../attacks/canonical.rs"]
mod canonical;
#[path = "../attacks/clock.rs"]
mod clock;
#[path = "../attacks/concurrency.rs"]
mod concurrency;
#[path = "../attacks/crash.rs"]
mod crash;
#[path = "../attacks/delegations.rs"]
mod delegations;
#[path = "../attacks/duplicate_keys.rs"]
mod duplicate_keys;
#[path = "../attacks/editing.rs"]
mod editing;
#[path = "../attacks/endless_data.rs"]
mod endless_data;
#[path = "../attacks/freeze.rs"]
mod freeze;
#[path = "../attacks/freshness.rs"]
mod freshness;
#[path = "../attacks/key_rotation.rs"]
mod key_rotation;
#[path = "../attacks/key_store.rs"]
mod key_store;
#[path = "../attacks/lab.rs"]
mod lab;
#[path = "../attacks/large_files.rs"]
mod large_files;
#[path = "../attacks/mix_and_match.rs"]
mod mix_and_match;
#[path = "../attacks/other_roots.rs"]
mod other_roots;
#[path = "../attacks/parser.rs"]
mod parser;
#[path = "../attacks/paths.rs"]
mod paths;
#[path = "../attacks/pinning.rs"]
mod pinning;
#[path = "../attacks/publisher.rs"]
mod publisher;
#[path = "../attacks/publishing.rs"]
mod publishing;
#[path = "../attacks/publishing_staged.rs"]
mod publishing_staged;
#[path = "../attacks/resigning.rs"]
mod resigning;
#[path = "../attacks/rollback.rs"]
mod rollback;
#[path = "../attacks/rotating.rs"]
mod rotating;
#[path = "../attacks/signing.rs"]
mod signing;
#[path = "../attacks/spki.rs"]
mod spki;
#[path = "../attacks/stale_answers.rs"]
mod stale_answers;
#[path = "../attacks/threshold.rs"]
mod threshold;
#[path = "../attacks/uploads.rs"]
mod uploads;
#[path = "../attacks/wrong_keys.rs"]
mod wrong_keys;
#[path = "../attacks/x509.rs"]
mod x509;

/// A row that is added there is run here.
#[test]
fn no_row_is_left_out() {
    let modules = |source: &str| -> std::collections::BTreeSet<String> {
        let names = source.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        names.map(str::to_owned).collect()
    };
    assert_eq!(modules(include_str!("../attacks/main.rs")), modules(include_str!("main.rs")));
}
