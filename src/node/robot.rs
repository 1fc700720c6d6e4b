//! The robot buyer: an independent client with keys and a connection of its own. It shares nothing with the node it buys
//! from but the relay, so what reaches it would reach a stranger.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nostr::{Event, Filter, Keys, Kind};
use tokio::sync::mpsc;

use crate::domain::ids::{JobId, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::request::{Input, InputKind, Sampling, Scheme};
use crate::domain::time::UnixMs;
use crate::nip90::amount::Amount;
use crate::nip90::draft::{self, RequestDraft};
use crate::nip90::feedback::{self, Status};
use crate::nip90::{FEEDBACK, result, result_kind};
use crate::relay::{LinkOptions, NostrRelays, RelayError, RelayLink as _, RelayNews, SubscriptionName};
use crate::wallet::{IdempotencyKey, Wallet};

const ANSWERS: SubscriptionName = SubscriptionName("robot-answers");
/// The largest event the robot reads.
const MAX_EVENT: usize = 1024 * 1024;
const KIND: u16 = 5050;
/// How long the relay gets to answer.
const CONNECT: Duration = Duration::from_secs(10);
/// The most it pays for an answer.
pub const MOST: MilliSats = MilliSats(1_000_000);
/// Short answers: the robot is here to see the market move.
const MAX_TOKENS: u32 = 64;

/// What the robot asks in the practice market, in turn.
pub const PROMPTS: &[&str] = &[
    "Explain in one sentence what a relay is.",
    "Name three uses of a spare computer.",
    "Write a two-line poem about electricity.",
    "What is a satoshi?",
    "Give one tip for a good night's sleep.",
];

/// A buyer that asks one job at a time.
pub struct Robot {
    link: NostrRelays,
    news: mpsc::Receiver<RelayNews>,
    keys: Keys,
    provider: Pubkey,
    /// The longest answer it asks for; `None` leaves that to the provider.
    max_tokens: Option<u32>,
    asked: u128,
    /// What it pays with; `None`: it wants its answers for free.
    purse: Option<Arc<dyn Wallet>>,
}

/// What the robot hears on the way to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A relay took the request, which is this job.
    Taken(JobId),
    /// A piece of the answer came: what is new since the piece before.
    Partial(&'a str),
}

/// A job bought.
#[derive(Debug, Clone)]
pub struct Purchase {
    pub id: JobId,
    pub text: String,
    /// Pieces of the answer that came before it.
    pub partials: u32,
    /// What it cost, without fees.
    pub paid: MilliSats,
    /// From sending the request to having the answer.
    pub took: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum BuyError {
    #[error("the request could not be written: {0}")]
    Write(String),
    #[error("no relay took the request: {0}")]
    NotSent(String),
    #[error("the provider refused: {0}")]
    Refused(String),
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    #[error("the provider wants to be paid, and it was not: {0}")]
    NotPaid(String),
    #[error("no answer came within {0} s")]
    TimedOut(u64),
    #[error("the relay connection ended")]
    Closed,
}

impl BuyError {
    /// What the operator of the provider can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Write(_) | Self::Unreadable(_) => "Please report this with the log.",
            Self::NotSent(_) => "The relay takes no requests from strangers now; see its words, or use another in relays.urls.",
            Self::Refused(_) => {
                "Change what the provider refuses in its settings, or see the job with `pylon jobs` (practice: `pylon --practice jobs`)."
            }
            Self::TimedOut(_) => {
                "See how far the job is with `pylon jobs` (practice: `pylon --practice jobs`); a slow model needs a larger provider.job_timeout_secs."
            }
            Self::NotPaid(_) => "See the price in provider.* and the wallet that should pay.",
            Self::Closed => "Check the network and the relay, then try again.",
        }
    }
}

/// What came of a request.
struct Answer {
    text: String,
    partials: u32,
    paid: MilliSats,
}

