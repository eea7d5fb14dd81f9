//! Publishing: read, change, sign, upload in one step, read back.

use super::{Core, Guard, keyring::Keyring};
use crate::{
    edit::{Change, Changes, EditError},
    error::Error,
    name::TargetName,
    view::View,
};

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
        let mut changes = changes.clone();
        self.deliver(base, async |view, again| {
            let held = keyring.held()?;
            let draft = loop {
                match self.draft(view, &changes, &held).await {
                    // It was signed at first: whoever was faster has revoked it too.
                    Err(Error::Edit(EditError::NotSigned { name })) if again => {
                        changes = without(&changes, &name);
                    }
                    outcome => break outcome?,
                }
            };
            Ok(match draft.is_empty() {
                true => None,
                false => Some(self.sign(&mut keyring, draft, &held, Some(view.trusted().root()))?),
            })
        })
        .await
    }
}

fn without(changes: &Changes, revoked: &TargetName) -> Changes {
    let stays = |change: &&Change| !matches!(change, Change::Revoke { name, .. } if name == revoked);
    changes.iter().filter(stays).cloned().fold(Changes::new(), Changes::with)
}
