//! An event from a relay becomes a job, a refusal, or nothing.
//!
//! The decision is made at once, in the order events arrive, so that load and limits are counted right; the claim is
//! committed beside it. Only a committed claim gets a place in the queue, and only a committed refusal gets an answer,
//! so a copy from another relay or after a restart gets neither.

use std::sync::Arc;

use nostr::{Event, JsonUtil as _};
use sha2::{Digest as _, Sha256};

use super::queue::Accepted;
use super::voice::Words;
use super::{Context, Finished, Provider};
use crate::domain::admission::{self, Admitted, Load, Refusal};
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::job::Policy;
use crate::domain::quote::Deal;
use crate::domain::request::{Address, JobRequest};
use crate::domain::time::UnixMs;
use crate::inference::InferenceError;
use crate::nip90::REQUESTS;
use crate::nip90::cancel::{self, Cancellation};
use crate::nip90::request::{self, Fault, ParseError};
use crate::node::event::{NodeEvent, sentence};
use crate::node::trouble::Obstacle;
use crate::store::{Claim, NewJob};

impl Provider {
    /// Takes an event a relay sent. Already verified, given once per start.
    pub(super) fn arrived(&mut self, event: Event) {
        if event.kind == nostr::Kind::EventDeletion {
            self.cancellation(&event);
        } else if self.open && REQUESTS.contains(&event.kind.as_u16()) && self.can_begin() {
            // What cannot be written down is not answered either: the relays are asked for it again once it can be.
            self.consider(event);
        }
    }

    fn consider(&mut self, event: Event) {
        let now = self.context.clock.now();
        if self.settings.rules().blocked.contains(&Pubkey(event.pubkey.to_bytes())) {
            // Before anything that costs: no decryption for a key the operator has turned away.
            return self.turn_away(&event, &Refusal::Blocked, now);
        }
        let request = match request::read(&event, self.context.identity.nostr_keys()) {
            Ok(request) => request,
            Err(ParseError { fault: Fault::NotForUs, .. }) => return,
            Err(error) => {
                let (id, code, reason) = (JobId(event.id.to_bytes()), error.code(), sentence(&error));
                let telling = if error.addressed() { Telling::Sender(Box::new(event)) } else { Telling::Nobody };
                return self.count(id, code, reason, telling, now);
            }
        };
        match self.decide(&request, now) {
            Ok((admitted, deal)) => self.claim(request, admitted, deal, event, now),
            Err(refusal) if request.address == Address::Targeted && refusal.is_overload() => {
                self.count(request.id, refusal.code(), refusal.to_string(), Telling::Buyer(Box::new(request)), now);
            }
            Err(refusal) if request.address == Address::Targeted => self.refuse(request, &event, refusal, now),
            Err(refusal) => self.turn_away(&event, &refusal, now),
        }
    }

    fn decide(&self, request: &JobRequest, now: UnixMs) -> Result<(Admitted, Deal), Refusal> {
        let obstacle = self.context.board.obstacle();
        // Before its age is looked at: nobody is told to check his clock by ours.
        if obstacle == Some(Obstacle::Clock) && !self.guests.contains(&request.buyer) {
            return Err(Refusal::ClockOff);
        }
        let load = Load {
            waiting: self.waiting.len() + self.claiming,
            running: self.running.len(),
            buyer_last_hour: self.buyers.last_hour(&request.buyer, now),
            open_quotes: self.till.open(),
            buyer_open_quotes: self.till.open_of(&request.buyer),
        };
        let admitted = admission::admit(request, self.settings.rules(), load, now)?;
        self.check_model(request)?;
        let deal = self.deal(request, &admitted);
        if obstacle == Some(Obstacle::Wallet) && deal.policy != Policy::Free {
            return Err(Refusal::WalletAway);
        }
        match request.bid {
            Some(bid) if bid < deal.price => Err(Refusal::BidTooLow { bid, price: deal.price.ceil_sats() }),
            _ => Ok((admitted, deal)),
        }
    }

    /// What the job is done for, by the model that would run it now.
    fn deal(&self, request: &JobRequest, admitted: &Admitted) -> Deal {
        if self.guests.contains(&request.buyer) {
            return Deal::FREE;
        }
        let first = self.settings.menu().first(&self.context.registry.health()).unwrap_or_default();
        let model = self.context.registry.resolve(request.model.as_deref(), &first);
        let model = model.map(|(_, model)| model.name).unwrap_or_default();
        self.settings.deal(&model, admitted.prompt.chars().count() as u64, admitted.sampling.max_tokens.unwrap_or_default())
    }

    fn check_model(&self, request: &JobRequest) -> Result<(), Refusal> {
        let offered = self.settings.menu().offered(&self.context.registry.health());
        let Some(asked) = request.model.as_deref() else {
            return if offered.is_empty() { Err(Refusal::NoModelReady) } else { Ok(()) };
        };
        match self.context.registry.resolve(Some(asked), "") {
            Ok((_, model)) if offered.contains(&model.name) => Ok(()),
            Err(InferenceError::NothingReady) => Err(Refusal::NoModelReady),
            _ if offered.is_empty() => Err(Refusal::NoModelReady),
            _ => Err(Refusal::ModelNotServed { model: asked.chars().take(80).collect(), offered: offered.join(", ") }),
        }
    }

