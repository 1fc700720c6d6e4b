#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;

use proptest::prelude::*;

use super::edit::Editor;
use super::keys::KEYS;
use super::*;

struct Home {
    _dir: tempfile::TempDir,
    paths: Paths,
}

impl Home {
    fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::at(dir.path());
        if !text.is_empty() {
            fs::write(&paths.config_toml, text).unwrap();
        }
        Self { _dir: dir, paths }
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        Config::load(&self.paths, &Environment::default(), &[])
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.paths.config_toml).unwrap()
    }

    fn set(&self, key: &str, value: &str) -> Result<(), ConfigError> {
        Editor::new(&self.paths, &Environment::default(), &[]).set(key, value).map(drop)
    }

    fn get(&self, key: &str) -> String {
        Editor::new(&self.paths, &Environment::default(), &[]).get(key).unwrap()
    }
}

#[test]
fn defaults_table_and_config_have_the_same_keys() {
    let home = Home::new("");
    let loaded = home.load().unwrap();
    assert!(loaded.notices.is_empty(), "default.toml has keys the table lacks: {:?}", loaded.notices);
    // The config's types refuse unknown and missing fields, so having loaded proves that side.
    let listed = Editor::new(&home.paths, &Environment::default(), &[]).list().unwrap();
    for setting in &listed {
        assert_eq!(setting.source, "the defaults", "{} has no default", setting.key);
    }
    assert_eq!(listed.len(), KEYS.len());
    assert_eq!(loaded.config.provider.min_price, MilliSats(3000));
    assert_eq!(loaded.config.relays.urls.len(), 5);
}

#[test]
fn a_partial_file_is_enough() {
    let config = Home::new("[provider]\npolicy = \"free\"\n").load().unwrap().config;
    assert_eq!((config.provider.policy, config.provider.max_queue), (Policy::Free, 16));
}

#[test]
fn later_layers_win() {
    let home = Home::new("[provider]\nmax_queue = 2\nmax_tokens = 2\nmin_price = 2\n");
    let environment = Environment::of([("PYLON_PROVIDER__MAX_TOKENS", "3"), ("PYLON_PROVIDER__MIN_PRICE", "3"), ("PYLON_DATA_DIR", "/x")]);
    let loaded = Config::load(&home.paths, &environment, &["provider.min_price=4".parse().unwrap()]).unwrap();
    let provider = loaded.config.provider;
    assert_eq!((provider.max_queue, provider.max_tokens, provider.min_price), (2, 3, MilliSats(4)));
    assert!(loaded.notices.is_empty());
}

#[test]
fn ollamas_variable_wins_over_the_default_only() {
    let environment = Environment::of([("OLLAMA_HOST", "box:9000")]);
    let url = |text: &str| Config::load(&Home::new(text).paths, &environment, &[]).unwrap().config.backends.ollama.url;
    assert_eq!(url(""), "http://box:9000");
    assert_eq!(url("[backends.ollama]\nurl = \"http://mine:1\"\n"), "http://mine:1");
}

#[test]
fn a_bad_value_names_its_key_its_place_and_what_was_expected() {
    for (text, key, expected) in [
        ("[provider]\nquote_secs = 10\n", "provider.quote_secs", "from 60 to 300"),
        ("[provider]\npolicy = \"maybe\"\n", "provider.policy", "pay-first, result-first, free"),
        ("[relays]\nurls = [\"https://relay.example\"]\n", "relays.urls", "wss://"),
        ("[provider]\nblock = [\"bob\"]\n", "provider.block", "npub"),
        ("[node]\nauto_online = 1\n", "node.auto_online", "true or false"),
        ("provider = 3\n", "provider", "a table"),
    ] {
        let error = Home::new(text).load().unwrap_err().to_string();
        for part in [key, "config.toml", expected] {
            assert!(error.contains(part), "{error:?} lacks {part:?}");
        }
    }
    let environment = Environment::of([("PYLON_LOG__KEEP_MB", "lots")]);
    let error = Config::load(&Home::new("").paths, &environment, &[]).unwrap_err().to_string();
    assert!(error.contains("PYLON_LOG__KEEP_MB") && error.contains("log.keep_mb"), "{error}");
}

#[test]
fn broken_syntax_is_reported_with_its_line() {
    let error = Home::new("[provider]\npolicy = \n").load().unwrap_err().to_string();
    assert!(error.contains("config.toml") && error.contains("line 2"), "{error}");
}

