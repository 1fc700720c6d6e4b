//! A Rust file as the rules see it: comments, strings and test code blanked out, offsets kept.

use std::collections::BTreeSet;

pub struct Source {
    /// The file as it is.
    pub raw: String,
    /// The file with comments, the insides of strings and test items replaced by spaces, byte for byte.
    pub code: String,
    /// The strings, with where they begin, those in test items left out.
    pub strings: Vec<(usize, String)>,
    /// Whether a program wrote the file: "@generated" stands in its first lines.
    pub generated: bool,
}

impl Source {
    /// `test_files` are the paths that [`test_modules`] found in the files around.
    pub fn new(path: &str, text: &str, test_files: &BTreeSet<String>) -> Self {
        let (mut code, mut strings) = blank(text);
        let inside = |folder: &str| path.starts_with(&format!("{folder}/"));
        let is_test = path.split('/').any(|part| part == "tests" || part == "tests.rs")
            || code.contains("#![cfg(test)]")
            || test_files.iter().any(|file| path == format!("{file}.rs") || inside(file));
        let spans = if is_test { vec![(0, code.len())] } else { test_items(&code) };
        for (from, to) in spans {
            code.replace_range(from..to, &spaces(&code[from..to]));
            strings.retain(|(at, _)| !(from..to).contains(at));
        }
        let generated = text.lines().take(5).any(|line| line.contains("@generated"));
        Self { raw: text.to_owned(), code, strings, generated }
    }

    /// The line of a byte offset, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        self.raw[..at].matches('\n').count() + 1
    }

    /// Where one of these crates is named as a path's first part.
    pub fn crates(&self, names: &[&str]) -> Vec<usize> {
        let heads = names.iter().flat_map(|name| find_words(&self.code, name).into_iter().map(move |at| (at, name.len())));
        let is_head = |(at, length): &(usize, usize)| {
            let (before, after) = (self.code[..*at].trim_end(), self.code[at + length..].trim_start());
            let first =
                !before.ends_with("::") || before.strip_suffix("::").is_some_and(|rest| !rest.ends_with(|c: char| is_word(c) || c == '>'));
            first && (after.starts_with("::") || before.ends_with("use") || before.ends_with("extern crate"))
        };
        heads.filter(is_head).map(|(at, _)| at).collect()
    }

    /// Where one of these paths, or something below it, is used: written out, or in a `use` with braces.
    pub fn paths(&self, paths: &[&str]) -> Vec<usize> {
        let below =
            |full: &str| paths.iter().any(|path| full == *path || full.strip_prefix(path).is_some_and(|rest| rest.starts_with("::")));
        let mut found = paths.iter().flat_map(|path| find_words(&self.code, path)).collect::<Vec<_>>();
        for at in find_words(&self.code, "use") {
            let tree = &self.code[at + 3..];
            let tree = tree[..tree.find(';').unwrap_or(tree.len())].replace(char::is_whitespace, "");
            let mut leaves = Vec::new();
            flatten(&tree, "", &mut leaves);
            found.extend(leaves.iter().any(|leaf| below(leaf.trim_end_matches("::self"))).then_some(at));
        }
        found
    }

    /// Whether `Color32::` at this offset is followed by the name of a colour.
    pub fn names_a_colour(&self, at: usize) -> bool {
        let name = self.code[at + "Color32::".len()..].split(|c| !is_word(c)).next().unwrap_or_default();
        name.len() > 1 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_') && !["TRANSPARENT", "PLACEHOLDER"].contains(&name)
    }

    /// Where a task is spawned and its handle dropped.
    pub fn detached_tasks(&self) -> Vec<usize> {
        let calls = ["tokio::spawn(", "tokio::task::spawn(", "task::spawn("];
        let spawned = calls.iter().flat_map(|call| self.code.match_indices(call).map(|(at, _)| (at, at + call.len() - 1)));
        let dropped = |(at, open): &(usize, usize)| {
            let start = self.code[..*at].rfind([';', '{', '}']).map_or(0, |before| before + 1);
            let before = self.code[start..*at].trim();
            let after = closing(&self.code, *open).map_or("", |close| self.code[close + 1..].trim_start());
            (before.is_empty() || before == "let _ =" || before == "drop(") && (after.starts_with(';') || before == "drop(")
        };
        spawned.filter(dropped).map(|(at, _)| at).collect()
    }

    /// Where a lint is allowed without a reason.
    pub fn bare_allows(&self) -> Vec<usize> {
        let attributes = ["#[allow(", "#![allow("].into_iter().flat_map(|start| self.code.match_indices(start));
        attributes
            .filter(|(at, _)| !self.code[*at..].split(']').next().is_some_and(|rest| rest.contains("reason")))
            .map(|(at, _)| at)
            .collect()
    }
}

