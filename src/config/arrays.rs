//! Changing a list in the file without losing what stands around its items.

use toml_edit::{Array, Value};

/// Makes `old` hold the items of `new`. Items that stay keep their place's look and their comments; items that go take
/// the comments above and behind them along; new ones are put behind, looking like the last.
pub fn update(old: &mut Array, new: &Array) {
    let plain = |value: &Value| value.clone().decorated("", "").to_string();
    let wanted: Vec<String> = new.iter().map(plain).collect();
    let mut at = 0;
    while let Some(item) = old.get(at) {
        if wanted.contains(&plain(item)) {
            at += 1;
        } else {
            remove(old, at);
        }
    }
    let there: Vec<String> = old.iter().map(plain).collect();
    let added: Vec<Value> = new.iter().filter(|value| !there.contains(&plain(value))).cloned().collect();
    for value in added {
        push(old, value);
    }
    let order: Vec<String> = old.iter().map(plain).collect();
    if order != wanted {
        // Another order, or an item twice: then the list is written anew.
        let decor = old.decor().clone();
        *old = new.clone();
        *old.decor_mut() = decor;
    }
}

/// Takes an item out. A comment behind the item before stands in front of this one, and stays; a comment behind this one
/// stands in front of the next, and goes.
fn remove(array: &mut Array, at: usize) {
    let before = prefix(array.get(at));
    let behind = array.get(at + 1).map_or_else(|| text(array.trailing().as_str()), |next| prefix(Some(next)));
    let kept = match (before.find('\n'), behind.find('\n')) {
        (Some(head), Some(tail)) => format!("{}{}", before.get(..head).unwrap_or(""), behind.get(tail..).unwrap_or("")),
        (None, None) if at + 1 < array.len() => before,
        _ => behind,
    };
    array.remove(at);
    match array.get_mut(at) {
        Some(next) => next.decor_mut().set_prefix(kept),
        None => array.set_trailing(kept),
    }
}

/// Puts an item behind the last, on a line of its own if that one stands on one.
fn push(array: &mut Array, value: Value) {
    let look = prefix(array.iter().last());
    let indent = look.rfind('\n').and_then(|at| look.get(at..)).map(str::to_owned);
    let trailing = text(array.trailing().as_str());
    let first_line = trailing.find('\n').and_then(|at| trailing.get(..at)).unwrap_or("").to_owned();
    let prefix = match indent {
        // A comment behind the last item stays behind it.
        Some(indent) => format!("{first_line}{indent}"),
        None if array.is_empty() => String::new(),
        None => " ".to_owned(),
    };
    if let Some(rest) = trailing.get(first_line.len()..) {
        array.set_trailing(rest);
    }
    let had_comma = array.trailing_comma();
    array.push_formatted(value.decorated(prefix, ""));
    array.set_trailing_comma(had_comma);
}

fn prefix(value: Option<&Value>) -> String {
    text(value.and_then(|value| value.decor().prefix()).and_then(|prefix| prefix.as_str()))
}

fn text(raw: Option<&str>) -> String {
    raw.unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use toml_edit::DocumentMut;

    use super::*;

    fn changed(before: &str, new: &[&str]) -> String {
        let mut document: DocumentMut = before.parse().expect("toml");
        let array = document.get_mut("urls").and_then(|item| item.as_array_mut()).expect("array");
        update(array, &new.iter().copied().collect());
        let text = document.to_string();
        let read: DocumentMut = text.parse().expect("still toml");
        let items: Vec<_> = read.get("urls").and_then(|item| item.as_array()).into_iter().flatten().filter_map(Value::as_str).collect();
        assert_eq!(items, new);
        text
    }

    const COMMENTED: &str = "urls = [\n    # the first\n    \"a\", # near\n    \"b\", # far\n    # the last\n    \"c\", # slow\n] # mine\n";

    #[test]
    fn an_added_item_stands_on_its_own_line_behind_the_comments() {
        let text = changed(COMMENTED, &["a", "b", "c", "d"]);
        assert_eq!(
            text,
            "urls = [\n    # the first\n    \"a\", # near\n    \"b\", # far\n    # the last\n    \"c\", # slow\n    \"d\",\n] # mine\n"
        );
    }

    #[test]
    fn a_removed_item_takes_its_own_comments_along_and_no_others() {
        assert_eq!(
            changed(COMMENTED, &["a", "c"]),
            "urls = [\n    # the first\n    \"a\", # near\n    # the last\n    \"c\", # slow\n] # mine\n"
        );
        assert_eq!(changed(COMMENTED, &["b", "c"]), "urls = [\n    \"b\", # far\n    # the last\n    \"c\", # slow\n] # mine\n");
        assert_eq!(changed(COMMENTED, &["a", "b"]), "urls = [\n    # the first\n    \"a\", # near\n    \"b\", # far\n] # mine\n");
    }

    #[test]
    fn a_list_in_one_line_stays_in_one_line() {
        assert_eq!(changed("urls = [\"a\", \"b\", \"c\"] # mine\n", &["a", "c", "d"]), "urls = [\"a\", \"c\", \"d\"] # mine\n");
        assert_eq!(changed("urls = [\"a\", \"b\"]\n", &["b"]), "urls = [\"b\"]\n");
        assert_eq!(changed("urls = [\"a\"]\n", &["b"]), "urls = [\"b\"]\n");
        assert_eq!(changed("urls = []\n", &["b", "c"]), "urls = [\"b\", \"c\"]\n");
    }

    #[test]
    fn another_order_is_written_anew() {
        assert_eq!(changed("urls = [\"a\", \"b\"] # mine\n", &["b", "a"]), "urls = [\"b\", \"a\"] # mine\n");
    }
}
