//! Staged changes: one program stages, the other shows, resets and publishes.

use std::{fs, num::NonZeroU32, path::Path};

use tempfile::TempDir;
use tuf_notary::{
    blocking::{Collection, Initialise},
    crypto::{KeyKind, PublicKey},
    edit::{Changes, KeyScope},
    metadata::TargetInfo,
    name::KeyId,
    staged::DirectoryChangelist,
    view::View,
    wire::notary::canonical_id,
};

use crate::{
    common::{
        certificates::{self, Certified},
        notary_cli::NotaryCli,
        notary_server::NotaryServer,
    },
    lab::*,
};

/// Who does something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Party {
    Us,
    Notary,
}

/// Two programs over one trust folder.
struct Desk {
    _server: NotaryServer,
    notary: NotaryCli,
    ours: Collection,
    changelist: DirectoryChangelist,
    _home: TempDir,
}

fn desk(test: &str) -> Option<Desk> {
    let (server, notary) = start(test)?;
    let home = tempfile::tempdir().unwrap();
    let ours = ours(&server, home.path());
    ours.initialise(&Initialise::new().changes(signing([("v0", &b"zero"[..])]))).unwrap();
    Some(Desk {
        _server: server,
        notary: notary.with_trust_dir(home.path()),
        ours,
        changelist: DirectoryChangelist::open(home.path(), &gun()),
        _home: home,
    })
}

impl Desk {
    /// A signer whose private key is at hand.
    fn signer(&self, name: &str) -> Certified {
        let certified = certificates::delegation(self.notary.home(), name);
        self.notary.key_import(&certified.key, name).ok();
        certified
    }

    /// Stages either our changes or what these commands of `notary` say, which is the same.
    #[track_caller]
    fn stage(&self, by: Party, changes: &Changes, commands: &[&[&str]]) {
        match by {
            Party::Us => drop(self.changelist.stage(changes).unwrap()),
            Party::Notary => commands.iter().for_each(|command| drop(self.run(command).ok())),
        }
        assert_eq!(self.rows(), self.status(), "both show the same");
        let staged = self.changelist.load().unwrap().0;
        assert_eq!(staged, changes.clone().repeatable(), "staged by {by:?}");
    }

    /// Publishes what is staged, after which nothing is.
    #[track_caller]
    fn publish(&self, by: Party) -> View {
        match by {
            Party::Us => {
                let (changes, receipt) = self.changelist.load().unwrap();
                self.ours.publish(&changes).unwrap();
                self.changelist.clear(&receipt).unwrap();
            }
            Party::Notary => drop(self.notary.publish(GUN).ok()),
        }
        assert!(self.rows().is_empty() && self.status().is_empty(), "published by {by:?}");
        self.ours.refresh().unwrap()
    }

    /// `notary COMMAND GUN ARGUMENTS`; `delegation` and `key` have a sub-command before the GUN.
    fn run(&self, command: &[&str]) -> crate::common::process::Finished {
        let at = if command[0] == "delegation" { 2 } else { 1 };
        let arguments = [&command[..at], &[GUN], &command[at..]].concat();
        self.notary.run(arguments, b"")
    }

    /// The rows of `notary status`.
    fn status(&self) -> Vec<[String; 4]> {
        let answer = self.run(&["status"]).ok();
        let row = |line: &str| {
            let mut words = line.split_whitespace().map(str::to_owned);
            words.next()?.parse::<usize>().ok()?;
            Some([words.next()?, words.next()?, words.next()?, words.next().unwrap_or_default()])
        };
        answer.stdout.lines().filter_map(row).collect()
    }

    /// The same rows from our list.
    fn rows(&self) -> Vec<[String; 4]> {
        let staged = self.changelist.list().unwrap();
        let changes = staged.into_iter().map(|staged| staged.change.unwrap());
        let row = |change: tuf_notary::wire::notary::StagedChange| {
            [change.action().to_owned(), change.scope(), change.kind().to_owned(), change.path().to_owned()]
        };
        changes.map(row).collect()
    }
}

