//! Several futures side by side.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use crate::transport::BoxFuture;

/// The outcomes of all, in the order of the futures.
pub(super) async fn join<T>(futures: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut all: Vec<_> = futures.into_iter().map(Joined::Waiting).collect();
    poll_fn(|context| {
        // Every one of them: the waker does not say which is ready.
        let mut is_ready = true;
        for it in &mut all {
            is_ready &= it.settle(context);
        }
        if is_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let outcome = |it| match it {
        Joined::Ready(outcome) => Some(outcome),
        Joined::Waiting(_) => None,
    };
    all.into_iter().filter_map(outcome).collect()
}

enum Joined<'a, T> {
    Waiting(BoxFuture<'a, T>),
    Ready(T),
}

impl<T> Joined<'_, T> {
    /// Whether it is ready now. A future is not asked again once it was.
    fn settle(&mut self, context: &mut Context<'_>) -> bool {
        if let Self::Waiting(future) = self
            && let Poll::Ready(outcome) = Pin::as_mut(future).poll(context)
        {
            *self = Self::Ready(outcome);
        }
        matches!(self, Self::Ready(_))
    }
}