    fn claim(&mut self, request: JobRequest, admitted: Admitted, deal: Deal, event: Event, now: UnixMs) {
        self.buyers.note(request.buyer, now);
        self.claiming += 1;
        let job = self.row(&request, &event, Some(&admitted.prompt), deal, now);
        let context = Arc::clone(&self.context);
        self.work.push(Box::pin(async move {
            let created = request.created_at.as_secs();
            match context.store.claim(job).await {
                Ok(Claim::New(row)) => context.tell_job(*row),
                Ok(Claim::Known) => return Finished::Claimed(None),
                Err(error) => {
                    context.ledger_fault("a new job", &error);
                    return Finished::Claimed(None);
                }
            }
            context.move_cursor(created).await;
            Finished::Claimed(Some(Box::new(Accepted { request, admitted, event: Box::new(event), deal })))
        }));
    }

    /// Refuses a request that names us: a row, a counter, and feedback that says why. The row is there to be looked up, and
    /// has the text's hash alone: strangers could fill the disk with what nobody is going to work on.
    fn refuse(&self, request: JobRequest, event: &Event, refusal: Refusal, now: UnixMs) {
        let job = NewJob { prompt: None, request_json: None, ..self.row(&request, event, None, Deal::FREE, now) };
        let (context, voice) = (Arc::clone(&self.context), self.voice.clone());
        self.context.tasks.spawn("refusal", async move {
            let (code, reason) = (refusal.code(), refusal.to_string());
            match context.store.refuse(job, code, reason.clone()).await {
                Ok(Claim::New(row)) => context.tell_job(*row),
                Ok(Claim::Known) => return,
                Err(error) => return context.ledger_fault("a refusal", &error),
            }
            context.count_refused(code);
            if refusal.is_answered() {
                voice.say(&request, Words::Error { reason: &reason });
            }
        });
    }

    /// Turns an open request away.
    fn turn_away(&self, event: &Event, refusal: &Refusal, now: UnixMs) {
        self.count(JobId(event.id.to_bytes()), refusal.code(), refusal.to_string(), Telling::Nobody, now);
    }

    /// Turns away what gets no row.
    fn count(&self, id: JobId, code: &'static str, reason: String, telling: Telling, now: UnixMs) {
        let (context, voice) = (Arc::clone(&self.context), self.voice.clone());
        self.context.tasks.spawn("refusal", async move {
            // Remembered, so that a restart neither counts it nor answers it again.
            match context.store.turn_away(id, code, now).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return context.ledger_fault("a refusal", &error),
            }
            context.count_refused(code);
            match telling {
                Telling::Buyer(request) => voice.say(&request, Words::Error { reason: &reason }),
                Telling::Sender(event) => voice.refuse_unreadable(&event, &reason),
                Telling::Nobody => {}
            }
        });
    }

    fn row(&self, request: &JobRequest, event: &Event, prompt: Option<&str>, deal: Deal, now: UnixMs) -> NewJob {
        let text = prompt.map_or_else(|| joined(request), str::to_owned);
        let keep = self.settings.stores_text();
        NewJob {
            policy: deal.policy,
            prompt_sha256: sha256(&text),
            prompt_chars: text.chars().count() as u64,
            prompt: keep.then_some(text),
            request_json: keep.then(|| event.as_json()),
            price: deal.price,
            seen_at: now,
            request: request.clone(),
        }
    }

    /// Only the buyer who asked may call a job off; a job we do not have is nobody's business.
    fn cancellation(&self, event: &Event) {
        let Some(Cancellation { author, jobs, .. }) = cancel::parse(event) else { return };
        for id in jobs.into_iter().take(MAX_NAMED) {
            let context = Arc::clone(&self.context);
            self.work.push(Box::pin(async move {
                match context.store.row(id).await {
                    Ok(Some(row)) if row.buyer == author => Finished::CalledOff(id),
                    _ => Finished::Nothing,
                }
            }));
        }
    }
}

/// Jobs one deletion may name; more is an attack on the ledger.
const MAX_NAMED: usize = 16;

impl Context {
    fn count_refused(&self, code: &str) {
        self.board.update(|status| status.refused += 1);
        self.outlet.tell(NodeEvent::Refused { code: code.to_owned() });
    }

    async fn move_cursor(&self, created_secs: u64) {
        let now = self.clock.now().as_secs();
        // A request from the future must not move the cursor past requests that are still to come.
        if let Err(error) = self.store.set_cursor(super::REQUESTS.0, created_secs.min(now)).await {
            tracing::warn!("The cursor could not be moved: {error}.");
        }
    }
}

/// Who hears of a refusal that is only counted.
enum Telling {
    Buyer(Box<JobRequest>),
    /// Of what could not be read.
    Sender(Box<Event>),
    Nobody,
}

/// What a job is resumed from after a restart.
pub(super) fn reread(json: &str, context: &Context) -> Option<(JobRequest, Box<Event>)> {
    let event = Event::from_json(json).ok()?;
    let request = request::read(&event, context.identity.nostr_keys()).ok()?;
    Some((request, Box::new(event)))
}

fn joined(request: &JobRequest) -> String {
    request.inputs.iter().map(|input| input.data.as_str()).collect::<Vec<_>>().join("\n\n")
}

pub(super) fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
