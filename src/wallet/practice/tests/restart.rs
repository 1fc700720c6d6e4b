//! Ends at the wrong moment, and files as they are found.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[tokio::test]
async fn a_pending_payment_ends_settled_once_after_a_restart() {
    let practice = practice().await;
    let (invoice, before) = practice.pending("interrupted").await;
    let had = money(&practice.payer).await;
    assert_eq!(had, (FUNDS.0 - 5_000, 5_000, 0));
    let Practice { relay, dirs, payee, payer } = practice;
    // Without a goodbye.
    drop((payee, payer));
    let payer = open(&options(dirs.1.path(), &relay, FUNDS)).await;
    assert_eq!(money(&payer).await, had, "what was put aside still is");
    assert_eq!(payer.payment(invoice.hash).await.unwrap().unwrap(), before);
    // The payee comes back later, and answers.
    let payee = open(&options(dirs.0.path(), &relay, MilliSats(0))).await;
    quiet(&payer).await;
    let after = payer.payment(invoice.hash).await.unwrap().unwrap();
    assert!(after.is_settled() && after.id == before.id, "{after:?}");
    assert_eq!(money(&payer).await, (FUNDS.0 - 5_000, 0, 0));
    assert_eq!(money(&payee).await, (5_000, 0, 0));
    assert_eq!(payee.payments(PaymentsQuery::default()).await.unwrap().payments.len(), 1);
}

#[tokio::test]
async fn a_payee_that_is_away_leaves_it_pending_and_is_asked_when_it_is_back() {
    let practice = practice().await;
    let invoice = ask(&*practice.payee, MilliSats(5_000), "away").await;
    practice.payee.close().await;
    let payer = &practice.payer;
    let hasty = PracticeOptions { patience: Duration::from_millis(50), ..options(practice.dirs.1.path(), &practice.relay, FUNDS) };
    payer.close().await;
    let payer = open(&hasty).await;
    let payment = send(&payer, &invoice).await.unwrap();
    assert!(payment.is_pending(), "a timeout is no failure: {payment:?}");
    assert_eq!(send(&payer, &invoice).await, Err(WalletError::AlreadyPaid), "nor a second chance");
    let payee = open(&options(practice.dirs.0.path(), &practice.relay, MilliSats(0))).await;
    quiet(&payer).await;
    assert!(payer.payment(invoice.hash).await.unwrap().unwrap().is_settled());
    assert_eq!(money(&payee).await.0, 5_000);
}

#[tokio::test]
async fn a_torn_last_line_is_cut_off_and_told() {
    let practice = practice().await;
    let invoice = ask(&*practice.payee, MilliSats(5_000), "a job").await;
    send(&practice.payer, &invoice).await.unwrap();
    practice.payer.close().await;
    let records = practice.dirs.1.path().join(RECORDS);
    let whole = fs::read(&records).unwrap();
    let options = options(practice.dirs.1.path(), &practice.relay, FUNDS);
    // Every way to be torn, also one that lacks only its end.
    let lines = whole.split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>();
    let last = lines.last().unwrap();
    for torn in [&last[..1], &last[..last.len() / 2], &last[..last.len() - 1], &[0_u8; 40]] {
        fs::write(&records, [&whole, torn].concat()).unwrap();
        let payer = open(&options).await;
        assert_eq!(payer.cut_off(), torn.len());
        assert_eq!(money(&payer).await, (FUNDS.0 - 5_000, 0, 0));
        payer.close().await;
        assert_eq!(fs::read(&records).unwrap(), whole);
    }
}

#[tokio::test]
async fn a_wallet_cut_anywhere_opens_with_its_money_accounted_for() {
    let practice = practice().await;
    for number in 0..3 {
        let invoice = ask(&*practice.payee, MilliSats(5_000), &format!("job {number}")).await;
        send(&practice.payer, &invoice).await.unwrap();
    }
    practice.payer.close().await;
    let whole = fs::read(practice.dirs.1.path().join(RECORDS)).unwrap();
    let file = practice.dirs.1.path().join("cut");
    for len in 0..=whole.len() {
        fs::write(&file, &whole[..len]).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let found = Log::open::<Book>(&file).unwrap();
        let payments = found.book.page(&PaymentsQuery::default()).payments;
        let gone = payments.iter().filter(|payment| payment.is_settled()).count() as u64 * 5_000;
        let has = found.book.balance().0 + found.book.aside().0 + gone;
        assert_eq!(has, if found.book.owner().is_some() { FUNDS.0 } else { 0 });
    }
}

