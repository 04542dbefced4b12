//! Numbers, and what is expected of them.

use super::*;

fn life(steps: &str) -> Life {
    toml::from_str(&format!("[steps]\n{steps}")).unwrap()
}

/// The failures of a partition that saw these numbers, one after the other, in a step of this name.
fn failures(steps: &str, step: &str, seen: &[u32]) -> Vec<String> {
    let marks: Vec<_> = seen
        .iter()
        .map(|value| Mark {
            tick: 0.into(),
            sequence: 0.into(),
            partition: 0.into(),
            identifier: evidence::identifier(step).into(),
            value: (*value).into(),
        })
        .collect();
    let mut tally = Tally::default();
    life(steps).judge_steps("one", marks.iter(), &mut tally);
    tally.failed
}

#[test]
fn what_came_is_what_was_expected() {
    for (steps, seen) in [
        ("a = 5", &[5][..]),
        ("a = \"OutOfWindow\"", &[67]),
        ("a = [\"Ok\", \"10..20\", \"10..\"]", &[0, 20, 30]),
        ("", &[]),
    ] {
        assert_eq!(failures(steps, "a", seen), Vec::<String>::new(), "{steps}");
    }
}

#[test]
fn what_differs_fails() {
    for (steps, step, seen) in [
        ("a = 5", "a", &[6][..]),
        ("a = 5", "a", &[5, 5]),
        ("a = [5, 5]", "a", &[5]),
        ("a = 5", "a", &[]),
        ("a = \"10..20\"", "a", &[21]),
        ("a = \"10..20\"", "a", &[9]),
        ("a = \"NoSuchStatus\"", "a", &[0]),
        ("", "a", &[5]),
    ] {
        assert_eq!(failures(steps, step, seen).len(), 1, "{steps} {seen:?}");
    }
    assert_eq!(failures("a = 5", "b", &[5]).len(), 2);
}

#[test]
fn no_two_numbers_have_one_name() {
    let mut names: Vec<_> = named().into_iter().map(|(name, _)| name).collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn what_a_file_does_not_say_is_as_in_the_one_that_it_is_like() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "one.toml",
        "title = \"a\"\nrun_for = \"5ms\"\n[partition.p]\nrestarts = 1\n[partition.q]\nrestarts = 2",
    );
    write(
        "other.toml",
        "like = \"one.toml\"\ntitle = \"b\"\n[partition.p]\nrestarts = 3",
    );
    let read = super::files::read(&folder.path().join("other.toml")).unwrap();
    assert_eq!((&*read.title, &*read.run_for), ("b", "5ms"));
    let restarts = |name: &str| read.partition[name].restarts;
    assert_eq!((restarts("p"), restarts("q")), (3, 2));
}
