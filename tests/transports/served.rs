//! What every transport is asked for.

use tuf_notary::{
    name::{Form, Resource, RoleName, Version},
    testkit::suite::{Served, ServedTargets},
};

pub fn served() -> Served {
    let releases = RoleName::releases();
    Served {
        present: vec![
            (Resource::latest(RoleName::Root), b"{\"root\":1}".to_vec()),
            (Resource { role: RoleName::Root, form: Form::Version(Version::ONE) }, b"one".to_vec()),
            (Resource::latest(releases.clone()), vec![b'x'; 100_000]),
            (Resource { role: releases, form: Form::Sha256([0xab; 32]) }, b"pinned".to_vec()),
        ],
        absent: Resource::latest(RoleName::Targets),
    }
}

pub fn targets() -> ServedTargets {
    ServedTargets {
        present: vec![
            ("a.tar".to_owned(), b"content".to_vec()),
            (format!("dir/sub/{}.a b.tar", "ab".repeat(32)), vec![b'x'; 300_000]),
        ],
        absent: "dir/none".to_owned(),
    }
}