/// Modules that only tests compile, as paths without ending: `#[cfg(test)] mod fake;` in `node/mod.rs` is `node/fake`.
pub fn test_modules(path: &str, text: &str) -> Vec<String> {
    let (code, _) = blank(text);
    let (here, file) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = match file {
        "mod.rs" | "lib.rs" | "main.rs" => here.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    };
    let module = |(from, to): (usize, usize)| {
        let name = code[from..to].trim_end().strip_suffix(';')?.rsplit_once("mod ")?.1.trim();
        // `#[path = "other.rs"]` counts from the folder of this file.
        let elsewhere = text[from..to].split_once("#[path = \"").and_then(|(_, rest)| rest.split_once(".rs\""));
        Some(match elsewhere {
            Some((file, _)) => join(here, file),
            None => join(&folder, name),
        })
    };
    test_items(&code).into_iter().filter_map(module).collect()
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Where a word, or a path, stands on its own.
pub fn find_words(text: &str, word: &str) -> Vec<usize> {
    let alone = |at: &usize| !text[..*at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word);
    text.match_indices(word).map(|(at, _)| at).filter(alone).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The items under `#[cfg(test)]`, from the attribute to the item's last brace or semicolon.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    let end = |from: usize| {
        let first = code[from..].find([';', '{']).map(|at| from + at)?;
        if code[first..].starts_with(';') { Some(first + 1) } else { closing(code, first).map(|at| at + 1) }
    };
    code.match_indices("#[cfg(test)]").map(|(at, attribute)| (at, end(at + attribute.len()).unwrap_or(code.len()))).collect()
}

/// The bracket that closes the one at `open`.
fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in code[open..].char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(open + at);
        }
    }
    None
}

/// The full paths of a `use` tree without spaces: `std::{env,time::{self,Instant}}`.
fn flatten(tree: &str, prefix: &str, into: &mut Vec<String>) {
    let Some(open) = tree.find('{') else {
        into.push(format!("{prefix}{}", tree.trim_start_matches("::")));
        return;
    };
    let prefix = format!("{prefix}{}", tree[..open].trim_start_matches("::"));
    let inner = &tree[open + 1..closing(tree, open).unwrap_or(tree.len())];
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                flatten(&inner[start..at], &prefix, into);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The same length and lines, nothing else.
fn spaces(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// The text with comments and the insides of strings blanked, and the strings.
fn blank(text: &str) -> (String, Vec<(usize, String)>) {
    let (mut code, mut strings, mut at) = (String::with_capacity(text.len()), Vec::new(), 0);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some((open, close)) = string_marks(rest, code.ends_with(is_word)) {
            let length = string_length(rest, open, &close);
            strings.push((at, rest[open..length].trim_end_matches(close.as_str()).to_owned()));
            length
        } else if c == '\'' {
            char_length(rest)
        } else {
            code.push(c);
            at += c.len_utf8();
            continue;
        };
        code.push_str(&spaces(&rest[..taken]));
        at += taken;
    }
    (code, strings)
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let step = match rest.as_bytes()[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// If a string begins here: how long its opening is, and what closes it.
fn string_marks(rest: &str, inside_word: bool) -> Option<(usize, String)> {
    let prefix = if inside_word { 0 } else { rest.bytes().take_while(|byte| b"brc".contains(byte)).count().min(2) };
    let hashes = rest[prefix..].bytes().take_while(|byte| *byte == b'#').count();
    let raw = rest[..prefix].contains('r');
    let opens = rest[prefix + hashes..].starts_with('"') && (raw || hashes == 0);
    opens.then(|| (prefix + hashes + 1, format!("\"{}", "#".repeat(hashes))))
}

fn string_length(rest: &str, open: usize, close: &str) -> usize {
    let escapes = !rest[..open].contains('r');
    let mut at = open;
    while at < rest.len() {
        if escapes && rest.as_bytes()[at] == b'\\' {
            at += 2;
        } else if rest.as_bytes()[at..].starts_with(close.as_bytes()) {
            return at + close.len();
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a character literal, or 1 for a lifetime's tick.
fn char_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some(_)) => rest[3..].find('\'').map_or(1, |at| at + 4),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}
