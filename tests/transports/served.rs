//! What every transport is asked for.

use tuf_notary::{
    name::{Form, Resource, RoleName, Version},
    testkit::suite::Served,
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
