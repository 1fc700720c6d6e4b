//! Examples under each verb's help, in one table. Every line is run or at least parsed by a test: a wrong one fails.
//!
//! `3f2a9c` stands for an id the reader has to put in.

use clap::Command;

/// A verb's words, and the lines shown under its help. An empty path is the program itself.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "pylon practice --jobs 5          # try it: a whole market on this machine, no money, no internet",
            "pylon init                       # make an identity",
            "pylon config set provider.policy free",
            "pylon doctor                     # what is missing, and what to do about it",
            "pylon run --online               # take jobs, until Ctrl-C",
        ],
    ),
    (
        "init",
        &[
            "pylon init",
            "pylon init --import < words.txt  # an identity you have already",
            "pylon init --replace             # a new one; the old one is moved aside, not deleted",
        ],
    ),
    (
        "run",
        &[
            "pylon run --online",
            "pylon run --online --set provider.policy=free",
            "pylon --practice run --online --robot buyer   # play money, and somebody to sell to",
        ],
    ),
    (
        "start",
        &[
            "pylon start                      # comes up, takes no jobs yet",
            "pylon start --online",
            "pylon start --passphrase-fd 0 < passphrase.txt   # where nobody can be asked",
        ],
    ),
    ("restart", &["pylon restart", "pylon restart --now"]),
    ("logs", &["pylon logs -n 20", "pylon logs --follow              # until Ctrl-C"]),
    ("identity encrypt", &["pylon identity encrypt           # asks for a passphrase, twice"]),
    ("identity decrypt", &["pylon identity decrypt"]),
    (
        "service install",
        &["pylon service install --online", "pylon service install --passphrase-file passphrase.txt   # for an encrypted identity"],
    ),
    ("service print", &["pylon service print --online     # to look at it first"]),
    ("service uninstall", &["pylon service uninstall"]),
    ("online", &["pylon online"]),
    ("offline", &["pylon offline                    # finish running jobs first", "pylon offline --now"]),
    ("status", &["pylon status", "pylon status --json"]),
    ("watch", &["pylon watch", "pylon watch --json                # one JSON object a line"]),
    (
        "stop",
        &[
            "pylon stop                       # finish running jobs first",
            "pylon stop --now",
            "pylon stop --force               # also one that hangs",
        ],
    ),
    ("doctor", &["pylon doctor"]),
    ("test", &["pylon test", "pylon test \"Why is the sky blue?\""]),
    ("models", &["pylon models", "pylon models probe"]),
    ("models pull", &["pylon models pull llama3.2"]),
    ("jobs", &["pylon jobs", "pylon jobs --state failed --limit 5", "pylon jobs stats"]),
    (
        "earnings",
        &[
            "pylon earnings                   # the last 7 days",
            "pylon earnings --by model --days 30",
            "pylon earnings --by buyer --days 0   # all there ever were",
        ],
    ),
    ("jobs show", &["pylon jobs show 3f2a9c"]),
    ("jobs cancel", &["pylon jobs cancel 3f2a9c"]),
    (
        "jobs refund",
        &[
            "pylon jobs refund 3f2a9c         # to the Lightning address in the buyer's profile",
            "pylon jobs refund 3f2a9c name@wallet.example",
        ],
    ),
    ("jobs write-off", &["pylon jobs write-off 3f2a9c"]),
    ("wallet balance", &["pylon wallet balance"]),
    ("wallet", &["pylon wallet", "pylon wallet payments --limit 5", "pylon wallet limits"]),
    ("wallet receive", &["pylon wallet receive 2100 --for \"coffee\"", "pylon wallet receive --spark     # an address that stays good"]),
    (
        "wallet send",
        &[
            "pylon wallet send lnbc3f2a9c               # shows what it asks for, and asks",
            "pylon wallet send name@wallet.example --sats 500",
            "pylon wallet send lnbc3f2a9c --sats 500 --yes   # if it asks for anything else, nothing is paid",
        ],
    ),
    ("wallet deposits", &["pylon wallet deposits"]),
    (
        "wallet deposits claim",
        &["pylon wallet deposits claim 7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f:0 --max-fee 300"],
    ),
    (
        "wallet deposits refund",
        &["pylon wallet deposits refund 7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f9c7a1f:0 --to bc1q7a1f9c --fee 200"],
    ),
    ("wallet use", &["pylon wallet use regtest         # play money"]),
    ("wallet install", &["pylon wallet install", "pylon wallet install breez_sdk_spark-0.27.2.whl"]),
    (
        "wallet pin",
        &[
            "pylon wallet pin                 # how the lock on spending stands",
            "pylon wallet pin lock            # nothing is paid from now on; earning goes on",
        ],
    ),
    ("wallet pin set", &["pylon wallet pin set             # typed unseen", "pylon wallet pin set --pin-fd 0 < pins.txt"]),
    (
        "wallet pin unlock",
        &["pylon wallet pin unlock          # until it is locked again", "pylon wallet pin unlock --minutes 5   # while the node runs"],
    ),
    (
        "wallet pin reset",
        &[
            "pylon wallet pin reset           # asks for the passphrase of the identity, or else for its words",
            "pylon wallet pin reset --words-fd 0 < words.txt",
        ],
    ),
    ("wallet connect", &["pylon wallet connect             # then paste the string", "pylon wallet connect < connection.txt"]),
    (
        "job submit",
        &[
            "pylon job submit \"Why is the sky blue?\" --bid 10             # then see the offers with `pylon job status`",
            "pylon job submit \"Why is the sky blue?\" --bid 10 --pay cheapest --wait",
            "pylon job submit \"A secret\" --encrypt --provider npub1zutzeysacnf9rru6zqwmxd54mud0k44tst6l70ja5mhv8jjumytsd2x7nu",
        ],
    ),
    ("job pay", &["pylon job pay 3f2a9c"]),
    ("job status", &["pylon job status 3f2a9c"]),
    ("job cancel", &["pylon job cancel 3f2a9c"]),
    ("job list", &["pylon job list --limit 5"]),
    ("relays list", &["pylon relays list"]),
    ("relays add", &["pylon relays add wss://relay.example"]),
    ("relays remove", &["pylon relays remove wss://relay.example"]),
    ("relays test", &["pylon relays test                # the configured ones", "pylon relays test wss://relay.damus.io wss://nos.lol"]),
    ("config get", &["pylon config get provider.min_price"]),
    (
        "config set",
        &[
            "pylon config set provider.policy free",
            "pylon config set provider.min_price 5000     # msats",
            "pylon config set relays.urls wss://relay.primal.net,wss://nostr.mom",
        ],
    ),
    ("config list", &["pylon config list"]),
    ("practice", &["pylon practice", "pylon practice --jobs 50 --pairs 2 --chaos --seed 7   # does a job get lost if everything fails?"]),
    ("completions", &["pylon completions bash > ~/.pylon.bash    # then, in ~/.bashrc: source ~/.pylon.bash", "pylon completions fish"]),
    ("man", &["pylon man ~/.local/share/man/man1"]),
];