impl Robot {
    /// Connects to a relay with fresh keys, to buy from `provider`.
    pub async fn connect(relay: &str, provider: Pubkey) -> Result<Self, RelayError> {
        let keys = Keys::generate();
        let client = crate::net::http_client().map_err(|error| RelayError::Pool(error.to_string()))?;
        let options = LinkOptions::new(vec![relay.to_owned()], MAX_EVENT, keys.clone(), client);
        let (link, news) = NostrRelays::new(options)?;
        link.connect().await;
        let kinds = [Kind::from(result_kind(KIND)), Kind::from(FEEDBACK)];
        link.subscribe(ANSWERS, Filter::new().kinds(kinds).pubkey(keys.public_key())).await?;
        let mut robot = Self { link, news, keys, provider, max_tokens: Some(MAX_TOKENS), asked: 0, purse: None };
        // Asking before the relay listens for the answer would be asking in vain.
        match tokio::time::timeout(CONNECT, robot.caught_up()).await {
            Ok(true) => Ok(robot),
            Ok(false) | Err(_) => Err(RelayError::Pool(format!("{relay} did not answer within {} s", CONNECT.as_secs()))),
        }
    }

    /// As it is, but it asks for answers as long as the provider gives them to whoever names no length.
    pub fn at_length(self) -> Self {
        Self { max_tokens: None, ..self }
    }

    /// As it is, but it pays what it is asked for, up to [`MOST`].
    pub fn paying(self, purse: Arc<dyn Wallet>) -> Self {
        Self { purse: Some(purse), ..self }
    }

    /// Whose requests these are.
    pub fn pubkey(&self) -> Pubkey {
        Pubkey(self.keys.public_key().to_bytes())
    }

    /// Waits until the relay has taken the subscription. False when the connection ended.
    async fn caught_up(&mut self) -> bool {
        loop {
            match self.news.recv().await {
                Some(RelayNews::EndOfStored { .. }) => return true,
                Some(RelayNews::Event { .. } | RelayNews::Health(_)) => {}
                None => return false,
            }
        }
    }

    /// Asks for one answer and waits for it.
    pub async fn buy(&mut self, prompt: &str, scheme: Scheme, now: UnixMs, patience: Duration) -> Result<Purchase, BuyError> {
        self.buy_hearing(prompt, scheme, now, patience, &mut |_| {}).await
    }

