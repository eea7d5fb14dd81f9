//! A token is logged in to once, and never at the price of locking it (KS-05).

use crate::keys::{KeyError, KeyRole, PassphraseRequest, Passphrases};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    session::{Session, UserType},
    slot::{Slot, TokenInfo},
    types::AuthPin,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// Wrong PINs that one store tries; tokens commonly lock after three.
const MAX_WRONG: u32 = 2;

/// Modules in use. A module has one state for a whole process, so none is ever finalised under
/// another store.
static MODULES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// One token and the session that all its keys share.
#[derive(Debug)]
pub(super) struct Token {
    module: Pkcs11,
    slot: Slot,
    label: String,
    pin: Arc<dyn Passphrases>,
    wrong: AtomicU32,
    session: Mutex<Session>,
}

impl Token {
    pub(super) fn open(module: &Path, label: &str, pin: Arc<dyn Passphrases>) -> Result<Self, KeyError> {
        let module = load(module)?;
        let slots = module.get_slots_with_initialized_token().map_err(|e| failed("list tokens", e))?;
        let has_label = |slot: &Slot| module.get_token_info(*slot).is_ok_and(|info| info.label() == label);
        let mut matching = slots.into_iter().filter(has_label);
        let slot = matching.next().ok_or_else(|| refused("find the token", "no token has this label"))?;
        if matching.next().is_some() {
            return Err(refused("find the token", "several tokens have this label"));
        }
        let session = module.open_rw_session(slot).map_err(|e| failed("open a session", e))?;
        let (label, wrong, session) = (label.to_owned(), AtomicU32::new(0), Mutex::new(session));
        Ok(Self { module, slot, label, pin, wrong, session })
    }

    /// The session, logged in or not.
    pub(super) fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session, logged in.
    pub(super) fn logged_in(&self) -> Result<MutexGuard<'_, Session>, KeyError> {
        let session = self.session();
        if !self.is_logged_in(&session)? {
            self.log_in(&session)?;
        }
        Ok(session)
    }

    fn is_logged_in(&self, session: &Session) -> Result<bool, KeyError> {
        use cryptoki::session::SessionState::{RoUser, RwUser};
        let info = session.get_session_info().map_err(|e| failed("inspect the session", e))?;
        let needed = self.info()?.login_required();
        Ok(!needed || matches!(info.session_state(), RoUser | RwUser))
    }

    fn log_in(&self, session: &Session) -> Result<(), KeyError> {
        let role = KeyRole::new(&format!("token {}", self.label)).unwrap_or_else(|_| KeyRole::delegation());
        let origin = self.pin.origin(&role);
        let mut result = KeyError::NoPassphrase { role: role.clone(), id: None, origin };
        for attempt in 1..=self.pin.attempts().min(MAX_WRONG) {
            match self.check_risk() {
                // What was wrong with the PIN just tried says more.
                Err(_) if attempt > 1 => break,
                checked => checked?,
            }
            let request = PassphraseRequest { id: None, role: &role, new: false, attempt };
            let Some(pin) = self.pin.passphrase(&request) else { break };
            let pin = AuthPin::from(pin.as_str());
            match session.login(UserType::User, Some(&pin)) {
                Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {
                    self.wrong.store(0, Ordering::SeqCst);
                    return Ok(());
                }
                Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _)) => {
                    self.wrong.fetch_add(1, Ordering::SeqCst);
                    result = KeyError::WrongPin { token: self.label.clone(), attempts: attempt };
                }
                Err(error) => return Err(failed("log in", error)),
            }
        }
        Err(result)
    }

    /// Refuses to try a PIN that could be the token's last.
    fn check_risk(&self) -> Result<(), KeyError> {
        let info = self.info()?;
        if info.user_pin_locked() {
            return Err(refused("log in", "its PIN is locked already"));
        }
        if info.user_pin_final_try() || self.wrong.load(Ordering::SeqCst) >= MAX_WRONG {
            return Err(KeyError::PinAtRisk { token: self.label.clone() });
        }
        Ok(())
    }

    fn info(&self) -> Result<TokenInfo, KeyError> {
        self.module.get_token_info(self.slot).map_err(|e| failed("inspect the token", e))
    }
}

fn load(path: &Path) -> Result<Pkcs11, KeyError> {
    // A relative name would be looked up in folders that others may write to.
    let path = path.canonicalize().map_err(|e| refused("load the module", &e.to_string()))?;
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = modules.get(&path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(&path).map_err(|e| failed("load the module", e))?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(failed("initialise the module", error)),
    }
    modules.insert(path, module.clone());
    Ok(module)
}

pub(super) fn failed(action: &'static str, error: Error) -> KeyError {
    let reason = match error {
        // Its own text repeats a page of the standard.
        Error::Pkcs11(code, function) => format!("{function:?} gave {code:?}"),
        other => other.to_string(),
    };
    KeyError::Token { action, reason }
}

pub(super) fn refused(action: &'static str, reason: &str) -> KeyError {
    KeyError::Token { action, reason: reason.to_owned() }
}