fn public(signer: &Certified) -> PublicKey {
    PublicKey::new(KeyKind::EcdsaX509, fs::read(&signer.certificate).unwrap())
}

fn id(signer: &Certified) -> KeyId {
    canonical_id(&public(signer))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn paths(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// What `notary add` signs: it computes both digests.
fn both(content: &[u8], custom: Option<&str>) -> TargetInfo {
    TargetInfo { custom: custom.map(str::to_owned), ..TargetInfo::from_bytes(content) }
}

const PARTIES: [(Party, Party); 4] = [
    (Party::Us, Party::Notary),
    (Party::Notary, Party::Us),
    (Party::Us, Party::Us),
    (Party::Notary, Party::Notary),
];

#[test]
fn targets_staged_by_one_are_published_by_the_other() {
    for (stager, publisher) in PARTIES {
        let Some(desk) = desk("targets_staged_by_one_are_published_by_the_other") else { return };
        let (content, custom) = (desk.notary.home().join("content"), desk.notary.home().join("custom"));
        fs::write(&content, b"one").unwrap();
        fs::write(&custom, r#"{"a": [1, true, null], "b": "é"}"#).unwrap();
        let two = sha256(b"two");
        let changes = Changes::new()
            .sign_as(role("targets"), target("v1"), both(b"one", None))
            .sign_as(
                role("targets"),
                target("q<\"\\é&"),
                both(b"one", Some(r#"{"a":[1,true,null],"b":"é"}"#)),
            )
            .sign_as(role("targets"), target("v2"), info(b"two"))
            .revoke_as(role("targets"), target("v0"))
            .revoke_as(role("targets"), target("never-signed"));
        let commands: &[&[&str]] = &[
            &["add", "v1", text(&content)],
            &["add", "q<\"\\é&", text(&content), "--custom", text(&custom)],
            &["addhash", "v2", "3", "--sha256", &two],
            &["remove", "v0"],
            &["remove", "never-signed"],
        ];
        desk.stage(stager, &changes, commands);
        let view = desk.publish(publisher);
        let rows =
            [row("q<\"\\é&", b"one", "targets"), row("v1", b"one", "targets"), row("v2", b"two", "targets")];
        agree(&desk.notary, &view, &["targets"], &rows);
        assert_eq!(view.target("q<\"\\é&").unwrap().custom(), Some(r#"{"a":[1,true,null],"b":"é"}"#));
        assert_eq!(view.target("v1").unwrap().hashes().sha512, both(b"one", None).hashes.sha512);
    }
}

#[test]
fn delegations_staged_by_one_are_published_by_the_other() {
    for (stager, publisher) in PARTIES {
        let Some(desk) = desk("delegations_staged_by_one_are_published_by_the_other") else { return };
        let (alice, bob) = (desk.signer("alice"), desk.signer("bob"));
        let role_name = "targets/alice";
        let (of, certificate) = (|| role(role_name), text(&alice.certificate));

        let changes = Changes::new()
            .delegate(of(), vec![public(&alice)], NonZeroU32::MIN, Vec::new())
            .delegate(of(), Vec::new(), NonZeroU32::MIN, paths(&["a/", "b/"]))
            .sign_as(of(), target("a/1"), info(b"one"));
        let one = sha256(b"one");
        let commands: &[&[&str]] = &[
            &["delegation", "add", role_name, certificate, "--paths", "a/,b/"],
            &["addhash", "a/1", "3", "--sha256", &one, "--roles", role_name],
        ];
        desk.stage(stager, &changes, commands);
        let view = desk.publish(publisher);
        view.target_from("a/1", &[of()]).unwrap().verify(b"one").unwrap();
        assert_eq!(key_ids(&view, role_name), [id(&alice).to_string()]);

        let changes = Changes::new()
            .delegate(of(), vec![public(&bob)], NonZeroU32::MIN, Vec::new())
            .remove_paths(of(), paths(&["b/"]))
            .witness(of());
        let commands: &[&[&str]] = &[
            &["delegation", "add", role_name, text(&bob.certificate)],
            &["delegation", "remove", role_name, "--paths", "b/", "--yes"],
            &["witness", role_name],
        ];
        desk.stage(stager, &changes, commands);
        let view = desk.publish(publisher);
        assert_eq!((key_ids(&view, role_name).len(), version(&view, role_name)), (2, 2));

        let scope = || KeyScope::Below(role("targets"));
        let key = id(&bob).to_string();
        desk.stage(
            stager,
            &Changes::new().remove_keys(scope(), vec![id(&bob)]),
            &[&["delegation", "purge", "--key", &key]],
        );
        let view = desk.publish(publisher);
        assert_eq!(key_ids(&view, role_name), [id(&alice).to_string()]);

        let again = Changes::new().delegate(of(), vec![public(&bob)], NonZeroU32::MIN, Vec::new());
        let again = again.remove_keys(KeyScope::Role(of()), vec![id(&bob)]).clear_paths(of());
        desk.stage(
            stager,
            &again,
            &[
                &["delegation", "add", role_name, text(&bob.certificate)],
                &["delegation", "remove", role_name, &key, "--yes"],
                &["delegation", "remove", role_name, "--all-paths", "--yes"],
            ],
        );
        let view = desk.publish(publisher);
        assert_eq!(key_ids(&view, role_name), [id(&alice).to_string()]);
        assert_eq!(view.target_from("a/1", &[of()]).unwrap_err().code(), "NOT_SIGNED", "no paths are left");

        desk.stage(
            stager,
            &Changes::new().undelegate(of()),
            &[&["delegation", "remove", role_name, "--yes"]],
        );
        let view = desk.publish(publisher);
        assert!(view.roles().iter().all(|status| status.role.as_str() != role_name));
    }
}

#[test]
fn both_reset_by_the_same_numbers() {
    let Some(desk) = desk("both_reset_by_the_same_numbers") else { return };
    let names = |desk: &Desk| desk.rows().into_iter().map(|row| row[3].clone()).collect::<Vec<_>>();
    let one = sha256(b"one");
    for name in ["n0", "o1", "n2", "o3", "n4", "o5"] {
        if name.starts_with('n') {
            desk.run(&["addhash", name, "3", "--sha256", &one]).ok();
        } else {
            desk.changelist
                .stage(&Changes::new().sign_as(role("targets"), target(name), info(b"one")))
                .unwrap();
        }
    }
    assert_eq!(desk.rows(), desk.status());
    assert_eq!(names(&desk), ["n0", "o1", "n2", "o3", "n4", "o5"], "in the order of staging");
    desk.run(&["reset", "-n", "1"]).ok();
    assert_eq!(names(&desk), ["n0", "n2", "o3", "n4", "o5"]);
    desk.changelist.reset(&[0, 3]).unwrap();
    assert_eq!(desk.rows(), desk.status());
    assert_eq!(names(&desk), ["n2", "o3", "o5"]);
    desk.changelist.reset_all().unwrap();
    assert!(desk.status().is_empty());
    desk.changelist.stage(&Changes::new().revoke_as(role("targets"), target("v0"))).unwrap();
    desk.run(&["reset", "--all"]).ok();
    assert!(desk.rows().is_empty());
}

#[test]
fn what_blocks_notary_is_named_by_us() {
    let Some(desk) = desk("what_blocks_notary_is_named_by_us") else { return };
    desk.run(&["witness", "snapshot"]).ok();
    desk.run(&["addhash", "v1", "3", "--sha256", &sha256(b"one")]).ok();
    desk.notary.publish(GUN).failed();
    let listed = desk.changelist.list().unwrap();
    assert!(listed[0].change.is_err() && listed[1].change.is_ok());
    let error = desk.changelist.load().unwrap_err();
    assert_eq!(error.code(), "STAGED_CHANGE");
    assert!(error.to_string().contains(text(&listed[0].file)), "{error}");
    desk.changelist.reset(&[0]).unwrap();
    desk.publish(Party::Us).target("v1").unwrap().verify(b"one").unwrap();
}