    /// As [`Robot::buy`], telling `hear` what comes before the answer.
    pub async fn buy_hearing(
        &mut self,
        prompt: &str,
        scheme: Scheme,
        now: UnixMs,
        patience: Duration,
        hear: &mut (dyn FnMut(Heard<'_>) + Send),
    ) -> Result<Purchase, BuyError> {
        let begun = Instant::now();
        let request = self.request(prompt, scheme, now)?;
        let id = JobId(request.id.to_bytes());
        self.send(request).await?;
        hear(Heard::Taken(id));
        let answered = tokio::time::timeout(patience, self.answer(id, hear)).await;
        let answer = answered.map_err(|_| BuyError::TimedOut(patience.as_secs()))??;
        Ok(Purchase { id, text: answer.text, partials: answer.partials, paid: answer.paid, took: begun.elapsed() })
    }

    /// Says goodbye.
    pub async fn close(&self) {
        if let Some(purse) = &self.purse {
            purse.close().await;
        }
        self.link.close().await;
    }

    fn request(&mut self, prompt: &str, scheme: Scheme, now: UnixMs) -> Result<Event, BuyError> {
        // Our key is fresh, so a count tells our own requests apart.
        self.asked += 1;
        let draft = RequestDraft {
            kind: KIND,
            inputs: vec![Input { data: prompt.to_owned(), kind: InputKind::Text, relay: None, marker: None }],
            sampling: Sampling { max_tokens: self.max_tokens, ..Sampling::default() },
            model: None,
            output: None,
            bid: None,
            relays: Vec::new(),
            provider: Some(self.provider),
            scheme,
            created_at: now,
            expires_at: None,
            nonce: self.asked,
        };
        let builder = draft::write(&draft, &self.keys).map_err(|error| BuyError::Write(error.to_string()))?;
        builder.sign_with_keys(&self.keys).map_err(|error| BuyError::Write(error.to_string()))
    }

    async fn send(&self, request: Event) -> Result<(), BuyError> {
        use futures_util::StreamExt as _;
        let mut refusals = Vec::new();
        let mut outcomes = self.link.publish(request, Vec::new());
        while let Some(published) = outcomes.next().await {
            match published.outcome {
                Ok(()) => return Ok(()),
                Err(words) => refusals.push(words),
            }
        }
        Err(BuyError::NotSent(refusals.join("; ")))
    }

    /// The provider's answer to this job, and how many pieces came before it. Anybody else's words are nothing to us.
    async fn answer(&mut self, id: JobId, hear: &mut (dyn FnMut(Heard<'_>) + Send)) -> Result<Answer, BuyError> {
        let (mut partials, mut paid) = (0, MilliSats(0));
        loop {
            let event = match self.news.recv().await {
                Some(RelayNews::Event { event, .. }) => event,
                Some(RelayNews::EndOfStored { .. } | RelayNews::Health(_)) => continue,
                None => return Err(BuyError::Closed),
            };
            if event.pubkey.to_bytes() != self.provider.0 {
                continue;
            }
            if event.kind.as_u16() == FEEDBACK {
                match feedback::parse(&event, Some(&self.keys)) {
                    Ok(said) if said.job != id => {}
                    Ok(said) if said.status == Status::Error => return Err(BuyError::Refused(said.reason.unwrap_or_default())),
                    // The same quote may come twice, from two relays or after a restart of the provider.
                    Ok(said) if said.status == Status::PaymentRequired && paid.0 == 0 => paid = self.pay(said.amount.as_ref()).await?,
                    Ok(said) if said.status == Status::Partial => {
                        partials += 1;
                        hear(Heard::Partial(&said.text));
                    }
                    Ok(_) => {}
                    Err(error) => return Err(BuyError::Unreadable(error.to_string())),
                }
                continue;
            }
            match result::parse(&event, Some(&self.keys)) {
                Ok(answer) if answer.job == id => {
                    if paid.0 == 0 && answer.amount.as_ref().is_some_and(|amount| amount.invoice.is_some()) {
                        paid = self.pay(answer.amount.as_ref()).await?;
                    }
                    return Ok(Answer { text: answer.text.unwrap_or_default(), partials, paid });
                }
                Ok(_) => {}
                Err(error) => return Err(BuyError::Unreadable(error.to_string())),
            }
        }
    }

    /// Pays an offer, if it is one and not too dear.
    async fn pay(&self, amount: Option<&Amount>) -> Result<MilliSats, BuyError> {
        let not_paid = |why: String| BuyError::NotPaid(why);
        let purse = self.purse.as_ref().ok_or_else(|| not_paid("there is nothing to pay with".to_owned()))?;
        let invoice = amount.and_then(|amount| amount.invoice.clone()).ok_or_else(|| not_paid("the offer has no invoice".to_owned()))?;
        let prepared = purse.prepare(invoice).await.map_err(|error| not_paid(error.to_string()))?;
        let price = prepared.amount;
        if amount.map(|amount| amount.msats) != Some(price) {
            return Err(not_paid("the invoice asks for another amount than the offer".to_owned()));
        }
        if price > MOST {
            return Err(not_paid(format!("{} msats are too much", price.0)));
        }
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|error| not_paid(error.to_string()))?;
        let payment = purse.send(prepared, IdempotencyKey(key)).await.map_err(|error| not_paid(error.to_string()))?;
        if payment.is_settled() { Ok(price) } else { Err(not_paid(format!("the payment is {:?}", payment.state))) }
    }
}
