//! Handles of many collections, as many as fit.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{error::Error, name::Gun};

type Build<C> = dyn Fn(&Gun) -> Result<C, Error> + Send + Sync;

/// Keeps the handles that were used last.
pub(crate) struct Registry<C> {
    build: Box<Build<C>>,
    most: NonZeroUsize,
    state: Mutex<State<C>>,
}

struct State<C> {
    handles: HashMap<Gun, (u64, C)>,
    /// By when they were used.
    order: BTreeMap<u64, Gun>,
    clock: u64,
}

impl<C: Clone> Registry<C> {
    pub(crate) fn new(most: NonZeroUsize, build: Box<Build<C>>) -> Self {
        let state = State { handles: HashMap::new(), order: BTreeMap::new(), clock: 0 };
        Self { build, most, state: Mutex::new(state) }
    }

    pub(crate) fn get(&self, gun: &Gun) -> Result<C, Error> {
        if let Some(handle) = self.state().touch(gun) {
            return Ok(handle);
        }
        // Not locked meanwhile: it may read files. Of two that are built at once one remains.
        let built = (self.build)(gun)?;
        let mut state = self.state();
        if let Some(handle) = state.touch(gun) {
            return Ok(handle);
        }
        while state.handles.len() >= self.most.get() {
            let Some((_, oldest)) = state.order.pop_first() else { break };
            state.handles.remove(&oldest);
        }
        let now = state.tick();
        state.order.insert(now, gun.clone());
        state.handles.insert(gun.clone(), (now, built.clone()));
        Ok(built)
    }

    pub(crate) fn len(&self) -> usize {
        self.state().handles.len()
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Clone> State<C> {
    fn touch(&mut self, gun: &Gun) -> Option<C> {
        let now = self.tick();
        let (used, handle) = self.handles.get_mut(gun)?;
        self.order.remove(used);
        *used = now;
        self.order.insert(now, gun.clone());
        Some(handle.clone())
    }

    const fn tick(&mut self) -> u64 {
        self.clock = self.clock.wrapping_add(1);
        self.clock
    }
}

impl<C> fmt::Debug for Registry<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("most", &self.most).finish_non_exhaustive()
    }
}

/// The public face of a registry.
macro_rules! collections {
    () => {
        /// Handles of many collections, made when they are first asked for. When there are more than
        /// fit, the one that was used longest ago is dropped: whoever holds it may go on with it.
        /// Cloning is cheap and shares everything.
        ///
        /// Everybody who asks for a collection gets the same handle, so that their refreshes become
        /// one, and a view within [`max_age`](CollectionBuilder::max_age) serves them all.
        #[derive(Clone, Debug)]
        pub struct Collections(std::sync::Arc<crate::collection::Registry<Collection>>);

        impl Collections {
            /// At most `most` handles, made by `build`.
            pub fn new(
                most: std::num::NonZeroUsize,
                build: impl Fn(&Gun) -> Result<Collection, Error> + Send + Sync + 'static,
            ) -> Self {
                Self(std::sync::Arc::new(crate::collection::Registry::new(most, Box::new(build))))
            }

            /// The handle of a collection.
            ///
            /// # Errors
            /// Those of the function that makes handles.
            pub fn get(&self, gun: &Gun) -> Result<Collection, Error> {
                self.0.get(gun)
            }

            /// How many handles there are.
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether there is none.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }
    };
}

pub(crate) use collections;

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let built = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&built);
        let build = move |gun: &Gun| match gun.as_str() {
            "refused" => Err(Error::Unconfigured("a transport")),
            _ => Ok(count.fetch_add(1, Ordering::Relaxed)),
        };
        let registry = Registry::new(NonZeroUsize::new(2).unwrap(), Box::new(build));
        let get = |gun: &str| registry.get(&Gun::new(gun).unwrap());
        assert_eq!((get("a").unwrap(), get("b").unwrap(), get("a").unwrap()), (0, 1, 0));
        assert!(get("refused").is_err(), "a failure takes nobody's place");
        assert_eq!(get("c").unwrap(), 2);
        assert_eq!((get("a").unwrap(), get("b").unwrap()), (0, 3), "b was used longest ago");
        assert_eq!(registry.len(), 2);
    }
}
