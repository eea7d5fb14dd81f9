//! P-384 keys that OpenSSL makes sign for this crate and for `notary`, each of which judges the other.

use std::{
    fs,
    num::NonZeroU32,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tuf_notary::{
    blocking::{Initialise, SnapshotKey},
    crypto::PublicKey,
    edit::Changes,
    keys::{ImportOptions, KeyRole},
    wire::notary::canonical_id,
};

use crate::{
    common::{process, programs},
    lab::*,
};

fn openssl(program: &Path, folder: &Path, arguments: &[&str]) {
    let mut command = process::command(program, folder);
    command.args(arguments).current_dir(folder);
    process::run(command, b"", process::LONGEST).ok();
}

/// A key, whose public point the file holds or not, and its certificate.
fn person(test: &str, folder: &Path, curve: &str, public: bool) -> Option<(PathBuf, PathBuf)> {
    let program = programs::find(test, "openssl")?;
    let name = format!("{curve}-{public}");
    let [key, certificate] = ["key", "crt"].map(|kind| format!("{name}.{kind}"));
    openssl(&program, folder, &["ecparam", "-name", curve, "-genkey", "-noout", "-out", "full.pem"]);
    let subject = format!("/CN={name}");
    let request = ["req", "-x509", "-new", "-key", "full.pem", "-days", "900", "-subj", &subject];
    openssl(&program, folder, &[&request[..], &["-out", &certificate]].concat());
    let no_public = if public { &[][..] } else { &["-no_public"] };
    openssl(&program, folder, &[&["ec", "-in", "full.pem", "-out", &key][..], no_public].concat());
    let key = folder.join(key);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    Some((key, folder.join(certificate)))
}

#[test]
fn keys_of_openssl_sign_for_both_whatever_curve_and_form() {
    let test = "keys_of_openssl_sign_for_both_whatever_curve_and_form";
    let Some((server, notary)) = start(test) else { return };
    let home = tempfile::tempdir().unwrap();
    let notary = notary.with_trust_dir(home.path());
    let (admin, keys) = (ours(&server, home.path()), keys(home.path()));
    admin.initialise(&Initialise::new().snapshot_key(SnapshotKey::Server)).unwrap();
    for (curve, public) in
        [("secp384r1", true), ("secp384r1", false), ("prime256v1", true), ("prime256v1", false)]
    {
        let Some((key, certificate)) = person(test, notary.home(), curve, public) else { return };
        let published = PublicKey::from_pem(&fs::read(certificate).unwrap()).unwrap();
        let (name, id) = (format!("targets/{}-{public}", &curve[..4]), canonical_id(&published));
        let delegated = role(&name);
        let all = NonZeroU32::new(1).unwrap();
        admin
            .publish(&Changes::new().delegate(delegated.clone(), vec![published], all, vec![String::new()]))
            .unwrap();

        // One of the two loads the key, and both sign with what it keeps.
        if public {
            notary.key_import(&key, "bob").ok();
        } else {
            let options = ImportOptions::new().role(KeyRole::new("bob").unwrap());
            let report = keys.load(&key, &options).unwrap().all().unwrap();
            assert_eq!(report.imported[0].0.id, id);
        }
        let (ours, theirs) = (format!("{curve}-{public}-ours"), format!("{curve}-{public}-theirs"));
        admin.publish(&Changes::new().sign_as(delegated, target(&ours), info(b"ours"))).unwrap();
        notary.verify(GUN, &ours, b"ours").ok();
        notary.add_hash_as(GUN, &name, &theirs, 6, &sha256(b"theirs")).ok();
        notary.publish(GUN).ok();
        let expected = [row(&ours, b"ours", &name), row(&theirs, b"theirs", &name)];
        assert_eq!(rows(&fresh(&server).refresh().unwrap(), &[&name]), expected);
        notary.verify(GUN, &theirs, b"theirs").ok();
        notary.verify(GUN, &ours, b"other").failed();
    }
}
