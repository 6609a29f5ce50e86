//! Which threads the products of a call are shared out to.

use crate::StudentError;

/// Rayon's threads: those of the pool that the caller is in (the global one, if it is in none), or a pool
/// of one's own.
///
/// A pool of one's own is what lets a thread that works for others be waited for. A caller that blocks
/// keeps its rayon thread; if all of a pool's threads block, work that is sent to that pool is never begun.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    #[cfg(feature = "flex")]
    own: Option<rayon::ThreadPool>,
}

impl Threads {
    /// A pool of `count` threads; none are started where rayon is not used.
    ///
    /// # Errors
    /// [`StudentError::Worker`] if the operating system has no thread left.
    #[cfg_attr(not(feature = "flex"), allow(unused_variables))]
    pub(crate) fn own(count: usize) -> Result<Self, StudentError> {
        #[cfg(feature = "flex")]
        {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(count)
                .thread_name(|i| format!("student-{i}"))
                .build();
            let own = pool.map_err(|e| StudentError::Worker(std::io::Error::other(e)))?;
            Ok(Self { own: Some(own) })
        }
        #[cfg(not(feature = "flex"))]
        Ok(Self::default())
    }

    /// As many as the pool that the caller is in has.
    ///
    /// # Errors
    /// As [`Threads::own`].
    pub(crate) fn like_the_callers() -> Result<Self, StudentError> {
        #[cfg(feature = "flex")]
        let count = rayon::current_num_threads();
        #[cfg(not(feature = "flex"))]
        let count = 1;
        Self::own(count)
    }

    /// Whether they are one's own.
    pub(crate) fn are_own(&self) -> bool {
        #[cfg(feature = "flex")]
        {
            self.own.is_some()
        }
        #[cfg(not(feature = "flex"))]
        false
    }

    /// Runs `work` on them.
    pub(crate) fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        #[cfg(feature = "flex")]
        if let Some(pool) = &self.own {
            return pool.install(work);
        }
        work()
    }
}
