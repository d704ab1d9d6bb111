//! Packages in parallel, each after those that it needs.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::model::PackageName;

/// How the packages ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// Built.
    pub(super) built: BTreeSet<PackageName>,
    /// Failed, or not begun because of one that failed.
    pub(super) failed: BTreeSet<PackageName>,
}

/// One package to be built, and those among the others that must be built before.
#[derive(Debug)]
pub(super) struct Task<'a, T> {
    pub(super) package: &'a PackageName,
    pub(super) needs: Vec<&'a PackageName>,
    pub(super) work: T,
}

/// What a worker does next.
enum Next<'a, T> {
    Build(Task<'a, T>),
    Skip(&'a PackageName, &'a PackageName),
    Wait,
    End,
}

/// Runs `build` on every task with at most `workers` at once. It returns whether the package was built; `skipped` is
/// told of each package that is not begun, with the one that failed.
pub(super) fn run<'a, T: Send>(
    tasks: Vec<Task<'a, T>>,
    workers: usize,
    build: impl Fn(T) -> bool + Sync,
    skipped: impl Fn(&PackageName, &PackageName) + Sync,
) -> Ended {
    let waiting = tasks.len();
    let state = Mutex::new((tasks, Ended::default()));
    let changed = Condvar::new();
    let work = || {
        let mut guard = state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (tasks, ended) = &mut *guard;
            match next(tasks, ended, waiting) {
                Next::Build(task) => {
                    drop(guard);
                    let built = build(task.work);
                    guard = state.lock().unwrap_or_else(PoisonError::into_inner);
                    let set = if built { &mut guard.1.built } else { &mut guard.1.failed };
                    set.insert(task.package.clone());
                    changed.notify_all();
                }
                Next::Skip(package, failed) => {
                    ended.failed.insert(package.clone());
                    skipped(package, failed);
                    changed.notify_all();
                }
                Next::Wait => guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
                Next::End => return,
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..workers.clamp(1, waiting.max(1)) {
            scope.spawn(work);
        }
    });
    state.into_inner().unwrap_or_else(PoisonError::into_inner).1
}

fn next<'a, T>(tasks: &mut Vec<Task<'a, T>>, ended: &Ended, total: usize) -> Next<'a, T> {
    if ended.built.len() + ended.failed.len() == total {
        return Next::End;
    }
    let failed = tasks.iter().enumerate().find_map(|(index, task)| {
        Some((index, *task.needs.iter().find(|need| ended.failed.contains(need.as_str()))?))
    });
    if let Some((index, failed)) = failed {
        return Next::Skip(tasks.remove(index).package, failed);
    }
    let ready = |task: &Task<'_, T>| task.needs.iter().all(|need| ended.built.contains(need.as_str()));
    // Those first that others wait for: they decide how long everything takes.
    let waited_for = |name: &PackageName| tasks.iter().filter(|task| task.needs.contains(&name)).count();
    let candidates = tasks.iter().enumerate().filter(|(_, task)| ready(task));
    let best = candidates.max_by_key(|(index, task)| (waited_for(task.package), std::cmp::Reverse(*index)));
    best.map(|(index, _)| index).map_or(Next::Wait, |index| Next::Build(tasks.remove(index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_failed_package_is_skipped_and_the_rest_is_built() {
        let names: Vec<PackageName> = ["a", "b", "c", "d", "e"].map(|n| n.parse().unwrap()).into();
        let [a, b, c, d, e] = names.as_slice() else { unreachable!() };
        let task = |package, needs| Task { package, needs, work: package };
        let tasks =
            vec![task(c, vec![b]), task(b, vec![a]), task(a, vec![]), task(e, vec![d]), task(d, vec![])];
        let order = Mutex::new(Vec::new());
        let skips = Mutex::new(Vec::new());
        let ended = run(
            tasks,
            3,
            |package| {
                order.lock().unwrap().push(package.to_string());
                package.as_str() != "a"
            },
            |package, failed| skips.lock().unwrap().push((package.to_string(), failed.to_string())),
        );
        assert_eq!(ended.built, BTreeSet::from([d.clone(), e.clone()]));
        assert_eq!(ended.failed, BTreeSet::from([a.clone(), b.clone(), c.clone()]));
        let skips = skips.into_inner().unwrap();
        assert_eq!(skips, [("b".to_owned(), "a".to_owned()), ("c".to_owned(), "b".to_owned())]);
        let order = order.into_inner().unwrap();
        let at = |name: &str| order.iter().position(|n| n == name);
        assert!(at("d") < at("e"), "{order:?}");
        assert_eq!(at("b"), None);
    }

    #[test]
    fn nothing_to_do_ends_at_once() {
        assert_eq!(run(Vec::<Task<'_, ()>>::new(), 2, |()| true, |_, _| ()), Ended::default());
    }
}