/// What ends the program's own help.
const EXIT_CODES: &str = "Exit codes:\n  0   done\n  1   not done, and you can mend it: the message says how\n  2   wrong words or a wrong config\n  3   somebody else does not answer: a relay, a model server, a wallet\n  70  a bug of ours";

/// Puts every example where it belongs.
pub fn put(command: Command) -> Command {
    EXAMPLES.iter().fold(command, |command, (path, lines)| {
        let examples = format!("Examples:\n  {}", lines.join("\n  "));
        match path.split_whitespace().collect::<Vec<_>>().as_slice() {
            [] => command.after_help(format!("{examples}\n\n{EXIT_CODES}")),
            path => below(command, path, examples),
        }
    })
}

fn below(command: Command, path: &[&str], examples: String) -> Command {
    match path {
        [] => command.after_help(examples),
        // A row of no verb is found by the test below.
        [verb, ..] if command.find_subcommand(verb).is_none() => command,
        [verb, rest @ ..] => command.mut_subcommand(*verb, |command| below(command, rest, examples)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::command;

    /// The words of a line as a shell would part them, without comments and redirections.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                '#' | '<' | '>' if !quoted => break,
                ' ' if !quoted => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
                c => word.push(c),
            }
        }
        words.extend(Some(word).filter(|word| !word.is_empty()));
        words
    }

    #[test]
    fn every_example_is_understood_and_stands_under_its_own_verb() {
        for (path, lines) in EXAMPLES {
            let mut verb = &command();
            for name in path.split_whitespace() {
                verb = verb.find_subcommand(name).unwrap_or_else(|| panic!("there is no verb {path:?}"));
            }
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in *lines {
                assert!(help.contains(line), "{path:?} does not show {line:?}");
                let words = words(line);
                if let Err(error) = command().try_get_matches_from(&words) {
                    panic!("{line:?} is no example: {error}");
                }
                let mut names = words.iter();
                assert!(path.split_whitespace().all(|name| names.any(|word| word == name)), "{line:?} is no example of {path:?}");
            }
        }
    }
}
