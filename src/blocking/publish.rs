//! Publishing: read, change, sign, upload in one step, read back.

use super::{Collection, drive, keyring::Keyring};
use crate::{edit::Changes, error::Error, view::View};

impl Collection {
    /// Applies changes to the newest metadata, signs with the keys at hand and uploads all
    /// changed files in one step. When somebody else publishes meanwhile, the changes are applied
    /// again to what he has published, a few times.
    ///
    /// # Errors
    /// The collection can't be read; a change is not possible; a key is missing; the server
    /// refused: then it holds nothing of the changes. [`PublishError`](crate::error::PublishError)
    /// tells which failures leave open what the server holds.
    pub fn publish(&self, changes: &Changes) -> Result<View, Error> {
        let _turn = self.turn();
        let _lock = drive::lock(&*self.inner.store, self.inner.lock_wait)?;
        let base = self.base()?;
        let mut keyring = Keyring::new(self.keys()?);
        // What was possible at first and is not any more, whoever was faster has done too.
        let repeated = changes.clone().repeatable();
        self.deliver(&mut keyring, base, |keyring, view, again| {
            let held = keyring.held()?;
            let draft = self.draft(view, if again { &repeated } else { changes }, &held)?;
            Ok(match draft.is_empty() {
                true => None,
                false => Some(self.sign(keyring, draft, &held, Some(view.trusted().root()))?),
            })
        })
    }
}