#[test]
fn an_unknown_key_is_kept_and_named_with_the_nearest() {
    let home = Home::new("[provider]\nmin_prise = 9 # mine\n");
    let loaded = home.load().unwrap();
    assert!(loaded.notices[0].message.contains("provider.min_prise") && loaded.notices[0].hint.contains("provider.min_price"));
    home.set("provider.min_price", "5").unwrap();
    assert!(home.text().contains("min_prise = 9 # mine"));
}

#[test]
fn comments_and_order_survive_a_change() {
    let home = Home::new("# my node\n[provider] # selling\nmax_queue = 3 # enough\npolicy = \"free\"\n\n[node]\nname = \"N\"\n");
    home.set("provider.max_queue", "4").unwrap();
    home.set("provider.max_tokens", "99").unwrap();
    assert_eq!(
        home.text(),
        "# my node\n[provider] # selling\nmax_queue = 4 # enough\npolicy = \"free\"\nmax_tokens = 99\n\n[node]\nname = \"N\"\n"
    );
    assert!(matches!(home.set("provider.max_queue", "many"), Err(ConfigError::BadValue { .. })));
    assert!(home.text().contains("max_queue = 4"));
}

#[test]
fn two_who_change_the_file_at_once_lose_nothing_of_each_other() {
    let home = Home::new("# ours\n[provider]\nmax_queue = 0\n");
    std::thread::scope(|scope| {
        for key in ["provider.max_queue", "provider.max_tokens", "buyer.timeout_secs", "node.name"] {
            let home = &home;
            scope.spawn(move || (100..150).for_each(|number: u32| home.set(key, &number.to_string()).unwrap()));
        }
    });
    for key in ["provider.max_queue", "provider.max_tokens", "buyer.timeout_secs", "node.name"] {
        assert_eq!(home.get(key), "149", "{key}");
    }
    assert!(home.text().starts_with("# ours\n"));
}

#[test]
fn a_first_setting_makes_the_file() {
    let home = Home::new("");
    home.set("backends.ollama.url", "http://box:1").unwrap();
    home.set("relays.urls", "wss://a.example, wss://b.example").unwrap();
    let config = home.load().unwrap().config;
    assert_eq!(config.backends.ollama.url, "http://box:1");
    assert_eq!(config.relays.urls, ["wss://a.example", "wss://b.example"]);
}

#[test]
fn an_earlier_programs_file_is_taken_over_once_and_kept() {
    let old = "name = \"Old\"\nrelays = [\"wss://a.example\"]\nmin_price_msats = 7000\nrequire_payment = false\nnetwork = \"regtest\"\n";
    let home = Home::new(old);
    let loaded = home.load().unwrap();
    assert_eq!(loaded.config.relays.urls, ["wss://a.example"]);
    assert_eq!((loaded.config.provider.min_price, loaded.config.provider.policy), (MilliSats(7000), Policy::Free));
    assert!(loaded.notices[0].message.contains("min_price_msats is now provider.min_price"), "{:?}", loaded.notices);
    assert_eq!(fs::read_to_string(home.paths.config_toml.with_extension("toml.old")).unwrap(), old);
    let again = home.load().unwrap();
    assert_eq!(again.config, loaded.config);
    assert!(again.notices.iter().all(|notice| notice.message.contains("no setting name")), "{:?}", again.notices);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Changing one setting gives that value and leaves every other as it was.
    #[test]
    fn a_change_changes_one_thing(queue in 0..=1000u32, name in "[a-zA-Z0-9 #=\\[\\]\"'é]{0,20}", key in 0..2usize) {
        let home = Home::new("[provider]\nmin_price = 1 # one\n[mine]\nx = 1\n");
        let (key, value) = [("provider.max_queue", queue.to_string()), ("node.name", format!("\"{}\"", name.replace('"', "\\\"")))][key].clone();
        let before = Editor::new(&home.paths, &Environment::default(), &[]).list().unwrap();
        home.set(key, &value).unwrap();
        let expected = if key == "node.name" { name } else { value };
        prop_assert_eq!(home.get(key), expected);
        let after = Editor::new(&home.paths, &Environment::default(), &[]).list().unwrap();
        for (one, other) in before.iter().zip(&after).filter(|(one, _)| one.key != key) {
            prop_assert_eq!(&one.value, &other.value);
        }
        prop_assert!(home.text().contains("# one") && home.text().contains("[mine]"));
    }
}
