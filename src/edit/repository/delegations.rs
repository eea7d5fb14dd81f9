//! Delegations (TUF specification 4.5, TAP 15).

use super::{EditError, RepositoryEditor, Role};
use crate::{
    crypto::PublicKey,
    metadata::{BinDelegation, Delegation, Extra, KeyRing, RoleKeys, Targets, threshold},
    name::{HashBins, KeyId, NameError, PathRule, RoleName, encode_segment},
    wire::tuf1,
};

/// The most bits of new hash bins: 16,384 files, each of which is signed and pinned.
const MAX_BITS: u32 = 14;

/// A delegation that is to be made.
///
/// ```
/// use tuf_notary::{edit::repository::NewDelegation, name::{PathRule, RoleName}};
/// # let key = tuf_notary::crypto::PrivateKey::generate_ed25519()?;
/// # let key = tuf_notary::crypto::Signer::public_key(&key).clone();
/// let team = NewDelegation {
///     role: RoleName::tuf("team-a")?,
///     keys: vec![key],
///     threshold: 1,
///     paths: PathRule::Globs(vec!["team-a/*".to_owned()]),
///     terminating: true,
/// };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct NewDelegation {
    /// The role, whose name needs no encoding to be part of a file's name.
    pub role: RoleName,
    /// Its keys.
    pub keys: Vec<PublicKey>,
    /// How many of them must sign.
    pub threshold: u32,
    /// The target names that it may sign.
    pub paths: PathRule,
    /// Whether a look-up of such a name ends there.
    pub terminating: bool,
}

impl RepositoryEditor {
    /// Lets `parent` delegate to a role, behind those that it delegates to already; a delegation to
    /// this role that exists is replaced where it stands. A role that begins signs nothing yet.
    ///
    /// # Errors
    /// There is no such parent or its file is not at hand, it has hash bins, the name or the threshold
    /// is not legal, or a key is not usable.
    pub fn delegate(&mut self, parent: &RoleName, delegation: &NewDelegation) -> Result<(), EditError> {
        let NewDelegation { role, keys, threshold: count, paths, terminating } = delegation;
        check_name(role)?;
        if matches!(paths, PathRule::Prefixes(_) | PathRule::Every(_)) {
            return Err(
                NameError::new("path rule", &format!("{paths:?}"), "patterns or hash prefixes").into()
            );
        }
        let count = threshold(i64::from(*count))?;
        if self.role(parent)?.body.bins.is_some() {
            return Err(no_place(parent, "a delegation beside its hash bins"));
        }
        self.begin(role)?;
        let body = self.role_mut(parent)?;
        let mut ring = body.keys.clone();
        let key_ids = file_all(&mut ring, role, keys)?;
        let mut new = Delegation {
            name: role.clone(),
            keys: RoleKeys::new(key_ids, count),
            paths: paths.clone(),
            terminating: *terminating,
            extra: Extra::default(),
        };
        body.keys = ring;
        let mut removed = Vec::new();
        match body.delegations.iter_mut().find(|child| child.name == *role) {
            Some(present) => {
                removed = std::mem::take(&mut present.keys.key_ids);
                new.extra = std::mem::take(&mut present.extra);
                *present = new;
            }
            None => body.delegations.push(new),
        }
        self.drop_unused(&removed);
        Ok(())
    }

    /// Lets `parent` delegate all names to hash bins, which sign nothing yet.
    ///
    /// # Errors
    /// There is no such parent or its file is not at hand, it delegates to something else, the names or
    /// the threshold are not legal, there would be more than 16,384 bins, or a key is not usable.
    pub fn delegate_bins(
        &mut self,
        parent: &RoleName,
        bins: HashBins,
        keys: &[PublicKey],
        count: u32,
    ) -> Result<(), EditError> {
        let names: Vec<_> = match bins.bit_length() {
            ..=MAX_BITS => bins.names().map(|name| RoleName::tuf(&name)).collect::<Result<_, _>>()?,
            bits => return Err(NameError::new("bit length", &bits.to_string(), "at most 14").into()),
        };
        names.iter().try_for_each(check_name)?;
        let count = threshold(i64::from(count))?;
        let Targets { delegations, bins: present, .. } = &self.role(parent)?.body;
        if !delegations.is_empty() || present.is_some() {
            return Err(no_place(parent, "hash bins beside other delegations"));
        }
        names.iter().try_for_each(|name| self.begin(name))?;
        let body = self.role_mut(parent)?;
        let key_ids = file_all(&mut body.keys, parent, keys)?;
        body.bins = Some(BinDelegation { bins, keys: RoleKeys::new(key_ids, count) });
        Ok(())
    }

