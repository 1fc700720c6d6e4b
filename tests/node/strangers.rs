//! Buying while strangers talk in between: whoever was asked is heard, paid and answers all the same.

use nostr_sdk::prelude::Timestamp;
use pylon_hud::domain::money::MilliSats;
use pylon_hud::domain::purchase::{AutoPay, PurchaseState};
use pylon_hud::node::Ask;

use crate::buying::{Crook, Customer, ask};
use crate::common::Market;

/// What a stranger does before the provider that was asked has made its offer.
#[derive(Debug, Clone, Copy)]
enum Trick {
    /// Sends as many offers as a request keeps.
    Flood,
    /// Sends the very invoice the provider is about to send.
    Copy,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_who_floods_or_copies_keeps_nobody_from_being_paid() {
    let market = Market::new().await;
    let customer = Customer::new(&market, &[]).await;
    let mut spent = 0;
    for trick in [Trick::Flood, Trick::Copy] {
        let (asked, stranger) = (Crook::new(&market).await, Crook::new(&market).await);
        let id = customer.ask(Ask { provider: Some(asked.key()), ..ask(AutoPay::First) }).await;
        customer.request_in(id, PurchaseState::Published).await;
        let invoice = asked.invoice(3, 600).await;
        match trick {
            Trick::Copy => stranger.offer(id, "3000", &invoice).await,
            Trick::Flood => {
                for number in 0..64 {
                    stranger.offer(id, "3000", &format!("lnsb30u1nonsense{number}")).await;
                }
            }
        }
        asked.offer(id, "3000", &invoice).await;
        let paid = customer.request_in(id, PurchaseState::Paid).await;
        assert_eq!((paid.row.provider, paid.row.paid), (Some(asked.key()), MilliSats(3_000)), "{trick:?}");
        assert_eq!(paid.row.reason, None, "{trick:?}: what a stranger sends is no reason for anything");
        assert_eq!(paid.offers.len(), 1, "{trick:?}: a stranger's offers take no place");
        let name = id.to_string();
        let tags: [&[&str]; 1] = [&["e", &name]];
        asked.hand.send(asked.hand.sign(6050, &tags, "As promised.", Timestamp::now())).await;
        assert_eq!(customer.request_in(id, PurchaseState::Done).await.answer.as_deref(), Some("As promised."), "{trick:?}");
        spent += 3_000;
        assert_eq!(customer.spent().await, spent, "{trick:?}");
    }
    customer.node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_invoice_of_an_open_request_reaches_its_maker_who_may_answer() {
    let market = Market::new().await;
    let customer = Customer::new(&market, &[]).await;
    let (maker, stranger) = (Crook::new(&market).await, Crook::new(&market).await);
    let id = customer.ask(ask(AutoPay::First)).await;
    customer.request_in(id, PurchaseState::Published).await;
    let invoice = maker.invoice(3, 600).await;
    stranger.offer(id, "3000", &invoice).await;
    assert_eq!(customer.request_in(id, PurchaseState::Paid).await.row.provider, Some(stranger.key()));
    maker.offer(id, "3000", &invoice).await;
    let both = customer.request_where(id, "both offers", |detail| detail.offers.len() == 2).await;
    assert!(both.offers.iter().all(|offer| offer.flaw.is_none()), "{:?}", both.offers);
    let name = id.to_string();
    let tags: [&[&str]; 1] = [&["e", &name]];
    maker.hand.send(maker.hand.sign(6050, &tags, "For my money.", Timestamp::now())).await;
    let done = customer.request_in(id, PurchaseState::Done).await;
    assert_eq!((done.answer.as_deref(), done.row.provider), (Some("For my money."), Some(maker.key())));
    assert_eq!(customer.spent().await, 3_000, "one invoice is paid once");
    customer.node.stop();
}
