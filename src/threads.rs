//! Threads with stacks that hold what a repository may nest.
//!
//! sqlparser's tree is dropped and walked recursively; a condition of 2,500 terms ends a process
//! whose thread has the usual 2 MiB, and nothing can catch that. So nothing of a repository is
//! read on a thread that was not made here.

use std::panic::resume_unwind;

/// Bytes of stack of every thread that reads a repository. Only touched pages cost memory.
pub const STACK_BYTES: usize = 64 << 20;

/// Runs `work` on a pool of `threads` threads (0: one per core) and gives its result.
pub fn on_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(STACK_BYTES)
        .thread_name(|i| format!("harness-lint-{i}"))
        .build();
    match pool {
        Ok(pool) => pool.install(work),
        // No pool can be had (a process limit): one thread of our own still can.
        Err(_) => on_big_stack(work),
    }
}

/// Runs `work` on one thread with a large stack; a panic goes on in the caller.
pub fn on_big_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work);
        match thread.map(|t| t.join()) {
            Ok(Ok(value)) => value,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(error) => resume_unwind(Box::new(format!("no thread can be started: {error}"))),
        }
    })
}