    /// Ends the delegation of `parent` to a role. Its file stays pinned, for clients refuse a snapshot
    /// in which one is missing, and nobody asks for it.
    ///
    /// # Errors
    /// There is no such parent, its file is not at hand, or it doesn't delegate to the role.
    pub fn undelegate(&mut self, parent: &RoleName, role: &RoleName) -> Result<(), EditError> {
        let body = self.role_mut(parent)?;
        let Some(at) = body.delegations.iter().position(|child| child.name == *role) else {
            return Err(EditError::NotListed { role: parent.clone(), what: format!("delegation to {role}") });
        };
        let removed = body.delegations.remove(at);
        self.drop_unused(&removed.keys.key_ids);
        if self.authorities(role).is_empty() {
            self.roles.remove(role);
        }
        Ok(())
    }

    /// Ends the delegation of `parent` to hash bins, as [`undelegate`](Self::undelegate) does for a role.
    ///
    /// # Errors
    /// There is no such parent, its file is not at hand, or it has no bins.
    pub fn undelegate_bins(&mut self, parent: &RoleName) -> Result<(), EditError> {
        let Some(removed) = self.role_mut(parent)?.bins.take() else {
            return Err(EditError::NotListed { role: parent.clone(), what: "hash bins".to_owned() });
        };
        self.drop_unused(&removed.keys.key_ids);
        let bins = self.roles.keys().filter(|role| removed.bins.contains(role.as_str()));
        for role in bins.cloned().collect::<Vec<_>>() {
            if self.authorities(&role).is_empty() {
                self.roles.remove(&role);
            }
        }
        Ok(())
    }

    /// A role that has no file, or that nobody delegates to, begins empty, above the version that it had
    /// once. One that somebody delegates to goes on.
    fn begin(&mut self, role: &RoleName) -> Result<(), EditError> {
        let pinned = |role: &RoleName| self.snapshot().is_some_and(|it| it.pin(role).is_some());
        if pinned(role) {
            if self.roles.contains_key(role) || !self.authorities(role).is_empty() {
                return Ok(());
            }
            // A file that is not at hand may delegate to the role.
            let absent = self.reachable().into_iter().find(|it| self.is_pinned_and_absent(it));
            if let Some(absent) = absent {
                return Err(self.absent(&absent));
            }
        }
        self.roles.entry(role.clone()).or_insert_with(Role::new);
        Ok(())
    }
}

fn no_place(role: &RoleName, what: &str) -> EditError {
    EditError::NotListed { role: role.clone(), what: format!("place for {what}") }
}

fn file_all(ring: &mut KeyRing, role: &RoleName, keys: &[PublicKey]) -> Result<Vec<KeyId>, EditError> {
    let mut ids = Vec::new();
    for key in keys {
        let scheme = super::keys::scheme(role, key)?;
        let id = tuf1::file(ring, key, scheme)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Names that every client, server and file system takes for the same file: those of others are kept
/// as they are, but none such is begun.
fn check_name(role: &RoleName) -> Result<(), EditError> {
    let text = role.as_str();
    let refuse = |why| Err(NameError::new("delegated role", text, why).into());
    let reserved = ["root", "timestamp", "snapshot", "targets"];
    if reserved.iter().any(|name| name.eq_ignore_ascii_case(text)) {
        return refuse("no top-level role");
    }
    if encode_segment(text) != text || text.starts_with('.') || text.len() > 200 {
        return refuse("1 to 200 letters, digits, -, _, ~ and ., no dot first");
    }
    // "1.root" would have the file of the first root.
    if text.split_once('.').is_some_and(|(first, _)| first.bytes().all(|byte| byte.is_ascii_digit())) {
        return refuse("not a number and a dot first");
    }
    Ok(())
}
