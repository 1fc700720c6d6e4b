//! The helper is killed, again and again, at moments that a seed decides.

use std::path::Path;

use lightning_invoice::Currency;
use pylon_hud::config::Environment;
use pylon_hud::domain::ids::PaymentHash;
use pylon_hud::node::{NodeCommand, NodeEvent};
use pylon_hud::wallet::spark::{Launcher, SparkWallet};
use pylon_hud::wallet::{AddressKind, DestinationKind, Health, Helper, Wallet as _, WalletError};
use rustix::process::Signal;

use super::real::invoice;
use super::{ADDRESS, WORDS, library, options, process};
use crate::common::{Market, Running, Scripted, soon};
use crate::daemon::signal;

const CALLS: usize = 200;

fn pid(health: &Health) -> Option<u32> {
    if let Helper::Running { pid } = health.helper { Some(pid) } else { None }
}

/// Whether this is a process, alive or unburied.
fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_lost_and_no_process_left_when_the_helper_is_killed_in_the_middle_of_calls() {
    let Some(library) = library() else { return };
    let dir = tempfile::tempdir().unwrap();
    let wallet = soon("the wallet", SparkWallet::open(options(process(), library, dir.path()))).await.unwrap();
    let bolt11 = invoice(Currency::Regtest, 77);
    let mut dice = fastrand::Rng::with_seed(7);
    let mut killed = Vec::new();
    for number in 0..CALLS {
        let (patience, is_kill) = (dice.usize(0..400), dice.usize(0..8) == 0);
        let killing = async {
            for _ in 0..patience {
                tokio::task::yield_now().await;
            }
            let victim = pid(&wallet.health().unwrap()).filter(|_| is_kill);
            victim.inspect(|victim| signal(*victim, Signal::KILL))
        };
        let what = format!("call {number}");
        let calling = soon(&what, async {
            match number % 4 {
                0 => assert_eq!(wallet.address(AddressKind::Spark).await.as_deref(), Ok(ADDRESS)),
                1 => {
                    let found = wallet.inspect(bolt11.clone()).await.unwrap();
                    assert_eq!((found.kind, found.to.as_str()), (DestinationKind::Invoice, bolt11.as_str()));
                }
                2 => assert_eq!(wallet.payments(Default::default()).await.unwrap().payments, []),
                _ => match wallet.payment(PaymentHash([3; 32])).await {
                    Ok(found) => assert_eq!(found, None),
                    // The list was not read yet, and it says so.
                    Err(error) => assert!(matches!(error, WalletError::Unreachable(_)), "{error}"),
                },
            }
        });
        let (victim, ()) = tokio::join!(killing, calling);
        killed.extend(victim);
    }
    assert!(killed.len() >= 5, "{killed:?}");
    soon("the last helper", async {
        while pid(&wallet.health().unwrap()).is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let health = wallet.health().unwrap();
    assert!(health.restarts >= 5, "{health:?}");
    let last = pid(&health).unwrap();
    wallet.close().await;
    for pid in killed.into_iter().chain([last]) {
        assert!(!is_there(pid), "process {pid} is left");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_that_is_exchanged_while_the_wallet_is_open_is_not_loaded_by_the_next_helper() {
    let Some(library) = library() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (file, other) = (dir.path().join("library.so"), dir.path().join("other.so"));
    std::fs::copy(library, &file).unwrap();
    let wallet = soon("the wallet", SparkWallet::open(options(process(), &file, &dir.path().join("wallet")))).await.unwrap();
    std::fs::write(&other, "another library").unwrap();
    std::fs::rename(&other, &file).unwrap();
    assert_eq!(wallet.address(AddressKind::Spark).await.as_deref(), Ok(ADDRESS), "the one that is loaded stays");
    signal(pid(&wallet.health().unwrap()).unwrap(), Signal::KILL);
    soon("the refusal", async {
        while !matches!(wallet.health().unwrap().helper, Helper::Refused { why } if why.contains("not the Spark library")) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    std::fs::copy(library, &other).unwrap();
    std::fs::rename(&other, &file).unwrap();
    // What was asked meanwhile is answered when the right one is back.
    assert_eq!(soon("the address", wallet.address(AddressKind::Spark)).await.as_deref(), Ok(ADDRESS));
    wallet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_helper_is_killed_says_that_it_is_restarting_and_goes_on() {
    let Some(library) = library() else { return };
    let market = Market::new().await;
    std::fs::remove_file(&market.paths.identity_mnemonic).unwrap();
    let words = secrecy::SecretString::from(WORDS);
    pylon_hud::identity::Identity::import(&market.paths, words, pylon_hud::identity::Replace::Never).unwrap();
    let named = format!("wallet.spark_library=\"{}\"", library.display());
    let settings = ["wallet.kind=\"spark\"", named.as_str(), "provider.policy=\"free\""];
    let mut options = market.real_options(Scripted::quick(&["Hello."]), &settings);
    // A program that can be taken away, so that a restart lasts as long as this test looks at it.
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("pylon");
    let there = || std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pylon"), &program).unwrap();
    there();
    options.spark = Some(Launcher::Process { program: program.clone(), environment: Environment::default() });
    options.spark_servers = pylon_hud::wallet::spark::protocol::Servers::Nobody;
    let node = Running::launch(options);
    node.done(NodeCommand::Start).await;
    let health = async || match node.call(NodeCommand::WalletHealth).await {
        NodeEvent::WalletHealth { health: Some(health) } => *health,
        event => panic!("{event:?}"),
    };
    let until = async |so: &dyn Fn(&Health) -> bool| {
        soon("the helper", async {
            loop {
                let health = health().await;
                if so(&health) {
                    return health;
                }
            }
        })
        .await
    };
    let running = until(&|health| pid(health).is_some()).await;
    assert!(running.identity.as_deref().is_some_and(|key| key.starts_with("02698b27") && key.ends_with("6abc")), "{running:?}");
    let first = pid(&running).unwrap();
    std::fs::remove_file(&program).unwrap();
    signal(first, Signal::KILL);
    let restarting = until(&|health| !matches!(health.helper, Helper::Running { pid } if pid == first)).await;
    assert!(matches!(&restarting.helper, Helper::Restarting { why } if why.contains("ended") || why.contains("start")), "{restarting:?}");
    // The node is there, and takes commands, meanwhile and afterwards.
    assert!(node.status().await.running);
    there();
    let again = until(&|health| pid(health).is_some_and(|pid| pid != first)).await;
    assert_eq!(again.identity, running.identity);
    match node.call(NodeCommand::Address { kind: AddressKind::Spark }).await {
        NodeEvent::Address { address, .. } => assert_eq!(address, ADDRESS),
        event => panic!("{event:?}"),
    }
    let last = pid(&again).unwrap();
    node.stop();
    assert!(!is_there(first) && !is_there(last), "helpers are left");
}
