//! Publishing: read, change, sign, upload in one step, read back.

use super::{Core, Guard, keyring::Keyring};
use crate::{edit::Changes, error::Error, view::View};

impl Core {
    /// Applies changes to the newest metadata, signs with the keys at hand and uploads all
    /// changed files in one step. When somebody else publishes meanwhile, the changes are applied
    /// again to what he has published, a few times.
    pub(crate) async fn publish(&self, turn: Guard<'_>, changes: &Changes) -> Result<View, Error> {
        turn.forget();
        self.check_writable()?;
        let _lock = self.lock().await?;
        let base = self.base().await?;
        let mut keyring = Keyring::new(self.keys()?);
        // What was possible at first and is not any more, whoever was faster has done too.
        let repeated = changes.clone().repeatable();
        self.deliver(&mut keyring, base, async |keyring, view, again| {
            let held = keyring.held()?;
            let draft = self.draft(view, if again { &repeated } else { changes }, &held).await?;
            Ok(match draft.is_empty() {
                true => None,
                false => Some(self.sign(keyring, draft, &held, Some(view.trusted().root()))?),
            })
        })
        .await
    }
}