#[tokio::test]
async fn anything_else_that_is_wrong_names_its_line_and_changes_nothing() {
    let practice = practice().await;
    let invoice = ask(&*practice.payee, MilliSats(5_000), "a job").await;
    send(&practice.payer, &invoice).await.unwrap();
    practice.payer.close().await;
    let records = practice.dirs.1.path().join(RECORDS);
    let whole = fs::read_to_string(&records).unwrap();
    let lines = whole.lines().collect::<Vec<_>>();
    let options = options(practice.dirs.1.path(), &practice.relay, FUNDS);
    let (first, second, third) = (lines[0], lines[1], lines[2]);
    let newer = first.replace("\"version\":1", "\"version\":2");
    for (number, why, text) in [
        (2, "no fact", format!("{first}\nnonsense\n{third}\n")),
        (2, "no fact", format!("{first}\n\n{second}\n")),
        (3, "no fact", format!("{whole}{{}}\n").replacen(third, "{}", 1)),
        (2, "begin twice", format!("{first}\n{first}\n")),
        (1, "do not begin", format!("{second}\n")),
        (1, "another version", format!("{newer}\n")),
        (4, "ended before", format!("{whole}{third}\n")),
        (4, "a key used twice", format!("{whole}{second}\n")),
        // Also when the last line is torn: nothing is cut off a file that is wrong.
        (2, "never begun", format!("{first}\n{third}\n{{\"fa")),
    ] {
        fs::write(&records, &text).unwrap();
        let error = PracticeWallet::open(options.clone()).await.unwrap_err().to_string();
        assert!(error.contains(&format!("line {number} of ")) && error.contains(why), "{why}: {error}");
        assert_eq!(fs::read_to_string(&records).unwrap(), text);
    }
}

#[tokio::test]
async fn one_wallet_is_open_once() {
    let practice = practice().await;
    let options = options(practice.dirs.0.path(), &practice.relay, MilliSats(0));
    let error = PracticeWallet::open(options.clone()).await.unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }) && error.to_string().contains("open already"), "{error}");
    practice.payee.close().await;
    PracticeWallet::open(options).await.unwrap();
}

#[tokio::test]
async fn its_files_are_closed_to_others_and_debug_hides_the_key() {
    let practice = practice().await;
    let dir = practice.dirs.0.path();
    let secret = fs::read_to_string(dir.join(KEY)).unwrap();
    assert!(!format!("{:?}", practice.payee).contains(secret.trim()));
    for name in [RECORDS, KEY] {
        assert_eq!(fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    practice.payee.close().await;
    let options = options(dir, &practice.relay, MilliSats(0));
    fs::set_permissions(dir.join(KEY), fs::Permissions::from_mode(0o640)).unwrap();
    let error = PracticeWallet::open(options.clone()).await.unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    for (content, why) in [("no key\n".to_owned(), "holds no key"), (format!("{}\n", "11".repeat(32)), "not the key of these")] {
        fs::write(dir.join(KEY), content).unwrap();
        fs::set_permissions(dir.join(KEY), fs::Permissions::from_mode(0o600)).unwrap();
        let error = PracticeWallet::open(options.clone()).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    fs::remove_file(dir.join(KEY)).unwrap();
    let error = PracticeWallet::open(options).await.unwrap_err().to_string();
    assert!(error.contains("it is gone") && !dir.join(KEY).exists(), "{error}");
}

#[tokio::test]
async fn opening_money_is_given_once() {
    let practice = practice().await;
    practice.payer.close().await;
    let options = options(practice.dirs.1.path(), &practice.relay, MilliSats(77));
    assert_eq!(money(&open(&options).await).await.0, FUNDS.0);
}
