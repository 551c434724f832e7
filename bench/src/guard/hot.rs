//! The functions that requests run, as a script that has a linker put them beside each other.
//!
//! A script names sections, which are named after functions. What a compiler adds to a function's name to tell it
//! from others of that name is left open, for it changes with every version of anything.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::callgrind::Names;

/// Instructions of a function in one round below which it is left out: a request in a hundred runs it at the most.
const LEAST: u64 = super::REQUESTS as u64 / 4;

/// Functions of one name from which on it says nothing: a vector's, say, of a hundred types.
const MOST: usize = 40;

/// Names with parts left open, those of the first profile first, and of each one the costliest.
#[derive(Debug, Default)]
pub(super) struct Hot {
    names: Vec<String>,
    known: HashSet<String>,
}

impl Hot {
    /// Those of a profile by callgrind, with names as linkers know them.
    pub(super) fn add(&mut self, profile: &str) {
        let mut costs: Vec<_> = costs(profile).into_iter().filter(|(_, cost)| *cost >= LEAST).collect();
        costs.sort_unstable_by(|(name, cost), (other_name, other)| other.cmp(cost).then(name.cmp(other_name)));
        for (name, _) in costs {
            let open = open(name);
            if self.known.insert(open.clone()) {
                self.names.push(open);
            }
        }
    }

    /// `symbols` are all of the binary, as `nm --format=posix` prints them.
    pub(super) fn script(&self, symbols: &str) -> String {
        let mut functions: HashMap<String, usize> = HashMap::new();
        for symbol in symbols.lines().filter_map(|line| line.split(' ').next()) {
            *functions.entry(open(symbol)).or_default() += 1;
        }
        let mut script = String::from(
            "/* Written by `make guard ARGS='--hot host/build/hot.ld'`: see host/build/hot.rs. */\nSECTIONS\n{\n  .text.hot_path :\n  {\n",
        );
        for name in &self.names {
            if functions.get(name).is_some_and(|functions| *functions <= MOST) {
                let _ = writeln!(script, "    *(.text.{name})");
            }
        }
        script + "  }\n}\nINSERT BEFORE .text;\n"
    }
}

/// Instructions of each function itself.
fn costs(profile: &str) -> HashMap<&str, u64> {
    let (mut names, mut costs) = (Names::default(), HashMap::new());
    let mut current = None;
    let mut lines = profile.lines();
    while let Some(line) = lines.next() {
        if let Some(value) = line.strip_prefix("fn=") {
            current = Some(names.read(value));
        } else if let Some(value) = line.strip_prefix("cfn=") {
            // It may stand here for the first time.
            names.read(value);
        } else if line.starts_with("calls=") {
            // What follows is the cost of the function that was called.
            lines.next();
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first))
            && let Some(name) = current
            && let Some(cost) = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok())
        {
            *costs.entry(name).or_default() += cost;
        }
    }
    costs
}

/// A name without what differs from build to build: the hash at the end of one that Rust made in its old way, and
/// those of crates in the new one.
fn open(name: &str) -> String {
    let name = name.split(".llvm.").next().unwrap_or_default();
    if name.starts_with("_ZN") {
        // `17h`, sixteen digits, `E`.
        let hash = name.len().saturating_sub(20);
        if name.get(hash..).is_some_and(|end| end.starts_with("17h") && end.ends_with('E')) {
            return format!("{}17h*", &name[..hash]);
        }
    } else if name.starts_with("_R") {
        return crates_left_open(name);
    }
    name.to_owned()
}

/// `Cs`, a number to the base of 62, and `_` say which version of a crate it is.
fn crates_left_open(name: &str) -> String {
    let mut open = String::new();
    let mut parts = name.split("Cs");
    open.push_str(parts.next().unwrap_or_default());
    for part in parts {
        open.push_str("Cs");
        match part.split_once('_') {
            Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                open.push_str("*_");
                open.push_str(rest);
            }
            _ => open.push_str(part),
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "fn=(1) _ZN3one4work17h0123456789abcdefE\n12 500\n+1 400\ncfn=(2) _ZN3two4rest17hfedcba9876543210E.llvm.77\ncalls=9 4\n* 5000\nfn=(2)\n7 1000\nfn=(3) rare\n9 99\nfn=(4) _RNvCsgEmfK2I1SDS_4core6memchr'2\n3 700\n";

    #[test]
    fn the_costliest_function_comes_first_without_what_it_calls() {
        let mut hot = Hot::default();
        hot.add(PROFILE);
        assert_eq!(hot.names, ["_ZN3two4rest17h*", "_ZN3one4work17h*", "_RNvCs*_4core6memchr"]);
    }

    #[test]
    fn what_an_earlier_profile_had_stays_where_it_was() {
        let mut hot = Hot::default();
        hot.add("fn=(1) _ZN3one4work17hfedcba9876543210E\n1 100\n");
        hot.add(PROFILE);
        assert_eq!(hot.names, ["_ZN3one4work17h*", "_ZN3two4rest17h*", "_RNvCs*_4core6memchr"]);
    }

    #[test]
    fn a_name_that_the_binary_lacks_or_has_very_often_is_left_out() {
        let mut hot = Hot::default();
        hot.add(PROFILE);
        let often = "_ZN3two4rest17h0000000000000000E t 1 2\n".repeat(MOST + 1);
        let script = hot.script(&format!("{often}_ZN3one4work17h0123456789abcdefE T 4f 10\n"));
        let sections: Vec<&str> = script.lines().filter(|line| line.starts_with("    *(")).collect();
        assert_eq!(sections, ["    *(.text._ZN3one4work17h*)"]);
    }

    #[test]
    fn names_of_c_stay_whole() {
        assert_eq!(open("mi_free"), "mi_free");
        assert_eq!(open("_ZN3one4workE"), "_ZN3one4workE");
    }
}
